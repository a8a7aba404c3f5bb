"""Scasim (von der Malsburg and Vasishth 2011), from the definition."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .distances import Array, all_pairs, as_affinity


def angles_deg(a: Array, b: Array, geometry: Any) -> Array:
    """Return the angles between the viewing directions of all fixations, (n, m)."""
    centimetres = np.array(geometry.size_cm) / np.array(geometry.size_px)
    rays = [
        np.column_stack(
            [
                (gaze[:, :2] - np.array(geometry.size_px) / 2) * centimetres / geometry.distance_cm,
                np.ones(len(gaze)),
            ]
        )
        for gaze in (a, b)
    ]
    u, v = rays[0][:, None], rays[1][None]
    angles: Array = np.degrees(np.arctan2(np.linalg.norm(np.cross(u, v), axis=-1), (u * v).sum(axis=-1)))
    return angles


def edit_seconds(a: Array, b: Array, geometry: Any, modulator: float) -> float:
    """Return the least time that must be edited to turn one scanpath into the other."""
    near = modulator ** angles_deg(a, b, geometry)
    s, t = a[:, 2], b[:, 2]
    cost = np.empty((len(a) + 1, len(b) + 1))
    cost[:, 0] = np.concatenate([[0], np.cumsum(s)])
    cost[0] = np.concatenate([[0], np.cumsum(t)])
    for i in range(len(a)):
        for j in range(len(b)):
            change = abs(s[i] - t[j]) * near[i, j] + (s[i] + t[j]) * (1 - near[i, j])
            cost[i + 1, j + 1] = min(cost[i, j] + change, cost[i, j + 1] + s[i], cost[i + 1, j] + t[j])
    return float(cost[-1, -1])


def scasim(
    gazes: Any, other: Any = None, *, geometry: Any, modulator: float = 0.83, normalise: str | None = None
) -> Array:
    """Return the edited seconds of every pair, as they are or divided by n + m or by both durations."""

    def compare(a: Array, b: Array) -> float:
        if not (a[:, 2].sum() > 0 and b[:, 2].sum() > 0):
            return np.nan  # a scanpath that lasts no time
        seconds = edit_seconds(a, b, geometry, modulator)
        if normalise == "fixations":
            return seconds / (len(a) + len(b))
        if normalise == "durations":
            return seconds / float(a[:, 2].sum() + b[:, 2].sum())
        return seconds

    return all_pairs(gazes, other, compare, np.nan)


def affinity(gazes: Any, other: Any = None, *, geometry: Any, modulator: float = 0.83) -> NDArray[np.float32]:
    """Return 1 - edited seconds / seconds of both; 0 where one of them lasts no time."""
    share = scasim(gazes, other, geometry=geometry, modulator=modulator, normalise="durations")
    return as_affinity(1 - share)
