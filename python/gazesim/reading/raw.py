"""Gaze files as they state themselves: every scanpath with the unit and the frame of its coordinates."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Hashable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from .._errors import one_of
from ..geometry import Size
from ..io.parsing import fault
from ..io.recording import Options, Recording
from ..io.registry import FORMATS, named, sources_of
from .options import GazeOptions

__all__ = ["RawGaze", "RawScanpath", "read_raw"]

#: Formats whose coordinates are those of the image, wherever it stood.
OF_IMAGE = frozenset({"siim", "mcgip", "osie", "reflacx"})


@dataclass(frozen=True)
class RawScanpath:
    """One scanpath as its file states it."""

    #: (L, 3): x, y in ``unit``, duration in seconds.
    path: NDArray[np.float64]
    #: "px", or "fraction" of the frame.
    unit: str
    #: (width, height) that x and y refer to, as far as the file or the format says.
    frame: Size | None
    #: Whether x and y refer to the image itself, and not to the screen.
    of_image: bool
    #: Whether ``frame`` is only what the format usually has.
    is_default: bool
    #: Whether negative x and y together say "outside of the image, unknown where".
    unknown_if_negative: bool = False


@dataclass(frozen=True)
class RawGaze:
    """One file or folder."""

    place: Path
    title: str
    #: The unit that the file or the caller states, for messages.
    unit: str
    scanpaths: dict[Hashable, RawScanpath]
    #: How the durations became seconds, and what else the reader noted.
    words: tuple[str, ...]
    files: int


def read_raw(place: str | os.PathLike[str], options: GazeOptions) -> RawGaze:
    """Read a gaze file or a folder without placing it anywhere."""
    where = Path(place)
    asked = None if options.format is None else named(options.format)
    metadata = None if options.metadata is None else Path(options.metadata)
    if metadata is not None and not metadata.is_file():
        raise FileNotFoundError(f"metadata is {str(metadata)!r}, which is no file; expected a table")
    name, sources = sources_of(where, asked)
    for argument in ("eye", "metadata"):
        if getattr(options, argument) is not None and argument not in FORMATS[name].takes:
            takers = one_of(known for known, one in FORMATS.items() if argument in one.takes)
            raise ValueError(f"{argument}= is given, and {where} is {name}; expected it with {takers} alone")
    asking = Options(
        time_unit=options.time_unit,
        coord_unit=options.coord_unit,
        sampling_rate=options.sampling_rate,
        eye=options.eye,
        metadata=metadata,
    )
    found: dict[Hashable, RawScanpath] = {}
    came_from: dict[Hashable, Path] = {}
    words: list[str] = []
    left_out: Counter[str] = Counter()
    units: set[str] = set()
    for source in sources:
        recording = FORMATS[name].read(source, asking)
        unit = asking.coord_unit or recording.coord_unit
        units.add(unit)
        try:
            paths, seconds = _in_seconds(recording, asking, unit)
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
        left_out.update(recording.left_out)
        words += [word for word in (seconds, *recording.notes) if word not in words]
    if left_out:
        words.append("left out " + ", ".join(f"{n:,} {what}" for what, n in sorted(left_out.items())))
    title = f"{FORMATS[name].title} ({'detected' if options.format is None else 'as asked'})"
    return RawGaze(where, title, " and ".join(sorted(units)), found, tuple(words), len(sources))


def _in_seconds(
    recording: Recording, asking: Options, unit: str
) -> tuple[dict[Hashable, NDArray[np.float64]], str]:
    """Return scanpaths in px or in shares of the frame, and in words how their time was converted."""
    sizes, recording.sizes = recording.sizes, {}  # px of each image stay px of that image
    unit_screen = (1.0, 1.0) if unit != "px" else None
    asked = Options(
        time_unit=asking.time_unit,
        coord_unit=unit,
        sampling_rate=asking.sampling_rate,
        screen_size=unit_screen,
    )
    try:
        paths, words = recording.converted(asked)
    finally:
        recording.sizes = sizes
    return paths, words[-1]
