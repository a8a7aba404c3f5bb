"""Figure 4: the similarity of one point of a feature map with all others."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

pytest.importorskip("gazesim.train")

import torch
from torch import nn
from torchvision.models import resnet18

from gazesim.train import affinity_map, affinity_maps
from gazesim.train.evaluation.affinity_maps import affinity_map_auroc, lesion_point


def test_equals_the_cosine_by_hand(rng):
    net = nn.Sequential(nn.Identity(), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    image = torch.tensor(rng.normal(size=(3, 4, 6)), dtype=torch.float32)
    found = affinity_map(net, image, (5.2, 1.9))
    vectors = image.numpy().reshape(3, -1).T.astype(float)
    point = vectors[1 * 6 + 5]
    expected = vectors @ point / np.linalg.norm(vectors, axis=1) / np.linalg.norm(point)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected.reshape(4, 6), atol=1e-6)
    assert found[1, 5] == pytest.approx(1)


def test_nothing_is_similar_to_nothing():
    image = torch.zeros(2, 3, 3)
    image[:, 1, 1] = 1
    assert affinity_map(nn.Identity(), image, (1, 1)).sum() == 1
    assert (affinity_map(nn.Identity(), image, (0, 0)) == 0).all()


def test_any_layer_of_a_torchvision_resnet():
    net = resnet18().train()
    image = torch.rand(3, 96, 64)
    last = affinity_map(net, image, (63.9, 95.9))
    assert last.shape == (3, 2)
    assert last[2, 1] == pytest.approx(1)
    np.testing.assert_array_equal(last, affinity_map(net, image, (63.9, 95.9), layer="layer4"))
    assert affinity_map(net, image, (0, 0), layer="layer2.0").shape == (12, 8)
    assert net.training
    assert not any(one._forward_hooks for one in net.modules())


def test_a_layer_is_seen_before_what_works_in_place_behind_it():
    torch.manual_seed(0)
    parts = nn.Conv2d(1, 4, 3), nn.ReLU(inplace=True)
    image = torch.randn(1, 8, 8)
    alone = affinity_map(nn.Sequential(parts[0]), image, (2, 2))
    assert alone.min() < 0
    np.testing.assert_array_equal(affinity_map(nn.Sequential(*parts), image, (2, 2), layer="0"), alone)


@pytest.mark.parametrize(
    ("point", "layer", "size", "message"),
    [
        ((64, 0), None, 64, r"point_xy is \(64, 0\); expected a point of the image, 64 x 64 pixels"),
        ((0, -1), None, 64, r"point_xy is \(0, -1\)"),
        ((0, 0), "layer5", 64, "layer is 'layer5', which the network does not have.*did you mean"),
        ((0, 0), "fc", 64, "layer 'fc' does not return a map"),
        ((0, 0), "layer4", 32, "layer 'layer4' does not return .* for an image of 32 x 32 pixels"),
    ],
)
def test_mistakes_are_named(point, layer, size, message):
    with pytest.raises(ValueError, match=message):
        affinity_map(resnet18(), torch.rand(3, size, size), point, layer=layer)


def test_an_image_is_expected():
    with pytest.raises(ValueError, match="image is Tensor of shape"):
        affinity_map(nn.Identity(), torch.rand(1, 3, 8, 8), (0, 0))
    with pytest.raises(ValueError, match="no layer returns a map"):
        affinity_map(nn.Flatten(), torch.rand(3, 8, 8), (0, 0))


def test_the_number_of_an_affinity_map_is_the_auroc_over_pixels(rng):
    """By scikit-learn, on maps enlarged pixel by pixel, without the cell of the point."""
    maps = torch.tensor(rng.normal(size=(5, 3, 4)))
    mask = rng.random((12, 20)) < 0.4
    x, y = lesion_point(mask)
    row, column = int(y * 3 / 12), int(x * 4 / 20)
    vectors = maps.numpy() / np.linalg.norm(maps.numpy(), axis=0)
    similar = np.einsum("chw,c->hw", vectors, vectors[:, row, column])
    enlarged = similar.repeat(4, axis=0).repeat(5, axis=1)
    others = np.ones(mask.shape, bool)
    others[4 * row : 4 * row + 4, 5 * column : 5 * column + 5] = False
    expected = roc_auc_score(mask[others], enlarged[others])
    assert affinity_map_auroc(maps, mask, (x, y)) == pytest.approx(expected, abs=1e-12)


def test_a_map_that_is_not_finite_is_refused():
    maps = torch.ones(2, 3, 3)
    maps[1, 0, 0] = torch.nan
    with pytest.raises(ValueError, match="maps holds a value that is not finite; expected numbers"):
        affinity_map_auroc(maps, np.eye(9), (4, 4))


def test_chance_and_perfect_maps(rng):
    mask = np.zeros((32, 32), bool)
    mask[8:24, 4:20] = True
    point = lesion_point(mask)
    cells = torch.tensor(mask[::4, ::4].astype(float))
    assert affinity_map_auroc(torch.stack([cells, 1 - cells]), mask, point) == 1
    areas = [affinity_map_auroc(torch.tensor(rng.normal(size=(8, 8, 8))), mask, point) for _ in range(300)]
    assert abs(np.mean(areas) - 0.5) < 3 * np.std(areas) / 300**0.5 + 0.01
    one_cell = np.zeros((32, 32), bool)
    one_cell[9:11, 9:11] = True
    assert np.isnan(affinity_map_auroc(torch.ones(2, 8, 8), one_cell, lesion_point(one_cell)))


def test_the_point_is_deepest_inside_the_mask():
    ring = np.zeros((21, 21), bool)
    ring[2:19, 2:19] = True
    ring[6:15, 4:15] = False
    x, y = lesion_point(ring)
    assert ring[int(y), int(x)]
    with pytest.raises(ValueError, match=r"mask is .*; expected"):
        lesion_point(np.zeros((3, 3)))


def test_several_points_are_one_map_each(rng):
    image = torch.tensor(rng.normal(size=(3, 4, 6)), dtype=torch.float32)
    points = [(5.2, 1.9), (0.0, 0.0), (3.0, 3.9)]
    found = affinity_maps(nn.Identity(), image, points)
    for point, one in zip(points, found, strict=True):
        np.testing.assert_array_equal(one, affinity_map(nn.Identity(), image, point))
    with pytest.raises(ValueError, match=r"point_xy is \(6, 0\)"):
        affinity_maps(nn.Identity(), image, [(1, 1), (6, 0)])


def test_weights_of_a_probe_decide_what_is_alike(rng):
    """A channel that the probe does not read makes no place alike."""
    image = torch.tensor(rng.normal(size=(3, 4, 6)), dtype=torch.float32)
    weights = torch.tensor([2.0, -1.0, 0.0])
    found = affinity_map(nn.Identity(), image, (5.2, 1.9), weights=weights)
    vectors = (image.numpy() * weights.numpy()[:, None, None]).reshape(3, -1).T.astype(float)
    point = vectors[1 * 6 + 5]
    expected = vectors @ point / np.linalg.norm(vectors, axis=1) / np.linalg.norm(point)
    np.testing.assert_allclose(found, expected.reshape(4, 6), atol=1e-6)
    other = image.clone()
    other[2] = torch.tensor(rng.normal(size=(4, 6)))
    np.testing.assert_allclose(affinity_map(nn.Identity(), other, (5.2, 1.9), weights=weights), found)
    with pytest.raises(ValueError, match=r"weights has shape \(2,\), and the maps have 3 channels"):
        affinity_map(nn.Identity(), image, (1, 1), weights=weights[:2])
