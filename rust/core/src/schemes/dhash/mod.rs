//! dHash: heatmaps as bits that mark where the gaze decreases.

mod columns;
mod kernel;
mod nibbles;
mod sharing;

pub use kernel::Affinity;

use crate::heatmap::{Heatmap, Interpolation, Pixel, resize_small};
use crate::{Error, Result};

/// The axis along which neighbouring cells are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Axis {
    /// Left against right.
    Row,
    /// Upper against lower.
    Column,
}

/// What turns a heatmap into bits.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Parameters {
    /// Rows and columns of bits.
    pub hash_size: usize,
    /// The direction of the comparison.
    pub axis: Axis,
    /// How the heatmap is shrunk.
    pub interpolation: Interpolation,
    /// A difference counts when it exceeds this share of the map's maximum.
    pub margin: f64,
}

/// The most rows and columns of bits.
pub const MAX_HASH_SIZE: usize = 1024;

impl Default for Parameters {
    /// 8 × 8 bits, left against right, shrunk by area; a difference of one grey level of 8 bits counts.
    fn default() -> Self {
        Self {
            hash_size: 8,
            axis: Axis::Row,
            interpolation: Interpolation::Area,
            margin: 1.0 / 255.0,
        }
    }
}

impl Parameters {
    /// Words of 64 bits that one hash takes.
    ///
    /// # Errors
    /// [`Error::Argument`] where `hash_size` is 0 or above [`MAX_HASH_SIZE`].
    pub fn words(&self) -> Result<usize> {
        if (1..=MAX_HASH_SIZE).contains(&self.hash_size) {
            return Ok((self.hash_size * self.hash_size).div_ceil(64));
        }
        let expected = format!("1 to {MAX_HASH_SIZE}");
        Err(Error::argument("hash_size", self.hash_size, expected))
    }
}

/// The cosine of the hashes of two maps; 0 where one has no bit set. For more than two, see [`Affinity`].
///
/// # Errors
/// [`Error::Value`] for a pixel that is negative or not finite, [`Error::Argument`] for a wrong `hash_size`.
pub fn affinity<T: Pixel, U: Pixel>(a: &Heatmap<T>, b: &Heatmap<U>, parameters: &Parameters) -> Result<f32> {
    a.check("heatmaps", 0)?;
    b.check("heatmaps", 1)?;
    let bits = [hash(a, parameters)?, hash(b, parameters)?];
    let features = Features::new(bits.concat(), parameters.words()?)?;
    Ok(Affinity::new(&features, &features)?.pair(0, 1))
}

/// Computes the hash of one map that has been checked.
///
/// Bits are in row-major order; bit `k` is bit `k % 64`, counted from the least significant, of word `k / 64`.
///
/// # Errors
/// As [`Parameters::words`].
pub fn hash<T: Pixel>(map: &Heatmap<T>, parameters: &Parameters) -> Result<Vec<u64>> {
    hash_below(map, map.max(), parameters)
}

/// As [`hash`], of an unchecked map; `None` unless all pixels are proven valid.
pub fn unchecked_hash<T: Pixel>(map: &Heatmap<T>, parameters: &Parameters) -> Option<Vec<u64>> {
    hash_below(map, map.unchecked_max()?, parameters).ok()
}

fn hash_below<T: Pixel>(map: &Heatmap<T>, max: f64, parameters: &Parameters) -> Result<Vec<u64>> {
    let mut words = vec![0; parameters.words()?];
    let size = parameters.hash_size;
    // The next cell in the direction of the comparison, in the flat shrunk map.
    let (rows, cols, next) = match parameters.axis {
        Axis::Row => (size, size + 1, 1),
        Axis::Column => (size + 1, size, size),
    };
    let small = resize_small(map, rows, cols, parameters.interpolation);
    let threshold = parameters.margin * max;
    for bit in 0..size * size {
        let cell = (bit / size) * cols + bit % size;
        if small[cell] - small[cell + next] > threshold {
            words[bit / 64] |= 1 << (bit % 64);
        }
    }
    Ok(words)
}

/// Hashes of `words` words each, one after the other.
#[derive(Debug, Clone, PartialEq)]
pub struct Features {
    bits: Vec<u64>,
    words: usize,
    /// The number of set bits of each hash.
    counts: Vec<u32>,
    /// 1 / √count, 0 for a hash without a set bit, which makes all its affinities 0.
    scales: Vec<f64>,
}

impl Features {
    /// The hashes `order[0]`, `order[1]` and so on.
    pub fn in_order(&self, order: &[u32]) -> Self {
        let of = |i: &u32| *i as usize * self.words..(*i as usize + 1) * self.words;
        Self {
            bits: order.iter().flat_map(|i| &self.bits[of(i)]).copied().collect(),
            words: self.words,
            counts: order.iter().map(|&i| self.counts[i as usize]).collect(),
            scales: order.iter().map(|&i| self.scales[i as usize]).collect(),
        }
    }

    /// Takes hashes of `words` words each.
    pub fn new(bits: Vec<u64>, words: usize) -> Result<Self> {
        if words == 0 || !bits.len().is_multiple_of(words) {
            return Err(Error::argument(
                "hashes",
                format!("{} words", bits.len()),
                format!("a multiple of {words} words"),
            ));
        }
        let count = |hash: &[u64]| hash.iter().map(|word| word.count_ones()).sum();
        let counts: Vec<u32> = bits.chunks(words).map(count).collect();
        let scale = |&count: &u32| {
            if count == 0 {
                0.0
            } else {
                1.0 / f64::from(count).sqrt()
            }
        };
        Ok(Self {
            scales: counts.iter().map(scale).collect(),
            bits,
            words,
            counts,
        })
    }

    /// The number of hashes.
    pub fn len(&self) -> usize {
        self.counts.len()
    }

    /// Whether there is no hash.
    pub fn is_empty(&self) -> bool {
        self.counts.is_empty()
    }

    fn hash(&self, index: usize) -> &[u64] {
        &self.bits[index * self.words..][..self.words]
    }
}
