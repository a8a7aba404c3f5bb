"""DTW against traj-dist-rs and similaritymeasures on random and real pairs, worked numbers, ties."""

from __future__ import annotations

import numpy as np
import pytest
import similaritymeasures
import traj_dist_rs

import gazesim
from pairs_of_scanpaths import SCREEN, P, Q, all_blocks, by_pairs, only, random_block


def test_worked_numbers():
    cost, cells = gazesim.dtw_distance([P], [Q])
    assert only(cost) == pytest.approx(478.509326738731, abs=1e-9)
    assert only(cells) == 5
    assert only(gazesim.reference.dtw_distance([P], [Q])) == pytest.approx(478.509326738731, abs=1e-9)
    affinity = gazesim.affinity([P], [Q], scheme="dtw", screen_size=SCREEN)
    assert only(affinity) == pytest.approx(1 - 478.509326738731 / 5 / 1280, abs=1e-7)


def test_traj_dist_on_random_and_real_pairs():
    for rows, cols, _ in all_blocks():
        a, b = ([gaze[:, :2].tolist() for gaze in some] for some in (rows, cols))
        theirs = by_pairs(lambda s, t: traj_dist_rs.dtw(s, t, "euclidean").distance, a, b)
        np.testing.assert_allclose(gazesim.dtw_distance(rows, cols).cost, theirs, rtol=0, atol=1e-9)


def test_similaritymeasures_on_random_pairs():
    rows, cols, _ = random_block(side=10)  # it is slow
    theirs = by_pairs(lambda s, t: similaritymeasures.dtw(s[:, :2], t[:, :2])[0], rows, cols)
    np.testing.assert_allclose(gazesim.dtw_distance(rows, cols).cost, theirs, rtol=0, atol=1e-9)


def test_of_equally_cheap_paths_the_shortest_counts_in_both_directions():
    still, other = [[5, 5, 0.1]] * 3, [[5, 5, 0.1]] * 7
    for a, b in ((still, other), (other, still)):
        assert only(gazesim.dtw_distance([a], [b]).path_length) == 7
    # Diagonal, or around the corner for the same sum: two cells rather than three.
    a, b = [[0, 0, 1], [0, 3, 1]], [[0, 0, 1], [0, 3, 1]]
    assert only(gazesim.dtw_distance([a], [b]).path_length) == 2


def test_one_fixation_is_compared_with_all():
    cost, cells = gazesim.dtw_distance([P[:1]], [Q])
    assert only(cost) == pytest.approx(np.hypot(*(Q[:, :2] - P[0, :2]).T).sum())
    assert only(cells) == 4
