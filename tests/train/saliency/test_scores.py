"""Saliency metrics: against their twins, SciPy, scikit-learn and values known by hand."""

from __future__ import annotations

import doctest
import importlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy.stats import pearsonr
from sklearn.metrics import roc_auc_score

from gazesim.reference import saliency as twin

metrics = pytest.importorskip("gazesim.train.saliency.scores")

maps = hnp.arrays(np.float64, (2, 5, 6), elements=st.integers(0, 6))


@given(maps, maps, hnp.arrays(bool, (2, 5, 6)))
def test_equal_to_the_twins(predicted, true, fixated):
    predicted[:, 0, 0], true[:, 0, 1] = 7, 9  # no constant maps
    fixated[:, 0, 2], fixated[:, 0, 3] = True, False
    for name in ("cc", "sim", "kl_divergence"):
        ours, expected = getattr(metrics, name)(predicted, true), getattr(twin, name)
        np.testing.assert_allclose(
            ours, [expected(*two) for two in zip(predicted, true, strict=True)], atol=1e-12
        )
    for name in ("nss", "auc_judd"):
        ours, expected = getattr(metrics, name)(predicted, fixated), getattr(twin, name)
        np.testing.assert_allclose(
            ours, [expected(*two) for two in zip(predicted, fixated, strict=True)], atol=1e-12
        )


def test_third_parties(rng):
    predicted, true = rng.random((3, 16, 16)), rng.random((3, 16, 16))
    expected = [pearsonr(p.ravel(), q.ravel()).statistic for p, q in zip(predicted, true, strict=True)]
    np.testing.assert_allclose(metrics.cc(predicted, true), expected)
    # Without ties between fixated and other pixels, thresholds at the fixated ones give the lower
    # sum of the same curve; with many fixations it nears the exact area.
    fixated = rng.random((3, 16, 16)) < 0.5
    areas = [roc_auc_score(at.ravel(), p.ravel()) for p, at in zip(predicted, fixated, strict=True)]
    np.testing.assert_allclose(metrics.auc_judd(predicted, fixated), areas, atol=0.01)


def test_by_hand():
    """Two pixels of four: p = (.4 .3 .2 .1), q = (.1 .2 .3 .4)."""
    p, q = np.array([[[4.0, 3.0], [2.0, 1.0]]]), np.array([[[1.0, 2.0], [3.0, 4.0]]])
    assert metrics.cc(p, q)[0] == pytest.approx(-1)
    assert metrics.sim(p, q)[0] == pytest.approx(0.1 + 0.2 + 0.2 + 0.1)
    expected = 0.1 * np.log(1 / 4) + 0.2 * np.log(2 / 3) + 0.3 * np.log(3 / 2) + 0.4 * np.log(4)
    assert metrics.kl_divergence(p, q)[0] == pytest.approx(expected)
    at = np.array([[[True, False], [False, False]]])
    assert metrics.nss(p, at)[0] == pytest.approx((4 - 2.5) / np.sqrt(1.25))
    assert metrics.auc_judd(p, at)[0] == 1.0
    # The lowest pixel is the only threshold, which everything reaches: the curve is the diagonal.
    assert metrics.auc_judd(q, at)[0] == 0.5


def test_a_map_agrees_with_itself(rng):
    one = rng.random((4, 8, 8))
    scores = metrics.saliency_scores(one, one, [np.array([[3.2, 5.9, 0.1], [99, -1, 0.1]])] * 4)
    assert set(scores) == {"CC", "KL", "SIM", "NSS", "AUC-Judd"}
    np.testing.assert_allclose(scores["CC"], 1)
    np.testing.assert_allclose(scores["KL"], 0, atol=1e-12)
    np.testing.assert_allclose(scores["SIM"], 1)
    standard = (one - one.mean((1, 2), keepdims=True)) / one.std((1, 2), keepdims=True)
    np.testing.assert_allclose(scores["NSS"], standard[:, 5, 3])


def test_undefined_scores_are_nan_without_a_warning():
    flat, other = np.ones((1, 4, 4)), np.eye(4)[None]
    assert np.isnan(metrics.cc(flat, other))
    assert np.isnan(metrics.nss(other, np.zeros((1, 4, 4), bool)))
    assert np.isnan(metrics.auc_judd(other, np.zeros((1, 4, 4), bool)))
    assert metrics.sim(flat * 0, other) == 0


def test_bad_shapes_are_named():
    with pytest.raises(ValueError, match=r"predicted has shape \(1, 4, 4\), true \(1, 4, 5\)"):
        metrics.saliency_scores(np.ones((1, 4, 4)), np.ones((1, 4, 5)))
    with pytest.raises(ValueError, match="scanpaths has 2 entries"):
        metrics.saliency_scores(np.ones((1, 4, 4)), np.ones((1, 4, 4)), [np.ones((1, 3))] * 2)


@pytest.mark.parametrize("name", ["gazesim.train.saliency.scores"])
def test_docstring_examples(name):
    assert doctest.testmod(importlib.import_module(name)).failed == 0
