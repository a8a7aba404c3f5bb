"""Readers of gaze files: one module per format, one registry, one function."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Hashable, Sequence
from pathlib import Path
from typing import Any

from ..scanpaths import Scanpaths
from .detection import find_fixations, read_samples
from .raw import Samples
from .reading import Reading, read
from .registry import FORMATS
from .report import ReadingReport
from .tables import FrameTable, Row, cells_of

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

    Ids become text, and the screen size is not part of the table. Raises ValueError for what would be lost: a
    scanpath without fixations, for which a table of fixations has no row; ids that are the same text (``1``
    and ``"1"``); an id that is read back differently, such as ``"nan"`` (a missing name) or ``" a"``.

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
    _refuse_lost_ids(paths.ids)
    table = paths.to_table()
    with Path(path).open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(table)
        writer.writerows(zip(*(column.tolist() for column in table.values()), strict=True))


def _refuse_lost_ids(ids: Sequence[Hashable]) -> None:
    """Raise ValueError for two ids that are the same text, and for one that is read back differently."""
    are_pairs = all(isinstance(name, tuple) and len(name) == 2 for name in ids)
    known: dict[tuple[str, ...], Hashable] = {}
    for name in ids:
        cells = tuple(map(str, name)) if are_pairs and isinstance(name, tuple) else (str(name),)
        found = _read_back(cells)
        if found != cells:
            fate = "cannot be read back" if found is None else f"is read back as {'/'.join(found)!r}"
            raise ValueError(
                f"paths: the id {name!r} {fate} from a table; expected text in UTF-8 that is neither "
                "empty nor 'nan', without spaces around it, and with \\n as its only line end"
            )
        if cells in known:
            raise ValueError(
                f"paths: the ids {known[cells]!r} and {name!r} are both written as {'/'.join(cells)!r}; "
                "expected ids that differ as text"
            )
        known[cells] = name


def _read_back(cells: tuple[str, ...]) -> tuple[str, ...] | None:
    """Return the names that the reader finds in a row of these cells, or None where it refuses them."""
    line = io.StringIO()
    csv.writer(line).writerow(cells)
    text = line.getvalue().removesuffix("\r\n").replace("\r\n", "\n").replace("\r", "\n")
    names = [str(position) for position in range(len(cells))]
    try:
        text.encode()
        row = Row(FrameTable(dict.fromkeys(names, ())), 1, cells_of(text, ","))
        return None if "\0" in text else tuple(row.text(name) for name in names)
    except (ValueError, csv.Error):
        return None
