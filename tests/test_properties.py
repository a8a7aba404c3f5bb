"""All schemes and options: the compiled code against its twin, and what holds whatever the input."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import gazesim
from gazesim.reference import tima
from strategies import (
    MEASURES,
    SCREEN,
    cases,
    examples,
    groupings,
    measure_cases,
    measures_on,
    multimatch_params,
    scanpath_sets,
)

pytestmark = pytest.mark.filterwarnings("ignore::gazesim.InvalidGazeWarning")


def affinity(case, *args, **kwargs):
    scheme, params, gazes = case
    return gazesim.affinity(*(args or (gazes,)), scheme=scheme, **params, **kwargs)


@given(cases())
@examples(120)
def test_affinity_equals_the_twin(case):
    scheme, params, gazes = case
    twin = (
        tima_twin(params, gazes)
        if scheme == "tima"
        else gazesim.reference.affinity(gazes, scheme=scheme, **params)
    )
    np.testing.assert_allclose(affinity(case), twin, rtol=0, atol=2e-7)


def tima_twin(params, gazes):
    """Compare the features with the twin's, then return the twin's affinities of the compiled features.

    Clusters at one place make paths of equal cost. Which of them is taken depends on the last bit of the
    features, and NumPy sums a map in another order.
    """
    features = gazesim.TIMA(**params).features(gazes)
    sequences = np.split(features.values, features.offsets[1:-1])
    options = {name: params[name] for name in ("image_size", "eps", "min_samples", "sigma_px")}
    for gaze, sequence in zip(gazes, sequences, strict=True):
        np.testing.assert_allclose(sequence, tima.cluster_moments(gaze, **options), rtol=1e-9, atol=1e-12)
    pairs = [[tima.compare(a, b, params["weight_mass"]) for b in sequences] for a in sequences]
    return np.clip(np.array(pairs), 0, 1)


@given(measure_cases())
@examples(200)
def test_measures_equal_their_twins(case):
    scheme, params, gazes = case
    twin = gazesim.reference.affinity(gazes, scheme=scheme, **params)
    np.testing.assert_allclose(affinity(case), twin, rtol=0, atol=2e-7)


@given(scanpath_sets(), multimatch_params)
@examples(100)
def test_multimatch_equals_the_twin(gazes, params):
    twin = gazesim.reference.multimatch(gazes, **params)
    np.testing.assert_allclose(gazesim.multimatch(gazes, **params), twin, rtol=0, atol=1e-9)


@given(cases())
@examples(100)
def test_symmetric_in_range_with_unit_diagonal(case):
    assert_symmetric_in_range(case)


@given(measure_cases())
@examples(200)
def test_measures_are_symmetric_and_in_range(case):
    assert_symmetric_in_range(case)


def assert_symmetric_in_range(case):
    scheme, params, gazes = case
    matrix = affinity(case)
    assert matrix.dtype == np.float32
    assert np.array_equal(matrix, matrix.T)
    assert matrix.min() >= 0
    assert matrix.max() <= 1
    valid = gazesim.schemes.scheme_from(scheme, params).features(gazes).valid
    if scheme == "recurrence":  # how often a scanpath returns to its own places
        assert np.array_equal(np.diag(matrix) > 0, valid)
    else:
        assert np.array_equal(np.diag(matrix), valid.astype(np.float32))
    assert not matrix[~valid].any()


@given(cases(), st.randoms(use_true_random=False))
@examples(100)
def test_permutation_and_blocks(case, random):
    assert_blocks_equal_the_whole(case, random)


@given(measure_cases(), st.randoms(use_true_random=False))
@examples(200)
def test_permutation_and_blocks_of_measures(case, random):
    assert_blocks_equal_the_whole(case, random)


def assert_blocks_equal_the_whole(case, random):
    scheme, params, gazes = case
    matrix = affinity(case)
    order = list(range(len(gazes)))
    random.shuffle(order)
    permuted = affinity(case, [gazes[i] for i in order])
    assert np.array_equal(permuted, matrix[np.ix_(order, order)])

    rows, cols = order[: len(order) // 2 + 1], order[-2:]
    block = affinity(case, [gazes[i] for i in rows], [gazes[i] for i in cols])
    assert np.array_equal(block, matrix[np.ix_(rows, cols)])
    features = gazesim.schemes.scheme_from(scheme, params).features(gazes)
    assert np.array_equal(features[rows].affinity(), matrix[np.ix_(rows, rows)])
    assert np.array_equal(features[rows].affinity(features[cols]), matrix[np.ix_(rows, cols)])
    assert np.array_equal(features.block(rows, cols), matrix[np.ix_(rows, cols)])


@given(scanpath_sets(), groupings, st.tuples(st.integers(-40, 40), st.integers(-40, 40)))
def test_shape_length_and_direction_ignore_translation(gazes, grouping, shift):
    # A power of two as the grid keeps the differences of coordinates exact under a shift.
    gazes = [np.column_stack([np.round(gaze[:, :2] * 64) / 64, gaze[:, 2]]) for gaze in gazes]
    moved = [gaze + np.array([*shift, 0]) for gaze in gazes]
    before = gazesim.multimatch(gazes, screen_size=SCREEN, grouping=grouping)
    after = gazesim.multimatch(moved, screen_size=SCREEN, grouping=grouping)
    np.testing.assert_array_equal(before[..., [0, 1, 2, 4]], after[..., [0, 1, 2, 4]])


@pytest.mark.parametrize("scheme", ["multimatch", "moments", "dhash", "tima", *MEASURES])
def test_serial_equals_parallel(scheme, rng):
    count = 700 if scheme in ("moments", "dhash") else 150
    if scheme not in ("moments", "dhash"):
        gazes = [rng.random((rng.integers(0, 30), 3)) * (*SCREEN, 1) for _ in range(count)]
        params = {
            "multimatch": {"screen_size": SCREEN},
            "tima": {"image_size": (64, 48), "sigma_px": 3},
            **measures_on(SCREEN),
        }[scheme]
    else:
        gazes, params = rng.random((count, 12, 12)) ** 4, {}
    serial = gazesim.affinity(gazes, scheme=scheme, n_threads=1, **params)
    for threads in (2, 3, 8):
        assert np.array_equal(serial, gazesim.affinity(gazes, scheme=scheme, n_threads=threads, **params))
    half = gazesim.affinity(gazes[:77], gazes, scheme=scheme, n_threads=3, **params)
    assert np.array_equal(serial[:77], half)


def test_twins_exist_for_the_public_functions():
    raw = [name for name in gazesim.measures.__all__ if name.islower()]
    for name in ("affinity", "multimatch", "hu_moments", "dhash", "render_heatmap", *raw):
        assert callable(getattr(gazesim.reference, name))
        assert callable(getattr(gazesim, name))


def test_no_warning_for_valid_gazes(rng):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        gazesim.affinity(rng.random((4, 8, 8)), scheme="moments")
