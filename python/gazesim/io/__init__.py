"""Readers of gaze files: one module per format, one registry, one function."""

from __future__ import annotations

import csv
import os
from pathlib import Path
from typing import Any

from ..scanpaths import Scanpaths
from .detection import find_fixations, read_samples
from .raw import Samples
from .reading import Reading, read
from .registry import FORMATS
from .report import ReadingReport

__all__ = [
    "FORMATS", "Reading", "ReadingReport", "Samples", "find_fixations", "read", "read_samples",
    "read_scanpaths", "write_table",
]  # fmt: skip


def read_scanpaths(path: Any, **options: Any) -> Scanpaths:
    """Read as :func:`gazesim.read_scanpaths` does, with its options, but for where images stood.

    Examples
    --------
    >>> from gazesim.io import read_scanpaths
    >>> table = {"image_id": ["a"], "x": [10], "y": [20], "duration": [0.2]}
    >>> read_scanpaths(table, verbose=False)["a"].tolist()
    [[10.0, 20.0, 0.2]]
    """
    return read(path, **options).scanpaths


def write_table(paths: Scanpaths, path: str | os.PathLike[str]) -> None:
    """Write scanpaths as a tidy table (CSV) that :func:`read_scanpaths` reads back without loss.

    Ids become text, and the screen size is not part of the table. Raises ValueError for a scanpath
    without fixations: a table of fixations has no row for it, so it would be lost.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> from gazesim import Scanpaths, read_scanpaths
    >>> from gazesim.io import write_table
    >>> paths = Scanpaths.from_list([[[10, 20, 0.25]]], ids=["a"])
    >>> with TemporaryDirectory() as folder:
    ...     write_table(paths, Path(folder) / "gaze.csv")
    ...     read_scanpaths(Path(folder) / "gaze.csv", screen_size=(64, 48), verbose=False)["a"]
    array([[10.  , 20.  ,  0.25]])
    """
    for name, gaze in zip(paths.ids, paths, strict=True):
        if not len(gaze):
            raise ValueError(
                f"paths: the scanpath {name!r} has no fixations, which a table of fixations cannot say; "
                "expected at least one in each"
            )
    table = paths.to_table()
    with Path(path).open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(table)
        writer.writerows(zip(*(column.tolist() for column in table.values()), strict=True))
