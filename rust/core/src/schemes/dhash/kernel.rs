//! Comparing hashes: the cosine of two bit vectors.

use std::ops::Range;

use super::Features;
use super::columns::{ManyWords, OneWord};
use super::nibbles::{self, Planes};
use super::sharing::Sharing;
use crate::pairwise::{Bounded, Kernel, ListKernel, RowKernel, Tile};
use crate::simd::{self, Level, Line, Lines};
use crate::{Error, Result};

/// Cosine of two bit vectors; 0 where one has no bit set.
pub struct Affinity<'a> {
    rows: &'a Features,
    cols: &'a Features,
    packed: Packed,
    /// The columns by nibbles, where that is the fastest way.
    planes: Option<Planes>,
    level: Level,
}

/// Hashes side by side.
pub struct Packed {
    /// For every word of a hash, that of all hashes.
    pub words: Vec<Lines<u64>>,
    /// 1 / √count.
    pub scales: Lines<f64>,
    /// Where the number of set bits changes from one hash to the next, and both ends.
    runs: Vec<usize>,
}

impl Packed {
    fn new(hashes: &Features) -> Self {
        let mut words = vec![Lines::zeros(hashes.len()); hashes.words];
        let mut scales = Lines::zeros(hashes.len());
        for (index, &scale) in hashes.scales.iter().enumerate() {
            scales.set(index, scale);
            for (list, &word) in words.iter_mut().zip(hashes.hash(index)) {
                list.set(index, word);
            }
        }
        let counts = &hashes.counts;
        let changes = (1..counts.len()).filter(|&j| counts[j] != counts[j - 1]);
        let runs = std::iter::once(0).chain(changes).chain([counts.len()]).collect();
        Self { words, scales, runs }
    }
}

impl<'a> Affinity<'a> {
    /// Compares the hashes of `rows` with those of `cols`, which must have the same length.
    pub fn new(rows: &'a Features, cols: &'a Features) -> Result<Self> {
        Self::at_level(rows, cols, Level::best())
    }

    /// As [`Affinity::new`], with the lanes of `level`.
    pub fn at_level(rows: &'a Features, cols: &'a Features, level: Level) -> Result<Self> {
        if rows.words != cols.words {
            return Err(Error::argument(
                "the columns",
                format!("hashes of {} words", cols.words),
                format!("hashes of {} words", rows.words),
            ));
        }
        let by_nibbles = cols.words == 1 && level.counts_by_nibbles();
        Ok(Self {
            rows,
            cols,
            packed: Packed::new(cols),
            planes: by_nibbles.then(|| Planes::new(cols)),
            level,
        })
    }

    /// Compares hash `i` of the rows with hash `j` of the columns.
    pub fn pair(&self, i: usize, j: usize) -> f32 {
        cosine(
            common(self.rows.hash(i), self.cols.hash(j)),
            self.rows.scales[i],
            self.cols.scales[j],
        )
    }
}

impl Kernel for Affinity<'_> {
    type Output = f32;
    type Scratch = ();

    fn shape(&self) -> (usize, usize) {
        (self.rows.len(), self.cols.len())
    }

    fn estimated_ns(&self) -> f64 {
        0.15 * self.rows.words as f64 * self.rows.len() as f64 * self.cols.len() as f64
    }

    fn scratch(&self) {}
}

impl RowKernel for Affinity<'_> {
    fn row(&self, (): &mut (), i: usize, first: usize, line: &mut [f32], streams: bool) {
        let (row, scale) = (self.rows.hash(i), self.rows.scales[i]);
        let packed = &self.packed;
        if let (Some(planes), [word]) = (&self.planes, row) {
            let job = nibbles::Line {
                word: *word,
                scale,
                first,
                planes,
                line,
                streams,
            };
            return simd::run(self.level, job);
        }
        if let ([word], [words]) = (row, packed.words.as_slice()) {
            let columns = OneWord {
                word: *word,
                scale,
                first,
                words,
                scales: &packed.scales,
            };
            return simd::run(
                self.level,
                Line {
                    columns,
                    line,
                    streams,
                },
            );
        }
        let columns = ManyWords {
            row,
            scale,
            first,
            packed,
        };
        simd::run(
            self.level,
            Line {
                columns,
                line,
                streams,
            },
        );
    }

    /// Among hashes with the same number of set bits, those are near enough that share at least some number of
    /// bits, which is a comparison of integers. It pays if the hashes are sorted by their set bits.
    fn seek(&self, (): &mut (), i: usize, cols: Range<usize>, floor: f32, found: &mut Vec<(usize, f32)>) {
        let runs = &self.packed.runs;
        let mut run = runs.partition_point(|&start| start <= cols.start) - 1;
        while runs[run] < cols.end {
            let part = runs[run].max(cols.start)..runs[run + 1].min(cols.end);
            let (a, b) = (self.rows.scales[i], self.cols.scales[part.start]);
            let most = self.rows.counts[i].min(self.cols.counts[part.start]);
            if let Some(least) = least_common(floor, most, a, b) {
                let job = Sharing {
                    row: self.rows.hash(i),
                    words: &self.packed.words,
                    planes: self.planes.as_ref(),
                    cols: part,
                    least,
                    scale: a * b,
                    found,
                };
                simd::run(self.level, job);
            }
            run += 1;
        }
    }
}

impl ListKernel for Affinity<'_> {
    fn list(&self, (): &mut (), i: usize, cols: &[u32], values: &mut [f32]) {
        for (value, &j) in values.iter_mut().zip(cols) {
            *value = self.pair(i, j as usize);
        }
    }
}

impl Bounded for Affinity<'_> {
    /// As many bits in common as the fewest that are set: √(fewer / more).
    fn bound(&self, tile: &Tile) -> f32 {
        let range = |counts: &[u32]| {
            let (low, high) = (counts.iter().min(), counts.iter().max());
            (low.copied().unwrap_or(0), high.copied().unwrap_or(0))
        };
        let (low, high) = range(&self.rows.counts[tile.rows.clone()]);
        let (from, to) = range(&self.cols.counts[tile.cols.clone()]);
        let (fewer, more) = if high < from {
            (high, from)
        } else if to < low {
            (to, low)
        } else {
            return 1.0;
        };
        // Slightly larger than exact, so that a rounded affinity does not exceed it.
        ((f64::from(fewer) / f64::from(more)).sqrt() * (1.0 + 1e-6)) as f32
    }
}

/// How many bits two hashes must have in common for a cosine of at least `floor`; none if that is
/// more than `most`.
fn least_common(floor: f32, most: u32, a: f64, b: f64) -> Option<u32> {
    if most == 0 || cosine(most, a, b) < floor {
        return None;
    }
    // The estimate can be wrong by rounding; the cosine itself decides.
    let mut least = ((f64::from(floor) / (a * b)).ceil() as u32).min(most);
    while least > 0 && cosine(least - 1, a, b) >= floor {
        least -= 1;
    }
    while cosine(least, a, b) < floor {
        least += 1;
    }
    Some(least)
}

#[inline(always)]
fn common(a: &[u64], b: &[u64]) -> u32 {
    a.iter().zip(b).map(|(a, b)| (a & b).count_ones()).sum()
}

#[inline(always)]
fn cosine(common: u32, a: f64, b: f64) -> f32 {
    (f64::from(common) * (a * b)) as f32
}
