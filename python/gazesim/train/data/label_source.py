"""Positives by label (McGIP, Table 4): affinities that are 1 within a class and 0 between classes."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...ids import IdIndex, as_positions
from .samples import Samples

__all__ = ["LabelSource"]

Floats = NDArray[np.float32]


class LabelSource:
    """Affinities by label: 1 between images of one class, 0 between others; a :class:`gazesim.ids.Source`.

    Labels instead of gaze give an upper bound: no gaze separates classes better than the labels do.
    Images without a label are unknown to the source.

    Parameters
    ----------
    samples
        Images with labels; only those of training, so that no label of a test set is used.

    Examples
    --------
    >>> import numpy as np
    >>> from gazesim.train import ArraySamples
    >>> from gazesim.train.data.label_source import LabelSource
    >>> samples = ArraySamples(np.zeros((3, 8, 8)), ["cyst", None, "cyst"], ids=["a", "b", "c"])
    >>> source = LabelSource(samples)
    >>> source.ids, source.block(["a"], ["a", "c"])
    (('a', 'c'), array([[1., 1.]], dtype=float32))
    """

    def __init__(self, samples: Samples) -> None:
        known = [i for i, label in enumerate(samples.labels) if label >= 0]
        if not known:
            raise ValueError(
                f"none of {len(samples)} training images has a label; expected labels for the scheme 'labels'"
            )
        self.ids: tuple[Hashable, ...] = tuple(samples.ids[i] for i in known)
        self._labels = np.array([samples.labels[i] for i in known], np.int64)
        self._index = IdIndex(self.ids, unknown="no label has the id {}")

    def block(self, ids_a: Iterable[Hashable], ids_b: Iterable[Hashable] | None = None) -> Floats:
        """Return the affinities of ``ids_a`` with ``ids_b`` (default: with each other)."""
        columns = None if ids_b is None else self._index.positions(ids_b)
        return self.block_at(self._index.positions(ids_a), columns)

    def block_at(self, rows: Any, cols: Any | None = None) -> Floats:
        """Return the affinities of the positions ``rows`` with ``cols`` (default: each other)."""
        first = self._labels[as_positions(rows, len(self.ids))]
        second = first if cols is None else self._labels[as_positions(cols, len(self.ids))]
        same: Floats = (first[:, None] == second).astype(np.float32)
        return same
