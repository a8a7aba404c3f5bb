"""Read a file, a folder or a frame of any format; return scanpaths and a report."""

from __future__ import annotations

import os
import sys
from collections.abc import Hashable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .._errors import choice, describe, number, screen
from ..scanpaths import Scanpaths
from . import frames
from .drift import drift_from
from .eyes import EYES
from .folders import Unread
from .generic import columns_from
from .missing import LostPoints
from .recording import COORD_UNITS, OFF_IMAGE, SPANNING, TIME_UNITS, Options, Recording, Size
from .registry import FORMATS, sources_of
from .report import ReadingReport, unlikely_units
from .tables import fault

__all__ = ["Reading", "joined", "options_from", "read"]

ON_BAD_ROW = ("raise", "skip")


class Reading(NamedTuple):
    """The scanpaths that were read, and a ``report`` on what was used, assumed and left out.

    Examples
    --------
    >>> from gazesim.io import read
    >>> table = {"image_id": ["a"], "x": [10], "y": [20], "duration": [0.2]}
    >>> scanpaths, report = read(table, verbose=False)
    >>> report.scanpaths, report.fixations
    (1, 1)
    """

    scanpaths: Scanpaths
    report: ReadingReport


def options_from(
    *,
    time_unit: str | None = None,
    coord_unit: str | None = None,
    screen_size: Sequence[float] | None = None,
    off_image: str = "keep",
    sampling_rate: float | None = None,
    eye: str | None = None,
    metadata: str | os.PathLike[str] | None = None,
    by: str | None = None,
    missing: Any = None,
    columns: Any = None,
    on_bad_row: str = "raise",
    spanning: str = "start",
    offset: Any = None,
) -> Options:
    """Check the options of :func:`gazesim.read_scanpaths`."""
    if by is not None and (not isinstance(by, str) or not by):
        raise TypeError(f"by is {describe(by)}; expected names of columns or a pattern of messages")
    return Options(
        time_unit=None if time_unit is None else choice("time_unit", time_unit, TIME_UNITS),
        coord_unit=None if coord_unit is None else choice("coord_unit", coord_unit, COORD_UNITS),
        screen_size=screen("screen_size", screen_size),
        sampling_rate=None
        if sampling_rate is None
        else number("sampling_rate", sampling_rate, low=0.0, open_low=True),
        off_image=choice("off_image", off_image, OFF_IMAGE),
        eye=None if eye is None else choice("eye", eye, EYES),
        metadata=None if metadata is None else Path(metadata),
        by=by,
        missing=LostPoints.from_option(missing),
        columns=columns_from(columns),
        on_bad_row=choice("on_bad_row", on_bad_row, ON_BAD_ROW),
        spanning=choice("spanning", spanning, SPANNING),
        offset=drift_from(offset),
    )


def read(path: Any, *, format: str | None = None, verbose: bool = True, **options: Any) -> Reading:
    """Read as :func:`gazesim.read_scanpaths` does, with the same options, and return a report as well.

    Examples
    --------
    >>> from gazesim.io import read
    >>> table = {"image_id": ["a", "a"], "x": [10, None], "y": [20, 30], "duration": [0.2, 0.3]}
    >>> reading = read(table, verbose=False)
    >>> reading.scanpaths["a"].tolist()
    [[10.0, 20.0, 0.2]]
    >>> reading.report.rows, reading.report.used, dict(reading.report.left_out)
    (2, 1, {'fixations without a position': 1})
    """
    checked = options_from(**options)
    if not isinstance(path, (str, os.PathLike)):
        table = frames.table_of(path)
        title, recording = frames.read_table(table, checked, "events")
        return joined("table", "frame", title, [("table", recording)], checked, verbose)
    place = Path(path)
    name, title, sources, unread = sources_of(place, format, checked)
    for source in sources:
        source.shows_progress = verbose
    recordings = [(source.path, FORMATS[name].read(source, checked)) for source in sources]
    return joined(place, name, title, recordings, checked, verbose, unread)


def say(line: str) -> None:
    """Print a line on stderr."""
    print(f"gazesim: {line}", file=sys.stderr)


def joined(
    place: Path | str,
    name: str,
    title: str,
    recordings: Sequence[tuple[Path | str, Recording]],
    options: Options,
    verbose: bool,
    unread: Unread | None = None,
) -> Reading:
    """Convert the recordings of all files and join them to one set of scanpaths."""
    report = ReadingReport(str(place), name, title, len(recordings), off_image=options.off_image)
    unread = unread or Unread()
    paths: dict[Hashable, NDArray[np.float64]] = {}
    came_from: dict[Hashable, Path | str] = {}
    sizes: set[Size | None] = set()
    drifts: list[tuple[float, float]] = []
    for path, recording in recordings:
        recording.leave_out_missing(options.missing)
        if options.offset is not None:
            drifts += options.offset.subtract_from(recording, path, options.eye)
        try:
            found, conversions = recording.converted(options)
        except ValueError as error:
            raise ValueError(f"{path}: {error}") from None
        values = np.concatenate([*found.values(), np.empty((0, 3))])
        own = {recording.size_of(key, options) for key in found}
        report.outside += recording.place(found, options, path)
        for key in found:
            if key in came_from:
                problem = f"holds the scanpath {key!r}, as {came_from[key]} does; expected distinct ids"
                raise fault(path, None, problem)
            came_from[key] = path
        if len(recordings) > 1 and not found and not recording.left_out.total():
            unread.named[Path(path)] = "holds no fixation"
        paths.update(found)
        report.add(recording)
        sizes |= own
        unlikely = unlikely_units(values, recording, options, next(iter(own)) if len(own) == 1 else None)
        report.warnings += [w for w in (*recording.warnings, *unlikely) if w not in report.warnings]
        report.time_unit = options.time_unit or recording.time_unit
        report.coord_unit = options.coord_unit or recording.file_unit or recording.coord_unit
        report.notes += [w for w in (*conversions, *recording.notes) if w not in report.notes]
    report.add_unread(unread, Path(place))
    if len(sizes) > 1:
        report.notes.append(
            "images differ in size, so screen_size is not set (screen_size= scales all to one)"
        )
    report.screen_size = next(iter(sizes)) if len(sizes) == 1 else None
    if options.offset is not None:
        names = [Path(path).name for path, _ in recordings]
        report.notes.append(options.offset.words(drifts, len(paths), report.coord_unit, place, names[0]))
    if not paths and report.left_out.total():
        raise fault(place, None, f"no fixation is left: left out {report.left_out_words()}")
    result = Scanpaths.from_list(
        paths.values(), ids=paths, screen_size=report.screen_size, argument=str(place)
    )
    report.scanpaths, report.fixations = len(result), len(result.values)
    if verbose:
        say(report.line())
        for warning in report.warnings:
            say(f"warning: {place}: {warning}")
    return Reading(result, report)
