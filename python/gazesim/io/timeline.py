"""Split recordings into scanpaths by the images that were on screen.

A reader of messages (EyeLink, SMI, markers) fills a :class:`TimeLine` and adds fixations with their
times; a reader of labelled rows names the :class:`Showing` of each fixation. Both end in
:class:`Showings`, which chooses the eye, names the scanpaths, and counts the fixations left out.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from .eyes import Fixation, chosen_eye
from .recording import Options, Recording, Size
from .tables import FrameTable, Source, Table, fault

__all__ = ["Fixation", "Marks", "Showing", "Showings", "TimeLine", "named_by", "show_images"]

OUTSIDE = "fixations while no image was shown"
BEFORE_IMAGE = "fixations before the image of their trial"
SPANNING = "fixations that span a change of image"


class Showing(NamedTuple):
    """One presentation of one stimulus to one reader; showing the same image again makes another one.

    ``labels`` distinguish presentations of one image (``block 2``, ``trial 7``), the preferred one first.
    """

    stimulus: str
    reader: str | None = None
    labels: tuple[str, ...] = ()
    #: Distinguishes presentations without labels.
    number: int = 0


@dataclass
class TimeLine:
    """The stimuli on screen over time, in one recording of one reader.

    Times increase, in any unit; ``outside`` describes a period without an image, for the counts.
    """

    changes: list[tuple[float, Showing | None, str]] = field(default_factory=list)
    _times: list[float] = field(default_factory=list)

    def show(self, time: float, showing: Showing | None, outside: str = OUTSIDE) -> None:
        """Record that ``showing`` (None: nothing) was on screen from ``time`` on."""
        if not self.changes or self.changes[-1][1:] != (showing, outside):
            self.changes.append((time, showing, outside))

    def scaled(self, factor: float) -> TimeLine:
        """Return the time line in another unit of time."""
        return TimeLine([(time * factor, showing, outside) for time, showing, outside in self.changes])

    def parts(self, start: float, end: float) -> Iterator[tuple[Showing | None, str, float]]:
        """Yield each showing from ``start`` to ``end``, in order, with its share of that time."""
        if len(self._times) != len(self.changes):
            self.changes.sort(key=lambda change: change[0])
            self._times = [time for time, _, _ in self.changes]
        first = bisect_right(self._times, start)
        last = max(bisect_right(self._times, end), first)
        length = end - start
        for position in range(first, last + 1):
            begins = start if position == first else self._times[position - 1]
            stops = end if position == last else self._times[position]
            share = (stops - begins) / length if length > 0 else float(position == first)
            if position == 0:
                yield None, OUTSIDE, share
            else:
                yield *self.changes[position - 1][1:], share


class Showings:
    """Fixations by presentation; :meth:`finish` writes them to the recording as scanpaths."""

    def __init__(self, source: Source | Table | FrameTable, recording: Recording, options: Options) -> None:
        self._path = source.path
        self._recording = recording
        self._options = options
        self._fixations: dict[Showing, list[Fixation]] = {}
        #: Sizes of the images, where the file states them.
        self.sizes: dict[Showing, Size] = {}
        self.sizes_by_name: dict[str, Size] = {}

    def add(self, showing: Showing, fixation: Fixation) -> None:
        """Add a fixation whose presentation is known."""
        self._fixations.setdefault(showing, []).append(fixation)

    def expect(self, showing: Showing) -> None:
        """Make a scanpath for a presentation even if no fixation follows."""
        self._fixations.setdefault(showing, [])

    def add_at(self, line: TimeLine, fixation: Fixation) -> None:
        """Add a fixation, whose row has been counted as used, to the showing at its start."""
        recording, rule = self._recording, self._options.spanning
        parts = list(line.parts(fixation.start, fixation.end))
        changes = len({part[0] for part in parts}) > 1
        if changes and rule == "drop":
            recording.leave(SPANNING)
        elif changes and rule == "split":
            self._split(fixation, parts)
        elif parts[0][0] is None:
            recording.leave(parts[0][1])
        else:
            self.add(parts[0][0], fixation)

    def _split(self, fixation: Fixation, parts: Sequence[tuple[Showing | None, str, float]]) -> None:
        taken = False
        for showing, _, share in parts:
            if showing is not None and share > 0:
                taken = True
                self.add(showing, fixation._replace(duration=fixation.duration * share))
        if not taken:
            self._recording.leave(parts[0][1])

    def finish(self) -> None:
        """Choose the eye, name the presentations, and write the scanpaths."""
        try:
            kept = chosen_eye(self._fixations, self._recording, self._options)
        except ValueError as error:
            raise fault(self._path, None, str(error)) from None
        for showing, key in keys_of(list(kept), self._recording).items():
            rows = kept[showing]
            self._recording.extend(
                key, [one.x for one in rows], [one.y for one in rows], [one.duration for one in rows]
            )
            size = self.sizes.get(showing) or self.sizes_by_name.get(showing.stimulus)
            if size is not None:
                self._recording.sizes[key] = size


def keys_of(showings: Sequence[Showing], recording: Recording) -> dict[Showing, Hashable]:
    """Return the id of every presentation: the stimulus, with a label if it was shown more than once."""
    groups: dict[tuple[str, str | None], list[Showing]] = {}
    for showing in showings:
        groups.setdefault((showing.stimulus, showing.reader), []).append(showing)
    names: dict[Showing, str] = {}
    for (stimulus, _), group in groups.items():
        labels = [""] if len(group) == 1 else labels_of(group)
        for showing, label in zip(group, labels, strict=True):
            names[showing] = f"{stimulus} ({label})" if label else stimulus
    again = [group for group in groups.values() if len(group) > 1]
    if again:
        first = names[again[0][0]]
        note = f"{len(again)} images were shown more than once, each time is a scanpath, such as {first!r}"
        recording.notes.append(note)
    # A stimulus may itself have the name "a (trial 2)".
    taken = Counter((names[showing], showing.reader) for showing in showings)
    for position, showing in enumerate(showings):
        if taken[names[showing], showing.reader] > 1:
            names[showing] = f"{names[showing]} (showing {position + 1})"
    return {
        showing: names[showing] if showing.reader is None else (names[showing], showing.reader)
        for showing in showings
    }


def labels_of(group: Sequence[Showing]) -> list[str]:
    """Return a label for each presentation of a group: the first kind of label that differs in all."""
    for position in range(min(len(showing.labels) for showing in group)):
        labels = [showing.labels[position] for showing in group]
        if len(set(labels)) == len(labels):
            return labels
    return [f"showing {number}" for number in range(1, len(group) + 1)]


class Marks:
    """Messages of an experiment that name images, by trial; ``by`` is a pattern of such messages."""

    def __init__(self, source: Source | Table | FrameTable, by: str | None) -> None:
        self._path = source.path
        self._by = by
        try:
            self._pattern = None if by is None else re.compile(by)
        except re.error as error:
            raise ValueError(f"by is {by!r}, which is no regular expression: {error}") from None
        self._images: dict[str, list[tuple[float, str]]] = {}
        self._kinds: dict[str, None] = {}

    def __bool__(self) -> bool:
        return bool(self._images)

    def add(self, trial: str, time: float, message: str, is_image: bool) -> None:
        """Add a message; without ``by``, it is used if it names an image."""
        if len(self._kinds) < 8:
            self._kinds.setdefault(message[:40])
        if self._pattern is None:
            if is_image:
                self._images.setdefault(trial, []).append((time, message))
        elif (match := self._pattern.search(message)) is not None and (named := named_by(match)):
            self._images.setdefault(trial, []).append((time, named))

    def check(self) -> None:
        """Raise ValueError if the pattern matches no message."""
        if self._pattern is not None and not self._images:
            some = ", ".join(repr(kind) for kind in self._kinds) or "none"
            problem = f"by is {self._by!r}, which matches no message; messages are {some}"
            raise fault(self._path, None, problem)

    def time_line(
        self, trial: str, showing: Callable[[str], Showing], whole: str, starts: Sequence[float]
    ) -> TimeLine:
        """Return the time line of a trial; ``whole`` is its stimulus if no message names an image."""
        line = TimeLine()
        images = sorted(self._images.get(trial, ()), key=lambda one: one[0])
        show_images(line, float("-inf"), float("inf"), images, starts, lambda name, _: showing(name), whole)
        return line


def named_by(match: re.Match[str]) -> str:
    """Return the first group of a match that is not empty, else all of it."""
    return next((group for group in match.groups() if group), match[0]).strip()


def show_images(
    line: TimeLine,
    start: float,
    end: float,
    images: Sequence[tuple[float, str]],
    starts: Sequence[float],
    showing: Callable[[str, float], Showing],
    whole: str,
) -> None:
    """Add the images of one trial to the time line, from their times on; before the first, none is shown.

    Without images, the whole trial shows ``whole``. A single image after which no fixation starts
    (``starts``, sorted) was named at the end of the trial, so it counts from the start of the trial.
    """
    if not images:
        line.show(start, showing(whole, start))
        return
    first = images[0][0]
    if len(images) == 1 and bisect_left(starts, first) == bisect_left(starts, end):
        first = start
    if first > start:
        line.show(start, None, BEFORE_IMAGE)
    for position, (time, image) in enumerate(images):
        line.show(time if position else first, showing(image, max(time, start)))
