"""DTW: dynamic time warping of fixations."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .._errors import screen
from .measure import ScanpathMeasure


@dataclass(frozen=True)
class DTW(ScanpathMeasure):
    """Dynamic time warping: the mean distance along the cheapest path, as a share of the screen diagonal.

    A path leads through the table of distances between all fixations (Euclidean, in px) with steps
    (1, 1), (1, 0) and (0, 1); the cheapest has the smallest sum of distances. The affinity is
    1 - (sum / number of cells) / diagonal, clipped to [0, 1]; of equally cheap paths the shortest counts,
    so that both orders of a pair agree. Durations are not used. Raw numbers: :func:`gazesim.dtw_distance`.

    Parameters
    ----------
    screen_size
        (width, height) in pixels; default: that of the scanpaths.

    Examples
    --------
    >>> from gazesim import DTW
    >>> a, b = [[10, 10, 0.2], [50, 10, 0.3]], [[10, 16, 0.2], [50, 16, 0.3]]
    >>> DTW(screen_size=(80, 60)).features([a, b]).affinity()
    array([[1.  , 0.94],
           [0.94, 1.  ]], dtype=float32)
    """

    screen_size: tuple[float, float] | None = None

    def __post_init__(self) -> None:
        self._set_fields(screen_size=screen("screen_size", self.screen_size))

    def compiled_measure(self) -> dict[str, Any]:
        return {"name": "dtw", "diagonal_px": self._diagonal_px}
