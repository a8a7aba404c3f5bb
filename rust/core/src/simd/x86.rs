//! Eight lanes in the registers of x86-64: AVX-512, and pairs of AVX2.

use std::arch::x86_64::*;

use super::nibbles::{BLOCK, Block, table};
use super::x86_half::Half;
use super::{Adding, Apart, Job, Lanes};

#[target_feature(enable = "avx512f,avx512dq,avx512vl,avx512bw,avx512vpopcntdq,avx2,fma,popcnt")]
pub fn avx512<J: Job>(job: J) -> J::Output {
    job.run::<Avx512>()
}

#[target_feature(enable = "avx2,fma,popcnt")]
pub fn avx2<J: Job>(job: J) -> J::Output {
    job.run::<Avx2>()
}

/// The 32 bits of single precision, at the place to which rebasing moves them.
pub const MOVED: i64 = 0xffff_ffff << 29;

/// One register of eight.
#[derive(Clone, Copy)]
pub struct Avx512(__m512d);

impl Adding for Avx512 {
    #[inline(always)]
    fn splat(value: f64) -> Self {
        // SAFETY: these lanes exist only below the root that has the instructions.
        unsafe { Self(_mm512_set1_pd(value)) }
    }
    #[inline(always)]
    fn load(values: &[f64; 8]) -> Self {
        // SAFETY: as for `add`; the pointer covers eight numbers.
        unsafe { Self(_mm512_loadu_pd(values.as_ptr())) }
    }
    #[inline(always)]
    fn load_rebased(values: &[f32; 16], shift: Self) -> [Self; 2] {
        // SAFETY: as for `add`; the pointer covers sixteen numbers.
        unsafe {
            let pairs = _mm512_loadu_si512(values.as_ptr().cast());
            let even = _mm512_mul_epu32(pairs, _mm512_castpd_si512(shift.0)); // of lower halves
            let odd = _mm512_and_si512(_mm512_srli_epi64::<3>(pairs), _mm512_set1_epi64(MOVED));
            [Self(_mm512_castsi512_pd(even)), Self(_mm512_castsi512_pd(odd))]
        }
    }
    #[inline(always)]
    fn prefetch<T>(value: &T) {
        // SAFETY: as for `add`; the address of a reference is valid.
        unsafe { _mm_prefetch::<_MM_HINT_T1>(std::ptr::from_ref(value).cast()) }
    }
    #[inline(always)]
    fn store(self, values: &mut [f64; 8]) {
        // SAFETY: as for `add`; the pointer covers eight numbers.
        unsafe { _mm512_storeu_pd(values.as_mut_ptr(), self.0) }
    }
    #[inline(always)]
    fn add(self, other: Self) -> Self {
        // SAFETY: these lanes exist only below the root that has the instructions.
        unsafe { Self(_mm512_add_pd(self.0, other.0)) }
    }
    #[inline(always)]
    fn sub(self, other: Self) -> Self {
        // SAFETY: these lanes exist only below the root that has the instructions.
        unsafe { Self(_mm512_sub_pd(self.0, other.0)) }
    }
    #[inline(always)]
    fn mul(self, other: Self) -> Self {
        // SAFETY: these lanes exist only below the root that has the instructions.
        unsafe { Self(_mm512_mul_pd(self.0, other.0)) }
    }
    #[inline(always)]
    fn times_plus(self, factor: Self, other: Self) -> Self {
        // SAFETY: these lanes exist only below the root that has the instructions.
        unsafe { Self(_mm512_fmadd_pd(self.0, factor.0, other.0)) }
    }
    #[inline(always)]
    fn min(self, other: Self) -> Self {
        // SAFETY: these lanes exist only below the root that has the instructions.
        unsafe { Self(_mm512_min_pd(self.0, other.0)) }
    }
}

impl Lanes for Avx512 {
    type Narrow = super::x86_narrow::Floats;

