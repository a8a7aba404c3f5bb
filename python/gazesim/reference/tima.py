"""TIMA, from the definition (GzPT, IEEE TMI 44(10), 2025)."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .heatmaps import render_heatmap, resize
from .moments import gaze_moments, relative_difference

Array = NDArray[np.float64]


def dbscan_labels(points: Any, *, eps: float, min_samples: int) -> NDArray[np.int64]:
    """Return the cluster of every point, -1 for noise.

    Clusters are numbered by their first core point; a border point belongs to the first cluster
    that reaches it.
    """
    points = np.asarray(points, float)
    near = ((points[:, None] - points[None]) ** 2).sum(-1) <= eps**2
    core = near.sum(1) >= min_samples
    labels = np.full(len(points), -1)
    cluster = 0
    for start in np.flatnonzero(core):
        if labels[start] >= 0:
            continue
        members = {int(start)}
        grown = True
        while grown:
            cores = [i for i in members if core[i]]
            reached = set(np.flatnonzero(near[cores].any(0) & (labels < 0)).tolist()) | members
            grown = reached != members
            members = reached
        labels[list(members)] = cluster
        cluster += 1
    return labels


def cluster_moments(
    gaze: Any, *, image_size: tuple[int, int], eps: float, min_samples: float | int, sigma_px: float
) -> Array:
    """Return [μ00, φ1] of every cluster in the order of first points, (clusters, 2).

    Clusters whose map of 32 x 32 pixels is empty are dropped.
    """
    gaze = np.asarray(gaze, float).reshape(-1, 3)
    count = len(gaze)
    needed = min_samples if isinstance(min_samples, int) else int(min_samples * count) + 1
    time = np.arange(count) / max(count, 1)
    labels = dbscan_labels(
        np.column_stack([gaze[:, 0] / image_size[0], gaze[:, 1] / image_size[1], time]),
        eps=eps,
        min_samples=needed,
    )
    moments = []
    for cluster in dict.fromkeys(labels[labels >= 0].tolist()):
        heatmap = render_heatmap(gaze[labels == cluster], size=image_size, sigma_px=sigma_px, weighted=False)
        if heatmap.max() > 0:
            moments.append(gaze_moments(resize(heatmap / heatmap.max(), (32, 32), "bilinear")))
    return np.array([m for m in moments if m[0] > 0]).reshape(-1, 2)


def dtw(cost: Array) -> tuple[float, int]:
    """Return the cost of the cheapest path, the sum over all its cells, and their number.

    The path is traced back from the end; ties prefer the diagonal, then i - 1, then j - 1.
    """
    total = np.full((cost.shape[0] + 1, cost.shape[1] + 1), np.inf)
    total[0, 0] = 0.0
    for i, j in np.ndindex(cost.shape):
        total[i + 1, j + 1] = cost[i, j] + min(total[i, j], total[i, j + 1], total[i + 1, j])
    i, j = cost.shape
    cells = 0
    while (i, j) != (0, 0):
        cells += 1
        i, j = min([(i - 1, j - 1), (i - 1, j), (i, j - 1)], key=lambda cell: total[cell])
    return float(total[-1, -1]), cells


def compare(a: Array, b: Array, weight_mass: float) -> float:
    """Return 1 - D / (number of cells on the path); 0 where a sequence is empty."""
    if not len(a) or not len(b):
        return 0.0
    if (len(b), b.tolist()) < (len(a), a.tolist()):
        a, b = b, a  # ties favour one side: choose it by content, so that the order does not matter
    mass, spread = (relative_difference(a[:, None, k], b[None, :, k]) for k in range(2))
    distance, cells = dtw(weight_mass * mass + (1 - weight_mass) * spread)
    return 1 - distance / cells


def affinity(
    gazes: Any,
    other: Any = None,
    *,
    image_size: tuple[int, int],
    eps: float = 0.2,
    min_samples: float | int = 0.1,
    sigma_px: float = 18.0,
    weight_mass: float = 0.7,
) -> NDArray[np.float32]:
    """Return the affinity of every pair."""

    def sequences(some: Any) -> list[Array]:
        return [
            cluster_moments(gaze, image_size=image_size, eps=eps, min_samples=min_samples, sigma_px=sigma_px)
            for gaze in some
        ]

    rows = sequences(gazes)
    cols = rows if other is None else sequences(other)
    pairs = [[compare(a, b, weight_mass) for b in cols] for a in rows]
    matrix: Array = np.array(pairs, float).reshape(len(rows), len(cols))
    return np.clip(matrix, 0, 1).astype(np.float32)
