//! A dense matrix in bands of whole rows, for kernels as fast as the memory.
//!
//! Whole rows are contiguous, so the bands are slices, and kernels write into them directly.

use std::ops::Range;
use std::slice::ChunksMut;
use std::sync::{Mutex, PoisonError};

/// Approximate number of cells of a band: enough bands to keep the threads evenly busy, few enough that
/// distributing them costs almost nothing.
const BAND_CELLS: usize = 1 << 16;

/// A row-major matrix that several threads fill band by band.
pub struct Bands<'a, T> {
    len: usize,
    height: usize,
    cols: usize,
    rest: Mutex<std::iter::Enumerate<ChunksMut<'a, T>>>,
}

impl<'a, T> Bands<'a, T> {
    /// Cuts a matrix with `cols` columns into bands.
    pub fn new(matrix: &'a mut [T], cols: usize) -> Self {
        let height = (BAND_CELLS / cols.max(1)).max(1);
        let bands = matrix.chunks_mut((height * cols).max(1));
        Self {
            len: bands.len(),
            height,
            cols,
            rest: Mutex::new(bands.enumerate()),
        }
    }

    /// The number of bands.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Hands out the next band: its rows and their cells.
    pub fn take(&self) -> Option<(Range<usize>, &'a mut [T])> {
        let mut rest = self.rest.lock().unwrap_or_else(PoisonError::into_inner);
        let (band, cells) = rest.next()?;
        let top = band * self.height;
        Some((top..top + cells.len() / self.cols, cells))
    }
}
