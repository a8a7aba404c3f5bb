"""The linear probe: how much a linear classifier reads out of frozen features."""

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
from .settings import ProbeSettings

__all__ = ["LinearClassifier", "embed", "fit_linear", "fit_probe"]


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

    The network is in eval mode meanwhile, without gradients, and as it was afterwards. It runs where
    its parameters are.

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
    training, device = backbone.training, device_of(backbone)
    parts = []
    starts = range(0, len(samples), batch_size)
    backbone.eval()
    try:
        with torch.inference_mode():
            for start in ProgressBar(starts, unit=" batches", desc="features", disable=not progress):
                last = min(start + batch_size, len(samples))
                images = torch.stack([samples.image(i) for i in range(start, last)])
                parts.append(_features(backbone, images.to(device)).float().cpu())
    finally:
        backbone.train(training)
    return torch.cat(parts)


def _features(backbone: nn.Module, images: torch.Tensor) -> torch.Tensor:
    features: torch.Tensor = backbone(images)
    if not isinstance(features, torch.Tensor) or features.ndim != 2 or len(features) != len(images):
        raise ValueError(
            f"backbone returned {describe(features)} for {len(images)} images; expected features (N, D)"
        )
    return features


def device_of(module: nn.Module) -> torch.device:
    """Return where a module's parameters are."""
    parameter = next(module.parameters(), None)
    return torch.device("cpu") if parameter is None else parameter.device


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
    # Few labels often cannot tell penalties apart: then the default is the better guess, and of two
    # as near to it the stronger one.
    near = sorted(settings.candidates, key=lambda l2: (abs(np.log(l2 / settings.l2)), -l2))
    fitted = [fit_linear(features, targets, classes, l2=l2) for l2 in near]
    losses = [float(functional.cross_entropy(_finite(one.logits(unseen)), true)) for one in fitted]
    return fitted[int(np.argmax(np.isclose(losses, min(losses), rtol=1e-6)))]


def _finite(logits: torch.Tensor) -> torch.Tensor:
    """An untrained class costs the same under every penalty, not infinitely much."""
    return logits.clamp_min(-1e3)


def fit_linear(
    features: torch.Tensor, targets: Sequence[int] | NDArray[Any], classes: int, *, l2: float = 1.0
) -> LinearClassifier:
    """Fit multinomial logistic regression on standardised features, in float64 with LBFGS.

    The same minimum as scikit-learn's ``LogisticRegression(C=1 / l2)`` after ``StandardScaler``; for
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
    pixels, true = _checked(features, targets, classes)
    mean, scale = pixels.mean(dim=0), pixels.std(dim=0, correction=0)
    scale = torch.where(scale > 10 * torch.finfo(torch.float32).eps * mean.abs(), scale, 1.0)
    present, position = np.unique(true.numpy(), return_inverse=True)
    weight, intercept = _minimise((pixels - mean) / scale, torch.from_numpy(position), len(present), l2)
    every_weight = torch.zeros(classes, pixels.shape[1], dtype=torch.float64)
    every_intercept = torch.full((classes,), -torch.inf, dtype=torch.float64)
    every_weight[present], every_intercept[present] = weight, intercept
    return LinearClassifier(mean, scale, every_weight, every_intercept, l2)


def _checked(features: Any, targets: Any, classes: int) -> tuple[torch.Tensor, torch.Tensor]:
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
    features: torch.Tensor, targets: torch.Tensor, classes: int, l2: float
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return weights (classes, D) and intercepts at the minimum."""
    # The weights at the minimum are sums of samples: of few samples with many features, only the
    # plane that they span has to be searched.
    basis = None
    if len(features) < features.shape[1]:
        basis = torch.linalg.qr(features.T).Q
        features = features @ basis
    weight = torch.zeros(classes, features.shape[1], dtype=torch.float64, requires_grad=True)
    intercept = torch.zeros(classes, dtype=torch.float64, requires_grad=True)
    solver = torch.optim.LBFGS(
        [weight, intercept],
        max_iter=1000,
        tolerance_grad=1e-8,
        tolerance_change=1e-14,
        history_size=20,
        line_search_fn="strong_wolfe",
    )

    def loss() -> torch.Tensor:
        solver.zero_grad()
        logits = features @ weight.T + intercept
        cost = functional.cross_entropy(logits, targets) + l2 / 2 / len(targets) * weight.square().sum()
        cost.backward()  # type: ignore[no-untyped-call]
        return cost

    solver.step(loss)  # type: ignore[no-untyped-call]
    found = weight.detach()
    return (found if basis is None else found @ basis.T), intercept.detach() - intercept.detach().mean()
