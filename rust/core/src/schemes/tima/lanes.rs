//! Time warping of one sequence against eight at a time, one in each lane.
//!
//! Costs equal those of the scalar engine up to rounding (products with reciprocals instead of
//! quotients), so a path that is cheapest here by more than rounding is cheapest there. If two paths
//! are closer than that, the choice can change the number of cells and thus the affinity; such pairs
//! are left to the scalar engine.

use crate::schemes::moments::Moments;
use crate::schemes::packed::Group;
use crate::simd::{Aligned, Job, Lanes};

/// A cluster: μ00, w/μ00, φ1 and (1 − w)/φ1, with the weight w of the mass. Each side of a
/// comparison carries the weights, so that the same numbers come out with the roles exchanged.
pub type Factors = [f64; 4];

/// The factors of a cluster, kept finite; as for gaze moments.
pub fn factors(Moments { mass, spread }: Moments, weight_mass: f64) -> Factors {
    let (mass, spread) = (mass.max(f64::MIN_POSITIVE), spread.max(f64::MIN_POSITIVE));
    [mass, weight_mass / mass, spread, (1.0 - weight_mass) / spread]
}

/// Paths whose costs differ by less than this are not decided here: far above rounding, far below usual
/// differences.
const TOO_CLOSE: f64 = 1e-12;

/// Added to the number of cells of every path; the sum of two paths that are too close contains it twice,
/// which marks the doubt.
const ONCE: f64 = 1e6;

/// Cost and carried number of the ways to eight cells.
pub type Ways = Aligned<[[f64; 8]; 2]>;

/// One sequence against a group.
pub struct OneToEight<'a> {
    /// The clusters.
    pub query: &'a [Factors],
    /// The others.
    pub group: &'a Group<4>,
    /// The ways to each cell of a row; reused.
    pub ways: &'a mut Vec<Ways>,
}

impl Job for OneToEight<'_> {
    type Output = ();

    /// Leaves in `ways` how the last cluster of the query is reached together with each of the
    /// group's; see [`end`].
    #[inline(always)]
    fn run<L: Lanes>(self) {
        let (zero, one, close) = (L::splat(0.0), L::splat(1.0), L::splat(TOO_CLOSE));
        let (start, closed) = ((zero, L::splat(ONCE)), (L::splat(f64::MAX), L::splat(ONCE)));
        let cols = self.group.rows.len();
        if self.ways.len() < cols {
            self.ways.resize(cols, Aligned([[0.0; 8]; 2]));
        }
        // Lane by lane the compiler would scatter them, which takes as long as the warping.
        for Aligned([cost, carried]) in &mut self.ways[..cols] {
            closed.0.store(cost);
            closed.1.store(carried);
        }
        let mut diagonal = start;
        for &[mass, per_mass, spread, per_spread] in self.query {
            let (mass, per_mass) = (L::splat(mass), L::splat(per_mass));
            let (spread, per_spread) = (L::splat(spread), L::splat(per_spread));
            let mut left = closed;
            for (Aligned(way), Aligned(other)) in self.ways.iter_mut().zip(&self.group.rows) {
                let above = (L::load(&way[0]), L::load(&way[1]));
                // w(1 − δ) of both moments; what they lack to 1 is the cost.
                let masses = mass.mul(L::load(&other[1])).min(per_mass.mul(L::load(&other[0])));
                let spreads = spread
                    .mul(L::load(&other[3]))
                    .min(per_spread.mul(L::load(&other[2])));
                let cost = one.sub(masses.add(spreads));
                let cheapest = diagonal.0.min(above.0).min(left.0);
                let near = cheapest.add(close);
                // Almost always one of the three is near, and the sum is what it carries.
                let carried = diagonal.1.if_less(diagonal.0, near, zero);
                let carried = carried.add(above.1.if_less(above.0, near, zero));
                let carried = carried.add(left.1.if_less(left.0, near, zero));
                left = (cheapest.add(cost), carried.add(one));
                left.0.store(&mut way[0]);
                left.1.store(&mut way[1]);
                diagonal = above;
            }
            diagonal = closed;
        }
    }
}

/// Cost and number of cells of the way of one lane to one cell; none if in doubt.
pub fn end(Aligned([costs, carried]): &Ways, lane: usize) -> Option<(f64, f64)> {
    (carried[lane] < 2.0 * ONCE).then_some((costs[lane], carried[lane] - ONCE))
}
