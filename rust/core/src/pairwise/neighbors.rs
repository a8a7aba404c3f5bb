//! The neighbours of every sample, without the matrix.

use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};

use super::{Bounded, Csr, GoOn, Kernel, RowKernel, Rule, STRETCH, TILE, Tile, TileKernel};
use crate::parallel::{self, Poll};
use crate::sink::NeighborSink;
use crate::{Error, Result};

/// Finds the neighbours of every sample among the others, tile by tile: each unordered pair once.
///
/// The kernel compares one set with itself. `names[position]` is the caller's number of the sample at a position, for
/// kernels whose samples were sorted to make bounds tight; it decides ties. Tiles near the diagonal come first, where
/// such an order has the best neighbours; tiles whose bound is too low for any neighbour are skipped.
///
/// # Cost
/// At most n (n − 1) / 2 comparisons of n samples, fewer where bounds rule tiles out. Every thread keeps 8 bytes for
/// each neighbour that it met: with `top_k` for at most 2 `top_k` + 16 neighbours per sample, without it for every pair
/// that reaches the threshold, which can be all.
///
/// # Errors
/// [`Error::Argument`] where `names` is not each number below the number of samples once; [`Error::Memory`] where the
/// neighbours do not fit; [`Error::Interrupted`] and [`Error::Internal`] as in [`dense`](super::dense).
pub fn neighbors<K: TileKernel + Bounded>(
    kernel: &K,
    names: &[u32],
    rule: Rule,
    threads: usize,
    poll: Poll,
) -> Result<Csr> {
    by_tiles(
        kernel,
        names,
        rule,
        threads,
        poll,
        |scratch, tile, floors, values, go_on| match rule.top_k {
            None => kernel.tile_above(scratch, tile, floors, values, go_on),
            // Floors that rise slowly rule out too little to pay for a look at every pair.
            Some(_) => kernel.tile(scratch, tile, values, go_on),
        },
    )
}

/// As [`neighbors`], with the rows of a fast kernel.
///
/// With `top_k` each pair is computed twice, but all of a row at once: its list of neighbours stays in the cache.
///
/// # Cost
/// With `top_k` at most n² comparisons, and the lists of each sample on one thread alone; else as [`neighbors`].
///
/// # Errors
/// As [`neighbors`].
pub fn neighbors_by_rows<K: RowKernel + Bounded>(
    kernel: &K,
    names: &[u32],
    rule: Rule,
    threads: usize,
    poll: Poll,
) -> Result<Csr> {
    if rule.top_k.is_some() {
        return by_bands(kernel, names, rule, threads, poll);
    }
    by_tiles(
        kernel,
        names,
        rule,
        threads,
        poll,
        |scratch, tile, _, values, go_on| {
            for (i, line) in tile.rows.clone().zip(values.chunks_exact_mut(tile.cols.len())) {
                kernel.row(scratch, i, tile.cols.start, line, false);
            }
            go_on(tile.pairs())
        },
    )
}

/// The number of samples, each of which has one name.
pub(super) fn check_names<K: Kernel>(kernel: &K, names: &[u32]) -> Result<usize> {
    let (count, cols) = kernel.shape();
    let mut seen = vec![false; count];
    let mut is_new = |&name: &u32| {
        seen.get_mut(name as usize)
            .is_some_and(|seen| !std::mem::replace(seen, true))
    };
    if count == cols && names.len() == count && names.iter().all(&mut is_new) {
        return Ok(count);
    }
    Err(Error::argument(
        "names",
        format!("an array of {} numbers", names.len()),
        format!("each number below {count} once"),
    ))
}

fn by_tiles<K: Bounded>(
    kernel: &K,
    names: &[u32],
    rule: Rule,
    threads: usize,
    poll: Poll,
    compare: impl Fn(&mut K::Scratch, &Tile, &[f32], &mut [f32], GoOn) -> bool + Sync,
) -> Result<Csr> {
    let count = check_names(kernel, names)?;
    let exhausted = AtomicBool::new(false);
    let bands = count.div_ceil(TILE);
    let parts = parallel::run(
        bands * (bands + 1) / 2,
        threads,
        0.5 * kernel.estimated_ns(),
        poll,
        || {
            let sink = NeighborSink::new(count, rule);
            (kernel.scratch(), vec![0.0; TILE * TILE], sink)
        },
        |(scratch, values, sink), task, progress| {
            if exhausted.load(Ordering::Relaxed) {
                return;
            }
            let tile = &tile_at(task, count);
            let mut go_on = |pairs: usize| progress.advance(pairs as u64);
            if !sink.may_take(tile.rows.clone().chain(tile.cols.clone()), kernel.bound(tile)) {
                go_on(tile.pairs());
            } else if compare(scratch, tile, sink.floors(), values, &mut go_on) {
                sink.take(tile, values, names);
            }
            exhausted.fetch_or(sink.is_exhausted(), Ordering::Relaxed);
        },
    )?;
    NeighborSink::merge(parts.into_iter().map(|(_, _, sink)| sink), rule, names)
}

