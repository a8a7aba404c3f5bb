//! The traits that a scheme implements for the loop over pairs.

use std::ops::Range;

use super::ListKernel;
use crate::simd::{self, Job, Lanes, Level};
use crate::sink::{TILE, Tile};

/// Called with the number of pairs that were compared since the last call; returns whether to go on.
pub type GoOn<'a> = &'a mut dyn FnMut(usize) -> bool;

/// The base trait of all kernels.
///
/// A kernel is symmetric in its arguments, bit for bit: the number of (a, b) is the number of (b, a), whatever the
/// order of the sets. So a block that is computed alone equals the block of the whole matrix.
pub trait Kernel: Sync {
    /// What one comparison yields.
    type Output: Copy + Default + Send;
    /// Memory that the comparisons of one thread reuse.
    type Scratch: Send;

    /// The number of rows and of columns.
    fn shape(&self) -> (usize, usize);

    /// An estimate of the time of all pairs on one thread, in nanoseconds: decides whether threads pay.
    fn estimated_ns(&self) -> f64;

    /// Fresh memory for one thread.
    fn scratch(&self) -> Self::Scratch;
}

/// Compares all pairs of a tile: for kernels that are faster on several pairs than on one.
pub trait TileKernel: Kernel {
    /// Writes the pairs of `tile`, row-major, into the first `tile.rows.len() * tile.cols.len()` of `values`, all of
    /// them: `values` holds other numbers before. On a diagonal tile each unordered pair goes into both of its cells.
    ///
    /// Calls `go_on` about once per row, and returns false as soon as it returns false; the values are then discarded.
    /// The tile can have any number of rows and of columns.
    fn tile(
        &self,
        scratch: &mut Self::Scratch,
        tile: &Tile,
        values: &mut [Self::Output],
        go_on: GoOn,
    ) -> bool;

    /// As [`TileKernel::tile`], in a search for neighbours among one set of samples: what reaches neither the floor of
    /// its row nor that of its column may be left at 0, and of a diagonal tile what is not right of the diagonal.
    /// `floors` are those of all samples, and above 0.
    fn tile_above(
        &self,
        scratch: &mut Self::Scratch,
        tile: &Tile,
        floors: &[f32],
        values: &mut [Self::Output],
        go_on: GoOn,
    ) -> bool {
        let _ = floors;
        self.tile(scratch, tile, values, go_on)
    }
}

/// Compares one row with a range of columns: for kernels that are as fast as the memory they write to.
pub trait RowKernel: Kernel<Output = f32> {
    /// Writes the comparisons of row `i` with the columns from `first` on, one for every cell of `line`. With
    /// `streams`, nobody reads the cells soon: they should be written past the caches.
    fn row(&self, scratch: &mut Self::Scratch, i: usize, first: usize, line: &mut [f32], streams: bool);

    /// Adds to `found` the columns among `cols`, at most [`STRETCH`], whose affinity with row `i` is at least `floor`,
    /// which is above 0, and that affinity.
    ///
    /// A kernel that can rule a column out without its affinity writes a method of its own.
    fn seek(
        &self,
        scratch: &mut Self::Scratch,
        i: usize,
        cols: Range<usize>,
        floor: f32,
        found: &mut Vec<(usize, f32)>,
    ) {
        let mut values = [0.0; STRETCH];
        let values = &mut values[..cols.len()];
        self.row(scratch, i, cols.start, values, false);
        let job = Reaching {
            values,
            floor,
            first: cols.start,
            found,
        };
        simd::run(Level::best(), job);
    }
}

/// A kernel with an upper bound, so that the search for neighbours can skip whole tiles.
pub trait Bounded: Kernel<Output = f32> {
    /// An upper bound of the affinities in the tile; the tighter, the more tiles are skipped. Without a cheap bound,
    /// [`f32::INFINITY`].
    fn bound(&self, tile: &Tile) -> f32;
}

/// The simplest kernel: a function of one pair. [`ByPairs`] makes a [`TileKernel`] of it.
///
/// Symmetric bit for bit, as every [`Kernel`]: where a rule breaks ties in favour of one side, bring the two samples
/// into an order that does not depend on which of them is the row.
pub trait PairKernel: Sync {
    /// What one comparison yields.
    type Output: Copy + Default + Send;
    /// Memory that the comparisons of one thread reuse; `()` for none.
    type Scratch: Send;

