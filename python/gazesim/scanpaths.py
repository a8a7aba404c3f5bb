"""Scanpaths: the ragged container that every reader returns and every scheme takes."""

from __future__ import annotations

import itertools
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from numbers import Real
from typing import Any, overload

import numpy as np
from numpy.lib import recfunctions
from numpy.typing import ArrayLike, NDArray

from . import _core
from ._errors import describe, screen
from .ids import IdIndex, as_ids, as_positions, is_missing, listed

__all__ = ["Scanpaths"]

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

COLUMNS = ("x", "y", "duration")
#: Columns of tables of gaze that name the reader, in lower case; the first that is there counts.
READER_COLUMNS = (
    "reader_id", "reader", "reader_name", "participant_id", "participant", "participant_name", "subject_id",
    "subject", "subject_name", "observer_id", "observer", "observer_name",
)  # fmt: skip


class Scanpaths:
    """Scanpaths of different lengths in one block of memory.

    Parameters
    ----------
    values
        (N, 3) numbers: x and y in pixels (origin top-left, x right, y down) and duration in
        seconds, one scanpath after the other.
    offsets
        (n + 1,) whole numbers: scanpath ``i`` owns the rows ``offsets[i]:offsets[i + 1]``.
    ids
        One distinct hashable name per scanpath: the image id, or ``(image_id, reader_id)`` where
        several people read an image. Default: 0 to n - 1. Where ids are whole numbers, ``paths[7]``
        and ``paths[[7, 9]]`` look up ids; :meth:`at` takes positions in any case.
    screen_size
        (width, height) in pixels of the image or screen that x and y refer to, if known.

    Raises
    ------
    ValueError, TypeError
        For NaN, infinities, negative durations, wrong shapes, repeated ids; the message names the
        sample, the row and the value.

    Examples
    --------
    >>> from gazesim import Scanpaths
    >>> paths = Scanpaths.from_list(
    ...     [[[10, 20, 0.2], [30, 5, 0.1]], [[1, 2, 0.3]]], ids=["a", "b"], screen_size=(64, 48)
    ... )
    >>> paths
    Scanpaths(n=2, fixations=3, screen_size=(64.0, 48.0))
    >>> paths["b"]
    array([[1. , 2. , 0.3]])
    >>> paths[[1]].ids
    ('b',)
    """

    __slots__ = ("_index", "_numbered", "ids", "offsets", "screen_size", "values")

    values: FloatArray
    offsets: IntArray
    ids: tuple[Hashable, ...]
    screen_size: tuple[float, float] | None

    def __init__(
        self,
        values: ArrayLike,
        offsets: ArrayLike,
        *,
        ids: Iterable[Hashable] | None = None,
        screen_size: Sequence[float] | None = None,
    ) -> None:
        self._own(np.array(as_rows("values", values)), offsets, ids, screen_size, "values")

    def _own(
        self,
        values: FloatArray,
        offsets: ArrayLike,
        ids: Iterable[Hashable] | None,
        screen_size: Sequence[float] | None,
        argument: str,
    ) -> None:
        starts = np.array(offsets)
        if starts.ndim != 1 or starts.size == 0 or not np.issubdtype(starts.dtype, np.integer):
            raise ValueError(f"offsets is {describe(offsets)}; expected n + 1 whole numbers")
        self.values = values
        self.offsets = starts.astype(np.int64)
        self.ids = as_ids(ids, len(self))
        self.screen_size = screen("screen_size", screen_size)
        _core.check_scanpaths((self.values, self.offsets), argument)
        self.values.flags.writeable = self.offsets.flags.writeable = False
        self._index = IdIndex(self.ids, unknown="no scanpath has the id {}")
        self._numbered: bool | None = None

    @classmethod
    def from_list(
        cls,
        gazes: Iterable[ArrayLike],
        *,
        ids: Iterable[Hashable] | None = None,
        screen_size: Sequence[float] | None = None,
        argument: str = "gazes",
    ) -> Scanpaths:
        """Copy scanpaths from a list of (L, 3) arrays: x, y, duration.

        Record arrays and structured arrays of three columns, as multimatch_gaze takes them, are
        read by position. Scanpaths are returned as they are, or with the ids or the screen size that
        are given instead of their own; x and y stay what they are. ``argument`` is the name that
        messages use for the list.
        """
        if isinstance(gazes, Scanpaths):
            return gazes._renamed(ids, screen_size)
        if isinstance(gazes, (str, bytes, Mapping)) or not isinstance(gazes, Iterable):
            raise TypeError(f"{argument} is {describe(gazes)}; expected a list of (L, 3) arrays or Scanpaths")
        if isinstance(gazes, np.ndarray) and gazes.dtype != object and gazes.ndim != 3 and gazes.size:
            raise ValueError(
                f"{argument} is {describe(gazes)}; expected (n, L, 3) or a list of (L, 3) arrays"
            )
        rows = [as_rows(f"{argument}: sample {sample}", gaze) for sample, gaze in enumerate(gazes)]
        offsets = np.zeros(len(rows) + 1, np.int64)
        np.cumsum([len(gaze) for gaze in rows], out=offsets[1:])
        values = np.concatenate(rows) if rows else np.empty((0, 3))
        new = cls.__new__(cls)
        new._own(values, offsets, ids, screen_size, argument)
        return new

    def _renamed(self, ids: Iterable[Hashable] | None, screen_size: Sequence[float] | None) -> Scanpaths:
        if ids is None and screen_size is None:
            return self
        names, size = (
            self.ids if ids is None else ids,
            self.screen_size if screen_size is None else screen_size,
        )
        return Scanpaths(self.values, self.offsets, ids=names, screen_size=size)

    @classmethod
    def from_table(cls, table: Any, *, screen_size: Sequence[float] | None = None) -> Scanpaths:
        """Build from a tidy table, one row per fixation.

        ``table`` is anything with named columns (a pandas or polars frame, a structured array, a
        dict of lists): ``image_id``, ``x``, ``y``, ``duration``, and optionally ``reader_id`` and
        ``fixation_index``. Scanpaths appear in the order of their first row; rows are ordered by
        ``fixation_index`` where it is given. With ``reader_id``, ids are (image_id, reader_id); without
        it, ``reader``, ``participant``, ``subject`` or ``observer`` counts, also as ``participant_id``.

        Examples
        --------
        >>> from gazesim import Scanpaths
        >>> table = {"image_id": ["a", "b", "a"], "x": [1, 2, 3], "y": [4, 5, 6], "duration": [0.1, 0.2, 0.3]}
        >>> Scanpaths.from_table(table)["a"]
        array([[1. , 4. , 0.1],
               [3. , 6. , 0.3]])
        """
        keys, values, index = tidy_rows(table)
        order, offsets, ids = by_scanpath(keys, index)
        return cls(values[order], offsets, ids=ids, screen_size=screen_size)

    def to_table(self) -> dict[str, NDArray[Any]]:
        """Return the tidy table that :meth:`from_table` reads, as a dict of columns.

        A scanpath without fixations has no row, so the table loses it.
        """
        lengths = np.diff(self.offsets)
        several = bool(self.ids) and all(isinstance(i, tuple) and len(i) == 2 for i in self.ids)
        names: dict[str, list[Any]] = {"image_id": list(self.ids)}
        if several:
            image_ids, reader_ids = zip(*self.ids, strict=True)
            names = {"image_id": list(image_ids), "reader_id": list(reader_ids)}
        table: dict[str, NDArray[Any]] = {}
        for name, ids in names.items():
            column = np.empty(len(ids), object)
            column[:] = ids
            table[name] = np.repeat(column, lengths)
        table["fixation_index"] = np.arange(len(self.values)) - np.repeat(self.offsets[:-1], lengths)
        for position, name in enumerate(COLUMNS):
            table[name] = self.values[:, position].copy()
        return table

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def __iter__(self) -> Iterator[FloatArray]:
        return (self._rows(position) for position in range(len(self)))

    @overload
    def __getitem__(self, key: str | int | tuple[Any, ...]) -> FloatArray: ...
    @overload
    def __getitem__(self, key: slice | list[Any] | NDArray[Any]) -> Scanpaths: ...
    def __getitem__(self, key: Any) -> FloatArray | Scanpaths:
        """Return one scanpath by its id, or several by a list of ids, a slice or a mask.

        A whole number is an id where ids are whole numbers, else a position.
        """
        if isinstance(key, (int, np.integer)) and not isinstance(key, bool):
            return self._rows(self.position(key) if self._has_numbers() else range(len(self))[int(key)])
        if isinstance(key, (str, tuple)):
            return self._rows(self.position(key))
        return self._several(self.positions(key))

    @overload
    def at(self, key: int) -> FloatArray: ...
    @overload
    def at(self, key: slice | list[int] | NDArray[Any]) -> Scanpaths: ...
    def at(self, key: Any) -> FloatArray | Scanpaths:
        """Return one scanpath by its position, or several by positions, a slice or a mask.

        Examples
        --------
        >>> from gazesim import Scanpaths
        >>> paths = Scanpaths.from_list([[[1, 2, 0.3]], [[4, 5, 0.6]]], ids=[20, 10])
        >>> paths.at(0).tolist(), paths[10].tolist()
        ([[1.0, 2.0, 0.3]], [[4.0, 5.0, 0.6]])
        """
        if isinstance(key, (int, np.integer)) and not isinstance(key, bool):
            return self._rows(range(len(self))[int(key)])
        return self._several(as_positions(key, len(self)))

    def _several(self, chosen: IntArray) -> Scanpaths:
        values, offsets = take_ragged(self.values, self.offsets, chosen)
        return Scanpaths(values, offsets, ids=[self.ids[i] for i in chosen], screen_size=self.screen_size)

    def _rows(self, position: int) -> FloatArray:
        return self.values[self.offsets[position] : self.offsets[position + 1]]

    def _has_numbers(self) -> bool:
        """Return whether a whole number is looked up as an id: some ids are whole numbers, not positions."""
        if self._numbered is None:  # looked at once: a loop over positions asks for every scanpath
            self._numbered = self.ids != tuple(range(len(self))) and any(
                isinstance(name, int) and not isinstance(name, bool) for name in self.ids
            )
        return self._numbered

    def position(self, name: Hashable) -> int:
        """Return where the scanpath with id ``name`` is."""
        return self._index.position(name)

    def positions(self, key: Any) -> IntArray:
        """Return the positions that a slice, a mask, or a list of ids stands for.

        Whole numbers are ids where ids are whole numbers, else positions.
        """
        if isinstance(key, slice):
            return as_positions(key, len(self))
        names = listed(key, "index")
        if names and (
            any(isinstance(name, (str, tuple)) for name in names)
            or (self._has_numbers() and all(type(name) is int for name in names))
        ):
            return self._index.positions(names)
        return as_positions(key, len(self))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Scanpaths):
            return NotImplemented
        return (
            self.ids == other.ids
            and self.screen_size == other.screen_size
            and np.array_equal(self.offsets, other.offsets)
            and np.array_equal(self.values, other.values)
        )

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"Scanpaths(n={len(self)}, fixations={len(self.values)}, screen_size={self.screen_size})"

    def __reduce__(self) -> tuple[Any, ...]:
        return _restore, (self.values, self.offsets, self.ids, self.screen_size)


