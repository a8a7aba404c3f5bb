"""SMI BeGaze event statistics: one row per event; fixation position in px of the stimulus, durations in ms.

Follows the BeGaze Manual ("Event Statistics - Single", SensoMotoric Instruments, 2017). Fixations are called
"Fixation" or, since BeGaze 3.6, "Visual Intake". Every trial of a stimulus and participant is a scanpath;
"Eye L/R" names the eye; "-" means no value. Ignored: saccades, blinks, AOI, pupils.
"""

from __future__ import annotations

from .labels import column_of, eye_named, name_in, stimulus_columns
from .recording import NO_DURATION, NO_POSITION, NoFixation, Options, Recording
from .tables import Row, Source, Table
from .timeline import Fixation, Showing, Showings

X = ("Fixation Position X [px]", "Position X [px]", "Fixation Position X", "Position X")
Y = ("Fixation Position Y [px]", "Position Y [px]", "Fixation Position Y", "Position Y")
DURATION = ("Event Duration [ms]", "Fixation Duration [ms]", "Duration [ms]", "Event Duration")
KIND = ("Category", "Event Type", "Category Group")
START = (
    "Event Start Trial Time [ms]", "Event Start Recording Time [ms]", "Start Time [ms]", "Event Start [ms]",
)  # fmt: skip
FIXATIONS = ("fixation", "visual intake")


def detect(source: Source) -> bool:
    """Return whether a header names a place, a duration, and a stimulus as BeGaze does."""
    return any(_names(row) is not None for row in source.head_rows)


def _names(row: list[str]) -> list[str] | None:
    """Return the columns of x, y and duration, or None."""
    if not {"Stimulus", "Participant"} <= {*row}:
        return None
    found = [next((name for name in names if name in row), None) for names in (X, Y, DURATION)]
    return [name for name in found if name] if all(found) else None


def read(source: Source, options: Options) -> Recording:
    """Read one scanpath per stimulus, participant and trial; of two eyes the left, or that of ``eye``."""
    header = next((names for row in source.head_rows if (names := _names(row))), [X[0], Y[0], DURATION[0]])
    table = Table(source, header)
    x, y, length = header
    images = stimulus_columns(table, options, ["Stimulus"])
    trial, reader, eye, kind, begin = (
        column_of(table, names) for names in (["Trial"], ["Participant"], ["Eye L/R", "Eye"], KIND, START)
    )
    recording = Recording("ms", "px")
    showings = Showings(source, recording, options)
    missing = options.missing.of_trackers(origin=True)

    def read_row(row: Row) -> str | None:
        if kind and not row.optional(kind).lower().startswith(FIXATIONS):
            return NoFixation("other events")
        point = recording.point(row, x, y, missing)
        if point is None:
            return NO_POSITION
        if row.missing(length):
            return NO_DURATION
        duration = row.number(length, low=0.0)
        start = row.number(begin) if begin and not row.missing(begin) else float("nan")
        showing = Showing(
            name_in(row, images),
            row.text(reader) if reader else None,
            (f"trial {row.optional(trial)}",) if trial else (),
        )
        side = eye_named(row.optional(eye)) if eye else ""
        showings.add(showing, Fixation(*point, duration, start, start + duration, side))
        return None

    recording.take(table, read_row, options)
    showings.finish()
    return recording
