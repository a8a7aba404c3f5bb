//! Mannan distance (Mannan, Ruddock and Wooding 1995): squared nearest distances, each scanpath's
//! weighed by the length of the other, as a share of the screen.

use super::nearest::{self, nearest, stored};
use super::side_by_side::{Columns, Eight, Measure};
use crate::simd::Lanes;

/// D, 0 for equal places.
pub struct Mannan {
    /// Width and height of the screen in pixels.
    pub screen_size: [f64; 2],
}

impl Measure<2, 1> for Mannan {
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
        let [width, height] = self.screen_size;
        let (n, m) = (L::splat(row.len() as f64), L::load(&columns.lengths()));
        let both = m.mul(far.row_sum).add(n.mul(far.column_sum));
        let most = n.mul(m).mul(L::splat(2.0 * (width * width + height * height)));
        [stored(both.div(most).sqrt())]
    }

    fn affinity(&self, [distance]: [f64; 1], _: usize, _: usize) -> f64 {
        1.0 - distance
    }
}
