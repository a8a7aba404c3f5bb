"""MultiMatch (Dewhurst et al. 2012), as multimatch_gaze computes it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def saccades(fixations: Array) -> tuple[Array, Array]:
    """Return the vectors (L - 1, 4) of dx, dy, start x, start y, and the durations (L,)."""
    points = fixations[:, :2]
    moves = np.diff(points, axis=0) + 0.0  # of -0.0, whose direction is another
    return np.hstack([moves, points[:-1]]), fixations[:, 2].copy()


def simplify(vectors: Array, durations: Array, grouping: Any) -> tuple[Array, Array]:
    """Merge by direction and then by amplitude until the number of fixations stops changing."""
    while len(vectors) > 1:
        before = len(durations)
        vectors, durations = merge_by_direction(vectors, durations, grouping)
        if len(vectors) > 1:
            vectors, durations = merge_by_amplitude(vectors, durations, grouping)
        if len(durations) == before:
            break
    return vectors, durations


def merge_by_direction(vectors: Array, durations: Array, grouping: Any) -> tuple[Array, Array]:
    """Merge two consecutive vectors of similar direction if the fixation between them is short."""
    kept, kept_durations = [], []
    i = 0
    while i < len(vectors):
        last = i == len(vectors) - 1
        aligned = not last and angle_deg(vectors[i], vectors[i + 1]) < grouping.direction_deg
        if aligned and durations[i + 1] < grouping.duration:
            kept.append(merged(vectors[i], vectors[i + 1]))
            kept_durations.append(durations[i])
            i += 2
        else:
            kept.append(vectors[i])
            kept_durations.append(durations[i])
            i += 1
    return np.array(kept), np.array([*kept_durations, durations[-1]])


def merge_by_amplitude(vectors: Array, durations: Array, grouping: Any) -> tuple[Array, Array]:
    """Merge a short vector with its neighbour if a short fixation is at one of its ends."""
    short = np.hypot(vectors[:, 0], vectors[:, 1]) < grouping.amplitude_px
    brief = durations < grouping.duration
    kept, kept_durations = [], []
    i = 0
    while i < len(vectors):
        last = i == len(vectors) - 1
        if not last and short[i] and (brief[i + 1] or brief[i]):
            kept.append(merged(vectors[i], vectors[i + 1]))
            kept_durations.append(durations[i])
            i += 2
        elif last and short[i] and (brief[-1] or brief[-2]):
            # As in multimatch_gaze: adds the last two input vectors, even if the first was just merged.
            kept[-1] = np.concatenate([vectors[-2, :2] + vectors[-1, :2], kept[-1][2:]])
            kept_durations.append(durations[i - 1])
            i += 1
        else:
            kept.append(vectors[i])
            kept_durations.append(durations[i])
            i += 1
    return np.array(kept), np.array([*kept_durations, durations[-1]])


def merged(v: Array, w: Array) -> Array:
    """Return v + w, with the start of v."""
    return np.concatenate([v[:2] + w[:2], v[2:]])


def angle_deg(v: Array, w: Array) -> float:
    """Return the angle between two vectors; NaN if one has the length 0."""
    norms = np.sqrt(v[:2] @ v[:2]) * np.sqrt(w[:2] @ w[:2])
    if norms == 0:
        return float("nan")
    return float(np.degrees(np.arccos(np.clip(v[:2] @ w[:2] / norms, -1, 1))))


def differences(a: Array, b: Array) -> Array:
    """Return the five differences between all vectors: (5, m, n).

    Rows of ``a`` and ``b`` are dx, dy, start x, start y, duration.
    """
    v, w = a[:, None], b[None, :]
    turn = np.abs(np.arctan2(v[..., 1], v[..., 0]) - np.arctan2(w[..., 1], w[..., 0]))
    longest = np.maximum(v[..., 4], w[..., 4])
    return np.stack(
        [
            np.sqrt((v[..., 0] - w[..., 0]) ** 2 + (v[..., 1] - w[..., 1]) ** 2),
            np.minimum(turn, 2 * np.pi - turn),
            np.abs(np.hypot(v[..., 0], v[..., 1]) - np.hypot(w[..., 0], w[..., 1])),
            np.hypot(v[..., 2] - w[..., 2], v[..., 3] - w[..., 3]),
            np.divide(np.abs(v[..., 4] - w[..., 4]), longest, out=np.zeros(longest.shape), where=longest > 0),
        ]
    )


def cheapest_path(cost: Array) -> list[tuple[int, int]]:
    """Return the cells of the cheapest monotone path from the first to the last cell.

    The cost of a path is the sum of the cells that it enters. At the first step in which equally cheap
    paths differ, the diagonal is preferred, then down, then right.
    """
    end = (cost.shape[0] - 1, cost.shape[1] - 1)
    total = np.full(cost.shape, np.inf)
    total[0, 0] = 0.0
    came_from: dict[tuple[int, int], list[tuple[int, int]]] = {(0, 0): []}
    for i, j in list(np.ndindex(cost.shape))[1:]:
        before = [cell for cell in ((i - 1, j - 1), (i - 1, j), (i, j - 1)) if min(cell) >= 0]
        cheapest = min(total[cell] for cell in before)
        came_from[i, j] = [cell for cell in before if total[cell] == cheapest]
        total[i, j] = cheapest + cost[i, j]
    on_cheapest = {end}
    for cell in reversed(list(np.ndindex(cost.shape))):
        if cell in on_cheapest:
            on_cheapest.update(came_from[cell])
    path = [(0, 0)]
    while path[-1] != end:
        i, j = path[-1]
        steps = [(i + 1, j + 1), (i + 1, j), (i, j + 1)]
        path.append(next(cell for cell in steps if cell in on_cheapest and path[-1] in came_from[cell]))
    return path


def prepare(fixations: Array, grouping: Any, min_fixations: int) -> Array | None:
    """Return rows of dx, dy, start x, start y, duration; None for a scanpath that is too short."""
    if len(fixations) < min_fixations:
        return None
    vectors, durations = saccades(fixations)
    if grouping is not None:
        vectors, durations = simplify(vectors, durations, grouping)
    return np.column_stack([vectors, durations[: len(vectors)]])


def compare(a: Array | None, b: Array | None, screen_size: Any, alignment: str) -> Array:
    """Return the five similarities of two prepared scanpaths, NaN where one is invalid."""
    if a is None or b is None:
        return np.full(5, np.nan)
    if (len(b), b.tolist()) < (len(a), a.tolist()):
        a, b = b, a  # ties favour one side: choose it by content, so that the order does not matter
    diagonal = np.hypot(*screen_size)
    largest = np.array([2 * diagonal, np.pi, diagonal, diagonal, 1.0])
    unlike = differences(a, b)
    summary: Callable[[Array], Any] = np.median if alignment == "joint" else np.mean
    shared = cheapest_path(unlike[0]) if alignment == "joint" else None
    result = np.empty(5)
    for k, cost in enumerate(unlike):
        along = np.array([cost[cell] for cell in shared or cheapest_path(cost)])
        result[k] = 1 - summary(along) / largest[k]
    return result


def multimatch(
    gazes: Any,
    other: Any = None,
    *,
    screen_size: Any,
    grouping: Any = None,
    alignment: str = "joint",
    min_fixations: int = 3,
) -> Array:
    """Return the five similarities of every pair, (n, m, 5)."""
    rows = [prepare(np.asarray(gaze, float), grouping, min_fixations) for gaze in gazes]
    cols = rows if other is None else [prepare(np.asarray(g, float), grouping, min_fixations) for g in other]
    pairs = [[compare(a, b, screen_size, alignment) for b in cols] for a in rows]
    return np.array(pairs).reshape(len(rows), len(cols), 5)


def affinity(
    gazes: Any, other: Any = None, *, weights: Any = (0.2,) * 5, **params: Any
) -> NDArray[np.float32]:
    """Return the weighted mean of the five similarities, clipped to [0, 1]; 0 where invalid."""
    similarity = multimatch(gazes, other, **params) @ np.asarray(weights)
    clipped: NDArray[np.float32] = np.nan_to_num(np.clip(similarity, 0, 1), nan=0.0).astype(np.float32)
    return clipped
