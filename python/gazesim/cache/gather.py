"""Read the matrix of a cache with checks, and gather blocks from it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .store import CacheError, expect, npy_header, read_npz


def read_dense(path: Path, count: int) -> NDArray[np.float32]:
    """Map affinity.npy; its header must equal the one that was written, so it is not interpreted."""
    header = npy_header((count, count), np.dtype(np.float32))
    with path.open("rb") as file:
        found = file.read(len(header))
    if found != header or path.stat().st_size != len(header) + 4 * count * count:
        raise CacheError(f"{path} is not a plain float32 .npy of shape {(count, count)}")
    if count == 0:
        return np.empty((0, 0), np.float32)
    return np.asarray(np.memmap(path, np.dtype("<f4"), "r", len(header), (count, count)))


def read_neighbors(path: Path, count: int) -> Any:
    """Return the CSR matrix of neighbors.npz; raise CacheError for indices outside of its arrays."""
    from scipy.sparse import csr_array

    arrays = read_npz(path)
    index = "int32" if count < 2**31 else "int64"
    expect(path, arrays, {"indptr": "int64", "indices": index, "data": "float32"})
    starts, columns, data = (arrays[name] for name in ("indptr", "indices", "data"))
    sound = (
        len(starts) == count + 1
        and starts[0] == 0
        and starts[-1] == len(columns) == len(data)
        and (np.diff(starts) >= 0).all()
        and (not len(columns) or (columns.min() >= 0 and columns.max() < count))
    )
    if not sound:
        raise CacheError(f"{path} is not a sparse matrix of {count} rows and columns")
    return csr_array((data, columns, starts), shape=(count, count))


def gather_dense(
    matrix: NDArray[np.float32], rows: NDArray[np.int64], columns: NDArray[np.int64]
) -> NDArray[np.float32]:
    """Return ``matrix[rows][:, columns]`` by flat positions, three times as fast as by ``np.ix_``."""
    return np.take(matrix.reshape(-1), rows[:, None] * len(matrix) + columns, mode="clip")


def gather_neighbors(matrix: Any, rows: NDArray[np.int64], columns: NDArray[np.int64]) -> NDArray[np.float32]:
    """Return ``matrix[rows][:, columns]`` as a dense array, 0 for dropped pairs."""
    distinct, back = np.unique(columns, return_inverse=True)
    place = np.full(matrix.shape[1], -1, np.int64)
    place[distinct] = np.arange(len(distinct))
    first = matrix.indptr[rows].astype(np.int64)
    lengths = matrix.indptr[rows + 1] - first
    ends = np.cumsum(lengths)
    entries = np.arange(ends[-1] if len(ends) else 0) + np.repeat(first - (ends - lengths), lengths)
    target = place[matrix.indices[entries]]
    wanted = target >= 0
    block = np.zeros((len(rows), len(distinct)), np.float32)
    block[np.repeat(np.arange(len(rows)), lengths)[wanted], target[wanted]] = matrix.data[entries[wanted]]
    return block[:, back] if len(distinct) != len(columns) or (np.diff(back) != 1).any() else block
