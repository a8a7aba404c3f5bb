"""Events that EMDAT makes from Tobii 4C recordings: label, x, y (percent of the screen), duration (ms).

Follows https://github.com/ATUAV/EMDAT. Ignored: other events; start and end, which are in µs.
"""

from __future__ import annotations

from .recording import NO_POSITION, NoFixation, Options, Recording
from .tables import Row, Source, Table

COLUMNS = ("label", "x", "y", "start", "end", "duration")
SCREEN = (1920.0, 1080.0)


def detect(source: Source) -> bool:
    """Whether a header names these columns."""
    return source.has(*COLUMNS)


def read(source: Source, options: Options) -> Recording:
    """Read the rows labelled fixation as one scanpath, named after the file."""
    recording = Recording("ms", "percent", SCREEN, size_is_default=True)
    key = source.stem
    recording.extend(key, (), (), ())

    def read_row(row: Row) -> str | None:
        if row.text("label").lower() != "fixation":
            return NoFixation("other events")
        point = recording.point(row, "x", "y", options.missing)
        if point is None:
            return NO_POSITION
        recording.add(key, *point, row.number("duration", low=0.0))
        return None

    recording.take(Table(source, COLUMNS), read_row, options)
    return recording
