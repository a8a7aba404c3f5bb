"""Recurrence: how many pairs of fixations of two scanpaths are near each other."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

from .._errors import describe, number, screen
from ..scanpaths import Scanpaths
from .measure import ScanpathMeasure


@dataclass(frozen=True)
class Recurrence(ScanpathMeasure):
    """Cross-recurrence (Anderson, Anderson, Kingstone and Bischof 2015): the recurrence rate.

    Both scanpaths are cut to the length N of the shorter one. The affinity is REC as a share: the number of
    pairs (i, j) whose fixations are at most ``radius_px`` from each other, over N². **A scanpath's affinity
    with itself is its own recurrence rate, at least 1/N and 1 only if all its fixations are near each
    other.** REC, DET, LAM and CORM in percent: :func:`gazesim.recurrence`.

    Parameters
    ----------
    radius_px
        How near two fixations must be, in pixels, above 0. There is no common default: published values are
        34 to 64 px. For a visual angle: degrees times :attr:`Screen.px_per_degree`.
    screen_size
        (width, height) in pixels, which both sets of scanpaths must agree on where it is known; not
        otherwise used.

    Examples
    --------
    >>> from gazesim import Recurrence
    >>> a, b = [[10, 10, 0.2], [50, 10, 0.3]], [[10, 16, 0.2], [80, 16, 0.3]]
    >>> Recurrence(radius_px=10).features([a, b]).affinity()
    array([[0.5 , 0.25],
           [0.25, 0.5 ]], dtype=float32)
    """

    radius_px: float | None = None
    screen_size: tuple[float, float] | None = None

    def __post_init__(self) -> None:
        if self.radius_px is None:
            raise ValueError(
                f"radius_px is {describe(None)}; expected how near fixations must be, in pixels, such as 64"
            )
        self._set_fields(
            radius_px=number("radius_px", self.radius_px, low=0.0, high=1e15, open_low=True),
            screen_size=screen("screen_size", self.screen_size),
        )

    @property
    def needs_screen_size(self) -> bool:
        """False: the radius is in pixels, whatever the screen."""
        return False

    def _with_screen_of(self, paths: Scanpaths, argument: str) -> Recurrence:
        return dataclasses.replace(self, screen_size=self.screen_size or paths.screen_size)

    def compiled_measure(self) -> dict[str, Any]:
        return {"name": "recurrence", "radius_px": self.radius_px}
