//! How pixels of each type are loaded into lanes; other crates cannot add a type.

use std::ops::Range;

use super::{Heatmap, MAX_PIXEL, Pixel, bytes, sums};
use crate::simd::{self, Adding};

/// The properties of a pixel type that the sums over a map need.
pub trait InLanes: Copy + Default + PartialOrd + Send + Sync {
    /// Whether a resized map is rounded, as image libraries do for 8-bit images.
    const ROUNDS: bool;
    /// The value as f64, without loss.
    fn to_f64(self) -> f64;
    /// Whether negative pixels come out of [`Self::sixteen`] as such.
    const SIGNED: bool;
    /// Factor from lanes to pixels.
    const UNIT: f64;
    /// A sum above this does not prove that all pixels are valid.
    const LARGEST_SUM: f64;
    /// Sixteen pixels as two sets of lanes, in units of [`Self::UNIT`]; `shift` is [`simd::SHIFT`].
    fn sixteen<L: Adding>(pixels: &[Self; 16], shift: L) -> [L; 2];
    /// The pixel, of those sixteen, that becomes a lane of one of the sets.
    #[inline(always)]
    fn place(set: usize, lane: usize) -> usize {
        8 * set + lane
    }
    /// The sum of every column over some of the rows of a map that has been checked.
    fn column_sums(map: &Heatmap<Self>, rows: Range<usize>) -> Vec<f64>
    where
        Self: Pixel,
    {
        sums::column_sums(map, rows)
    }
    /// The bits, which grow with pixels that are good. Those that are not, and −0, have larger ones
    /// than [`MAX_PIXEL`]: whole numbers are compared without a thought for NaN.
    type Bits: Ord + Copy + Default + Send + Sync;
    /// The bits of the largest allowed pixel.
    const MAX_BITS: Self::Bits;
    /// The bits.
    fn to_bits(self) -> Self::Bits;
    /// The pixel of these bits, as f64.
    fn value_of(bits: Self::Bits) -> f64;
    /// The largest value of this type that is not above a `bound` of at least 0.
    fn at_most(bound: f64) -> Self;
}

impl InLanes for u8 {
    const ROUNDS: bool = true;
    fn to_f64(self) -> f64 {
        f64::from(self)
    }
    const SIGNED: bool = false;
    const UNIT: f64 = 1.0;
    const LARGEST_SUM: f64 = f64::INFINITY;
    type Bits = u8;
    const MAX_BITS: u8 = u8::MAX;
    #[inline(always)]
    fn sixteen<L: Adding>(pixels: &[u8; 16], _: L) -> [L; 2] {
        let values = pixels.map(f64::from);
        let (sets, _) = values.as_chunks();
        [L::load(&sets[0]), L::load(&sets[1])]
    }
    #[inline(always)]
    fn to_bits(self) -> u8 {
        self
    }
    fn column_sums(map: &Heatmap<Self>, rows: Range<usize>) -> Vec<f64> {
        bytes::column_sums(map, rows)
    }
    fn value_of(bits: u8) -> f64 {
        f64::from(bits)
    }
    fn at_most(bound: f64) -> Self {
        bound as Self // truncates
    }
}

impl InLanes for f32 {
    const ROUNDS: bool = false;
    fn to_f64(self) -> f64 {
        f64::from(self)
    }
    const SIGNED: bool = false;
    const UNIT: f64 = simd::REBASE;
    const LARGEST_SUM: f64 = f32::MAX as f64;
    type Bits = u32;
    const MAX_BITS: u32 = Self::MAX.to_bits();
    #[inline(always)]
    fn sixteen<L: Adding>(pixels: &[f32; 16], shift: L) -> [L; 2] {
        L::load_rebased(pixels, shift)
    }
    #[inline(always)]
    fn place(set: usize, lane: usize) -> usize {
        2 * lane + set
    }
    #[inline(always)]
    fn to_bits(self) -> u32 {
        self.to_bits()
    }
    fn value_of(bits: u32) -> f64 {
        f64::from(Self::from_bits(bits))
    }
    fn at_most(bound: f64) -> Self {
        let near = bound as Self;
        if f64::from(near) > bound {
            near.next_down()
        } else {
            near
        }
    }
}

impl InLanes for f64 {
    const ROUNDS: bool = false;
    fn to_f64(self) -> f64 {
        self
    }
    const SIGNED: bool = true;
    const UNIT: f64 = 1.0;
    const LARGEST_SUM: f64 = MAX_PIXEL;
    type Bits = u64;
    const MAX_BITS: u64 = MAX_PIXEL.to_bits();
    #[inline(always)]
    fn sixteen<L: Adding>(pixels: &[f64; 16], _: L) -> [L; 2] {
        let (sets, _) = pixels.as_chunks();
        [L::load(&sets[0]), L::load(&sets[1])]
    }
    #[inline(always)]
    fn to_bits(self) -> u64 {
        self.to_bits()
    }
    fn value_of(bits: u64) -> f64 {
        Self::from_bits(bits)
    }
    fn at_most(bound: f64) -> Self {
        bound
    }
}
