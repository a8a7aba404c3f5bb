"""Pictures: a matrix ordered by similarity beside its histogram.

matplotlib is imported when a picture is drawn, never before, and without its global state, so that
drawing works on machines without a display and leaves the caller's figures alone.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._errors import describe

__all__ = ["plot_affinity", "similarity_order"]

#: Up to this many gazes are put into the optimal leaf order of a clustering. Of more gazes, this many
#: landmarks are ordered so, and every other gaze is placed beside its most similar landmark.
LANDMARKS = 600
#: Rows and columns of the picture; larger matrices are averaged down.
PIXELS = 900
#: Rows from which the histogram and the colour range of a large matrix are taken.
HISTOGRAM_ROWS = 1000

BLUE = "#3b6ea8"


def new_figure(width: float, height: float) -> Any:
    """Return an empty matplotlib figure with the Agg backend; without matplotlib, raise ImportError."""
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError:
        raise ImportError(
            'pictures need matplotlib, which is not installed; expected: pip install "gazesim[plot]"'
        ) from None
    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def plot_affinity(matrix: NDArray[Any], path: str | Path, *, title: str = "") -> None:
    """Draw an affinity matrix, ordered by similarity, and the histogram of its pairs, as a PNG.

    Similar gazes are neighbours; invalid ones (0 with themselves) come last.
    The colours span the middle 98 % of the pairs, because most schemes leave part of [0, 1] unused.

    Parameters
    ----------
    matrix
        (n, n) affinities in [0, 1], symmetric; may be memory-mapped. Above 900 gazes the picture
        shows averages, above 1,000 the histogram shows pairs of evenly spaced rows.
    path
        The PNG to write.
    title
        A line above the picture.

    Examples
    --------
    >>> import numpy as np, tempfile, pathlib
    >>> from gazesim.plots.affinity import plot_affinity
    >>> out = pathlib.Path(tempfile.mkdtemp()) / "affinity.png"
    >>> plot_affinity(np.eye(4), out, title="nobody looks alike")
    >>> out.stat().st_size > 1000
    True
    """
    check_square(matrix)
    figure = new_figure(11, 5)
    figure.suptitle(title)
    left, right = figure.subplots(1, 2, width_ratios=(1.15, 1))
    draw_matrix(left, matrix)
    draw_histogram(right, off_diagonal(matrix, HISTOGRAM_ROWS))
    figure.savefig(path, dpi=120, format="png")


def check_square(matrix: NDArray[Any]) -> None:
    """Raise unless ``matrix`` is (n, n) with n of at least 1."""
    if getattr(matrix, "ndim", 0) != 2 or matrix.shape[0] != matrix.shape[1] or not matrix.size:
        raise ValueError(f"matrix is {describe(matrix)}; expected affinities of shape (n, n)")


def draw_matrix(axes: Any, matrix: NDArray[Any], order: NDArray[np.int64] | None = None) -> None:
    """Draw ``matrix`` in the given order, default by similarity, with a colour bar."""
    order = similarity_order(matrix) if order is None else order
    picture = averaged(matrix, order, PIXELS)
    low, high = colour_range(matrix)
    shown = axes.imshow(picture, vmin=low, vmax=high, extent=(0, len(order), len(order), 0), cmap="viridis")
    axes.set_xlabel("gaze, ordered by similarity")
    axes.set_ylabel("gaze, ordered by similarity")
    axes.figure.colorbar(shown, ax=axes, label="affinity", shrink=0.9, extend="both")


def draw_histogram(axes: Any, pairs: NDArray[np.float32]) -> None:
    """Draw the histogram of the affinities of pairs."""
    axes.set_xlabel("affinity")
    axes.set_ylabel("share of pairs")
    if not len(pairs):
        axes.text(0.5, 0.5, "no pair of valid gazes", ha="center", va="center", transform=axes.transAxes)
        return
    weights = np.full(len(pairs), 1 / len(pairs))
    axes.hist(pairs, bins=60, weights=weights, color=BLUE)
    middle = float(np.median(pairs))
    axes.axvline(middle, color="black", linewidth=1, linestyle="--")
    label = axes.text(middle, 0.98, f" median {middle:.2f} ", va="top", transform=axes.get_xaxis_transform())
    label.set_bbox({"facecolor": "white", "edgecolor": "none", "pad": 1})
    axes.spines[["top", "right"]].set_visible(False)


def colour_range(matrix: NDArray[Any]) -> tuple[float, float]:
    """Return the ends of the colour scale, which spans the middle 98 % of the pairs."""
    pairs = off_diagonal(matrix, HISTOGRAM_ROWS)
    if not len(pairs):
        return 0.0, 1.0
    low, high = np.quantile(pairs, [0.01, 0.99]).tolist()
    return (low, high) if high - low > 1e-6 else (max(0.0, low - 0.5), min(1.0, high + 0.5))


def off_diagonal(matrix: NDArray[Any], rows: int) -> NDArray[np.float32]:
    """Return the affinities of pairs of different valid gazes, of at most ``rows`` evenly spaced rows."""
    valid = np.flatnonzero(np.diagonal(matrix) > 0)
    parts = [np.asarray(matrix[row], np.float32)[valid[valid != row]] for row in spaced(valid, rows)]
    return np.concatenate([np.empty(0, np.float32), *parts])


def spaced(positions: NDArray[np.int64], count: int) -> NDArray[np.int64]:
    """Return at most ``count`` of the positions, evenly spaced."""
    if len(positions) <= count:
        return positions
    return positions[np.arange(count) * len(positions) // count]


def similarity_order(matrix: NDArray[Any]) -> NDArray[np.int64]:
    """Return an order of the gazes in which similar ones are neighbours; invalid ones come last.

    Up to 600 valid gazes: average linkage with optimal leaf order (Bar-Joseph et al. 2001). Above,
    600 evenly spaced landmarks are ordered so, and each gaze joins its most similar landmark, nearest
    first; only the rows of the landmarks are read.
    """
    valid_mask = np.diagonal(matrix) > 0
    valid = np.flatnonzero(valid_mask)
    landmarks = spaced(valid, LANDMARKS)
    if len(landmarks) < 3:
        return np.concatenate([valid, np.flatnonzero(~valid_mask)])
    landmarks = landmarks[_optimal_leaves(np.asarray(matrix[landmarks])[:, landmarks])]
    if len(landmarks) == len(valid):
        return np.concatenate([landmarks, np.flatnonzero(~valid_mask)])
    likeness = np.asarray(matrix[landmarks])[:, valid]
    nearest = likeness.argmax(axis=0)
    closeness = likeness[nearest, np.arange(len(valid))]
    ordered = valid[np.lexsort((-closeness, nearest))]
    return np.concatenate([ordered, np.flatnonzero(~valid_mask)])


def _optimal_leaves(likeness: NDArray[Any]) -> NDArray[np.int64]:
    from scipy.cluster.hierarchy import leaves_list, linkage
    from scipy.spatial.distance import squareform

    distance = 1.0 - likeness.astype(np.float64)
    np.fill_diagonal(distance, 0.0)
    tree = linkage(squareform(distance, checks=False), "average", optimal_ordering=True)
    leaves: NDArray[np.int64] = leaves_list(tree).astype(np.int64)
    return leaves


def averaged(matrix: NDArray[Any], order: NDArray[np.int64], pixels: int) -> NDArray[np.float64]:
    """Return ``matrix[order][:, order]``, shrunk to at most ``pixels`` rows and columns by averaging."""
    starts = np.arange(min(pixels, len(order))) * len(order) // min(pixels, len(order))
    ends = np.append(starts[1:], len(order))
    picture = np.empty((len(starts), len(starts)))
    for line, (start, end) in enumerate(zip(starts, ends, strict=True)):
        row = np.asarray(matrix[order[start:end]], np.float64).mean(axis=0)[order]
        picture[line] = np.add.reduceat(row, starts) / (ends - starts)
    return picture
