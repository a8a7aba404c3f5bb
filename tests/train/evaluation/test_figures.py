"""The pictures: files that open, drawn from what was given."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("gazesim.train")

from PIL import Image
from torch import nn

from gazesim.train import ArraySamples, plot_affinity_maps, plot_threshold_ablation
from gazesim.train.evaluation import figures as module
from gazesim.train.evaluation.figures import gaze_point

ROWS = [(0.5, 60, 0.6), (0.5, 62, 0.7), (0.9, 2, 0.9), (0.9, 4, 0.8), (0.99, 0, 0.75)]


@pytest.fixture
def samples(rng):
    maps = np.zeros((3, 16, 16))
    maps[0, 3, 12] = 1
    return ArraySamples(rng.random((3, 16, 16)), heatmaps=maps)


def size(path):
    with Image.open(path) as picture:
        return picture.size


def test_the_point_is_where_gaze_was(samples):
    assert gaze_point(samples, 0) == (12.5, 3.5)
    assert gaze_point(samples, 1) == (8, 8)


def test_a_column_for_every_model(samples, tmp_path):
    models = {"a": nn.Identity(), "b": nn.Conv2d(1, 2, 3)}
    plot_affinity_maps(models, samples, [0, 2], tmp_path / "two.png")
    plot_affinity_maps({"a": models["a"]}, samples, [0], tmp_path / "one.png", points_xy=[(1, 1)])
    wide, high = size(tmp_path / "two.png")
    assert wide > size(tmp_path / "one.png")[0] > 300
    assert high > 1.5 * size(tmp_path / "one.png")[1]
    with pytest.raises(ValueError, match="0 models and 1 images"):
        plot_affinity_maps({}, samples, [0], tmp_path / "none.png")


def test_ablation_shows_means_and_counts(tmp_path, monkeypatch):
    drawn = []
    real = module.new_figure
    monkeypatch.setattr(module, "new_figure", lambda *size: drawn.append(real(*size)) or drawn[-1])
    plot_threshold_ablation(ROWS, tmp_path / "ablation.png", metric="AUC", plain=[0.7, 0.72], title="here")
    assert size(tmp_path / "ablation.png")[0] > 600
    left, right = drawn[0].axes
    level, curve = left.lines
    np.testing.assert_allclose(curve.get_xydata(), [(0.5, 0.65), (0.9, 0.85), (0.99, 0.75)])
    assert level.get_ydata()[0] == pytest.approx(0.71)
    assert [bar.get_height() for bar in right.patches] == [61, 3, 0]
    plot_threshold_ablation(ROWS[:1], tmp_path / "single.png")


@pytest.mark.parametrize("rows", [[], [(0.5, 1)], [(0.5, 1, float("nan"))]])
def test_rows_are_checked(rows, tmp_path):
    with pytest.raises(ValueError, match="rows has shape"):
        plot_threshold_ablation(rows, tmp_path / "x.png")
