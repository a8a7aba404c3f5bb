//! Resizing, with the same results as OpenCV.

use std::ops::Range;

use super::{Heatmap, Pixel, total};
use crate::Result;
use crate::error::{product, reserved};

/// How a map is resized.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Interpolation {
    /// Every output pixel is the mean of the input area that it covers.
    Area,
    /// Linear between the two nearest pixel centres, without antialiasing.
    Bilinear,
}

/// The input pixels, and their weights, that make one output pixel along one axis.
type Taps = [(usize, f64); 2];

/// Linear interpolation along one axis.
fn taps(input: usize, output: usize) -> Vec<Taps> {
    let scale = input as f64 / output as f64;
    let one = |k: usize| {
        let centre = ((k as f64 + 0.5) * scale - 0.5).clamp(0.0, (input - 1) as f64);
        let (pixel, share) = (centre as usize, centre.fract());
        [(pixel, 1.0 - share), ((pixel + 1).min(input - 1), share)]
    };
    (0..output).map(one).collect()
}

/// Resizes a map to `height` × `width`; 8-bit maps are rounded to whole grey levels.
///
/// # Errors
/// [`Error::Memory`](crate::Error::Memory) where the memory does not suffice.
pub fn resize<T: Pixel>(
    map: &Heatmap<T>,
    height: usize,
    width: usize,
    interpolation: Interpolation,
) -> Result<Vec<f64>> {
    const WHAT: &str = "a resized map";
    let room = reserved(product(&[height, width], WHAT)?, WHAT)?;
    Ok(resize_into(room, map, height, width, interpolation))
}

/// As [`resize`], to a small size.
pub(crate) fn resize_small<T: Pixel>(
    map: &Heatmap<T>,
    height: usize,
    width: usize,
    interpolation: Interpolation,
) -> Vec<f64> {
    resize_into(Vec::new(), map, height, width, interpolation)
}

fn resize_into<T: Pixel>(
    small: Vec<f64>,
    map: &Heatmap<T>,
    height: usize,
    width: usize,
    interpolation: Interpolation,
) -> Vec<f64> {
    if T::ROUNDS && interpolation == Interpolation::Bilinear {
        return resize_fixed_point(small, map, height, width);
    }
    let add = |y: usize, line: &mut [f64], weight: f64| {
        for (sum, &value) in line.iter_mut().zip(map.row(y)) {
            *sum += weight * value.to_f64();
        }
    };
    let mut small = match interpolation {
        Interpolation::Bilinear => resize_rows(small, [map.height(), map.width()], [height, width], add),
        Interpolation::Area => mean_areas(small, map, height, width, add),
    };
    if T::ROUNDS {
        small
            .iter_mut()
            .for_each(|value| *value = value.round_ties_even());
    }
    small
}

/// Bilinear resizing of an 8-bit map with weights in units of 1/2048 and OpenCV's order of
/// rounding: the released code of McGIP resizes with it, and half grey levels are frequent enough
/// for its moments to depend on how they are rounded.
fn resize_fixed_point<T: Pixel>(
    mut small: Vec<f64>,
    map: &Heatmap<T>,
    height: usize,
    width: usize,
) -> Vec<f64> {
    const ONE: f64 = 2048.0;
    let quantise = |taps: Vec<Taps>| -> Vec<Vec<(usize, i64)>> {
        let whole = |(pixel, weight): (usize, f64)| (pixel, (weight * ONE).round_ties_even() as i64);
        taps.into_iter()
            .map(|taps| taps.into_iter().map(whole).collect())
            .collect()
    };
    let across = quantise(taps(map.width(), width));
    let down = quantise(taps(map.height(), height));
    small.reserve_exact(height * width);
    for rows in &down {
        for cols in &across {
            let blend = |y: usize| -> i64 {
                cols.iter()
                    .map(|&(x, weight)| map.row(y)[x].to_f64() as i64 * weight)
                    .sum()
            };
            let sum: i64 = rows
                .iter()
                .map(|&(y, weight)| (weight * (blend(y) >> 4)) >> 16)
                .sum();
            small.push(((sum + 2) >> 2) as f64);
        }
    }
    small
}

/// Resizes bilinearly into `small` a map given row by row: `add(y, line, weight)` adds a weighted row to a
/// line.
///
/// Rows are combined before columns: that is one multiply-add per pixel on contiguous memory.
pub(super) fn resize_rows(
    mut small: Vec<f64>,
    [rows, cols]: [usize; 2],
    [height, width]: [usize; 2],
    add: impl Fn(usize, &mut [f64], f64),
) -> Vec<f64> {
    let across = taps(cols, width);
    small.reserve_exact(height * width);
    let mut line = vec![0.0; cols];
    for down in taps(rows, height) {
        line.fill(0.0);
        for &(y, weight) in &down {
            add(y, &mut line, weight);
        }
        small.extend(
            across
                .iter()
                .map(|taps| taps.iter().map(|&(x, weight)| weight * line[x]).sum::<f64>()),
        );
    }
    small
}

/// Area means: input pixels that lie wholly in an output pixel are summed without weights.
fn mean_areas<T: Pixel>(
    mut small: Vec<f64>,
    map: &Heatmap<T>,
    height: usize,
    width: usize,
    add: impl Fn(usize, &mut [f64], f64),
) -> Vec<f64> {
    let across: Vec<Run> = runs(map.width(), width).collect();
    let per_area = (height as f64 / map.height() as f64) * (width as f64 / map.width() as f64);
    small.reserve_exact(height * width);
    for down in runs(map.height(), height) {
        let mut line = T::column_sums(map, down.whole);
        for (y, share) in down.ends.into_iter().filter(|end| end.1 > 0.0) {
            add(y, &mut line, share);
        }
        small.extend(across.iter().map(|run| {
            let ends = run.ends.iter().map(|&(x, share)| share * line[x]);
            per_area * (total(&line[run.whole.clone()]) + ends.sum::<f64>())
        }));
    }
    small
}

/// The input pixels that an output pixel covers along one axis.
struct Run {
    whole: Range<usize>,
    /// The covered shares of partly covered pixels; 0 if there are none.
    ends: [(usize, f64); 2],
}

fn runs(input: usize, output: usize) -> impl Iterator<Item = Run> {
    let scale = input as f64 / output as f64;
    (0..output).map(move |k| {
        let (start, end) = (k as f64 * scale, ((k + 1) as f64 * scale).min(input as f64));
        let (first, last) = (start.ceil(), end.floor());
        let ends = if first > last {
            [(last as usize, end - start), (0, 0.0)] // inside of one pixel
        } else {
            // A share of 0 may belong to a pixel that is not there.
            let before = (first as usize).saturating_sub(1);
            let after = (last as usize).min(input - 1);
            [(before, first - start), (after, end - last)]
        };
        Run {
            whole: first as usize..(last as usize).max(first as usize),
            ends,
        }
    })
}
