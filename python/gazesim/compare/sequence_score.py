"""Sequence score: scanpaths as strings of clusters, which are found in all human fixations on an image."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from .._errors import number
from ..measures import sequence_score as score_of_labels

if TYPE_CHECKING:
    from .measures import PairSet

__all__ = ["cluster_centres", "sequence_score"]

Array = NDArray[np.float64]


def sequence_score(pairs: PairSet, *, bandwidth_px: float | None = None) -> Array:
    """Return the sequence score of COCO-Search18 (Yang et al., CVPR 2020): LCS / max(n, m).

    Mean shift clusters all human fixations on the image of a column; both scanpaths become the
    strings of their fixations' nearest cluster centres; the score is the length of the longest common
    subsequence over the longer string's length, which equals the published alignment with the match
    score 1 and no cost of mismatches and gaps.

    Parameters
    ----------
    pairs
        With ``images``: all human fixations on the image of every column.
    bandwidth_px
        Of mean shift, in pixels. The published clusters do not state theirs; default: scikit-learn's
        ``estimate_bandwidth`` of the fixations on each image.
    """
    if bandwidth_px is not None:
        number("bandwidth_px", bandwidth_px, low=0.0, open_low=True)
    scores = np.full(pairs.shape, np.nan)
    for columns, image, fixations in pairs.images:
        if image not in pairs.memory:
            pairs.memory[image] = cluster_centres(fixations[:, :2], bandwidth_px)
        centres = pairs.memory[image]
        rows = [_nearest(path, centres) for path in pairs.rows]
        strings = [_nearest(path, centres) for path in pairs.columns[columns]]
        scores[:, columns] = score_of_labels(rows, strings, grid=None)
    return scores


def cluster_centres(points: Array, bandwidth_px: float | None) -> Array:
    """Return the centres (k, 2) of mean-shift clusters of points (K, 2), densest first."""
    try:
        from sklearn.cluster import MeanShift, estimate_bandwidth
    except ImportError:
        raise ImportError(
            "the sequence score needs scikit-learn, which is not installed; "
            'expected: pip install "gazesim[compare]"'
        ) from None
    if not len(points):
        return np.empty((0, 2))
    width = estimate_bandwidth(points) if bandwidth_px is None else bandwidth_px
    if width == 0:  # most fixations on one point: mean shift has no kernel, and points are their own clusters
        return np.unique(points, axis=0)
    centres: Array = MeanShift(bandwidth=width).fit(points).cluster_centers_
    return centres


def _nearest(path: Array, centres: Array) -> NDArray[np.int64]:
    if not len(path) or not len(centres):
        return np.empty(0, np.int64)
    distances = ((path[:, None, :2] - centres) ** 2).sum(axis=2)
    nearest: NDArray[np.int64] = distances.argmin(axis=1)
    return nearest
