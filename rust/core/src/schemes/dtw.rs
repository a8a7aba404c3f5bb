//! Dynamic time warping of fixations: the sum of distances along the cheapest path.

use super::side_by_side::{Columns, Eight, Measure};
use crate::simd::{Aligned, Lanes};

/// Cost and number of cells of the cheapest path; of equally cheap ones, the shortest. This rule does not
/// depend on the direction, so both orders of a pair have the same path length.
pub struct Dtw {
    /// Affinities are shares of it; in pixels.
    pub diagonal: f64,
}

/// Cost and number of cells of the ways to eight cells of the table.
type Ways = Aligned<[[f64; 8]; 2]>;

impl Measure<2, 2> for Dtw {
    type Scratch = Vec<Ways>;
    const FILLER: f64 = 0.0;
    const CELL_NS: f64 = 1.0;

    #[inline(always)]
    fn compare<L: Lanes>(&self, ways: &mut Vec<Ways>, row: &[[f64; 2]], columns: &Columns<2>) -> Eight<2> {
        let closed = (L::splat(f64::INFINITY), L::splat(0.0));
        let (one, never) = (L::splat(1.0), L::splat(f64::INFINITY));
        let start = Aligned([[f64::INFINITY; 8], [0.0; 8]]);
        ways.clear();
        ways.resize(columns.rows.len(), start);
        let mut diagonal = (L::splat(0.0), L::splat(0.0));
        for &[x, y] in row {
            let (x, y) = (L::splat(x), L::splat(y));
            let mut left = closed;
            for (Aligned(way), Aligned(other)) in ways.iter_mut().zip(columns.rows) {
                let above = (L::load(&way[0]), L::load(&way[1]));
                let (dx, dy) = (x.sub(L::load(&other[0])), y.sub(L::load(&other[1])));
                let distance = dx.mul(dx).add(dy.mul(dy)).sqrt();
                // Of two paths the cheaper counts, of equally cheap ones the shorter. The path from the left is compared
                // last because it is computed last.
                let longer = never.if_less(above.0, diagonal.0, diagonal.1);
                let cells = longer.min(never.if_less(diagonal.0, above.0, above.1));
                let best = diagonal.0.min(above.0);
                let longer = never.if_less(left.0, best, cells);
                let cells = longer.min(never.if_less(best, left.0, left.1));
                left = (best.min(left.0).add(distance), cells.add(one));
                left.0.store(&mut way[0]);
                left.1.store(&mut way[1]);
                diagonal = above;
            }
            diagonal = closed;
        }
        [0, 1].map(|value| columns.at_ends(|t, lane| ways[t].0[value][lane]))
    }

    fn affinity(&self, [cost, cells]: [f64; 2], _: usize, _: usize) -> f64 {
        1.0 - cost / cells / self.diagonal
    }
}
