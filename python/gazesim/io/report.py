"""The report on a source (what was used, assumed and left out), and warnings of unlikely units."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from .folders import Unread
from .generic import likely_time_unit
from .recording import TIME_UNITS, Options, Recording, Size

__all__ = ["ReadingReport", "unlikely_units"]

#: Range of plausible median fixation durations, in s.
PLAUSIBLE_S = (0.02, 5.0)


@dataclass
class ReadingReport:
    """What was read from one source (a file, a folder or a frame).

    ``rows == used + left_out.total() + others.total()``: every row of the source is a fixation that is
    used, one that is left out (counted by reason), or something else (counted by kind).

    Examples
    --------
    >>> from gazesim.io import read
    >>> table = {"image_id": ["a", "a"], "x": [10, 30], "y": [20, 40], "duration": [200, 300]}
    >>> report = read(table, verbose=False).report
    >>> report.warnings
    ['the median fixation lasts 250 s if durations are in s; durations look like ms: time_unit="ms"']
    """

    source: str
    format: str
    title: str
    files: int = 1
    #: Units of the file, before conversion to s and px.
    time_unit: str = ""
    coord_unit: str = ""
    #: (width, height) in px that x and y refer to; None if unknown or if images differ.
    screen_size: Size | None = None
    #: Fixations of each eye in the file, where it tells eyes apart.
    eyes: Counter[str] = field(default_factory=Counter)
    #: Sampling rates that the file states, Hz.
    rates: list[float] = field(default_factory=list)
    rows: int = 0
    used: int = 0
    left_out: Counter[str] = field(default_factory=Counter)
    others: Counter[str] = field(default_factory=Counter)
    scanpaths: int = 0
    fixations: int = 0
    #: Fixations outside of the image (of the screen, if the image is not known), before ``off_image``.
    outside: int = 0
    off_image: str = "keep"
    #: Files of a folder that may hold gaze and were not read, and why.
    unread: dict[str, str] = field(default_factory=dict)
    #: The sentence of ``warnings`` on these files; empty if all were read.
    unread_warnings: list[str] = field(default_factory=list)
    #: Sentences on what was used and assumed.
    notes: list[str] = field(default_factory=list)
    #: Sentences on what is unlikely, with the option that would correct it.
    warnings: list[str] = field(default_factory=list)

    def add(self, recording: Recording) -> None:
        """Add the counts of one file."""
        self.eyes.update(recording.eyes)
        self.rates += [rate for rate in recording.rates if rate not in self.rates]
        self.rows += recording.seen
        self.used += recording.used
        self.left_out.update(recording.left_out)
        self.others.update(recording.others)

    def add_unread(self, unread: Unread, place: Path) -> None:
        """Name the files of the folder ``place`` that were not read, in a note and in a warning."""
        self.unread = {str(file): why for file, why in unread.named.items()}
        self.notes += unread.notes(place)
        self.unread_warnings = unread.warnings(place)
        self.warnings += self.unread_warnings

    def line(self) -> str:
        """Return the one line that is printed when a source is read."""
        files = f" (files: {self.files})" if self.files > 1 else ""
        words = list(self.notes)
        if left := self.left_out_words():
            words.append(f"left out {left}")
        counted = f"{self.scanpaths:,} scanpaths, {self.fixations:,} fixations"
        if self.outside:
            done = {"keep": "kept", "clip": "clipped", "drop": "dropped"}[self.off_image]
            counted += f" ({self.outside:,} outside of the image {done})"
        return f"{self.source}{files}: {self.title}; {'; '.join(words)}; {counted}"

    def left_out_words(self) -> str:
        """Return the numbers of fixations left out, by reason, as text; empty if there are none."""
        return ", ".join(f"{count:,} {what}" for what, count in sorted(self.left_out.items()) if count)


def unlikely_units(
    values: NDArray[np.float64], recording: Recording, options: Options, size: Size | None
) -> list[str]:
    """Return warnings if durations (s) or coordinates (px) are implausible for fixations on a screen."""
    if not len(values):
        return []
    return _durations(values, recording, options) + _coordinates(values, recording, options, size)


def _durations(values: NDArray[np.float64], recording: Recording, options: Options) -> list[str]:
    unit = options.time_unit or recording.time_unit
    factor = TIME_UNITS[unit]
    positive = values[values[:, 2] > 0, 2]
    if factor is None or not len(positive):  # raw samples have no durations
        return []
    middle = float(np.median(positive))
    if PLAUSIBLE_S[0] <= middle <= PLAUSIBLE_S[1]:
        return []
    likely = likely_time_unit(middle / factor)
    hint = f'durations look like {likely}: time_unit="{likely}"' if likely else "expected 0.1 to 1 s"
    return [f"the median fixation lasts {middle:.3g} s if durations are in {unit}; {hint}"]


def _coordinates(
    values: NDArray[np.float64], recording: Recording, options: Options, size: Size | None
) -> list[str]:
    unit = options.coord_unit or recording.coord_unit
    points = values[:, :2]
    high = float(np.percentile(np.abs(points), 95))
    if unit == "px":
        extent = np.percentile(points, 95, axis=0) - np.percentile(points, 5, axis=0)
        if high <= 1.5 and np.abs(points).any():
            return ['coordinates lie within 0 to 1, not px; they look like fractions: coord_unit="fraction"']
        if np.mean((points < 0).all(axis=1)) > 0.1 and np.mean((points < 0).any(axis=1)) > 0.4:
            where = "degrees or a centred origin" if high < 60 else "a centred origin"
            return [f"many coordinates are negative; they look like {where}, expected px from the top left"]
        if size is not None and min(size) > 400 and high <= 100 and len(values) > 20 and extent.min() > 50:
            return ['coordinates lie within 0 to 100; they look like percent: coord_unit="percent"']
    elif size is not None:
        raw = float(np.percentile(np.abs(points) / np.array(size), 95))
        if raw > 20:
            return [
                f'coordinates are taken as {unit} and reach {raw:.3g}; they look like px: coord_unit="px"'
            ]
        if unit == "fraction" and raw > 3:
            return [f"coordinates are taken as fractions and reach {raw:.3g}; expected 0 to 1 (coord_unit=)"]
    if size is not None:
        share = float(np.mean(~((points >= 0) & (points < np.array(size))).all(axis=1)))
        if share > 0.2:
            found = f"{share:.0%} of the fixations lie outside of {size[0]:g} x {size[1]:g} px"
            swapped = ((points[:, ::-1] >= 0) & (points[:, ::-1] < np.array(size))).all(axis=1)
            hint = (
                "x and y look swapped"
                if 1 - swapped.mean() < share / 4
                else "screen_size= or coord_unit= may be wrong"
            )
            return [f"{found}; {hint}"]
    return []
