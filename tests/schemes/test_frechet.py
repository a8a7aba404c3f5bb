"""Discrete Fréchet distance against traj-dist-rs and similaritymeasures, worked numbers."""

from __future__ import annotations

import numpy as np
import pytest
import similaritymeasures
import traj_dist_rs

import gazesim
from pairs_of_scanpaths import SCREEN, P, Q, all_blocks, by_pairs, only, random_block


@pytest.mark.parametrize("module", [gazesim, gazesim.reference], ids=["compiled", "twin"])
def test_worked_numbers(module):
    assert only(module.frechet_distance([P], [Q])) == pytest.approx(382.099463490856, abs=1e-9)
    affinity = module.affinity([P], [Q], scheme="frechet", screen_size=SCREEN)
    assert only(affinity) == pytest.approx(0.701484794148, abs=1e-7)


def test_traj_dist_on_random_and_real_pairs():
    for rows, cols, _ in all_blocks():
        a, b = ([gaze[:, :2].tolist() for gaze in some] for some in (rows, cols))
        theirs = by_pairs(lambda s, t: traj_dist_rs.discret_frechet(s, t, "euclidean").distance, a, b)
        np.testing.assert_allclose(gazesim.frechet_distance(rows, cols), theirs, rtol=0, atol=1e-9)


def test_similaritymeasures_on_random_pairs():
    rows, cols, _ = random_block(side=10)  # it is slow
    theirs = by_pairs(lambda s, t: similaritymeasures.frechet_dist(s[:, :2], t[:, :2]), rows, cols)
    np.testing.assert_allclose(gazesim.frechet_distance(rows, cols), theirs, rtol=0, atol=1e-9)


def test_order_matters():
    there, back = [[0, 0, 1], [100, 0, 1]], [[100, 0, 1], [0, 0, 1]]
    assert only(gazesim.frechet_distance([there], [back])) == 100
    assert only(gazesim.hausdorff_distance([there], [back])) == 0