    #[inline(always)]
    fn load_f32(values: &[f32; 8]) -> Self {
        // SAFETY: as for `load`.
        unsafe { Self(_mm512_cvtps_pd(_mm256_loadu_ps(values.as_ptr()))) }
    }
    #[inline(always)]
    fn store_f32(self, values: &mut [f32; 8]) {
        // SAFETY: as for `store`.
        unsafe { _mm256_storeu_ps(values.as_mut_ptr(), _mm512_cvtpd_ps(self.0)) }
    }
    #[inline(always)]
    fn stream_f32(self, values: &mut [f32; 8]) {
        let place = values.as_mut_ptr();
        if place.align_offset(32) != 0 {
            return self.store_f32(values);
        }
        // SAFETY: as for `store`; the place is aligned as the instruction needs it.
        unsafe { _mm256_stream_ps(place, _mm512_cvtpd_ps(self.0)) }
    }
    #[inline(always)]
    fn div(self, other: Self) -> Self {
        // SAFETY: these lanes exist only below the root that has the instructions.
        unsafe { Self(_mm512_div_pd(self.0, other.0)) }
    }
    #[inline(always)]
    fn sqrt(self) -> Self {
        // SAFETY: these lanes exist only below the root that has the instructions.
        unsafe { Self(_mm512_sqrt_pd(self.0)) }
    }
    #[inline(always)]
    fn max(self, other: Self) -> Self {
        // SAFETY: these lanes exist only below the root that has the instructions.
        unsafe { Self(_mm512_max_pd(self.0, other.0)) }
    }
    #[inline(always)]
    fn if_less(self, a: Self, b: Self, otherwise: Self) -> Self {
        // SAFETY: these lanes exist only below the root that has the instructions.
        unsafe {
            let less = _mm512_cmp_pd_mask::<_CMP_LT_OQ>(a.0, b.0);
            Self(_mm512_mask_blend_pd(less, otherwise.0, self.0))
        }
    }
    #[inline(always)]
    fn eq_bits(self, other: Self) -> u8 {
        // SAFETY: these lanes exist only below the root that has the instructions.
        unsafe { _mm512_cmp_pd_mask::<_CMP_EQ_OQ>(self.0, other.0) }
    }
    #[inline(always)]
    fn reach_bits(self, other: Self) -> u8 {
        // SAFETY: these lanes exist only below the root that has the instructions.
        unsafe { _mm512_cmp_pd_mask::<_CMP_GE_OQ>(self.0, other.0) }
    }
    #[inline(always)]
    fn common_bits(word: u64, words: &[u64; 8]) -> Self {
        // SAFETY: as for `load`; the pointer covers eight words.
        unsafe {
            let words = _mm512_loadu_si512(words.as_ptr().cast());
            let common = _mm512_and_si512(_mm512_set1_epi64(word as i64), words);
            Self(_mm512_cvtepi64_pd(_mm512_popcnt_epi64(common)))
        }
    }
}

/// Two registers of four.
#[derive(Clone, Copy)]
pub struct Avx2(__m256d, __m256d);

impl Adding for Avx2 {
    #[inline(always)]
    fn splat(value: f64) -> Self {
        // SAFETY: these lanes exist only below the root that has the instructions.
        unsafe { Self(_mm256_set1_pd(value), _mm256_set1_pd(value)) }
    }
    #[inline(always)]
    fn load(values: &[f64; 8]) -> Self {
        // SAFETY: as for `add`; the pointer covers eight numbers.
        unsafe {
            Self(
                _mm256_loadu_pd(values.as_ptr()),
                _mm256_loadu_pd(values.as_ptr().add(4)),
            )
        }
    }
    #[inline(always)]
    fn load_rebased(values: &[f32; 16], shift: Self) -> [Self; 2] {
        // SAFETY: as for `add`; the pointers cover sixteen numbers.
        unsafe {
            let low = _mm256_loadu_si256(values.as_ptr().cast());
            let high = _mm256_loadu_si256(values.as_ptr().add(8).cast());
            let (shift, moved) = (_mm256_castpd_si256(shift.0), _mm256_set1_epi64x(MOVED));
            let even = [_mm256_mul_epu32(low, shift), _mm256_mul_epu32(high, shift)]; // of lower halves
            let odd = [
                _mm256_and_si256(_mm256_srli_epi64::<3>(low), moved),
                _mm256_and_si256(_mm256_srli_epi64::<3>(high), moved),
            ];
            [
                Self(_mm256_castsi256_pd(even[0]), _mm256_castsi256_pd(even[1])),
                Self(_mm256_castsi256_pd(odd[0]), _mm256_castsi256_pd(odd[1])),
            ]
        }
    }
    #[inline(always)]
    fn prefetch<T>(value: &T) {
        // SAFETY: as for `add`; the address of a reference is valid.
        unsafe { _mm_prefetch::<_MM_HINT_T1>(std::ptr::from_ref(value).cast()) }
    }
    #[inline(always)]
    fn store(self, values: &mut [f64; 8]) {
        // SAFETY: as for `add`; the pointer covers eight numbers.
        unsafe {
            _mm256_storeu_pd(values.as_mut_ptr(), self.0);
            _mm256_storeu_pd(values.as_mut_ptr().add(4), self.1);
        }
    }
    #[inline(always)]
    fn add(self, other: Self) -> Self {
        // SAFETY: these lanes exist only below the root that has the instructions.
        unsafe { Self(_mm256_add_pd(self.0, other.0), _mm256_add_pd(self.1, other.1)) }
    }
    #[inline(always)]
    fn sub(self, other: Self) -> Self {
        // SAFETY: these lanes exist only below the root that has the instructions.
        unsafe { Self(_mm256_sub_pd(self.0, other.0), _mm256_sub_pd(self.1, other.1)) }
    }
    #[inline(always)]
    fn mul(self, other: Self) -> Self {
        // SAFETY: these lanes exist only below the root that has the instructions.
        unsafe { Self(_mm256_mul_pd(self.0, other.0), _mm256_mul_pd(self.1, other.1)) }
    }
    #[inline(always)]
    fn times_plus(self, factor: Self, other: Self) -> Self {
        // SAFETY: these lanes exist only below the root that has the instructions.
        unsafe {
            Self(
                _mm256_fmadd_pd(self.0, factor.0, other.0),
                _mm256_fmadd_pd(self.1, factor.1, other.1),
            )
        }
    }
    #[inline(always)]
    fn min(self, other: Self) -> Self {
        // SAFETY: these lanes exist only below the root that has the instructions.
        unsafe { Self(_mm256_min_pd(self.0, other.0), _mm256_min_pd(self.1, other.1)) }
    }
}

