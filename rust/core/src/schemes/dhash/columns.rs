//! Eight hashes at a time: cosines of a line, and those that share enough bits.

use std::ops::Range;

use super::kernel::Packed;
use crate::simd::{Columns, Job, Lanes, Lines};

/// A hash of one word against those from `first` on.
pub struct OneWord<'a> {
    pub word: u64,
    pub scale: f64,
    pub first: usize,
    pub words: &'a Lines<u64>,
    pub scales: &'a Lines<f64>,
}

impl<'a> Columns for OneWord<'a> {
    type Eight = (&'a [u64; 8], &'a [f64; 8]);

    #[inline(always)]
    fn groups(&self, first: usize) -> impl Iterator<Item = Self::Eight> {
        let first = self.first + first;
        self.words.eights(first).iter().zip(self.scales.eights(first))
    }

    #[inline(always)]
    fn row<L: Lanes>(&self) -> [L; 4] {
        [L::splat(self.scale); 4]
    }

    #[inline(always)]
    fn compare<L: Lanes>(&self, [scale, ..]: &[L; 4], (words, scales): Self::Eight) -> L {
        L::common_bits(self.word, words).mul(scale.mul(L::load(scales)))
    }
}

/// A longer hash against those from `first` on.
pub struct ManyWords<'a> {
    pub row: &'a [u64],
    pub scale: f64,
    pub first: usize,
    pub packed: &'a Packed,
}

impl<'a> Columns for ManyWords<'a> {
    type Eight = (usize, &'a [f64; 8]);

    #[inline(always)]
    fn groups(&self, first: usize) -> impl Iterator<Item = Self::Eight> {
        let first = self.first + first;
        (first..).step_by(8).zip(self.packed.scales.eights(first))
    }

    #[inline(always)]
    fn row<L: Lanes>(&self) -> [L; 4] {
        [L::splat(self.scale); 4]
    }

    #[inline(always)]
    fn compare<L: Lanes>(&self, [scale, ..]: &[L; 4], (first, scales): Self::Eight) -> L {
        let mut common = L::splat(0.0);
        for (&word, words) in self.row.iter().zip(&self.packed.words) {
            common = common.add(L::common_bits(word, &words.eights(first)[0]));
        }
        common.mul(scale.mul(L::load(scales)))
    }
}

/// Finds the hashes that have at least `least` bits in common with one.
pub struct Sharing<'a> {
    pub row: &'a [u64],
    pub words: &'a [Lines<u64>],
    pub cols: Range<usize>,
    pub least: u32,
    /// What turns a number of bits into a cosine, the same for all columns.
    pub scale: f64,
    pub found: &'a mut Vec<(usize, f32)>,
}

impl Job for Sharing<'_> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes>(mut self) {
        let least = L::splat(f64::from(self.least));
        let start = self.cols.start;
        if let ([word], [words]) = (self.row, self.words) {
            for (group, eight) in words.eights(start)[..self.cols.len().div_ceil(8)]
                .iter()
                .enumerate()
            {
                let common = L::common_bits(*word, eight);
                let hits = common.reach_bits(least);
                if hits != 0 {
                    self.keep(hits, common, start + 8 * group);
                }
            }
            return;
        }
        for first in self.cols.clone().step_by(8) {
            let mut common = L::splat(0.0);
            for (&word, words) in self.row.iter().zip(self.words) {
                common = common.add(L::common_bits(word, &words.eights(first)[0]));
            }
            let hits = common.reach_bits(least);
            if hits != 0 {
                self.keep(hits, common, first);
            }
        }
    }
}

impl Sharing<'_> {
    #[inline(always)]
    fn keep<L: Lanes>(&mut self, mut hits: u8, common: L, first: usize) {
        let mut values = [0.0; 8];
        common.mul(L::splat(self.scale)).store_f32(&mut values);
        while hits != 0 {
            let lane = hits.trailing_zeros() as usize;
            if first + lane < self.cols.end {
                self.found.push((first + lane, values[lane]));
            }
            hits &= hits - 1;
        }
    }
}
