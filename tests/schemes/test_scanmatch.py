"""ScanMatch against Biopython on random and real pairs, worked numbers, rounding, borders."""

from __future__ import annotations

import numpy as np
import pytest
from Bio.Align import PairwiseAligner
from Bio.Align.substitution_matrices import Array

import gazesim
from pairs_of_scanpaths import SCREEN, P, Q, all_blocks, by_pairs, cells_of, only

WORKED = [
    (0, 0, 0.742857142857),
    (0, 0.05, 0.467032967033),
    (0, 0.1, 0.494505494505),
    (-0.5, 0, 0.714285714286),
    (-0.5, 0.05, 0.379427077418),
    (-0.5, 0.1, 0.418194814176),
    (-1, 0.05, 0.318987516978),
]


@pytest.mark.parametrize("module", [gazesim, gazesim.reference], ids=["compiled", "twin"])
@pytest.mark.parametrize(("gap", "temporal_bin_s", "expected"), WORKED)
def test_worked_numbers(module, gap, temporal_bin_s, expected):
    params = {"gap": gap, "temporal_bin_s": temporal_bin_s, "rounding": "half_even", "screen_size": SCREEN}
    assert only(module.scanmatch([P], [Q], **params)) == pytest.approx(expected, abs=1e-9)
    assert only(module.scanmatch([Q], [P], **params)) == pytest.approx(expected, abs=1e-9)


def test_a_negative_gap_can_lead_below_zero_and_the_affinity_is_clipped():
    near, far = [[1, 1, 0.1]], [[1023, 767, 0.1]] * 4
    params = {"screen_size": SCREEN, "gap": -5.0}
    assert only(gazesim.scanmatch([near], [far], **params)) < -1
    assert only(gazesim.affinity([near], [far], scheme="scanmatch", **params)) == 0


def aligner(grid, threshold, gap):
    cells = np.array([(x, y) for y in range(grid[1]) for x in range(grid[0])], float)
    alike = threshold - np.sqrt(((cells[:, None] - cells[None]) ** 2).sum(-1))
    alphabet = tuple(range(len(cells)))
    made = PairwiseAligner()
    made.mode = "global"
    made.substitution_matrix = Array(alphabet=alphabet, dims=2, data=alike)
    made.gap_score = gap
    return made


@pytest.mark.parametrize("gap", [0.0, -0.5])
@pytest.mark.parametrize("temporal_bin_s", [0.0, 0.1])
def test_biopython_on_random_and_real_pairs(gap, temporal_bin_s):
    biopython = aligner((12, 8), 3.5, gap)

    def codes(gaze, size):
        cells = cells_of(gaze, size, (12, 8)).astype(np.int32)
        if temporal_bin_s:
            cells = cells.repeat(np.floor(np.round(gaze[:, 2] / temporal_bin_s, 9) + 0.5).astype(int))
        return cells

    for rows, cols, size in all_blocks():
        ours = gazesim.scanmatch(rows, cols, screen_size=size, gap=gap, temporal_bin_s=temporal_bin_s)
        a, b = ([codes(gaze, size) for gaze in gazes] for gazes in (rows, cols))
        theirs = by_pairs(
            lambda s, t: biopython.score(s, t) / (3.5 * max(len(s), len(t))) if len(s) and len(t) else np.nan,
            a,
            b,
        )
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-9)


@pytest.mark.parametrize(("rounding", "bins"), [("half_away", 3), ("half_even", 2), ("down", 2)])
def test_rounding_of_half_a_bin(rounding, bins):
    gaze = [[1, 1, 0.25]]
    params = {"screen_size": (10, 10), "temporal_bin_s": 0.1, "rounding": rounding}
    assert len(gazesim.ScanMatch(**params).features([gaze]).values) == bins


def test_fixations_shorter_than_half_a_bin_vanish():
    params = {"screen_size": (10, 10), "temporal_bin_s": 0.1}
    features = gazesim.ScanMatch(**params).features([[[1, 1, 0.04]], [[1, 1, 0.04], [9, 9, 0.2]]])
    assert features.valid.tolist() == [False, True]
    assert np.isnan(only(gazesim.scanmatch([[[1, 1, 0.0]]], **params)))


def test_borders_count_to_the_last_cell():
    scheme = gazesim.ScanMatch(screen_size=(120, 80))
    cells = scheme.features([[[120, 80, 1], [0, 0, 1], [-5, 900, 1], [119.9, 79.9, 1], [10, 10, 1]]]).values
    assert cells.tolist() == [[11, 7], [0, 0], [0, 7], [11, 7], [1, 1]]


def test_too_many_temporal_bins_are_refused():
    with pytest.raises(ValueError, match="gazes: sample 1 has 1000000000 temporal bins or more; expected"):
        gazesim.affinity([P, [[1, 1, 1e15]]], scheme="scanmatch", screen_size=SCREEN, temporal_bin_s=0.05)
