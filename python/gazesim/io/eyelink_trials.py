"""The trials of an EyeLink recording and the images they show, from the messages of the experiment."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import PureWindowsPath

from .recording import Recording
from .tables import Source, fault, quoted
from .timeline import Fixation, Showing, TimeLine, named_by, show_images

__all__ = ["Trials", "image_of"]

#: Whole milliseconds before the text of a message: how long ago it happened.
OFFSET = re.compile(r"(-?\d+)\s+(\S.*)")
IMAGE = re.compile(r"!V\s+IMGLOAD\s+(\S+)\s+(\S.*)")
VARIABLE = re.compile(r"(?:!V\s+TRIAL_VAR|var)\s+(\S+?)[\s=]+(\S.*)")
IMAGE_FILE = re.compile(r"\w\.(?:png|jpe?g|bmp|tiff?|gif|dcm)\b", re.IGNORECASE)
#: How a trial begins, and how it ends, in the order of preference.
STYLES = (
    (re.compile(r"TRIALID\b[\s:]*(.*)"), re.compile(r"TRIAL_RESULT\b|TRIAL OK\b")),
    (
        re.compile(r"start_trial\b[\s:]*(.*)", re.IGNORECASE),
        re.compile(r"(?:stop|end)_trial\b", re.IGNORECASE),
    ),
)
#: Variables of a trial that name its image.
IMAGE_VARIABLES = re.compile(
    r"(?:trial_?)?(?:image|img|picture|pic|photo|stimulus|stim|scene)_?(?:file|file_?name|name|id|path)?|file_?name",
    re.IGNORECASE,
)
#: Images that are loaded within this many ms make up one display.
ONE_DISPLAY = 20.0
BETWEEN = "fixations between trials"


@dataclass
class _Trial:
    label: str
    start: float
    end: float | None = None
    images: list[tuple[float, str]] = field(default_factory=list)
    variables: dict[str, str] = field(default_factory=dict)
    block: int = 0


class Trials:
    """Blocks and messages of one file, in the order of its lines.

    ``by`` is a pattern of the messages that name the next stimulus (in the first group, or else in the
    whole match), or the name of a trial variable.
    """

    def __init__(self, source: Source, recording: Recording, by: str | None) -> None:
        self._source = source
        self._recording = recording
        self._by = by
        try:
            self._pattern = None if by is None else re.compile(by)
        except re.error as error:
            raise ValueError(f"by is {by!r}, which is no regular expression: {error}") from None
        self._blocks: list[tuple[float, float | None]] = []
        self._now = float("-inf")
        self._messages: list[tuple[float, int, str]] = []
        self._matches: list[tuple[float, str]] = []
        self._kinds: dict[str, None] = {}
        #: Other messages that seem to name an image.
        self._named: list[str] = []

    def start(self, line: int, time: float) -> None:
        """Begin a recording block; an END may be missing before it."""
        self._check(line, time)
        if self._blocks and self._blocks[-1][1] is None:
            self._blocks[-1] = (self._blocks[-1][0], time)
        self._blocks.append((time, None))
        self._now = time

    def end(self, time: float) -> None:
        """End the block."""
        if self._blocks and self._blocks[-1][1] is None:
            self._blocks[-1] = (self._blocks[-1][0], time)
        self._now = max(self._now, time)

    def see(self, line: int, time: float) -> None:
        """Check the time of an event and, without a START line, begin a block with it."""
        if not self._blocks:
            self._blocks.append((time, None))
            self._now = time
        if time < self._blocks[-1][0] - 1000:
            self._check(line, time)

    def _check(self, line: int, time: float) -> None:
        if time < self._now:
            problem = f"time goes back from {self._now:g} to {time:g} ms; expected one recording per file"
            raise fault(self._source.path, line, problem)

    def message(self, time: float, text: str) -> None:
        """Read a message sent at ``time`` ms."""
        block = len(self._blocks)
        if not self._blocks or self._blocks[-1][1] is not None:
            block += 1  # it announces the next block
        if self._by is not None and self._pattern is not None:
            match = self._pattern.search(text)
            if match is not None:
                named = named_by(match)
                offset = OFFSET.fullmatch(text)
                if named:
                    self._matches.append((time - float(offset[1]) if offset else time, named))
        if len(self._kinds) < 100:
            self._kinds.setdefault(text.split(None, 1)[0])
        offset = OFFSET.fullmatch(text)
        if offset is not None:
            time, text = time - float(offset[1]), offset[2]
        if len(self._named) < 2 and IMAGE_FILE.search(text) and not text.startswith(("!V", "var", "!CMD")):
            self._named.append(text)
        if text.startswith(("!V", "var")) or any(style[n].match(text) for style in STYLES for n in (0, 1)):
            self._messages.append((time, block, text))

    def blocks_without(self, fixations: Sequence[Fixation]) -> tuple[int, int] | None:
        """Return the number of blocks without a fixation and of all blocks; None if no block is empty."""
        starts = [start for start, _ in self._blocks]
        filled = {bisect_right(starts, one.start) for one in fixations}
        empty = sum(number not in filled for number in range(1, len(starts) + 1))
        return (empty, len(starts)) if empty else None

    def time_line(self, fixations: Sequence[Fixation]) -> TimeLine:
        """Return the time line of the stimuli."""
        line = TimeLine()
        trials = self._trials()
        is_variable = self._by is not None and any(self._by in trial.variables for trial in trials)
        if self._matches and not is_variable:
            for time, named in self._matches:
                line.show(time, self._showing(named, time, named))
            return line
        if self._by is not None and not is_variable:
            kinds = ", ".join(list(self._kinds)[:8]) or "none"
            problem = f"by is {self._by!r}, which matches no message and no trial variable"
            raise fault(self._source.path, None, f"{problem}; messages begin with {kinds}")
        if self._named and not any(trial.images or self._named_by_variable(trial) for trial in trials):
            self._recording.notes.append(
                f"messages name images, such as {quoted(self._named[0])} (by= splits)"
            )
        starts = sorted(one.start for one in fixations)
        for trial, after in zip(trials, [*trials[1:], None], strict=False):
            end = trial.end if trial.end is not None else after.start if after else float("inf")
            self._show(line, trial, end, starts)
            if after is None or end < after.start:
                line.show(end, None, BETWEEN)
        return line

    def _show(self, line: TimeLine, trial: _Trial, end: float, starts: Sequence[float]) -> None:
        """Add the images of a trial to the time line, or the trial itself if it names none."""
        named = self._named_by_variable(trial)
        images = [] if named else one_display(trial.images)

        def showing(name: str, time: float) -> Showing:
            return self._showing(name, time, trial.label)

        show_images(line, trial.start, end, images, starts, showing, named or trial.label)

    def _named_by_variable(self, trial: _Trial) -> str:
        if self._by is not None:
            return trial.variables.get(self._by, "")
        if trial.images:
            return ""
        found = [value for name, value in trial.variables.items() if IMAGE_VARIABLES.fullmatch(name)]
        return PureWindowsPath(found[0].strip("\"'")).name if found else ""

    def _showing(self, stimulus: str, time: float, trial: str) -> Showing:
        block = max(bisect_right(self._blocks, time, key=lambda one: one[0]), 1)
        if block <= len(self._blocks) and time >= (self._blocks[block - 1][1] or float("inf")):
            block += 1  # announced before the block began
        return Showing(stimulus, self._source.stem, (f"block {block}", f"trial {trial}", f"at {time:g} ms"))

    def _trials(self) -> list[_Trial]:
        for opens, closes in STYLES:
            if any(opens.match(text) for _, _, text in self._messages):
                return self._named_trials(opens, closes)
        return self._block_trials()

    def _named_trials(self, opens: re.Pattern[str], closes: re.Pattern[str]) -> list[_Trial]:
        trials: list[_Trial] = []
        for time, block, text in self._messages:
            if begins := opens.match(text):
                label = begins[1].strip() or f"trial {len(trials) + 1}"
                trials.append(_Trial(label, time, block=block))
            elif closes.match(text):
                if trials and trials[-1].end is None:
                    trials[-1].end = max(time, trials[-1].start)
            elif trials:
                add_to(trials[-1], time, text)
        trials.sort(key=lambda trial: trial.start)
        # A block with a single trial belongs to it from its first sample.
        for number, (start, end) in enumerate(self._blocks, start=1):
            within = [one for one in trials if start <= one.start and (end is None or one.start < end)]
            before = [one for one in trials if one.start < start and (one.end is None or one.end > start)]
            if len(within) == 1 and within[0].block == number and not before[-1:]:
                within[0].start = start
        return trials

    def _block_trials(self) -> list[_Trial]:
        trials = [
            _Trial(f"block {number}", start, block=number)
            for number, (start, _) in enumerate(self._blocks, start=1)
        ]
        for time, block, text in self._messages:
            if block <= len(trials):
                add_to(trials[block - 1], time, text)
        return trials


def add_to(trial: _Trial, time: float, text: str) -> None:
    """Add the image or the variable that a message names to its trial."""
    if image := image_of(text):
        trial.images.append((time, image))
    elif variable := VARIABLE.match(text):
        trial.variables[variable[1]] = variable[2].strip()


def image_of(text: str) -> str:
    """Return the file that ``!V IMGLOAD`` names, without its folder; the name may have spaces."""
    match = IMAGE.match(text)
    if match is None:
        return ""
    how, rest = match[1], match[2].strip()
    if how != "FILL":  # CENTER and TOP_LEFT: file x y [width height]
        words = rest.rsplit(None, 4)
        while len(words) > 1 and re.fullmatch(r"-?\d+(\.\d+)?", words[-1]):
            words.pop()
        rest = rest[: rest.rfind(words[-1]) + len(words[-1])] if len(words) > 1 else words[0]
    return PureWindowsPath(rest.strip("\"'")).name


def one_display(images: Sequence[tuple[float, str]]) -> list[tuple[float, str]]:
    """Return the displays of a trial: images that were loaded together form one display."""
    displays: list[tuple[float, list[str]]] = []
    for time, image in sorted(images, key=lambda one: one[0]):
        if displays and time - displays[-1][0] <= ONE_DISPLAY:
            if image not in displays[-1][1]:
                displays[-1][1].append(image)
        elif not displays or displays[-1][1] != [image]:
            displays.append((time, [image]))
    return [(time, " + ".join(names)) for time, names in displays]
