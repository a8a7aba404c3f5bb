//! Hashes of one word, looked up by nibbles: bits in common as bytes, cosines in single precision.
//!
//! A cosine is c · (1/√a · 1/√b), rounded to double precision twice and then to single precision. Here each root is a
//! number of single precision and the share by which the root is larger, 48 bits together, and the product is computed
//! with what its rounding loses. That yields the same cosine for all numbers of bits that there can be; a test in
//! `tests/matrices.rs` tries each.

use std::ops::Range;

use super::Features;
use crate::simd::nibbles::{BLOCK, Block, blocks};
use crate::simd::{Job, Lanes, Narrow};

/// Columns whose bits in common are kept until they become cosines.
const PIECE: usize = 1024 + 64;

/// A root in two parts: single precision, and the share that it lacks.
fn parts(scale: f64) -> (f32, f32) {
    let near = scale as f32;
    if near == 0.0 {
        return (0.0, 0.0);
    }
    (near, ((scale - f64::from(near)) / f64::from(near)) as f32)
}

/// Hashes side by side.
pub struct Planes {
    blocks: Vec<Block>,
    near: Vec<f32>,
    lacking: Vec<f32>,
}

impl Planes {
    /// Takes hashes of one word.
    pub fn new(hashes: &Features) -> Self {
        // Eight numbers are loaded wherever a line may start.
        let parts = hashes.scales.iter().map(|&scale| parts(scale));
        let (near, lacking) = parts.chain([(0.0, 0.0); 8]).unzip();
        Self {
            blocks: blocks(&hashes.bits),
            near,
            lacking,
        }
    }
}

/// The bits that one hash has in common with those of some columns.
pub struct Counts {
    /// The first column of the first count.
    start: usize,
    counts: [[u8; BLOCK]; PIECE.div_ceil(BLOCK) + 1],
}

impl Counts {
    #[inline(always)]
    pub fn new() -> Self {
        Self {
            start: 0,
            counts: [[0; BLOCK]; PIECE.div_ceil(BLOCK) + 1],
        }
    }

    /// Counts for at most [`PIECE`] columns, and what else is in their blocks.
    #[inline(always)]
    pub fn fill<L: Lanes>(&mut self, word: u64, planes: &Planes, cols: Range<usize>) {
        let first = cols.start / BLOCK;
        self.start = first * BLOCK;
        let blocks = &planes.blocks[first..cols.end.div_ceil(BLOCK)];
        for (block, counts) in blocks.iter().zip(&mut self.counts) {
            L::count_nibbles(word, block, counts);
        }
    }

    /// The counts of the columns before `end`, 32 at a time, and the first column of each.
    #[inline(always)]
    pub fn thirty_twos(&self, end: usize) -> impl Iterator<Item = (&[u8; 32], usize)> {
        let (all, _) = self.counts.as_flattened().as_chunks::<32>();
        let count = (end.div_ceil(BLOCK) * BLOCK - self.start) / 32;
        all[..count].iter().zip((self.start..).step_by(32))
    }

    /// What the cosines of eight columns are computed from, for those from `col` on.
    #[inline(always)]
    fn eights<'a>(&'a self, planes: &'a Planes, col: usize) -> impl Iterator<Item = Eight<'a>> {
        let counts = self.counts.as_flattened()[col - self.start..].as_chunks().0;
        let near = planes.near[col..].as_chunks().0;
        let lacking = planes.lacking[col..].as_chunks().0;
        let roots = near.iter().zip(lacking);
        counts
            .iter()
            .zip(roots)
            .map(|(count, (near, lacking))| (count, near, lacking))
    }
}

/// Bits in common, and both parts of the roots, of eight columns.
type Eight<'a> = (&'a [u8; 8], &'a [f32; 8], &'a [f32; 8]);

/// The cosines of eight columns with the row whose parts are given.
#[inline(always)]
fn cosines<N: Narrow>([near, lacking]: &[N; 2], (counts, nears, lackings): Eight) -> N {
    let (count, other) = (N::from_bytes(counts), N::load(nears));
    let product = near.mul(other);
    let lost = near.fused_minus(other, product);
    let rest = product.fused(lacking.add(N::load(lackings)), lost);
    count.fused(product, count.mul(rest))
}

/// Fills fewer cells than lanes, or not many more.
#[inline(always)]
fn fill_part<'a, N: Narrow>(row: &[N; 2], eights: impl Iterator<Item = Eight<'a>>, part: &mut [f32]) {
    for (cells, eight) in part.chunks_mut(8).zip(eights) {
        let mut values = [0.0; 8];
        cosines(row, eight).store(&mut values);
        cells.copy_from_slice(&values[..cells.len()]);
    }
}

/// One hash against those from `first` on.
pub struct Line<'a> {
    pub word: u64,
    pub scale: f64,
    pub first: usize,
    pub planes: &'a Planes,
    pub line: &'a mut [f32],
    pub streams: bool,
}

impl Job for Line<'_> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes>(self) {
        let planes = self.planes;
        let (near, lacking) = parts(self.scale);
        let row = [L::Narrow::splat(near), L::Narrow::splat(lacking)];
        let mut counts = Counts::new();
        let (mut col, mut line) = (self.first, self.line);
        while !line.is_empty() {
            // Whole cache lines are written at once: half a line past the caches costs as much as two.
            let before = if self.streams {
                line.as_ptr().align_offset(64).min(line.len())
            } else {
                0
            };
            let length = line.len().min(before + PIECE - 64);
            let (piece, rest) = line.split_at_mut(length);
            counts.fill::<L>(self.word, planes, col..col + length);
            let (head, piece) = piece.split_at_mut(before);
            let (whole, tail) = piece.as_chunks_mut::<8>();
            fill_part(&row, counts.eights(planes, col), head);
            fill_part(&row, counts.eights(planes, col + before + 8 * whole.len()), tail);
            let eights = counts.eights(planes, col + before).zip(whole);
            if self.streams {
                for (eight, values) in eights {
                    cosines(&row, eight).stream(values);
                }
            } else {
                for (eight, values) in eights {
                    cosines(&row, eight).store(values);
                }
            }
            (col, line) = (col + length, rest);
        }
    }
}