    /// The number of rows and of columns.
    fn shape(&self) -> (usize, usize);

    /// An estimate of the time of all pairs on one thread, in nanoseconds: decides whether threads pay.
    fn estimated_ns(&self) -> f64;

    /// Fresh memory for one thread.
    fn scratch(&self) -> Self::Scratch;

    /// Compares row sample `i` with column sample `j`.
    fn pair(&self, scratch: &mut Self::Scratch, i: usize, j: usize) -> Self::Output;

    /// An upper bound of the affinities in the tile, for [`neighbors`](super::neighbors), which skips tiles that cannot
    /// hold a neighbour. The default skips none.
    fn bound(&self, _tile: &Tile) -> f32 {
        f32::INFINITY
    }
}

impl<K: PairKernel> PairKernel for &K {
    type Output = K::Output;
    type Scratch = K::Scratch;

    fn shape(&self) -> (usize, usize) {
        (*self).shape()
    }

    fn estimated_ns(&self) -> f64 {
        (*self).estimated_ns()
    }

    fn scratch(&self) -> K::Scratch {
        (*self).scratch()
    }

    fn pair(&self, scratch: &mut K::Scratch, i: usize, j: usize) -> K::Output {
        (*self).pair(scratch, i, j)
    }

    fn bound(&self, tile: &Tile) -> f32 {
        (*self).bound(tile)
    }
}

/// Makes a [`TileKernel`] of a [`PairKernel`], which compares the pairs of a tile one by one.
#[derive(Debug, Clone, Copy)]
pub struct ByPairs<K>(pub K);

impl<K: PairKernel> Kernel for ByPairs<K> {
    type Output = K::Output;
    type Scratch = K::Scratch;

    fn shape(&self) -> (usize, usize) {
        self.0.shape()
    }

    fn estimated_ns(&self) -> f64 {
        self.0.estimated_ns()
    }

    fn scratch(&self) -> K::Scratch {
        self.0.scratch()
    }
}

impl<K: PairKernel> TileKernel for ByPairs<K> {
    fn tile(&self, scratch: &mut K::Scratch, tile: &Tile, values: &mut [K::Output], go_on: GoOn) -> bool {
        tile_by_pairs(tile, values, go_on, |i, j| self.0.pair(scratch, i, j))
    }
}

impl<K: PairKernel<Output = f32>> ListKernel for ByPairs<K> {
    fn list(&self, scratch: &mut K::Scratch, i: usize, cols: &[u32], values: &mut [f32]) {
        for (value, &j) in values.iter_mut().zip(cols) {
            *value = self.0.pair(scratch, i, j as usize);
        }
    }
}

impl<K: PairKernel<Output = f32>> Bounded for ByPairs<K> {
    fn bound(&self, tile: &Tile) -> f32 {
        self.0.bound(tile)
    }
}

/// Does what [`TileKernel::tile`] promises with a function of one pair.
pub fn tile_by_pairs<T: Copy>(
    tile: &Tile,
    values: &mut [T],
    go_on: GoOn,
    mut pair: impl FnMut(usize, usize) -> T,
) -> bool {
    let width = tile.cols.len();
    for (line, i) in tile.rows.clone().enumerate() {
        let first = if tile.diagonal { line } else { 0 };
        for across in first..width {
            let output = pair(i, tile.cols.start + across);
            values[line * width + across] = output;
            if tile.diagonal {
                values[across * width + line] = output;
            }
        }
        if !go_on(width - first) {
            return false;
        }
    }
    true
}

/// Number of columns per call of [`RowKernel::seek`]: their features stay in the first-level cache for all rows of a
/// band.
pub const STRETCH: usize = 8 * TILE;

/// Finds the values that are at least `floor`.
struct Reaching<'a> {
    values: &'a [f32],
    floor: f32,
    first: usize,
    found: &'a mut Vec<(usize, f32)>,
}

impl Job for Reaching<'_> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes>(self) {
        for (eight, first) in self.values.chunks(8).zip((self.first..).step_by(8)) {
            // Most groups have none: eight values are tested without a branch.
            let reaches = |any: bool, &value: &f32| any | (value >= self.floor);
            if eight.iter().fold(false, reaches) {
                let values = eight.iter().zip(first..);
                let reached = values.filter(|(value, _)| **value >= self.floor);
                self.found.extend(reached.map(|(&value, j)| (j, value)));
            }
        }
    }
}
