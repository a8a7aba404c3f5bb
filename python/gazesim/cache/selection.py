"""The pairs that a cache keeps: above a threshold or a quantile, the k most similar, or both."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._errors import describe, integer, number
from ..schemes.descent import descent_for

#: Largest number of images, evenly spaced over the source, from which a quantile is estimated.
QUANTILE_IMAGES = 2000

#: A threshold that more than this share of the pairs reach does not distinguish images.
ALMOST_ALL = 0.9

Entries = tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float32]]


@dataclass(frozen=True)
class Selection:
    """Keep pairs with an affinity of at least ``threshold``, and of these the ``top_k`` of every row.

    The diagonal of valid images is always kept, an affinity of 0 never. ``top_k`` chooses in each row on
    its own, so ``[i, j]`` may be kept and ``[j, i]`` dropped; among equal affinities, the image that comes
    first is kept. :meth:`settled` turns ``quantile`` into a threshold. ``method``, ``graph_k`` and ``seed``
    belong to an approximate search; its ``recall`` is known at its end.
    """

    threshold: float | None = None
    top_k: int | None = None
    quantile: float | None = None
    method: str | None = None
    graph_k: int | None = None
    seed: int | None = None
    recall: float | None = field(default=None, compare=False)

    def __post_init__(self) -> None:
        if self.threshold is not None:
            object.__setattr__(self, "threshold", number("threshold", self.threshold, low=0.0, high=1.0))
        if self.top_k is not None:
            object.__setattr__(self, "top_k", integer("top_k", self.top_k, low=1, high=2**31))
        if self.quantile is not None:
            object.__setattr__(self, "quantile", number("quantile", self.quantile, low=0.0, high=1.0))

    def to_json(self) -> dict[str, Any]:
        """Return the settings that are not None."""
        return {name: value for name, value in dataclasses.asdict(self).items() if value is not None}

    def settled(self, matrix: NDArray[np.float32]) -> Selection:
        """Return the selection with its quantile turned into a threshold, on the matrix of sample images."""
        return dataclasses.replace(self, threshold=threshold_at(valid_pairs(matrix), self.quantile or 0.0))

    def entries(self, part: NDArray[np.float32], start: int, first: int) -> Entries:
        """Return the row indices, column indices and affinities of a block's entries that are kept.

        ``start`` and ``first`` are the first row and the first column of the block.
        """
        own = np.arange(max(start, first), min(start + part.shape[0], first + part.shape[1]))
        keep = part > 0
        diagonal = np.zeros_like(keep)
        diagonal[own - start, own - first] = keep[own - start, own - first]
        keep &= part >= np.float32(self.threshold or 0.0)
        if self.top_k is not None:
            keep &= ~diagonal
            keep &= largest_in_rows(np.where(keep, part, np.float32(0)), self.top_k)
        rows, columns = np.nonzero(keep | diagonal)
        return rows + start, columns + first, part[rows, columns]

    def merged(self, entries: Entries) -> Entries:
        """Return the entries that are kept when those of several blocks of the same rows are joined."""
        if self.top_k is None:
            return entries
        rows, columns, data = entries
        order = np.lexsort((columns, -data, rows != columns, rows))
        rows, columns, data = rows[order], columns[order], data[order]
        fresh = np.concatenate([[True], rows[1:] != rows[:-1]]) if len(rows) else np.empty(0, bool)
        begin = np.maximum.accumulate(np.where(fresh, np.arange(len(rows)), 0))
        has_own = (rows == columns)[begin] if len(rows) else fresh
        keep = np.arange(len(rows)) - begin < self.top_k + has_own
        return rows[keep], columns[keep], data[keep]


def evenly_spaced(count: int, most: int) -> NDArray[np.int64]:
    """Return at most ``most`` of ``count`` positions, evenly spaced from the first one on."""
    chosen = min(count, most)
    return np.arange(chosen, dtype=np.int64) * count // max(chosen, 1)


def valid_pairs(matrix: NDArray[np.float32], valid: NDArray[np.bool_] | None = None) -> NDArray[np.float32]:
    """Return the affinities of the pairs of different valid images, each pair once, ascending.

    If ``[i, j]`` and ``[j, i]`` differ, the larger counts. Without ``valid``, an image is valid if it has an
    affinity above 0 with itself or with another (some matrices have zeros on the diagonal).
    """
    known = (matrix > 0).any(axis=1) | (matrix > 0).any(axis=0) if valid is None else valid
    at = np.flatnonzero(known)
    square = matrix[np.ix_(at, at)]
    upper = np.triu_indices(len(at), 1)
    return np.sort(np.maximum(square[upper], square.T[upper]))


def threshold_at(pairs: NDArray[np.float32], quantile: float) -> float:
    """Return the smallest affinity at or above a quantile of ascending :func:`valid_pairs`; 1 without pairs.

    Caches, inspections and PairMask all use this rule for quantiles.
    """
    return float(np.quantile(pairs, quantile, method="higher")) if len(pairs) else 1.0


def largest_in_rows(part: NDArray[np.float32], count: int) -> NDArray[np.bool_]:
    """Return a mask of the ``count`` largest cells of every row; of equal ones, the first."""
    if count >= part.shape[1]:
        return np.ones(part.shape, bool)
    last = np.partition(part, part.shape[1] - count, axis=1)[:, part.shape[1] - count, None]
    above, equal = part > last, part == last
    left = count - np.count_nonzero(above, axis=1)[:, None]
    mask: NDArray[np.bool_] = above | (equal & (np.cumsum(equal, axis=1) <= left))
    return mask


def selection_from(
    threshold: float | None,
    top_k: int | None,
    quantile: float | None,
    method: str = "exact",
    graph_k: int = 40,
    seed: int = 0,
) -> Selection | None:
    """Return the selection with these settings, or None (the dense matrix) if none is given."""
    if threshold is not None and quantile is not None:
        raise ValueError("threshold and quantile are both given; expected at most one of them")
    descent = descent_for(method, top_k, graph_k, seed)
    if descent is not None:
        if quantile is not None:
            raise ValueError(f"quantile is given with method={method!r}; expected threshold, or none")
        return Selection(threshold, top_k, None, method, descent.graph_k, descent.seed)
    given = (threshold, top_k, quantile)
    return None if given == (None, None, None) else Selection(*given)


def selection_from_json(value: Any) -> Selection | None:
    """Return the selection of a manifest."""
    if value is None:
        return None
    known = {field.name for field in dataclasses.fields(Selection)}
    if not isinstance(value, dict) or not set(value) <= known or not value:
        raise ValueError(f"selection is {describe(value)}; expected threshold, top_k or quantile")
    return Selection(**value)
