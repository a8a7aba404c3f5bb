"""The plain tidy table: image_id, x, y, duration, optionally reader_id and fixation_index; px and s.

Without reader_id, the column reader, participant, subject or observer counts, also as participant_id.
``Scanpaths.to_table`` and ``gazesim.io.write_table`` make it. A row without x, y or duration is left out and
counted. Ignored: other columns.
"""

from __future__ import annotations

import re
from collections.abc import Hashable, Sequence
from typing import TypeAlias

from ..scanpaths import reader_column
from .generic import USUAL, plain_name
from .labels import name_in, stimulus_columns
from .recording import NO_DURATION, NO_POSITION, Options, Recording
from .tables import FrameTable, Row, Source, Table

COLUMNS = ("image_id", "x", "y", "duration")

#: Columns that may name the reader, and do not count as such.
LIKE_READER = re.compile(f"{USUAL['reader']}|(?:rater|annotator|radiologist|doctor|physician)_?(?:id|name)?")

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
    others = [name for name in table.columns if name not in images or name == "reader_id"]
    reader = reader_column(others)
    say_reader(recording, reader, others)
    order: dict[Hashable, list[float]] = {}

    def read_row(row: Row) -> str | None:
        image = name_in(row, images)
        key: Hashable = image if reader is None else (image, row.text(reader))
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


def say_reader(recording: Recording, reader: str | None, names: Sequence[str]) -> None:
    """Note a column of readers that is not ``reader_id``; also one that is like it and not used."""
    if reader is not None:
        recording.notes += [] if reader == "reader_id" else [f"readers from {reader!r}"]
        return
    like = [name for name in names[:500] if len(name) < 60 and LIKE_READER.fullmatch(plain_name(name))]
    if like:
        recording.notes.append(
            f"column {like[0]!r} is not used: all rows of an image make one scanpath (readers are taken from "
            "reader_id)"
        )
