//! Summed-area tables (Crow 1984): the sum over any box from four numbers.

use std::ops::{Add, AddAssign, Range, Sub};

use super::Rectangle;
use crate::heatmap::{Heatmap, Pixel};
use crate::simd::{self, Job, Lanes, Level};

/// An integer in which gaze is counted.
///
/// Signed, because baseline x86-64 compares signed lanes only.
pub trait Count:
    Copy + Ord + Default + Send + Sync + Add<Output = Self> + Sub<Output = Self> + AddAssign
{
    /// The nearest f64.
    fn to_f64(self) -> f64;
    /// From a whole number that is in range.
    fn from_i64(value: i64) -> Self;
    /// Without loss.
    fn to_i64(self) -> i64;
}

impl Count for i32 {
    fn to_f64(self) -> f64 {
        f64::from(self)
    }
    fn from_i64(value: i64) -> Self {
        value as Self
    }
    fn to_i64(self) -> i64 {
        i64::from(self)
    }
}

impl Count for i64 {
    fn to_f64(self) -> f64 {
        self as f64
    }
    fn from_i64(value: i64) -> Self {
        value
    }
    fn to_i64(self) -> i64 {
        self
    }
}

/// `sums[y][x]` counts the pixels above row `y` and left of column `x`.
#[derive(Debug, Clone)]
pub struct Table<C> {
    height: usize,
    width: usize,
    sums: Vec<C>,
}

impl Table<i32> {
    /// Counts the pixels above `support` times the maximum. The map has fewer than 2³¹ pixels.
    pub fn support<T: Pixel>(map: &Heatmap<T>, support: f64) -> Self {
        simd::run(Level::best(), Support(map, support))
    }
}

impl Table<i64> {
    /// Adds the values up in units of a power of two near 2⁻⁶¹ of their sum.
    pub fn mass<T: Pixel>(map: &Heatmap<T>) -> Self {
        simd::run(Level::best(), Mass(map))
    }
}

// A `simd::Job` only so that this plain code is compiled for every instruction set.

struct Support<'a, T>(&'a Heatmap<'a, T>, f64);

impl<T: Pixel> Job for Support<'_, T> {
    type Output = Table<i32>;

    #[inline(always)]
    fn run<L: Lanes>(self) -> Table<i32> {
        let Self(map, support) = self;
        let bound = T::at_most(support * map.max());
        Table::new(map, bound, |value| i32::from(value > bound))
    }
}

struct Mass<'a, T>(&'a Heatmap<'a, T>);

impl<T: Pixel> Job for Mass<'_, T> {
    type Output = Table<i64>;

    #[inline(always)]
    fn run<L: Lanes>(self) -> Table<i64> {
        let map = self.0;
        // Two steps, because the inverse of the unit of very small values is not a finite f64.
        let first = power_of_two(-exponent(map.max()));
        let sum = map
            .rows()
            .map(|row| sum_by_lanes(row, |value| value.to_f64() * first))
            .sum::<f64>();
        let second = power_of_two(61 - exponent(sum));
        Table::new(map, T::at_most(0.0), |value| {
            (value.to_f64() * first * second) as i64
        })
    }
}

/// The exponent e of 2^e ≤ value < 2^(e + 1), for normal numbers.
fn exponent(value: f64) -> i64 {
    (value.to_bits() >> 52) as i64 - 1023
}

fn power_of_two(exponent: i64) -> f64 {
    f64::from_bits(((exponent.clamp(-1022, 1023) + 1023) as u64) << 52)
}

/// A sum in eight lanes, which the compiler turns into vector code.
#[inline(always)]
fn sum_by_lanes<T: Copy>(values: &[T], weigh: impl Fn(T) -> f64) -> f64 {
    let (chunks, rest) = values.as_chunks::<8>();
    let mut lanes = [0.0; 8];
    for chunk in chunks {
        for (lane, &value) in lanes.iter_mut().zip(chunk) {
            *lane += weigh(value);
        }
    }
    lanes.iter().sum::<f64>() + rest.iter().map(|&value| weigh(value)).sum::<f64>()
}

const LANES: usize = 16;

