//! One scanpath against eight others at once: the driver's side of all scanpath measures.

use std::marker::PhantomData;
use std::sync::OnceLock;

use super::packed::{Group, Packed, each_group};
use crate::pairwise::{Bounded, GoOn, Kernel, ListKernel, Tile, TileKernel};
use crate::scanpath::Ragged;
use crate::simd::{self, Job, Lanes, Level};

/// The longest scanpath that is compared; one comparison of two such takes a fraction of a second,
/// within which a call can be interrupted.
pub const MAX_FIXATIONS: usize = 8192;

/// `VALUES` numbers for each of eight pairs.
pub type Eight<const VALUES: usize> = [[f64; 8]; VALUES];

/// A few numbers that say much about a sample: what [`Measure::bound`] looks at.
pub type Mark = [f64; 8];

/// Eight columns side by side, one in each lane.
pub struct Columns<'a, const N: usize> {
    /// Row `t` of all eight; [`Measure::FILLER`] beyond the end of a shorter one.
    pub rows: &'a [simd::Aligned<[[f64; 8]; N]>],
    /// The number of rows of each; 0 in a lane without a sample.
    pub lengths: [usize; 8],
}

impl<const N: usize> Columns<'_, N> {
    /// The lengths as numbers.
    pub fn lengths(&self) -> [f64; 8] {
        self.lengths.map(|length| length as f64)
    }

    /// Of eight numbers per row, those at the last row of every column; 0 in a lane without one.
    pub fn at_ends(&self, number: impl Fn(usize, usize) -> f64) -> [f64; 8] {
        std::array::from_fn(|lane| match self.lengths[lane] {
            0 => 0.0,
            length => number(length - 1, lane),
        })
    }
}

/// Compares samples with rows of `N` numbers; yields `VALUES` numbers for a pair.
///
/// Swapping the two samples of a pair must yield the same affinity bit for bit.
pub trait Measure<const N: usize, const VALUES: usize>: Sync {
    /// Memory that comparisons reuse.
    type Scratch: Default + Send;
    /// Stands beyond the end of a sample that is shorter than those beside it.
    const FILLER: f64;
    /// A guess at the time of a pair of fixations, in nanoseconds.
    const CELL_NS: f64;

    /// Compares one sample with eight; none of those that count is empty. Must be `inline(always)`.
    fn compare<L: Lanes>(
        &self,
        scratch: &mut Self::Scratch,
        row: &[[f64; N]],
        columns: &Columns<N>,
    ) -> Eight<VALUES>;

    /// The affinity of two samples of `n` and `m` rows.
    fn affinity(&self, values: [f64; VALUES], n: usize, m: usize) -> f64;

    /// What [`Measure::bound`] needs of a sample that is not empty; None where nothing cheap bounds an affinity.
    fn mark(&self, _rows: &[[f64; N]]) -> Option<Mark> {
        None
    }

    /// A number that the affinity of samples with these marks does not exceed, rounding included.
    fn bound(&self, _a: &Mark, _b: &Mark) -> f64 {
        f64::INFINITY
    }
}

impl<const N: usize, const VALUES: usize, M: Measure<N, VALUES>> Measure<N, VALUES> for &M {
    type Scratch = M::Scratch;
    const FILLER: f64 = M::FILLER;
    const CELL_NS: f64 = M::CELL_NS;

    #[inline(always)]
    fn compare<L: Lanes>(
        &self,
        scratch: &mut M::Scratch,
        row: &[[f64; N]],
        columns: &Columns<N>,
    ) -> Eight<VALUES> {
        (*self).compare::<L>(scratch, row, columns)
    }

    fn affinity(&self, values: [f64; VALUES], n: usize, m: usize) -> f64 {
        (*self).affinity(values, n, m)
    }

    fn mark(&self, rows: &[[f64; N]]) -> Option<Mark> {
        (*self).mark(rows)
    }

    fn bound(&self, a: &Mark, b: &Mark) -> f64 {
        (*self).bound(a, b)
    }
}

/// How the numbers of a pair are turned into its output.
pub trait Outcome<const VALUES: usize>: Sync {
    /// What one comparison yields.
    type Output: Copy + Default + Send;
    /// What a pair with an empty sample yields.
    const UNDEFINED: Self::Output;
    /// What a pair of samples of `n` and `m` rows yields.
    fn of<const N: usize, M: Measure<N, VALUES>>(
        measure: &M,
        values: [f64; VALUES],
        n: usize,
        m: usize,
    ) -> Self::Output;
}

/// Affinities in [0, 1]; 0 where a sample is empty.
pub struct Affinities;

