"""Sample ids: the index from ids to positions, and the protocol of sources of affinities.

The rules for ids everywhere: a string is one id, never its letters; a whole number given as an id is
looked up as an id, never as a position; NumPy's and torch's numbers are the same ids as Python's.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from ._errors import describe

__all__ = ["IdIndex", "Source"]

Positions = NDArray[np.int64]


@runtime_checkable
class Source(Protocol):
    """A source of affinities: Features, AffinityCache, DenseSource, or a class of your own.

    Your class needs ``ids`` and ``block``. If it also has ``block_at``, PairMask reads it by position
    and looks up no ids.
    """

    @property
    def ids(self) -> tuple[Hashable, ...]:
        """The ids that the source knows, in the order of its rows."""

    def block(self, ids_a: Iterable[Hashable], ids_b: Iterable[Hashable] | None = None) -> Any:
        """Return the affinities of ``ids_a`` with ``ids_b`` (default: with each other), (A, B) float32.

        ``[i, j]`` is the affinity of ``ids_a[i]`` with ``ids_b[j]``. Ids may repeat; an unknown id raises
        KeyError.
        """

    def block_at(self, rows: Any, cols: Any | None = None) -> Any:
        """Return the affinities of the samples at positions ``rows`` with those at ``cols``, as ``block``."""


class IdIndex:
    """Look up the positions of ids.

    Parameters
    ----------
    ids
        Distinct hashable ids, one per position.
    unknown
        The start of the message about an unknown id; ``{}`` stands for the id.

    Examples
    --------
    >>> from gazesim.ids import IdIndex
    >>> index = IdIndex((30, 10, ("image", "reader")))
    >>> index.positions([10, 30]).tolist(), index.position(("image", "reader"))
    ([1, 0], 2)
    """

    __slots__ = ("_positions", "ids", "unknown")

    def __init__(self, ids: tuple[Hashable, ...], *, unknown: str = "no gaze has the id {}") -> None:
        self.ids = ids
        self.unknown = unknown
        self._positions: dict[Hashable, int] | None = None

    @property
    def table(self) -> dict[Hashable, int]:
        """The position of every id."""
        if self._positions is None:  # made when it is first needed: most features are never asked by id
            self._positions = {name: position for position, name in enumerate(self.ids)}
        return self._positions

    def __len__(self) -> int:
        return len(self.ids)

    def __contains__(self, name: object) -> bool:
        return isinstance(name, Hashable) and name in self.table

    def position(self, name: Any) -> int:
        """Return the position of one id; raise KeyError where it is unknown."""
        name = _plain(name)
        if name not in self:
            raise KeyError(self.unknown.format(describe(name)) + self.hint(name))
        return self.table[name]

    def positions(self, ids: Any) -> Positions:
        """Return the positions of several ids, which may repeat; raise KeyError for the first unknown one."""
        names = listed(ids)
        try:
            return np.fromiter(map(self.table.__getitem__, names), np.int64, len(names))
        except (KeyError, TypeError):  # look at each one, to name the one that is unknown
            if isinstance(ids, tuple) and ids in self:
                raise KeyError(f"{ids!r} is one id; expected several ids: [{ids!r}]") from None
            return np.array([self.position(name) for name in names], np.int64)

    def hint(self, name: object) -> str:
        """Return the hint that ends the message about an unknown id of another type, or an empty text."""
        first = self.ids[0] if self.ids else None
        if isinstance(first, tuple) and len(first) == 2 and not isinstance(name, tuple):
            return f"; the ids here are pairs (image_id, reader_id), such as {first!r}"
        if isinstance(name, str) and name.lstrip("-").isdigit() and int(name) in self.table:
            return f"; the ids here are whole numbers, such as {int(name)}"
        if isinstance(name, int) and str(name) in self.table:
            return f"; the ids here are text, such as {str(name)!r}"
        return ""


def listed(ids: Any, argument: str = "ids") -> list[Any]:
    """Return several ids as a list of plain Python objects; raise for one string and for arrays not 1-D."""
    if isinstance(ids, (str, bytes)) or not isinstance(ids, Iterable):
        example = f": [{ids!r}] for one" if isinstance(ids, (str, bytes)) and len(ids) < 60 else ""
        raise TypeError(f"{argument} is {describe(ids)}; expected several ids{example}")
    if hasattr(ids, "tolist") and hasattr(ids, "ndim"):  # arrays, tensors, columns of data frames
        if ids.ndim != 1:
            raise ValueError(f"{argument} is {describe(ids)}; expected one dimension")
        return [_plain(name) for name in ids.tolist()]
    return [_plain(name) for name in ids]


def _plain(name: Any) -> Any:
    """Return NumPy's and torch's numbers as Python's, which are the ids."""
    if type(name) in (str, int, tuple):
        return name
    if isinstance(name, np.generic) or (getattr(name, "ndim", None) == 0 and hasattr(name, "item")):
        return name.item()
    return name