/// Tile number `task` of the diagonal and of what is above it, diagonal by diagonal from the main one outwards: near
/// neighbours first. A list of all tiles would take 10 GB for a million samples.
fn tile_at(task: usize, count: usize) -> Tile {
    let bands = count.div_ceil(TILE);
    // Diagonal d has bands - d tiles, and `before(d)` tiles come before it.
    let before = |d: usize| d * (2 * bands + 1 - d) / 2;
    let side = (2 * bands + 1) as f64;
    let root = (side * side - 8.0 * task as f64).max(0.0).sqrt();
    let mut diagonal = (((side - root) / 2.0) as usize).min(bands - 1);
    // The root is rounded.
    while before(diagonal) > task {
        diagonal -= 1;
    }
    while diagonal + 1 < bands && before(diagonal + 1) <= task {
        diagonal += 1;
    }
    let band = |at: usize| at * TILE..((at + 1) * TILE).min(count);
    let row = task - before(diagonal);
    if diagonal == 0 {
        Tile::on_diagonal(band(row))
    } else {
        Tile::new(band(row), band(row + diagonal))
    }
}

fn by_bands<K: RowKernel + Bounded>(
    kernel: &K,
    names: &[u32],
    rule: Rule,
    threads: usize,
    poll: Poll,
) -> Result<Csr> {
    let count = check_names(kernel, names)?;
    let exhausted = AtomicBool::new(false);
    let parts = parallel::run(
        count.div_ceil(TILE),
        threads,
        kernel.estimated_ns(),
        poll,
        || (kernel.scratch(), NeighborSink::new(count, rule), Vec::new()),
        |(scratch, sink, found), band, progress| {
            let rows = band * TILE..((band + 1) * TILE).min(count);
            for cols in outwards(rows.start, count) {
                let tile = Tile::new(rows.clone(), cols.clone());
                if sink.may_take(rows.clone(), kernel.bound(&tile)) {
                    for i in rows.clone() {
                        found.clear();
                        kernel.seek(scratch, i, cols.clone(), sink.floor(i), found);
                        sink.take_found(i, found, names);
                    }
                }
                if !progress.advance(tile.pairs() as u64 / 2) || exhausted.load(Ordering::Relaxed) {
                    return;
                }
            }
            sink.finish(rows);
            exhausted.fetch_or(sink.is_exhausted(), Ordering::Relaxed);
        },
    )?;
    NeighborSink::merge(parts.into_iter().map(|(_, sink, _)| sink), rule, names)
}

/// Stretches of columns, beginning with the one of `position`.
fn outwards(position: usize, count: usize) -> impl Iterator<Item = Range<usize>> {
    let (own, stretches) = (position / STRETCH, count.div_ceil(STRETCH));
    let sides = (0..stretches).flat_map(move |far| {
        let below = own.checked_sub(far);
        let above = (far > 0).then_some(own + far).filter(|&k| k < stretches);
        below.into_iter().chain(above)
    });
    sides.map(move |k| k * STRETCH..((k + 1) * STRETCH).min(count))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sink::tiles;

    #[test]
    fn tiles_are_all_of_a_symmetric_matrix_diagonal_by_diagonal() {
        for bands in [0, 1, 2, 3, 4, 17, 100] {
            for count in [bands * TILE, (bands * TILE).saturating_sub(5)] {
                let mut expected = tiles(count, count, true);
                expected.sort_by_key(|tile| tile.cols.start - tile.rows.start);
                let found: Vec<_> = (0..expected.len()).map(|task| tile_at(task, count)).collect();
                assert_eq!(found, expected);
            }
        }
    }

    #[test]
    fn tiles_of_many_samples_follow_each_other() {
        let count = 400_000_000;
        let bands: usize = count / TILE;
        let last = bands * (bands + 1) / 2 - 1;
        for task in [0, 1, bands - 1, bands, last / 3, last / 2, last - 2, last - 1] {
            let (one, next) = (tile_at(task, count), tile_at(task + 1, count));
            let side = |tile: &Tile| tile.cols.start - tile.rows.start;
            if side(&one) == side(&next) {
                assert_eq!(next.rows.start, one.rows.start + TILE);
            } else {
                assert_eq!(side(&next), side(&one) + TILE);
                assert_eq!((one.cols.end, next.rows.start), (count, 0));
            }
        }
        assert_eq!(tile_at(last, count), Tile::new(0..TILE, count - TILE..count));
    }
}
