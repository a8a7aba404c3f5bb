"""Events of pymovements, as a frame or its CSV: name, onset, offset, duration (ms), location (px).

Follows https://pymovements.readthedocs.io (``Events``). Fixations are the events whose name begins with
``fixation``; those with the location nan consist of lost samples and are left out. Ignored: other events
and other properties.
"""

from __future__ import annotations

import re

from ..scanpaths import READER_COLUMNS
from .labels import column_of, eye_named, name_in, stimulus_columns
from .recording import NO_DURATION, NO_POSITION, NoFixation, Options, Recording
from .tables import MISSING, Row, Source, Table, fault, parse_number, quoted
from .tidy import AnyTable
from .timeline import Fixation, Showing, Showings

COLUMNS = ("name", "onset", "offset", "duration")
IMAGES = (
    "image_id",
    "stimulus",
    "stimulus_id",
    "image",
    "trial",
    "trial_id",
    "page",
    "page_id",
    "screen_id",
    "item_id",
)
TRIALS = ("trial", "trial_id")
EYES = ("eye", "tracked_eye")


def detect(source: Source) -> bool:
    """Return whether a header names these columns."""
    return source.has(*COLUMNS)


def read(source: Source, options: Options) -> Recording:
    """Read the events called fixation, one scanpath per image (or trial) and subject."""
    return read_table(Table(source, COLUMNS), source.stem, options)


def read_table(table: AnyTable, name: str, options: Options) -> Recording:
    """Read the rows of a file or a frame; ``name`` is the image where no column names one."""
    if "location" not in table and not ("location_x" in table and "location_y" in table):
        problem = (
            f"has the columns {table.columns}; expected location (Gaze.compute_event_properties('location'))"
        )
        raise fault(table.path, None, problem)
    images = stimulus_columns(table, options, IMAGES)
    trial, reader, eye = (column_of(table, names) for names in (TRIALS, READER_COLUMNS, EYES))
    recording = Recording("ms", "px", notes=[f"image ids from {', '.join(images) or 'the name'}"])
    showings = Showings(table, recording, options)
    kinds: set[str] = set()
    missing = options.missing.of_trackers()

    def read_row(row: Row) -> str | None:
        kind = row.text("name")
        if not kind.startswith("fixation"):
            return NoFixation("other events")
        kinds.add(kind)
        showing = Showing(
            name_in(row, images) if images else name,
            row.text(reader) if reader else None,
            (f"trial {row.optional(trial)}",) if trial and trial not in images else (),
        )
        point = _location(row)
        if point is None or missing.has(*point):
            return NO_POSITION
        if row.missing("duration"):
            return NO_DURATION
        duration = row.number("duration", low=0.0)
        onset = parse_number(row.optional("onset"))
        start = float("nan") if onset is None else onset
        side = eye_named(row.optional(eye)) if eye else ""
        showings.add(showing, Fixation(*point, duration, start, start + duration, side))
        return None

    recording.take(table, read_row, options)
    if len(kinds) > 1:
        found = ", ".join(sorted(kinds))
        problem = f"holds the fixations of several detections ({found}); expected one (filter by name)"
        raise fault(table.path, None, problem)
    showings.finish()
    return recording


def _location(row: Row) -> tuple[float, float] | None:
    """Return the point, or None where the eye was lost."""
    if "location_x" in row.table and "location_y" in row.table:
        if row.missing("location_x") or row.missing("location_y"):
            return None
        return row.number("location_x"), row.number("location_y")
    text = row.optional("location")
    if text.lower() in MISSING:
        return None
    cells = [cell.strip() for cell in text.strip("[]()").split(",")]
    if text[:1] not in ("[", "(") or len(cells) != 2:
        raise fault(row.table.path, row.line, f"location is {quoted(text)}; expected [x, y]")
    if any(re.fullmatch(r"nan|none|null|", cell, re.IGNORECASE) for cell in cells):
        return None
    x, y = (parse_number(cell) for cell in cells)
    if x is None or y is None:
        raise fault(row.table.path, row.line, f"location is {quoted(text)}; expected [x, y]")
    return x, y
