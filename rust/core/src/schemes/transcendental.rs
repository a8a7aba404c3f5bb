//! e^−x and arcsine in lanes: the same bits at every level, which no mathematical library promises.

use crate::simd::Lanes;

/// 1/k! with alternating signs.
const EXPONENTIAL: [f64; 12] = {
    let (mut terms, mut k) = ([1.0; 12], 1);
    while k < 12 {
        terms[k] = -terms[k - 1] / k as f64;
        k += 1;
    }
    terms
};

/// Beyond this e^−x is less than the rounding of 1.
const LARGEST: f64 = 40.0;

/// e^−x for x of at least 0, to within 3e-14: the series of x/128, squared seven times.
#[inline(always)]
pub fn exp_minus<L: Lanes>(x: L) -> L {
    let part = x.min(L::splat(LARGEST)).mul(L::splat(1.0 / 128.0));
    let mut value = polynomial(&EXPONENTIAL, part);
    for _ in 0..7 {
        value = value.mul(value);
    }
    value
}

/// asin(z) / z as a polynomial of z² on [0, 1/4], by interpolation at Chebyshev's points.
const ARCSINE: [f64; 12] = [
    1.0,
    0.16666666666696023,
    0.07499999994423572,
    0.04464286111709575,
    0.030381797545252942,
    0.022375367243340053,
    0.01730849034316944,
    0.014364148649344221,
    0.009179705604537214,
    0.01885968902773521,
    -0.01274081335824796,
    0.0322912676188371,
];

/// The arcsine of s in [0, 1], to within 2e-15.
#[inline(always)]
pub fn arcsine<L: Lanes>(s: L) -> L {
    let (half, one) = (L::splat(0.5), L::splat(1.0));
    if s.reach_bits(half) == 0 {
        return s.mul(polynomial(&ARCSINE, s.mul(s)));
    }
    // From 1/2 on, asin(s) = π/2 − 2 asin(√((1 − s)/2)).
    let square = s.mul(s).if_less(s, half, one.sub(s).mul(half));
    let root = s.if_less(s, half, square.sqrt());
    let value = root.mul(polynomial(&ARCSINE, square));
    let mirrored = L::splat(std::f64::consts::FRAC_PI_2).sub(value.add(value));
    value.if_less(s, half, mirrored)
}

#[inline(always)]
fn polynomial<L: Lanes, const N: usize>(coefficients: &[f64; N], x: L) -> L {
    let mut value = L::splat(coefficients[N - 1]);
    for &coefficient in coefficients[..N - 1].iter().rev() {
        value = value.mul(x).add(L::splat(coefficient));
    }
    value
}
