"""Frechet: the discrete Fréchet distance of fixations."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .._errors import screen
from .measure import ScanpathMeasure


@dataclass(frozen=True)
class Frechet(ScanpathMeasure):
    """Discrete Fréchet distance (Eiter and Mannila 1994), as a share of the screen diagonal.

    A path leads through the table of distances between all fixations (Euclidean, in px) with steps
    (1, 1), (1, 0) and (0, 1); the distance is the smallest possible maximum along a path. The affinity is
    1 - distance / diagonal, clipped to [0, 1]. Raw numbers: :func:`gazesim.frechet_distance`.

    Parameters
    ----------
    screen_size
        (width, height) in pixels; default: that of the scanpaths.

    Examples
    --------
    >>> from gazesim import Frechet
    >>> a, b = [[10, 10, 0.2], [50, 10, 0.3]], [[10, 16, 0.2], [50, 10, 0.3]]
    >>> Frechet(screen_size=(80, 60)).features([a, b]).affinity()
    array([[1.  , 0.94],
           [0.94, 1.  ]], dtype=float32)
    """

    screen_size: tuple[float, float] | None = None

    def __post_init__(self) -> None:
        self._set_fields(screen_size=screen("screen_size", self.screen_size))

    def compiled_measure(self) -> dict[str, Any]:
        return {"name": "frechet", "diagonal_px": self._diagonal_px}
