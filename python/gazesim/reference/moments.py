"""Gaze moments and Hu invariants, from the definition (McGIP, eq. 2 and 3; Hu 1962)."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .heatmaps import resize

Array = NDArray[np.float64]

#: A smaller mass is none: quotients by it would not be finite.
MIN_MASS = 1e-200


def central_moment(heatmap: Array, p: int, q: int) -> float:
    """Return μ_pq = Σ (x - x̄)^p (y - ȳ)^q v in pixel units."""
    y, x = np.indices(heatmap.shape)
    mass = heatmap.sum()
    x0, y0 = (x * heatmap).sum() / mass, (y * heatmap).sum() / mass
    return float(((x - x0) ** p * (y - y0) ** q * heatmap).sum())


def gaze_moments(heatmap: Any, size: tuple[int, int] | None = None) -> Array:
    """Return [μ00, φ1] with φ1 = (μ20 + μ02) / μ00²; zeros for a map without mass."""
    values = np.asarray(heatmap) if size is None else resize(heatmap, size, "bilinear")
    values = values.astype(float)
    mass = values.sum()
    if mass < MIN_MASS:
        return np.zeros(2)
    spread = central_moment(values, 2, 0) + central_moment(values, 0, 2)
    return np.array([mass, spread / mass**2])


def relative_difference(a: Any, b: Any) -> Array:
    """Return δ(a, b) = |a - b| / max(a, b), 0 for equal values."""
    a, b = np.broadcast_arrays(np.asarray(a, float), np.asarray(b, float))
    largest = np.maximum(a, b)
    delta: Array = np.divide(np.abs(a - b), largest, out=np.zeros(a.shape), where=largest > 0)
    return delta


def affinity(
    gazes: Any, other: Any = None, *, alpha: float = 0.5, size: tuple[int, int] | None = None
) -> NDArray[np.float32]:
    """Return α(1 - δ(μ00)) + (1 - α)(1 - δ(φ1)) of every pair; 0 where a map has no mass."""
    rows = np.array([gaze_moments(gaze, size) for gaze in gazes]).reshape(-1, 2)
    cols = rows if other is None else np.array([gaze_moments(gaze, size) for gaze in other]).reshape(-1, 2)
    mass, spread = (relative_difference(rows[:, None, k], cols[None, :, k]) for k in range(2))
    valid = (rows[:, None, 0] > 0) & (cols[None, :, 0] > 0)
    return np.where(valid, alpha * (1 - mass) + (1 - alpha) * (1 - spread), 0).astype(np.float32)


def hu_moments(heatmaps: Any) -> Array:
    """Return the seven Hu invariants of every map, (n, 7); NaN for a map without mass."""
    return np.array([hu_of(np.asarray(heatmap, float)) for heatmap in heatmaps]).reshape(-1, 7)


def hu_of(heatmap: Array) -> Array:
    """Return the seven Hu invariants of one map."""
    mass = heatmap.sum()
    if mass < MIN_MASS:
        return np.full(7, np.nan)
    n = {
        (p, q): central_moment(heatmap, p, q) / mass ** (1 + (p + q) / 2) for p in range(4) for q in range(4)
    }
    a, b = n[3, 0] + n[1, 2], n[2, 1] + n[0, 3]
    c, d = n[3, 0] - 3 * n[1, 2], 3 * n[2, 1] - n[0, 3]
    e = n[2, 0] - n[0, 2]
    return np.array(
        [
            n[2, 0] + n[0, 2],
            e**2 + 4 * n[1, 1] ** 2,
            c**2 + d**2,
            a**2 + b**2,
            c * a * (a**2 - 3 * b**2) + d * b * (3 * a**2 - b**2),
            e * (a**2 - b**2) + 4 * n[1, 1] * a * b,
            d * a * (a**2 - 3 * b**2) - c * b * (3 * a**2 - b**2),
        ]
    )
