//! Sums over the rows and the columns of a map, in double precision and in one pass.
//!
//! A few rows are read side by side, from end to end, so that the sums of columns are loaded and stored
//! once for all of them. Down narrow strips they would stay in registers, but beyond the caches a map
//! has to be read in about the order of its memory.

use std::array::from_fn;
use std::ops::Range;

use super::strips::{Ends, SideBySide};
use super::{Heatmap, Pixel};
use crate::simd::{self, Aligned, Level};

/// Rows that are read side by side; a power of two.
const ROWS: usize = 4;

/// Pixels of a row that are read at once.
pub(super) const GROUP: usize = 16;

/// The sums of a map.
#[derive(Debug, Clone, PartialEq)]
pub struct Profiles {
    /// The sum of every row.
    pub rows: Vec<f64>,
    /// The sum of every column.
    pub cols: Vec<f64>,
    /// Σ x · value of every row; empty if not requested.
    pub rows_by_x: Vec<f64>,
    /// Σ y · value of every column; empty if not requested.
    pub cols_by_y: Vec<f64>,
}

/// The sums of a map that has been checked; `CROSSED` asks for all four.
pub fn profiles<T: Pixel, const CROSSED: bool>(map: &Heatmap<T>) -> Profiles {
    unchecked_profiles::<T, CROSSED>(map).unwrap_or_else(|| plain::<T, CROSSED>(map, 0..map.height()))
}

/// The sums of an unchecked map; `None` unless they prove that all pixels are valid.
pub fn unchecked_profiles<T: Pixel, const CROSSED: bool>(map: &Heatmap<T>) -> Option<Profiles> {
    in_lanes::<T, true, CROSSED>(map, 0..map.height(), Level::best())
}

/// The sum of every column over some of the rows of a map that has been checked.
pub(super) fn column_sums<T: Pixel>(map: &Heatmap<T>, rows: Range<usize>) -> Vec<f64> {
    in_lanes::<T, false, false>(map, rows.clone(), Level::best())
        .unwrap_or_else(|| plain::<T, false>(map, rows))
        .cols
}

/// Pixel by pixel, for maps that [`in_lanes`] cannot decide, such as those with a −0.
fn plain<T: Pixel, const CROSSED: bool>(map: &Heatmap<T>, rows: Range<usize>) -> Profiles {
    let mut sums = Profiles {
        rows: vec![0.0; rows.len()],
        cols: vec![0.0; map.width()],
        rows_by_x: vec![0.0; if CROSSED { rows.len() } else { 0 }],
        cols_by_y: vec![0.0; if CROSSED { map.width() } else { 0 }],
    };
    for (y, row) in rows.map(|y| map.row(y)).enumerate() {
        for (x, value) in row.iter().map(|value| value.to_f64()).enumerate() {
            sums.rows[y] += value;
            sums.cols[x] += value;
            if CROSSED {
                sums.rows_by_x[y] += x as f64 * value;
                sums.cols_by_y[x] += y as f64 * value;
            }
        }
    }
    sums
}

/// `None` unless the sums prove that all pixels are valid. `LINES` requests the sums of rows.
fn in_lanes<T: Pixel, const LINES: bool, const CROSSED: bool>(
    map: &Heatmap<T>,
    rows: Range<usize>,
    level: Level,
) -> Option<Profiles> {
    let count = rows.len();
    let mut sums = Sums::<T, LINES, CROSSED>::new(map, count);
    let most = rows.start + count / ROWS * ROWS;
    sums.add::<ROWS>(rows.start..most, level);
    sums.add::<1>(most..rows.end, level);
    let cols = flat::<T>(&sums.cols, map.width());
    let none_negative = sums.least.iter().all(|&least| least >= 0.0);
    // No pixel is larger than the sum of all, as long as none is negative.
    if !(none_negative && total(&cols) <= T::LARGEST_SUM) {
        return None;
    }
    let mut cols_by_y = flat::<T>(&sums.cols_above, if CROSSED { map.width() } else { 0 });
    for (above, sum) in cols_by_y.iter_mut().zip(&cols) {
        *above = (count as f64 - 1.0) * sum - *above;
    }
    let units = |mut line: Vec<f64>| {
        line.iter_mut().for_each(|sum| *sum *= T::UNIT);
        line
    };
    Some(Profiles {
        rows: units(sums.rows),
        cols,
        rows_by_x: units(sums.rows_by_x),
        cols_by_y,
    })
}

/// The sum, as eight side by side: one would wait for every addition.
pub fn total(numbers: &[f64]) -> f64 {
    let (eights, rest) = numbers.as_chunks::<8>();
    let mut sums = [0.0; 8];
    for eight in eights {
        for (sum, number) in sums.iter_mut().zip(eight) {
            *sum += number;
        }
    }
    sums.iter().chain(rest).sum()
}

/// The columns in their order, in the unit of the map.
fn flat<T: Pixel>(groups: &[Both], width: usize) -> Vec<f64> {
    let mut cols = vec![0.0; groups.len() * GROUP];
    let (places, _) = cols.as_chunks_mut::<GROUP>();
    for (place, both) in places.iter_mut().zip(groups) {
        for (half, lanes) in both.0.iter().enumerate() {
            for (lane, sum) in lanes.iter().enumerate() {
                place[T::place(half, lane)] = sum * T::UNIT;
            }
        }
    }
    cols.truncate(width);
    cols
}

/// Sixteen columns, as the two sets of lanes to which their pixels are loaded.
pub(super) type Both = Aligned<[[f64; 8]; 2]>;

