"""Samples in tables: Tobii, Gazepoint, SMI, EGD-CXR, Pupil Labs, pymovements, and any tidy table of samples.

The columns are found by their names (see :mod:`gazesim.io.raw_columns`), or the caller names them:
``columns="time=t,x=gx,y=gy,image=stim"``. The unit of time is that in the column's name, else the one in
which the usual interval between samples is 0.5 to 100 ms; a note says which.
"""

from __future__ import annotations

import re
from array import array
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from .missing import LostPoints
from .raw import FloatArray, Samples, even_times, no_samples
from .raw_columns import SampleColumns, is_valid, sample_columns, time_factor
from .recording import DAMAGED, TIME_UNITS, Options
from .tables import FrameTable, Row, Source, Table, fault, parse_number
from .timeline import Marks, Showing, TimeLine

__all__ = ["read_samples", "table_of"]

NAN = float("nan")
#: Default screen of Gazepoint's and Tobii's fractions.
SCREEN = (1920.0, 1080.0)
SCREEN_SIZE = ("recordingresolutionwidth", "recordingresolutionheight")


@dataclass
class _Session:
    """The rows of one reader."""

    time: array[float] = field(default_factory=lambda: array("d"))
    lines: array[int] = field(default_factory=lambda: array("q"))
    places: dict[str, tuple[array[float], array[float]]] = field(default_factory=dict)
    changes: list[tuple[int, str]] = field(default_factory=list)
    marks: list[tuple[int, str]] = field(default_factory=list)
    others: Counter[str] = field(default_factory=Counter)


def table_of(source: Source, options: Options) -> tuple[Table, SampleColumns] | None:
    """Return the table of samples in a file and its columns, or None if it holds none."""
    for row in source.head_rows:
        given = None if options.columns is None else dict(options.columns)
        columns = sample_columns(row, given)
        if columns is not None:
            needed = [columns.time, *(name for pair in columns.places.values() for name in pair)]
            return Table(source, needed), columns
    return None


def read_samples(
    table: Table | FrameTable, columns: SampleColumns, options: Options, path: Path | str
) -> list[Samples]:
    """Return the samples of every reader in a table."""
    sessions: dict[str, _Session] = {}
    by_marks = options.by is not None and options.by not in table
    stimulus = columns.stimulus if options.by is None or by_marks else options.by
    skip = table.skip_damaged = options.on_bad_row == "skip"
    damaged = 0
    for row in table:
        reader = row.optional(columns.reader) if columns.reader else ""
        session = sessions.setdefault(reader, _Session())
        try:
            _take(row, columns, session, stimulus)
        except ValueError:
            if not skip:
                raise
            damaged += 1
    damaged += table.damaged  # rows that could not be cut into cells
    found = []
    for reader, session in sessions.items():
        if len(session.time):
            found.append(_samples(table, columns, options, path, reader, session, by_marks))
    if not found:
        raise no_samples(path, "holds no samples; expected rows with a time")
    if damaged:
        found[0].others[DAMAGED] += damaged
    return found


def _take(row: Row, columns: SampleColumns, session: _Session, stimulus: str) -> None:
    count = len(session.time)
    if columns.marker:
        message = row.optional(columns.marker)
        if message and message not in ("0", "-"):
            session.marks.append((count, message))
    kind = row.optional("Type")
    if kind == "MSG":  # SMI: the message stands where samples have their first place
        session.marks.append((count, " ".join(row.cells[3:]).partition("# Message:")[2].strip()))
        session.others["messages"] += 1
        return
    if row.missing(columns.time):
        session.others["rows without a time"] += 1
        return
    # All cells are parsed before any is kept, so that times and places keep the same length.
    time = row.number(columns.time)
    points = {eye: _valid_point(row, columns, eye) for eye in columns.places}
    session.lines.append(row.line)
    session.time.append(time)
    if stimulus:
        shown = row.optional(stimulus)
        if not session.changes or session.changes[-1][1] != shown:
            session.changes.append((count, shown))
    for eye, (x, y) in points.items():
        if eye not in session.places:
            session.places[eye] = (array("d"), array("d"))
        session.places[eye][0].append(x)
        session.places[eye][1].append(y)