def _restore(values: FloatArray, offsets: IntArray, ids: Any, screen_size: Any) -> Scanpaths:
    return Scanpaths(values, offsets, ids=ids, screen_size=screen_size)


def as_rows(argument: str, gaze: Any) -> FloatArray:
    """Return one scanpath, or all rows, as a contiguous (L, 3) float64 array."""
    rows = as_numbers(argument, gaze)
    if rows.ndim != 2 or rows.shape[1] != 3:
        raise ValueError(f"{argument} has shape {rows.shape}; expected (L, 3): x, y, duration")
    return np.require(rows, np.float64, ["C", "A"])


def as_numbers(argument: str, value: Any) -> NDArray[Any]:
    """Return ``value`` as an array of real numbers of its own dtype."""
    try:
        array = np.asarray(value)
    except ValueError:
        raise ValueError(f"{argument} is a ragged nested list; expected rows of one length") from None
    except RuntimeError as error:  # a tensor that needs grad or lies on a GPU
        raise TypeError(f"{argument} cannot be read as an array: {error}") from None
    if array.dtype.names is not None:
        if any(array.dtype[name].kind not in "iuf" for name in array.dtype.names):
            raise TypeError(f"{argument} has dtype {array.dtype}; expected columns of real numbers")
        array = recfunctions.structured_to_unstructured(array)
    if array.dtype.kind not in "iuf":
        raise TypeError(f"{argument} has dtype {array.dtype}; expected real numbers")
    return array


