//! Gaze maps: checked views, resizing, Gaussian rendering.

mod blur;
mod bytes;
mod pixel;
mod resize;
mod strips;
mod sums;

use crate::simd::{self, Job, Lanes, Level};
use crate::{Error, Result};
use pixel::InLanes;

pub use blur::Blurred;
pub use resize::{Interpolation, resize};

pub(crate) use resize::resize_small;
pub(crate) use sums::{Profiles, profiles, total, unchecked_profiles};

/// The largest allowed pixel: sums over a map and their squares stay finite.
pub const MAX_PIXEL: f64 = 1e100;

/// A number type in which maps are stored: `u8`, `f32` or `f64`.
///
/// No other type can be one: the sums over a map know how each is laid out.
pub trait Pixel: InLanes {}

impl Pixel for u8 {}
impl Pixel for f32 {}
impl Pixel for f64 {}

/// One map, row-major.
#[derive(Debug, Clone, Copy)]
pub struct Heatmap<'a, T> {
    values: &'a [T],
    height: usize,
    width: usize,
}

impl<'a, T: Pixel> Heatmap<'a, T> {
    /// Takes a map of `height` × `width` pixels, neither of them 0.
    ///
    /// # Panics
    /// Where `values` has another length.
    pub fn new(values: &'a [T], height: usize, width: usize) -> Self {
        assert!(
            height > 0 && height.checked_mul(width) == Some(values.len()) && width > 0,
            "a map has height × width pixels, and at least one"
        );
        Self {
            values,
            height,
            width,
        }
    }

    /// Rows of pixels.
    pub fn height(&self) -> usize {
        self.height
    }

    /// Columns of pixels.
    pub fn width(&self) -> usize {
        self.width
    }

    /// One row.
    pub fn row(&self, y: usize) -> &'a [T] {
        &self.values[y * self.width..][..self.width]
    }

    /// The rows from top to bottom.
    pub fn rows(&self) -> impl Iterator<Item = &'a [T]> {
        self.values.chunks_exact(self.width)
    }

    /// The largest value of a map that has been checked.
    pub fn max(&self) -> f64 {
        let plain = || {
            self.values
                .iter()
                .fold(0.0, |max: f64, value| max.max(value.to_f64()))
        };
        self.unchecked_max().unwrap_or_else(plain)
    }

    /// The largest value of an unchecked map; `None` unless it proves that all pixels are valid.
    pub fn unchecked_max(&self) -> Option<f64> {
        let bits = simd::run(Level::best(), MaxBits(self));
        (bits <= T::MAX_BITS).then(|| T::value_of(bits))
    }

    /// Refuses NaN, infinities and numbers near them, and negative values.
    pub fn check(&self, argument: &str, sample: usize) -> Result<()> {
        if self.unchecked_max().is_some() {
            return Ok(());
        }
        let bad = |value: &T| !(0.0..=MAX_PIXEL).contains(&value.to_f64());
        let Some(position) = self.values.iter().position(bad) else {
            return Ok(()); // a minus in front of a zero
        };
        Err(Error::Value {
            argument: argument.into(),
            sample,
            row: position / self.width,
            column: format!("column {}", position % self.width),
            value: self.values[position].to_f64(),
            expected: "a number from 0 to 1e100",
        })
    }
}

/// The largest bits. A [`simd::Job`] only so that this plain code is compiled for every instruction set.
struct MaxBits<'a, T>(&'a Heatmap<'a, T>);

impl<T: Pixel> Job for MaxBits<'_, T> {
    type Output = T::Bits;

    #[inline(always)]
    fn run<L: Lanes>(self) -> T::Bits {
        let larger = |max: T::Bits, value: &T| max.max(value.to_bits());
        self.0.values.iter().fold(T::Bits::default(), larger)
    }
}
