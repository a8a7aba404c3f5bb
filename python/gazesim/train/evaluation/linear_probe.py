"""The linear probe: a linear classifier on frozen features."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn import functional

from ..._errors import describe, number
from ..._progress import ProgressBar
from ..data.samples import Samples
from ..measuring import as_input_of, measuring
from .settings import ProbeSettings

__all__ = ["LinearClassifier", "checked_features", "embed", "fit_linear", "fit_probe"]

#: Tolerance of the largest gradient at the minimum, and the most iterations; hundreds are usual.
TOLERANCE, MOST_STEPS = 1e-8, 10_000


@dataclass(frozen=True)
class LinearClassifier:
    """Class scores (n, classes) of features (n, D): standardised, times weights, plus intercepts."""

    mean: torch.Tensor
    scale: torch.Tensor
    weight: torch.Tensor
    intercept: torch.Tensor
    l2: float

    def logits(self, features: torch.Tensor) -> torch.Tensor:
        """Return logits; a class that was not trained on has the logit −inf."""
        return ((features.double() - self.mean) / self.scale) @ self.weight.T + self.intercept

    def probabilities(self, features: torch.Tensor) -> NDArray[np.float64]:
        """Return the probability of every class, (n, classes)."""
        found: NDArray[np.float64] = self.logits(features).softmax(dim=1).numpy()
        return found


def embed(
    backbone: nn.Module, samples: Samples, *, batch_size: int = 128, progress: bool = False
) -> torch.Tensor:
    """Return the features of all samples, (n, D) float32 on the CPU.

    The network runs in evaluation mode without gradients and is unchanged afterwards (see
    :func:`gazesim.train.measuring.measuring`). It runs on the device of its parameters, and images are
    cast to their type.

    Examples
    --------
    >>> import numpy as np
    >>> from gazesim.train import ArraySamples, embed, make_backbone
    >>> backbone = make_backbone("resnet10-narrow", channels=1)
    >>> embed(backbone, ArraySamples(np.zeros((3, 64, 64)))).shape
    torch.Size([3, 128])
    """
    if not len(samples):
        raise ValueError("samples is empty; expected images")
    parts = []
    starts = range(0, len(samples), batch_size)
    with measuring(backbone):
        for start in ProgressBar(starts, unit=" batches", desc="features", disable=not progress):
            last = min(start + batch_size, len(samples))
            images = torch.stack([samples.image(i) for i in range(start, last)])
            parts.append(_features(backbone, as_input_of(backbone, images)).float().cpu())
    return torch.cat(parts)


def _features(backbone: nn.Module, images: torch.Tensor) -> torch.Tensor:
    features: torch.Tensor = backbone(images)
    if not isinstance(features, torch.Tensor) or features.ndim != 2 or len(features) != len(images):
        raise ValueError(
            f"backbone returned {describe(features)} for {len(images)} images; expected features (N, D)"
        )
    return features


def fit_probe(
    features: torch.Tensor,
    targets: Sequence[int] | NDArray[Any],
    classes: int,
    settings: ProbeSettings,
    validation: tuple[torch.Tensor, NDArray[Any]] | None = None,
) -> LinearClassifier:
    """Fit a classifier; with validation (features, targets) the penalty is chosen there."""
    if validation is None or not len(validation[1]):
        return fit_linear(features, targets, classes, l2=settings.l2)
    unseen, true = validation[0], torch.as_tensor(np.asarray(validation[1], np.int64))
    # With few labels, penalties often score the same. Then the one nearest to the default is taken, and
    # of two equally near ones the stronger.
    near = sorted(settings.candidates, key=lambda l2: (abs(np.log(l2 / settings.l2)), -l2))
    fitted = [fit_linear(features, targets, classes, l2=l2) for l2 in near]
    losses = [float(functional.cross_entropy(_finite(one.logits(unseen)), true)) for one in fitted]
    return fitted[int(np.argmax(np.isclose(losses, min(losses), rtol=1e-6)))]


def _finite(logits: torch.Tensor) -> torch.Tensor:
    """Replace the logits −inf of untrained classes, so that they cost the same under every penalty."""
    return logits.clamp_min(-1e3)


def fit_linear(
    features: torch.Tensor, targets: Sequence[int] | NDArray[Any], classes: int, *, l2: float = 1.0
) -> LinearClassifier:
    """Fit multinomial logistic regression on standardised features, in float64.

    This is scikit-learn's ``LogisticRegression(C=1 / l2)`` after ``StandardScaler``; for
    two classes, where scikit-learn keeps one vector of weights in place of two, as ``C=2 / l2``. A
    feature that does not vary is left unscaled.

    Parameters
    ----------
    features
        (n, D), finite.
    targets
        (n,) classes from 0 to ``classes`` − 1; two of them at least. A class that nobody has is
        never predicted.
    l2
        The penalty λ in Σ cross-entropy + λ/2 ‖W‖².

    Examples
    --------
    >>> import torch
    >>> from gazesim.train.evaluation.linear_probe import fit_linear
    >>> features = torch.tensor([[0.0], [1.0], [10.0], [11.0]])
    >>> fit_linear(features, [0, 0, 1, 1], 2).probabilities(features).argmax(axis=1)
    array([0, 0, 1, 1])
    """
    number("l2", l2, low=0.0, open_low=True)
    pixels, true = checked_features(features, targets, classes)
    mean, scale = pixels.mean(dim=0), pixels.std(dim=0, correction=0)
    scale = torch.where(scale > 10 * torch.finfo(torch.float32).eps * mean.abs(), scale, 1.0)
    present, position = np.unique(true.numpy(), return_inverse=True)
    weight, intercept = _minimise(((pixels - mean) / scale).numpy(), position, len(present), l2)
    every_weight = torch.zeros(classes, pixels.shape[1], dtype=torch.float64)
    every_intercept = torch.full((classes,), -torch.inf, dtype=torch.float64)
    every_weight[present] = torch.from_numpy(weight)
    every_intercept[present] = torch.from_numpy(intercept)
    return LinearClassifier(mean, scale, every_weight, every_intercept, l2)


def checked_features(features: Any, targets: Any, classes: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Return features (n, D) in float64 and classes (n,); raise for what no probe is fitted on."""
    if not isinstance(features, torch.Tensor) or features.ndim != 2:
        raise ValueError(f"features is {describe(features)}; expected a tensor (n, D)")
    true = np.asarray(targets)
    if true.shape != (len(features),) or true.dtype.kind not in "iu":
        raise ValueError(f"targets is {describe(targets)}; expected {len(features)} whole numbers")
    if not torch.isfinite(features).all():
        sample, column = (int(at) for at in (~torch.isfinite(features)).nonzero()[0])
        raise ValueError(
            f"features: sample {sample}, column {column} is {float(features[sample, column])}; "
            "expected finite numbers"
        )
    if not 0 <= true.min() <= true.max() < classes or len(np.unique(true)) < 2:
        raise ValueError(
            f"targets holds {np.unique(true).tolist()}; expected two classes or more, from 0 to {classes - 1}"
        )
    return features.double().cpu(), torch.from_numpy(true.astype(np.int64))


def _minimise(
    features: NDArray[np.float64], targets: NDArray[Any], classes: int, l2: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return weights (classes, D) and intercepts (classes,) at the minimum, by scikit-learn."""
    from sklearn.linear_model import LogisticRegression

    # Of two classes it keeps the difference w of two weights -w/2 and w/2, whose penalty is half of w's.
    strength = (2 if classes == 2 else 1) / l2
    fitted = LogisticRegression(C=strength, tol=TOLERANCE, max_iter=MOST_STEPS).fit(features, targets)
    weight, intercept = fitted.coef_, fitted.intercept_
    if classes == 2:
        weight = np.concatenate([-weight, weight]) / 2
        intercept = np.concatenate([-intercept, intercept]) / 2
    return weight, intercept - intercept.mean()