def take_ragged(values: NDArray[Any], offsets: IntArray, chosen: IntArray) -> tuple[NDArray[Any], IntArray]:
    """Return the rows and offsets of the samples at positions ``chosen``."""
    lengths = np.diff(offsets)[chosen]
    taken = np.concatenate([np.zeros(1, np.int64), np.cumsum(lengths, dtype=np.int64)])
    rows = np.arange(taken[-1]) + np.repeat(offsets[:-1][chosen] - taken[:-1], lengths)
    return values[rows], taken


def reader_column(names: Sequence[str]) -> str | None:
    """Return the column that names readers: the first of :data:`READER_COLUMNS` in any case, or None."""
    known = {name.lower(): name for name in reversed(names)} | {name: name for name in names}
    return next((known[name] for name in READER_COLUMNS if name in known), None)


def tidy_rows(table: Any) -> tuple[list[Hashable], FloatArray, NDArray[Any] | None]:
    """Return the scanpath of every row of a tidy table, its x, y, duration (n, 3), and its fixation_index.

    The one reader of tidy tables in memory, for ``Scanpaths.from_table`` and ``read_scanpaths``.
    """
    columns = _columns(table)
    for name in ("image_id", *COLUMNS):
        if name not in columns:
            raise ValueError(f"table has the columns {sorted(columns)}; expected a column {name!r}")
    keys = _column(columns, "image_id")
    if (reader := reader_column(list(columns))) is not None:
        keys = list(zip(keys, _column(columns, reader), strict=True))
    values = np.column_stack([_numbers(columns, name) for name in COLUMNS])
    index = np.asarray(columns["fixation_index"]) if "fixation_index" in columns else None
    return keys, values, index


