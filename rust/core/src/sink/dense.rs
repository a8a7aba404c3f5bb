//! A dense matrix, filled tile by tile by several threads.
//!
//! Tiles of a matrix are disjoint but interleaved in memory, which slices cannot express; the
//! unsafe stores are confined to this module, behind functions that check what they rely on.
#![allow(unsafe_code)]

use std::marker::PhantomData;
use std::sync::atomic::{AtomicBool, Ordering};

use super::{Tile, tiles};

/// A row-major matrix that several threads fill tile by tile.
///
/// For a symmetric matrix the tiles cover the diagonal and what is above it; each is stored
/// together with its mirror image.
pub struct DenseSink<'a, T> {
    start: *mut T,
    rows: usize,
    cols: usize,
    symmetric: bool,
    tiles: Vec<Tile>,
    stored: Vec<AtomicBool>,
    matrix: PhantomData<&'a mut [T]>,
}

// SAFETY: the threads only store plain values, and `put` lets each tile be stored once; tiles are
// disjoint by construction.
unsafe impl<T: Send> Sync for DenseSink<'_, T> {}

impl<'a, T: Copy> DenseSink<'a, T> {
    /// Cuts a matrix of `rows` × `cols` into tiles. A symmetric one must be square.
    pub fn new(matrix: &'a mut [T], rows: usize, cols: usize, symmetric: bool) -> Self {
        assert_eq!(matrix.len(), rows * cols, "the matrix has rows × cols cells");
        assert!(!symmetric || rows == cols, "a symmetric matrix is square");
        // Not the caller's: that they are disjoint and inside is what the stores rely on.
        let tiles = tiles(rows, cols, symmetric);
        Self {
            start: matrix.as_mut_ptr(),
            rows,
            cols,
            symmetric,
            stored: tiles.iter().map(|_| AtomicBool::new(false)).collect(),
            tiles,
            matrix: PhantomData,
        }
    }

    /// The number of tiles.
    pub fn len(&self) -> usize {
        self.tiles.len()
    }

    /// Tile `index`.
    pub fn tile(&self, index: usize) -> &Tile {
        &self.tiles[index]
    }

    /// Stores tile `index` from row-major `values`, and in a symmetric matrix its mirror image.
    pub fn put(&self, index: usize, values: &[T]) {
        let tile = &self.tiles[index];
        let (rows, cols) = (tile.rows.clone(), tile.cols.clone());
        let (height, width) = (rows.len(), cols.len());
        assert!(
            values.len() >= height * width,
            "a value for every cell of the tile"
        );
        assert!(
            !self.stored[index].swap(true, Ordering::Relaxed),
            "each tile is stored once"
        );
        for line in 0..height {
            let values = &values[line * width..][..width];
            // SAFETY: `rows` and `cols` lie inside the matrix by construction, and no other tile
            // covers these cells.
            unsafe {
                let target = self.start.add((rows.start + line) * self.cols + cols.start);
                std::ptr::copy_nonoverlapping(values.as_ptr(), target, width);
            }
        }
        if !self.symmetric || tile.diagonal {
            return;
        }
        for across in 0..width {
            for line in 0..height {
                // SAFETY: as above; the matrix is square, and the mirror images of tiles above the
                // diagonal lie below it, where no tile is.
                unsafe {
                    let cell = (cols.start + across) * self.rows + rows.start + line;
                    *self.start.add(cell) = values[line * width + across];
                }
            }
        }
    }
}
