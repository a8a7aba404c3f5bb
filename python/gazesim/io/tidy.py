"""The plain tidy table: image_id, x, y, duration, optionally reader_id and fixation_index; px and s.

``Scanpaths.to_table`` and ``gazesim.io.write_table`` make it. A row without x, y or duration is left out and
counted. Ignored: other columns.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import TypeAlias

from .labels import name_in, stimulus_columns
from .recording import NO_DURATION, NO_POSITION, Options, Recording
from .tables import FrameTable, Row, Source, Table

COLUMNS = ("image_id", "x", "y", "duration")

AnyTable: TypeAlias = Table | FrameTable


def detect(source: Source) -> bool:
    """Return whether a header names these columns."""
    return source.has(*COLUMNS)


def read(source: Source, options: Options) -> Recording:
    """Read one fixation per row, in the order of ``fixation_index`` where that is given."""
    return read_table(Table(source, COLUMNS), options)


def read_table(table: AnyTable, options: Options) -> Recording:
    """Read the rows of a file or a frame."""
    recording = Recording("s", "px")
    images = stimulus_columns(table, options, ("image_id",))
    order: dict[Hashable, list[float]] = {}

    def read_row(row: Row) -> str | None:
        image = name_in(row, images)
        key: Hashable = (image, row.text("reader_id")) if "reader_id" in table else image
        point = recording.point(row, "x", "y", options.missing)
        if point is None:
            return NO_POSITION
        if row.missing("duration"):
            return NO_DURATION
        duration = row.number("duration", low=0.0)
        index = row.number("fixation_index") if "fixation_index" in table else 0.0
        recording.add(key, *point, duration)
        order.setdefault(key, []).append(index)
        return None

    recording.take(table, read_row, options)
    for key, positions in order.items():
        rows = recording.rows[key]
        recording.rows[key] = [rows[i] for i in sorted(range(len(rows)), key=positions.__getitem__)]
    return recording
