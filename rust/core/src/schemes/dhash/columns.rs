//! Cosines of a line, eight hashes at a time.

use super::kernel::Packed;
use crate::simd::{Columns, Lanes, Lines};

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
