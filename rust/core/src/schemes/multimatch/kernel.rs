//! Comparing two simplified scanpaths: alignment, five differences, one number.

use std::f64::consts::PI;

use super::align::{Alignment, Path};
use super::fixed::{self, Fixed};
use super::lanes::{self, Group, OneToEight, pack};
use super::{Differences, Features, Saccade, Scale};
use crate::pairwise::{Bounded, GoOn, Kernel, ListKernel, Tile, TileKernel, tile_by_pairs};
use crate::schemes::packed::Packed;
use crate::schemes::{by_content, relative_difference};
use crate::simd::{self, Level};

/// Measured cost of one cell of an alignment and of one pair, for the estimate of the total time.
const CELL_NS: f64 = 0.7;
const PAIR_NS: f64 = 80.0;

/// The five differences between two vectors: shape, direction, length, position, duration.
const DIFFERENCES: [fn(&Saccade, &Saccade) -> f64; 5] = [shape, direction, length, position, duration];

fn shape(v: &Saccade, w: &Saccade) -> f64 {
    let (x, y) = (v.dx - w.dx, v.dy - w.dy);
    (x * x + y * y).sqrt()
}

fn direction(v: &Saccade, w: &Saccade) -> f64 {
    let angle = (v.angle - w.angle).abs();
    if angle > PI { 2.0 * PI - angle } else { angle }
}

fn length(v: &Saccade, w: &Saccade) -> f64 {
    (v.length - w.length).abs()
}

fn position(v: &Saccade, w: &Saccade) -> f64 {
    let (x, y) = (v.x - w.x, v.y - w.y);
    (x * x + y * y).sqrt()
}

fn duration(v: &Saccade, w: &Saccade) -> f64 {
    relative_difference(v.duration, w.duration)
}

/// Memory of one thread.
#[derive(Debug, Default)]
pub struct Scratch {
    path: Path,
    differences: Vec<f64>,
    lanes: lanes::Scratch,
}

/// What one pair of scanpaths yields; a kernel is a [`Comparison`] of this.
pub trait Outcome {
    /// The number or numbers of one pair.
    type Output: Copy + Default + Send;
    /// From the differences; none if a scanpath is invalid.
    fn of(&self, differences: Option<Differences>) -> Self::Output;
}

/// The similarity in each of the five dimensions; NaN where a scanpath is invalid.
pub struct Dimensions;

impl Outcome for Dimensions {
    type Output = [f64; 5];

    fn of(&self, differences: Option<Differences>) -> [f64; 5] {
        differences.map_or([f64::NAN; 5], |five| five.map(|difference| 1.0 - difference))
    }
}

/// The weighted mean of the five similarities, clipped to [0, 1]; 0 where a scanpath is invalid.
pub struct Affinity {
    /// Weights that sum to 1.
    pub weights: [f64; 5],
}

impl Outcome for Affinity {
    type Output = f32;

    fn of(&self, differences: Option<Differences>) -> f32 {
        differences.map_or(0.0, |five| {
            let weighted = five.iter().zip(self.weights);
            // 1 − Σ w·d rather than Σ w·(1 − d): exactly 1 for equal scanpaths whatever the weights.
            let affinity = 1.0
                - weighted
                    .map(|(difference, weight)| weight * difference)
                    .sum::<f64>();
            affinity.clamp(0.0, 1.0) as f32
        })
    }
}

/// Compares the scanpaths of one set with those of another.
pub struct Comparison<'a, O> {
    rows: &'a Features,
    cols: &'a Features,
    normalisers: [f64; 5],
    alignment: Alignment,
    /// The columns for the lanes, if the engine is not the scalar one.
    packed: Option<(Packed<2>, Level)>,
    /// The largest component of each row's and each column's vectors, for the lanes.
    reach: [Vec<f64>; 2],
    outcome: O,
}

impl<'a, O: Outcome> Comparison<'a, O> {
    /// Compares with the fastest engine.
    pub fn new(
        rows: &'a Features,
        cols: &'a Features,
        scale: &Scale,
        alignment: Alignment,
        outcome: O,
    ) -> Self {
        match alignment {
            Alignment::Joint => Self::at_level(rows, cols, scale, Level::best(), outcome),
            Alignment::PerDimension => Self::scalar(rows, cols, scale, alignment, outcome),
        }
    }

