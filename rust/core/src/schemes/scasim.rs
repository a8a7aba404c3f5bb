//! Scasim (von der Malsburg and Vasishth 2011): the time that must be edited to turn one scanpath
//! into the other.

use super::nearest::stored;
use super::side_by_side::{Columns, Eight, Measure};
use super::transcendental::{arcsine, exp_minus};
use crate::simd::{Aligned, Lanes};

/// Edited seconds, and the seconds that both scanpaths last. Rows are a unit vector in the direction
/// of gaze, and the duration.
pub struct Scasim {
    /// How fast the similarity of two places decreases, per radian of angle between them.
    pub decay: f64,
}

impl Scasim {
    /// With fixations that are one degree apart at the same place to the share `modulator`.
    pub fn new(modulator: f64) -> Self {
        Self {
            decay: -modulator.ln() * 180.0 / std::f64::consts::PI,
        }
    }
}

impl Measure<4, 2> for Scasim {
    type Scratch = Vec<Aligned<[f64; 8]>>;
    const FILLER: f64 = 0.0;
    const CELL_NS: f64 = 4.0;

    #[inline(always)]
    fn compare<L: Lanes>(
        &self,
        costs: &mut Vec<Aligned<[f64; 8]>>,
        row: &[[f64; 4]],
        columns: &Columns<4>,
    ) -> Eight<2> {
        let (zero, half, one) = (L::splat(0.0), L::splat(0.5), L::splat(1.0));
        let twice_decay = L::splat(2.0 * self.decay);
        costs.clear();
        let mut inserted = zero;
        for Aligned(other) in columns.rows {
            inserted = inserted.add(L::load(&other[3]));
            costs.push(Aligned(stored(inserted)));
        }
        let mut deleted = zero;
        for &[x, y, z, duration] in row {
            let (x, y, z, own) = (L::splat(x), L::splat(y), L::splat(z), L::splat(duration));
            let mut diagonal = deleted;
            deleted = deleted.add(own);
            let mut left = deleted;
            for (Aligned(cost), Aligned(other)) in costs.iter_mut().zip(columns.rows) {
                let above = L::load(cost);
                let theirs = L::load(&other[3]);
                // The angle from the chord: exact for small angles, where the cosine is not.
                let (dx, dy) = (x.sub(L::load(&other[0])), y.sub(L::load(&other[1])));
                let dz = z.sub(L::load(&other[2]));
                let chord = dx.mul(dx).add(dy.mul(dy)).add(dz.mul(dz)).sqrt();
                let half_angle = arcsine(chord.mul(half).min(one));
                let near = exp_minus(half_angle.mul(twice_decay));
                let apart = own.sub(theirs).max(theirs.sub(own));
                let change = apart.mul(near).add(own.add(theirs).mul(one.sub(near)));
                left = diagonal.add(change).min(above.add(own).min(left.add(theirs)));
                left.store(cost);
                diagonal = above;
            }
        }
        let lasts = stored(deleted);
        let seconds = columns.at_ends(|t, lane| costs[t].0[lane]);
        let mut both = lasts;
        for (lane, both) in both.iter_mut().enumerate() {
            *both += (0..columns.lengths[lane])
                .map(|t| columns.rows[t].0[3][lane])
                .sum::<f64>();
        }
        [seconds, both]
    }

    fn affinity(&self, [seconds, both]: [f64; 2], _: usize, _: usize) -> f64 {
        1.0 - seconds / both
    }
}