def as_ids(ids: Iterable[Hashable] | None, count: int) -> tuple[Hashable, ...]:
    """Return one distinct hashable id per sample; by default 0 to ``count`` - 1."""
    if ids is None:
        return tuple(range(count))
    if isinstance(ids, (str, bytes)) or not isinstance(ids, Iterable):
        raise TypeError(f"ids is {describe(ids)}; expected one id per sample")
    names = tuple(ids) if isinstance(ids, range) else tuple(listed(ids))
    if len(names) != count:
        raise ValueError(f"ids has {len(names)} entries; expected one for each of the {count} samples")
    seen: set[Hashable] = set()
    for position, name in enumerate(names):
        if not isinstance(name, Hashable):
            raise TypeError(f"ids[{position}] is {describe(name)}; expected a hashable id")
        if name in seen:
            raise ValueError(f"ids[{position}] is {name!r}, which occurred before; expected distinct ids")
        if name is not None and is_missing(name):
            raise TypeError(
                f"ids[{position}] is {name!r}; expected a string, a finite number or a tuple of them"
            )
        seen.add(name)
    return names


def is_missing(name: object) -> bool:
    """Return whether an id is a table's missing value: None, NaN, pandas' NA or NaT."""
    is_nan = isinstance(name, float) and name != name
    return name is None or is_nan or type(name).__name__ in ("NAType", "NaTType")


def as_positions(key: Any, count: int) -> Positions:
    """Return the non-negative positions that a slice, a mask or an index array stands for."""
    if isinstance(key, slice):
        return np.arange(count, dtype=np.int64)[key]
    index = np.asarray(key)
    if index.size == 0:
        return np.empty(0, np.int64)
    if index.ndim != 1 or index.dtype.kind not in "iub":
        raise TypeError(f"index is {describe(key)}; expected positions, a mask or a slice")
    if index.dtype.kind == "b":
        if len(index) != count:
            raise IndexError(f"mask has {len(index)} entries; expected {count}")
        return np.flatnonzero(index)
    if index.max() >= count or index.min() < -count:
        worst = index.max() if index.max() >= count else index.min()
        raise IndexError(f"index {worst} is out of range for {count} samples")
    return index.astype(np.int64) % count


def block_at(source: Any, rows: Positions, cols: Positions | None = None) -> NDArray[np.float32]:
    """Return the affinities of positions in a source; one without ``block_at`` is asked by id."""
    if hasattr(source, "block_at"):
        block = np.asarray(source.block_at(rows, cols), np.float32)
        asked = "block_at"
    else:
        names = [source.ids[position] for position in rows]
        others = None if cols is None else [source.ids[position] for position in cols]
        block = np.asarray(source.block(names, others), np.float32)
        asked = "block"
    shape = (len(rows), len(rows if cols is None else cols))
    if block.shape != shape:
        raise ValueError(f"source.{asked} returned shape {block.shape}; expected {shape}")
    return block
