"""Tobii Studio fixation lists ("Fixation-Data.tsv"): preamble, then one row per fixation; px, ms.

Follows the Tobii Studio User's Manual (3.4, "Data export"). Ignored: times of fixations.
"""

from __future__ import annotations

import re

from .recording import NO_POSITION, Options, Recording, Size
from .tables import Row, Source, Table

COLUMNS = ("FixationIndex", "FixationDuration", "MappedFixationPointX", "MappedFixationPointY")


def detect(source: Source) -> bool:
    """Whether a header names these columns."""
    return source.has(*COLUMNS)


def read(source: Source, options: Options) -> Recording:
    """Read the file as one scanpath; it is a recording of the screen, not of one image."""
    table = Table(source, COLUMNS)
    parted = (line.partition(":") for line in table.preamble)
    preamble = {what: value.strip() for what, _, value in parted if value.strip()}
    recording = Recording("ms", "px", _size(preamble.get("Screen resolution", "")), unknown_if_negative=True)
    recording.notes.append("-1, -1 lies outside of the media, unknown where")
    name = preamble.get("Recording", source.stem)
    key = (name, preamble["Subject"]) if "Subject" in preamble else name
    recording.extend(key, (), (), ())

    def read_row(row: Row) -> str | None:
        point = recording.point(row, "MappedFixationPointX", "MappedFixationPointY", options.missing)
        if point is None:
            return NO_POSITION
        recording.add(key, *point, row.number("FixationDuration", low=0.0))
        return None

    recording.take(table, read_row, options)
    return recording


def _size(text: str) -> Size | None:
    match = re.fullmatch(r"([1-9]\d{0,5}) x ([1-9]\d{0,5})", text)
    return (float(match[1]), float(match[2])) if match else None