impl Lanes for Avx2 {
    type Narrow = super::x86_narrow::Floats;

    #[inline(always)]
    fn apart<W: Apart>(work: &mut W) {
        work.run::<Half<false>, 0, 1>();
        work.run::<Half<false>, 1, 2>();
        work.run::<Half<true>, 0, 1>();
        work.run::<Half<true>, 1, 2>();
    }
    #[inline(always)]
    fn load_f32(values: &[f32; 8]) -> Self {
        // SAFETY: as for `load`.
        unsafe {
            Self(
                _mm256_cvtps_pd(_mm_loadu_ps(values.as_ptr())),
                _mm256_cvtps_pd(_mm_loadu_ps(values.as_ptr().add(4))),
            )
        }
    }
    #[inline(always)]
    fn store_f32(self, values: &mut [f32; 8]) {
        // SAFETY: as for `store`.
        unsafe {
            _mm_storeu_ps(values.as_mut_ptr(), _mm256_cvtpd_ps(self.0));
            _mm_storeu_ps(values.as_mut_ptr().add(4), _mm256_cvtpd_ps(self.1));
        }
    }
    #[inline(always)]
    fn stream_f32(self, values: &mut [f32; 8]) {
        let place = values.as_mut_ptr();
        if place.align_offset(32) != 0 {
            return self.store_f32(values);
        }
        // SAFETY: as for `store`; the place is aligned as the instruction needs it.
        unsafe {
            _mm256_stream_ps(
                place,
                _mm256_set_m128(_mm256_cvtpd_ps(self.1), _mm256_cvtpd_ps(self.0)),
            )
        }
    }
    #[inline(always)]
    fn div(self, other: Self) -> Self {
        // SAFETY: these lanes exist only below the root that has the instructions.
        unsafe { Self(_mm256_div_pd(self.0, other.0), _mm256_div_pd(self.1, other.1)) }
    }
    #[inline(always)]
    fn sqrt(self) -> Self {
        // SAFETY: these lanes exist only below the root that has the instructions.
        unsafe { Self(_mm256_sqrt_pd(self.0), _mm256_sqrt_pd(self.1)) }
    }
    #[inline(always)]
    fn max(self, other: Self) -> Self {
        // SAFETY: these lanes exist only below the root that has the instructions.
        unsafe { Self(_mm256_max_pd(self.0, other.0), _mm256_max_pd(self.1, other.1)) }
    }
    #[inline(always)]
    fn if_less(self, a: Self, b: Self, otherwise: Self) -> Self {
        // SAFETY: these lanes exist only below the root that has the instructions.
        unsafe {
            let low = _mm256_cmp_pd::<_CMP_LT_OQ>(a.0, b.0);
            let high = _mm256_cmp_pd::<_CMP_LT_OQ>(a.1, b.1);
            Self(
                _mm256_blendv_pd(otherwise.0, self.0, low),
                _mm256_blendv_pd(otherwise.1, self.1, high),
            )
        }
    }
    #[inline(always)]
    fn eq_bits(self, other: Self) -> u8 {
        // SAFETY: these lanes exist only below the root that has the instructions.
        unsafe {
            let low = _mm256_movemask_pd(_mm256_cmp_pd::<_CMP_EQ_OQ>(self.0, other.0));
            let high = _mm256_movemask_pd(_mm256_cmp_pd::<_CMP_EQ_OQ>(self.1, other.1));
            (low | (high << 4)) as u8
        }
    }
    #[inline(always)]
    fn reach_bits(self, other: Self) -> u8 {
        // SAFETY: these lanes exist only below the root that has the instructions.
        unsafe {
            let low = _mm256_movemask_pd(_mm256_cmp_pd::<_CMP_GE_OQ>(self.0, other.0));
            let high = _mm256_movemask_pd(_mm256_cmp_pd::<_CMP_GE_OQ>(self.1, other.1));
            (low | (high << 4)) as u8
        }
    }
    #[inline(always)]
    fn common_bits(word: u64, words: &[u64; 8]) -> Self {
        // SAFETY: as for `load`; the pointers cover eight words.
        unsafe {
            let word = _mm256_set1_epi64x(word as i64);
            let low = _mm256_loadu_si256(words.as_ptr().cast());
            let high = _mm256_loadu_si256(words.as_ptr().add(4).cast());
            Self(
                counts_of(_mm256_and_si256(word, low)),
                counts_of(_mm256_and_si256(word, high)),
            )
        }
    }
    #[inline(always)]
    fn count_nibbles(word: u64, block: &Block, counts: &mut [u8; BLOCK]) {
        // SAFETY: as for `load`; tables, planes and counts are arrays of the length that is read or written.
        unsafe {
            let mut sums = [_mm256_setzero_si256(); BLOCK / 32];
            for (k, plane) in block.0.iter().enumerate() {
                let table = _mm_loadu_si128(table(word, k).as_ptr().cast());
                let table = _mm256_broadcastsi128_si256(table);
                for (k, sum) in sums.iter_mut().enumerate() {
                    let nibbles = _mm256_loadu_si256(plane.as_ptr().add(32 * k).cast());
                    *sum = _mm256_add_epi8(*sum, _mm256_shuffle_epi8(table, nibbles));
                }
            }
            for (k, sum) in sums.into_iter().enumerate() {
                _mm256_storeu_si256(counts.as_mut_ptr().add(32 * k).cast(), sum);
            }
        }
    }
    #[inline(always)]
    fn reaching(counts: &[u8; 32], least: u8) -> u32 {
        // SAFETY: as for `load`; the pointer covers 32 bytes.
        unsafe {
            let counts = _mm256_loadu_si256(counts.as_ptr().cast());
            let larger = _mm256_max_epu8(counts, _mm256_set1_epi8(least as i8));
            _mm256_movemask_epi8(_mm256_cmpeq_epi8(larger, counts)) as u32
        }
    }
}

/// The number of bits set in each of four words: looked up by nibbles, summed over the bytes, and made a number of
/// double precision by the bits of 2^52, whose last place is 1.
#[inline(always)]
unsafe fn counts_of(words: __m256i) -> __m256d {
    // SAFETY: called below the root that has the instructions.
    unsafe {
        let of_nibble =
            _mm256_broadcastsi128_si256(_mm_setr_epi8(0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4));
        let nibble = _mm256_set1_epi8(15);
        let low = _mm256_shuffle_epi8(of_nibble, _mm256_and_si256(words, nibble));
        let high = _mm256_and_si256(_mm256_srli_epi16::<4>(words), nibble);
        let bytes = _mm256_add_epi8(low, _mm256_shuffle_epi8(of_nibble, high));
        let counts = _mm256_sad_epu8(bytes, _mm256_setzero_si256());
        let offset = _mm256_set1_pd(f64::from_bits(1075 << 52));
        _mm256_sub_pd(_mm256_or_pd(_mm256_castsi256_pd(counts), offset), offset)
    }
}
