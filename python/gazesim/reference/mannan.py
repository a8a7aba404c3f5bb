"""Mannan distance (Mannan, Ruddock and Wooding 1995), from the definition."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .distances import Array, all_pairs, as_affinity, squared_distances


def compare(a: Array, b: Array, screen_size: Any) -> float:
    """Return D of two scanpaths."""
    squares = squared_distances(a, b)
    n, m = squares.shape
    both = m * squares.min(axis=1).sum() + n * squares.min(axis=0).sum()
    return float(np.sqrt(both / (2 * n * m * (screen_size[0] ** 2 + screen_size[1] ** 2))))


def mannan_distance(gazes: Any, other: Any = None, *, screen_size: Any) -> Array:
    """Return D of every pair."""
    return all_pairs(gazes, other, lambda a, b: compare(a, b, screen_size), np.nan)


def affinity(gazes: Any, other: Any = None, *, screen_size: Any) -> NDArray[np.float32]:
    """Return 1 - D."""
    return as_affinity(1 - mannan_distance(gazes, other, screen_size=screen_size))
