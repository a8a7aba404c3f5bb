//! Sums of 8-bit maps in whole numbers, thirty-two pixels at a time.

use std::ops::Range;

use super::Heatmap;
use crate::simd::{self, Job, Lanes, Level};

/// Rows whose sums fit into 16 bits.
const ROWS: usize = 257;

/// The sum of every column over some of the rows.
pub fn column_sums(map: &Heatmap<u8>, rows: Range<usize>) -> Vec<f64> {
    simd::run(Level::best(), ColumnSums { map, rows })
}

/// A [`simd::Job`] only so that this plain code is compiled for every instruction set.
struct ColumnSums<'a> {
    map: &'a Heatmap<'a, u8>,
    rows: Range<usize>,
}

impl Job for ColumnSums<'_> {
    type Output = Vec<f64>;

    #[inline(always)]
    fn run<L: Lanes>(self) -> Vec<f64> {
        let mut sums = vec![0.0; self.map.width()];
        let mut short = vec![0u16; self.map.width()];
        for first in self.rows.clone().step_by(ROWS) {
            short.fill(0);
            for y in first..(first + ROWS).min(self.rows.end) {
                for (sum, &pixel) in short.iter_mut().zip(self.map.row(y)) {
                    *sum += u16::from(pixel);
                }
            }
            for (sum, &short) in sums.iter_mut().zip(&short) {
                *sum += f64::from(short);
            }
        }
        sums
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bright_columns_of_any_height_are_summed_exactly() {
        for height in [1, 256, 257, 258, 1000] {
            let values = vec![u8::MAX; height * 33];
            let map = Heatmap::new(&values, height, 33);
            let expected = vec![255.0 * (height - 1) as f64; 33];
            assert_eq!(column_sums(&map, 1..height), expected);
        }
    }
}
