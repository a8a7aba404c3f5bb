//! Matrices of all pairs.

use super::{Kernel, RowKernel, STRETCH, TILE, TileKernel};
use crate::error::product;
use crate::parallel::{self, Poll};
use crate::simd;
use crate::sink::{Bands, DenseSink};
use crate::{Error, Result};

/// Fills the row-major matrix `out` with every pair, tile by tile.
///
/// With `symmetric`, rows and columns are the same samples: each unordered pair is computed once and written twice.
/// At the end, `poll` has been called with [`pair_count`] pairs in all.
///
/// # Cost
/// [`pair_count`] comparisons; beside `out`, memory for one tile per thread.
///
/// # Errors
/// [`Error::Argument`] where `out` is not of the kernel's shape, or a symmetric matrix not square;
/// [`Error::Interrupted`] where `poll` says no; [`Error::Internal`] where the kernel panics.
pub fn dense<K: TileKernel>(
    kernel: &K,
    symmetric: bool,
    out: &mut [K::Output],
    threads: usize,
    poll: Poll,
) -> Result<()> {
    let (rows, cols) = check_shape(kernel, out)?;
    if symmetric && rows != cols {
        return Err(Error::argument(
            "a symmetric matrix",
            format!("of {rows} x {cols} cells"),
            "as many rows as columns",
        ));
    }
    let sink = DenseSink::new(out, rows, cols, symmetric);
    let scratch = || (kernel.scratch(), vec![K::Output::default(); TILE * TILE]);
    let estimated_ns = kernel.estimated_ns() * if symmetric { 0.5 } else { 1.0 };
    parallel::run(
        sink.len(),
        threads,
        estimated_ns,
        poll,
        scratch,
        |own, task, progress| {
            let (scratch, values) = own;
            let mut go_on = |pairs: usize| progress.advance(pairs as u64);
            if kernel.tile(scratch, sink.tile(task), values, &mut go_on) {
                sink.put(task, values);
            }
        },
    )?;
    Ok(())
}

/// Matrices above this size do not stay in the caches until they are read. They are written past the caches, so the
/// processor does not have to read their lines first.
const STREAM_BYTES: usize = 16 << 20;

/// Columns that all rows of a band are compared with before others are: what is known of them stays in the first-level
/// cache.
const PART: usize = 2 * STRETCH;

/// The part of a line that begins near column `first`, and where it begins. Parts that are written past the caches
/// begin on a cache line, the first of a line excepted, so that no cache line is written half by one and half by
/// another.
fn part_of(line: &mut [f32], first: usize, streams: bool) -> (&mut [f32], usize) {
    let ahead = if streams {
        line.as_ptr().align_offset(64)
    } else {
        0
    };
    let (length, ahead) = (line.len(), ahead % 16);
    let place = |first: usize| {
        if first == 0 {
            0
        } else {
            (first + ahead).min(length)
        }
    };
    let end = if first + PART >= length {
        length
    } else {
        place(first + PART)
    };
    let first = place(first);
    (&mut line[first..end], first)
}

/// Fills the row-major matrix `out` with every pair, whole rows at a time and straight into the matrix.
///
/// A symmetric matrix needs no other treatment: each unordered pair is computed twice. `poll` hears of as many pairs
/// as the matrix has cells.
///
/// # Cost
/// A comparison per cell; no memory beside `out`.
///
/// # Errors
/// As [`dense`].
pub fn dense_by_rows<K: RowKernel>(kernel: &K, out: &mut [f32], threads: usize, poll: Poll) -> Result<()> {
    let (_, cols) = check_shape(kernel, out)?;
    let streams = size_of_val(out) > STREAM_BYTES;
    let bands = Bands::new(out, cols);
    parallel::run(
        bands.len(),
        threads,
        kernel.estimated_ns(),
        poll,
        || kernel.scratch(),
        |scratch, _, progress| {
            let Some((rows, cells)) = bands.take() else { return };
            let pairs = cells.len();
            for first in (0..cols).step_by(PART) {
                for (i, line) in rows.clone().zip(cells.chunks_exact_mut(cols)) {
                    let (part, first) = part_of(line, first, streams);
                    kernel.row(scratch, i, first, part, streams);
                }
            }
            simd::fence();
            // Once per band: an atomic operation waits for all earlier streamed stores.
            progress.advance(pairs as u64);
        },
    )?;
    Ok(())
}

fn check_shape<K: Kernel>(kernel: &K, out: &[K::Output]) -> Result<(usize, usize)> {
    let (rows, cols) = kernel.shape();
    if out.len() == product(&[rows, cols], "a matrix")? {
        return Ok((rows, cols));
    }
    let given = format!("an array of {} cells", out.len());
    Err(Error::argument("out", given, format!("{rows} x {cols} cells")))
}

/// The number of pairs that [`dense`] computes, the unit of its progress.
pub fn pair_count(rows: usize, cols: usize, symmetric: bool) -> u64 {
    let (rows, cols) = (rows as u64, cols as u64);
    if symmetric {
        rows * (rows + 1) / 2
    } else {
        rows * cols
    }
}
