"""Features: what a scheme keeps of every gaze, and the affinities between them."""

from __future__ import annotations

import warnings
from collections.abc import Hashable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .._errors import choice, describe, integer, number
from ..heatmaps import threads
from ..ids import IdIndex, as_ids, as_positions
from ..scanpaths import take_ragged
from .descent import descent_for
from .neighbors import find_neighbors
from .pairs_bar import Bar

if TYPE_CHECKING:
    from scipy.sparse import csr_array

    from . import Scheme

__all__ = ["Features", "InvalidGazeWarning"]

ERRORS = ("warn", "raise", "ignore")


class InvalidGazeWarning(UserWarning):
    """Some gazes are too short or too empty for the scheme; their affinities are 0."""


class Features:
    """What a scheme keeps of ``n`` gazes: computed once, then compared as often as needed.

    Made by ``scheme.features(gazes)``. Features can be pickled, have a length and are sliced by positions
    (``feats[[3, 1]]``, ``feats[10:20]``, ``feats[mask]``). They compute the affinities of any block on
    demand, by id (:meth:`block`) or by position (:meth:`block_at`), so training can use them as a source
    without a matrix on disk. Features made of numbers computed elsewhere are checked: NaN, infinities and
    numbers that the scheme never yields raise a ValueError that names sample, row and value.

    Attributes
    ----------
    scheme
        The scheme that made them, with its parameters.
    values, offsets
        The numbers: row ``i`` belongs to gaze ``i`` where ``offsets`` is None, else gaze ``i`` owns
        the rows ``offsets[i]:offsets[i + 1]``.
    ids
        One id per gaze.
    valid
        (n,) bool: whether the scheme is defined on the gaze.

    Examples
    --------
    >>> import numpy as np
    >>> from gazesim import Moments
    >>> maps = np.random.default_rng(0).random((5, 16, 16))
    >>> feats = Moments().features(maps)
    >>> len(feats), feats[[0, 2]].affinity().shape
    (5, (2, 2))
    """

    __slots__ = ("_index", "ids", "map_size_hw", "offsets", "scheme", "valid", "values")

    def __init__(
        self,
        scheme: Scheme,
        values: NDArray[Any],
        offsets: NDArray[np.int64] | None,
        ids: Iterable[Hashable] | None = None,
    ) -> None:
        refuse_odd_values(values, offsets, low=scheme.lowest_value)
        self._own(scheme, values, offsets, ids, None)

    @classmethod
    def trusted(
        cls,
        scheme: Scheme,
        values: NDArray[Any],
        offsets: NDArray[np.int64] | None,
        ids: Iterable[Hashable] | None,
        map_size_hw: tuple[int, int] | None = None,
    ) -> Features:
        """Return features made of numbers that the scheme itself computed, without checking them."""
        new = cls.__new__(cls)
        new._own(scheme, values, offsets, ids, map_size_hw)
        return new

    def _own(
        self,
        scheme: Scheme,
        values: NDArray[Any],
        offsets: NDArray[np.int64] | None,
        ids: Iterable[Hashable] | None,
        map_size_hw: tuple[int, int] | None,
    ) -> None:
        self.scheme = scheme
        self.values = values
        self.offsets = offsets
        self.valid: NDArray[np.bool_] = (
            np.diff(offsets) > 0 if offsets is not None else np.asarray((values != 0).any(axis=1))
        )
        self.ids = as_ids(ids, len(self.valid))
        # Size of the maps whose pixels are the unit of the values; None if the unit is another or unknown.
        self.map_size_hw = map_size_hw
        self._index = IdIndex(self.ids)

    def __len__(self) -> int:
        return len(self.valid)

    def __getitem__(self, index: slice | Sequence[int] | NDArray[Any]) -> Features:
        """Return the features at ``index``: positions (distinct), a mask or a slice."""
        return self.take(as_positions(index, len(self)))

    def take(self, chosen: NDArray[np.int64], ids: Iterable[Hashable] | None = None) -> Features:
        """Return the features at positions ``chosen``, with their own ids or with ``ids``."""
        names = [self.ids[position] for position in chosen] if ids is None else ids
        if self.offsets is None:
            return Features.trusted(self.scheme, self.values[chosen], None, names, self.map_size_hw)
        values, offsets = take_ragged(self.values, self.offsets, chosen)
        return Features.trusted(self.scheme, values, offsets, names)

    def __repr__(self) -> str:
        return f"Features(n={len(self)}, invalid={int((~self.valid).sum())}, scheme={self.scheme!r})"

    def __reduce__(self) -> tuple[Any, ...]:
        return Features.trusted, (self.scheme, self.values, self.offsets, self.ids, self.map_size_hw)

    def affinity(
        self,
        other: Features | None = None,
        *,
        n_threads: int | None = None,
        out: NDArray[np.float32] | None = None,
        progress: bool = False,
        errors: str = "warn",
    ) -> NDArray[np.float32]:
        """Return the affinities of these gazes with each other, or with ``other``.

        Parameters
        ----------
        other
            Features of the same scheme with the same parameters; default: these themselves.
        n_threads
            Threads to use; default ``GAZESIM_NUM_THREADS``, then all available cores. The result
            does not depend on it.
        out
            C-contiguous float32 array of the result's shape to write to. Where the call is
            interrupted, its content is undefined.
        progress
            Whether to show a progress bar on stderr.
        errors
            What to do about invalid gazes: ``"warn"`` (one warning that counts them), ``"raise"`` a
            ValueError, or ``"ignore"``.

        Returns
        -------
        ndarray
            (n, n) or (n, m) float32: ``[i, j]`` compares gaze ``i`` of these with gaze ``j`` of
            ``other``. In [0, 1]; 0 in the rows and columns of invalid gazes.
        """
        choice("errors", errors, ERRORS)
        if other is not None:
            self._check_comparable(other)
        for argument, features in (("gazes", self), ("other", other)):
            if features is not None:
                features.report_invalid(argument, errors)
        cols = self if other is None else other
        result = matrix(out, (len(self), len(cols)), np.dtype(np.float32))
        with Bar(progress, len(self), len(cols), other is None) as advance:
            self.scheme.fill_affinity(self, other, result, n_threads=threads(n_threads), progress=advance)
        return result

    def neighbors(
        self,
        *,
        threshold: float | None = None,
        top_k: int | None = None,
        method: str = "exact",
        graph_k: int = 40,
        seed: int = 0,
        n_threads: int | None = None,
        progress: bool = False,
        errors: str = "warn",
    ) -> csr_array:
        """Return the nearest neighbours of every gaze; see :func:`gazesim.neighbors`."""

        choice("errors", errors, ERRORS)
        if threshold is None and top_k is None:
            raise ValueError("threshold and top_k are both missing; expected at least one of them")
        low = 0.0 if threshold is None else number("threshold", threshold, low=0.0, high=1.0, open_low=True)
        count = None if top_k is None else integer("top_k", top_k, low=1, high=2**31 - 1)
        descent = descent_for(method, count, graph_k, seed)
        self.report_invalid("gazes", errors)
        return find_neighbors(self, low, count, descent, n_threads=n_threads, progress=progress)

    def block(
        self, ids_a: Iterable[Hashable], ids_b: Iterable[Hashable] | None = None
    ) -> NDArray[np.float32]:
        """Return the affinities of the gazes ``ids_a`` with ``ids_b`` (default: with each other).

        Ids may repeat. Raises KeyError for an unknown id.
        """
        columns = None if ids_b is None else self._index.positions(ids_b)
        return self.block_at(self._index.positions(ids_a), columns)

    def block_at(self, rows: Any, cols: Any | None = None) -> NDArray[np.float32]:
        """Return the affinities of the gazes at positions ``rows`` with ``cols`` (default: each other).

        (R, C) float32: ``[i, j]`` compares gaze ``rows[i]`` with gaze ``cols[j]``. Positions may repeat.

        Examples
        --------
        >>> import numpy as np
        >>> from gazesim import Moments
        >>> feats = Moments().features(np.random.default_rng(0).random((3, 16, 16)), ids=["a", "b", "c"])
        >>> bool((feats.block_at([2], [0, 1]) == feats.block(["c"], ["a", "b"])).all())
        True
        """
        others = None if cols is None else self._repeated(cols)
        return self._repeated(rows).affinity(others, errors="ignore")

    def _repeated(self, index: Any) -> Features:
        """Return the features at positions that may repeat, with the ids 0, 1, ...: ids must be distinct."""
        chosen = as_positions(index, len(self))
        return self.take(chosen, ids=range(len(chosen)))

    def _check_comparable(self, other: Features) -> None:
        if not isinstance(other, Features):
            raise TypeError(f"other is {describe(other)}; expected Features")
        if other.scheme != self.scheme:
            raise ValueError(f"other has the scheme {other.scheme!r}; expected {self.scheme!r}")
        self.refuse_other_maps("other", other)

    def refuse_other_maps(self, argument: str, other: Features) -> None:
        """Raise ValueError if values are in pixels and the maps of ``other`` have another size."""
        if None not in (self.map_size_hw, other.map_size_hw) and self.map_size_hw != other.map_size_hw:
            raise ValueError(
                f"{argument} has maps of {other.map_size_hw}, compared with {self.map_size_hw} (height, "
                "width); expected one size, or Moments(size=(32, 32)) to resize them"
            )

    def invalid_message(self, argument: str = "gazes") -> str | None:
        """Return a message that counts and names the invalid gazes, or None if all are valid."""
        invalid = np.flatnonzero(~self.valid)
        if not len(invalid):
            return None
        names = ", ".join(repr(self.ids[position]) for position in invalid[:5])
        more = ", ..." if len(invalid) > 5 else ""
        return (
            f"{argument}: {len(invalid)} of {len(self)} gazes are invalid for {type(self.scheme).__name__} "
            f"({self.scheme.invalid_reason}); their affinities are 0: ids {names}{more}"
        )

    def report_invalid(self, argument: str, errors: str) -> None:
        """Warn of invalid gazes, raise ValueError or do nothing, as ``errors`` says."""
        message = None if errors == "ignore" else self.invalid_message(argument)
        if message is not None and errors == "raise":
            raise ValueError(message)
        if message is not None:
            warnings.warn(message, InvalidGazeWarning, stacklevel=caller_depth())


