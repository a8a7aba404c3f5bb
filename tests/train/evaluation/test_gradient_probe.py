"""The linear probe by gradient: against Adam written out in NumPy, and beside the exact optimum."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("gazesim.train")

import torch

from gazesim.train import GradientProbeSettings, PhantomSettings, cross_validate, make_backbone
from gazesim.train.evaluation.gradient_probe import fit_by_gradient
from gazesim.train.evaluation.linear_probe import fit_linear
from gazesim.train.lightning_tools import epoch_order


def data(rng, count=50, dim=6, classes=3):
    targets = np.arange(count) % classes
    features = rng.normal(size=(classes, dim))[targets] + rng.normal(size=(count, dim))
    return features, targets


def by_hand(features, targets, classes, settings, seed):
    """Adam (Kingma and Ba, algorithm 1) on softmax regression, from zeros."""
    weights = np.zeros((classes, features.shape[1] + 1))
    mean, square, step = np.zeros_like(weights), np.zeros_like(weights), 0
    rows = np.column_stack([features, np.ones(len(features))])
    for epoch in range(settings.epochs):
        order = epoch_order(len(features), seed, epoch)
        for start in range(0, len(order), settings.batch_size):
            chosen = order[start : start + settings.batch_size]
            logits = rows[chosen] @ weights.T
            shares = np.exp(logits - logits.max(axis=1, keepdims=True))
            shares /= shares.sum(axis=1, keepdims=True)
            shares[np.arange(len(chosen)), targets[chosen]] -= 1
            gradient = shares.T @ rows[chosen] / len(chosen) + settings.weight_decay * weights
            step += 1
            mean = 0.9 * mean + 0.1 * gradient
            square = 0.999 * square + 0.001 * gradient**2
            scaled = (mean / (1 - 0.9**step)) / (np.sqrt(square / (1 - 0.999**step)) + 1e-8)
            weights -= settings.learning_rate * scaled
    return weights


@pytest.mark.parametrize(
    "settings",
    [
        GradientProbeSettings(),
        GradientProbeSettings(epochs=20, batch_size=7),
        GradientProbeSettings(epochs=3, learning_rate=0.05, weight_decay=0.1, batch_size=16),
    ],
)
def test_equals_a_loop_by_hand(settings, rng):
    features, targets = data(rng)
    found = fit_by_gradient(torch.tensor(features), targets, 3, settings, seed=4)
    expected = by_hand(features, targets, 3, settings, 4)
    np.testing.assert_allclose(found.weight, expected[:, :-1], rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(found.intercept, expected[:, -1], rtol=1e-9, atol=1e-12)


def test_it_ends_at_the_optimum_only_after_many_epochs(rng):
    features, targets = data(rng, 120)
    unit = torch.tensor((features - features.mean(axis=0)) / features.std(axis=0))
    exact = fit_linear(unit, targets, 3, l2=1e-6).probabilities(unit)

    def distance(**options):
        probe = fit_by_gradient(unit, targets, 3, GradientProbeSettings(**options))
        return np.abs(probe.probabilities(unit) - exact).max()

    published, patient = distance(), distance(epochs=2000, learning_rate=0.01, batch_size=120)
    assert patient < 0.01
    assert published > 0.3  # 2e-5 in ten epochs hardly moves


def test_both_stand_beside_each_other():
    samples = PhantomSettings(n_train=24, n_test=12, size=32).samples()
    methods = {"random": make_backbone("resnet10-narrow", channels=1)}
    rows = cross_validate(
        methods,
        samples,
        folds=None,
        protocols=["probe", "gradient_probe"],
        fractions=[1.0],
        gradient_probe=GradientProbeSettings(epochs=1),
        progress=False,
    )
    found = {row.protocol for row in rows if row.metric == "ACC"}
    assert found == {"probe", "gradient_probe"}


def test_other_settings_are_other_results(tmp_path):
    samples = PhantomSettings(n_train=24, n_test=12, size=32).samples()
    methods = {"random": make_backbone("resnet10-narrow", channels=1)}
    call = {"folds": None, "protocols": ["gradient_probe"], "fractions": [1.0], "progress": False}
    cross_validate(methods, samples, out=tmp_path, **call)
    other = GradientProbeSettings(epochs=20)
    with pytest.raises(ValueError, match=r"holds results of gradient_probe with .*'epochs': 10"):
        cross_validate(methods, samples, out=tmp_path, gradient_probe=other, **call)


def test_settings_are_checked():
    with pytest.raises(ValueError, match="epochs is 0"):
        GradientProbeSettings(epochs=0)
    with pytest.raises(ValueError, match="learning_rate is -1"):
        GradientProbeSettings(learning_rate=-1)
