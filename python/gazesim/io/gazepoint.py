"""Gazepoint Analysis exports (fixations or all_gaze): FPOGX, FPOGY fractions of the screen, FPOGD s.

Follows the Gazepoint API manual (Open Gaze API, https://www.gazept.com/wp-content/uploads/, "FPOG"): FPOGS
is the start, FPOGD the duration so far, FPOGID the number of a fixation, FPOGV whether it is valid. A file of
samples repeats the current fixation in every row; its last valid row holds the whole duration.

MEDIA_NAME (else MEDIA_ID) says what was shown. USER holds what the experiment sends (PyGaze, OpenSesame and
PsychoPy send markers such as ``START_TRIAL 1``); it is never the reader, whose name is that of the file,
unless every row has the same. Ignored: BPOG (best point of gaze), eye images, pupils, biometrics, AOI.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Iterator, Sequence
from pathlib import Path
from typing import TypeVar

from .folders import recording_of
from .labels import column_of, stimulus_columns
from .recording import DAMAGED, NO_POSITION, NoFixation, Options, Recording
from .tables import Row, Source, Table
from .timeline import Fixation, Marks, Showing, Showings, TimeLine

COLUMNS = ("FPOGX", "FPOGY", "FPOGS", "FPOGD", "FPOGID")
#: Screen of the radiology data sets that were recorded with these trackers.
SCREEN = (1920.0, 1080.0)

Key = TypeVar("Key", bound=Hashable)


def detect(source: Source) -> bool:
    """Return whether a header names the fixation columns."""
    return source.has(*COLUMNS)


def choose(paths: Sequence[Path]) -> list[Path]:
    """Return the files, without files of samples of recordings that have a file of fixations."""
    fixations = [path for path in paths if "fixation" in path.stem.lower()]
    recordings = {recording_of(path) for path in fixations}
    kept = {*fixations, *(path for path in paths if recording_of(path) not in recordings)}
    return sorted(kept)


def read(source: Source, options: Options) -> Recording:
    """Read one scanpath per medium; USER markers split it only if ``by`` is a pattern of them."""
    table = Table(source, COLUMNS)
    recording = Recording("s", "fraction", SCREEN, size_is_default=True)
    name = source.stem
    for ending in ("_fixations", "_all_gaze"):
        name = name.removesuffix(ending)
    by_columns = options.by is not None and all(part.strip() in table for part in options.by.split(","))
    if options.by is not None and not by_columns and "USER" in table:
        columns: tuple[str, ...] = ()
        marks = Marks(source, options.by)
    else:
        columns = stimulus_columns(table, options, ("MEDIA_NAME", "MEDIA_ID"))
        marks = Marks(source, None)
    shown: list[tuple[int, str]] = []
    users: Counter[str] = Counter()

    def watch(row: Row) -> str:
        user = row.optional("USER")
        users[user] += 1
        if options.by is not None and not columns and user:
            marks.add("", float(table.count), user, False)
        medium = "/".join(row.optional(column) for column in columns).strip("/")
        if not shown or shown[-1][1] != medium:
            shown.append((table.count, medium))
        return ""

    fixations = list(fixation_rows(table, watch, recording, options))
    reader = next(iter(users)) if len(users) == 1 and not users.keys() <= {"", "0"} else name
    markers = [user for user in users if user not in ("", "0") and reader == name]
    if markers and options.by is None:
        recording.notes.append(f"USER holds {len(markers)} markers, such as {markers[0]!r} (by= splits)")
    marks.check()
    line = TimeLine()
    starts = [first for _, first, _, _ in fixations]
    if marks:
        line = marks.time_line("", lambda stimulus: Showing(stimulus, reader), "0", starts)
    elif all(not medium for _, medium in shown):
        line.show(0, Showing("0", reader))
    else:
        for number, (position, medium) in enumerate(shown):
            showing = Showing(medium, reader, (), number) if medium else None
            line.show(position, showing, "fixations without a medium")
    showings = Showings(source, recording, options)
    missing = options.missing.of_trackers(origin=True)
    for _, first, last, row in fixations:
        try:
            x, y = row.number("FPOGX"), row.number("FPOGY")
            duration = row.number("FPOGD", low=0.0)
        except ValueError:
            if options.on_bad_row != "skip":
                raise
            recording.leave(DAMAGED)
            continue
        if missing.has(x, y):
            recording.leave(NO_POSITION)
        else:
            showings.add_at(line, Fixation(x, y, duration, first, last))
    showings.finish()
    return recording


def fixation_rows(
    table: Table, key: Callable[[Row], Key], recording: Recording, options: Options
) -> Iterator[tuple[Key, int, int, Row]]:
    """Yield the last valid row of every fixation, with its key and the numbers of its first and last row.

    ``key`` is called for every row; rows with different keys belong to different fixations.
    """
    last: tuple[Key, str, str] | None = None
    first_row, last_row = 0, 0
    latest: Row | None = None
    valid = column_of(table, ["FPOGV"])
    skip = table.skip_damaged = options.on_bad_row == "skip"
    for row in table:
        try:
            owner = key(row)
            is_between = valid is not None and row.optional(valid) in ("0", "0.0")
            identity = last if is_between else (owner, row.text("FPOGID"), row.optional("FPOGS"))
        except ValueError:
            if not skip:
                raise
            recording.count(DAMAGED)
            continue
        if is_between or identity is None:
            recording.count(NoFixation("rows between fixations"))
            continue
        if identity == last:
            recording.count(NoFixation("rows that repeat a fixation"))
        else:
            if last is not None and latest is not None:
                yield last[0], first_row, last_row, latest
            recording.count(None)
            first_row = table.count
        last, latest, last_row = identity, row, table.count
    if table.damaged:
        recording.count(DAMAGED, table.damaged)
    if last is not None and latest is not None:
        yield last[0], first_row, last_row, latest
