//! Gaussian maps of points.

use std::ops::Range;

use super::resize::resize_rows;
use crate::Result;
use crate::error::{product, reserved};

/// Weighted points blurred by a Gaussian, as scipy.ndimage.gaussian_filter does with
/// `mode="constant"` and `truncate=4`: each point counts at the pixel that contains it, the kernel
/// ends four standard deviations away, and nothing flows back from the border.
///
/// Only rows that hold a point are stored, blurred along x. Everything else follows from them.
#[derive(Debug, Clone)]
pub struct Blurred {
    height: usize,
    width: usize,
    /// The half kernel: weight at distance 0, 1, 2, ...
    kernel: Vec<f64>,
    lines: Vec<(usize, Vec<f64>)>,
    columns: Range<usize>,
}

impl Blurred {
    /// Blurs `points` of x, y and weight in an image of `size` (width, height); points outside of
    /// the image are dropped.
    pub fn new(points: impl IntoIterator<Item = [f64; 3]>, size: [usize; 2], sigma_px: f64) -> Self {
        let [width, height] = size;
        let mut pixels: Vec<(usize, usize, f64)> = points
            .into_iter()
            .filter(|[x, y, _]| (0.0..width as f64).contains(x) && (0.0..height as f64).contains(y))
            .map(|[x, y, weight]| (y as usize, x as usize, weight))
            .collect();
        pixels.sort_by_key(|&(y, x, _)| (y, x));
        let kernel = half_kernel(sigma_px);
        let reach = kernel.len() - 1;
        let mut lines: Vec<(usize, Vec<f64>)> = Vec::new();
        for &(y, x, weight) in &pixels {
            if lines.last().map(|line| line.0) != Some(y) {
                lines.push((y, vec![0.0; width]));
            }
            let Some((_, line)) = lines.last_mut() else {
                continue;
            };
            for (at, cell) in line
                .iter_mut()
                .enumerate()
                .take(x + reach + 1)
                .skip(x.saturating_sub(reach))
            {
                *cell += weight * kernel[at.abs_diff(x)];
            }
        }
        let columns = pixels.iter().map(|pixel| pixel.1);
        let columns = columns.clone().min().unwrap_or(0)..columns.max().map_or(0, |last| last + 1);
        Self {
            height,
            width,
            kernel,
            lines,
            columns,
        }
    }

    /// Whether no point lies in the image.
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// Adds `weight` times columns `columns` of row `y` to `line`.
    fn add_row(&self, y: usize, columns: Range<usize>, line: &mut [f64], weight: f64) {
        let reach = self.kernel.len() - 1;
        let first = self.lines.partition_point(|(at, _)| at + reach < y);
        for (at, blurred) in &self.lines[first..] {
            if *at > y + reach {
                break;
            }
            let share = weight * self.kernel[at.abs_diff(y)];
            for (sum, value) in line.iter_mut().zip(&blurred[columns.clone()]) {
                *sum += share * value;
            }
        }
    }

    /// The whole map, row-major.
    ///
    /// # Errors
    /// [`Error::Memory`](crate::Error::Memory) where the memory does not suffice.
    pub fn render(&self) -> Result<Vec<f64>> {
        const WHAT: &str = "a drawn map";
        let cells = product(&[self.height, self.width], WHAT)?;
        let mut map = reserved(cells, WHAT)?;
        map.resize(cells, 0.0);
        self.render_into(&mut map);
        Ok(map)
    }

    /// As [`Self::render`], into `map`, which is overwritten.
    pub fn render_into(&self, map: &mut [f64]) {
        for (y, line) in map.chunks_exact_mut(self.width).enumerate() {
            line.fill(0.0);
            self.add_row(y, 0..self.width, line, 1.0);
        }
    }

    /// The largest value. It lies in the bounding box of the points: towards the box, no contribution falls.
    pub fn max(&self) -> f64 {
        let (Some((top, _)), Some((bottom, _))) = (self.lines.first(), self.lines.last()) else {
            return 0.0;
        };
        let mut line = vec![0.0; self.columns.len()];
        let mut max = 0.0;
        for y in *top..=*bottom {
            line.fill(0.0);
            self.add_row(y, self.columns.clone(), &mut line, 1.0);
            max = line.iter().fold(max, |max: f64, &value| max.max(value));
        }
        max
    }

    /// The map resized bilinearly to `height` × `width`, without rendering it in full.
    pub fn resized(&self, height: usize, width: usize) -> Vec<f64> {
        let add = |y: usize, line: &mut [f64], weight: f64| {
            self.add_row(y, 0..self.width, line, weight);
        };
        resize_rows(Vec::new(), [self.height, self.width], [height, width], add)
    }
}

fn half_kernel(sigma_px: f64) -> Vec<f64> {
    let reach = (4.0 * sigma_px + 0.5) as usize;
    let weight = |distance: usize| (-0.5 * (distance as f64 / sigma_px).powi(2)).exp();
    let half: Vec<f64> = (0..=reach).map(weight).collect();
    let sum = half[0] + 2.0 * half[1..].iter().sum::<f64>();
    half.iter().map(|weight| weight / sum).collect()
}
