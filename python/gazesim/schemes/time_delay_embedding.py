"""TimeDelayEmbedding: windows of successive fixations, each against the nearest of the other scanpath."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from .._errors import choice, screen
from ..scanpaths import Scanpaths
from .base import Pair
from .measure import ScanpathMeasure, refuse_long


@dataclass(frozen=True)
class TimeDelayEmbedding(ScanpathMeasure):
    """Scaled time-delay embedding, STDE (Wang et al. 2011; FixaTons), the mean of both directions.

    With coordinates divided by the longer side of the screen, TDE_k is the mean, over all windows of k
    successive fixations of one scanpath, of the distance to the nearest window of the other, divided by k.
    STDE is the mean of e^-TDE_k over k = 1 to min(n, m). It depends on the direction, so the affinity is the
    mean of both; it is above 0, and 1 for equal scanpaths. Scanpaths have at most 1,024 fixations: the time
    of a pair grows with the third power. Raw numbers: :func:`gazesim.stde`, :func:`gazesim.tde`.

    Parameters
    ----------
    screen_size
        (width, height) in pixels; default: that of the scanpaths.
    norm
        Distance of two windows: ``"l2"``, √Σ|a - b|² (FixaTons), or ``"sum"``, Σ|a - b| (the copy behind the
        STDE columns of scanpath-prediction papers).

    Examples
    --------
    >>> from gazesim import TimeDelayEmbedding
    >>> a, b = [[10, 10, 0.2], [50, 10, 0.3]], [[10, 16, 0.2], [50, 16, 0.3]]
    >>> TimeDelayEmbedding(screen_size=(80, 60)).features([a, b]).affinity().round(3)
    array([[1.   , 0.938],
           [0.938, 1.   ]], dtype=float32)
    """

    screen_size: tuple[float, float] | None = None
    norm: str = "l2"

    most_fixations: ClassVar[int] = 1024

    def __post_init__(self) -> None:
        self._set_fields(
            screen_size=screen("screen_size", self.screen_size),
            norm=choice("norm", self.norm, ("l2", "sum")),
        )

    def feature_rows(self, paths: Scanpaths, argument: str) -> Pair:
        refuse_long(paths.offsets, argument, self.most_fixations)
        side = 1.0 if self.screen_size is None else max(self.screen_size)
        return np.ascontiguousarray(paths.values[:, :2] / side), paths.offsets

    def compiled_measure(self) -> dict[str, Any]:
        return {"name": "time_delay_embedding", "norm": self.norm, "windows": "scaled"}
