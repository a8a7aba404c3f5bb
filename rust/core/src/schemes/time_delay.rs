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

/// Lengths of windows that one pass over the sums deals with: more do not fit the registers.
const LENGTHS: usize = 4;

/// Memory of one thread.
#[derive(Default)]
pub struct Scratch {
    /// Distances of single fixations, or their squares, row by row.
    steps: Vec<Aligned<[f64; 8]>>,
    /// Sums of them along the windows that start there, of the last length that was dealt with.
    sums: Vec<Aligned<[f64; 8]>>,
    /// The smallest sum of every column for each length of a pass.
    nearest: Vec<Aligned<[[f64; 8]; LENGTHS]>>,
}

impl Measure<2, 2> for TimeDelay {
    type Scratch = Scratch;
    const FILLER: f64 = f64::INFINITY;
    const CELL_NS: f64 = 2.0;

    #[inline(always)]
    fn compare<L: Lanes>(&self, scratch: &mut Scratch, row: &[[f64; 2]], columns: &Columns<2>) -> Eight<2> {
        let (height, width) = (row.len(), columns.rows.len());
        self.measure_steps::<L>(scratch, row, columns);
        let lengths = L::load(&columns.lengths());
        let (mut forward, mut backward) = (L::splat(0.0), L::splat(0.0));
        let shorter = height.min(width);
        for first in (1..=shorter).step_by(LENGTHS) {
            let rows = self.pass::<L>(scratch, first, height, width);
            for (t, rows) in rows.into_iter().enumerate().take(shorter + 1 - first) {
                let k = first + t;
                match self.windows {
                    Windows::Mean(wanted) | Windows::Largest(wanted) if wanted != k => continue,
                    _ => {}
                }
                let cols = self.gathered_columns::<L>(&scratch.nearest[..=width - k], t);
                let (mut rows, mut cols) = (rows, cols);
                if !self.largest() {
                    rows = rows.div(L::splat((height - k + 1) as f64));
                    cols = cols.div(lengths.sub(L::splat(k as f64 - 1.0)));
                }
                let per_fixation = L::splat(1.0 / k as f64);
                let (rows, cols) = (rows.mul(per_fixation), cols.mul(per_fixation));
                let (zero, too_short) = (L::splat(0.0), L::splat(k as f64 - 0.5));
                match self.windows {
                    Windows::Scaled => {
                        forward = forward.add(exp_minus(cols).if_less(too_short, lengths, zero));
                        backward = backward.add(exp_minus(rows).if_less(too_short, lengths, zero));
                    }
                    _ => (forward, backward) = (cols, rows),
                }
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
    /// Whether the largest of the windows' distances counts, not their mean.
    fn largest(&self) -> bool {
        matches!(self.windows, Windows::Largest(_))
    }

    /// Fills the distances of single fixations, and makes room for the rest.
    #[inline(always)]
    fn measure_steps<L: Lanes>(&self, scratch: &mut Scratch, row: &[[f64; 2]], columns: &Columns<2>) {
        let width = columns.rows.len();
        scratch.steps.resize(row.len() * width, Aligned([0.0; 8]));
        for (&[x, y], steps) in row.iter().zip(scratch.steps.chunks_exact_mut(width.max(1))) {
            let (x, y) = (L::splat(x), L::splat(y));
            for (Aligned(step), Aligned(other)) in steps.iter_mut().zip(columns.rows) {
                let (dx, dy) = (x.sub(L::load(&other[0])), y.sub(L::load(&other[1])));
                let square = dx.mul(dx).add(dy.mul(dy));
                match self.norm {
                    Norm::L2 => square.store(step),
                    Norm::Sum => square.sqrt().store(step),
                }
            }
        }
        scratch.sums.clear();
        scratch.sums.resize(scratch.steps.len(), Aligned([0.0; 8]));
        scratch
            .nearest
            .resize(columns.rows.len(), Aligned([[0.0; 8]; LENGTHS]));
    }

    /// Lengthens the windows to `first` fixations and by one after the other up to [`LENGTHS`] lengths. Returns for each
    /// length what the windows of the row are from the nearest of the columns, gathered; keeps the nearest of the columns.
    #[inline(always)]
    fn pass<L: Lanes>(
        &self,
        scratch: &mut Scratch,
        first: usize,
        height: usize,
        width: usize,
    ) -> [L; LENGTHS] {
        let Scratch { steps, sums, nearest } = scratch;
        nearest.fill(Aligned([[f64::INFINITY; 8]; LENGTHS]));
        let mut gathered = [L::splat(0.0); LENGTHS];
        for i in 0..=height - first {
            let line = Line {
                sums: &mut sums[i * width..][..=width - first],
                steps: &steps[(i + first - 1) * width + first - 1..],
                nearest: &mut nearest[..=width - first],
                stride: width + 1,
            };
            // Fewer lengths where longer windows would reach beyond the last row or have no column.
            let own = match (height - first - i).min(width - first) {
                0 => line.lengthen::<L, 1>(),
                1 => line.lengthen::<L, 2>(),
                2 => line.lengthen::<L, 3>(),
                _ => line.lengthen::<L, LENGTHS>(),
            };
            for (t, own) in own.into_iter().enumerate().take(height - first - i + 1) {
                gathered[t] = self.with(gathered[t], self.distance(own));
            }
        }
        gathered
    }

    /// Gathers what the columns' windows of the pass's length `t` are from the nearest of the row.
    #[inline(always)]
    fn gathered_columns<L: Lanes>(&self, nearest: &[Aligned<[[f64; 8]; LENGTHS]>], t: usize) -> L {
        let (zero, never) = (L::splat(0.0), L::splat(f64::INFINITY));
        let mut gathered = zero;
        for Aligned(nearest) in nearest {
            let nearest = L::load(&nearest[t]);
            // Windows that reach beyond the end of a shorter column are none.
            let nearest = nearest.if_less(nearest, never, zero);
            gathered = self.with(gathered, self.distance(nearest));
        }
        gathered
    }

    #[inline(always)]
    fn distance<L: Lanes>(&self, sum: L) -> L {
        match self.norm {
            Norm::L2 => sum.sqrt(),
            Norm::Sum => sum,
        }
    }

    #[inline(always)]
    fn with<L: Lanes>(&self, gathered: L, distance: L) -> L {
        if self.largest() {
            gathered.max(distance)
        } else {
            gathered.add(distance)
        }
    }
}

/// The windows that start in one row.
struct Line<'a> {
    /// Their sums, a window for each column.
    sums: &'a mut [Aligned<[f64; 8]>],
    /// The step that comes next for the first window, and what follows it in memory.
    steps: &'a [Aligned<[f64; 8]>],
    /// The nearest window of every column so far.
    nearest: &'a mut [Aligned<[[f64; 8]; LENGTHS]>],
    /// From a step to the one after it.
    stride: usize,
}

impl Line<'_> {
    /// Lengthens the windows `COUNT` times; returns the smallest sum of each length.
    #[inline(always)]
    fn lengthen<L: Lanes, const COUNT: usize>(self) -> [L; LENGTHS] {
        let mut own = [L::splat(f64::INFINITY); LENGTHS];
        let width = self.sums.len();
        // The last columns have fewer lengths, as the last rows have.
        let whole = width + 1 - COUNT;
        let (sums, last_sums) = self.sums.split_at_mut(whole);
        let (nearest, last_nearest) = self.nearest.split_at_mut(whole);
        let steps: [_; COUNT] = std::array::from_fn(|t| &self.steps[t * self.stride..][..whole]);
        for (j, (Aligned(sum), Aligned(nearest))) in sums.iter_mut().zip(nearest).enumerate() {
            let mut grown = L::load(sum);
            for t in 0..COUNT {
                grown = grown.add(L::load(&steps[t][j].0));
                own[t] = own[t].min(grown);
                L::load(&nearest[t]).min(grown).store(&mut nearest[t]);
            }
            grown.store(sum);
        }
        for (j, (Aligned(sum), Aligned(nearest))) in last_sums.iter_mut().zip(last_nearest).enumerate() {
            let mut grown = L::load(sum);
            for t in 0..width - whole - j {
                grown = grown.add(L::load(&self.steps[t * self.stride + whole + j].0));
                own[t] = own[t].min(grown);
                L::load(&nearest[t]).min(grown).store(&mut nearest[t]);
            }
        }
        own
    }
}