def _valid_point(row: Row, columns: SampleColumns, eye: str) -> tuple[float, float]:
    """Return the place of an eye, NaN where the tracker lost it."""
    point = _point(row, columns.places[eye])
    if eye in columns.valid and not is_valid(columns.valid[eye], row.optional(columns.valid[eye])):
        return NAN, NAN
    return point


def _point(row: Row, names: tuple[str, ...]) -> tuple[float, float]:
    if len(names) == 2:
        if row.missing(names[0]) or row.missing(names[1]):
            return NAN, NAN
        return row.number(names[0]), row.number(names[1])
    cells = row.optional(names[0]).strip("()[] ").split(",")
    numbers = [parse_number(cell.strip()) for cell in cells]
    # pymovements: x and y, or those of the left and of the right eye.
    points = [
        (x, y) for x, y in zip(numbers[::2], numbers[1::2], strict=False) if x is not None and y is not None
    ]
    if not points:
        return NAN, NAN
    return sum(x for x, _ in points) / len(points), sum(y for _, y in points) / len(points)


def _samples(
    table: Table | FrameTable,
    columns: SampleColumns,
    options: Options,
    path: Path | str,
    reader: str,
    session: _Session,
    by_marks: bool,
) -> Samples:
    raw: FloatArray = np.array(session.time)
    notes = [f"time from {columns.time!r}, x and y from {', '.join(_names(columns))}"]
    factor = columns.factor
    if options.time_unit is not None:
        factor = TIME_UNITS[options.time_unit]
        if factor is None:
            raise fault(path, None, 'time_unit is "samples"; expected a unit of time, as samples have stamps')
    if factor is None:
        steps = np.diff(raw)
        steps = steps[steps > 0]
        factor, unit = time_factor(float(np.median(steps)) if len(steps) else 1.0)
        notes.append(f"{columns.time!r} rises like {unit} (time_unit= says otherwise)")
    time = even_times(path, raw * factor, np.array(session.lines))
    samples = Samples(reader or None, time, name=table.stem, notes=notes, others=session.others)
    missing: LostPoints = options.missing.of_trackers(origin=True).with_pair(-1.0, -1.0)
    for eye, (x, y) in session.places.items():
        place = missing.cleared(np.column_stack([np.array(x), np.array(y)]))
        if columns.y_up:
            place[:, 1] = 1 - place[:, 1]
        setattr(samples, eye, place)
    samples.coord_unit = options.coord_unit or columns.coord_unit
    samples.screen_size, samples.size_is_default = _screen(table, samples.coord_unit)
    samples.shown = _time_line(table, options, reader or None, session, time, by_marks)
    return samples


def _names(columns: SampleColumns) -> list[str]:
    return [repr(name) for pair in columns.places.values() for name in pair]


def _screen(table: Table | FrameTable, unit: str) -> tuple[tuple[float, float] | None, bool]:
    known = {re.sub(r"[^a-z]", "", name.lower().partition("[")[0]): name for name in table.columns[:500]}
    pair = [known.get(name) for name in SCREEN_SIZE]
    if pair[0] and pair[1]:
        row = table.first_with(pair[0], pair[1])
        if row is not None:
            return (row.number(pair[0], low=1.0), row.number(pair[1], low=1.0)), False
    return (SCREEN, True) if unit != "px" else (None, False)


def _time_line(
    table: Table | FrameTable,
    options: Options,
    reader: str | None,
    session: _Session,
    time: FloatArray,
    by_marks: bool,
) -> TimeLine | None:
    """Return the time line of the stimuli that messages name, else that the rows name, else None."""

    def moment(count: int) -> float:
        return float(time[count]) if count < len(time) else float("inf")

    marks = Marks(table, options.by if by_marks else None)
    for count, message in session.marks:
        is_image = re.search(r"\.(png|jpe?g|bmp|tiff?|gif)$", message, re.IGNORECASE) is not None
        marks.add("", moment(count), message, is_image)
    if by_marks:
        marks.check()
    if marks:
        return marks.time_line("", lambda name: Showing(name, reader), table.stem, time.tolist())
    if not any(shown for _, shown in session.changes):
        return None
    line = TimeLine()
    for number, (count, shown) in enumerate(session.changes):
        showing = Showing(shown, reader, (), number) if shown else None
        line.show(moment(count), showing, "fixations without a stimulus")
    return line
