"""Checked inputs of the gaze-map measures: maps, and the pixels that fixations fall on."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._errors import choice, describe
from ..scanpaths import Scanpaths, as_numbers

__all__ = ["Fixated", "FixationsOutsideWarning", "MapSeries", "fixations_by_image", "per_map"]

Map = NDArray[np.float64]
Indices = NDArray[np.int64]
#: (width, height) in pixels.
Size = tuple[int, int]


class FixationsOutsideWarning(UserWarning):
    """Fixations outside of their map were left out.

    Examples
    --------
    >>> import warnings
    >>> from gazesim.saliency import FixationsOutsideWarning, auc
    >>> with warnings.catch_warnings(record=True, action="always", category=FixationsOutsideWarning) as found:
    ...     _ = auc([[1, 2]], [[0, 0], [5, 0]])
    >>> print(found[0].message)
    fixations: 1 of 2 fixations lie outside of their map, the first of them in entry 0; they are left out
    """


@dataclass(frozen=True)
class Fixated:
    """The fixations of one image in its pixels: x and y, and the column and row of the pixel of each."""

    x: NDArray[np.float64]
    y: NDArray[np.float64]
    columns: Indices
    rows: Indices
    #: Number of fixations outside of the map, which are left out of the arrays.
    outside: int

    def pixels(self) -> tuple[Indices, Indices]:
        """Return rows and columns of the fixated pixels, each pixel once."""
        both = np.unique(np.column_stack([self.rows, self.columns]), axis=0)
        return both[:, 0], both[:, 1]


class PooledFixations:
    """The fixations of all images; :meth:`pixels_in` scales them to the size of any image."""

    def __init__(self, found: Sequence[Fixated], sizes: Sequence[Size]) -> None:
        #: The position of the image that each fixation was made on.
        self.owner = np.repeat(np.arange(len(found)), [len(one.x) for one in found])
        self._points = np.array([np.concatenate([getattr(one, axis) for one in found]) for axis in "xy"])
        self._sizes = np.array(sizes, np.float64)[self.owner].T

    def pixels_in(self, size: Size) -> tuple[Indices, Indices]:
        """Return rows and columns of all fixations in an image of (width, height), truncated to pixels."""
        limits = np.array(size)[:, None]
        # The ratio first: between images of one size it is exactly 1, and no position moves.
        scaled = (self._points * (limits / self._sizes)).astype(np.int64)
        columns, rows = np.minimum(scaled, limits - 1)
        return rows, columns


class MapSeries:
    """One map or several. Each map is checked when it is reached, so maps may be drawn on demand."""

    def __init__(self, argument: str, maps: Any, *, low: float = -np.inf) -> None:
        if isinstance(maps, (str, bytes, dict, Scanpaths)) or not hasattr(maps, "__len__"):
            raise TypeError(f"{argument} is {describe(maps)}; expected (H, W), (n, H, W) or a list of (H, W)")
        if isinstance(maps, np.ndarray) and maps.ndim not in (2, 3):
            raise ValueError(f"{argument} has shape {maps.shape}; expected (H, W) or (n, H, W)")
        self.argument, self.low = argument, low
        self.single = getattr(maps, "ndim", 0) == 2 or _is_nested_rows(maps)
        self._maps: Any = [maps] if self.single else maps

    def __len__(self) -> int:
        return len(self._maps)

    def __iter__(self) -> Iterator[Map]:
        return (self._checked(sample, one) for sample, one in enumerate(self._maps))

    def _checked(self, sample: int, one: Any) -> Map:
        name = self.argument if self.single else f"{self.argument}[{sample}]"
        array = np.asarray(one)
        pixels = np.asarray(array if array.dtype == bool else as_numbers(name, array), np.float64)
        if pixels.ndim != 2 or not pixels.size:
            raise ValueError(f"{name} has shape {pixels.shape}; expected (H, W) and at least one pixel")
        wrong = ~(np.isfinite(pixels) & (pixels >= self.low))
        if wrong.any():
            row, column = (int(at) for at in np.argwhere(wrong)[0])
            bound = "" if self.low == -np.inf else f" of at least {self.low:g}"
            raise ValueError(
                f"{name}: row {row}, column {column} is {pixels[row, column]}; "
                f"expected a finite number{bound}"
            )
        return pixels


def _is_nested_rows(maps: Any) -> bool:
    """Return whether nested lists are the rows of one map."""
    return isinstance(maps, (list, tuple)) and len(maps) > 0 and np.ndim(maps[0]) == 1


def per_map(score: Callable[..., float], *series: Any) -> Any:
    """Return the score of every map: a float for one map, an (n,) float64 array for several."""
    values = np.array([score(*parts) for parts in zip(*series, strict=True)], np.float64)
    return float(values[0]) if series[0].single else values


def same_count(maps: MapSeries, argument: str, count: int) -> None:
    """Raise unless ``argument`` has one entry for each map."""
    if count != len(maps):
        raise ValueError(
            f"{argument} has {count} entries; "
            f"expected one for each of the {len(maps)} maps of {maps.argument}"
        )


def same_number(maps: MapSeries, other: MapSeries) -> None:
    """Raise unless two series are both one map, or both equally many maps."""
    if maps.single != other.single:
        raise ValueError(
            f"{maps.argument} is {'one map' if maps.single else f'{len(maps)} maps'}, "
            f"{other.argument} {'one map' if other.single else f'{len(other)} maps'}; expected as many"
        )
    same_count(maps, other.argument, len(other))


def same_shape(maps: MapSeries, other: MapSeries, p: Map, q: Map) -> None:
    """Raise unless the two maps of a pair have the same shape."""
    if p.shape != q.shape:
        raise ValueError(
            f"{maps.argument} has a map of shape {p.shape} and {other.argument} one of shape {q.shape} for "
            "the same image; expected equal shapes"
        )


def fixations_of(
    maps: MapSeries, fixations: Any, outside: str, argument: str = "fixations"
) -> Callable[[int, tuple[int, ...]], Fixated]:
    """Check fixations against the number of maps; return a function of (sample, shape of its map).

    ``fixations`` has one scanpath per map, (L, 2) or (L, 3) with x and y first, or a boolean mask of the
    maps' shape. For one map, ``fixations`` is one scanpath.
    """
    choice("outside", outside, ("warn", "ignore", "raise"))
    given = _as_list(maps, fixations, argument)

    def fixated(sample: int, shape: tuple[int, ...]) -> Fixated:
        name = argument if maps.single else f"{argument}[{sample}]"
        return fixated_in(name, given[sample], shape)

    return fixated


def _as_list(maps: MapSeries, fixations: Any, argument: str) -> Sequence[Any]:
    if isinstance(fixations, (str, bytes, dict)) or not hasattr(fixations, "__len__"):
        raise TypeError(f"{argument} is {describe(fixations)}; expected a scanpath (L, 3) per map, or masks")
    if maps.single:
        several = isinstance(fixations, Scanpaths) or getattr(fixations, "ndim", 0) == 3
        if several:
            same_count(maps, argument, len(fixations))
            return list(fixations)
        return [fixations]
    same_count(maps, argument, len(fixations))
    return list(fixations)


def fixated_in(name: str, one: Any, shape: tuple[int, ...]) -> Fixated:
    array = np.asarray(one)
    if array.dtype == bool:
        if array.shape != shape:
            raise ValueError(f"{name} is a mask of shape {array.shape}; expected that of its map, {shape}")
        rows, columns = np.nonzero(array)
        middles = [positions.astype(np.float64) + 0.5 for positions in (columns, rows)]
        return Fixated(middles[0], middles[1], columns, rows, 0)
    if array.size == 0:
        array = np.empty((0, 2))
    points = as_numbers(name, array)
    if points.ndim != 2 or points.shape[1] not in (2, 3):
        raise ValueError(f"{name} has shape {points.shape}; expected (L, 3) or (L, 2): x, y, or a mask")
    wrong = ~np.isfinite(points[:, :2])
    if wrong.any():
        row, column = (int(at) for at in np.argwhere(wrong)[0])
        raise ValueError(
            f"{name}: row {row}, column {column} is {points[row, column]}; expected a finite number"
        )
    x, y = (points[:, axis].astype(np.float64) for axis in (0, 1))
    inside = (x >= 0) & (x < shape[1]) & (y >= 0) & (y < shape[0])
    x, y = x[inside], y[inside]
    return Fixated(x, y, x.astype(np.int64), y.astype(np.int64), int(np.sum(~inside)))


def report_outside(found: Sequence[Fixated], outside: str, *, stacklevel: int = 3) -> None:
    """Warn of, raise for, or ignore fixations outside of their maps."""
    counts = [one.outside for one in found]
    if outside == "ignore" or not any(counts):
        return
    total = sum(counts) + sum(len(one.x) for one in found)
    first = next(sample for sample, count in enumerate(counts) if count)
    message = (
        f"fixations: {sum(counts)} of {total} fixations lie outside of their map, "
        f"the first of them in entry {first}"
    )
    if outside == "raise":
        raise ValueError(
            f'{message}; expected x and y in pixels of the map (outside="ignore" leaves them out)'
        )
    warnings.warn(f"{message}; they are left out", FixationsOutsideWarning, stacklevel=stacklevel)


def fixations_by_image(paths: Scanpaths) -> dict[Hashable, NDArray[np.float64]]:
    """Return the fixations of all readers of an image together, by image id: (L, 3) arrays.

    Ids of ``paths`` are image ids or (image_id, reader_id). Images come in the order of their first
    scanpath.

    Examples
    --------
    >>> from gazesim import Scanpaths
    >>> from gazesim.saliency import fixations_by_image
    >>> readers = [("a", 1), ("b", 1), ("a", 2)]
    >>> paths = Scanpaths.from_list([[[1, 2, 0.1]], [[5, 5, 0.1]], [[3, 4, 0.2]]], ids=readers)
    >>> {image: len(fixations) for image, fixations in fixations_by_image(paths).items()}
    {'a': 2, 'b': 1}
    """
    parts: dict[Hashable, list[NDArray[np.float64]]] = {}
    for name, path in zip(paths.ids, paths, strict=True):
        parts.setdefault(image_of(name), []).append(path)
    return {image: np.concatenate(found) for image, found in parts.items()}


def image_of(name: Hashable) -> Hashable:
    """Return the image id of a scanpath's id, which is the image id or (image_id, reader_id)."""
    return name[0] if isinstance(name, tuple) and len(name) == 2 else name