    /// Compares pair by pair: the oracle of the lanes, which take over for joint alignment.
    pub fn scalar(
        rows: &'a Features,
        cols: &'a Features,
        scale: &Scale,
        alignment: Alignment,
        outcome: O,
    ) -> Self {
        Self {
            rows,
            cols,
            normalisers: scale.normalisers(),
            alignment,
            packed: None,
            reach: [Vec::new(), Vec::new()],
            outcome,
        }
    }

    /// Compares with the lanes of `level`.
    pub fn at_level(rows: &'a Features, cols: &'a Features, scale: &Scale, level: Level, outcome: O) -> Self {
        Self {
            packed: (!level.is_scalar()).then(|| (pack(cols), level)),
            reach: [rows, cols].map(|set| set.iter().map(fixed::reach).collect()),
            ..Self::scalar(rows, cols, scale, Alignment::Joint, outcome)
        }
    }

    /// Compares scanpath `i` of the rows with scanpath `j` of the columns.
    pub fn pair(&self, scratch: &mut Scratch, i: usize, j: usize) -> O::Output {
        self.outcome.of(self.differences(scratch, i, j))
    }

    fn differences(&self, scratch: &mut Scratch, i: usize, j: usize) -> Option<Differences> {
        let (mut a, mut b) = (self.rows.sample(i), self.cols.sample(j));
        if a.is_empty() || b.is_empty() {
            return None;
        }
        if by_content(a, b).is_gt() {
            (a, b) = (b, a);
        }
        let mut differences = match self.alignment {
            Alignment::Joint => joint(scratch, a, b),
            Alignment::PerDimension => per_dimension(&mut scratch.path, a, b),
        };
        for (difference, normaliser) in differences.iter_mut().zip(self.normalisers) {
            *difference /= normaliser;
        }
        Some(differences)
    }

    /// The units in which row `i` and a group are aligned in fixed point.
    fn fixed(&self, i: usize, group: &Group) -> Option<Fixed> {
        let [rows, cols] = &self.reach;
        let reach = group.targets.iter().fold(rows[i], |reach, &j| reach.max(cols[j]));
        Fixed::new(self.rows.sample(i).len().max(group.rows.len()), reach)
    }

    /// Compares row `i` with the lanes of `group` and hands over each lane with its outcome.
    fn one_to_eight(
        &self,
        scratch: &mut Scratch,
        level: Level,
        i: usize,
        group: &Group,
        mut put: impl FnMut(usize, O::Output),
    ) {
        let query = self.rows.sample(i);
        let job = OneToEight {
            query,
            group,
            features: self.cols,
            normalisers: self.normalisers,
            fixed: self.fixed(i, group),
            scratch: &mut scratch.lanes,
        };
        let lanes = simd::run(level, job);
        for (lane, (&j, differences)) in group.targets.iter().zip(lanes).enumerate() {
            let differences = differences.or_else(|| self.differences(scratch, i, j));
            put(lane, self.outcome.of(differences));
        }
    }

    /// Aligns every row of a tile with its columns and goes no further: see [`lanes::AlignOnly`].
    #[doc(hidden)]
    pub fn align_only(&self, scratch: &mut Scratch, tile: &Tile) {
        let Some((packed, level)) = &self.packed else {
            return;
        };
        for i in tile.rows.clone() {
            for group in packed.groups(tile) {
                let job = OneToEight {
                    query: self.rows.sample(i),
                    group,
                    features: self.cols,
                    normalisers: self.normalisers,
                    fixed: self.fixed(i, group),
                    scratch: &mut scratch.lanes,
                };
                simd::run(*level, lanes::AlignOnly(job));
            }
        }
    }
}

