"""The linear probe as papers run it: a linear layer on frozen features, by Adam, for a few epochs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from numpy.typing import NDArray
from torch.nn import functional

from ..lightning_tools import epoch_order
from .linear_probe import LinearClassifier, checked_features
from .settings import GradientProbeSettings

__all__ = ["fit_by_gradient"]


def fit_by_gradient(
    features: torch.Tensor,
    targets: Sequence[int] | NDArray[Any],
    classes: int,
    settings: GradientProbeSettings,
    *,
    seed: int = 0,
) -> LinearClassifier:
    """Fit a linear layer on unscaled features by Adam on batches, for a fixed number of epochs.

    :func:`fit_linear` finds the exact optimum; this follows the papers' schedule, which with 2e-5 and ten
    epochs ends far from the optimum. Weights start at 0.

    Parameters
    ----------
    features, targets, classes
        As for :func:`fit_linear`.
    settings
        Epochs, learning rate, weight decay and batch size.
    seed
        Decides the order of every epoch.

    Examples
    --------
    >>> import torch
    >>> from gazesim.train import GradientProbeSettings
    >>> from gazesim.train.evaluation.gradient_probe import fit_by_gradient
    >>> features = torch.tensor([[-1.0], [-2.0], [1.0], [2.0]])
    >>> settings = GradientProbeSettings(epochs=2, learning_rate=0.1)
    >>> fit_by_gradient(features, [0, 0, 1, 1], 2, settings).probabilities(features).argmax(axis=1)
    array([0, 0, 1, 1])
    """
    inputs, true = checked_features(features, targets, classes)
    weight = torch.zeros(classes, inputs.shape[1], dtype=torch.float64, requires_grad=True)
    intercept = torch.zeros(classes, dtype=torch.float64, requires_grad=True)
    optimiser = torch.optim.Adam(
        [weight, intercept], lr=settings.learning_rate, weight_decay=settings.weight_decay
    )
    for epoch in range(settings.epochs):
        order = torch.from_numpy(epoch_order(len(true), seed, epoch))
        for chosen in torch.split(order, settings.batch_size):
            optimiser.zero_grad()
            logits = inputs[chosen] @ weight.T + intercept
            functional.cross_entropy(logits, true[chosen]).backward()  # type: ignore[no-untyped-call]
            optimiser.step()
    mean, scale = torch.zeros(inputs.shape[1]).double(), torch.ones(inputs.shape[1]).double()
    return LinearClassifier(mean, scale, weight.detach(), intercept.detach(), 0.0)
