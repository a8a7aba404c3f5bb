"""Cross-recurrence (Anderson, Anderson, Kingstone and Bischof 2015), from the definitions."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .distances import Array, all_pairs, as_affinity, as_scanpaths, squared_distances


def radius_in_px(radius_px: float | None, radius_deg: float | None, geometry: Any) -> float:
    """Return a radius in pixels; degrees are those around the centre of the screen, the mean of both axes."""
    if radius_px is not None:
        return radius_px
    assert radius_deg is not None
    one_degree_cm = 2 * geometry.distance_cm * np.tan(np.pi / 360)
    sides = zip(geometry.size_px, geometry.size_cm, strict=True)
    return float(radius_deg * np.mean([one_degree_cm * px / cm for px, cm in sides]))


def recurrence_matrix(a: Array, b: Array, radius_px: float) -> NDArray[np.bool_]:
    """Return the recurrence matrix: pairs of fixations within the radius, both cut to the shorter length."""
    count = min(len(a), len(b))
    near: NDArray[np.bool_] = squared_distances(a[:count], b[:count]) <= radius_px**2
    return near


def on_lines(line: NDArray[np.bool_], min_line: int) -> int:
    """Return the number of points in runs of at least ``min_line``."""
    ends = np.flatnonzero(np.diff(np.concatenate([[0], line.astype(int), [0]])))
    runs = ends[1::2] - ends[::2]
    return int(runs[runs >= min_line].sum())


def measures(a: Array, b: Array, radius_px: float, min_line: int) -> tuple[float, float, float, float]:
    """Return REC, DET, LAM and CORM of two scanpaths."""
    near = recurrence_matrix(a, b, radius_px)
    size, points = len(near), int(near.sum())
    if points == 0:
        return 0.0, np.nan, np.nan, np.nan
    diagonal = sum(on_lines(near.diagonal(k), min_line) for k in range(1 - size, size))
    horizontal = sum(on_lines(row, min_line) for row in near)
    vertical = sum(on_lines(column, min_line) for column in near.T)
    i, j = np.nonzero(near)
    centre = 100 * (j - i).sum() / ((size - 1) * points) if size > 1 else np.nan
    return (
        100 * points / size**2,
        100 * diagonal / points,
        100 * (horizontal + vertical) / (2 * points),
        float(centre),
    )


def recurrence(
    gazes: Any,
    other: Any = None,
    *,
    radius_px: float | None = None,
    min_line: int = 2,
    radius_deg: float | None = None,
    geometry: Any = None,
) -> tuple[Array, Array, Array, Array]:
    """Return REC, DET, LAM and CORM of every pair, in percent."""
    radius = radius_in_px(radius_px, radius_deg, geometry)
    rows = as_scanpaths(gazes)
    cols = rows if other is None else as_scanpaths(other)
    undefined = (np.nan,) * 4
    pairs = [
        [measures(a, b, radius, min_line) if len(a) and len(b) else undefined for b in cols] for a in rows
    ]
    rec, det, lam, corm = np.moveaxis(np.array(pairs, float).reshape(len(rows), len(cols), 4), -1, 0)
    return rec, det, lam, corm


def affinity(
    gazes: Any,
    other: Any = None,
    *,
    radius_px: float | None = None,
    screen_size: Any = None,
    radius_deg: float | None = None,
    geometry: Any = None,
) -> NDArray[np.float32]:
    """Return REC as a share."""
    radius = radius_in_px(radius_px, radius_deg, geometry)

    def share(a: Array, b: Array) -> float:
        return float(recurrence_matrix(a, b, radius).mean())

    return as_affinity(all_pairs(gazes, other, share, 0.0))