def refuse_odd_values(values: Any, offsets: Any, *, low: float | None) -> None:
    """Raise ValueError for numbers that are not finite or below ``low``; the message names the first."""
    numbers = np.asarray(values)
    if numbers.dtype.kind != "f" or numbers.ndim != 2:
        return  # hashes, or arrays that the compiled functions refuse
    odd = ~np.isfinite(numbers) if low is None else ~((numbers >= low) & (numbers < np.inf))
    if not odd.any():
        return
    row, column = np.argwhere(odd)[0].tolist()
    starts = np.arange(len(numbers)) if offsets is None else np.asarray(offsets)
    sample = int(np.searchsorted(starts, row, "right")) - 1
    where = f"sample {sample}, row {row - starts[sample]}, column {column}"
    expected = "a finite number" if low is None else f"a finite number of at least {low:g}"
    raise ValueError(f"values: {where} is {numbers[row, column]:g}; expected {expected}")


def caller_depth() -> int:
    """Return the stacklevel of the first frame outside of this package."""
    import sys

    depth, frame = 1, sys._getframe(1)
    while frame.f_back is not None and frame.f_globals.get("__name__", "").startswith("gazesim."):
        depth, frame = depth + 1, frame.f_back
    return depth


def matrix(out: NDArray[Any] | None, shape: tuple[int, ...], dtype: np.dtype[Any]) -> NDArray[Any]:
    """Return ``out`` if it fits the result, or a new array if it is None."""
    if out is None:
        return np.empty(shape, dtype)
    if not isinstance(out, np.ndarray):
        raise TypeError(f"out is {describe(out)}; expected a {dtype} array of shape {shape}")
    if out.shape != shape or out.dtype != dtype:
        raise ValueError(f"out has shape {out.shape} and dtype {out.dtype}; expected {shape} and {dtype}")
    if not (out.flags.c_contiguous and out.flags.aligned and out.flags.writeable):
        raise ValueError("out is read-only, strided or unaligned; expected a writable C-contiguous array")
    return out
