"""SR Research Data Viewer fixation reports: CURRENT_FIX_X, CURRENT_FIX_Y (px), CURRENT_FIX_DURATION (ms).

Follows the EyeLink Data Viewer User Manual (https://www.sr-research.com/support/, "Fixation Report").
Every trial (TRIAL_INDEX) of a recording session is one scanpath, named after the first of IMAGE, image,
image_name, image_file, stimulus, TRIAL_LABEL and TRIAL_INDEX that exists. EYE_USED names the eye.
If all coordinates are at most 2, they are fractions of IMAGE_WIDTH and IMAGE_HEIGHT (if there are any).

Ignored: pupil size, interest areas, saccades before and after, blinks.
"""

from __future__ import annotations

from .labels import column_of, eye_named, name_in, stimulus_columns
from .recording import NO_DURATION, NO_POSITION, Options, Recording
from .tables import Row, Source, Table
from .timeline import Fixation, Showing, Showings

COLUMNS = ("CURRENT_FIX_X", "CURRENT_FIX_Y", "CURRENT_FIX_DURATION")
IMAGES = (
    "IMAGE", "IMAGE_NAME", "image_file", "imagefile", "image_id", "stimulus", "stimulus_name", "picture",
    "TRIAL_LABEL", "TRIAL_INDEX",
)  # fmt: skip
TRIALS = ("TRIAL_INDEX", "TRIAL_LABEL")
READERS = ("RECORDING_SESSION_LABEL", "DATA_FILE")
EYES = ("EYE_USED", "EYE_REPORTED", "EYE")
SIZE = ("IMAGE_WIDTH", "IMAGE_HEIGHT")


def detect(source: Source) -> bool:
    """Return whether a header names these columns."""
    return any(set(COLUMNS) <= {name.upper() for name in row} for row in source.head_rows)


def read(source: Source, options: Options) -> Recording:
    """Read one scanpath per trial and recording session; of two eyes the left, or the one ``eye`` names."""
    table = Table(source, _header(source))
    x_name, y_name, duration_name = (str(column_of(table, [name])) for name in COLUMNS)
    images = stimulus_columns(table, options, IMAGES)
    trial, reader, eye = (column_of(table, names) for names in (TRIALS, READERS, EYES))
    starts, ends = (column_of(table, [name]) for name in ("CURRENT_FIX_START", "CURRENT_FIX_END"))
    size = [name for name in SIZE if name in table]
    column_words = ", ".join(images) or "the name of the file"
    recording = Recording("ms", "px", notes=[f"image ids from {column_words}"])
    showings = Showings(source, recording, options)
    within = len(size) == 2
    missing = options.missing.of_trackers()

    def read_row(row: Row) -> str | None:
        nonlocal within
        name = name_in(row, images) if images else source.stem
        label = (f"trial {row.text(trial)}",) if trial else ()
        showing = Showing(name, row.text(reader) if reader else None, label)
        point = recording.point(row, x_name, y_name, missing)
        if point is None:
            return NO_POSITION
        if row.missing(duration_name):
            return NO_DURATION
        x, y = point
        within = within and abs(x) <= 2 and abs(y) <= 2
        duration = row.number(duration_name, low=0.0)
        start = row.number(starts) if starts and not row.missing(starts) else float("nan")
        end = row.number(ends) if ends and not row.missing(ends) else start + duration
        if len(size) == 2:
            showings.sizes[showing] = (row.number(size[0], low=1.0), row.number(size[1], low=1.0))
        side = eye_named(row.optional(eye)) if eye else ""
        showings.add(showing, Fixation(x, y, duration, start, end, side))
        return None

    recording.take(table, read_row, options)
    showings.finish()
    if within and recording.rows:
        recording.coord_unit = "fraction"
        recording.notes.append(
            "no coordinate exceeds 2, so they are fractions of IMAGE_WIDTH and IMAGE_HEIGHT"
        )
    return recording


def _header(source: Source) -> list[str]:
    """Return the required columns as the header spells them."""
    for row in source.head_rows:
        known = {name.upper(): name for name in row}
        if set(COLUMNS) <= set(known):
            return [known[name] for name in COLUMNS]
    return list(COLUMNS)
