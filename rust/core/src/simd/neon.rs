//! The smaller and the larger of two numbers, lane by lane, on Arm.
//!
//! The compiler makes two lanes at a time of the other operations on plain arrays, but not of chains of these two: sorting
//! networks became comparisons of single numbers.

use std::arch::aarch64::{float64x2_t, vbslq_f64, vcgtq_f64, vcltq_f64, vld1q_f64, vst1q_f64};

/// Two lanes at a time.
#[inline(always)]
fn by_twos(a: &[f64; 8], b: &[f64; 8], of: impl Fn(float64x2_t, float64x2_t) -> float64x2_t) -> [f64; 8] {
    let mut values = [0.0; 8];
    for ((a, b), values) in a
        .as_chunks::<2>()
        .0
        .iter()
        .zip(b.as_chunks::<2>().0)
        .zip(values.as_chunks_mut::<2>().0)
    {
        // SAFETY: NEON is part of this target, and the arrays hold two numbers each.
        unsafe {
            vst1q_f64(
                values.as_mut_ptr(),
                of(vld1q_f64(a.as_ptr()), vld1q_f64(b.as_ptr())),
            )
        }
    }
    values
}

/// Each lane of `a` where it is less than that of `b`, else that of `b`.
#[inline(always)]
pub fn smaller(a: &[f64; 8], b: &[f64; 8]) -> [f64; 8] {
    // SAFETY: NEON is part of this target.
    by_twos(a, b, |a, b| unsafe { vbslq_f64(vcltq_f64(a, b), a, b) })
}

/// Each lane of `a` where it is greater than that of `b`, else that of `b`.
#[inline(always)]
pub fn larger(a: &[f64; 8], b: &[f64; 8]) -> [f64; 8] {
    // SAFETY: NEON is part of this target.
    by_twos(a, b, |a, b| unsafe { vbslq_f64(vcgtq_f64(a, b), a, b) })
}
