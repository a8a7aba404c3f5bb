//! Four of eight lanes in one register of AVX2: sums of many rows stay in registers if half of the lanes come first and
//! then the others.

use std::arch::x86_64::*;

use super::{Adding, x86::MOVED};

/// Lanes 0 to 3, or with `HIGH` lanes 4 to 7.
#[derive(Clone, Copy)]
pub struct Half<const HIGH: bool>(__m256d);

impl<const HIGH: bool> Half<HIGH> {
    /// The first lane.
    const FIRST: usize = if HIGH { 4 } else { 0 };
}

impl<const HIGH: bool> Adding for Half<HIGH> {
    #[inline(always)]
    fn splat(value: f64) -> Self {
        // SAFETY: these lanes exist only below the root that has the instructions.
        unsafe { Self(_mm256_set1_pd(value)) }
    }
    #[inline(always)]
    fn load(values: &[f64; 8]) -> Self {
        // SAFETY: as for `splat`; four of eight numbers are read.
        unsafe { Self(_mm256_loadu_pd(values.as_ptr().add(Self::FIRST))) }
    }
    #[inline(always)]
    fn load_rebased(values: &[f32; 16], shift: Self) -> [Self; 2] {
        // SAFETY: as for `splat`; eight of sixteen numbers are read.
        unsafe {
            let pairs = _mm256_loadu_si256(values.as_ptr().add(2 * Self::FIRST).cast());
            let even = _mm256_mul_epu32(pairs, _mm256_castpd_si256(shift.0)); // of lower halves
            let odd = _mm256_and_si256(_mm256_srli_epi64::<3>(pairs), _mm256_set1_epi64x(MOVED));
            [Self(_mm256_castsi256_pd(even)), Self(_mm256_castsi256_pd(odd))]
        }
    }
    #[inline(always)]
    fn prefetch<T>(value: &T) {
        if !HIGH {
            // SAFETY: as for `splat`; the address of a reference is valid.
            unsafe { _mm_prefetch::<_MM_HINT_T1>(std::ptr::from_ref(value).cast()) }
        }
    }
    #[inline(always)]
    fn store(self, values: &mut [f64; 8]) {
        // SAFETY: as for `splat`; four of eight numbers are written.
        unsafe { _mm256_storeu_pd(values.as_mut_ptr().add(Self::FIRST), self.0) }
    }
    #[inline(always)]
    fn add(self, other: Self) -> Self {
        // SAFETY: as for `splat`.
        unsafe { Self(_mm256_add_pd(self.0, other.0)) }
    }
    #[inline(always)]
    fn sub(self, other: Self) -> Self {
        // SAFETY: as for `splat`.
        unsafe { Self(_mm256_sub_pd(self.0, other.0)) }
    }
    #[inline(always)]
    fn mul(self, other: Self) -> Self {
        // SAFETY: as for `splat`.
        unsafe { Self(_mm256_mul_pd(self.0, other.0)) }
    }
    #[inline(always)]
    fn times_plus(self, factor: Self, other: Self) -> Self {
        // SAFETY: as for `splat`.
        unsafe { Self(_mm256_fmadd_pd(self.0, factor.0, other.0)) }
    }
    #[inline(always)]
    fn min(self, other: Self) -> Self {
        // SAFETY: as for `splat`.
        unsafe { Self(_mm256_min_pd(self.0, other.0)) }
    }
}
