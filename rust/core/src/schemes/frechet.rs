//! Discrete Fréchet distance of fixations: the smallest possible maximum of the distances along a path.

use super::outline::{between_boxes, between_ends, outline};
use super::side_by_side::{Columns, Eight, Mark, Measure};
use crate::simd::{Aligned, Lanes};

/// The distance in pixels.
pub struct Frechet {
    /// Affinities are shares of it; in pixels.
    pub diagonal: f64,
}

impl Measure<2, 1> for Frechet {
    type Scratch = Vec<Aligned<[f64; 8]>>;
    const FILLER: f64 = 0.0;
    const CELL_NS: f64 = 0.6;

    #[inline(always)]
    fn compare<L: Lanes>(
        &self,
        ways: &mut Vec<Aligned<[f64; 8]>>,
        row: &[[f64; 2]],
        columns: &Columns<2>,
    ) -> Eight<1> {
        ways.clear();
        ways.resize(columns.rows.len(), Aligned([f64::INFINITY; 8]));
        // Squares of distances have the same order as the distances: one square root per pair is enough.
        let mut diagonal = L::splat(0.0);
        for &[x, y] in row {
            let (x, y) = (L::splat(x), L::splat(y));
            let mut left = L::splat(f64::INFINITY);
            for (Aligned(way), Aligned(other)) in ways.iter_mut().zip(columns.rows) {
                let above = L::load(way);
                let (dx, dy) = (x.sub(L::load(&other[0])), y.sub(L::load(&other[1])));
                let square = dx.mul(dx).add(dy.mul(dy));
                left = diagonal.min(above).min(left).max(square);
                left.store(way);
                diagonal = above;
            }
            diagonal = L::splat(f64::INFINITY);
        }
        [columns.at_ends(|t, lane| ways[t].0[lane].sqrt())]
    }

    fn affinity(&self, [distance]: [f64; 1], _: usize, _: usize) -> f64 {
        1.0 - distance / self.diagonal
    }

    fn mark(&self, rows: &[[f64; 2]]) -> Option<Mark> {
        Some(outline(rows))
    }

    /// Every path joins both ends, and no distance is shorter than Hausdorff's.
    fn bound(&self, a: &Mark, b: &Mark) -> f64 {
        let [first, last] = between_ends(a, b);
        let square = first.max(last).max(between_boxes(a, b));
        1.0 - square.sqrt() / self.diagonal
    }
}
