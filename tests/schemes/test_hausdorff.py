"""Hausdorff distance against SciPy on random and real pairs, worked numbers."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.distance import directed_hausdorff

import gazesim
from pairs_of_scanpaths import SCREEN, P, Q, all_blocks, by_pairs, only


@pytest.mark.parametrize("module", [gazesim, gazesim.reference], ids=["compiled", "twin"])
def test_worked_numbers(module):
    assert only(module.hausdorff_distance([P], [Q])) == pytest.approx(382.099463490856, abs=1e-9)
    affinity = module.affinity([P], [Q], scheme="hausdorff", screen_size=SCREEN)
    assert only(affinity) == pytest.approx(0.701484794148, abs=1e-7)


def scipys(a, b):
    return max(directed_hausdorff(a[:, :2], b[:, :2])[0], directed_hausdorff(b[:, :2], a[:, :2])[0])


def test_scipy_on_random_and_real_pairs():
    for rows, cols, _ in all_blocks():
        theirs = by_pairs(scipys, rows, cols)
        np.testing.assert_allclose(gazesim.hausdorff_distance(rows, cols), theirs, rtol=0, atol=1e-9)


def test_gaze_outside_of_the_screen_is_clipped_to_zero_affinity():
    near, far = [[1, 1, 0.1]], [[5000, 5000, 0.1]]
    for scheme in ("dtw", "frechet", "hausdorff", "mannan", "eyenalysis"):
        assert only(gazesim.affinity([near], [far], scheme=scheme, screen_size=(10, 10))) == 0
