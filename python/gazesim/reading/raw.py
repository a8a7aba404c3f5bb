"""Gaze files in their own coordinates: every scanpath with the unit and the frame of x and y."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Hashable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..geometry import Size
from ..io.recording import Options, Recording
from ..io.registry import FORMATS, sources_of
from ..io.report import ReadingReport, unlikely_units
from ..io.tables import fault
from .options import GazeOptions

__all__ = ["RawGaze", "RawScanpath", "read_raw"]

#: Formats whose coordinates refer to the image, wherever it was on the screen.
OF_IMAGE = frozenset({"siim", "mcgip", "osie", "reflacx"})


@dataclass(frozen=True)
class RawScanpath:
    """One scanpath in the coordinates of its file."""

    #: (L, 3): x, y in ``unit``, duration in seconds.
    path: NDArray[np.float64]
    #: "px", or "fraction" of the frame.
    unit: str
    #: (width, height) that x and y refer to, if the file or the format states it.
    frame: Size | None
    #: Whether x and y refer to the image itself, and not to the screen.
    of_image: bool
    #: Whether ``frame`` is the usual one of the format, not stated by the file.
    is_default: bool
    #: Whether negative x and y together mean "outside of the image, place unknown".
    unknown_if_negative: bool = False


@dataclass(frozen=True)
class RawGaze:
    """One file or folder."""

    place: Path
    #: The format, the unit, what was left out, and what is unlikely.
    report: ReadingReport
    scanpaths: dict[Hashable, RawScanpath]
    #: The file of every scanpath.
    came_from: dict[Hashable, Path]

    @property
    def unit(self) -> str:
        """The unit of x and y that the file or the caller states."""
        return self.report.coord_unit


def read_raw(place: str | os.PathLike[str], options: GazeOptions) -> RawGaze:
    """Read a gaze file or a folder without placing it anywhere."""
    where = Path(place)
    asked = options.reading
    name, title, sources, unread = sources_of(where, options.format, asked)
    report = ReadingReport(str(where), name, title, len(sources))
    found: dict[Hashable, RawScanpath] = {}
    came_from: dict[Hashable, Path] = {}
    drifts: list[tuple[float, float]] = []
    for source in sources:
        recording = FORMATS[name].read(source, asked)
        recording.leave_out_missing(asked.missing)
        unit = asked.coord_unit or recording.coord_unit
        report.coord_unit = unit
        if asked.offset is not None:
            drifts += asked.offset.subtract_from(recording, source.path, asked.eye)
        try:
            paths, seconds = _in_seconds(recording, asked, unit)
        except ValueError as error:
            raise ValueError(f"{source.path}: {error}") from None
        for key, path in paths.items():
            if key in found:
                problem = f"holds the scanpath {key!r}, as {came_from[key]} does; expected distinct ids"
                raise fault(source.path, None, problem)
            came_from[key] = source.path
            found[key] = RawScanpath(
                path,
                "px" if unit == "px" else "fraction",
                recording.sizes.get(key, recording.screen_size),
                key in recording.sizes or name in OF_IMAGE,
                recording.size_is_default and key not in recording.sizes,
                recording.unknown_if_negative,
            )
        if len(sources) > 1 and not paths and not recording.left_out.total():
            unread.named[source.path] = "holds no fixation"
        report.add(recording)
        report.notes += [word for word in (seconds, *recording.notes) if word not in report.notes]
        values = np.concatenate([*paths.values(), np.empty((0, 3))])
        unlikely = unlikely_units(values, recording, asked, None)
        report.warnings += [one for one in (*recording.warnings, *unlikely) if one not in report.warnings]
    report.add_unread(unread, where)
    if not found and report.left_out.total():
        raise fault(where, None, f"no fixation is left: left out {report.left_out_words()}")
    if asked.offset is not None:
        example = sources[0].path.name
        report.notes.append(asked.offset.words(drifts, len(found), report.coord_unit, where, example))
    if left := report.left_out_words():
        report.notes.append(f"left out {left}")
    return RawGaze(where, report, found, came_from)


def _in_seconds(
    recording: Recording, asked: Options, unit: str
) -> tuple[dict[Hashable, NDArray[np.float64]], str]:
    """Return scanpaths in px or in shares of the frame, and a description of the conversion of time."""
    sizes, recording.sizes = recording.sizes, {}  # px of each image stay px of that image
    try:
        whole = (1.0, 1.0) if unit != "px" else None
        paths, words = recording.converted(dataclasses.replace(asked, coord_unit=unit, screen_size=whole))
    finally:
        recording.sizes = sizes
    return paths, words[-1]
