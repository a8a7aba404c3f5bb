"""The picture of a comparison: everything lies between floor and ceiling, whatever its unit."""

from __future__ import annotations

import numpy as np

from gazesim import compare_scanpaths
from gazesim.plots.comparison import place_of, plot_comparison

SCREEN = (64, 48)


def test_places_between_floor_and_ceiling():
    row = {"mean": 3.0, "shuffled_mean": 1.0, "human_mean": 5.0}
    assert place_of(row, "mean", "shuffled_mean", "human_mean") == 0.5
    assert np.isnan(place_of({**row, "human_mean": 1.0}, "mean", "shuffled_mean", "human_mean"))
    distance = {"mean": 40.0, "shuffled_mean": 100.0, "human_mean": 20.0}
    assert place_of(distance, "mean", "shuffled_mean", "human_mean") == 0.75


def test_picture(rng, tmp_path):
    human = {i: [rng.random((5, 3)) * [*SCREEN, 1] for _ in range(3)] for i in range(4)}
    model = {i: rng.random((5, 3)) * [*SCREEN, 1] for i in range(4)}
    table = compare_scanpaths(model, human, screen_size=SCREEN)
    plot_comparison(table, tmp_path / "many.png")
    assert (tmp_path / "many.png").stat().st_size > 5000


def test_without_ceiling_and_floor(rng, tmp_path):
    one = {"a": rng.random((5, 3)) * [*SCREEN, 1]}
    table = compare_scanpaths(one, one, measures="multimatch", screen_size=SCREEN)
    plot_comparison(table, tmp_path / "one.png")
    assert (tmp_path / "one.png").stat().st_size > 3000
