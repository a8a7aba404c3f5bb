"""The linear probe, held against scikit-learn's logistic regression."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

pytest.importorskip("gazesim.train")

import torch
from torch import nn

from gazesim.train import ArraySamples, ProbeSettings, embed
from gazesim.train.evaluation.linear_probe import fit_linear, fit_probe


def clusters(rng, count, dim, classes):
    targets = np.arange(count) % classes
    centres = 2 * rng.normal(size=(classes, dim)) / np.sqrt(dim)
    features = (centres[targets] + rng.normal(size=(count, dim))) * rng.uniform(0.1, 30, dim) + 5
    return torch.tensor(features, dtype=torch.float32), targets


@pytest.mark.parametrize(
    ("count", "dim", "classes", "l2"),
    [(200, 16, 4, 1.0), (200, 16, 4, 100.0), (12, 64, 4, 1.0), (60, 60, 3, 0.1), (90, 8, 2, 1.0)],
)
def test_equals_scikit_learn(count, dim, classes, l2, rng):
    features, targets = clusters(rng, count, dim, classes)
    unseen, _ = clusters(rng, 50, dim, classes)
    found = fit_linear(features, targets, classes, l2=l2)
    scaler = StandardScaler().fit(features.double())
    strength = (2 if classes == 2 else 1) / l2
    peer = LogisticRegression(C=strength, max_iter=10_000, tol=1e-10)
    peer.fit(scaler.transform(features.double()), targets)
    expected = peer.predict_proba(scaler.transform(unseen.double()))
    np.testing.assert_allclose(found.probabilities(unseen), expected, atol=1e-5)
    if classes > 2:
        np.testing.assert_allclose(found.weight, peer.coef_, atol=1e-4)


def test_a_constant_feature_changes_nothing(rng):
    features, targets = clusters(rng, 40, 5, 3)
    wider = torch.cat([features, torch.full((40, 1), 0.1)], dim=1)
    plain, more = fit_linear(features, targets, 3), fit_linear(wider, targets, 3)
    np.testing.assert_allclose(more.probabilities(wider), plain.probabilities(features), atol=1e-6)
    assert np.isfinite(more.probabilities(wider + 1)).all()


def test_a_class_that_nobody_has_is_never_predicted(rng):
    features, targets = clusters(rng, 40, 5, 3)
    skipped = np.where(targets == 1, 3, targets)
    found = fit_linear(features, skipped, 5).probabilities(features)
    assert (found[:, [1, 4]] == 0).all()
    np.testing.assert_allclose(found[:, [0, 3, 2]], fit_linear(features, targets, 3).probabilities(features))


def test_the_penalty_is_chosen_on_validation(rng):
    features, targets = clusters(rng, 30, 40, 3)
    settings = ProbeSettings(candidates=(1e-3, 1e4))
    # Labels that say nothing ask for a strong penalty; those that were trained on, for a weak one.
    noise = (torch.tensor(rng.normal(size=(500, 40)) + 5, dtype=torch.float32), rng.integers(0, 3, 500))
    assert fit_probe(features, targets, 3, settings, noise).l2 == 1e4
    assert fit_probe(features, targets, 3, settings, (features, targets)).l2 == 1e-3
    assert fit_probe(features, targets, 3, settings).l2 == settings.l2
    nobody = (features[:0], targets[:0])
    assert fit_probe(features, targets, 3, settings, nobody).l2 == settings.l2


@pytest.mark.parametrize(("default", "chosen"), [(0.6, 0.5), (7.0, 10.0), (1e9, 10.0), (1.0, 2.0)])
def test_of_equal_penalties_the_one_nearest_to_the_default(default, chosen):
    features = torch.zeros(6, 2)  # they say nothing, whatever the penalty
    targets = np.array([0, 0, 0, 1, 1, 1])
    settings = ProbeSettings(l2=default, candidates=(0.5, 10.0, 2.0))
    assert fit_probe(features, targets, 2, settings, (features, targets)).l2 == chosen


def test_validation_may_hold_a_class_that_training_lacks(rng):
    features, targets = clusters(rng, 30, 6, 3)
    found = fit_probe(features[targets < 2], targets[targets < 2], 3, ProbeSettings(), (features, targets))
    assert np.isfinite(found.probabilities(features)).all()


def network():
    return nn.Sequential(
        nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.Dropout(0.5), nn.AdaptiveAvgPool2d(1), nn.Flatten()
    )


def test_features_are_those_of_eval_mode(rng):
    samples = ArraySamples(rng.random((11, 8, 8)))
    net = network().train()
    before = {name: value.clone() for name, value in net.state_dict().items()}
    features = embed(net, samples, batch_size=4)
    assert net.training
    assert all(torch.equal(before[name], value) for name, value in net.state_dict().items())
    expected = net.eval()(torch.stack([samples.image(i) for i in range(11)]))
    torch.testing.assert_close(features, expected)
    assert not features.is_inference()


@pytest.mark.parametrize(
    ("features", "targets", "classes", "message"),
    [
        (torch.ones(4), [0, 1, 0, 1], 2, "features is Tensor of shape"),
        (torch.ones(4, 2), [0, 1], 2, "expected 4 whole numbers"),
        (torch.ones(4, 2), [0, 0, 0, 0], 2, r"targets holds \[0\]; expected two classes or more"),
        (torch.ones(4, 2), [0, 1, 2, 0], 2, "from 0 to 1"),
        (torch.tensor([[1.0], [float("nan")]]), [0, 1], 2, "features: sample 1, column 0 is nan"),
    ],
)
def test_mistakes_are_named(features, targets, classes, message):
    with pytest.raises(ValueError, match=message):
        fit_linear(features, targets, classes)


def test_settings_are_checked():
    with pytest.raises(ValueError, match=r"candidates\[1\] is 0"):
        ProbeSettings(candidates=(1.0, 0.0))
    with pytest.raises(ValueError, match="l2 is -1"):
        ProbeSettings(l2=-1)
    with pytest.raises(ValueError, match="candidates is empty"):
        ProbeSettings(candidates=())


def test_a_backbone_has_to_return_features(rng):
    with pytest.raises(
        ValueError, match=r"backbone returned Tensor of shape .*2, 4, 6, 6.*expected features"
    ):
        embed(nn.Conv2d(1, 4, 3), ArraySamples(rng.random((2, 8, 8))))
