"""Differences between two arms, seed by seed, and how sure they are."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

#: Up to this many seeds every resample is looked at (5 seeds: 3,125), so no chance is left.
EXHAUSTIVE = 6
RESAMPLES = 20_000


@dataclass(frozen=True)
class Spread:
    """Mean and standard deviation (n − 1) over seeds; NaN where there are too few."""

    count: int
    mean: float
    std: float


@dataclass(frozen=True)
class Paired:
    """Differences of cells of equal seed: mean, standard deviation and two intervals for the mean.

    The t interval takes the differences for normal, the bootstrap interval (percentiles) does not, but
    is too narrow for few seeds. Results here are often bimodal, which neither likes: look at the
    differences themselves, too.
    """

    differences: tuple[float, ...]
    mean: float
    std: float
    t: tuple[float, float]
    bootstrap: tuple[float, float]


def p_value(differences: Sequence[float]) -> float:
    """Return the two-sided p of a paired t test against no difference; NaN below two differences."""
    middle = spread(differences)
    if middle.count < 2:
        return math.nan
    if middle.std == 0:
        return 1.0 if middle.mean == 0 else 0.0
    t = abs(middle.mean) / (middle.std / math.sqrt(middle.count))
    return float(2 * stats.t.sf(t, middle.count - 1))


def holm(values: Sequence[float]) -> list[float]:
    """Return p values corrected for their number (Holm 1979); NaN stay, and do not count."""
    found = list(map(float, values))
    known = sorted((one, at) for at, one in enumerate(found) if not math.isnan(one))
    reached = 0.0
    for rank, (one, at) in enumerate(known):
        reached = max(reached, min(1.0, (len(known) - rank) * one))
        found[at] = reached
    return found


def spread(values: Sequence[float]) -> Spread:
    """Return mean and standard deviation."""
    numbers = np.asarray(values, float)
    mean = float(numbers.mean()) if len(numbers) else math.nan
    return Spread(len(numbers), mean, float(numbers.std(ddof=1)) if len(numbers) > 1 else math.nan)


def paired(differences: Sequence[float], *, level: float = 0.95, seed: int = 0) -> Paired:
    """Return the mean difference with its intervals; below two differences they are NaN."""
    numbers = np.asarray(differences, float)
    middle = spread(differences)
    if len(numbers) < 2:
        nothing = (math.nan, math.nan)
        return Paired(tuple(numbers.tolist()), middle.mean, middle.std, nothing, nothing)
    reach = float(stats.t.ppf(0.5 + level / 2, len(numbers) - 1)) * middle.std / math.sqrt(len(numbers))
    means = _resampled_means(numbers, seed)
    ends = [0.5 - level / 2, 0.5 + level / 2]
    low, high = np.quantile(means, ends, method="inverted_cdf").tolist()
    return Paired(
        tuple(numbers.tolist()),
        middle.mean,
        middle.std,
        (middle.mean - reach, middle.mean + reach),
        (low, high),
    )


def _resampled_means(numbers: NDArray[np.float64], seed: int) -> NDArray[np.float64]:
    count = len(numbers)
    if count <= EXHAUSTIVE:
        drawn = np.array(list(itertools.product(range(count), repeat=count)))
    else:
        drawn = np.random.default_rng(seed).integers(count, size=(RESAMPLES, count))
    means: NDArray[np.float64] = numbers[drawn].mean(axis=1)
    return means
