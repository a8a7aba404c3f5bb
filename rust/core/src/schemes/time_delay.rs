//! Time-delay embedding (Wang et al. 2011) and its scaled form, STDE: the distances of windows of
//! successive fixations to the nearest window of the other scanpath.

use super::nearest::stored;
use super::side_by_side::{Columns, Eight, Measure};
use super::transcendental::exp_minus;
use crate::simd::{Aligned, Lanes};

/// The longest scanpath that is compared: a pair takes time in the third power of its length, and
/// memory in the second.
pub const MAX_FIXATIONS: usize = 1024;

/// The distance of two windows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Norm {
    /// √Σ|a − b|².
    L2,
    /// Σ|a − b|.
    Sum,
}

/// How the distances of windows are combined.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Windows {
    /// The mean of e^−TDE over all lengths: STDE.
    Scaled,
    /// Of this length, the mean.
    Mean(usize),
    /// Of this length, the largest.
    Largest(usize),
}

/// Two numbers: with the row as the reference and the column as what is simulated, and the reverse.
pub struct TimeDelay {
    /// The distance of windows.
    pub norm: Norm,
    /// What becomes of them.
    pub windows: Windows,
}

/// Memory of one thread.
#[derive(Default)]
pub struct Scratch {
    /// Distances of single fixations, or their squares, row by row.
    steps: Vec<Aligned<[f64; 8]>>,
    /// Sums of them along the windows that start there.
    sums: Vec<Aligned<[f64; 8]>>,
    /// The smallest sum of every column.
    nearest: Vec<Aligned<[f64; 8]>>,
}

impl Measure<2, 2> for TimeDelay {
    type Scratch = Scratch;
    const FILLER: f64 = f64::INFINITY;
    const CELL_NS: f64 = 4.0;

    #[inline(always)]
    fn compare<L: Lanes>(&self, scratch: &mut Scratch, row: &[[f64; 2]], columns: &Columns<2>) -> Eight<2> {
        let (zero, never) = (L::splat(0.0), L::splat(f64::INFINITY));
        let Scratch { steps, sums, nearest } = scratch;
        let (height, width) = (row.len(), columns.rows.len());
        steps.clear();
        for &[x, y] in row {
            let (x, y) = (L::splat(x), L::splat(y));
            for Aligned(other) in columns.rows {
                let (dx, dy) = (x.sub(L::load(&other[0])), y.sub(L::load(&other[1])));
                let square = dx.mul(dx).add(dy.mul(dy));
                let step = match self.norm {
                    Norm::L2 => square,
                    Norm::Sum => square.sqrt(),
                };
                steps.push(Aligned(stored(step)));
            }
        }
        sums.clone_from(steps);
        nearest.resize(width, Aligned([0.0; 8]));
        let lengths = L::load(&columns.lengths());
        let (mut forward, mut backward) = (zero, zero);
        for k in 1..=height.min(width) {
            if k > 1 {
                for i in 0..=height - k {
                    let steps = &steps[(i + k - 1) * width + k - 1..];
                    let sums = &mut sums[i * width..][..=width - k];
                    for (Aligned(sum), Aligned(step)) in sums.iter_mut().zip(steps) {
                        L::load(sum).add(L::load(step)).store(sum);
                    }
                }
            }
            let largest = match self.windows {
                Windows::Scaled => false,
                Windows::Mean(wanted) | Windows::Largest(wanted) if wanted != k => continue,
                Windows::Mean(_) => false,
                Windows::Largest(_) => true,
            };
            let per_fixation = L::splat(1.0 / k as f64);
            let mut rows = zero;
            nearest[..=width - k].fill(Aligned([f64::INFINITY; 8]));
            for i in 0..=height - k {
                let mut own = never;
                let sums = &sums[i * width..][..=width - k];
                for (Aligned(sum), Aligned(nearest)) in sums.iter().zip(nearest.iter_mut()) {
                    let sum = L::load(sum);
                    own = own.min(sum);
                    L::load(nearest).min(sum).store(nearest);
                }
                rows = gathered(rows, self.distance(own), largest);
            }
            let mut cols = zero;
            for Aligned(nearest) in &nearest[..=width - k] {
                let nearest = L::load(nearest);
                // Windows that would reach beyond the end of a shorter column do not exist.
                let nearest = nearest.if_less(nearest, never, zero);
                cols = gathered(cols, self.distance(nearest), largest);
            }
            if !largest {
                rows = rows.div(L::splat((height - k + 1) as f64));
                cols = cols.div(lengths.sub(L::splat(k as f64 - 1.0)));
            }
            let (rows, cols) = (rows.mul(per_fixation), cols.mul(per_fixation));
            let too_short = L::splat(k as f64 - 0.5);
            match self.windows {
                Windows::Scaled => {
                    forward = forward.add(exp_minus(cols).if_less(too_short, lengths, zero));
                    backward = backward.add(exp_minus(rows).if_less(too_short, lengths, zero));
                }
                _ => (forward, backward) = (cols, rows),
            }
        }
        let both = [stored(forward), stored(backward)];
        let value = |value: f64, m: usize| match self.windows {
            Windows::Scaled => value / height.min(m) as f64,
            Windows::Mean(k) | Windows::Largest(k) if k > height.min(m) => f64::NAN,
            _ => value,
        };
        both.map(|eight| std::array::from_fn(|lane| value(eight[lane], columns.lengths[lane])))
    }

    fn affinity(&self, [forward, backward]: [f64; 2], _: usize, _: usize) -> f64 {
        (forward + backward) / 2.0
    }
}

impl TimeDelay {
    #[inline(always)]
    fn distance<L: Lanes>(&self, sum: L) -> L {
        match self.norm {
            Norm::L2 => sum.sqrt(),
            Norm::Sum => sum,
        }
    }
}

#[inline(always)]
fn gathered<L: Lanes>(so_far: L, distance: L, largest: bool) -> L {
    if largest {
        so_far.max(distance)
    } else {
        so_far.add(distance)
    }
}
