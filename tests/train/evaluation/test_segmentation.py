"""The segmentation probe, held against scikit-learn, and near chance where masks say nothing."""

from __future__ import annotations

import doctest
import importlib

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score, jaccard_score, roc_auc_score
from sklearn.preprocessing import StandardScaler

pytest.importorskip("gazesim.train")

import torch
from PIL import Image
from torch import nn

from gazesim.train import ArraySamples
from gazesim.train.evaluation.segmentation import (
    _best_threshold,
    cell_probabilities,
    masks_of,
    segmentation_probe,
    segmentation_scores,
)


def regions(rng, count, size=32, cell=4):
    """Images whose texture differs in a rectangle of whole cells, and the masks of it."""
    masks = np.zeros((count, size, size), bool)
    for mask in masks:
        x, y = rng.integers(0, size // cell - 3, 2) * cell
        mask[y : y + 3 * cell, x : x + 2 * cell] = True
    images = np.clip(np.where(masks, 0.7, 0.4) + rng.normal(0, 0.05, masks.shape), 0, 1)
    return ArraySamples(images), masks


class Own(nn.Module):
    """Somebody's encoder: maps of cells of 4 pixels inside, pooled at last."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(1, 6, 4, stride=4)
        self.head = nn.Linear(6, 3)

    def forward(self, images):
        return self.head(self.stem(images).mean(dim=(2, 3)))


def test_cells_equal_scikit_learns(rng):
    """With masks of whole cells, the classifier is scikit-learn's on the cells."""
    features = torch.tensor(rng.normal(size=(10, 5, 8, 8)))
    cells = rng.random((10, 8, 8)) < 1 / (1 + np.exp(-features[:, 0].numpy()))
    masks = cells.repeat(4, axis=1).repeat(4, axis=2)
    unseen = torch.tensor(rng.normal(size=(3, 5, 8, 8)))
    found = cell_probabilities(features, masks, unseen, 1e-3)
    rows = features.permute(0, 2, 3, 1).reshape(-1, 5).numpy()
    scaler = StandardScaler().fit(rows)
    peer = LogisticRegression(C=1 / (1e-3 * len(rows)), tol=1e-10, max_iter=10_000)
    peer.fit(scaler.transform(rows), cells.ravel())
    for maps, mine in zip((features, unseen), found, strict=True):
        asked = scaler.transform(maps.permute(0, 2, 3, 1).reshape(-1, 5).numpy())
        np.testing.assert_allclose(mine.numpy().ravel(), peer.predict_proba(asked)[:, 1], atol=1e-5)


def test_a_share_of_a_cell_counts_as_one(rng):
    """Soft targets: the mean probability is the mean share, as the free intercept makes it."""
    features = torch.tensor(rng.normal(size=(6, 3, 4, 4)))
    masks = rng.random((6, 16, 16)) < 0.3
    found, _ = cell_probabilities(features, masks, features, 1e-3)
    assert float(found.mean()) == pytest.approx(masks.mean(), abs=1e-5)


def test_scores_equal_scikit_learns(rng):
    probable, masks = rng.random((7, 9, 12)), rng.random((7, 9, 12)) < 0.3
    found = segmentation_scores(probable, masks, 0.6)
    pairs = [(mask.ravel(), one.ravel()) for mask, one in zip(masks, probable, strict=True)]
    assert found["Dice"] == pytest.approx(np.mean([f1_score(mask, one >= 0.6) for mask, one in pairs]))
    assert found["IoU"] == pytest.approx(np.mean([jaccard_score(mask, one >= 0.6) for mask, one in pairs]))
    assert found["pixel AUROC"] == pytest.approx(np.mean([roc_auc_score(mask, one) for mask, one in pairs]))
    empty = segmentation_scores(np.zeros((1, 3, 3)), np.zeros((1, 3, 3)), 0.5)
    assert (empty["Dice"], empty["IoU"]) == (1, 1)
    assert np.isnan(empty["pixel AUROC"])


def test_the_threshold_is_the_best_of_all(rng):
    probable = rng.random((5, 8, 8)) ** 2
    masks = rng.random((5, 8, 8)) < probable
    tried = [segmentation_scores(probable, masks, step / 256)["Dice"] for step in range(1, 256)]
    best = segmentation_scores(probable, masks, _best_threshold(probable, masks))["Dice"]
    assert best == pytest.approx(max(tried))


def test_it_finds_regions_and_shares_are_nested(rng):
    (train, marked), (test, expected) = regions(rng, 30), regions(rng, 20)
    options = {"train_masks": marked, "test_masks": expected}
    found = segmentation_probe(Own(), train, test, fractions=(0.1, 1.0), **options)
    assert found[1.0]["Dice"] > 0.85
    assert found[1.0]["IoU"] > 0.75
    assert found[1.0]["pixel AUROC"] > 0.97
    assert found[0.1]["pixel AUROC"] > 0.9
    named = segmentation_probe(Own(), train, test, layer="stem", **options)
    assert named[1.0].keys() == found[1.0].keys()


def test_masks_that_say_nothing_are_chance(rng):
    """Masks of another image: no better than the same threshold everywhere."""
    (train, marked), (test, expected) = regions(rng, 60), regions(rng, 40)
    found = segmentation_probe(
        Own(), train, test, train_masks=rng.permutation(marked), test_masks=rng.permutation(expected)
    )[1.0]
    assert found["pixel AUROC"] == pytest.approx(0.5, abs=0.1)
    assert found["Dice"] < 0.35


class FromFiles(ArraySamples):
    """Samples with the entries of a manifest."""

    entries = ()


def test_masks_of_a_manifest(tmp_path, rng, capsys):
    samples, masks = regions(rng, 6)
    samples.__class__ = FromFiles
    for i, mask in enumerate(masks[:4]):
        top = (1, 255)[i % 2]
        Image.fromarray(mask.astype(np.uint8) * top).resize((64, 64)).save(tmp_path / f"{i}.png")
    Image.fromarray(masks[4].astype(np.uint8) * 255).save(tmp_path / "4.jpg")
    files = [tmp_path / f"{i}.png" for i in range(4)] + [tmp_path / "4.jpg", None]
    samples.entries = [type("Entry", (), {"mask": file}) for file in files]
    read = masks_of(samples)
    assert read[5] is None
    for mask, expected in zip(read[:5], masks, strict=False):
        assert (mask != expected).mean() < 0.02
    samples.take = lambda chosen: ArraySamples(samples._images[list(chosen)])
    segmentation_probe(Own(), samples, samples)
    assert "1 of 6 train images have no mask and are left out" in capsys.readouterr().err


class Broken(Own):
    """Its maps of bright images are not numbers."""

    def forward(self, images):
        bright = images.amax(dim=(1, 2, 3), keepdim=True) > 0.99
        return torch.where(bright, torch.nan, self.stem(images))


def test_maps_that_are_not_finite_are_named(rng):
    samples, masks = regions(rng, 6)
    samples._images[3] = 0.5
    samples._images[4, 0, 0] = 1.0
    samples._images[[0, 1, 2, 5]] *= 0.9
    with pytest.raises(ValueError, match=r"feature maps: sample 4 \(4\) is not finite; expected numbers"):
        segmentation_probe(Broken(), samples, samples, train_masks=masks, test_masks=masks)


def test_mistakes_are_named(rng):
    samples, masks = regions(rng, 4)
    with pytest.raises(ValueError, match=r"train: none of 4 images has a mask; expected train_masks, or"):
        segmentation_probe(Own(), samples, samples)
    with pytest.raises(ValueError, match=r"test_masks is .*shape \(4, 8, 8\); expected shape \(4, 32, 32\)"):
        segmentation_probe(Own(), samples, samples, train_masks=masks, test_masks=np.ones((4, 8, 8)))
    with pytest.raises(ValueError, match="the masks of 4 images are empty"):
        segmentation_probe(Own(), samples, samples, train_masks=0 * masks, test_masks=masks)
    with pytest.raises(ValueError, match="expected another layer or a larger image"):
        segmentation_probe(nn.Flatten(), samples, samples, train_masks=masks, test_masks=masks)


@pytest.mark.parametrize("name", ["segmentation", "feature_maps", "knn", "multi_label"])
def test_docstring_examples(name):
    result = doctest.testmod(importlib.import_module(f"gazesim.train.evaluation.{name}"))
    assert result.attempted
    assert result.failed == 0
