//! The hashes that have enough bits in common with one.

use std::ops::Range;

use super::nibbles::{Counts, Planes};
use crate::simd::{Job, Lanes, Lines};

/// Finds the hashes among `cols` that have at least `least` bits in common with one.
pub struct Sharing<'a> {
    /// The words of the one hash.
    pub row: &'a [u64],
    /// For every word of a hash, that of all columns.
    pub words: &'a [Lines<u64>],
    /// The columns by nibbles, where that is faster; then `cols` are at most as many as [`Counts`] holds.
    pub planes: Option<&'a Planes>,
    pub cols: Range<usize>,
    pub least: u32,
    /// What turns a number of bits into a cosine, the same for all columns.
    pub scale: f64,
    /// Takes column and cosine of each.
    pub found: &'a mut Vec<(usize, f32)>,
}

impl Job for Sharing<'_> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes>(self) {
        match (self.row, self.words, self.planes) {
            ([word], _, Some(planes)) => self.by_nibbles::<L>(*word, planes),
            ([word], [words], None) => self.one_word::<L>(*word, words),
            _ => self.many_words::<L>(),
        }
    }
}

impl Sharing<'_> {
    #[inline(always)]
    fn by_nibbles<L: Lanes>(self, word: u64, planes: &Planes) {
        let mut counts = Counts::new();
        counts.fill::<L>(word, planes, self.cols.clone());
        for (some, first) in counts.thirty_twos(self.cols.end) {
            let mut hits = L::reaching(some, self.least as u8);
            while hits != 0 {
                let lane = hits.trailing_zeros() as usize;
                if self.cols.contains(&(first + lane)) {
                    let value = (f64::from(some[lane]) * self.scale) as f32;
                    self.found.push((first + lane, value));
                }
                hits &= hits - 1;
            }
        }
    }

    #[inline(always)]
    fn one_word<L: Lanes>(mut self, word: u64, words: &Lines<u64>) {
        let least = L::splat(f64::from(self.least));
        let start = self.cols.start;
        let eights = &words.eights(start)[..self.cols.len().div_ceil(8)];
        for (group, eight) in eights.iter().enumerate() {
            let common = L::common_bits(word, eight);
            let hits = common.reach_bits(least);
            if hits != 0 {
                self.keep(hits, common, start + 8 * group);
            }
        }
    }

    #[inline(always)]
    fn many_words<L: Lanes>(mut self) {
        let least = L::splat(f64::from(self.least));
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

    /// Keeps those of eight columns whose bits are set in `hits`.
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

#[cfg(test)]
mod tests {
    use super::super::{Affinity, Features};
    use crate::pairwise::RowKernel;
    use crate::simd::Level;

    #[test]
    fn what_shares_enough_bits_is_found_on_every_level() {
        let mixed = |k: u64| k.wrapping_mul(0x9e37_79b9_7f4a_7c15) & k.wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mut bits: Vec<u64> = (0..700).map(mixed).collect();
        bits.sort_by_key(|word| word.count_ones());
        let hashes = Features::new(bits, 1).unwrap();
        for level in Level::all() {
            let kernel = Affinity::at_level(&hashes, &hashes, level).unwrap();
            for (i, floor) in [(0, 0.1), (10, 0.9), (350, 0.5), (699, 0.62)] {
                for cols in [0..512, 512..700, 100..101] {
                    let mut found = Vec::new();
                    kernel.seek(&mut (), i, cols.clone(), floor, &mut found);
                    let values = cols.map(|j| (j, kernel.pair(i, j)));
                    let expected: Vec<_> = values.filter(|&(_, value)| value >= floor).collect();
                    assert_eq!(found, expected, "{}", level.name());
                }
            }
        }
    }
}
