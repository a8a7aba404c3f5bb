"""Eyenalysis: distances to the nearest fixation of the other scanpath, in place and time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from .._errors import number, screen, switch
from ..scanpaths import Scanpaths
from .base import Pair
from .measure import ScanpathMeasure, refuse_long


@dataclass(frozen=True)
class Eyenalysis(ScanpathMeasure):
    """Eyenalysis (Mathôt, Cristino, Gilchrist and Theeuwes 2012); the order of fixations does not matter.

    Every fixation of both scanpaths is mapped to the nearest one of the other. The affinity is
    1 - (mean distance) / diagonal, clipped to [0, 1], the mean being over all n + m fixations.
    Raw numbers, in the paper's scaling: :func:`gazesim.eyenalysis`.

    Parameters
    ----------
    screen_size
        (width, height) in pixels; default: that of the scanpaths.
    duration_px_per_s
        How many pixels a difference of one second in duration counts as; 0 leaves durations out.
    squared
        Whether distances are squared before they are summed; the affinity is then a share of the squared
        diagonal.

    Examples
    --------
    >>> from gazesim import Eyenalysis
    >>> a, b = [[10, 10, 0.2], [50, 10, 0.3]], [[50, 16, 0.3], [10, 16, 0.2]]
    >>> Eyenalysis(screen_size=(80, 60)).features([a, b]).affinity()
    array([[1.  , 0.94],
           [0.94, 1.  ]], dtype=float32)
    """

    screen_size: tuple[float, float] | None = None
    duration_px_per_s: float = 0.0
    squared: bool = False

    def __post_init__(self) -> None:
        self._set_fields(
            screen_size=screen("screen_size", self.screen_size),
            duration_px_per_s=number("duration_px_per_s", self.duration_px_per_s, low=0.0, high=1e15),
            squared=switch("squared", self.squared),
        )

    def feature_rows(self, paths: Scanpaths, argument: str) -> Pair:
        refuse_long(paths.offsets, argument, self.most_fixations)
        return paths.values * np.array([1.0, 1.0, self.duration_px_per_s]), paths.offsets

    def compiled_measure(self) -> dict[str, Any]:
        return {"name": "eyenalysis", "squared": self.squared, "diagonal_px": self._diagonal_px}
