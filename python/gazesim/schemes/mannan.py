"""Mannan: squared distances to the nearest fixation of the other scanpath."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .._errors import screen
from .measure import ScanpathMeasure


@dataclass(frozen=True)
class Mannan(ScanpathMeasure):
    """Mannan distance (Mannan, Ruddock and Wooding 1995); the order of fixations does not matter.

    D² = (m·Σᵢ minⱼ d²ᵢⱼ + n·Σⱼ minᵢ d²ᵢⱼ) / (2·n·m·(W² + H²)) for n and m fixations at distances dᵢⱼ on a
    screen of W x H pixels. The affinity is 1 - D, clipped to [0, 1]. Raw numbers:
    :func:`gazesim.mannan_distance`.

    Parameters
    ----------
    screen_size
        (width, height) in pixels; default: that of the scanpaths.

    Examples
    --------
    >>> from gazesim import Mannan
    >>> a, b = [[10, 10, 0.2], [50, 10, 0.3]], [[50, 16, 0.2], [10, 16, 0.3]]
    >>> Mannan(screen_size=(80, 60)).features([a, b]).affinity()
    array([[1.  , 0.94],
           [0.94, 1.  ]], dtype=float32)
    """

    screen_size: tuple[float, float] | None = None

    def __post_init__(self) -> None:
        self._set_fields(screen_size=screen("screen_size", self.screen_size))

    def compiled_measure(self) -> dict[str, Any]:
        return {"name": "mannan", "screen_size": self.screen_size}
