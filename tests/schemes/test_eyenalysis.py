"""Eyenalysis against SciPy's cdist on random and real pairs, worked numbers."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.distance import cdist

import gazesim
from pairs_of_scanpaths import SCREEN, P, Q, all_blocks, by_pairs, only


@pytest.mark.parametrize("module", [gazesim, gazesim.reference], ids=["compiled", "twin"])
def test_worked_numbers(module):
    assert only(module.eyenalysis([P], [Q])) == pytest.approx(114.983837997321, abs=1e-9)
    assert only(module.eyenalysis([P], [Q], squared=True)) == pytest.approx(30200, abs=1e-9)
    assert only(module.eyenalysis([P], [Q], denominator="sum")) == pytest.approx(63.879909998512, abs=1e-9)
    affinity = module.affinity([P], [Q], scheme="eyenalysis", screen_size=SCREEN)
    assert only(affinity) == pytest.approx(1 - 63.879909998512 / 1280, abs=1e-7)


@pytest.mark.parametrize("duration_px_per_s", [0.0, 300.0])
@pytest.mark.parametrize("metric", ["euclidean", "sqeuclidean"])
def test_cdist_on_random_and_real_pairs(duration_px_per_s, metric):
    for rows, cols, _ in all_blocks():

        def oracle(a, b):
            far = cdist(a * (1, 1, duration_px_per_s), b * (1, 1, duration_px_per_s), metric)
            return (far.min(1).sum() + far.min(0).sum()) / max(far.shape)

        ours = gazesim.eyenalysis(
            rows, cols, duration_px_per_s=duration_px_per_s, squared=metric == "sqeuclidean"
        )
        np.testing.assert_allclose(ours, by_pairs(oracle, rows, cols), rtol=1e-12, atol=1e-9)
