"""Scanpath measures: bad input of every one, as a scheme and as raw numbers."""

from __future__ import annotations

import numpy as np
import pytest

import gazesim
from test_bad_input import GOOD, MEASURES, RAW, SCANPATHS, SCREEN


@pytest.mark.parametrize("case", SCANPATHS)
@pytest.mark.parametrize("measure", RAW)
def test_malformed_scanpaths_of_raw_measures(case, measure):
    gazes, error, message = SCANPATHS[case]
    with pytest.raises(error, match=message):
        getattr(gazesim, measure)(gazes, **RAW[measure])


PARAMETERS = {
    "grid of one number": ({"scheme": "scanmatch", "grid": 12}, TypeError, "grid is 12; expected 2"),
    "grid of half a cell": (
        {"scheme": "scanmatch", "grid": (1.5, 2)},
        TypeError,
        r"grid\[0\] is 1.5",
    ),
    "empty grid": ({"scheme": "string_edit", "grid": (0, 2)}, ValueError, r"grid\[0\] is 0; expected"),
    "threshold of ScanMatch": ({"scheme": "scanmatch", "threshold_cells": 0.0}, ValueError, "cells is 0.0"),
    "positive gap": ({"scheme": "scanmatch", "gap": 0.5}, ValueError, "gap is 0.5; expected .* at most 0"),
    "negative bin": ({"scheme": "scanmatch", "temporal_bin_s": -1}, ValueError, "temporal_bin_s is -1"),
    "rounding": ({"scheme": "scanmatch", "rounding": "up"}, ValueError, '"half_away", "half_even" or "down"'),
    "kind": ({"scheme": "string_edit", "kind": "edit"}, ValueError, '"levenshtein" or "lcs"'),
    "norm": ({"scheme": "time_delay_embedding", "norm": "l1"}, ValueError, 'expected "l2" or "sum"'),
    "radius 0": ({"scheme": "recurrence", "radius_px": 0}, ValueError, "radius_px is 0; expected"),
    "no radius": ({"scheme": "recurrence"}, ValueError, "radius_px is None; expected how near"),
    "no geometry": ({"scheme": "scasim"}, TypeError, "geometry is None; expected a gazesim.ScreenGeometry"),
    "modulator": ({**MEASURES["scasim"], "scheme": "scasim", "modulator": 1.5}, ValueError, "at most 1"),
    "squared": ({"scheme": "eyenalysis", "squared": 1, **SCREEN}, TypeError, "squared is 1; expected True"),
    "duration in px": (
        {"scheme": "eyenalysis", "duration_px_per_s": -3},
        ValueError,
        "duration_px_per_s is -3",
    ),
    "no screen for DTW": (
        {"scheme": "dtw", "errors": "raise"},
        ValueError,
        "screen_size is missing; expected",
    ),
}


@pytest.mark.parametrize("case", PARAMETERS)
def test_bad_parameters_of_measures(case):
    params, error, message = PARAMETERS[case]
    with pytest.raises(error, match=message):
        gazesim.affinity([GOOD, GOOD], **params)


RAW_PARAMETERS = {
    "k of 0": ("tde", {"k": 0}, ValueError, "k is 0; expected a whole number"),
    "reduction": ("tde", {"k": 1, "reduction": "median"}, ValueError, 'expected "mean" or "max"'),
    "short lines": (
        "recurrence",
        {"radius_px": 9, "min_line": 1},
        ValueError,
        "min_line is 1; expected",
    ),
    "normalise": ("scasim", {**RAW["scasim"], "normalise": "time"}, ValueError, '"fixations" or "durations"'),
    "denominator": ("eyenalysis", {"denominator": "mean"}, ValueError, 'expected "max" or "sum"'),
    "no screen": ("stde", {}, ValueError, "screen_size is missing; expected"),
    "n_threads 0": ("dtw_distance", {"n_threads": 0}, ValueError, "n_threads is 0"),
}


@pytest.mark.parametrize("case", RAW_PARAMETERS)
def test_bad_parameters_of_raw_measures(case):
    measure, params, error, message = RAW_PARAMETERS[case]
    with pytest.raises(error, match=message):
        getattr(gazesim, measure)([GOOD], **params)


@pytest.mark.parametrize("measure", RAW)
def test_raw_numbers_do_not_depend_on_threads_or_on_who_is_beside(measure, rng):
    gazes = [rng.random((rng.integers(0, 30), 3)) * (10, 10, 1) for _ in range(150)]
    function = getattr(gazesim, measure)

    def numbers(*some, **run):
        found = function(*some, **RAW[measure], **run)
        return np.stack(found) if isinstance(found, tuple) else found[None]

    whole = numbers(gazes, n_threads=1)
    assert whole.dtype == np.float64
    assert whole.shape[1:] == (150, 150)
    np.testing.assert_array_equal(numbers(gazes, n_threads=3), whole)
    np.testing.assert_array_equal(numbers(gazes[70:90], gazes[3:]), whole[:, 70:90, 3:])
    assert numbers(gazes, []).shape[1:] == (150, 0)
    assert numbers([]).shape[1:] == (0, 0)


def test_progress_of_raw_numbers(capsys):
    gazesim.dtw_distance([GOOD] * 3, [GOOD] * 4, progress=True)
    assert "12.0/12.0" in capsys.readouterr().err


def test_features_of_measures_are_refused_where_they_are_not_numbers():
    offsets = np.array([0, 2])
    with pytest.raises(ValueError, match="sample 0, row 1, column 0 is nan; expected a finite number"):
        gazesim.Features(gazesim.DTW((9, 9)), np.array([[1, 2], [np.nan, 2]]), offsets)
    with pytest.raises(ValueError, match="expected a finite number of at least 0"):
        gazesim.Features(gazesim.StringEdit(screen_size=(9, 9)), np.array([[1.0], [-1.0]]), offsets)
    # Labels of another grid are labels all the same.
    odd = gazesim.Features(gazesim.StringEdit(screen_size=(9, 9)), np.array([[1e9], [0.5]]), offsets)
    assert odd.affinity().tolist() == [[1]]
