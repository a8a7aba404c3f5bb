"""EyeLink ``.asc`` files, which ``edf2asc`` makes: EFIX lines; x, y in px of the screen, durations in ms.

Follows SR Research's EyeLink 1000 Plus User Manual (section 4.9, "ASC Files") and the "EyeLink Data
Viewer Integration Messaging Protocol" (https://www.sr-research.com/support/thread-168.html,
offsets of messages: https://www.sr-research.com/support/thread-170.html).

A trial begins with ``TRIALID`` and ends with ``TRIAL_RESULT`` or the next ``TRIALID`` (PyGaze and
OpenSesame: ``start_trial``, ``stop_trial``); without such messages a recording block (START to END) is a
trial. ``!V IMGLOAD`` names the image from its time on; else the trial variable ``image`` (``stimulus``,
...) does, else the trial takes the name in TRIALID. A fixation belongs to the image shown at its start.

Ignored: samples, saccades, blinks, pupil size, buttons, inputs, interest areas, other messages.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from .eyelink_trials import Trials
from .recording import NO_POSITION, NoFixation, Options, Recording, Size
from .tables import MISSING, Source, fault, parse_number, quoted
from .timeline import Fixation, Showings

EYES = {"L": "left", "R": "right"}
CORNERS = re.compile(r"(?:DISPLAY|GAZE|SCREEN_PIXEL)_COORDS\b", re.IGNORECASE)
MESSAGE = re.compile(r"MSG\s+(-?\d+(?:\.\d+)?)\s+(\S.*)")
NUMBER = re.compile(r"-?\d+(?:\.\d+)?")
BEGINS = re.compile(r"^\*\* CONVERTED FROM .*|^EFIX [LR] |^MSG\t\d+", re.MULTILINE)
NO_END = "fixations without an end (SFIX without EFIX)"


def detect(source: Source) -> bool:
    """Return whether the file begins as edf2asc writes it, or holds its lines."""
    return BEGINS.search(source.head) is not None


def read(source: Source, options: Options) -> Recording:
    """Read one scanpath per trial or image; of two eyes the left, or the one that ``eye`` names."""
    recording = Recording("ms", "px")
    reader = AscLines(source, recording, options)
    for line, text in source.lines_without_samples():
        try:
            reader.take(line, text)
        except ValueError:
            if options.on_bad_row != "skip":
                raise
            recording.count("damaged rows")
    reader.close()
    samples = source.line_count - recording.seen
    recording.count(NoFixation("samples and empty lines"), samples)
    if not reader.fixations and not recording.left_out:
        problem = "holds no fixations (EFIX); gazesim.detect_fixations finds them in samples"
        raise fault(source.path, None, f"{problem} (gazesim fixations)")
    if empty := reader.trials.blocks_without(reader.fixations):
        note = f"{empty[0]} of {empty[1]} blocks hold no fixations (gazesim fixations finds them in samples)"
        recording.notes.append(note)
    showings = Showings(source, recording, options)
    shown = reader.trials.time_line(reader.fixations)
    for fixation in reader.fixations:
        showings.add_at(shown, fixation)
    showings.finish()
    return recording


class AscLines:
    """Reads the lines of one file other than samples, in order: fixations, trials and screen."""

    def __init__(self, source: Source, recording: Recording, options: Options) -> None:
        self._source = source
        self._recording = recording
        self._options = options
        self._missing = options.missing.of_trackers()
        self.fixations: list[Fixation] = []
        self.trials = Trials(source, recording, options.by)
        self._open: set[str] = set()
        self.origin = (0.0, 0.0)
        self._kind = "GAZE"

    def take(self, line: int, text: str) -> None:
        """Read one line and count it."""
        words = text.split()
        kind = words[0] if words else ""
        outcome: str | None = NoFixation("other lines")
        if kind == "EFIX":
            outcome = self._fixation(line, words)
        elif kind == "SFIX":
            self._open.update(words[1:2])
            outcome = NoFixation("starts of fixations")
        elif kind in ("START", "END") and len(words) > 1:
            self._block(line, kind, words)
            outcome = NoFixation("starts and ends of blocks")
        elif kind == "EVENTS" and len(words) > 1:
            self._kind = words[1]
            self._take_rate(words)
        elif kind == "MSG":
            self._message(line, text)
            outcome = NoFixation("messages")
        elif kind in ("ESACC", "SSACC", "EBLINK", "SBLINK"):
            outcome = NoFixation("saccades and blinks")
        self._recording.count(outcome)

    def close(self) -> None:
        """Count fixations that began but did not end within their block."""
        if self._open:
            self._recording.others["starts of fixations"] -= len(self._open)
            self._recording.left_out[NO_END] += len(self._open)
            self._open.clear()

    def _block(self, line: int, kind: str, words: Sequence[str]) -> None:
        time = parse_number(words[1])
        if time is None:
            raise fault(self._source.path, line, f"{kind} has the time {quoted(words[1])}; expected a number")
        self.close()
        if kind == "END":
            self.trials.end(time)
            return
        self._kind = "GAZE"
        self.trials.start(line, time)

    def _message(self, line: int, text: str) -> None:
        match = MESSAGE.match(text)
        if match is None:
            return
        message = match[2]
        found = CORNERS.match(message)
        if found:
            self._screen(line, message[found.end() :].strip(" \t:="), message)
        self.trials.message(float(match[1]), message)

    def _fixation(self, line: int, words: Sequence[str]) -> str | None:
        """Read an EFIX line; return None, or the reason why it is left out."""
        path = self._source.path
        if len(words) < 7 or words[1] not in EYES:
            raise fault(
                path, line, f"is {quoted(' '.join(words))}; expected EFIX eye start end duration x y pupil"
            )
        self._open.discard(words[1])
        if words[5].lower() in MISSING or words[6].lower() in MISSING:
            return NO_POSITION
        numbers = []
        for name, word in zip(("start", "end", "duration", "x", "y"), words[2:7], strict=True):
            number = parse_number(word)
            if number is None or (name == "duration" and number < 0):
                raise fault(path, line, f"{name} of EFIX is {quoted(word)}; expected a number")
            numbers.append(number)
        start, end, duration, x, y = numbers
        if end < start:
            raise fault(path, line, f"EFIX ends at {words[3]}, before its start at {words[2]}")
        if self._kind != "GAZE":
            raise fault(
                path,
                line,
                f"is in {self._kind} coordinates (see EVENTS), which are no pixels of the screen; expected "
                "GAZE (edf2asc without -href or -raw)",
            )
        if self._missing.has(x, y):
            return NO_POSITION
        self.trials.see(line, start)
        x, y = x - self.origin[0], y - self.origin[1]
        self.fixations.append(Fixation(x, y, duration, start, end, EYES[words[1]]))
        return None

    def _screen(self, line: int, corners: str, message: str) -> None:
        """Read the size and the origin of the screen; other text changes neither."""
        words = NUMBER.findall(corners)
        numbers = [float(word) for word in words]
        if len(numbers) == 2:
            numbers = [0.0, 0.0, *numbers]
        width = height = 0.0
        if len(numbers) == 4:
            left, top, right, bottom = numbers
            # Some versions state the last pixel, others the edge behind it: 1919 and 1920 are one screen.
            width, height = (end - start + (end - start) % 2 for start, end in ((left, right), (top, bottom)))
        if width > 0 and height > 0:
            self._take_size((width, height))
            self.origin = (numbers[0], numbers[1])
            return
        if words and words == corners.split():  # nothing but numbers: a damaged line of the tracker's own
            wanted = "a screen of some size" if len(words) == 4 else "left top right bottom"
            raise fault(self._source.path, line, f"corners are {quoted(corners)}; expected {wanted}")
        self._recording.notes.append(f"line {line} states no screen: {quoted(message)}")

    def _take_rate(self, words: Sequence[str]) -> None:
        position = words.index("RATE") + 1 if "RATE" in words[:-1] else 0
        rate = parse_number(words[position]) if position else None
        if rate and rate not in self._recording.rates:
            self._recording.rates.append(rate)

    def _take_size(self, size: Size) -> None:
        before = self._recording.screen_size
        if before is not None and before != size:
            note = f"several screen sizes are stated ({before[0]:g} x {before[1]:g} first); the last is taken"
            if note not in self._recording.notes:
                self._recording.notes.append(note)
        self._recording.screen_size = size
