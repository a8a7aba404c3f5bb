"""Mannan distance against SciPy's cdist on random and real pairs, worked numbers."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.distance import cdist

import gazesim
from pairs_of_scanpaths import SCREEN, P, Q, all_blocks, by_pairs, only


@pytest.mark.parametrize("module", [gazesim, gazesim.reference], ids=["compiled", "twin"])
def test_worked_numbers(module):
    distance = only(module.mannan_distance([P], [Q], screen_size=SCREEN))
    assert distance == pytest.approx(0.096200080906, abs=1e-9)
    assert distance**2 == pytest.approx(0.009254455566, abs=1e-9)
    affinity = module.affinity([P], [Q], scheme="mannan", screen_size=SCREEN)
    assert only(affinity) == pytest.approx(1 - distance, abs=1e-7)


def test_cdist_on_random_and_real_pairs():
    for rows, cols, size in all_blocks():

        def oracle(a, b, size=size):
            squares = cdist(a[:, :2], b[:, :2], "sqeuclidean")
            both = squares.min(1).mean() + squares.min(0).mean()
            return np.sqrt(both / 2) / np.hypot(*size)

        theirs = by_pairs(oracle, rows, cols)
        ours = gazesim.mannan_distance(rows, cols, screen_size=size)
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-9)


def test_opposite_corners_are_at_distance_one():
    assert only(gazesim.mannan_distance([[[0, 0, 1]]], [[[40, 30, 1]] * 3], screen_size=(40, 30))) == 1
