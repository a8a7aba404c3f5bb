"""Scasim: worked numbers, angles between directions of gaze, and what the released code gets wrong."""

from __future__ import annotations

import math

import numpy as np
import pytest

import gazesim
from pairs_of_scanpaths import SCREEN, P, Q, all_blocks, only, random_block

GEOMETRY = gazesim.ScreenGeometry(SCREEN, (1024 / 30, 768 / 30), 60)


@pytest.mark.parametrize("module", [gazesim, gazesim.reference], ids=["compiled", "twin"])
@pytest.mark.parametrize(
    ("normalise", "expected"),
    [(None, 1.0282913981022), ("durations", 0.478275068885), ("fixations", 0.114254599789)],
)
def test_worked_numbers(module, normalise, expected):
    for a, b in ((P, Q), (Q, P)):
        found = module.scasim([a], [b], geometry=GEOMETRY, normalise=normalise)
        assert only(found) == pytest.approx(expected, abs=1e-9)
    affinity = module.affinity([P], [Q], scheme="scasim", geometry=GEOMETRY)
    assert only(affinity) == pytest.approx(1 - 0.478275068885, abs=1e-7)


def test_the_twin_on_random_and_real_pairs():
    """There is no third party but the released code, whose costs are wrong where places are equal."""
    for rows, cols, size in all_blocks():
        geometry = gazesim.ScreenGeometry(size, (40, 40 * size[1] / size[0]), 57)
        a, b = rows[:12], cols[:12]
        for modulator in (0.83, 0.5):
            params = {"geometry": geometry, "modulator": modulator}
            ours, twin = (module.scasim(a, b, **params) for module in (gazesim, gazesim.reference))
            np.testing.assert_allclose(ours, twin, rtol=0, atol=1e-9)


def test_replacing_one_fixation_by_hand():
    """Two single fixations: replaced at the given angle, or deleted and inserted, for the same sum."""
    pixels = 30 * 60 * math.tan(math.radians(7))  # 7 degrees beside the centre
    a, b = [[512, 384, 0.3]], [[512 + pixels, 384, 0.5]]
    share = 0.83**7
    expected = 0.2 * share + 0.8 * (1 - share)
    assert only(gazesim.scasim([a], [b], geometry=GEOMETRY)) == pytest.approx(expected, abs=1e-9)


def test_a_longer_fixation_on_the_same_places_costs_the_difference():
    """The arccosine of a number just above 1 is not a number: the released code fails on 929 of 2,000."""
    rows, _, _ = random_block(side=200)
    for gaze in rows:
        longer = gaze.copy()
        longer[len(gaze) // 2, 2] += 0.1
        assert only(gazesim.scasim([gaze], [longer], geometry=GEOMETRY)) == pytest.approx(0.1, abs=1e-9)


@pytest.mark.parametrize("module", [gazesim, gazesim.reference], ids=["compiled", "twin"])
@pytest.mark.parametrize("normalise", [None, "durations", "fixations"])
def test_what_lasts_no_time_has_no_seconds(module, normalise):
    still = np.array([[3.0, 4.0, 0.0], [9.0, 4.0, 0.0]])
    found = module.scasim([still, P], [still, P], geometry=GEOMETRY, normalise=normalise)
    assert np.isnan(found).tolist() == [[True, True], [True, False]]


def test_what_lasts_no_time_is_invalid():
    still = P * (1, 1, 0)
    features = gazesim.Scasim(GEOMETRY).features([P, still, np.empty((0, 3)), Q])
    assert features.valid.tolist() == [True, False, False, True]
    assert np.isnan(only(gazesim.scasim([P], [still], geometry=GEOMETRY)))
    short = np.array([[1e15, 0, 1e15], [5, 5, 1e-9]])
    assert gazesim.Scasim(GEOMETRY).features([short[:1], short[1:]]).valid.all()


@pytest.mark.parametrize("geometry", [None, 3, {"size_px": (1, 1)}], ids=str)
def test_a_geometry_is_needed(geometry):
    with pytest.raises(TypeError, match=r"geometry is|missing 2 required"):
        gazesim.Scasim(geometry)


def test_gaze_on_another_screen_is_refused():
    gazes = gazesim.Scanpaths.from_list([P], screen_size=(800, 600))
    with pytest.raises(ValueError, match=r"gazes has screen_size \(800.0, 600.0\); expected that"):
        gazesim.affinity(gazes, scheme="scasim", geometry=GEOMETRY)
