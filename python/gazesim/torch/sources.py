"""Sources of affinities for a PairMask: a cache, features, or a dense array with ids."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._errors import describe
from ..cache import AffinityCache
from ..cache.gather import gather_dense
from ..cache.imported import refuse_cells
from ..ids import IdIndex, Source, as_ids, as_positions, block_at
from .ids import Codes, code_of

__all__ = ["DenseSource", "Source"]

Floats = NDArray[np.float32]


class DenseSource:
    """A matrix of affinities in memory (or mapped), looked up by id.

    Parameters
    ----------
    matrix
        (n, n) numbers in [0, 1]: ``[i, j]`` is the affinity of ``ids[i]`` with ``ids[j]``. If it is not
        symmetric, a PairMask takes the larger of ``[i, j]`` and ``[j, i]``; ``block`` returns them
        unchanged. The diagonal may be 0: an image without any affinity above 0 has no valid gaze.
    ids
        One distinct id per row.

    Examples
    --------
    >>> import numpy as np
    >>> from gazesim.torch import DenseSource
    >>> source = DenseSource(np.array([[1.0, 0.4], [0.4, 1.0]]), ids=["a", "b"])
    >>> source.block(["b"], ["a", "b"])
    array([[0.4, 1. ]], dtype=float32)
    """

    def __init__(self, matrix: Any, ids: Iterable[Hashable]) -> None:
        values = np.asarray(matrix)
        if values.ndim != 2 or values.shape[0] != values.shape[1] or values.dtype.kind not in "fiub":
            raise ValueError(f"matrix is {describe(matrix)}; expected (n, n) affinities")
        self.matrix: Floats = np.ascontiguousarray(values, np.float32)
        self.ids = as_ids(ids, len(self.matrix))
        if self.matrix.size and not (self.matrix.min() >= 0 and self.matrix.max() <= 1):
            refuse_cells(~((self.matrix >= 0) & (self.matrix <= 1)), self.matrix, 0, "matrix", "in [0, 1]")
        #: Whether ``[i, j]`` and ``[j, i]`` differ for some pair.
        self.directed = not _is_symmetric(self.matrix)
        #: (n,) bool: whether the image has any affinity above 0.
        self.valid: NDArray[np.bool_] = self.matrix.max(axis=1, initial=0) > 0
        self.valid |= self.matrix.max(axis=0, initial=0) > 0
        self._index = IdIndex(self.ids, unknown="matrix has no row with the id {}")

    def block(self, ids_a: Iterable[Hashable], ids_b: Iterable[Hashable] | None = None) -> Floats:
        """Return the affinities of ``ids_a`` with ``ids_b`` (default: with each other), as a new array."""
        columns = None if ids_b is None else self._index.positions(ids_b)
        return self.block_at(self._index.positions(ids_a), columns)

    def block_at(self, rows: Any, cols: Any | None = None) -> Floats:
        """Return the affinities of the positions ``rows`` with ``cols`` (default: each other)."""
        first = as_positions(rows, len(self.ids))
        return gather_dense(self.matrix, first, first if cols is None else as_positions(cols, len(self.ids)))


def _is_symmetric(matrix: Floats, side: int = 512) -> bool:
    """Return whether a matrix is symmetric, tile by tile: a mapped one need not fit into memory."""
    starts = range(0, len(matrix), side)
    return all(
        np.array_equal(matrix[i : i + side, j : j + side], matrix[j : j + side, i : i + side].T)
        for i in starts
        for j in starts
        if i <= j
    )


def as_source(source: Any) -> Source:
    """Return ``source``, or a DenseSource where it is a pair of matrix and ids."""
    if isinstance(source, tuple) and len(source) == 2:
        return DenseSource(*source)
    if not callable(getattr(source, "block", None)) or not hasattr(source, "ids"):
        raise TypeError(
            f"source is {describe(source)}; expected an AffinityCache, Features, (matrix, ids), or an "
            "object with ids and block(ids_a, ids_b)"
        )
    found: Source = source
    return found


def stored_matrix(source: Source) -> Any:
    """Return the matrix that the source has in memory or mapped: dense, a csr_array, or None."""
    return source.matrix if isinstance(source, (DenseSource, AffinityCache)) else None


def is_directed(source: Source) -> bool:
    """Return whether ``[i, j]`` and ``[j, i]`` may differ; then the larger counts.

    A cache that keeps the ``top_k`` of every row has dropped the other direction of many pairs.
    """
    return bool(getattr(source, "directed", False))


def read(source: Source, rows: Codes, columns: Codes | None) -> Floats:
    """Return the affinities of distinct positions, (R, C); without columns, those of the rows.

    A source with ``block_at`` is read by position, without looking up ids.
    """
    block = block_at(source, rows, columns)
    if is_directed(source):
        back = block if columns is None else block_at(source, columns, rows)
        block = np.maximum(block, back.T)
    return block


class Bits:
    """One bit per pair of a dense or sparse matrix: whether the pair reaches a threshold.

    A batch reads rows from all over the matrix. At 10,500 ids the matrix takes 441 MB of float32, too much
    for any processor cache, but only 14 MB of bits.
    """

    #: More ids than this (a matrix of 1.6 GB) take too long to read at the start of a training.
    MOST = 20_000

    def __init__(self, matrix: Any, threshold: float, directed: bool = False) -> None:
        self.threshold = threshold
        count = matrix.shape[0]
        self._rows = np.empty((count, (count + 7) // 8), np.uint8)
        for start in range(0, count, 256):
            part = matrix[start : start + 256]
            passed = reaches(part if isinstance(part, np.ndarray) else part.toarray(), threshold)
            self._rows[start : start + 256] = np.packbits(passed, axis=1, bitorder="little")
        if directed:
            self._add_transpose()

    def _add_transpose(self) -> None:
        """Set the bits of both directions of a pair if one of them is set."""
        count = len(self._rows)
        for start in range(0, count, 256):
            columns = self._rows[:, start // 8 : start // 8 + 32]
            passed = np.unpackbits(columns, axis=1, count=min(256, count - start), bitorder="little")
            self._rows[start : start + 256] |= np.packbits(passed.T, axis=1, bitorder="little")

    def block(self, rows: Codes, columns: Codes) -> NDArray[np.bool_]:
        """Return (R, C): whether the pair reaches the threshold."""
        bytes_ = np.take(self._rows[rows], columns >> 3, axis=1, mode="clip")
        bytes_ &= np.left_shift(np.uint8(1), (columns & 7).astype(np.uint8))
        wanted: NDArray[np.bool_] = bytes_ != 0
        return wanted


def reaches(affinities: Floats, threshold: float) -> NDArray[np.bool_]:
    """Return which affinities are at least the threshold; an affinity of 0 means no relation at all."""
    least = max(np.float32(threshold), np.finfo(np.float32).tiny)
    reached: NDArray[np.bool_] = affinities >= least
    return reached


class Positions:
    """The positions of codes in a source: a hash table in NumPy, without a Python loop over a queue."""

    def __init__(self, ids: tuple[Hashable, ...]) -> None:
        self._codes = np.fromiter(map(code_of, ids), np.int64, len(ids))
        self._order = np.argsort(self._codes, kind="stable")
        self._sorted = self._codes[self._order]
        equal = np.flatnonzero(self._sorted[1:] == self._sorted[:-1])
        if len(equal):
            first, second = (ids[self._order[at]] for at in (equal[0], equal[0] + 1))
            raise ValueError(f"the ids {first!r} and {second!r} have the same code; rename one of them")
        self._shift = np.uint64(64 - max(4, (16 * len(ids)).bit_length()))
        self._table = np.zeros(2 ** int(64 - self._shift), np.int64)
        self._table[self._slots(self._codes)] = np.arange(len(ids))

    def __len__(self) -> int:
        return len(self._codes)

    def codes(self, positions: Codes) -> Codes:
        """Return the code at every position."""
        return self._codes[positions]

    def __call__(self, codes: Codes) -> Codes:
        """Return the position of every code, -1 where it is unknown."""
        if not len(self._codes):
            return np.full(len(codes), -1, np.int64)
        found = self._table[self._slots(codes)]
        missed = np.flatnonzero(self._codes[found] != codes)
        if len(missed):  # unknown, or in a slot that another code took
            at = np.minimum(np.searchsorted(self._sorted, codes[missed]), len(self._sorted) - 1)
            known = self._sorted[at] == codes[missed]
            found[missed] = np.where(known, self._order[at], -1)
        return found

    def _slots(self, codes: Codes) -> NDArray[np.intp]:
        spread = codes.view(np.uint64) * np.uint64(0x9E3779B97F4A7C15)
        return (spread >> self._shift).view(np.int64)
