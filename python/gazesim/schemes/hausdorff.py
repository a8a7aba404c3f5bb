"""Hausdorff: the Hausdorff distance of fixations."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .._errors import screen
from .measure import ScanpathMeasure


@dataclass(frozen=True)
class Hausdorff(ScanpathMeasure):
    """Hausdorff distance, as a share of the screen diagonal; the order of fixations does not matter.

    The distance is the farthest that a fixation of either scanpath is from the nearest one of the other
    (Euclidean, in px). The affinity is 1 - distance / diagonal, clipped to [0, 1].
    Raw numbers: :func:`gazesim.hausdorff_distance`.

    Parameters
    ----------
    screen_size
        (width, height) in pixels; default: that of the scanpaths.

    Examples
    --------
    >>> from gazesim import Hausdorff
    >>> a, b = [[10, 10, 0.2], [50, 10, 0.3]], [[50, 16, 0.2], [10, 10, 0.3]]
    >>> Hausdorff(screen_size=(80, 60)).features([a, b]).affinity()
    array([[1.  , 0.94],
           [0.94, 1.  ]], dtype=float32)
    """

    screen_size: tuple[float, float] | None = None

    def __post_init__(self) -> None:
        self._set_fields(screen_size=screen("screen_size", self.screen_size))

    def compiled_measure(self) -> dict[str, Any]:
        return {"name": "hausdorff", "diagonal_px": self._diagonal_px}
