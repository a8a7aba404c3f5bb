"""Affinities of images that several people read, computed on demand."""

from __future__ import annotations

from collections.abc import Hashable, Iterable

import numpy as np
from numpy.typing import NDArray

from ..schemes.features import Features
from .plan import FIXED_POINT, arranged

__all__ = ["ReadersReduced"]


class ReadersReduced:
    """A source of affinities of images: the mean or the maximum over all pairs of their valid gazes.

    The numbers equal those of an :class:`~gazesim.AffinityCache` that was built with the same ``reduce``,
    bit for bit.

    Parameters
    ----------
    features
        Features whose ids are (image_id, reader_id).
    reduce
        ``"mean"`` or ``"max"``.

    Attributes
    ----------
    ids
        The image ids, in the order of their first gaze.

    Examples
    --------
    >>> from gazesim import MultiMatch
    >>> from gazesim.cache.readers import ReadersReduced
    >>> a = [[10, 10, 0.2], [50, 10, 0.3], [50, 40, 0.2]]
    >>> b = [[12, 11, 0.2], [50, 12, 0.3], [48, 44, 0.4]]
    >>> scheme = MultiMatch(screen_size=(64, 48))
    >>> source = ReadersReduced(scheme.features([a, b, b], ids=[("x", 1), ("x", 2), ("y", 1)]), "mean")
    >>> source.ids, source.block(["x"], ["x", "y"]).round(3)
    (('x', 'y'), array([[1.   , 0.992]], dtype=float32))
    """

    def __init__(self, features: Features, reduce: str) -> None:
        plan = arranged(features, reduce, None)
        self.features, self.reduce, self.ids = plan.features, reduce, plan.ids
        self.scheme = features.scheme
        self._starts = plan.starts
        self._valid = np.add.reduceat(plan.features.valid.astype(np.int64), plan.starts[:-1])
        self._positions = {name: position for position, name in enumerate(plan.ids)}

    def __len__(self) -> int:
        return len(self.ids)

    def __repr__(self) -> str:
        return f"ReadersReduced(n={len(self)}, reduce={self.reduce!r}, scheme={self.scheme!r})"

    def block(
        self, ids_a: Iterable[Hashable], ids_b: Iterable[Hashable] | None = None
    ) -> NDArray[np.float32]:
        """Return the affinities of the images ``ids_a`` with ``ids_b`` (default: with each other)."""
        rows = self._rows(ids_a)
        return self.block_at(rows, rows if ids_b is None else self._rows(ids_b))

    def block_at(
        self, rows: NDArray[np.int64], columns: NDArray[np.int64] | None = None
    ) -> NDArray[np.float32]:
        """Return the affinities of images by position, (R, C); default: of ``rows`` with each other."""
        columns = rows if columns is None else columns
        if not len(rows) or not len(columns):
            return np.zeros((len(rows), len(columns)), np.float32)
        (own, row_starts), (other, column_starts) = self._gazes(rows), self._gazes(columns)
        part = own.affinity(other, errors="ignore")
        if self.reduce == "max":
            return np.maximum.reduceat(np.maximum.reduceat(part, column_starts, axis=1), row_starts, axis=0)
        whole = np.rint(part.astype(np.float64) * FIXED_POINT).astype(np.int64)
        total = np.add.reduceat(np.add.reduceat(whole, column_starts, axis=1), row_starts, axis=0)
        pairs = np.multiply.outer(self._valid[rows], self._valid[columns])
        mean = (total / (FIXED_POINT * np.maximum(pairs, 1))).astype(np.float32)
        same = np.equal.outer(rows, columns)
        mean[same] = np.broadcast_to((self._valid[rows] > 0)[:, None], same.shape)[same]
        return mean

    def _gazes(self, images: NDArray[np.int64]) -> tuple[Features, NDArray[np.int64]]:
        """Return the gazes of the given images, image by image, and the offset of each image."""
        parts = [np.arange(self._starts[image], self._starts[image + 1]) for image in images]
        starts = np.cumsum([0, *(len(part) for part in parts[:-1])], dtype=np.int64)
        chosen = np.concatenate(parts)
        return self.features.take(chosen, ids=range(len(chosen))), starts

    def _rows(self, ids: Iterable[Hashable]) -> NDArray[np.int64]:
        try:
            return np.array([self._positions[name] for name in ids], np.int64)
        except KeyError as error:
            raise KeyError(f"no image has the id {error.args[0]!r}") from None