/// The sums of a map, in the unit of the lanes.
struct Sums<'a, T, const LINES: bool, const CROSSED: bool> {
    map: &'a Heatmap<'a, T>,
    cols: Vec<Both>,
    /// Σ over all rows of the field above: it counts every pixel once for each row below it.
    cols_above: Vec<Both>,
    rows: Vec<f64>,
    rows_by_x: Vec<f64>,
    /// The smallest pixel if lanes have signs, else 0.
    least: [f64; 8],
}

impl<'a, T: Pixel, const LINES: bool, const CROSSED: bool> Sums<'a, T, LINES, CROSSED> {
    fn new(map: &'a Heatmap<'a, T>, rows: usize) -> Self {
        let groups = map.width().div_ceil(GROUP);
        Self {
            map,
            cols: vec![Aligned([[0.0; 8]; 2]); groups],
            cols_above: vec![Aligned([[0.0; 8]; 2]); if CROSSED { groups } else { 0 }],
            rows: Vec::with_capacity(if LINES { rows } else { 0 }),
            rows_by_x: Vec::with_capacity(if CROSSED { rows } else { 0 }),
            least: [0.0; 8],
        }
    }

    /// Adds rows, `N` at a time.
    fn add<const N: usize>(&mut self, rows: Range<usize>, level: Level) {
        let mut ends = vec![Ends::<N>::ZERO; rows.len() / N];
        let job = SideBySide::<T, N, LINES, CROSSED> {
            map: self.map,
            start: rows.start,
            cols: &mut self.cols,
            cols_above: &mut self.cols_above,
            least: &mut self.least,
            ends: &mut ends,
        };
        simd::run(level, job);
        if LINES {
            self.rows
                .extend(ends.iter().flat_map(|ends| &ends.sums).map(across));
        }
        if CROSSED {
            self.rows_by_x
                .extend(ends.iter().flat_map(|ends| &ends.by_x).map(across));
        }
    }
}

/// The sum over the lanes, as a tree.
#[inline(always)]
fn across(lanes: &[f64; 8]) -> f64 {
    let fours: [f64; 4] = from_fn(|k| lanes[k] + lanes[k + 4]);
    (fours[0] + fours[2]) + (fours[1] + fours[3])
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether the numbers equal the expected ones up to rounding errors of `places` times `scale`.
    fn near(numbers: &[f64], expected: &[f64], scale: &[f64], places: usize) {
        assert_eq!(numbers.len(), expected.len());
        for ((a, b), scale) in numbers.iter().zip(expected).zip(scale) {
            assert!((a - b).abs() <= 1e-14 * places as f64 * scale, "{a} and {b}");
        }
    }

    fn agree<T: Pixel, const CROSSED: bool>(values: &[T], height: usize, width: usize) {
        let map = Heatmap::new(values, height, width);
        let expected = plain::<T, CROSSED>(&map, 0..height);
        let every: Vec<_> = Level::all()
            .into_iter()
            .map(|level| in_lanes::<T, true, CROSSED>(&map, 0..height, level).unwrap())
            .collect();
        for found in &every {
            assert_eq!(found, &every[0], "levels differ");
            let (rows, cols) = (&expected.rows, &expected.cols);
            // Of the sums by place, those about the far end are exact.
            near(&found.rows, rows, rows, 1);
            near(&found.cols, cols, cols, 1);
            near(&found.rows_by_x, &expected.rows_by_x, rows, width);
            near(&found.cols_by_y, &expected.cols_by_y, cols, height);
        }
    }

    /// Numbers of very different sizes, tiny ones among them.
    fn values(count: usize) -> impl Iterator<Item = f32> {
        (0..count as u32).map(|k| {
            let bits = k.wrapping_mul(2_654_435_761) ^ k;
            f32::from_bits(bits % (100 << 23)) // below 1e-8
        })
    }

    #[test]
    fn lanes_equal_plain_sums_on_every_level() {
        for (height, width) in [(1, 1), (3, 15), (4, 16), (5, 17), (9, 40), (16, 33)] {
            let narrow: Vec<f32> = values(height * width).collect();
            let wide: Vec<f64> = narrow.iter().map(|&value| f64::from(value)).collect();
            let bytes: Vec<u8> = narrow.iter().map(|value| value.to_bits() as u8).collect();
            agree::<f32, true>(&narrow, height, width);
            agree::<f32, false>(&narrow, height, width);
            agree::<f64, true>(&wide, height, width);
            agree::<u8, true>(&bytes, height, width);
        }
    }

    #[test]
    fn what_may_be_refused_proves_nothing() {
        let refused = [
            f32::NAN,
            -f32::NAN,
            f32::INFINITY,
            f32::NEG_INFINITY,
            -1.0,
            -1e-45,
        ];
        for level in Level::all() {
            for bad in refused {
                for place in [0, 20, 16 * 17 - 1, 17 * 17 - 1] {
                    let mut values = vec![1.0f32; 17 * 17];
                    values[place] = bad;
                    let map = Heatmap::new(&values, 17, 17);
                    assert!(in_lanes::<_, true, false>(&map, 0..17, level).is_none());
                    let values: Vec<f64> = values.iter().map(|&value| f64::from(value)).collect();
                    let map = Heatmap::new(&values, 17, 17);
                    assert!(in_lanes::<_, true, false>(&map, 0..17, level).is_none());
                }
            }
        }
    }

    #[test]
    fn doubtful_maps_are_summed_all_the_same() {
        let large = [f32::MAX, f32::MAX, 0.0, -0.0];
        let sums = profiles::<_, true>(&Heatmap::new(&large, 2, 2));
        let max = f64::from(f32::MAX);
        assert_eq!(sums.rows, [2.0 * max, 0.0]);
        assert_eq!(sums.cols, [max, max]);
        assert_eq!(sums.rows_by_x, [max, 0.0]);
        let large = [9e99, 8e99];
        assert_eq!(column_sums(&Heatmap::new(&large, 2, 1), 0..2), [1.7e100]);
    }
}
