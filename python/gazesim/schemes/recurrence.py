"""Recurrence: how many pairs of fixations of two scanpaths are near each other."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

from .._errors import describe, number, screen
from ..geometry import Screen
from ..scanpaths import Scanpaths
from .measure import ScanpathMeasure, geometry_of


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
        34 to 64 px.
    screen_size
        (width, height) in pixels, which both sets of scanpaths must agree on where it is known; not
        otherwise used.
    radius_deg
        The radius in degrees of visual angle instead, with ``geometry``: as many pixels as that takes around
        the centre of the screen, :attr:`Screen.px_per_degree`.
    geometry
        :class:`Screen` or :class:`ScreenGeometry` with sizes in px and cm and a distance, for ``radius_deg``;
        a mapping of its three fields will do.

    Examples
    --------
    >>> from gazesim import Recurrence
    >>> a, b = [[10, 10, 0.2], [50, 10, 0.3]], [[10, 16, 0.2], [80, 16, 0.3]]
    >>> Recurrence(radius_px=10).features([a, b]).affinity()
    array([[0.5 , 0.25],
           [0.25, 0.5 ]], dtype=float32)
    >>> screen = {"size_px": (1920, 1080), "size_cm": (53, 30), "distance_cm": 60}
    >>> Recurrence(radius_deg=0.2, geometry=screen).features([a, b]).block_at([0], [1])
    array([[0.25]], dtype=float32)
    """

    radius_px: float | None = None
    screen_size: tuple[float, float] | None = None
    radius_deg: float | None = None
    geometry: Screen | None = None

    def __post_init__(self) -> None:
        if (self.radius_px is None) == (self.radius_deg is None):
            given = "None" if self.radius_px is None else f"{self.radius_px}, with a radius_deg"
            raise ValueError(
                f"radius_px is {given}; expected how near fixations must be, in pixels, such as 64, or as "
                "radius_deg with a geometry"
            )
        if self.radius_px is not None:
            if self.geometry is not None:
                raise ValueError(f"geometry is {describe(self.geometry)}; expected it with radius_deg only")
            radius_px = number("radius_px", self.radius_px, low=0.0, high=1e15, open_low=True)
            self._set_fields(radius_px=radius_px, screen_size=screen("screen_size", self.screen_size))
            return
        geometry = geometry_of(self.geometry)
        size = screen("screen_size", self.screen_size)
        if size not in (None, geometry.size_wh):
            raise ValueError(f"screen_size is {size}; expected that of the geometry, {geometry.size_wh}")
        self._set_fields(
            screen_size=geometry.size_wh,
            radius_deg=number("radius_deg", self.radius_deg, low=0.0, high=180.0, open_low=True),
            geometry=geometry,
        )

    @property
    def needs_screen_size(self) -> bool:
        """False: the radius is in pixels, or comes with a geometry."""
        return False

    @property
    def radius_in_px(self) -> float:
        """The radius in pixels."""
        if self.radius_px is not None:
            return self.radius_px
        assert self.radius_deg is not None
        assert self.geometry is not None
        return self.radius_deg * self.geometry.px_per_degree

    def _with_screen_of(self, paths: Scanpaths, argument: str) -> Recurrence:
        if self.geometry is not None and paths.screen_size not in (None, self.screen_size):
            raise ValueError(
                f"{argument} has screen_size {paths.screen_size}; expected that of the geometry, "
                f"{self.screen_size}"
            )
        return dataclasses.replace(self, screen_size=self.screen_size or paths.screen_size)

    def compiled_measure(self) -> dict[str, Any]:
        return {"name": "recurrence", "radius_px": self.radius_in_px}
