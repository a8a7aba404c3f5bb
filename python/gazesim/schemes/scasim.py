"""Scasim: how much time must be edited to turn one scanpath into the other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from .._errors import number
from ..geometry import ScreenGeometry
from ..scanpaths import Scanpaths
from .base import Pair
from .measure import ScanpathMeasure, geometry_of, refuse_long


@dataclass(frozen=True)
class Scasim(ScanpathMeasure):
    """Scasim (von der Malsburg and Vasishth 2011): an edit distance in units of time.

    Deleting or inserting a fixation costs its duration; replacing one of a seconds by one of b seconds at a
    visual angle of φ degrees costs ``|a - b|·μ^φ + (a + b)·(1 - μ^φ)``. The affinity is 1 - (least cost) /
    (duration of both scanpaths). Scanpaths that last no time are invalid.
    Raw numbers: :func:`gazesim.scasim`.

    Parameters
    ----------
    geometry
        :class:`Screen` or :class:`ScreenGeometry`: the screen in px and cm and its distance from the eye,
        which looks at its centre; needed for visual angles. A mapping of its three fields will do.
    modulator
        μ, above 0 and at most 1: 1 ignores places; the smaller μ, the more a small visual angle costs.

    Examples
    --------
    >>> from gazesim import Scasim, ScreenGeometry
    >>> screen = ScreenGeometry(size_px=(1024, 768), size_cm=(34, 25.5), distance_cm=60)
    >>> a, b = [[100, 100, 0.2], [500, 100, 0.3]], [[100, 100, 0.2], [530, 100, 0.3]]
    >>> Scasim(screen).features([a, b]).affinity().round(3)
    array([[1.   , 0.904],
           [0.904, 1.   ]], dtype=float32)
    """

    geometry: ScreenGeometry | None = None
    modulator: float = 0.83

    invalid_reason: ClassVar[str] = "no fixation, or none that lasts any time"

    def __post_init__(self) -> None:
        self._set_fields(
            geometry=geometry_of(self.geometry),
            modulator=number("modulator", self.modulator, low=0.0, high=1.0, open_low=True),
        )

    @property
    def screen_size(self) -> tuple[float, float]:  # type: ignore[override]
        """(width, height) of the screen in pixels."""
        assert self.geometry is not None
        return self.geometry.size_px

    def _with_screen_of(self, paths: Scanpaths, argument: str) -> Scasim:
        if paths.screen_size not in (None, self.screen_size):
            raise ValueError(
                f"{argument} has screen_size {paths.screen_size}; expected that of the geometry, "
                f"{self.screen_size}"
            )
        return self

    def feature_rows(self, paths: Scanpaths, argument: str) -> Pair:
        refuse_long(paths.offsets, argument, self.most_fixations)
        assert self.geometry is not None
        size_px, size_cm = np.array(self.geometry.size_px), np.array(self.geometry.size_cm)
        rays = np.empty((len(paths.values), 4))
        rays[:, :2] = (paths.values[:, :2] - size_px / 2) * (size_cm / size_px) / self.geometry.distance_cm
        rays[:, 2] = 1.0
        rays[:, :3] /= np.sqrt((rays[:, :3] ** 2).sum(axis=1, keepdims=True))
        rays[:, 3] = paths.values[:, 2]
        lengths = np.diff(paths.offsets)
        owners = np.repeat(np.arange(len(lengths)), lengths)
        kept = np.bincount(owners, weights=rays[:, 3], minlength=len(lengths)) > 0
        if kept.all():
            return rays, paths.offsets
        offsets = np.concatenate([[0], np.cumsum(np.where(kept, lengths, 0))])
        return rays[kept[owners]], offsets

    def compiled_measure(self) -> dict[str, Any]:
        return {"name": "scasim", "modulator": self.modulator}
