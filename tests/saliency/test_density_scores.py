"""CC, KL and SIM: against their twins, SciPy, pysaliency's conventions and values known by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy.stats import entropy, pearsonr

from gazesim import saliency
from gazesim.reference import saliency as twin

maps = hnp.arrays(np.float64, (2, 5, 6), elements=st.integers(0, 6))


@given(maps, maps)
def test_equal_to_the_twins(predicted, true):
    predicted[:, 0, 0], true[:, 0, 1] = 7, 9  # no constant maps
    for name, other in (("cc", "cc"), ("sim", "sim"), ("kl", "kl_divergence")):
        expected = [getattr(twin, other)(*two) for two in zip(predicted, true, strict=True)]
        np.testing.assert_allclose(getattr(saliency, name)(predicted, true), expected, atol=1e-12)


def test_scipy_agrees(rng):
    predicted, true = rng.random((3, 16, 16)) + 0.1, rng.random((3, 16, 16)) + 0.1
    correlations = [pearsonr(p.ravel(), q.ravel()).statistic for p, q in zip(predicted, true, strict=True)]
    np.testing.assert_allclose(saliency.cc(predicted, true), correlations, atol=1e-12)
    divergences = [entropy(q.ravel(), p.ravel()) for p, q in zip(predicted, true, strict=True)]
    np.testing.assert_allclose(saliency.kl(predicted, true), divergences, atol=1e-12)


def test_by_hand():
    """Two pixels of four: p = (.4 .3 .2 .1), q = (.1 .2 .3 .4)."""
    p, q = [[4, 3], [2, 1]], [[1, 2], [3, 4]]
    assert saliency.cc(p, q) == pytest.approx(-1)
    assert saliency.sim(p, q) == pytest.approx(0.6)
    expected = 0.1 * np.log(1 / 4) + 0.2 * np.log(2 / 3) + 0.3 * np.log(3 / 2) + 0.4 * np.log(4)
    assert saliency.kl(p, q) == pytest.approx(expected)


def test_a_constant_prediction_scores_as_in_pysaliency_or_nan():
    flat, other = np.full((4, 4), 0.1), np.eye(4)
    assert saliency.cc(flat, other) == 0
    assert np.isnan(saliency.cc(flat, other, constant_map="nan"))
    assert np.isnan(saliency.cc(other, flat))
    assert np.isnan(saliency.cc(flat, flat))


def test_an_empty_map_is_uniform_as_in_pysaliency_or_zero():
    empty, other = np.zeros((4, 4)), np.eye(4)
    assert saliency.sim(empty, other) == pytest.approx(4 / 16)
    assert saliency.sim(empty, other, empty_map="zeros") == 0
    assert saliency.kl(empty, other) == pytest.approx(np.log(4))
    assert saliency.kl(empty, other, empty_map="zeros") == pytest.approx(-np.log(4 * np.finfo(float).eps))


def test_negative_maps_are_moved_up_as_in_pysaliency(rng):
    logits, true = rng.normal(size=(5, 5)), rng.random((5, 5))
    moved = logits - logits.min()
    assert saliency.sim(logits, true) == saliency.sim(moved, true)
    assert saliency.kl(logits, true) == saliency.kl(moved, true)


def test_maps_of_different_sizes_and_types(rng):
    predicted = [rng.integers(0, 255, (4, 6), dtype=np.uint8), rng.random((3, 2)).astype(np.float32)]
    true = [rng.random((4, 6)), rng.random((3, 2))]
    expected = [saliency.cc(p, q) for p, q in zip(predicted, true, strict=True)]
    np.testing.assert_array_equal(saliency.cc(predicted, true), expected)


def test_no_maps_give_no_scores():
    assert saliency.cc(np.empty((0, 4, 4)), []).shape == (0,)


@pytest.mark.parametrize(
    ("predicted", "true", "message"),
    [
        (np.ones((4, 4)), np.ones((1, 4, 4)), "predicted is one map, true 1 maps"),
        (np.ones((2, 4, 4)), np.ones((3, 4, 4)), "true has 3 entries; expected one for each of the 2 maps"),
        (np.ones((2, 4, 4)), np.ones((2, 4, 5)), r"shape \(4, 4\) and true one of shape \(4, 5\)"),
        ([[1, np.nan]], [[1, 2]], "predicted: row 0, column 1 is nan; expected a finite number"),
        ([np.ones((1, 2))], [[[1, np.inf]]], r"true\[0\]: row 0, column 1 is inf"),
        ("map.png", [[1]], "predicted is 'map.png'; expected"),
        (np.ones(4), np.ones(4), r"predicted has shape \(4,\)"),
        (np.ones((0, 4)), np.ones((0, 4)), "at least one pixel"),
        ([["a"]], [[1]], "predicted has dtype"),
    ],
)
def test_bad_maps_are_named(predicted, true, message):
    with pytest.raises((ValueError, TypeError), match=message):
        saliency.cc(predicted, true)


@pytest.mark.parametrize(
    ("measure", "option"),
    [("cc", {"constant_map": "none"}), ("sim", {"empty_map": 0}), ("kl", {"epsilon": 0.0})],
)
def test_bad_options_are_named(measure, option):
    with pytest.raises((ValueError, TypeError), match=next(iter(option))):
        getattr(saliency, measure)([[1, 2]], [[1, 2]], **option)


@pytest.mark.parametrize("factor", [2.0**-530, 2.0**-300, 2.0**300, 2.0**530])
def test_correlation_and_nss_do_not_depend_on_the_scale(rng, factor):
    predicted, true = rng.random((2, 8, 9))
    fixations = [[2.5, 3.5, 0.2], [7.5, 1.5, 0.4]]
    assert saliency.cc(predicted * factor, true / factor) == saliency.cc(predicted, true)
    assert saliency.nss(predicted * factor, fixations) == saliency.nss(predicted, fixations)
