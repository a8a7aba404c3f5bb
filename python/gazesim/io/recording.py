"""The fixations of one file in its own units, their counts, and their conversion to px and s."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from .._errors import one_of
from .drift import Drift
from .missing import LostPoints
from .tables import FrameTable, Row, Table

__all__ = ["COORD_UNITS", "OFF_IMAGE", "TIME_UNITS", "NoFixation", "Options", "Recording", "Size"]

#: Seconds in one unit of time; "samples" depends on the sampling rate.
TIME_UNITS = {"s": 1.0, "ms": 1e-3, "us": 1e-6, "ns": 1e-9, "samples": None}
COORD_UNITS = ("px", "fraction", "percent")
OFF_IMAGE = ("keep", "clip", "drop")
SPANNING = ("start", "split", "drop")

NO_POSITION = "fixations without a position"
NO_DURATION = "fixations without a duration"
DAMAGED = "damaged rows"

Size = tuple[float, float]
FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class Options:
    """The checked options of ``read_scanpaths``; None stands for the default of the format."""

    time_unit: str | None = None
    coord_unit: str | None = None
    screen_size: Size | None = None
    sampling_rate: float | None = None
    off_image: str = "keep"
    #: "left", "right", "best" or "average".
    eye: str | None = None
    metadata: Path | None = None
    #: Names of columns, or a pattern of messages, that say which image was shown.
    by: str | None = None
    #: Points that say "no gaze" beside those that the format has.
    missing: LostPoints = field(default_factory=LostPoints)
    #: Names of the columns of any other table: x, y, duration, image, ...
    columns: Mapping[str, str] | None = None
    #: "raise" or "skip".
    on_bad_row: str = "raise"
    #: How to assign a fixation that spans a change of image: "start", "split" or "drop".
    spanning: str = "start"
    #: What is subtracted from x and y, in the unit of the file.
    offset: Drift | None = None


class NoFixation(str):
    """The kind of a row that holds no fixation or repeats one, such as ``saccades`` or ``messages``."""

    __slots__ = ()


@dataclass
class Recording:
    """The fixations of a file, in its own units.

    A reader sets the units (and gives the reason in ``notes``) and calls :meth:`add` for every fixation;
    the scanpath with key (image, reader) collects them in the order of the calls.
    """

    time_unit: str
    coord_unit: str = "px"
    #: (width, height) in px that x and y refer to; from the file, or the format's default.
    screen_size: Size | None = None
    #: Whether ``screen_size`` is the format's default rather than stated by the file.
    size_is_default: bool = False
    sampling_rate: float | None = None
    #: Unit of x and y in the file and px in one of it (x, y), where the reader has converted them to px.
    file_unit: str | None = None
    px_per_unit: Size = (1.0, 1.0)
    #: Whether negative x and y together mean "outside of the image, place unknown".
    unknown_if_negative: bool = False
    notes: list[str] = field(default_factory=list)
    #: Warnings for the user about the content of the file.
    warnings: list[str] = field(default_factory=list)
    #: Number of rows of the file, and of those whose fixation is used.
    seen: int = 0
    used: int = 0
    #: Number of fixations that are left out, by reason.
    left_out: Counter[str] = field(default_factory=Counter)
    #: Number of other rows, by kind: ``seen == used + left_out.total() + others.total()``.
    others: Counter[str] = field(default_factory=Counter)
    #: Fixations of each eye, where the file tells eyes apart.
    eyes: Counter[str] = field(default_factory=Counter)
    #: Sampling rates that the file states, Hz.
    rates: list[float] = field(default_factory=list)
    #: Sizes of single images, where they differ.
    sizes: dict[Hashable, Size] = field(default_factory=dict)
    rows: dict[Hashable, list[tuple[float, float, float]]] = field(default_factory=dict)

    def add(self, key: Hashable, x: float, y: float, duration: float) -> None:
        """Append a fixation to the scanpath ``key``: an image id or (image_id, reader_id)."""
        self.rows.setdefault(key, []).append((x, y, duration))

    def extend(self, key: Hashable, *columns: Sequence[float]) -> None:
        """Append fixations from columns x, y, duration of equal length; empty ones make an empty scanpath."""
        self.rows.setdefault(key, []).extend(zip(*columns, strict=True))

    def take(self, rows: Table | FrameTable, read_row: Callable[[Row], str | None], options: Options) -> None:
        """Call ``read_row`` for every row and count its results.

        ``read_row`` returns None for a fixation that it added, the reason for one that is left out, and
        :class:`NoFixation` for any other row. Damaged rows raise, or are counted (``on_bad_row="skip"``).
        """
        skip = rows.skip_damaged = options.on_bad_row == "skip"
        for row in rows:
            try:
                outcome = read_row(row)
            except ValueError:
                if not skip:
                    raise
                outcome = DAMAGED
            self.count(outcome)
        self.seen += rows.damaged
        if rows.damaged:
            self.left_out[DAMAGED] += rows.damaged

    def count(self, outcome: str | None, rows: int = 1) -> None:
        """Count rows: None as used, a :class:`NoFixation` as other, any other text as left out."""
        if not rows:
            return
        self.seen += rows
        if outcome is None:
            self.used += rows
        elif isinstance(outcome, NoFixation):
            self.others[str(outcome)] += rows
        else:
            self.left_out[outcome] += rows

    def leave(self, reason: str, rows: int = 1) -> None:
        """Move rows from the used ones to those left out."""
        self.used -= rows
        self.left_out[reason] += rows

    def leave_out_missing(self, missing: LostPoints) -> None:
        """Drop and count fixations without a place or a duration, if the file has no rows that were counted.

        Readers of rows leave them out as they count; a file of scanpaths has them among its fixations.
        """
        if self.used + self.others.total():
            return
        for key, rows in self.rows.items():
            kept = []
            for x, y, duration in rows:
                if missing.has(x, y):
                    self.count(NO_POSITION)
                elif math.isnan(duration):
                    self.count(NO_DURATION)
                else:
                    self.count(None)
                    kept.append((x, y, duration))
            self.rows[key] = kept

    @staticmethod
    def point(row: Row, x: str, y: str, missing: LostPoints) -> tuple[float, float] | None:
        """Return the point in two cells, or None if they say "no gaze"."""
        if row.missing(x) or row.missing(y):
            return None
        point = row.number(x), row.number(y)
        return None if missing.has(*point) else point

    def converted(self, options: Options) -> tuple[dict[Hashable, FloatArray], list[str]]:
        """Return scanpaths in px and s, and a description of the conversion."""
        seconds, time_words = self._time(options)
        paths = {}
        for key, rows in self.rows.items():
            path = np.array(rows, np.float64).reshape(-1, 3)
            x_scale, y_scale = self._scale(key, options)
            if (x_scale, y_scale) != (1.0, 1.0):
                path[:, :2] *= (x_scale, y_scale)
            if seconds != 1.0:
                # Division by a whole number rounds only once: 190 ms become exactly the float 0.19.
                path[:, 2] = path[:, 2] / round(1 / seconds) if 1 / seconds % 1 == 0 else path[:, 2] * seconds
            paths[key] = path
        return paths, [self._coordinate_words(options), time_words]

    def size_of(self, key: Hashable, options: Options) -> Size | None:
        """Return the size of the image that scanpath ``key`` lies on, after conversion."""
        return options.screen_size or self.sizes.get(key, self.screen_size)

    def place(self, paths: dict[Hashable, FloatArray], options: Options, path: Path | str) -> int:
        """Apply ``off_image`` to converted scanpaths and return how many fixations lie outside."""
        outside = 0
        for key, rows in paths.items():
            size = self.size_of(key, options)
            if size is None:
                if options.off_image != "keep":
                    wanted = f'screen_size= for off_image="{options.off_image}"'
                    raise ValueError(f"{path}: states no screen size; expected {wanted}")
                continue
            inside = ((rows[:, :2] >= 0) & (rows[:, :2] < size)).all(axis=1)
            outside += int(np.count_nonzero(~inside))
            if options.off_image == "drop":
                paths[key] = rows[inside]
            elif options.off_image == "clip":
                if self.unknown_if_negative:
                    rows = rows[(rows[:, :2] >= 0).any(axis=1)]
                # The image is half-open: a point at x = width belongs to no pixel.
                np.clip(rows[:, :2], 0, np.nextafter(size, 0), out=rows[:, :2])
                paths[key] = rows
        return outside

    def _scale(self, key: Hashable, options: Options) -> Size:
        """Return the factors (x, y) that convert coordinates to px."""
        unit = options.coord_unit or self.coord_unit
        size = self.size_of(key, options)
        if unit == "px":
            # Images of different known sizes are scaled to the one that is asked for.
            own = self.sizes.get(key)
            return (1.0, 1.0) if own is None or size is None else (size[0] / own[0], size[1] / own[1])
        if size is None:
            raise ValueError(
                f"coordinates are in {unit}; expected screen_size=(width, height) to convert them"
            )
        return (size[0] / 100, size[1] / 100) if unit == "percent" else size

    def _coordinate_words(self, options: Options) -> str:
        unit = options.coord_unit or self.file_unit or self.coord_unit
        arrow = "x, y in px" if unit == "px" else f"x, y {unit} -> px"
        if options.screen_size is not None:
            scaled = ", every image scaled to it" if self.sizes else ""
            return f"{arrow} of {words_of(options.screen_size)} (as asked){scaled}"
        if self.sizes:
            return f"{arrow} of each image"
        if self.screen_size is None:
            return f"{arrow} (screen size not stated; screen_size= sets it)"
        default = " (default of this format; screen_size= overrides)" if self.size_is_default else ""
        return f"{arrow} of {words_of(self.screen_size)}{default}"

    def _time(self, options: Options) -> tuple[float, str]:
        unit = options.time_unit or self.time_unit
        factor = TIME_UNITS[unit]
        if factor is not None and options.sampling_rate is not None:
            given = f"sampling_rate is {options.sampling_rate:g}, but durations are in {unit}"
            raise ValueError(f'{given}; expected it with time_unit="samples" alone')
        if factor is not None:
            return factor, "duration in s" if unit == "s" else f"duration {unit} -> s"
        rate = options.sampling_rate or self.sampling_rate
        if rate is None:
            known = one_of(name for name in TIME_UNITS if name != "samples")
            raise ValueError(f'time_unit is "samples"; expected sampling_rate= in Hz with it, or {known}')
        default = "" if options.sampling_rate else " (default of this format; sampling_rate= overrides)"
        return 1.0 / rate, f"duration samples at {rate:g} Hz -> s{default}"


def words_of(size: Size) -> str:
    """Return a size as text: "width x height"."""
    return f"{size[0]:g} x {size[1]:g}"