impl<const VALUES: usize> Outcome<VALUES> for Affinities {
    type Output = f32;
    const UNDEFINED: f32 = 0.0;

    fn of<const N: usize, M: Measure<N, VALUES>>(
        measure: &M,
        values: [f64; VALUES],
        n: usize,
        m: usize,
    ) -> f32 {
        let affinity = measure.affinity(values, n, m);
        // NaN, which features made elsewhere can yield, counts as 0.
        if affinity > 0.0 {
            affinity.min(1.0) as f32
        } else {
            0.0
        }
    }
}

/// The numbers as they are; NaN where a sample is empty.
pub struct Values;

impl<const VALUES: usize> Outcome<VALUES> for Values
where
    [f64; VALUES]: Default,
{
    type Output = [f64; VALUES];
    const UNDEFINED: Self::Output = [f64::NAN; VALUES];

    fn of<const N: usize, M: Measure<N, VALUES>>(
        _: &M,
        values: [f64; VALUES],
        _: usize,
        _: usize,
    ) -> Self::Output {
        values
    }
}

/// A measure between all samples of two sets.
pub struct Comparison<'a, const N: usize, const VALUES: usize, M, O> {
    measure: M,
    rows: &'a Ragged<[f64; N]>,
    cols: &'a Ragged<[f64; N]>,
    packed: Packed<N>,
    level: Level,
    /// The rows' marks, if they are asked for.
    marks: OnceLock<Option<Vec<Mark>>>,
    outcome: PhantomData<O>,
}

impl<'a, const N: usize, const VALUES: usize, M: Measure<N, VALUES>, O: Outcome<VALUES>>
    Comparison<'a, N, VALUES, M, O>
{
    /// Compares the samples of `rows` with those of `cols`.
    pub fn new(measure: M, rows: &'a Ragged<[f64; N]>, cols: &'a Ragged<[f64; N]>) -> Self {
        Self::at_level(measure, rows, cols, Level::best())
    }

    /// As [`Comparison::new`], with the lanes of `level`.
    pub fn at_level(
        measure: M,
        rows: &'a Ragged<[f64; N]>,
        cols: &'a Ragged<[f64; N]>,
        level: Level,
    ) -> Self {
        Self {
            measure,
            rows,
            cols,
            packed: Packed::new(cols, M::FILLER, |row| *row),
            level,
            marks: OnceLock::new(),
            outcome: PhantomData,
        }
    }

    fn group(&self, scratch: &mut M::Scratch, row: &[[f64; N]], group: &Group<N>) -> Eight<VALUES> {
        let length = |lane| group.targets.get(lane).map_or(0, |&j| self.cols.sample(j).len());
        let columns = Columns {
            rows: &group.rows,
            lengths: std::array::from_fn(length),
        };
        simd::run(
            self.level,
            OneToEight {
                measure: &self.measure,
                scratch,
                row,
                columns,
            },
        )
    }

    /// The marks of all rows; None where the measure has none.
    fn marks(&self) -> Option<&[Mark]> {
        let mark = |i| match self.rows.sample(i) {
            [] => Some(Mark::default()),
            rows => self.measure.mark(rows),
        };
        let marks = || (0..self.rows.len()).map(mark).collect();
        self.marks.get_or_init(marks).as_deref()
    }

    /// Compares row `i` with all columns of a tile; false where `go_on` says so.
    fn line(
        &self,
        scratch: &mut M::Scratch,
        tile: &Tile,
        i: usize,
        values: &mut [O::Output],
        go_on: GoOn,
    ) -> bool {
        let row = self.rows.sample(i);
        for group in self.packed.groups(tile).iter().filter(|_| !row.is_empty()) {
            self.compare(scratch, row, group, tile.cols.start, values);
            if !go_on(0) {
                return false;
            }
        }
        true
    }

    /// Writes what a row and eight columns yield; `values` begin with column `first`.
    fn compare(
        &self,
        scratch: &mut M::Scratch,
        row: &[[f64; N]],
        group: &Group<N>,
        first: usize,
        values: &mut [O::Output],
    ) {
        let eight = self.group(scratch, row, group);
        for (lane, &j) in group.targets.iter().enumerate() {
            values[j - first] = self.outcome(&eight, lane, row.len(), self.cols.sample(j).len());
        }
    }

    fn outcome(&self, eight: &Eight<VALUES>, lane: usize, n: usize, m: usize) -> O::Output {
        O::of(
            &self.measure,
            std::array::from_fn(|value| eight[value][lane]),
            n,
            m,
        )
    }
}