impl<O: Outcome + Sync> Kernel for Comparison<'_, O> {
    type Output = O::Output;
    type Scratch = Scratch;

    fn shape(&self) -> (usize, usize) {
        (self.rows.len(), self.cols.len())
    }

    fn estimated_ns(&self) -> f64 {
        let (rows, cols) = self.shape();
        let cells = self.rows.rows().len() as f64 * self.cols.rows().len() as f64;
        CELL_NS * cells + PAIR_NS * rows as f64 * cols as f64
    }

    fn scratch(&self) -> Scratch {
        Scratch::default()
    }
}

impl<O: Outcome + Sync> TileKernel for Comparison<'_, O> {
    fn tile(&self, scratch: &mut Scratch, tile: &Tile, values: &mut [O::Output], go_on: GoOn) -> bool {
        let Some((packed, level)) = &self.packed else {
            return tile_by_pairs(tile, values, go_on, |i, j| self.pair(scratch, i, j));
        };
        let groups = packed.groups(tile);
        let (width, top, left) = (tile.cols.len(), tile.rows.start, tile.cols.start);
        values[..tile.rows.len() * width].fill(self.outcome.of(None));
        if !tile.diagonal {
            for i in tile.rows.clone() {
                let line = &mut values[(i - top) * width..][..width];
                if !self.rows.sample(i).is_empty() {
                    for group in groups {
                        self.one_to_eight(scratch, *level, i, group, |lane, outcome| {
                            line[group.targets[lane] - left] = outcome;
                        });
                    }
                }
                if !go_on(width) {
                    return false;
                }
            }
            return true;
        }
        // Both sides in the order of the groups: a row meets its own group and those after it.
        for (first, rows) in groups.iter().enumerate() {
            for &i in &rows.targets {
                for group in &groups[first..] {
                    self.one_to_eight(scratch, *level, i, group, |lane, outcome| {
                        let j = group.targets[lane];
                        values[(i - top) * width + j - left] = outcome;
                        values[(j - top) * width + i - left] = outcome;
                    });
                }
                if !go_on(width / 2) {
                    return false;
                }
            }
        }
        true
    }
}

impl ListKernel for Comparison<'_, Affinity> {
    fn list(&self, scratch: &mut Scratch, i: usize, cols: &[u32], values: &mut [f32]) {
        let Some((_, level)) = &self.packed else {
            for (value, &j) in values.iter_mut().zip(cols) {
                *value = self.pair(scratch, i, j as usize);
            }
            return;
        };
        values.fill(0.0);
        if self.rows.sample(i).is_empty() {
            return;
        }
        lanes::each_group(self.cols, cols, |places, group| {
            self.one_to_eight(scratch, *level, i, group, |lane, outcome| {
                values[places[lane]] = outcome;
            });
        });
    }
}

impl Bounded for Comparison<'_, Affinity> {
    /// There is no cheap upper bound of the affinity of scanpaths.
    fn bound(&self, _: &Tile) -> f32 {
        1.0
    }
}

/// One path, cheapest in shape; the median of each difference along it.
fn joint(scratch: &mut Scratch, a: &[Saccade], b: &[Saccade]) -> [f64; 5] {
    let Scratch {
        path, differences, ..
    } = scratch;
    path.find(a.len(), b.len(), |i, j| shape(&a[i], &b[j]));
    DIFFERENCES.map(|difference| {
        differences.clear();
        differences.extend(path.cells.iter().map(|&(i, j)| difference(&a[i], &b[j])));
        median(differences)
    })
}

/// For each difference its own cheapest path, and the mean along it.
fn per_dimension(path: &mut Path, a: &[Saccade], b: &[Saccade]) -> [f64; 5] {
    DIFFERENCES.map(|difference| {
        let entered = path.find(a.len(), b.len(), |i, j| difference(&a[i], &b[j]));
        (difference(&a[0], &b[0]) + entered) / path.cells.len() as f64
    })
}

fn median(numbers: &mut [f64]) -> f64 {
    let middle = numbers.len() / 2;
    let (_, &mut upper, _) = numbers.select_nth_unstable_by(middle, f64::total_cmp);
    if numbers.len() % 2 == 1 {
        return upper;
    }
    let lower = numbers[..middle].iter().copied().fold(f64::MIN, f64::max);
    (lower + upper) / 2.0
}
