"""Readers of gaze files: one module per format, one registry, one function."""

from __future__ import annotations

import csv
import os
from collections.abc import Mapping, Sequence
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


def read_scanpaths(
    path: Any,
    *,
    format: str | None = None,
    time_unit: str | None = None,
    coord_unit: str | None = None,
    screen_size: Sequence[float] | None = None,
    off_image: str = "keep",
    sampling_rate: float | None = None,
    eye: str | None = None,
    metadata: str | os.PathLike[str] | None = None,
    by: str | None = None,
    missing: Any = None,
    columns: str | Mapping[str, str] | None = None,
    on_bad_row: str = "raise",
    spanning: str = "start",
    verbose: bool = True,
) -> Scanpaths:
    """Read a gaze file, every gaze file of a folder, or a frame, as scanpaths in pixels and seconds.

    One line on stderr states the format, its units and their conversion, how much was read and what was
    left out. :func:`gazesim.io.read` returns the same as a report.

    Parameters
    ----------
    path
        A file (also ``.gz``, or ``.zip`` of one file), a folder (with its subfolders) of files of one
        format, or a pandas or polars frame that is a tidy table or the events of pymovements.
    format
        A name from ``gazesim.io.FORMATS``; default: recognised from the content.
    time_unit
        Unit of the durations in the file, where the format's own is wrong: ``"s"``, ``"ms"``,
        ``"us"``, ``"ns"`` or ``"samples"``.
    coord_unit
        Unit of the coordinates in the file: ``"px"``, ``"fraction"`` or ``"percent"`` of the screen.
    screen_size
        (width, height) in pixels; default: what the file states, else the format's own. Where a
        data set states the size of every image, all are scaled to this one.
    off_image
        What happens to fixations outside of the image (of the screen, if the image is not known):
        ``"keep"``, ``"clip"`` to the nearest point inside, or ``"drop"``. Scanpaths stay, even empty.
    sampling_rate
        Hz, where durations are counted in samples.
    eye
        ``"left"`` or ``"right"``, where a file holds both; ``"best"`` (of each scanpath the eye that
        fixated longer) or ``"average"`` (fixations of both eyes that overlap in time are merged).
        Default: left, and right where a scanpath has no left one. A given eye is the only one taken.
    metadata
        The table that comes with a data set: EGD-CXR's master sheet (borders of the images),
        REFLACX's metadata (images and their sizes). Default: the one beside the file, if any.
    by
        What names the image: columns of a table, with commas between them, or a pattern (regular
        expression) of the messages of a recording, whose first group is the name of what is shown
        from then on; for EyeLink also a trial variable. Default: what the format has.
    missing
        Numbers, or pairs (x, y), that mean "no gaze", in addition to the format's own codes: ``-1``,
        ``(0, 0)``, ``"-1,-1 9999"``. Fixations without a place are left out and counted.
    columns
        Columns of any other table of fixations: ``"x=gx,y=gy,duration=dur,image=stim"``; roles are
        x, y, duration (or start and end), image, reader, trial and eye.
    on_bad_row
        ``"raise"`` refuses a file with a damaged row; ``"skip"`` leaves the row out and counts it.
    spanning
        A fixation during which the image changes belongs to the image at its ``"start"``; or
        ``"split"`` its duration, or ``"drop"`` it.
    verbose
        False prints nothing on stderr.

    Returns
    -------
    Scanpaths
        Ids are image ids, or (image_id, reader_id) where the format tells readers apart.

    Raises
    ------
    ValueError
        For files of no known format and for bad rows; names the file, line, column and value.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> from gazesim import read_scanpaths
    >>> with TemporaryDirectory() as folder:
    ...     file = Path(folder) / "cxr.json"
    ...     _ = file.write_text('[{"image_id": "a", "gaze_x": [0.5], "gaze_y": [0.25], "time": [30]}]')
    ...     paths = read_scanpaths(file, verbose=False)
    >>> paths["a"].tolist()
    [[512.0, 256.0, 0.5]]
    """
    reading = read(
        path,
        format=format,
        time_unit=time_unit,
        coord_unit=coord_unit,
        screen_size=screen_size,
        off_image=off_image,
        sampling_rate=sampling_rate,
        eye=eye,
        metadata=metadata,
        by=by,
        missing=missing,
        columns=columns,
        on_bad_row=on_bad_row,
        spanning=spanning,
        verbose=verbose,
    )
    return reading.scanpaths


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
