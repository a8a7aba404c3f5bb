"""Predicted and human scanpaths, read from any form that :func:`gazesim.compare_scanpaths` takes."""

from __future__ import annotations

import os
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._errors import describe, screen
from ..scanpaths import Scanpaths

__all__ = ["ByImage", "by_image", "frame_library", "joint_screen_size"]

Scanpath = NDArray[np.float64]


@dataclass(frozen=True)
class ByImage:
    """Scanpaths by image id."""

    argument: str
    #: For every image its scanpaths, and who or what made each.
    paths: dict[Hashable, list[Scanpath]]
    names: dict[Hashable, list[Hashable]]
    screen_size: tuple[float, float] | None
    #: False where all durations are equal: model output without durations, or with an assumed one.
    has_durations: bool


def by_image(argument: str, given: Any) -> ByImage:
    """Return scanpaths by image id from Scanpaths, a file, a frame or a mapping from images."""
    paths = _scanpaths(argument, given)
    found: dict[Hashable, list[Scanpath]] = {}
    names: dict[Hashable, list[Hashable]] = {}
    for name, path in zip(paths.ids, paths, strict=True):
        image, maker = name if isinstance(name, tuple) and len(name) == 2 else (name, "")
        found.setdefault(image, []).append(path)
        names.setdefault(image, []).append(maker)
    if not found:
        raise ValueError(f"{argument} has no scanpaths; expected at least one")
    durations = paths.values[:, 2]
    has_durations = len(durations) < 2 or bool((durations != durations[0]).any())
    return ByImage(argument, found, names, paths.screen_size, has_durations)


def _scanpaths(argument: str, given: Any) -> Scanpaths:
    if isinstance(given, Scanpaths):
        return given
    if isinstance(given, (str, os.PathLike)):
        from ..io import read_scanpaths

        return read_scanpaths(given)
    columns = _column_names(getattr(given, "frame", given))  # pymovements' Events hold their frame
    if columns is not None and {"image_id", "x", "y"} <= columns:
        return Scanpaths.from_table(given if "duration" in columns else _without_durations(given))
    if columns is not None and not isinstance(given, Mapping):
        from ..io import read_scanpaths

        return read_scanpaths(given, verbose=False)
    if isinstance(given, Mapping):
        return _from_mapping(argument, given)
    raise TypeError(
        f"{argument} is {describe(given)}; expected Scanpaths, a gaze file, a table with the columns "
        "image_id, x, y and duration, or a mapping from image ids to scanpaths"
    )


def _column_names(given: Any) -> set[str] | None:
    if isinstance(given, np.ndarray):
        return None if given.dtype.names is None else set(given.dtype.names)
    names = given.keys() if isinstance(given, Mapping) else getattr(given, "columns", None)
    return None if names is None else {str(name) for name in names}


def _without_durations(table: Any) -> dict[str, Any]:
    """Return the columns of a table, with a column of durations of 0: 0 stands for no duration."""
    names = (
        table.dtype.names
        if isinstance(table, np.ndarray)
        else table.keys()
        if isinstance(table, Mapping)
        else table.columns
    )
    columns = {str(name): table[name] for name in names}
    return {**columns, "duration": np.zeros(len(columns["x"]))}


def _from_mapping(argument: str, given: Mapping[Any, Any]) -> Scanpaths:
    """Return the scanpaths of a mapping from images to one scanpath (L, 3) or to a list of them."""
    gazes: list[Any] = []
    ids: list[Hashable] = []
    for image, several in given.items():
        one = _is_one(several)
        if not one and not hasattr(several, "__len__"):
            raise TypeError(
                f"{argument}[{image!r}] is {describe(several)}; expected (L, 3) or a list of (L, 3)"
            )
        found = Scanpaths.from_list([several] if one else several, argument=f"{argument}[{image!r}]")
        gazes += found
        ids += [(image, number) for number in range(len(found))]
    return Scanpaths.from_list(gazes, ids=ids, argument=argument)


def _is_one(value: Any) -> bool:
    if isinstance(value, np.ndarray) and value.dtype != object:
        return value.ndim == 2 or value.dtype.names is not None
    return (
        isinstance(value, (list, tuple))
        and len(value) > 0
        and np.ndim(value[0]) == 1
        and (getattr(value[0], "dtype", np.dtype(float)).names is None)
    )


def joint_screen_size(given: Any, *sets: ByImage) -> tuple[float, float]:
    """Return the given (width, height), else the one that the sets state."""
    asked = screen("screen_size", given)
    stated = {one.argument: one.screen_size for one in sets if one.screen_size is not None}
    if asked is None and len(set(stated.values())) > 1:
        raise ValueError(f"the scanpaths state different screen sizes, {stated}; expected one size in pixels")
    if asked is None and not stated:
        raise ValueError(
            "screen_size is missing; expected (width, height) in pixels, as a parameter or on the Scanpaths"
        )
    return asked or next(iter(stated.values()))


def frame_library(*given: Any) -> str | None:
    """Return "pandas" or "polars", the library of the first frame among the arguments, if there is one."""
    for one in given:
        library = type(getattr(one, "frame", one)).__module__.partition(".")[0]
        if library in ("pandas", "polars"):
            return library
    return None
