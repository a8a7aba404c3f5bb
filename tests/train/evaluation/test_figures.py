"""The pictures: files that open, drawn from what was given."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("gazesim.train")

import torch
from PIL import Image
from torch import nn

from gazesim.train import (
    ArraySamples,
    Manifest,
    ManifestSamples,
    plot_affinity_maps,
    plot_score_curves,
    plot_threshold_ablation,
)
from gazesim.train.evaluation import figures as module
from gazesim.train.evaluation.figures import gaze_point, gaze_points, unseen_point

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


@pytest.fixture
def drawn(monkeypatch):
    """The figures that are made."""
    figures, real = [], module.new_figure
    monkeypatch.setattr(module, "new_figure", lambda *size: figures.append(real(*size)) or figures[-1])
    return figures


@pytest.mark.parametrize("side", [2, 3, 4, 5])
@pytest.mark.parametrize("point", [(0.5, 0.5), (23.9, 1.0), (8.1, 15.9), (12.0, 20.0)])
def test_the_brightest_cell_holds_the_point(side, point, drawn, tmp_path, rng):
    net = nn.AdaptiveAvgPool2d(side)
    samples = ArraySamples(rng.random((1, 24, 24)), channels=3)
    plot_affinity_maps({"a": Mixed(net)}, samples, [0], tmp_path / "a.png", points_xy=[point])
    image, cells = drawn[0].axes[1].images
    found = cells.get_array()
    assert found.shape == (side, side)
    assert cells.get_interpolation() == "nearest"
    assert cells.get_extent() == image.get_extent() == [0, 24, 24, 0]
    row, column = np.unravel_index(found.argmax(), found.shape)
    (x, y) = drawn[0].axes[1].collections[0].get_offsets()[0]
    assert (x, y) == pytest.approx(point)
    assert column * 24 / side <= x <= (column + 1) * 24 / side
    assert row * 24 / side <= y <= (row + 1) * 24 / side


class Mixed(nn.Module):
    """Feature vectors that differ from cell to cell, of which none is twice another."""

    def __init__(self, pool):
        super().__init__()
        self.pool = pool

    def forward(self, images):
        maps = self.pool(images)
        places = torch.stack(torch.meshgrid(*2 * [torch.arange(maps.shape[-1]) + 1.0], indexing="ij"))
        return torch.cat([places**2, torch.ones_like(maps[0])])[None]


@pytest.mark.parametrize("shape", [(30, 60), (60, 20), (32, 32)])
def test_images_keep_their_own_shape(shape, drawn, tmp_path):
    """They are squeezed to a square for the network, and not in the picture."""
    np.save(tmp_path / "0.npy", np.random.default_rng(0).random(shape).astype(np.float32))
    (tmp_path / "m.csv").write_text("id,image,label,split\na,0.npy,x,test\n")
    samples = ManifestSamples(Manifest.read(tmp_path / "m.csv"), size=16)
    plot_affinity_maps({"a": nn.Identity()}, samples, [0], tmp_path / "a.png", points_xy=[(4, 12)])
    height, width = shape
    for axes in drawn[0].axes[:2]:
        assert axes.get_aspect() == 1
        assert all(one.get_extent() == [0, width, height, 0] for one in axes.images)
        np.testing.assert_allclose(axes.collections[0].get_offsets()[0], (width / 4, height * 3 / 4))


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


def test_places_that_were_looked_at_most_lie_apart(samples, rng):
    maps = np.zeros((1, 24, 24))
    maps[0, 4, 4], maps[0, 5, 5], maps[0, 20, 3] = 9, 8, 7  # the second is within the first
    found = gaze_points(ArraySamples(rng.random((1, 24, 24)), heatmaps=maps), 0, 3)
    assert found == [(4.5, 4.5), (3.5, 20.5)]
    assert gaze_points(samples, 1, 3) == [(8, 8)]  # no gaze: the centre


def test_the_unseen_point_lies_in_the_tissue_far_from_gaze(samples):
    images, maps = np.zeros((1, 20, 20)), np.zeros((1, 20, 20))
    images[0, :10] = 1  # the lower half is dark: it is nearer to no gaze, but shows nothing
    maps[0, 2, 2] = 1
    assert unseen_point(ArraySamples(images, heatmaps=maps), 0) == (19.5, 9.5)
    assert unseen_point(samples, 1) is None


def test_a_row_for_every_point(drawn, tmp_path, rng):
    samples = ArraySamples(rng.random((2, 24, 24)), channels=3)
    models = {"a": Mixed(nn.AdaptiveAvgPool2d(4)), "b": nn.AdaptiveAvgPool2d(3)}
    points, far = [[(2, 3), (20, 20)], [(5, 5)]], [[(12, 1)], []]
    plot_affinity_maps(
        models,
        samples,
        [0, 1],
        tmp_path / "a.png",
        points_xy=points,
        negatives_xy=far,
        weights={"b": torch.ones(3)},
    )
    places = [axes.collections[0].get_offsets()[0].tolist() for axes in drawn[0].axes[:-1]]
    assert places[::3] == [[2, 3], [20, 20], [12, 1], [5, 5]]
    colours = [tuple(axes.collections[0].get_facecolor()[0]) for axes in drawn[0].axes[:-1:3]]
    assert len(set(colours)) == 2
    assert colours[2] not in (colours[0], colours[3])  # the point that nobody looked at
    titles = [axes.get_title() for axes in drawn[0].axes[:-1]]
    assert titles[1:3] == ["a", "b"]
    assert titles[::3] == [samples.ids[0]] * 3 + [samples.ids[1]]


def test_curves_show_means_at_each_x(drawn, tmp_path):
    curves = {"plain": [(50, 0.5), (50, 0.7), (100, 0.8)], "gaze": [(55, 0.4), (55, float("nan"))]}
    plot_score_curves(curves, tmp_path / "a.png", x="labels", metric="AUC", log=True)
    first, second = drawn[0].axes[0].lines
    np.testing.assert_allclose(first.get_xydata(), [(50, 0.6), (100, 0.8)])
    np.testing.assert_allclose(second.get_xydata(), [(55, 0.4)])  # a score without a value is left out
    assert drawn[0].axes[0].get_xscale() == "log"
    assert drawn[0].axes[0].get_xlabel() == "labels"
    with pytest.raises(ValueError, match="curves is empty"):
        plot_score_curves({}, tmp_path / "b.png")
    with pytest.raises(ValueError, match=r"curves\['x'\] has shape"):
        plot_score_curves({"x": [(1, 2, 3)]}, tmp_path / "b.png")
