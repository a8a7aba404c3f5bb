"""REMoDNaV events: onset, duration (s), label, start_x, start_y (px); fixations are the rows FIXA.

A fixation is placed where it starts, as multimatch_gaze does. Left out and
counted: saccades, glissades, pursuit. Ignored: amplitudes and velocities.
Follows https://github.com/psychoinformatics-de/remodnav.
"""

from __future__ import annotations

from .multimatch import SCREEN, key_from_name
from .recording import NO_POSITION, Options, Recording
from .tables import Row, Source, Table

COLUMNS = ("onset", "duration", "label", "start_x", "start_y")


def detect(source: Source) -> bool:
    """Whether a header names these columns."""
    return source.has(*COLUMNS)


def read(source: Source, options: Options) -> Recording:
    """Read the fixations of the file as one scanpath, named after the file."""
    recording = Recording("s", "px", SCREEN, size_is_default=True)
    key = key_from_name(source.stem)
    recording.extend(key, (), (), ())

    def read_row(row: Row) -> str | None:
        label = row.text("label")
        if label != "FIXA":
            return label
        point = recording.point(row, "start_x", "start_y", options.missing)
        if point is None:
            return NO_POSITION
        recording.add(key, *point, row.number("duration", low=0.0))
        return None

    recording.take(Table(source, COLUMNS), read_row, options)
    return recording
