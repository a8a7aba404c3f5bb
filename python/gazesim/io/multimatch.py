"""Fixation vectors of multimatch_gaze: start_x, start_y (px), duration (s); one scanpath per file.

Follows https://multimatch-gaze.readthedocs.io.
Screen: the 1280 x 720 movie of studyforrest, whose files come with that package.
"""

from __future__ import annotations

import re
from collections.abc import Hashable

from .recording import NO_DURATION, NO_POSITION, Options, Recording
from .tables import Row, Source, Table, names_of

COLUMNS = ("start_x", "start_y", "duration")
SCREEN = (1280.0, 720.0)


def detect(source: Source) -> bool:
    """Return whether the header has these columns and no column ``label`` (as REMoDNaV's files have)."""
    first = source.head.split("\n", 1)[0]
    names = [] if '"' in first else names_of(first)
    return all(name in names for name in COLUMNS) and "label" not in names


def read(source: Source, options: Options) -> Recording:
    """Read the file as one scanpath, named after the file."""
    recording = Recording("s", "px", SCREEN, size_is_default=True)
    key = key_from_name(source.stem)
    recording.extend(key, (), (), ())

    def read_row(row: Row) -> str | None:
        point = recording.point(row, "start_x", "start_y", options.missing)
        if point is None:
            return NO_POSITION
        if row.missing("duration"):
            return NO_DURATION
        recording.add(key, *point, row.number("duration", low=0.0))
        return None

    recording.take(Table(source, COLUMNS), read_row, options)
    return recording


def key_from_name(stem: str) -> Hashable:
    """Return (image, reader) if the file name holds a BIDS subject (sub-01), else the name."""
    match = re.search(r"(?:^|_)(sub-[^_]+)(?:_|$)", stem)
    if match is None:
        return stem
    image = (stem[: match.start()] + "_" + stem[match.end() :]).strip("_")
    return (image.removesuffix("_events"), match[1]) if image else stem