def by_scanpath(
    keys: Sequence[Hashable], index: NDArray[Any] | None
) -> tuple[IntArray, IntArray, list[Hashable]]:
    """Return the order that groups rows by scanpath, the offsets and the ids of the scanpaths.

    Scanpaths come in the order of their first row, and their rows in the order of ``index`` if given.
    """
    rows_of: dict[Hashable, list[int]] = {}
    for row, key in enumerate(keys):
        rows_of.setdefault(key, []).append(row)
    order = np.array([row for rows in rows_of.values() for row in rows], np.int64)
    offsets = np.concatenate([[0], np.cumsum([len(rows) for rows in rows_of.values()], dtype=np.int64)])
    if index is not None:
        chosen = index[order]
        for start, end in itertools.pairwise(offsets):
            part = order[start:end]
            order[start:end] = part[np.argsort(chosen[start:end], kind="stable")]
    return order, offsets, list(rows_of)


def _columns(table: Any) -> dict[str, Any]:
    if isinstance(table, np.ndarray) and table.dtype.names is not None:
        return {name: table[name] for name in table.dtype.names}
    names = table.keys() if isinstance(table, Mapping) else getattr(table, "columns", None)
    if names is None:
        raise TypeError(f"table is {describe(table)}; expected something with named columns")
    columns = {str(name): table[name] for name in names}
    lengths = {name: len(column) for name, column in columns.items()}
    if len(set(lengths.values())) > 1:
        raise ValueError(f"table has columns of different lengths {lengths}; expected one row per fixation")
    return columns


def _column(columns: Mapping[str, Any], name: str) -> list[Hashable]:
    """Return a column of ids; a missing value is an error, since NaN would become a name."""
    values: list[Hashable] = listed(columns[name], name)  # an array of NaN and text would be text
    for row, value in enumerate(values):
        if is_missing(value) or (isinstance(value, str) and not value):
            raise ValueError(f"table: row {row}: {name} is {value!r}, a missing value; expected a name")
    return values


def _numbers(columns: Mapping[str, Any], name: str) -> FloatArray:
    """Return a column of numbers; None is NaN."""
    column = np.asarray(columns[name])
    if column.dtype.kind in "iuf":
        return column.astype(np.float64)
    numbers = np.empty(len(column))
    for row, value in enumerate(columns[name]):
        missing = is_missing(value)
        if not missing and (isinstance(value, bool) or not isinstance(value, Real)):
            raise TypeError(f"table, row {row}: {name} is {value!r}; expected real numbers")
        numbers[row] = np.nan if missing else float(value)
    return numbers
