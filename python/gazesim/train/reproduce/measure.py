"""The scores of one cell: a network, the images of its fold, and the protocol of its experiment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from ..data.samples import Samples
from ..evaluation.figures import gaze_points, plot_affinity_maps, unseen_point
from ..evaluation.gradient_probe import fit_by_gradient
from ..evaluation.linear_probe import embed
from ..evaluation.protocols import Method, cross_validate
from ..evaluation.settings import FineTuneSettings, GradientProbeSettings
from .experiment import Experiment
from .layout import Score

__all__ = ["draw_maps", "measured"]

#: Images in a picture of affinity maps, and fixated points in each.
IMAGES, POINTS = 3, 2


def measured(
    experiment: Experiment, line: str, fold: int, networks: Mapping[int, Method], samples: Samples
) -> list[Score]:
    """Return the scores of a line in a fold on the test split of the samples.

    Parameters
    ----------
    experiment
        Its protocol, settings, shares of labels and metrics.
    line, fold
        What scores are named by.
    networks
        By the epoch after which they are measured.
    samples
        Images whose splits are those of the fold.
    """
    found = []
    for epoch, network in networks.items():
        rows = cross_validate(
            {line: network},
            samples,
            folds=None,
            protocols=[experiment.protocol],
            fractions=experiment.fractions,
            ordinal=experiment.ordinal,
            progress=False,
            **_settings(experiment),
        )
        found += [Score(line, fold, epoch, row.fraction, row.metric, row.value) for row in rows]
    return found


def _settings(experiment: Experiment) -> dict[str, Any]:
    kinds: dict[str, Any] = {"finetune": FineTuneSettings, "gradient_probe": GradientProbeSettings}
    return {experiment.protocol: kinds[experiment.protocol](**experiment.settings)}


def draw_maps(
    experiment: Experiment, networks: Mapping[str, nn.Module], samples: Samples, path: Path
) -> dict[str, Any]:
    """Draw affinity maps of test images, a column per network, and return what was drawn.

    A row is a point: the two places of an image that were looked at most, and the one farthest from all gaze.
    Channels are weighted by what the linear probe reads of them: the norm of their weights over the classes.
    """
    chosen = _images(samples)
    points = [gaze_points(samples, i, POINTS) for i in chosen]
    far = [unseen_point(samples, i) for i in chosen]
    negatives = [[] if point is None else [point] for point in far]
    weights = {name: probe_weights(experiment, net, samples) for name, net in networks.items()}
    plot_affinity_maps(
        networks, samples, chosen, path, points_xy=points, negatives_xy=negatives, weights=weights
    )
    ids = [samples.ids[i] for i in chosen]
    return {"images": ids, "points_xy": points, "negatives_xy": negatives}


def probe_weights(experiment: Experiment, network: nn.Module, samples: Samples) -> torch.Tensor:
    """Return (D,) the norm over classes of a linear probe's weights, fitted on the training split."""
    train = [i for i, split in enumerate(samples.splits) if split == "train" and samples.labels[i] >= 0]
    settings = GradientProbeSettings(**experiment.settings)
    features = embed(network, samples.take(train))
    labels = np.array([samples.labels[i] for i in train])
    fitted = fit_by_gradient(features, labels, len(samples.class_names), settings)
    norms: torch.Tensor = torch.linalg.vector_norm(fitted.weight, dim=0)
    return norms


def _images(samples: Samples) -> list[int]:
    """Return test images with gaze, of different classes if possible."""
    test = [i for i, split in enumerate(samples.splits) if split == "test" and samples.has_gaze(i)]
    if not test:
        raise ValueError("no test image has gaze; expected some whose points can be drawn")
    seen: dict[int, int] = {}
    order = []
    for i in test:
        seen[samples.labels[i]] = seen.get(samples.labels[i], 0) + 1
        order.append((seen[samples.labels[i]], samples.labels[i], i))
    return [i for *_, i in sorted(order)[:IMAGES]]


def as_plain(scores: list[Score]) -> list[dict[str, Any]]:
    """Return scores as plain values."""
    return [asdict(score) for score in scores]
