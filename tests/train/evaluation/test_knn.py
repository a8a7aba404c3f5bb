"""The k-NN probe, held against scikit-learn's."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.neighbors import KNeighborsClassifier

pytest.importorskip("gazesim.train")

import torch
from torch import nn

from gazesim.train import ArraySamples
from gazesim.train.evaluation import knn as module
from gazesim.train.evaluation.knn import knn_probabilities, knn_probe


@pytest.mark.parametrize("k", [1, 5, 20])
@pytest.mark.parametrize("temperature", [0.07, 1.0])
def test_equals_scikit_learn(k, temperature, rng, monkeypatch):
    monkeypatch.setattr(module, "CHUNK", 7)
    features, unseen = rng.normal(size=(60, 8)), rng.normal(size=(20, 8))
    targets = rng.integers(0, 4, 60)
    peer = KNeighborsClassifier(
        k, metric="cosine", algorithm="brute", weights=lambda d: np.exp((1 - d) / temperature)
    )
    expected = peer.fit(features, targets).predict_proba(unseen)
    found = knn_probabilities(
        torch.tensor(features), targets, torch.tensor(unseen), 4, k=k, temperature=temperature
    )
    np.testing.assert_allclose(found, expected, atol=1e-10)


def test_a_sharp_temperature_does_not_overflow(rng):
    features = torch.tensor(rng.normal(size=(10, 4)))
    found = knn_probabilities(features, [0, 1] * 5, features, 3, k=5, temperature=1e-4)
    assert np.isfinite(found).all()
    np.testing.assert_array_equal(found.argmax(axis=1), [0, 1] * 5)


def test_random_labels_are_chance(rng):
    images, labels = rng.random((300, 6, 6)), rng.integers(0, 2, 300)
    samples = ArraySamples(images, labels)
    found = knn_probe(nn.Flatten(), samples.take(range(150)), samples.take(range(150, 300)))
    assert found[1.0]["AUC"] == pytest.approx(0.5, abs=0.12)


def test_classes_that_differ_are_found_from_few_labels(rng):
    labels = np.arange(60) % 3
    images = np.zeros((60, 6, 6))
    for image, label in zip(images, labels, strict=True):
        image[2 * label : 2 * label + 2] = 1
    samples = ArraySamples(np.clip(images + rng.normal(0, 0.05, images.shape), 0, 1), labels)
    samples.labels[3] = samples.labels[50] = -1
    found = knn_probe(nn.Flatten(), samples.take(range(40)), samples.take(range(40, 60)), fractions=(0.1, 1))
    assert found[1]["ACC"] == 1
    assert found[0.1]["ACC"] > 0.6  # 20 neighbours of whom only one or two are of its class


def test_mistakes_are_named(rng):
    features = torch.ones(4, 2)
    with pytest.raises(ValueError, match="k is 0"):
        knn_probabilities(features, [0] * 4, features, 1, k=0)
    with pytest.raises(ValueError, match="expected 4 classes from 0 to 1"):
        knn_probabilities(features, [0, 1, 2, 0], features, 2)
    with pytest.raises(ValueError, match="unseen: sample 1, column 0 is not finite"):
        knn_probabilities(features, [0] * 4, torch.tensor([[1.0, 0], [torch.nan, 0]]), 1)
    unlabelled = ArraySamples(rng.random((4, 6, 6)), [None] * 4, class_names=("a", "b"))
    with pytest.raises(ValueError, match="train: none of 4 images has a label"):
        knn_probe(nn.Flatten(), unlabelled, unlabelled)
