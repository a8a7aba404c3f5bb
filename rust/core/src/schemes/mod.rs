//! One module per scheme: features once per sample, and a kernel that compares two of them.

pub mod dhash;
pub mod dtw;
pub mod eyenalysis;
pub mod frechet;
pub mod hausdorff;
pub mod mannan;
pub mod moments;
pub mod multimatch;
mod nearest;
mod outline;
mod packed;
pub mod recurrence;
pub mod scanmatch;
pub mod scasim;
pub mod side_by_side;
pub mod string_edit;
pub mod tima;
pub mod time_delay;
mod transcendental;

use std::cmp::Ordering;

use crate::scanpath::Ragged;
use crate::sink::TILE;

/// Orders two samples by content: shorter first, then by the first number that differs.
///
/// Ties between equally cheap paths are broken in favour of one side. A kernel that always takes
/// the smaller sample as its first makes that choice, and so the result, independent of which
/// sample is the row and which the column.
fn by_content<T: Copy + Into<[f64; N]>, const N: usize>(a: &[T], b: &[T]) -> Ordering {
    a.len().cmp(&b.len()).then_with(|| {
        let rows = a.iter().zip(b).map(|(&a, &b)| (a.into(), b.into()));
        rows.flat_map(|(a, b): ([f64; N], [f64; N])| a.into_iter().zip(b))
            .map(|(x, y)| x.total_cmp(&y))
            .find(|order| order.is_ne())
            .unwrap_or(Ordering::Equal)
    })
}

/// |a − b| / max(a, b) of two non-negative numbers, 0 for equal ones (McGIP, eq. 3).
#[inline(always)]
fn relative_difference(a: f64, b: f64) -> f64 {
    // The smallest normal number keeps 0 / 0 away without a branch.
    (a - b).abs() / a.max(b).max(f64::MIN_POSITIVE)
}

/// The valid samples of every tile of columns in groups of eight, those of similar length together,
/// so that lanes side by side waste little on padding.
fn eights_by_length<T>(features: &Ragged<T>) -> Vec<Vec<Vec<usize>>> {
    let tiles = (0..features.len()).step_by(TILE).map(|start| {
        let mut order: Vec<usize> = (start..(start + TILE).min(features.len())).collect();
        order.retain(|&sample| !features.sample(sample).is_empty());
        order.sort_by_key(|&sample| features.sample(sample).len());
        order.chunks(8).map(<[usize]>::to_vec).collect()
    });
    tiles.collect()
}
