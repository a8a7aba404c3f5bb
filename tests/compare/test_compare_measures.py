"""Every measure of a comparison: its published convention and direction, against the NumPy twins."""

from __future__ import annotations

import inspect

import numpy as np
import pytest

from gazesim import ScreenGeometry, compare_scanpaths, reference
from gazesim.compare import MEASURES, PairSet

SCREEN = (1024.0, 768.0)
GEOMETRY = ScreenGeometry(size_px=(1024, 768), size_cm=(34.1333, 25.6), distance_cm=60)
P = np.array([[100, 100, 0.2], [500, 120, 0.3], [800, 400, 0.15], [510, 650, 0.25], [120, 600, 0.4]])
Q = np.array([[110, 130, 0.25], [480, 100, 0.2], [790, 380, 0.3], [500, 640, 0.1]])

#: What the comparison gives, and the same from the twins; rows are predicted, columns human scanpaths.
TWINS = {
    "scanmatch": ({}, lambda a, b: reference.scanmatch(a, b, screen_size=SCREEN)),
    "scanmatch_with_duration": (
        {},
        lambda a, b: reference.scanmatch(a, b, screen_size=SCREEN, temporal_bin_s=0.05),
    ),
    "string_edit_distance": ({}, lambda a, b: reference.string_edit_distance(a, b, screen_size=SCREEN)),
    "stde": ({}, lambda a, b: reference.stde(b, a, screen_size=SCREEN, norm="sum").T),
    "dtw_distance": ({}, reference.dtw_distance),
    "frechet_distance": ({}, reference.frechet_distance),
    "hausdorff_distance": ({}, reference.hausdorff_distance),
    "mannan_distance": ({}, lambda a, b: reference.mannan_distance(a, b, screen_size=SCREEN)),
    "eyenalysis": ({}, reference.eyenalysis),
    "scasim": ({"geometry": GEOMETRY}, lambda a, b: reference.scasim(a, b, geometry=GEOMETRY)),
    "recurrence": ({"radius_px": 250.0}, lambda a, b: reference.recurrence(a, b, radius_px=250.0)[0]),
}


def draw(rng, count):
    return [rng.random((rng.integers(3, 8), 3)) * [*SCREEN, 0.6] for _ in range(count)]


@pytest.mark.parametrize("name", sorted(TWINS))
def test_equal_to_the_twin(name, rng):
    params, twin = TWINS[name]
    rows, columns = draw(rng, 4), draw(rng, 5)
    table = compare_scanpaths(
        {"a": rows}, {"a": columns}, measures={name: params}, by="pair", screen_size=SCREEN, errors="ignore"
    )
    label = "recurrence_rec" if name == "recurrence" else name
    found = table[table["measure"] == label]["value"].reshape(4, 5)
    np.testing.assert_allclose(found, twin(rows, columns), atol=1e-9)


def test_every_measure_has_a_twin_or_a_test_of_its_own():
    assert set(TWINS) | {"multimatch", "sequence_score"} == set(MEASURES)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("scanmatch", 0.742857142857),
        ("string_edit_distance", 1),
        # P is the reference, Q the simulation: Q is predicted.
        ("stde", 0.976543372039),
        ("dtw_distance", 478.509326738731),
        ("frechet_distance", 382.099463490856),
        ("hausdorff_distance", 382.099463490856),
        ("mannan_distance", 0.096200080906),
        ("eyenalysis", 114.983837997321),
    ],
)
def test_worked_numbers(name, expected):
    table = compare_scanpaths({"a": Q}, {"a": P}, measures=name, screen_size=SCREEN)
    assert table["mean"][0] == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("name", sorted(TWINS))
def test_the_better_end_is_where_equal_scanpaths_are(name, rng):
    params, _ = TWINS[name]
    (one,) = draw(rng, 1)
    other = np.column_stack([SCREEN[0] - one[:, 0], one[::-1, 1], one[:, 2] * 2])
    measure = MEASURES[name]
    pairs = PairSet([one], [one, other], SCREEN)
    matrix = measure.compute(pairs, **{**measure.params, **params})
    matrix = matrix["rec"] if name == "recurrence" else matrix
    assert (matrix[0, 0] > matrix[0, 1]) == measure.higher_is_better


def test_parameters_are_those_of_the_functions():
    known = list(inspect.signature(MEASURES["scanmatch"].compute).parameters)
    assert known == ["pairs", "grid", "threshold_cells", "gap", "temporal_bin_s", "rounding"]


def test_one_measure_with_two_settings():
    settings = {"coarse": ("scanmatch", {"grid": (2, 2)}), "fine": ("scanmatch", {"grid": (16, 12)})}
    table = compare_scanpaths({"a": Q}, {"a": P}, measures=settings, by="all", screen_size=SCREEN)
    assert list(table["measure"]) == ["coarse", "fine"]
    assert table["mean"][0] != table["mean"][1]


@pytest.mark.parametrize(
    ("measures", "message"),
    [
        (
            {"scanmatch": {"treshold_cells": 2}},
            r"measures\['scanmatch'\] has the parameter 'treshold_cells'.*threshold_cells",
        ),
        ("recurrence", r"measures\['recurrence'\] has no radius_px, which has no default"),
        ({"mine": ("scanmach", {})}, 'did you mean "scanmatch"'),
        ({"scanmatch": {"grid": (0, 2)}}, "grid"),
        ({"dtw_distance": {"window": 2}}, "expected none"),
    ],
)
def test_bad_parameters_are_named(measures, message):
    with pytest.raises((ValueError, TypeError), match=message):
        compare_scanpaths({"a": Q}, {"a": P}, measures=measures, screen_size=SCREEN)


def test_the_default_is_what_papers_report():
    table = compare_scanpaths({"a": Q}, {"a": P}, by="all", screen_size=SCREEN)
    names = [str(name) for name in table["measure"] if not str(name).startswith("multimatch")]
    assert names == ["scanmatch", "scanmatch_with_duration", "string_edit_distance", "stde"]
    assert list(table["better"][-2:]) == ["lower", "higher"]
