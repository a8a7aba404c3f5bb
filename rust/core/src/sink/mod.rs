//! The output of tiles of affinities: a dense matrix, or the nearest neighbours.

mod bands;
mod dense;
mod neighbors;

pub use bands::Bands;
pub use dense::DenseSink;
pub use neighbors::{Csr, NeighborSink, Rule};

use std::ops::Range;

/// Rows and columns of one tile: its results stay in the first-level cache, and there are enough
/// tiles to keep the threads evenly busy.
pub const TILE: usize = 64;

/// The rows and columns of a part of a matrix.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Tile {
    /// The rows.
    pub rows: Range<usize>,
    /// The columns; they start at a multiple of [`TILE`] and end at one or with the matrix.
    pub cols: Range<usize>,
    /// Whether rows and columns are the same samples, so that the tile is its own mirror image.
    pub diagonal: bool,
}

impl Tile {
    /// The tile of some rows and some columns.
    ///
    /// # Panics
    /// Where the columns do not start at a multiple of [`TILE`].
    pub fn new(rows: Range<usize>, cols: Range<usize>) -> Self {
        assert!(
            cols.start.is_multiple_of(TILE),
            "the columns of a tile start at a multiple of {TILE}"
        );
        Self {
            rows,
            cols,
            diagonal: false,
        }
    }

    /// The tile that compares some samples with themselves.
    ///
    /// # Panics
    /// Where the samples do not start at a multiple of [`TILE`].
    pub fn on_diagonal(samples: Range<usize>) -> Self {
        Self {
            diagonal: true,
            ..Self::new(samples.clone(), samples)
        }
    }

    /// The number of pairs; of a diagonal tile, of unordered pairs.
    pub fn pairs(&self) -> usize {
        let (height, width) = (self.rows.len(), self.cols.len());
        if self.diagonal {
            width * (width + 1) / 2
        } else {
            height * width
        }
    }
}

/// The tiles of a matrix, row by row; of a symmetric one those on the diagonal and above it.
pub fn tiles(rows: usize, cols: usize, symmetric: bool) -> Vec<Tile> {
    let mut all = Vec::new();
    for top in (0..rows).step_by(TILE) {
        let first = if symmetric { top } else { 0 };
        for left in (first..cols).step_by(TILE) {
            let rows = top..(top + TILE).min(rows);
            all.push(if symmetric && top == left {
                Tile::on_diagonal(rows)
            } else {
                Tile::new(rows, left..(left + TILE).min(cols))
            });
        }
    }
    all
}
