"""The saliency measures pixel by pixel, from their published formulas (Bylinskii et al. 2019).

Fixations are lists of (row, column), one entry per fixation; ``fixated`` is a mask of pixels.
"""

from __future__ import annotations

import itertools
import math
import sys
from collections.abc import Sequence
from typing import Any

import numpy as np

Pixels = Sequence[tuple[int, int]]


def cc(predicted: Any, true: Any) -> float:
    """Return σ(p, q) / (σ(p) σ(q))."""
    p, q = np.ravel(predicted).tolist(), np.ravel(true).tolist()
    mean_p, mean_q = math.fsum(p) / len(p), math.fsum(q) / len(q)
    covariance = math.fsum((a - mean_p) * (b - mean_q) for a, b in zip(p, q, strict=True))
    variances = [math.fsum((a - mean) ** 2 for a in values) for values, mean in ((p, mean_p), (q, mean_q))]
    return covariance / math.sqrt(variances[0] * variances[1])


def sim(predicted: Any, true: Any) -> float:
    """Return Σ min(p, q) of densities."""
    return math.fsum(min(a, b) for a, b in zip(_density(predicted), _density(true), strict=True))


def kl_divergence(predicted: Any, true: Any) -> float:
    """Return Σ q log(ε + q / (ε + p)) of densities."""
    epsilon = sys.float_info.epsilon
    pairs = zip(_density(predicted), _density(true), strict=True)
    return math.fsum(q * math.log(epsilon + q / (epsilon + p)) for p, q in pairs)


def nss(predicted: Any, fixated: Any) -> float:
    """Return the mean of (p − mean) / standard deviation at fixated pixels, each counted once."""
    return nss_of_fixations(predicted, list(zip(*np.nonzero(fixated), strict=True)))


def nss_of_fixations(predicted: Any, fixations: Pixels) -> float:
    """Return the mean of (p − mean) / standard deviation over fixations."""
    p = np.ravel(predicted).tolist()
    mean = math.fsum(p) / len(p)
    deviation = math.sqrt(math.fsum((a - mean) ** 2 for a in p) / len(p))
    return math.fsum((predicted[at] - mean) / deviation for at in fixations) / len(fixations)


def auc(predicted: Any, fixations: Pixels, negatives: Sequence[float] | None = None) -> float:
    """Return the share of (fixation, negative) pairs in which the fixation is higher; ties count ½.

    Negatives are values of the map; default: the values of all its pixels.
    """
    others = np.ravel(predicted).tolist() if negatives is None else list(negatives)
    won = [
        1.0 if predicted[at] > other else 0.5 if predicted[at] == other else 0.0
        for at in fixations
        for other in others
    ]
    return math.fsum(won) / len(won)


def shuffled_auc(predicted: Sequence[Any], fixations: Sequence[Pixels]) -> list[float]:
    """Return for maps of one size the AUC of each image's fixations against those of all others."""
    return [
        auc(p, at, [p[one] for other in range(len(fixations)) if other != i for one in fixations[other]])
        for i, (p, at) in enumerate(zip(predicted, fixations, strict=True))
    ]


def information_gain(predicted: Any, fixations: Pixels, baseline: Any) -> float:
    """Return the mean of log2 p − log2 b over fixations, p and b scaled to the sum 1."""
    p, b = (np.reshape(_density(one), np.shape(one)) for one in (predicted, baseline))
    return math.fsum(math.log2(p[at]) - math.log2(b[at]) for at in fixations) / len(fixations)


def smooth_density(fixations: Pixels, shape: tuple[int, int], sigma_px: float, uniform_share: float) -> Any:
    """Return the mixture, with the sum 1, of Gaussians around the fixations and a uniform density.

    Each Gaussian is a product of two of the sum 1, cut at four standard deviations.
    """
    radius = int(4 * sigma_px + 0.5)
    weights = [math.exp(-0.5 * (step / sigma_px) ** 2) for step in range(-radius, radius + 1)]
    kernel = {step: weight / math.fsum(weights) for step, weight in enumerate(weights, start=-radius)}
    density = np.zeros(shape)
    for (row, column), (i, j) in itertools.product(fixations, np.ndindex(shape)):
        density[i, j] += kernel.get(i - row, 0.0) * kernel.get(j - column, 0.0)
    return (1 - uniform_share) * density / density.sum() + uniform_share / density.size


def auc_judd(predicted: Any, fixated: Any) -> float:
    """Return the area under hits against false alarms, thresholds at the fixated pixels' values."""
    p, at = np.ravel(predicted).tolist(), np.ravel(fixated).tolist()
    hits = [a for a, yes in zip(p, at, strict=True) if yes]
    others = [a for a, yes in zip(p, at, strict=True) if not yes]
    curve = [(0.0, 0.0)]
    for threshold in sorted(set(hits), reverse=True):
        reach = [sum(a >= threshold for a in values) / len(values) for values in (others, hits)]
        curve.append((reach[0], reach[1]))
    curve.append((1.0, 1.0))
    return sum((b[0] - a[0]) * (a[1] + b[1]) / 2 for a, b in itertools.pairwise(curve))


def _density(values: Any) -> list[float]:
    flat: list[float] = np.ravel(values).tolist()
    total = math.fsum(flat)
    return [value / total for value in flat]
