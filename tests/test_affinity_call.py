"""``affinity`` of plain arrays without a screen size."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

import gazesim
from gazesim import AffinityCache, AssumedScreenWarning, Features, MultiMatch, Scanpaths


@pytest.fixture
def gazes(rng):
    paths = [rng.uniform((0, 0, 0.1), (1919.2, 1079.5, 0.9), (9, 3)) for _ in range(6)]
    paths[2][0, :2] = 1919.2, 1079.5
    return paths


def test_the_extent_is_assumed_with_one_warning(gazes):
    with pytest.warns(AssumedScreenWarning) as caught:
        found = gazesim.affinity(gazes, scheme="multimatch")
    assert len(caught) == 1
    message = str(caught[0].message)
    assert "screen_size is missing: assumed (1920, 1080)" in message
    assert "expected screen_size=(width, height) in pixels" in message
    assert caught[0].filename == __file__
    np.testing.assert_array_equal(found, gazesim.affinity(gazes, screen_size=(1920, 1080)))


def test_fractions_have_a_unit_screen(gazes):
    shares = [gaze / [1920, 1080, 1] for gaze in gazes]
    with pytest.warns(AssumedScreenWarning, match=r"assumed \(1, 1\)"):
        found = gazesim.affinity(shares)
    np.testing.assert_array_equal(found, gazesim.affinity(shares, screen_size=(1, 1)))


def test_both_sides_count_and_a_stated_size_is_taken(gazes):
    with pytest.warns(AssumedScreenWarning, match=r"assumed \(1920, 1080\)") as caught:
        found = gazesim.affinity(gazes[:2], gazes[2:])
    assert len(caught) == 1
    np.testing.assert_array_equal(found, gazesim.affinity(gazes[:2], gazes[2:], screen_size=(1920, 1080)))
    stated = Scanpaths.from_list(gazes[2:], screen_size=(1920, 1200))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = gazesim.affinity(gazes[:2], stated)
    np.testing.assert_array_equal(found, gazesim.affinity(gazes[:2], stated, screen_size=(1920, 1200)))


@pytest.mark.parametrize("call", [gazesim.multimatch, lambda gazes: gazesim.neighbors(gazes, top_k=2)])
def test_other_calls_assume_it_too(gazes, call):
    with pytest.warns(AssumedScreenWarning, match=r"assumed \(1920, 1080\)"):
        call(gazes)


def test_tima_names_its_own_parameter(gazes):
    with pytest.warns(AssumedScreenWarning, match=r"image_size is missing: assumed \(1920, 1080\)"):
        found = gazesim.affinity(gazes, scheme="tima")
    np.testing.assert_array_equal(found, gazesim.affinity(gazes, scheme="tima", image_size=(1920, 1080)))


def test_it_can_be_refused_or_silent(gazes):
    with pytest.raises(ValueError, match=r"screen_size is missing; expected screen_size=\(width, height\)"):
        gazesim.affinity(gazes, errors="raise")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        gazesim.affinity(gazes, errors="ignore")


def test_what_is_kept_states_a_size(gazes, tmp_path):
    message = r"screen_size is missing; .*what is kept \(features, caches, training\) has to state it"
    with pytest.raises(ValueError, match=message):
        MultiMatch().features(gazes)
    with pytest.raises(ValueError, match=message):
        AffinityCache.build(tmp_path / "cache", gazes)
    with pytest.raises(ValueError, match=message):
        gazesim.affinity(Scanpaths.from_list(gazes))
    assert not list(tmp_path.iterdir())
    assert isinstance(MultiMatch(screen_size=(1920, 1080)).features(gazes), Features)


@pytest.mark.filterwarnings("ignore::gazesim.InvalidGazeWarning")
@pytest.mark.parametrize("gaze", [np.empty((0, 3)), np.zeros((3, 3)), np.array([[-5.0, -3.0, 0.1]] * 3)])
def test_odd_extents(gaze):
    with pytest.warns(AssumedScreenWarning, match=r"assumed \(1, 1\)"):
        gazesim.affinity([gaze], errors="warn")
