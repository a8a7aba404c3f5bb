"""SMI BeGaze event exports: rows Fixation L, Fixation R, Saccade L, ...; px of the stimulus, µs.

Follows the BeGaze Manual ("Export Event Data to File", SensoMotoric Instruments, 2017). A message in a trial
names the image from its time on; without one, the trial shows the stimulus of the file. 0, 0 means that the
eye was lost. Ignored: saccades, blinks, pupil sizes, dispersions, areas of interest.
"""

from __future__ import annotations

import csv
import re
from functools import partial

from .recording import NO_POSITION, NoFixation, Options, Recording
from .tables import MISSING, Source, cells_of, delimiter_of, fault, parse_number, quoted
from .timeline import Fixation, Marks, Showing, Showings, TimeLine

COLUMNS = ("Event Type", "Trial", "Start", "Duration", "Location X", "Location Y")
TITLE = "Table Header for Fixations"
EYES = {"L": "left", "R": "right"}


def detect(source: Source) -> bool:
    """Return whether the header of the fixation table is there."""
    return TITLE in source.head


def read(source: Source, options: Options) -> Recording:
    """Read one scanpath per trial and image; of two eyes the left, or the one that ``eye`` names."""
    recording = Recording("us", "px")
    reader = _Reader(source, recording, options)
    for line, text in source.lines():
        try:
            reader.take(line, text)
        except ValueError:
            if options.on_bad_row != "skip":
                raise
            recording.count("damaged rows")
    if not reader.names:
        raise fault(source.path, None, f"has no `{TITLE}`; expected a BeGaze event export")
    if not reader.fixations and not recording.left_out:
        problem = "holds no fixations; gazesim.detect_fixations finds them in samples (gazesim fixations)"
        raise fault(source.path, None, problem)
    showings = Showings(source, recording, options)
    lines = reader.time_lines()
    for trial, fixation in reader.fixations:
        showings.add_at(lines[trial], fixation)
    showings.finish()
    return recording


class _Reader:
    """Reads the lines of one file, in order."""

    def __init__(self, source: Source, recording: Recording, options: Options) -> None:
        self._source = source
        self._recording = recording
        self._missing = options.missing.of_trackers(origin=True)
        self.names: list[str] = []
        self.fixations: list[tuple[str, Fixation]] = []
        self._header_values: dict[str, str] = {}
        self._marks = Marks(source, options.by)
        self._previous = ""

    def take(self, line: int, text: str) -> None:
        """Read one line and count it."""
        outcome: str | None = NoFixation("other lines")
        if not self.names:
            if self._previous.startswith(TITLE):
                self.names = self._header(line, text)
            elif ":" in text:
                what, _, value = text.partition(":")
                self._header_values[what.lstrip("#* ").strip()] = value.strip()
                if what.strip() == "Sample Rate" and (rate := parse_number(value.strip())):
                    self._recording.rates.append(rate)
            self._previous = text
        elif text.startswith("UserEvent"):
            self._message(line, text)
            outcome = NoFixation("messages")
        elif "Fixation" in text:
            outcome = self._fixation(line, text)
        elif text.startswith(("Saccade", "Blink")):
            outcome = NoFixation("saccades and blinks")
        self._recording.count(outcome)

    def time_lines(self) -> dict[str, TimeLine]:
        """Return the time line of the stimuli of every trial."""
        subject = self._header_values.get("Subject") or self._source.stem
        self._marks.check()
        lines: dict[str, TimeLine] = {}
        starts: dict[str, list[float]] = {}
        for trial, fixation in self.fixations:
            starts.setdefault(trial, []).append(fixation.start)
        for trial in starts:
            whole = self._header_values.get("Stimulus", "")
            whole = f"trial {trial}" if whole in ("", "-") else whole
            show = partial(Showing, reader=subject, labels=(f"trial {trial}",))
            lines[trial] = self._marks.time_line(trial, show, whole, sorted(starts[trial]))
        return lines

    def _header(self, line: int, text: str) -> list[str]:
        names = self._cells(line, text)
        if missing := [name for name in COLUMNS if name not in names]:
            problem = f"names no column {missing[0]!r}; expected {', '.join(COLUMNS)}"
            raise fault(self._source.path, line, problem)
        return names

    def _cells(self, line: int, text: str) -> list[str]:
        try:
            return [cell.strip() for cell in cells_of(text, delimiter_of(text))]
        except csv.Error as error:
            raise fault(self._source.path, line, f"cannot be cut into cells ({error})") from None

    def _message(self, line: int, text: str) -> None:
        message = text.rpartition("# Message:")[2].strip()
        cells = text.split(delimiter_of(text), 4)
        trial = cells[1].strip() if len(cells) > 1 else ""
        trial = re.split(r"\D", trial, maxsplit=1)[0] or trial
        time = parse_number(cells[3].strip()) if len(cells) > 3 else None
        is_image = re.search(r"\.\w{2,5}$", message[-6:]) is not None  # the name of an image file
        self._marks.add(trial, float("-inf") if time is None else time, message, is_image)

    def _fixation(self, line: int, text: str) -> str | None:
        """Read a row; return None, or the reason why it is left out or holds no fixation."""
        cells = self._cells(line, text)
        row = dict(zip(self.names, cells, strict=False))
        if not row.get("Event Type", "").startswith("Fixation"):
            return NoFixation("other lines")
        path = self._source.path
        if len(cells) < len(self.names):
            problem = f"has {len(cells)} cells; expected {len(self.names)}, as in the header"
            raise fault(path, line, problem)
        if row["Location X"].lower() in MISSING or row["Location Y"].lower() in MISSING:
            return NO_POSITION
        values = []
        for name in ("Location X", "Location Y", "Duration", "Start"):
            value = parse_number(row[name])
            if value is None or (name == "Duration" and value < 0):
                raise fault(path, line, f"column {name!r} is {quoted(row[name])}; expected a number")
            values.append(value)
        x, y, duration, start = values
        if self._missing.has(x, y):
            return NO_POSITION
        eye = EYES.get(row["Event Type"].removeprefix("Fixation").strip(), "")
        self.fixations.append((row["Trial"], Fixation(x, y, duration, start, start + duration, eye)))
        return None
