"""Dynamic time warping of fixations, from the definition."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .distances import Array, all_pairs, as_affinity, distances


def cheapest(cost: Array) -> tuple[float, int]:
    """Return the sum along the cheapest path, and the number of cells of the shortest path with this sum."""
    ways: dict[tuple[int, int], tuple[float, int]] = {}
    for i, j in np.ndindex(cost.shape):
        before = [ways[cell] for cell in ((i - 1, j - 1), (i - 1, j), (i, j - 1)) if cell in ways]
        total, length = min(before, default=(0.0, 0))
        ways[i, j] = (float(cost[i, j]) + total, length + 1)
    return ways[cost.shape[0] - 1, cost.shape[1] - 1]


def dtw_distance(gazes: Any, other: Any = None) -> Array:
    """Return the cost of the cheapest path in px of every pair."""
    return all_pairs(gazes, other, lambda a, b: cheapest(distances(a, b))[0], np.nan)


def dtw_path_length(gazes: Any, other: Any = None) -> Array:
    """Return the number of cells of the shortest cheapest path of every pair."""
    return all_pairs(gazes, other, lambda a, b: cheapest(distances(a, b))[1], np.nan)


def affinity(gazes: Any, other: Any = None, *, screen_size: Any) -> NDArray[np.float32]:
    """Return 1 - (cost / path length) / screen diagonal."""
    mean = dtw_distance(gazes, other) / dtw_path_length(gazes, other)
    return as_affinity(1 - mean / np.hypot(*screen_size))