struct OneToEight<'a, const N: usize, const VALUES: usize, M: Measure<N, VALUES>> {
    measure: &'a M,
    scratch: &'a mut M::Scratch,
    row: &'a [[f64; N]],
    columns: Columns<'a, N>,
}

impl<const N: usize, const VALUES: usize, M: Measure<N, VALUES>> Job for OneToEight<'_, N, VALUES, M> {
    type Output = Eight<VALUES>;

    #[inline(always)]
    fn run<L: Lanes>(self) -> Eight<VALUES> {
        self.measure.compare::<L>(self.scratch, self.row, &self.columns)
    }
}

impl<const N: usize, const VALUES: usize, M: Measure<N, VALUES>, O: Outcome<VALUES>> Kernel
    for Comparison<'_, N, VALUES, M, O>
{
    type Output = O::Output;
    type Scratch = M::Scratch;

    fn shape(&self) -> (usize, usize) {
        (self.rows.len(), self.cols.len())
    }

    fn estimated_ns(&self) -> f64 {
        let cells = self.rows.rows().len() as f64 * self.cols.rows().len() as f64;
        M::CELL_NS * cells + 20.0 * self.rows.len() as f64 * self.cols.len() as f64
    }

    fn scratch(&self) -> M::Scratch {
        M::Scratch::default()
    }
}

impl<const N: usize, const VALUES: usize, M: Measure<N, VALUES>, O: Outcome<VALUES>> TileKernel
    for Comparison<'_, N, VALUES, M, O>
{
    fn tile(&self, scratch: &mut M::Scratch, tile: &Tile, values: &mut [O::Output], go_on: GoOn) -> bool {
        values.fill(O::UNDEFINED);
        let width = tile.cols.len();
        for (line, i) in tile.rows.clone().enumerate() {
            if !self.line(scratch, tile, i, &mut values[line * width..][..width], go_on) {
                return false;
            }
            if !go_on(if tile.diagonal { width - line } else { width }) {
                return false;
            }
        }
        true
    }

    /// Pairs whose bound reaches neither floor are not compared.
    fn tile_above(
        &self,
        scratch: &mut M::Scratch,
        tile: &Tile,
        floors: &[f32],
        values: &mut [O::Output],
        go_on: GoOn,
    ) -> bool {
        let Some(marks) = self.marks() else {
            return self.tile(scratch, tile, values, go_on);
        };
        values.fill(O::UNDEFINED);
        let width = tile.cols.len();
        let mut left: Vec<u32> = Vec::with_capacity(width);
        for (line, i) in tile.rows.clone().enumerate() {
            let row = self.rows.sample(i);
            let values = &mut values[line * width..][..width];
            let first = if tile.diagonal { i + 1 } else { tile.cols.start };
            left.clear();
            left.extend((first..tile.cols.end).map(|j| j as u32).filter(|&j| {
                let bound = self.measure.bound(&marks[i], &marks[j as usize]) as f32;
                // What is not a number bounds nothing.
                bound.is_nan() || bound >= floors[i].min(floors[j as usize])
            }));
            if left.len() > width / 2 {
                if !self.line(scratch, tile, i, values, go_on) {
                    return false;
                }
            } else if !row.is_empty() {
                each_group(
                    self.cols,
                    &left,
                    M::FILLER,
                    |row| *row,
                    |_, group| {
                        self.compare(scratch, row, group, tile.cols.start, values);
                    },
                );
            }
            if !go_on(if tile.diagonal { width - line } else { width }) {
                return false;
            }
        }
        true
    }
}

impl<const N: usize, const VALUES: usize, M: Measure<N, VALUES>> ListKernel
    for Comparison<'_, N, VALUES, M, Affinities>
{
    fn list(&self, scratch: &mut M::Scratch, i: usize, cols: &[u32], values: &mut [f32]) {
        values.fill(0.0);
        let row = self.rows.sample(i);
        if row.is_empty() {
            return;
        }
        let filler = M::FILLER;
        each_group(
            self.cols,
            cols,
            filler,
            |row| *row,
            |places, group| {
                let eight = self.group(scratch, row, group);
                for (lane, (&place, &j)) in places.iter().zip(&group.targets).enumerate() {
                    values[place] = self.outcome(&eight, lane, row.len(), self.cols.sample(j).len());
                }
            },
        );
    }
}

impl<const N: usize, const VALUES: usize, M: Measure<N, VALUES>> Bounded
    for Comparison<'_, N, VALUES, M, Affinities>
{
    /// Nothing cheap is known about the scanpaths of a whole tile that would bound their affinity.
    fn bound(&self, _: &Tile) -> f32 {
        f32::INFINITY
    }
}
