//! The distances of every fixation of two scanpaths to the nearest one of the other.

use super::side_by_side::Columns;
use crate::simd::{Aligned, Lanes};

/// Memory for the nearest distance of every column's fixation.
pub type Scratch = Vec<Aligned<[f64; 8]>>;

/// Stands beyond the end of a shorter scanpath: never the nearest.
pub const FILLER: f64 = f64::INFINITY;

/// Sums and maximum of the nearest distances of one scanpath and eight others.
pub struct Nearest<L> {
    /// The sum over the fixations of the row.
    pub row_sum: L,
    /// The sum over the fixations of each column.
    pub column_sum: L,
    /// The largest of both.
    pub largest: L,
}

/// Gathers the nearest distances, or with `SQUARED` their squares.
#[inline(always)]
pub fn nearest<L: Lanes, const N: usize, const SQUARED: bool>(
    nearest: &mut Scratch,
    row: &[[f64; N]],
    columns: &Columns<N>,
) -> Nearest<L> {
    let (zero, never) = (L::splat(0.0), L::splat(f64::INFINITY));
    nearest.clear();
    nearest.resize(columns.rows.len(), Aligned([f64::INFINITY; 8]));
    let (mut row_sum, mut column_sum, mut largest) = (zero, zero, zero);
    for point in row {
        let mut own = never;
        for (Aligned(other), Aligned(nearest)) in columns.rows.iter().zip(nearest.iter_mut()) {
            let mut square = zero;
            for axis in 0..N {
                let difference = L::splat(point[axis]).sub(L::load(&other[axis]));
                square = square.add(difference.mul(difference));
            }
            own = own.min(square);
            L::load(nearest).min(square).store(nearest);
        }
        let own = if SQUARED { own } else { own.sqrt() };
        row_sum = row_sum.add(own);
        largest = largest.max(own);
    }
    for Aligned(nearest) in nearest.iter() {
        let nearest = L::load(nearest);
        let nearest = nearest.if_less(nearest, never, zero); // nothing is beyond the end
        let nearest = if SQUARED { nearest } else { nearest.sqrt() };
        column_sum = column_sum.add(nearest);
        largest = largest.max(nearest);
    }
    Nearest {
        row_sum,
        column_sum,
        largest,
    }
}

/// The lanes as an array.
#[inline(always)]
pub fn stored<L: Lanes>(lanes: L) -> [f64; 8] {
    let mut values = [0.0; 8];
    lanes.store(&mut values);
    values
}
