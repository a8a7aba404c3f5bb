"""Rendering and resizing against scipy and OpenCV."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.ndimage import gaussian_filter

import gazesim
from gazesim import _core
from strategies import heatmap_sets, scanpaths


@given(scanpaths(), st.sampled_from([0.3, 1.0, 4.7, 30.0]), st.booleans())
def test_render_equals_scipy_and_the_twin(gaze, sigma_px, weighted):
    ours = gazesim.render_heatmap(gaze, size=(64, 48), sigma_px=sigma_px, weighted=weighted)
    counts = np.zeros((48, 64))
    for x, y, duration in gaze:
        if 0 <= x < 64 and 0 <= y < 48:
            counts[int(y), int(x)] += duration if weighted else 1
    theirs = gaussian_filter(counts, sigma_px, mode="constant", truncate=4)
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-12)
    twin = gazesim.reference.render_heatmap(gaze, size=(64, 48), sigma_px=sigma_px, weighted=weighted)
    np.testing.assert_allclose(ours, twin, rtol=0, atol=1e-12)


def test_render_several(rng):
    gazes = [rng.random((k, 3)) * (64, 48, 1) for k in range(5)]
    maps = gazesim.render_heatmap(gazes, size=(64, 48), sigma_px=3)
    assert maps.shape == (5, 48, 64)
    assert not maps[0].any()
    assert np.array_equal(maps[4], gazesim.render_heatmap(gazes[4], size=(64, 48), sigma_px=3))
    stacked = gazesim.Scanpaths.from_list(gazes)
    assert np.array_equal(maps, gazesim.render_heatmap(stacked, size=(64, 48), sigma_px=3, n_threads=3))


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"size": (0, 5), "sigma_px": 1}, r"size\[0\] is 0"),
        ({"size": (5.5, 5), "sigma_px": 1}, "whole numbers of pixels"),
        ({"size": (5, 5), "sigma_px": 0}, "sigma_px is 0; expected a finite number above 0"),
        ({"size": (5, 5), "sigma_px": float("nan")}, "sigma_px is nan"),
        ({"size": 5, "sigma_px": 1}, "expected 2 numbers"),
    ],
)
def test_bad_rendering_parameters(params, message):
    with pytest.raises((ValueError, TypeError), match=message):
        gazesim.render_heatmap([[1, 1, 1]], **params)


@given(heatmap_sets(), st.integers(1, 20), st.integers(1, 20), st.sampled_from(["area", "bilinear"]))
def test_resize_equals_the_twin(maps, height, width, interpolation):
    ours = _core.resize_heatmaps(maps, size=[height, width], interpolation=interpolation)
    for one, small in zip(maps, ours, strict=True):
        twin = gazesim.reference.resize(one, (width, height), interpolation)
        tolerance = 1 if one.dtype == np.uint8 and interpolation == "area" else 1e-9
        np.testing.assert_allclose(small, twin, rtol=0, atol=tolerance)


@pytest.mark.parametrize("interpolation", ["area", "bilinear"])
@pytest.mark.parametrize("dtype", [np.uint8, np.float32, np.float64])
def test_shrinking_equals_opencv(rng, interpolation, dtype):
    flag = {"area": cv2.INTER_AREA, "bilinear": cv2.INTER_LINEAR}[interpolation]
    for _ in range(60):
        height, width = rng.integers(1, 40, 2).tolist()
        shape = rng.integers([height, width], 150)
        image = (rng.random(shape) * 255).astype(dtype)
        theirs = cv2.resize(image, (width, height), interpolation=flag)
        ours = _core.resize_heatmaps(image[None], size=[height, width], interpolation=interpolation)[0]
        # OpenCV's area means of bytes are in single precision, so half grey levels may round up or down.
        tolerance = {"bilinear": 0, "area": 1}[interpolation] if dtype == np.uint8 else 1e-3
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=tolerance)
        assert (ours != theirs).mean() < 0.15 or dtype != np.uint8


def test_enlarging_equals_opencv_to_a_grey_level(rng):
    image = (rng.random((5, 7)) * 255).astype(np.uint8)
    ours = _core.resize_heatmaps(image[None], size=[32, 32], interpolation="bilinear")[0]
    np.testing.assert_allclose(ours, cv2.resize(image, (32, 32)), rtol=0, atol=1)
