"""ScanMatch, from the definition (Cristino, Mathôt, Theeuwes and Gilchrist 2010)."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .distances import Array, all_pairs, as_affinity, as_scanpaths, cells


def bins_of(durations_s: Array, bin_s: float, rounding: str) -> NDArray[np.int64]:
    """Return how many temporal bins each fixation lasts."""
    # To nine decimals first: 0.15 s are 1.5 bins of 0.1 s, not the 1.4999999999999998 that division gives.
    bins = np.round(durations_s / bin_s, 9)
    if rounding == "half_away":
        bins = np.floor(bins + 0.5)
    elif rounding == "half_even":
        bins = np.round(bins)
    else:
        bins = np.floor(bins)
    return bins.astype(np.int64)


def sequence(gaze: Array, screen_size: Any, grid: Any, temporal_bin_s: float, rounding: str) -> Array:
    """Return column and row of the cell in every temporal bin, (bins, 2)."""
    places = np.column_stack(cells(gaze, screen_size, grid)).astype(float)
    if temporal_bin_s > 0:
        places = places.repeat(bins_of(gaze[:, 2], temporal_bin_s, rounding), axis=0)
    return places


def align(a: Array, b: Array, threshold: float, gap: float) -> float:
    """Return the normalised Needleman-Wunsch score of two sequences of cells."""
    score = np.empty((len(a) + 1, len(b) + 1))
    score[:, 0] = gap * np.arange(len(a) + 1)
    score[0] = gap * np.arange(len(b) + 1)
    for i in range(len(a)):
        for j in range(len(b)):
            alike = threshold - np.sqrt((a[i, 0] - b[j, 0]) ** 2 + (a[i, 1] - b[j, 1]) ** 2)
            score[i + 1, j + 1] = max(score[i, j] + alike, score[i, j + 1] + gap, score[i + 1, j] + gap)
    return float(score[-1, -1]) / (threshold * max(len(a), len(b)))


def scanmatch(
    gazes: Any,
    other: Any = None,
    *,
    screen_size: Any,
    grid: Any = (12, 8),
    threshold_cells: float = 3.5,
    gap: float = 0.0,
    temporal_bin_s: float = 0.0,
    rounding: str = "half_away",
) -> Array:
    """Return the ScanMatch similarity of every pair; NaN where a sequence is empty."""

    def prepare(some: Any) -> list[Array]:
        return [sequence(g, screen_size, grid, temporal_bin_s, rounding) for g in as_scanpaths(some)]

    return all_pairs(gazes, other, lambda a, b: align(a, b, threshold_cells, gap), np.nan, prepare)


def affinity(gazes: Any, other: Any = None, **params: Any) -> NDArray[np.float32]:
    """Return the similarity clipped to [0, 1]; 0 where a sequence is empty."""
    return as_affinity(scanmatch(gazes, other, **params))
