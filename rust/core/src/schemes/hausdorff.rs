//! Hausdorff distance: the largest distance of a fixation of either scanpath to the nearest of the other.

use super::nearest::{self, nearest, stored};
use super::outline::{between_boxes, outline};
use super::side_by_side::{Columns, Eight, Mark, Measure};
use crate::simd::Lanes;

/// The distance in pixels.
pub struct Hausdorff {
    /// Affinities are shares of it; in pixels.
    pub diagonal: f64,
}

impl Measure<2, 1> for Hausdorff {
    type Scratch = nearest::Scratch;
    const FILLER: f64 = nearest::FILLER;
    const CELL_NS: f64 = 0.5;

    #[inline(always)]
    fn compare<L: Lanes>(
        &self,
        scratch: &mut nearest::Scratch,
        row: &[[f64; 2]],
        columns: &Columns<2>,
    ) -> Eight<1> {
        let far = nearest::<L, 2, true>(scratch, row, columns);
        [stored(far.largest.sqrt())]
    }

    fn affinity(&self, [distance]: [f64; 1], _: usize, _: usize) -> f64 {
        1.0 - distance / self.diagonal
    }

    fn mark(&self, rows: &[[f64; 2]]) -> Option<Mark> {
        Some(outline(rows))
    }

    fn bound(&self, a: &Mark, b: &Mark) -> f64 {
        1.0 - between_boxes(a, b).sqrt() / self.diagonal
    }
}
