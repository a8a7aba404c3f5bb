"""Discrete Fréchet distance of fixations (Eiter and Mannila 1994), from the definition."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .distances import Array, all_pairs, as_affinity, distances


def leash(cost: Array) -> float:
    """Return the smallest possible maximum of the cells along a path from the first to the last cell."""
    ways: dict[tuple[int, int], float] = {}
    for i, j in np.ndindex(cost.shape):
        before = [ways[cell] for cell in ((i - 1, j - 1), (i - 1, j), (i, j - 1)) if cell in ways]
        ways[i, j] = max(float(cost[i, j]), min(before, default=0.0))
    return ways[cost.shape[0] - 1, cost.shape[1] - 1]


def frechet_distance(gazes: Any, other: Any = None) -> Array:
    """Return the discrete Fréchet distance in px of every pair."""
    return all_pairs(gazes, other, lambda a, b: leash(distances(a, b)), np.nan)


def affinity(gazes: Any, other: Any = None, *, screen_size: Any) -> NDArray[np.float32]:
    """Return 1 - distance / screen diagonal."""
    return as_affinity(1 - frechet_distance(gazes, other) / np.hypot(*screen_size))
