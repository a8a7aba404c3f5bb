"""Tobii Pro Lab and Tobii Studio data exports (TSV): one row per sample.

Follows "Data export" in the Tobii Pro Lab User Manual (https://connect.tobii.com, "Metrics and data export").
Rows repeat the current event, so every event index counts once, with the stimulus of its first row. Units
follow the names of the columns ([MCS px], [ms], ...) or, in some versions, are missing.

Columns of the media (MCS) come before those of the screen (DACS). Recordings of glasses have neither: their
fixation points are px of the moving scene camera; the mapped columns ("Mapped fixation X [snapshot]") hold
the place on the picture, and are read where they exist. A stimulus column that is empty in every row counts
as absent. Ignored: samples, saccades, pupils, eye positions, AOI hits, velocities.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from operator import itemgetter
from statistics import median
from typing import NamedTuple

from .labels import split_name, stimulus_columns
from .recording import NO_DURATION, NO_POSITION, NoFixation, Options, Recording, Size
from .tables import Row, Source, Table, fault, parse_number
from .timeline import Fixation, Marks, Showing, Showings, TimeLine

#: Names of the same column in Pro Lab, older Pro Lab and Studio, without case and spaces.
TYPE = ("eyemovementtype", "gazeeventtype")
INDEX = ("eyemovementtypeindex", "eyemovementeventindex", "fixationindex")
DURATION = ("gazeeventduration", "eyemovementeventduration", "eyemovementduration")
STIMULUS = ("presentedstimulusname", "presentedmedianame", "medianame", "recordingmedianame")
TIMELINE = ("timelinename",)
PARTICIPANT = ("participantname",)
RECORDING = ("recordingname",)
SENSOR = ("sensor",)
TIME = ("recordingtimestamp", "eyetrackertimestamp")
EVENTS = ("event", "eventvalue")
#: Media coordinates first: they are those of the image, the others those of the screen.
COORDINATES = ("mcspx", "mcsnorm", "", "px", "dacspx", "adcspx", "dacsnorm")
MEDIA_SIZE = (("presentedmediawidth", "mediawidth"), ("presentedmediaheight", "mediaheight"))
SCREEN_SIZE = (("recordingresolutionwidth",), ("recordingresolutionheight",))
TIME_UNITS = {"ms": "ms", "us": "us", "μs": "us", "µs": "us", "s": "s"}
#: A median duration above this number can only be in microseconds.
MICROSECONDS_ABOVE = 5000.0
#: Sensors that only glasses have.
GLASSES = frozenset({"gyroscope", "accelerometer", "magnetometer"})
MAPPED = re.compile(
    r"(?:automatically |manually )?mapped (fixation(?: point)? [xy]|(?:eye movement|gaze event) type"
    r"|(?:eye movement|gaze event) type index|fixation index) \[([^\[\]]*)\](?: \[(?:mcs ?)?px\])?",
    re.IGNORECASE,
)
REPEATED = NoFixation("rows that repeat a fixation")
OTHER = NoFixation("rows without a fixation")
NO_STIMULUS = "fixations without a stimulus"


class Column(NamedTuple):
    """A column as the header names it, and the unit behind its name."""

    name: str
    unit: str


class Place(NamedTuple):
    """The columns of the fixations on one picture; ``snapshot`` is empty for those on the screen."""

    snapshot: str
    kind: str
    number: str
    x: str
    y: str


@dataclass
class Event:
    """A fixation: its rows and, once known, its point; the duration is NaN where its cell is empty."""

    session: str
    snapshot: str
    first: int
    last: int
    point: tuple[float, float] | None = None
    duration: float = 0.0


class Parsed(NamedTuple):
    """What a row says of an event: its name, and its point and duration (NaN: empty) if it has them."""

    name: tuple[str, str, str]
    point: tuple[float, float] | None
    duration: float


def detect(source: Source) -> bool:
    """Return whether a header names the type and index of events and where fixations were."""
    for row in source.head_rows:
        names = {split_name(name)[0] for name in row}
        known = "fixationpointx" in names and names & {*TYPE} and names & {*INDEX}
        if known or len(mapped_places(row)) > 0:
            return True
    return False


def read(source: Source, options: Options) -> Recording:
    """Read one scanpath per stimulus (or snapshot of glasses) and participant."""
    table = Table(source, _header(source))
    duration = _find(table, DURATION)
    places = mapped_places(table.columns)
    unit = ""
    recording = Recording("ms", "px")
    if places:
        some = ", ".join(repr(place.snapshot) for place in places[:3])
        recording.notes.append(
            f"positions on {len(places)} mapped pictures ({some}), not of the scene camera"
        )
        if options.by is not None:
            raise fault(source.path, None, "by is given, and the pictures are named by the mapped columns")
    else:
        x, y = _coordinates(table)
        places = [Place("", _find(table, TYPE).name, _find(table, INDEX).name, x.name, y.name)]
        recording.notes.append(f"x, y from {x.name!r}")
        recording.coord_unit = "fraction" if x.unit.endswith("norm") else "px"
        unit = x.unit
    reader = _Reader(source, table, places, duration, recording, options)
    recording.take(table, reader.read_row, options)
    if reader.glasses and not places[0].snapshot and options.coord_unit is None:
        raise fault(
            source.path,
            None,
            "holds a recording of glasses without mapped columns: x, y are px of the moving scene camera; "
            'expected mapped columns (Pro Lab: map gaze onto a snapshot), or coord_unit="px" to take these',
        )
    reader.finish(unit)
    recording.time_unit = options.time_unit or _time_unit(source, duration, reader.durations)
    if options.time_unit is None and not duration.unit:
        recording.notes.append(
            f"{duration.name!r} has no unit, and its values are those of {recording.time_unit}"
        )
    return recording


class _Reader:
    """Reads the rows of one export, in order; the number of a row is its time on the time line."""

    def __init__(
        self,
        source: Source,
        table: Table,
        places: list[Place],
        duration: Column,
        recording: Recording,
        options: Options,
    ) -> None:
        self._source, self._table, self._places = source, table, places
        self._duration, self._recording, self._options = duration, recording, options
        self._person, self._take, self._sensor, self._time, self._timeline = (
            _find(table, names, False).name for names in (PARTICIPANT, RECORDING, SENSOR, TIME, TIMELINE)
        )
        usual = _find(table, STIMULUS, False).name
        self._events = [name for name in (_find(table, [base], False).name for base in EVENTS) if name]
        self._missing = options.missing.of_trackers(origin=True)
        by = options.by
        by_columns = by is not None and (by in table or all(one.strip() in table for one in by.split(",")))
        self._marks = None if by is None or by_columns or not self._events else Marks(source, by)
        self._stimuli = (
            () if self._marks is not None else stimulus_columns(table, options, [usual] if usual else [])
        )
        self._changes: dict[str, list[tuple[int, str, str]]] = {}
        self._found: dict[tuple[str, str, str], Event] = {}
        self._readers: dict[str, tuple[str, str]] = {}
        self._clock: dict[str, float] = {}
        self._sizes: dict[str, Size] = {}
        self._size_names = [_find(table, names, False).name for names in MEDIA_SIZE]
        self._open: list[Event] = []
        self._latest: tuple[str, ...] = ()
        #: Fixations of the scene camera, and whether one of their rows is mapped onto a picture.
        self._scene: dict[tuple[str, str], bool] = {}
        mapped = bool(places[0].snapshot)
        self._scene_index = _find(table, INDEX, False).name if mapped else ""
        self._scene_kind = _find(table, TYPE, False).name if mapped else ""
        self._cells = self._watch()
        self.glasses = False
        self.durations: list[float] = []

    def _watch(self) -> Callable[[list[str]], tuple[str, ...]] | None:
        """Return a function that picks the cells that distinguish events; None if every row matters.

        Rows of one event repeat these cells; all but the first are skipped quickly.
        """
        names = [name for place in self._places for name in (place.kind, place.number)]
        names += [self._person, self._take, self._sensor, self._timeline, *self._stimuli]
        names += [self._scene_index, self._scene_kind]
        positions = [self._table.positions[name] for name in names if name]
        used = [*names, *self._events, *self._size_names, self._duration.name, self._time]
        used += [name for place in self._places for name in (place.x, place.y)]
        self._table.last_needed = max(self._table.positions[name] for name in used if name)
        return itemgetter(*positions) if self._marks is None and len(positions) > 1 else None

    def read_row(self, row: Row) -> str | None:
        """Read a row; a fixation counts with its first row."""
        if self._cells is not None:
            cells = self._cells(row.cells)
            if cells == self._latest and all(event.point for event in self._open):
                for event in self._open:
                    event.last = self._table.count
                return REPEATED if self._open else OTHER
            self._latest = cells
        self._open.clear()
        try:
            return self._whole_row(row)
        except ValueError:  # the next row of the same event may be sound
            self._latest = ()
            raise

    def _whole_row(self, row: Row) -> str | None:
        sensor = row.optional(self._sensor).lower() if self._sensor else ""
        self.glasses = self.glasses or sensor in GLASSES
        person, take = row.optional(self._person), row.optional(self._take)
        session = f"{person}\t{take}"
        if session not in self._readers:
            self._readers[session] = (person, take)
        if self._marks is not None:
            message = " ".join(filter(None, (row.optional(name) for name in self._events)))
            if message:
                self._marks.add(session, float(self._table.count), message, False)
        elif self._stimuli and sensor in ("", "eye tracker"):
            self._show(row, session)
        # All cells are parsed before anything is kept: a damaged row leaves no fixation behind.
        parsed = [
            self._parsed(row, session, place)
            for place in self._places
            if (not place.kind or row.optional(place.kind) == "Fixation") and not row.missing(place.number)
        ]
        scene = None
        if self._scene_index and not row.missing(self._scene_index):
            kind = row.optional(self._scene_kind) if self._scene_kind else "Fixation"
            scene = (session, row.text(self._scene_index))
            if kind == "Fixation":
                self._scene.setdefault(scene, False)
        new = [self._keep(one, scene) for one in parsed if one is not None]
        if any(new):
            return None
        return REPEATED if parsed else OTHER

    def _show(self, row: Row, session: str) -> None:
        shown = "/".join(filter(None, (row.optional(name) for name in self._stimuli)))
        timeline = row.optional(self._timeline) if shown else ""
        changes = self._changes.setdefault(session, [])
        if changes and changes[-1][1:] == (shown, timeline):
            return
        changes.append((self._table.count, shown, timeline))
        width, height = self._size_names
        if shown and width and height and not row.missing(width) and not row.missing(height):
            self._sizes[shown] = (row.number(width, low=1.0), row.number(height, low=1.0))

    def _parsed(self, row: Row, session: str, place: Place) -> Parsed | None:
        """Return the event of a row on one picture, or None if it is not on the picture in this row."""
        name = (session, place.snapshot, row.text(place.number))
        if place.snapshot and (row.missing(place.x) or row.missing(place.y)):
            self._latest = ()  # the next row of the same event may have them
            return None
        event = self._found.get(name)
        if event is None:
            self._check_time(row, session)
        elif event.point is not None:
            return Parsed(name, None, math.nan)
        point, duration = self._recording.point(row, place.x, place.y, self._missing), math.nan
        if point is not None and not row.missing(self._duration.name):
            duration = row.number(self._duration.name, low=0.0)
        return Parsed(name, point, duration)

    def _keep(self, parsed: Parsed, scene: tuple[str, str] | None) -> bool:
        """Keep an event; return whether this row is its first."""
        number = self._table.count
        event = self._found.get(parsed.name)
        is_new = event is None
        if event is None:
            session, snapshot, _ = parsed.name
            event = self._found[parsed.name] = Event(session, snapshot, number, number)
        event.last = number
        self._open.append(event)
        if scene is not None:
            self._scene[scene] = True
        if parsed.point is not None:
            event.point, event.duration = parsed.point, parsed.duration
        return is_new

    def _check_time(self, row: Row, session: str) -> None:
        time = parse_number(row.optional(self._time)) if self._time else None
        if time is None:
            return
        before = self._clock.get(session, time)
        if time < before - 1000:
            problem = (
                f"time goes back from {before:g} to {time:g} in one recording; expected its rows in order"
            )
            raise fault(self._source.path, row.line, problem)
        self._clock[session] = time

    def finish(self, unit: str) -> None:
        """Assign every fixation to the stimulus of its first row."""
        used = [self._readers[event.session] for event in self._found.values()]
        several = len(set(used)) > len({person for person, _ in used})
        names = {
            session: (f"{person} {take}" if several else person).strip() or None
            for session, (person, take) in self._readers.items()
        }
        nothing = all(not shown for changes in self._changes.values() for _, shown, _ in changes)
        lines: dict[str, TimeLine] = {}
        starts: dict[str, list[int]] = {session: [] for session in names}
        for event in self._found.values():
            starts[event.session].append(event.first)
        for session, reader in names.items():
            lines[session] = self._line(session, reader, nothing, starts[session])
        if self._marks is not None:
            self._marks.check()
        showings = Showings(self._source, self._recording, self._options)
        for event in self._found.values():
            if event.point is None:
                no_place = lines[event.session].parts(event.first, event.first)
                is_off = not event.snapshot and next(no_place)[0] is None
                self._recording.leave(NO_STIMULUS if is_off else NO_POSITION)
                continue
            if math.isnan(event.duration):
                self._recording.leave(NO_DURATION)
                continue
            self.durations.append(event.duration)
            fixation = Fixation(*event.point, event.duration, event.first, event.last)
            if event.snapshot:
                showings.add(Showing(event.snapshot, names[event.session]), fixation)
            else:
                showings.add_at(lines[event.session], fixation)
        off = min(sum(not is_mapped for is_mapped in self._scene.values()), self._recording.others[OTHER])
        if off:
            self._recording.others[OTHER] -= off
            self._recording.left_out["fixations that are not on a mapped picture"] += off
        self._set_size(showings, unit)
        showings.finish()

    def _line(self, session: str, reader: str | None, nothing: bool, starts: list[int]) -> TimeLine:
        stem = self._source.stem
        if self._marks is not None:
            return self._marks.time_line(session, lambda name: Showing(name, reader), stem, starts)
        line = TimeLine()
        if nothing:
            if self._stimuli:
                note = f"column {self._stimuli[0]!r} is empty, so the image is named by the file"
                if note not in self._recording.notes:
                    self._recording.notes.append(note)
            line.show(0, Showing(stem, reader))
            return line
        for number, (row, shown, timeline) in enumerate(self._changes.get(session, ())):
            label = (f"timeline {timeline}",) if timeline else ()
            line.show(row, Showing(shown, reader, label, number) if shown else None, NO_STIMULUS)
        return line

    def _set_size(self, showings: Showings, unit: str) -> None:
        if not unit.startswith("mcs"):
            screen = None if self._places[0].snapshot else _size(self._table, SCREEN_SIZE)
            self._recording.screen_size = screen
        elif len(set(self._sizes.values())) > 1:
            showings.sizes_by_name = dict(self._sizes)
        else:
            self._recording.screen_size = next(iter(self._sizes.values()), None)


def mapped_places(columns: list[str]) -> list[Place]:
    """Return the pictures onto which fixations of glasses are mapped, in the order of the columns."""
    found: dict[str, dict[str, str]] = {}
    for name in columns:
        match = MAPPED.fullmatch(name.strip()) if "apped" in name else None
        if match is not None:
            what = (
                match[1].lower().replace("fixation point", "fixation").replace("gaze event", "eye movement")
            )
            found.setdefault(match[2], {})[what.replace("fixation index", "eye movement type index")] = name
    wanted = ("eye movement type index", "fixation x", "fixation y")
    return [
        Place(snapshot, names.get("eye movement type", ""), *(names[what] for what in wanted))
        for snapshot, names in found.items()
        if all(what in names for what in wanted)
    ]


def _header(source: Source) -> list[str]:
    """Return the required columns as the header spells them."""
    for row in source.head_rows:
        bases = {split_name(name)[0]: name for name in row}
        if "fixationpointx" in bases and any(name in bases for name in INDEX):
            return [bases["fixationpointx"]]
        if places := mapped_places(row):
            return [places[0].x]
    raise fault(source.path, None, "has no column of fixation points; expected a Tobii data export")


def _find(table: Table, bases: tuple[str, ...] | list[str], required: bool = True) -> Column:
    for base in bases:
        for name in table.columns:
            if split_name(name)[0] == base:
                return Column(name, split_name(name)[1])
    if required:
        problem = f"has none of the columns {', '.join(bases)}; expected it in the export"
        raise fault(table.path, table.header_line, problem)
    return Column("", "")


def _coordinates(table: Table) -> tuple[Column, Column]:
    known = {split_name(name): name for name in table.columns}
    for unit in COORDINATES:
        x, y = known.get(("fixationpointx", unit)), known.get(("fixationpointy", unit))
        if x is not None and y is not None:
            return Column(x, unit), Column(y, unit)
    raise fault(
        table.path, table.header_line, "has no fixation points in px or normalised; expected both x and y"
    )


def _time_unit(source: Source, duration: Column, durations: list[float]) -> str:
    if duration.unit:
        if duration.unit not in TIME_UNITS:
            problem = (
                f"column {duration.name!r} is in {duration.unit}; expected ms or μs (time_unit= says which)"
            )
            raise fault(source.path, None, problem)
        return TIME_UNITS[duration.unit]
    return "us" if durations and median(durations) > MICROSECONDS_ABOVE else "ms"


def _size(table: Table, names: tuple[tuple[str, ...], tuple[str, ...]]) -> Size | None:
    """Return the size in the first row that states one."""
    width, height = (_find(table, name, False).name for name in names)
    first = table.first_with(width, height) if width and height else None
    return None if first is None else (first.number(width, low=1.0), first.number(height, low=1.0))
