"""Any table of fixations; the caller names its columns: ``columns="x=gx,y=gy,duration=dur,image=stim"``.

Roles: ``x``, ``y`` and ``duration`` (or ``start`` and ``end``) are needed; ``image``, ``reader``, ``trial``
and ``eye`` are optional. Coordinates are px of the screen unless ``coord_unit`` says otherwise. The unit of
time is ``time_unit``, else that in the column's name ([ms], _ms), else the one in which the median
duration is that of fixations; a note says which. Ignored: all other columns.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from statistics import median
from typing import Any

from .._errors import describe, did_you_mean, one_of
from .labels import eye_named, name_in
from .recording import NO_DURATION, NO_POSITION, TIME_UNITS, Options, Recording
from .tables import FrameTable, Row, Source, Table, fault
from .timeline import Fixation, Showing, Showings

__all__ = ["ROLES", "columns_from", "proposal", "read", "read_table"]

ROLES = ("x", "y", "duration", "start", "end", "image", "reader", "trial", "eye", "time")
#: Usual names of the columns of each role, in lower case, without spaces and punctuation.
USUAL = {
    "x": r"(?:fix(?:ation)?s?|gaze|avg|mean|center|centroid|pos(?:ition)?|point|location|norm_?pos)*_?x"
    r"(?:_?(?:px|pix|pixels?|pos(?:ition)?|coord(?:inate)?|mean|avg|norm))*|gx|fx|xp|fixx|meanx",
    "y": r"(?:fix(?:ation)?s?|gaze|avg|mean|center|centroid|pos(?:ition)?|point|location|norm_?pos)*_?y"
    r"(?:_?(?:px|pix|pixels?|pos(?:ition)?|coord(?:inate)?|mean|avg|norm))*|gy|fy|yp|fixy|meany",
    "duration": r"(?:fix(?:ation)?_?)?(?:dur(?:ation)?|dwell(?:_?time)?|t)(?:_?(?:ms|s|us|sec|seconds))?",
    "start": r"(?:fix(?:ation)?_?)?(?:start|onset|begin)(?:_?(?:time|ts|timestamp|ms|s|us))*",
    "end": r"(?:fix(?:ation)?_?)?(?:end|offset|stop)(?:_?(?:time|ts|timestamp|ms|s|us))*",
    "image": r"(?:stim(?:ulus)?|image|img|picture|pic|photo|scene|file|item)_?(?:name|id|file|path)?s?",
    "reader": r"(?:subj(?:ect)?|participant|reader|observer|user|viewer|sub|recording)_?(?:id|name|nr|no)?",
    "trial": r"trial_?(?:id|index|nr|no|number|num)?",
    "eye": r"eye(?:_?used|_?tracked)?",
}


def columns_from(columns: Any) -> dict[str, str] | None:
    """Return the option ``columns`` as {role: name of the column}."""
    if columns is None:
        return None
    if isinstance(columns, str):
        parts = [part.partition("=") for part in re.split(r",(?=\s*\w+\s*=)", columns) if part.strip()]
        given = {role.strip(): name.strip() for role, _, name in parts}
    elif isinstance(columns, Mapping):
        given = {str(role): str(name) for role, name in columns.items()}
    else:
        raise TypeError(f"columns is {describe(columns)}; expected x=gx,y=gy,duration=dur,image=stim")
    for role, name in given.items():
        if role not in ROLES:
            hint = did_you_mean(role, ROLES)
            raise ValueError(f"columns names the role {role!r}; expected {one_of(ROLES)}{hint}")
        if not name:
            raise ValueError(f"columns gives no column for {role}; expected {role}=NAME")
    missing = [role for role in ("x", "y") if role not in given]
    if "duration" not in given and not {"start", "end"} <= given.keys() and "time" not in given:
        missing.append("duration")
    if missing:
        raise ValueError(
            f"columns gives no column for {missing[0]}; expected x=gx,y=gy,duration=dur,image=stim"
        )
    return given


def detect(source: Source) -> bool:
    """Return False: the columns have to be named."""
    return False


def read(source: Source, options: Options) -> Recording:
    """Read one scanpath per image and reader, or trial."""
    if options.columns is None:
        raise fault(source.path, None, "is read as generic without columns=; expected x=gx,y=gy,duration=dur")
    return read_table(Table(source, list(options.columns.values())), options)


def read_table(table: Table | FrameTable, options: Options) -> Recording:
    """Read the rows of a file or a frame."""
    columns = dict(options.columns or {})
    for role, name in columns.items():
        if name not in table:
            some = ", ".join(one for one in table.columns[:12] if one)
            raise fault(table.path, None, f"has no column {name!r} ({role}); expected one of {some}")
    if "duration" not in columns and not {"start", "end"} <= columns.keys():
        problem = (
            "columns names no duration, so these are samples; expected duration=NAME (or gazesim fixations)"
        )
        raise fault(table.path, None, problem)
    column_words = ", ".join(f"{role}={name}" for role, name in columns.items())
    recording = Recording("ms", options.coord_unit or "px", notes=[f"columns {column_words}"])
    showings = Showings(table, recording, options)
    missing = options.missing.of_trackers()
    images = [name.strip() for name in options.by.split(",")] if options.by else []
    images = images or [columns[role] for role in ("image", "trial") if role in columns][:1]
    for name in images:
        if name not in table:
            raise fault(table.path, None, f"by is {name!r}, which is no column; expected one")
    durations: list[float] = []

    def read_row(row: Row) -> str | None:
        showing = Showing(
            name_in(row, images) if images else table.stem,
            row.text(columns["reader"]) if "reader" in columns else None,
            (f"trial {row.optional(columns['trial'])}",)
            if "trial" in columns and columns["trial"] not in images
            else (),
        )
        point = recording.point(row, columns["x"], columns["y"], missing)
        if point is None:
            return NO_POSITION
        found = _times(row, columns)
        if found is None:
            return NO_DURATION
        durations.append(found[1] - found[0] if found[2] is None else found[2])
        side = eye_named(row.optional(columns["eye"])) if "eye" in columns else ""
        showings.add(showing, Fixation(*point, durations[-1], found[0], found[1], side))
        return None

    recording.take(table, read_row, options)
    showings.finish()
    name = columns.get("duration", columns.get("end", ""))
    recording.time_unit, why = _time_unit(options, name, durations)
    if why:
        recording.notes.append(why)
    return recording


def _times(row: Row, columns: Mapping[str, str]) -> tuple[float, float, float | None] | None:
    """Return start, end and duration (None: end - start), or None where they are missing."""
    start = end = float("nan")
    if "start" in columns and not row.missing(columns["start"]):
        start = row.number(columns["start"])
    if "end" in columns and not row.missing(columns["end"]):
        end = row.number(columns["end"])
    if "duration" in columns:
        if row.missing(columns["duration"]):
            return None
        duration = row.number(columns["duration"], low=0.0)
        return start, start + duration if end != end else end, duration
    if start != start or end != end:
        return None
    if end < start:
        raise fault(row.table.path, row.line, f"the fixation ends at {end:g}, before its start at {start:g}")
    return start, end, None


def _time_unit(options: Options, name: str, durations: Sequence[float]) -> tuple[str, str]:
    if options.time_unit:
        return options.time_unit, ""
    match = re.search(r"(?:\[|\(|_| )(ms|us|µs|μs|ns|s|sec|seconds?)(?:\]|\))?$", name.strip().lower())
    if match:
        unit = {"µs": "us", "μs": "us", "sec": "s", "second": "s", "seconds": "s"}.get(match[1], match[1])
        return unit, ""
    middle = median(durations) if durations else 0.0
    unit = likely_time_unit(middle) or "ms"
    return unit, f"{name!r} has the median {middle:g}, so it is in {unit} (time_unit= says otherwise)"


def likely_time_unit(middle: float) -> str | None:
    """Return the unit in which a median duration is plausible for fixations (0.05 to 2 s), or None."""
    for unit, factor in TIME_UNITS.items():
        if factor is not None and 0.05 <= middle * factor <= 2.0:
            return unit
    return None


def plain_name(name: str) -> str:
    """Return the name of a column in lower case, with ``_`` in place of spaces and punctuation."""
    return re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")


def proposal(names: Sequence[str]) -> str | None:
    """Return a proposal for ``columns`` from the header of a table, or None."""
    found: dict[str, str] = {}
    names = [name for name in names[:500] if name]
    for role, pattern in USUAL.items():
        for name in names:
            if len(name) < 60 and name not in found.values() and re.fullmatch(pattern, plain_name(name)):
                found[role] = name
                break
    if not {"x", "y"} <= found.keys():
        return None
    if "duration" in found or not {"start", "end"} <= found.keys():
        found.pop("start", None)
        found.pop("end", None)
        found.setdefault("duration", "DURATION")
    order = [role for role in ROLES if role in found]
    return ",".join(f"{role}={found[role]}" for role in order)
