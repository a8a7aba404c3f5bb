"""Make a cache of a matrix computed elsewhere."""

from __future__ import annotations

import itertools
from collections.abc import Hashable, Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._errors import describe
from ..ids import as_ids
from . import build as building
from . import store
from .manifest import draft

#: Tolerance for imported affinities outside of [0, 1] and for asymmetry: rounding errors of float32.
TOLERANCE = 1e-6


def import_matrix(path: Path, matrix: NDArray[Any] | str | Path, ids: Iterable[Hashable]) -> None:
    """Write the cache of a matrix, given as an array or a .npy file."""
    array, argument = as_square(matrix)
    manifest = draft(ids=as_ids(ids, len(array)), features=None, selection=None, reduce=None)
    folder = building.building_folder(path)
    building.refuse_other_files(path)
    with (
        store.explain_full_disk(path.parent),
        store.FolderLock(folder) as lock,
        building.removed_if_empty(folder, lock),
    ):
        if (path / "manifest.json").exists():
            raise FileExistsError(f"{path} holds a cache already; expected a new folder")
        if (folder / "plan.json").exists():
            raise FileExistsError(f"{folder} holds an unfinished build; expected it finished or deleted")
        building.clean(folder)
        store.require_space(folder, 4 * array.size)
        header = store.npy_header(array.shape, np.dtype(np.float32))
        building.install(path, manifest, itertools.chain([header], checked_rows(array, argument)), None)
        lock.remove_folder()


def as_square(matrix: Any) -> tuple[NDArray[Any], str]:
    """Return an array of numbers, and its name in messages; files are mapped, never unpickled."""
    argument = "matrix"
    if isinstance(matrix, (str, Path)):
        argument = str(matrix)
        try:
            matrix = np.load(matrix, mmap_mode="r", allow_pickle=False)
        except (ValueError, EOFError) as error:
            raise ValueError(f"{argument} is not a plain .npy file: {error}") from None
    array = matrix if isinstance(matrix, np.ndarray) else np.asarray(matrix)
    if array.ndim != 2 or array.shape[0] != array.shape[1] or array.dtype.kind not in "iuf":
        raise ValueError(f"{argument} is {describe(array)} of {array.dtype}; expected (n, n) real numbers")
    return array, argument


def checked_rows(matrix: NDArray[Any], argument: str) -> Iterator[memoryview]:
    """Check the rows and yield them as float32, symmetric bit for bit."""
    count = len(matrix)
    height = max(1, building.CELLS // max(1, count))
    for start in range(0, count, height):
        end = min(start + height, count)
        rows = np.array(matrix[start:end], np.float64)
        refuse_cells(~((rows >= -TOLERANCE) & (rows <= 1 + TOLERANCE)), rows, start, argument, "in [0, 1]")
        mirror = np.array(matrix[:, start:end], np.float64).T
        uneven = np.abs(rows - mirror) > TOLERANCE
        refuse_cells(uneven, rows, start, argument, "equal to the one across the diagonal")
        below = np.arange(count) < np.arange(start, end)[:, None]
        rows = np.clip(np.where(below, mirror, rows), 0, 1)
        own = np.arange(start, end)
        rows[own - start, own] = (rows > 0).any(axis=1)
        yield rows.astype(np.float32).data


def refuse_cells(
    wrong: NDArray[np.bool_], rows: NDArray[Any], start: int, argument: str, expected: str
) -> None:
    """Raise ValueError for the first wrong cell, if there is any."""
    if wrong.any():
        row, column = np.argwhere(wrong)[0].tolist()
        raise ValueError(
            f"{argument}: [{start + row}, {column}] is {rows[row, column]:g}; expected a number {expected}"
        )
