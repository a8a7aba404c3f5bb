//! Eyenalysis (Mathôt, Cristino, Gilchrist and Theeuwes 2012): nearest distances in place and time.

use super::nearest::{self, nearest, stored};
use super::side_by_side::{Columns, Eight, Measure};
use crate::simd::Lanes;

/// The sum of all nearest distances; rows are x, y and duration in pixels.
pub struct Eyenalysis {
    /// Whether distances are squared.
    pub squared: bool,
    /// Affinities are shares of it; in pixels.
    pub diagonal: f64,
}

impl Measure<3, 1> for Eyenalysis {
    type Scratch = nearest::Scratch;
    const FILLER: f64 = nearest::FILLER;
    const CELL_NS: f64 = 0.6;

    #[inline(always)]
    fn compare<L: Lanes>(
        &self,
        scratch: &mut nearest::Scratch,
        row: &[[f64; 3]],
        columns: &Columns<3>,
    ) -> Eight<1> {
        let far = if self.squared {
            nearest::<L, 3, true>(scratch, row, columns)
        } else {
            nearest::<L, 3, false>(scratch, row, columns)
        };
        [stored(far.row_sum.add(far.column_sum))]
    }

    fn affinity(&self, [sum]: [f64; 1], n: usize, m: usize) -> f64 {
        let power = if self.squared { 2 } else { 1 };
        1.0 - sum / (n + m) as f64 / self.diagonal.powi(power)
    }
}
