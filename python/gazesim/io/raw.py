"""Gaze samples: recordings as arrays of time and place, one per reader, with the stimuli shown.

``read_samples`` reads them, and ``gazesim fixations`` finds fixations in them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .recording import Size
from .tables import fault
from .timeline import Fixation, Showing, TimeLine

__all__ = ["NoSamples", "Samples", "even_times", "no_samples", "place_of"]

FloatArray = NDArray[np.float64]


class NoSamples(ValueError):
    """A file that holds no gaze samples."""


def no_samples(path: Path | str, problem: str) -> NoSamples:
    """Return the error of a file that holds no gaze samples: file and problem."""
    return NoSamples(*fault(path, None, problem).args)


@dataclass
class Samples:
    """The samples of one reader: ``time`` (n,) in s, increasing; places (n, 2), NaN where gaze was lost.

    ``left`` and ``right`` are the eyes; a tracker that gives one point for both fills ``both``.

    Examples
    --------
    >>> from gazesim.io import read_samples
    >>> samples, = read_samples({"time": [0.0, 0.01], "x": [5, 6], "y": [1, 1]})
    >>> samples.time.tolist(), samples.both[:, 0].tolist()
    ([0.0, 0.01], [5.0, 6.0])
    """

    reader: str | None
    time: FloatArray
    left: FloatArray | None = None
    right: FloatArray | None = None
    both: FloatArray | None = None
    #: The stimuli, on the clock of ``time``; None: the whole recording shows ``name``.
    shown: TimeLine | None = None
    name: str = ""
    #: ``"px"``, or ``"fraction"`` or ``"percent"`` of the screen.
    coord_unit: str = "px"
    screen_size: Size | None = None
    size_is_default: bool = False
    #: Px in one degree, (x, y), where the file states it.
    px_per_degree: tuple[float, float] | None = None
    #: Fixations that the tracker found itself, in s and px.
    vendor: list[Fixation] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    #: Number of rows that hold no sample, by kind.
    others: Counter[str] = field(default_factory=Counter)

    @property
    def rate(self) -> float:
        """The sampling rate in Hz, from the median interval; 0 for fewer than two samples."""
        steps = np.diff(self.time)
        steps = steps[steps > 0]
        return float(1 / np.median(steps)) if len(steps) else 0.0

    def time_line(self) -> TimeLine:
        """Return the time line of the stimuli."""
        if self.shown is not None:
            return self.shown
        line = TimeLine()
        line.show(float("-inf"), Showing(self.name, self.reader))
        return line


def even_times(path: Path | str, time: FloatArray, lines: Sequence[int] | NDArray[Any]) -> FloatArray:
    """Return increasing times in s: samples with the same stamp are spread evenly up to the next stamp.

    A 2,000 Hz recording in whole milliseconds has every stamp twice. Raises for time that goes back.
    """
    back = np.flatnonzero(np.diff(time) < 0)
    if len(back):
        first = int(back[0]) + 1
        problem = f"time goes back from {time[first - 1]:.10g} s to {time[first]:.10g} s"
        raise fault(path, int(lines[first]), f"{problem}; expected one recording, in the order of time")
    starts = np.flatnonzero(np.concatenate([[True], np.diff(time) > 0])) if len(time) else np.empty(0, int)
    if len(starts) == len(time):
        return time
    counts = np.diff(np.append(starts, len(time)))
    stamps = time[starts]
    steps = np.diff(stamps)
    usual = float(np.median(steps)) if len(steps) else 0.001
    # Samples are not spread over a gap.
    gaps = np.minimum(np.append(steps, usual), usual * 1.5)
    within = np.arange(len(time)) - np.repeat(starts, counts)
    spread: FloatArray = np.repeat(stamps, counts) + within * np.repeat(gaps / counts, counts)
    return spread


def place_of(samples: Samples, eye: str | None) -> tuple[FloatArray, str]:
    """Return the places (n, 2) of one eye or the average of both (the default), and a note on the choice."""
    left, right = samples.left, samples.right
    if left is None and right is None:
        assert samples.both is not None
        return samples.both, "one point for both eyes"
    if left is None or right is None:
        only = "left" if right is None else "right"
        if eye in ("left", "right") and eye != only:
            raise ValueError(f"holds the {only} eye alone; expected eye={only!r} or nothing")
        place = left if left is not None else right
        assert place is not None
        return place, f"{only} eye"
    if eye == "left":
        return left, "left eye"
    if eye == "right":
        return right, "right eye"
    seen_left = np.asarray(np.isfinite(left).all(axis=1))
    seen_right = np.asarray(np.isfinite(right).all(axis=1))
    if eye == "best":
        best = "left" if seen_left.sum() >= seen_right.sum() else "right"
        return (left if best == "left" else right), f"{best} eye, which was lost less"
    both = np.where(seen_left[:, None], left, right)
    pair = seen_left & seen_right
    both[pair] = (left[pair] + right[pair]) / 2
    single = int((seen_left ^ seen_right).sum())
    alone = f" ({single:,} samples of one eye alone)" if single else ""
    return both, f"average of both eyes{alone}"
