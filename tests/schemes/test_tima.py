"""TIMA against scikit-learn, dtaidistance, exhaustive search and golden numbers."""

from __future__ import annotations

import importlib
import subprocess
import sys

import numpy as np
import pytest
from dtaidistance import dtw
from hypothesis import given
from hypothesis import strategies as st
from sklearn.cluster import DBSCAN

import gazesim
from gazesim import _core
from gazesim.schemes.features import Features
from schemes.test_multimatch import all_paths

# By name: a module of gazesim.reference can be hidden by a function.
twin = importlib.import_module("gazesim.reference.tima")


def golden_gaze(s):
    length = [90, 75, 60][s]
    t = np.arange(length)
    c = (t * [3, 4, 2][s]) // length
    x = np.array([150, 520, 330, 640])[c] + 20 * s + (17 * t) % 31
    y = np.array([120, 200, 430, 380])[c] + 15 * s + (11 * t + 5 * s) % 27
    return np.column_stack([x, y, np.ones(length)]).astype(float)


def labels_of(gaze, width, height, eps=0.2, divisor=10):
    count = len(gaze)
    points = np.column_stack([gaze[:, 0] / width, gaze[:, 1] / height, np.arange(count) / count])
    return _core.dbscan_labels(points, eps=eps, min_samples=count // divisor + 1)


def sequences(rows, offsets, weight_mass=0.7):
    """Features straight from moments: the time warping alone."""
    scheme = gazesim.TIMA(image_size=(8, 8), weight_mass=weight_mass)
    return Features(scheme, np.asarray(rows, float), np.asarray(offsets, np.int64))


def test_golden_labels(golden):
    for s, expected in enumerate(golden["tima"]["labels"]):
        assert labels_of(golden_gaze(s), 800, 600) == expected


def test_golden_noise(golden):
    case = golden["tima"]["noise_case"]
    t = np.arange(80)
    c = (2 * t) // 80
    x = np.array([100, 600])[c] + (13 * t) % 41
    y = np.array([100, 400])[c] + (7 * t) % 37
    far = t % 16 == 15
    x, y = np.where(far, (x + 350) % 800, x), np.where(far, (y + 250) % 600, y)
    gaze = np.column_stack([x, y, np.ones(80)]).astype(float)
    assert labels_of(gaze, 600, 800) == case["labels_core_div10"]  # swapped, as in the released code
    assert labels_of(gaze, 600, 800, divisor=20) == case["labels_div20"]
    assert labels_of(gaze, 800, 600) == case["labels_if_x_by_W"]
    sizes = np.bincount([label for label in case["labels_core_div10"] if label >= 0])
    assert sizes.tolist() == case["sizes_core"]


def test_golden_time_warping(golden):
    rows = [
        [1000 + 150 * k * (s + 1) - 7 * k**2, 0.002 + 0.0007 * ((k * (s + 2)) % 5)]
        for s, length in enumerate([4, 3, 6])
        for k in range(length)
    ]
    affinity = sequences(rows, [0, 4, 7, 13]).affinity()
    for pair, expected in golden["tima"]["explicit"]["sim"].items():
        i, j = map(int, pair)
        assert affinity[i, j] == np.float32(expected["sim"])
        a, b = (np.array(rows)[start:end] for start, end in [[(0, 4), (4, 7)][k] for k in (i, j)])
        mass, spread = (twin.relative_difference(a[:, None, k], b[None, :, k]) for k in range(2))
        cost = 0.7 * mass + 0.3 * spread
        np.testing.assert_allclose(cost, expected["cost"], rtol=0, atol=1e-12)
        distance, cells = twin.dtw(cost)
        assert distance == pytest.approx(expected["d"], abs=1e-12)
        assert cells == expected["plen"]


def test_golden_pipeline(golden):
    # The golden maps are 8-bit and drawn with a standard deviation of 10 pixels.
    scheme = gazesim.TIMA(image_size=(800, 600), sigma_px=10)
    features = scheme.features([golden_gaze(0), golden_gaze(1)])
    expected = golden["tima"]["features[0]"]
    np.testing.assert_allclose(features.values[:3, 0] * 255, [c["mu"] for c in expected], rtol=1e-2)
    np.testing.assert_allclose(features.values[:3, 1] / 255, [c["hu"] for c in expected], rtol=2e-2)
    assert features.affinity()[0, 1] == pytest.approx(golden["tima"]["sim"]["01"]["sim"], abs=1e-2)


@given(st.integers(0, 2**32), st.sampled_from([0.05, 0.15, 0.3]), st.integers(1, 9))
def test_labels_equal_scikit_learn(seed, eps, min_samples):
    points = np.random.default_rng(seed).random((60, 3)) * [1, 1, 0.3]
    expected = DBSCAN(eps=eps, min_samples=min_samples).fit(points).labels_
    assert _core.dbscan_labels(points, eps=eps, min_samples=min_samples) == expected.tolist()
    np.testing.assert_array_equal(
        gazesim.reference.dbscan_labels(points, eps=eps, min_samples=min_samples), expected
    )


@pytest.mark.parametrize("length", range(10, 80))
def test_a_cluster_has_more_than_a_tenth_of_the_points(length):
    """⌊L / 10⌋ + 1 samples at one place are a cluster, one sample fewer is noise."""
    needed = length // 10 + 1
    scheme = gazesim.TIMA(image_size=(100, 100), eps=(needed - 0.5) / length)
    for run, clusters in [(needed, 1), (needed - 1, 0)]:
        k = np.arange(length)
        places = np.column_stack([k % 3, k // 3 % 3]) * 40.0  # nine places in turn: each sample is alone
        places[:run] = 60.0
        features = scheme.features([np.column_stack([places, np.ones(length)])])
        assert len(features.values) == clusters


def test_time_warping_equals_dtaidistance(rng):
    for _ in range(30):
        a, b = rng.random(rng.integers(1, 12)), rng.random(rng.integers(1, 12))
        distance, _ = twin.dtw(np.abs(a[:, None] - b[None]))
        assert distance == pytest.approx(dtw.distance(a, b, inner_dist="euclidean"), abs=1e-12)


def test_time_warping_equals_exhaustive_search(rng):
    for _ in range(40):
        lengths = rng.integers(1, 6, 2)
        rows = rng.random((lengths.sum(), 2)) + 0.1
        a, b = rows[: lengths[0]], rows[lengths[0] :]
        mass, spread = (twin.relative_difference(a[:, None, k], b[None, :, k]) for k in range(2))
        cost = 0.7 * mass + 0.3 * spread
        distance, cells = min((sum(cost[c] for c in path), len(path)) for path in all_paths(*cost.shape))
        affinity = sequences(rows, [0, lengths[0], lengths.sum()]).affinity()[0, 1]
        assert affinity == pytest.approx(1 - distance / cells, abs=1e-7)


def test_gaze_outside_of_the_image_is_invalid():
    outside = [[500, 500, 0.1]] * 12
    features = gazesim.TIMA(image_size=(64, 48)).features([outside, [[5, 5, 0.1]] * 12])
    assert features.valid.tolist() == [False, True]


def test_axes_are_not_swapped():
    # 30 of 64 pixels apart in x is more than eps; 10 of 48 in y is less.
    gaze = [[1, 1, 0.1]] * 10 + [[1, 8, 0.1]] * 10 + [[60, 8, 0.1]] * 10
    assert labels_of(np.array(gaze, float), 64, 48, eps=0.45) == [0] * 20 + [1] * 10


def test_a_cluster_that_the_small_map_misses_is_dropped():
    # Of 320 px, those numbered 10k + 4 and 10k + 5 are looked at; a narrow Gaussian at 10k + 9 is not.
    def gaze(lost, wide):
        grid = np.c_[np.arange(9) % 3, np.arange(9) // 3]
        spots = [np.full((9, 2), 10 * k + 9.5) for k in lost] + [10 * (k + grid) + 4.5 for k in wide]
        return np.c_[np.concatenate(spots), np.ones(9 * len(spots))]

    gazes = [gaze([3, 20], []), gaze([28, 9], []), gaze([2, 25], [12]), gaze([14], [3, 25])]
    params = {"image_size": (320, 320), "sigma_px": 0.2}
    features = gazesim.TIMA(**params).features(gazes)
    assert np.diff(features.offsets).tolist() == [0, 0, 1, 2]
    ours = gazesim.affinity(gazes, scheme="tima", errors="ignore", **params)
    np.testing.assert_allclose(ours, gazesim.reference.affinity(gazes, scheme="tima", **params), atol=1e-6)
    assert ours[0, 1] == 0


def test_long_clustering_hears_of_interrupts():
    code = """
import signal, threading
import numpy as np, gazesim
signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored where tests run in the background
gaze = np.random.default_rng(0).random((300_000, 3)) * (800, 600, 1)
timer = threading.Timer(2.0, signal.raise_signal, [signal.SIGINT])
timer.start()
try:
    gazesim.TIMA(image_size=(800, 600)).features([gaze], n_threads=1)
except KeyboardInterrupt:
    print("interrupted")
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.stdout == "interrupted\n", done.stderr  # the whole call would take several minutes
