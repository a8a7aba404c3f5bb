"""Eyenalysis (Mathôt, Cristino, Gilchrist and Theeuwes 2012), from the definition."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .distances import Array, all_pairs, as_affinity, squared_distances


def compare(a: Array, b: Array, duration_px_per_s: float, squared: bool) -> tuple[float, int, int]:
    """Return the sum of all fixations' distances to the nearest of the other scanpath, and both lengths."""
    squares = squared_distances(a, b)
    squares = squares + (duration_px_per_s * (a[:, None, 2] - b[None, :, 2])) ** 2
    far = squares if squared else np.sqrt(squares)
    return float(far.min(axis=1).sum() + far.min(axis=0).sum()), len(a), len(b)


def eyenalysis(
    gazes: Any,
    other: Any = None,
    *,
    duration_px_per_s: float = 0.0,
    squared: bool = False,
    denominator: str = "max",
) -> Array:
    """Return the sum of nearest distances over max(n, m), or over n + m."""

    def mean(a: Array, b: Array) -> float:
        total, n, m = compare(a, b, duration_px_per_s, squared)
        return total / (max(n, m) if denominator == "max" else n + m)

    return all_pairs(gazes, other, mean, np.nan)


def affinity(
    gazes: Any,
    other: Any = None,
    *,
    screen_size: Any,
    duration_px_per_s: float = 0.0,
    squared: bool = False,
) -> NDArray[np.float32]:
    """Return 1 - (mean distance to the nearest fixation) / screen diagonal, both squared if ``squared``."""
    mean = eyenalysis(gazes, other, duration_px_per_s=duration_px_per_s, squared=squared, denominator="sum")
    diagonal = np.hypot(*screen_size)
    return as_affinity(1 - mean / (diagonal**2 if squared else diagonal))
