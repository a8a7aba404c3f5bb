//! The alignment in fixed point: eight lanes of 32 bits, and every decision that might differ from the one in f64 known.
//!
//! Distances are computed in single precision, in units ("quanta") in which the dearest path just fits 30 bits, and cut
//! to whole numbers; sums and comparisons of those are exact. So the cost of a path of `l` cells is off
//!
//! - by up to one quantum per cell from cutting, always downwards;
//! - by up to 2√2·u·v per cell from rounding both vectors, where u = 2^-24 and no component exceeds v quanta;
//! - by up to 3u of itself from the difference, the squares, their sum and the root.
//!
//! Two costs that differ by more than `l` · (1 + 4√2·u·v) + 6u · cost, and a little for f64's own rounding, compare as
//! they do in f64. A decision within that margin is marked as a tie, and a pair with a tie on its path is aligned again
//! in f64: what is found is the same, bit for bit.

use super::lanes::{OneToEight, Steps, grow};
use crate::simd::{Aligned, Lanes, Narrow, Whole};

/// Paths of more saccades have so many close decisions that f64 is as fast at once.
pub const LONGEST: usize = 128;

/// 2^-21 is a third more than 6u.
const RELATIVE: i32 = 21;

/// The units of one comparison.
#[derive(Debug, Clone, Copy)]
pub struct Fixed {
    /// Quanta in a pixel, a power of two.
    scale: f64,
    /// What two paths may be off against each other, per cell.
    per_cell: i32,
}

impl Fixed {
    /// For paths of at most `longest` vectors, no component of which exceeds `reach` pixels; none where that is too
    /// long, or where the numbers leave no unit.
    pub fn new(longest: usize, reach: f64) -> Option<Self> {
        if longest > LONGEST {
            return None;
        }
        // No cell costs more than 2√2 · reach, and a cheapest path enters fewer than `longest` cells.
        let most = 2.0 * std::f64::consts::SQRT_2 * reach * longest as f64;
        let scale = (f64::from(1 << 30) / most).log2().floor().exp2();
        let off = 4.0 * std::f64::consts::SQRT_2 * reach * scale / f64::from(1 << 24);
        let is_usable = scale.is_normal() && reach > 0.0;
        is_usable.then(|| Self {
            scale,
            per_cell: (1.01 + off).ceil() as i32,
        })
    }
}

/// The largest component of some vectors.
pub fn reach(vectors: &[super::Saccade]) -> f64 {
    let largest = vectors.iter().map(|vector| vector.dx.abs().max(vector.dy.abs()));
    largest.fold(0.0, f64::max)
}

/// Memory of one thread, reused.
#[derive(Debug, Default)]
pub struct Memory {
    costs: Vec<[i32; 8]>,
    targets: Vec<Aligned<[[f32; 8]; 2]>>,
}

#[inline(always)]
fn distance<N: Narrow>(dx: N, dy: N, Aligned(target): &Aligned<[[f32; 8]; 2]>) -> N::Whole {
    let (x, y) = (dx.sub(N::load(&target[0])), dy.sub(N::load(&target[1])));
    x.mul(x).add(y.mul(y)).sqrt().truncate()
}

impl OneToEight<'_> {
    /// As `align`, in fixed point: a step is set wherever it may be the cheapest.
    #[inline(always)]
    pub fn align_in_fixed_point<L: Lanes>(&mut self, fixed: Fixed) {
        let cols = self.group.rows.len();
        let scratch = &mut *self.scratch;
        let Memory { costs, targets } = &mut scratch.fixed;
        grow(costs, cols, [0; 8]);
        grow(targets, cols, Aligned([[0.0; 8]; 2]));
        grow(&mut scratch.steps, self.query.len() * cols, [0; 4]);
        let scale = L::splat(fixed.scale);
        for (Aligned(narrow), Aligned(wide)) in targets.iter_mut().zip(&self.group.rows) {
            for (narrow, wide) in narrow.iter_mut().zip(wide) {
                L::load(wide).mul(scale).store_f32(narrow);
            }
        }
        let (costs, targets) = (&mut costs[..cols], &targets[..cols]);
        let vector = |k: usize| {
            let scaled = |pixels: f64| L::Narrow::splat((pixels * fixed.scale) as f32);
            (scaled(self.query[k].dx), scaled(self.query[k].dy))
        };
        let (dx, dy) = vector(0);
        let mut left = whole::<L>(0);
        left.store(&mut costs[0]);
        let steps = scratch.steps.iter_mut();
        for ((cost, target), step) in costs.iter_mut().zip(targets).zip(steps).skip(1) {
            left = left.add(distance(dx, dy, target));
            left.store(cost);
            *step = [0, 0, 255, 0];
        }
        for (i, steps) in (0..self.query.len())
            .zip(scratch.steps.chunks_exact_mut(cols))
            .skip(1)
        {
            let (dx, dy) = vector(i);
            fill_row::<L>((dx, dy), targets, costs, steps, (i as i32, fixed.per_cell));
        }
    }
}

type WholeOf<L> = <<L as Lanes>::Narrow as Narrow>::Whole;

#[inline(always)]
fn whole<L: Lanes>(value: i32) -> WholeOf<L> {
    WholeOf::<L>::splat(value)
}

#[inline(always)]
fn fill_row<L: Lanes>(
    (dx, dy): (L::Narrow, L::Narrow),
    targets: &[Aligned<[[f32; 8]; 2]>],
    costs: &mut [[i32; 8]],
    steps: &mut [Steps],
    (i, per_cell): (i32, i32),
) {
    let mut above_left = WholeOf::<L>::load(&costs[0]);
    let mut left = above_left.add(distance(dx, dy, &targets[0]));
    left.store(&mut costs[0]);
    steps[0] = [0, 255, 0, 0];
    // 1 for what a shift loses, 1 for f64.
    let mut margin = whole::<L>(i * per_cell + 2);
    let more = whole::<L>(per_cell);
    for ((cost, target), step) in costs.iter_mut().zip(targets).zip(steps).skip(1) {
        margin = margin.add(more);
        let above = WholeOf::<L>::load(cost);
        let best = above_left.min(above).min(left);
        let limit = best.add(margin).add(best.shift::<RELATIVE>());
        *step = [
            above_left.at_most_bits(limit),
            above.at_most_bits(limit),
            left.at_most_bits(limit),
            0,
        ];
        left = best.add(distance(dx, dy, target));
        left.store(cost);
        above_left = above;
    }
}
