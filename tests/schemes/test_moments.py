"""Gaze moments and Hu invariants against OpenCV and golden numbers."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

import gazesim
from gazesim.reference.moments import gaze_moments


def golden_maps():
    i, j = np.mgrid[:48, :64]
    maps = [250 - ((i - (20 + 5 * s)) ** 2 + (s + 1) * (j - (24 + 3 * s)) ** 2) // (2 + s) for s in range(3)]
    return np.clip(maps, 0, None).astype(np.uint8)


def test_golden_moments(golden):
    maps = golden_maps()
    expected = golden["moment"]
    assert maps.sum(axis=(1, 2), dtype=np.int64).tolist() == expected["sum"]
    native = gazesim.Moments().features(maps).values
    np.testing.assert_allclose(native, expected["gzm_native"], rtol=1e-9)
    resized = gazesim.Moments(size=(32, 32)).features(maps).values
    np.testing.assert_allclose(resized[:2], expected["gzm_resized32 [0,1]"], rtol=1e-9)


@pytest.mark.parametrize(
    ("name", "alpha", "size"),
    [
        ("sim 0.5/0.5 gzm_native [01,02]", 0.5, None),
        ("sim 0.5/0.5 gzm_resized32 [01,02]", 0.5, (32, 32)),
        ("sim mu 0.2 / hu 0.8 (dental) gzm_native [01,02]", 0.2, None),
        ("sim mu 0.2 / hu 0.8 (dental) gzm_resized32 [01,02]", 0.2, (32, 32)),
    ],
)
def test_golden_affinities(golden, name, alpha, size):
    row = gazesim.affinity(golden_maps(), scheme="moments", alpha=alpha, size=size)[0, 1:]
    np.testing.assert_array_equal(row, np.float32(golden["moment"][name]))


@pytest.mark.parametrize("dtype", [np.uint8, np.float32, np.float64])
def test_moments_equal_opencv(rng, dtype):
    maps = (rng.random((20, 37, 53)) ** 6 * 255).astype(dtype)
    ours = gazesim.Moments().features(maps).values
    for (mass, spread), one in zip(ours, maps, strict=True):
        theirs = cv2.moments(one.astype(np.float64))
        assert mass == pytest.approx(theirs["m00"], rel=1e-12)
        assert spread == pytest.approx((theirs["mu20"] + theirs["mu02"]) / theirs["m00"] ** 2, rel=1e-9)


def test_hu_moments_equal_opencv(rng):
    maps = rng.random((20, 37, 53)) ** 6
    for ours, one in zip(gazesim.hu_moments(maps), maps, strict=True):
        theirs = cv2.HuMoments(cv2.moments(one)).ravel()
        np.testing.assert_allclose(ours, theirs, rtol=1e-6, atol=1e-18)
        np.testing.assert_allclose(ours, gazesim.reference.hu_moments([one])[0], rtol=1e-8, atol=1e-20)


def test_a_far_corner_does_not_cost_precision():
    # μ20 by subtraction of squares would lose all digits here.
    corner = np.zeros((4000, 4000), np.float32)
    corner[-3:, -3:] = [[1, 2, 1], [2, 4, 2], [1, 2, 1]]
    mass, spread = gazesim.Moments().features(corner[None]).values[0]
    assert mass == 16
    assert spread == pytest.approx((8 + 8) / 16**2, rel=1e-12)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_odd_but_good_pixels_count_for_what_they_are(rng, dtype):
    # A minus in front of a zero, sums beyond single precision, and pixels below its normal numbers.
    maps = rng.random((3, 21, 35)).astype(dtype)
    maps[0, 3:9] = -0.0
    maps[1] *= np.finfo(np.float32).max
    maps[2] *= 1e-42
    ours = gazesim.Moments().features(maps).values
    twins = [gaze_moments(one) for one in maps.astype(np.float64)]
    np.testing.assert_allclose(ours, twins, rtol=1e-11)
    np.testing.assert_allclose(gazesim.hu_moments(maps)[:, 0], ours[:, 1], rtol=1e-11)


def test_equal_maps_have_equal_moments_wherever_they_lie(rng):
    one = rng.random((19, 48)).astype(np.float32)
    for offset in range(0, 64, 4):
        buffer = np.zeros(one.nbytes + 64, np.uint8)
        moved = buffer[offset : offset + one.nbytes].view(np.float32).reshape(one.shape)
        moved[:] = one
        assert np.array_equal(
            gazesim.Moments().features([moved]).values, gazesim.Moments().features([one]).values
        )
        assert np.array_equal(gazesim.hu_moments([moved]), gazesim.hu_moments([one]))


def test_integer_maps_do_not_overflow():
    bright = np.full((1, 2000, 2000), 255, np.uint8)
    assert gazesim.Moments().features(bright).values[0, 0] == 255 * 2000 * 2000


@pytest.mark.parametrize("dtype", [bool, np.int16, np.uint16, np.int64, np.float16])
def test_any_dtype(rng, dtype):
    maps = (rng.random((3, 9, 9)) * 4).astype(dtype)
    np.testing.assert_array_equal(
        gazesim.affinity(maps, scheme="moments"), gazesim.affinity(maps.astype(float), scheme="moments")
    )


def test_maps_of_several_sizes_need_a_common_one(rng):
    maps = [rng.random((9, 9)), rng.random((12, 9))]
    with pytest.raises(ValueError, match=r"different sizes.*expected one size"):
        gazesim.affinity(maps, scheme="moments")
    together = gazesim.affinity(maps, scheme="moments", size=(8, 8))
    apart = gazesim.affinity(maps[:1], maps[1:], scheme="moments", size=(8, 8))
    assert together[0, 1] == apart[0, 0]


def test_extreme_features_are_finite_and_alike_to_themselves():
    """Such as no map has: a mass below the smallest that counts, and the largest and smallest spreads."""
    values = np.array([[1e-309, 1.0], [5.0, 1e300], [3.0, 1e-320], [0.0, 2.0], [5.0, np.finfo(float).max]])
    found = gazesim.Features(gazesim.Moments(), values, None).affinity()
    assert np.isfinite(found).all()
    assert np.array_equal(found, found.T)
    assert found.diagonal().tolist() == [0, 1, 1, 0, 1]
