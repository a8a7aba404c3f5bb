"""Neighbours against the dense matrix."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse
from hypothesis import given
from hypothesis import strategies as st

import gazesim
from real_gaze_files import largest
from strategies import MEASURES, cases, examples, measure_cases, measures_on

pytestmark = [
    pytest.mark.filterwarnings("ignore::gazesim.InvalidGazeWarning"),
    pytest.mark.filterwarnings("ignore::gazesim.geometry.AssumedScreenWarning"),
]


def others(case):
    """Return the matrix with the diagonal emptied."""
    scheme, params, gazes = case
    matrix = gazesim.affinity(gazes, scheme=scheme, **params).copy()
    np.fill_diagonal(matrix, 0)
    return matrix


def nearest(matrix, top_k):
    """Return the positive entries of the ``top_k`` most similar columns, of equals the first ones."""
    kept = np.zeros_like(matrix)
    for row, (values, target) in enumerate(zip(matrix, kept, strict=True)):
        chosen = np.lexsort((np.arange(len(values)), -values))[:top_k]
        target[chosen] = matrix[row, chosen]
    return kept


@given(cases(), st.sampled_from([0.1, 0.5, 0.75, 1.0]), st.integers(1, 4))
@examples(60)
def test_neighbors_are_those_of_the_matrix(case, threshold, top_k):
    assert_nearest(case, threshold, top_k)


@given(measure_cases(), st.sampled_from([0.1, 0.5, 0.75, 1.0]), st.integers(1, 4))
@examples(120)
def test_neighbors_under_measures_are_those_of_the_matrix(case, threshold, top_k):
    assert_nearest(case, threshold, top_k)


def assert_nearest(case, threshold, top_k):
    scheme, params, gazes = case
    matrix = others(case)
    reached = np.where(matrix >= np.float32(threshold), matrix, 0)
    for rule, expected in [
        ({"threshold": threshold}, reached),
        ({"top_k": top_k}, nearest(matrix, top_k)),
        ({"threshold": threshold, "top_k": top_k}, nearest(reached, top_k)),
    ]:
        found = gazesim.neighbors(gazes, scheme=scheme, **rule, **params)
        assert isinstance(found, scipy.sparse.csr_array)
        assert found.dtype == np.float32
        assert (found.data > 0).all()
        assert np.array_equal(found.toarray(), expected)


@pytest.mark.parametrize("scheme", ["moments", "dhash", "multimatch", "tima", *MEASURES])
def test_many_gazes_with_ties_on_any_number_of_threads(scheme, rng):
    if scheme in ("moments", "dhash"):
        gazes, params = np.floor(rng.random((400, 9, 9)) * 3), {}
        gazes[50:80] = gazes[0]
    else:
        size = {"multimatch": {"screen_size": (8, 8)}, "tima": {"image_size": (8, 8), "sigma_px": 1}}
        params = {**size, **measures_on((8, 8))}[scheme]
        gazes = [rng.integers(0, 3, (rng.integers(2, 9), 3)) for _ in range(300)]
    matrix = others((scheme, params, gazes))
    threshold = float(np.quantile(matrix, 0.9))
    for threads in (1, 2, 5):
        found = gazesim.neighbors(gazes, scheme=scheme, top_k=7, n_threads=threads, **params)
        assert np.array_equal(found.toarray(), nearest(matrix, 7))
        found = gazesim.neighbors(gazes, scheme=scheme, threshold=threshold, n_threads=threads, **params)
        assert np.array_equal(found.toarray(), np.where(matrix >= np.float32(threshold), matrix, 0))
        assert np.array_equal(found.toarray(), found.toarray().T)


def test_nobody_has_no_neighbors():
    assert gazesim.neighbors([], scheme="moments", top_k=3).shape == (0, 0)
    assert gazesim.neighbors(np.ones((1, 3, 3)), scheme="moments", top_k=3).nnz == 0


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        ({}, "threshold and top_k are both missing"),
        ({"threshold": 0}, "threshold is 0; expected a finite number above 0"),
        ({"threshold": 1.5}, "at most 1"),
        ({"threshold": "0.5"}, "expected a number"),
        ({"top_k": 0}, "top_k is 0"),
        ({"top_k": 2.5}, "expected a whole number"),
    ],
)
def test_bad_rules(rule, message):
    with pytest.raises((ValueError, TypeError), match=message):
        gazesim.neighbors(np.ones((2, 3, 3)), scheme="moments", **rule)


@pytest.mark.parametrize("scheme", ["multimatch", "moments", "dhash", "tima", *MEASURES])
@pytest.mark.parametrize("rule", [{"top_k": 3}, {"threshold": 0.75}, {"threshold": 0.6, "top_k": 5}], ids=str)
def test_neighbors_equal_the_twin(scheme, rule, rng):
    """Every gaze is there three times, so that ties decide who is among the nearest."""
    if scheme in ("moments", "dhash"):
        gazes, params = list(rng.random((10, 9, 9)) ** 4), {}
    else:
        spots = rng.uniform(2, 14, (10, 3, 2))
        gazes = [np.c_[np.repeat(some, 3, axis=0) + rng.normal(0, 0.5, (9, 2)), np.ones(9)] for some in spots]
        size = {"multimatch": {"screen_size": (16, 16)}, "tima": {"image_size": (16, 16), "sigma_px": 1}}
        params = {**size, **measures_on((16, 16))}[scheme]
    gazes = [gazes[k] for k in rng.permutation(np.repeat(np.arange(10), 3))]
    found = gazesim.neighbors(gazes, scheme=scheme, **rule, **params)
    expected = gazesim.reference.neighbors(gazes, scheme=scheme, **rule, **params)
    assert np.array_equal(found.indptr, expected.indptr)
    assert np.array_equal(found.indices, expected.indices)
    np.testing.assert_allclose(found.data, expected.data, rtol=0, atol=1e-6)


@pytest.mark.parametrize("scheme", ["frechet", "hausdorff", "string_edit", "scanmatch", "scasim", "dtw"])
@pytest.mark.parametrize("seed", [0, 1])
def test_what_bounds_rule_out_is_no_neighbor_on_real_scanpaths(scheme, seed):
    """Exact search compares few of the pairs of real scanpaths; what it finds is what the matrix has."""
    paths = gazesim.read_scanpaths(largest("osie"), verbose=False)
    count = min(len(paths), 700)
    chosen = paths[
        [paths.ids[k] for k in np.random.default_rng(seed).choice(len(paths), count, replace=False)]
    ]
    geometry = gazesim.ScreenGeometry(chosen.screen_size, (34, 25.5), 60)
    params = {"scasim": {"geometry": geometry}, "string_edit": {"kind": ["levenshtein", "lcs"][seed]}}.get(
        scheme, {}
    )
    matrix = others((scheme, params, chosen))
    threshold = float(np.quantile(matrix, 0.97))
    for rule, expected in [
        ({"top_k": 5}, nearest(matrix, 5)),
        ({"threshold": threshold}, np.where(matrix >= np.float32(threshold), matrix, 0)),
    ]:
        found = gazesim.neighbors(chosen, scheme=scheme, **rule, **params)
        assert np.array_equal(found.toarray(), expected)
