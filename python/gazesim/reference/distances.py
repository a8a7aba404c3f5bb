"""Distances, grid cells and the matrix of all pairs, for the twins of scanpath measures."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def as_scanpaths(gazes: Any) -> list[Array]:
    """Return every gaze as an (L, 3) array."""
    return [np.asarray(gaze, float).reshape(-1, 3) for gaze in gazes]


def all_pairs(
    gazes: Any, other: Any, compare: Callable[[Any, Any], Any], undefined: float, prepare: Any = as_scanpaths
) -> Array:
    """Return compare(a, b) for every pair, ``undefined`` where one of the two is empty."""
    rows = prepare(gazes)
    cols = rows if other is None else prepare(other)
    pairs = [[compare(a, b) if len(a) and len(b) else undefined for b in cols] for a in rows]
    return np.array(pairs, float).reshape(len(rows), len(cols))


def as_affinity(matrix: Array) -> NDArray[np.float32]:
    """Return numbers clipped to [0, 1], 0 where they are undefined."""
    clipped: NDArray[np.float32] = np.nan_to_num(np.clip(matrix, 0, 1), nan=0.0).astype(np.float32)
    return clipped


def squared_distances(a: Array, b: Array) -> Array:
    """Return the squared Euclidean distances of all points, (n, m)."""
    squares: Array = (a[:, None, 0] - b[None, :, 0]) ** 2 + (a[:, None, 1] - b[None, :, 1]) ** 2
    return squares


def distances(a: Array, b: Array) -> Array:
    """Return the Euclidean distances of all points, (n, m)."""
    return np.sqrt(squared_distances(a, b))


def cells(gaze: Array, screen_size: Any, grid: Any) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return columns and rows of the grid cells of all fixations; points outside take the border cell."""
    (width, height), (columns, rows) = screen_size, grid
    column = np.clip(np.floor(gaze[:, 0] * columns / width), 0, columns - 1)
    row = np.clip(np.floor(gaze[:, 1] * rows / height), 0, rows - 1)
    return column.astype(np.int64), row.astype(np.int64)
