//! Eight numbers of 32 bits: half as wide as the lanes, so that roots, sums and comparisons cost a fraction.

/// Eight numbers of single precision. Operations are those of IEEE 754.
pub trait Narrow: Copy {
    /// Whole numbers beside them.
    type Whole: Whole;
    /// All the same.
    fn splat(value: f32) -> Self;
    /// Number `l` is `values[l]`.
    fn load(values: &[f32; 8]) -> Self;
    /// Number `l` is `values[l]`.
    fn from_bytes(values: &[u8; 8]) -> Self;
    /// Writes number `l` to `values[l]`.
    fn store(self, values: &mut [f32; 8]);
    /// As [`Lanes::stream_f32`](super::Lanes::stream_f32).
    fn stream(self, values: &mut [f32; 8]) {
        self.store(values);
    }
    /// Sum.
    fn add(self, other: Self) -> Self;
    /// Difference.
    fn sub(self, other: Self) -> Self;
    /// Product.
    fn mul(self, other: Self) -> Self;
    /// `self` · `factor` + `other`, rounded once. Slow where the processor has no instruction for it.
    fn fused(self, factor: Self, other: Self) -> Self;
    /// `self` · `factor` − `other`, rounded once. Slow where the processor has no instruction for it.
    fn fused_minus(self, factor: Self, other: Self) -> Self;
    /// Square root.
    fn sqrt(self) -> Self;
    /// Without what follows the point; of numbers from 0 to 2^30.
    fn truncate(self) -> Self::Whole;
}

/// Eight whole numbers of 32 bits.
pub trait Whole: Copy {
    /// All the same.
    fn splat(value: i32) -> Self;
    /// Number `l` is `values[l]`.
    fn load(values: &[i32; 8]) -> Self;
    /// Writes number `l` to `values[l]`.
    fn store(self, values: &mut [i32; 8]);
    /// Sum, of numbers whose sum fits.
    fn add(self, other: Self) -> Self;
    /// The smaller.
    fn min(self, other: Self) -> Self;
    /// Divided by 2^`BITS`, rounded down.
    fn shift<const BITS: i32>(self) -> Self;
    /// Bit `l` says whether number `l` is not larger.
    fn at_most_bits(self, other: Self) -> u8;
}

/// Plain arrays.
#[derive(Clone, Copy)]
pub struct Floats([f32; 8]);

/// Plain arrays.
#[derive(Clone, Copy)]
pub struct Integers([i32; 8]);

#[inline(always)]
fn zip<T: Copy>(a: [T; 8], b: [T; 8], of: impl Fn(T, T) -> T) -> [T; 8] {
    std::array::from_fn(|l| of(a[l], b[l]))
}

impl Narrow for Floats {
    type Whole = Integers;

    #[inline(always)]
    fn splat(value: f32) -> Self {
        Self([value; 8])
    }
    #[inline(always)]
    fn load(values: &[f32; 8]) -> Self {
        Self(*values)
    }
    #[inline(always)]
    fn from_bytes(values: &[u8; 8]) -> Self {
        Self(values.map(f32::from))
    }
    #[inline(always)]
    fn store(self, values: &mut [f32; 8]) {
        *values = self.0;
    }
    #[inline(always)]
    fn fused(self, factor: Self, other: Self) -> Self {
        Self(std::array::from_fn(|l| {
            self.0[l].mul_add(factor.0[l], other.0[l])
        }))
    }
    #[inline(always)]
    fn fused_minus(self, factor: Self, other: Self) -> Self {
        Self(std::array::from_fn(|l| {
            self.0[l].mul_add(factor.0[l], -other.0[l])
        }))
    }
    #[inline(always)]
    fn add(self, other: Self) -> Self {
        Self(zip(self.0, other.0, |a, b| a + b))
    }
    #[inline(always)]
    fn sub(self, other: Self) -> Self {
        Self(zip(self.0, other.0, |a, b| a - b))
    }
    #[inline(always)]
    fn mul(self, other: Self) -> Self {
        Self(zip(self.0, other.0, |a, b| a * b))
    }
    #[inline(always)]
    fn sqrt(self) -> Self {
        Self(self.0.map(f32::sqrt))
    }
    #[inline(always)]
    fn truncate(self) -> Integers {
        Integers(self.0.map(|value| value as i32))
    }
}

impl Whole for Integers {
    #[inline(always)]
    fn splat(value: i32) -> Self {
        Self([value; 8])
    }
    #[inline(always)]
    fn load(values: &[i32; 8]) -> Self {
        Self(*values)
    }
    #[inline(always)]
    fn store(self, values: &mut [i32; 8]) {
        *values = self.0;
    }
    #[inline(always)]
    fn add(self, other: Self) -> Self {
        Self(zip(self.0, other.0, i32::wrapping_add))
    }
    #[inline(always)]
    fn min(self, other: Self) -> Self {
        Self(zip(self.0, other.0, |a, b| if a < b { a } else { b }))
    }
    #[inline(always)]
    fn shift<const BITS: i32>(self) -> Self {
        Self(self.0.map(|value| value >> BITS))
    }
    #[inline(always)]
    fn at_most_bits(self, other: Self) -> u8 {
        (0..8).fold(0, |bits, l| bits | (u8::from(self.0[l] <= other.0[l]) << l))
    }
}
