"""Hausdorff distance of fixations, from the definition."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .distances import Array, all_pairs, as_affinity, distances


def farthest_nearest(cost: Array) -> float:
    """Return the larger of both directed distances: the largest distance of a point to its nearest one."""
    return max(float(cost.min(axis=1).max()), float(cost.min(axis=0).max()))


def hausdorff_distance(gazes: Any, other: Any = None) -> Array:
    """Return the Hausdorff distance in px of every pair."""
    return all_pairs(gazes, other, lambda a, b: farthest_nearest(distances(a, b)), np.nan)


def affinity(gazes: Any, other: Any = None, *, screen_size: Any) -> NDArray[np.float32]:
    """Return 1 - distance / screen diagonal."""
    return as_affinity(1 - hausdorff_distance(gazes, other) / np.hypot(*screen_size))