/// Continues a row of sums: `sums` become `ups` plus the running sum of what `values` count. Returns
/// the running sum.
///
/// Most of a map has no gaze, which compiles to vector code; running sums do not.
#[inline(always)]
fn extend<T: Pixel, C: Count>(
    sums: &mut [C; LANES],
    ups: &[C; LANES],
    values: &[T; LANES],
    run: C,
    bound: T,
    weigh: impl Fn(T) -> C,
) -> C {
    // All reads come before the writes; otherwise the compiler has to assume that they overlap.
    let mut line = *ups;
    let mut running = run;
    if values.iter().fold(false, |any, &value| any | (value > bound)) {
        for (sum, &value) in line.iter_mut().zip(values) {
            running += weigh(value);
            *sum += running;
        }
    } else {
        for sum in &mut line {
            *sum += run;
        }
    }
    *sums = line;
    running
}

impl<C: Count> Table<C> {
    /// Adds up `weigh(value)` of all values above `bound`.
    #[inline(always)]
    fn new<T: Pixel>(map: &Heatmap<T>, bound: T, weigh: impl Fn(T) -> C) -> Self {
        let (height, width) = (map.height(), map.width());
        let stride = width + 1;
        let mut sums = vec![C::default(); (height + 1) * stride];
        for (y, row) in map.rows().enumerate() {
            let (above, below) = sums.split_at_mut((y + 1) * stride);
            let (up, line) = (&above[y * stride + 1..], &mut below[1..stride]);
            let (values, last_values) = row.as_chunks::<LANES>();
            let (ups, last_ups) = up.as_chunks::<LANES>();
            let (sums, last_sums) = line.as_chunks_mut::<LANES>();
            let mut run = C::default();
            for ((sums, ups), values) in sums.iter_mut().zip(ups).zip(values) {
                run = extend(sums, ups, values, run, bound, &weigh);
            }
            for ((sum, &up), &value) in last_sums.iter_mut().zip(last_ups).zip(last_values) {
                run += weigh(value);
                *sum = up + run;
            }
        }
        Self { height, width, sums }
    }

    /// Rows of pixels.
    pub fn height(&self) -> usize {
        self.height
    }

    /// Columns of pixels.
    pub fn width(&self) -> usize {
        self.width
    }

    /// The sums of what is above row `y`, `width` + 1 of them.
    fn above(&self, y: usize) -> &[C] {
        let stride = self.width + 1;
        &self.sums[y * stride..][..stride]
    }

    /// What lies in these rows.
    pub fn strip(&self, rows: Range<usize>) -> C {
        self.above(rows.end)[self.width] - self.above(rows.start)[self.width]
    }

    /// What lies in these columns.
    pub fn column_strip(&self, columns: Range<usize>) -> C {
        let everything = self.above(self.height);
        everything[columns.end] - everything[columns.start]
    }

    /// What lies in boxes of these rows, `width` columns wide, which begin at `columns`.
    #[inline(always)]
    pub fn along(
        &self,
        rows: Range<usize>,
        columns: Range<usize>,
        width: usize,
    ) -> impl Iterator<Item = C> + '_ {
        let (upper, lower) = (self.above(rows.start), self.above(rows.end));
        let ends = columns.start + width..columns.end + width;
        let left = upper[columns.clone()].iter().zip(&lower[columns]);
        let right = upper[ends.clone()].iter().zip(&lower[ends]);
        left.zip(right).map(|((&a, &c), (&b, &d))| d - b - (c - a))
    }

    /// Everything.
    pub fn total(&self) -> C {
        self.sums[self.sums.len() - 1]
    }

    /// What lies in a box.
    #[inline]
    pub fn inside(&self, &[x0, y0, x1, y1]: &Rectangle) -> C {
        let clip = |value: i64, end: usize| value.clamp(0, end as i64) as usize;
        let (left, top) = (clip(x0, self.width), clip(y0, self.height));
        // An inverted box becomes an empty one: its sides coincide.
        let (right, bottom) = (clip(x1, self.width).max(left), clip(y1, self.height).max(top));
        let (top, bottom) = (top * (self.width + 1), bottom * (self.width + 1));
        let sums = &self.sums[..];
        sums[bottom + right] - sums[top + right] - (sums[bottom + left] - sums[top + left])
    }

    /// Sets what lies in a box of the image to zero.
    pub fn erase(&mut self, hole: &Rectangle) {
        let &[x0, y0, x1, y1] = hole;
        let before = self.clone();
        let stride = self.width + 1;
        for y in y0.max(0)..=self.height as i64 {
            for x in x0.max(0)..=self.width as i64 {
                self.sums[y as usize * stride + x as usize] = before.sums[y as usize * stride + x as usize]
                    - before.inside(&[x0, y0, x.min(x1), y.min(y1)]);
            }
        }
    }
}
