//! Eight numbers of 32 bits in one register of AVX2, which AVX-512 has too.

use std::arch::x86_64::*;

use super::narrow::{Narrow, Whole};

/// Single precision.
#[derive(Clone, Copy)]
pub struct Floats(__m256);

/// Whole numbers.
#[derive(Clone, Copy)]
pub struct Integers(__m256i);

impl Narrow for Floats {
    type Whole = Integers;

    #[inline(always)]
    fn splat(value: f32) -> Self {
        // SAFETY: these exist only below a root that has the instructions.
        unsafe { Self(_mm256_set1_ps(value)) }
    }
    #[inline(always)]
    fn load(values: &[f32; 8]) -> Self {
        // SAFETY: as for `splat`; the pointer covers eight numbers.
        unsafe { Self(_mm256_loadu_ps(values.as_ptr())) }
    }
    #[inline(always)]
    fn from_bytes(values: &[u8; 8]) -> Self {
        let values = u64::from_le_bytes(*values) as i64;
        // SAFETY: as for `splat`.
        unsafe {
            Self(_mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(_mm_cvtsi64_si128(
                values,
            ))))
        }
    }
    #[inline(always)]
    fn store(self, values: &mut [f32; 8]) {
        // SAFETY: as for `load`.
        unsafe { _mm256_storeu_ps(values.as_mut_ptr(), self.0) }
    }
    #[inline(always)]
    fn stream(self, values: &mut [f32; 8]) {
        let place = values.as_mut_ptr();
        if place.align_offset(32) != 0 {
            return self.store(values);
        }
        // SAFETY: as for `store`; the place is aligned as the instruction needs it.
        unsafe { _mm256_stream_ps(place, self.0) }
    }
    #[inline(always)]
    fn fused(self, factor: Self, other: Self) -> Self {
        // SAFETY: as for `splat`.
        unsafe { Self(_mm256_fmadd_ps(self.0, factor.0, other.0)) }
    }
    #[inline(always)]
    fn fused_minus(self, factor: Self, other: Self) -> Self {
        // SAFETY: as for `splat`.
        unsafe { Self(_mm256_fmsub_ps(self.0, factor.0, other.0)) }
    }
    #[inline(always)]
    fn add(self, other: Self) -> Self {
        // SAFETY: as for `splat`.
        unsafe { Self(_mm256_add_ps(self.0, other.0)) }
    }
    #[inline(always)]
    fn sub(self, other: Self) -> Self {
        // SAFETY: as for `splat`.
        unsafe { Self(_mm256_sub_ps(self.0, other.0)) }
    }
    #[inline(always)]
    fn mul(self, other: Self) -> Self {
        // SAFETY: as for `splat`.
        unsafe { Self(_mm256_mul_ps(self.0, other.0)) }
    }
    #[inline(always)]
    fn sqrt(self) -> Self {
        // SAFETY: as for `splat`.
        unsafe { Self(_mm256_sqrt_ps(self.0)) }
    }
    #[inline(always)]
    fn truncate(self) -> Integers {
        // SAFETY: as for `splat`.
        unsafe { Integers(_mm256_cvttps_epi32(self.0)) }
    }
}

impl Whole for Integers {
    #[inline(always)]
    fn splat(value: i32) -> Self {
        // SAFETY: as for `Floats::splat`.
        unsafe { Self(_mm256_set1_epi32(value)) }
    }
    #[inline(always)]
    fn load(values: &[i32; 8]) -> Self {
        // SAFETY: as for `Floats::load`.
        unsafe { Self(_mm256_loadu_si256(values.as_ptr().cast())) }
    }
    #[inline(always)]
    fn store(self, values: &mut [i32; 8]) {
        // SAFETY: as for `Floats::load`.
        unsafe { _mm256_storeu_si256(values.as_mut_ptr().cast(), self.0) }
    }
    #[inline(always)]
    fn add(self, other: Self) -> Self {
        // SAFETY: as for `Floats::splat`.
        unsafe { Self(_mm256_add_epi32(self.0, other.0)) }
    }
    #[inline(always)]
    fn min(self, other: Self) -> Self {
        // SAFETY: as for `Floats::splat`.
        unsafe { Self(_mm256_min_epi32(self.0, other.0)) }
    }
    #[inline(always)]
    fn shift<const BITS: i32>(self) -> Self {
        // SAFETY: as for `Floats::splat`.
        unsafe { Self(_mm256_srai_epi32::<BITS>(self.0)) }
    }
    #[inline(always)]
    fn at_most_bits(self, other: Self) -> u8 {
        // SAFETY: as for `Floats::splat`.
        unsafe {
            let above = _mm256_cmpgt_epi32(self.0, other.0);
            !(_mm256_movemask_ps(_mm256_castsi256_ps(above)) as u8)
        }
    }
}
