//! ScanMatch (Cristino et al. 2010): global alignment of two sequences of grid cells.

use super::side_by_side::{Columns, Eight, Measure};
use crate::simd::{Aligned, Lanes};

/// The score as a share of the largest possible one; rows are column and row of a cell.
pub struct ScanMatch {
    /// What the same cell scores; every cell of distance costs 1 of it.
    pub threshold: f64,
    /// What a cell without a counterpart scores; not above 0.
    pub gap: f64,
}

impl Measure<2, 1> for ScanMatch {
    type Scratch = Vec<Aligned<[f64; 8]>>;
    const FILLER: f64 = 0.0;
    const CELL_NS: f64 = 0.8;

    #[inline(always)]
    fn compare<L: Lanes>(
        &self,
        scores: &mut Vec<Aligned<[f64; 8]>>,
        row: &[[f64; 2]],
        columns: &Columns<2>,
    ) -> Eight<1> {
        let (threshold, gap) = (L::splat(self.threshold), L::splat(self.gap));
        scores.clear();
        let border = (1..=columns.rows.len()).map(|j| Aligned([self.gap * j as f64; 8]));
        scores.extend(border);
        for (i, &[x, y]) in row.iter().enumerate() {
            let (x, y) = (L::splat(x), L::splat(y));
            let mut diagonal = L::splat(self.gap * i as f64);
            let mut left = L::splat(self.gap * (i + 1) as f64);
            for (Aligned(score), Aligned(other)) in scores.iter_mut().zip(columns.rows) {
                let above = L::load(score);
                let (dx, dy) = (x.sub(L::load(&other[0])), y.sub(L::load(&other[1])));
                let alike = threshold.sub(dx.mul(dx).add(dy.mul(dy)).sqrt());
                left = diagonal.add(alike).max(above.max(left).add(gap));
                left.store(score);
                diagonal = above;
            }
        }
        let most = columns.lengths.map(|m| self.threshold * m.max(row.len()) as f64);
        [columns.at_ends(|t, lane| scores[t].0[lane] / most[lane])]
    }

    fn affinity(&self, [similarity]: [f64; 1], _: usize, _: usize) -> f64 {
        similarity
    }
}
