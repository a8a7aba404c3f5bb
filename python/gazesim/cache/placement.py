"""The placement of a cache's images and the width of its maps: stored with it, and compared."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .._errors import describe
from ..geometry import Box, Size

__all__ = ["Difference", "Placement", "differences"]

#: Boxes are equal if their sides differ by less than this share of the canvas; widths within this share.
SAME_PLACE, SAME_WIDTH = 1e-3, 1e-3


@dataclass(frozen=True)
class Placement:
    """The geometry of the gaze that affinities were computed from.

    Parameters
    ----------
    canvas_wh
        (width, height) in pixels of the screen, or of the images where no screen is known.
    sigma_px
        Standard deviation of the maps that were drawn from fixations, in pixels of the canvas; None for
        schemes that compare scanpaths.
    places
        For every gaze by id the box (x0, y0, x1, y1) of its image on the canvas, and the image's (width,
        height) in its own pixels.

    Examples
    --------
    >>> from gazesim.cache import Placement
    >>> box, size = (600.0, 0.0, 1320.0, 1080.0), (1024.0, 1536.0)
    >>> Placement((1920.0, 1080.0), 48.0, {"a": (box, size), "b": (box, size)}).words()
    'gaze on 1920 x 1080 px, images at 600,0,1320,1080; maps drawn with sigma_px=48'
    """

    canvas_wh: Size
    sigma_px: float | None
    places: Mapping[Hashable, tuple[Box, Size]]

    def to_json(self, ids: Sequence[Hashable]) -> dict[str, Any]:
        """Return the geometry of the gazes ``ids`` as JSON values; each distinct place is stored once."""
        distinct = list(dict.fromkeys(self.places[name] for name in ids))
        number = {place: at for at, place in enumerate(distinct)}
        return {
            "canvas_wh": [float(side) for side in self.canvas_wh],
            "sigma_px": None if self.sigma_px is None else float(self.sigma_px),
            "places": [[*map(float, box), *map(float, size)] for box, size in distinct],
            "place_of": [number[self.places[name]] for name in ids] if len(distinct) > 1 else None,
        }

    @classmethod
    def from_json(cls, value: Any, ids: Sequence[Hashable]) -> Placement | None:
        """Return the geometry that :meth:`to_json` wrote for these gazes."""
        if value is None:
            return None
        try:
            width, height = map(float, value["canvas_wh"])
            sigma = None if value["sigma_px"] is None else float(value["sigma_px"])
            places: list[tuple[Box, Size]] = []
            for x0, y0, x1, y1, across, down in value["places"]:
                places.append(((x0, y0, x1, y1), (across, down)))
            at = value["place_of"] if value["place_of"] is not None else [0] * len(ids)
            found = {name: places[place] for name, place in zip(ids, at, strict=True)}
        except (KeyError, TypeError, ValueError, IndexError):
            raise ValueError(f"geometry is {describe(value)}; expected canvas_wh, sigma_px, places") from None
        return cls((width, height), sigma, found)

    def by_image(self) -> dict[str, tuple[Box, Size]]:
        """Return the place of every image by its id as text; that of its first reader."""
        found: dict[str, tuple[Box, Size]] = {}
        for name, place in self.places.items():
            image = name[0] if isinstance(name, tuple) and len(name) == 2 else name
            found.setdefault(str(image), place)
        return found

    def words(self) -> str:
        """Return the geometry in words."""
        width, height = self.canvas_wh
        boxes = list(dict.fromkeys(box for box, _ in self.places.values()))
        where = f"images in {len(boxes):,} boxes, such as {_text(boxes[0])}" if boxes else "no image"
        if len(boxes) == 1:
            whole = boxes[0] == (0.0, 0.0, width, height)
            where = "images over all of it" if whole else f"images at {_text(boxes[0])}"
        maps = "" if self.sigma_px is None else f"; maps drawn with sigma_px={self.sigma_px:g}"
        return f"gaze on {width:g} x {height:g} px, {where}{maps}"


@dataclass(frozen=True)
class Difference:
    """One difference of two geometries: ``part`` is "place", "canvas" or "sigma"."""

    part: str
    words: str


def differences(cached: Placement, own: Placement) -> list[Difference]:
    """Return the differences of a cache's geometry from another one of (some of) the same images."""
    here, there = own.by_image(), cached.by_image()
    both = [name for name in here if name in there]
    found = []
    moved = [name for name in both if not _same_place(there[name][0], cached, here[name][0], own)]
    if moved:
        one, other = there[moved[0]][0], here[moved[0]][0]
        found.append(
            Difference(
                "place",
                f"image {moved[0]!r} stood at {_text(one)} of {_size(cached)} when the cache was built, and "
                f"stands at {_text(other)} of {_size(own)} here ({len(moved):,} of {len(both):,} images "
                "differ)",
            )
        )
    if cached.canvas_wh != own.canvas_wh:
        found.append(
            Difference(
                "canvas", f"gaze was on {_size(cached)} when the cache was built, and is on {_size(own)}"
            )
        )
    if cached.sigma_px is not None and own.sigma_px is not None:
        for name in both:
            before, now = (_sigma_share(where, name) for where in (cached, own))
            if abs(before / now - 1) > SAME_WIDTH:
                found.append(
                    Difference(
                        "sigma",
                        f"maps were drawn with sigma_px={cached.sigma_px:g} on {_size(cached)} when the "
                        f"cache was built ({before:.3%} of the width of image {name!r}), and are with "
                        f"sigma_px={own.sigma_px:g} on {_size(own)} here ({now:.3%})",
                    )
                )
                break
    return found


def _same_place(one: Box, first: Placement, other: Box, second: Placement) -> bool:
    """Return whether two boxes cover the same part of their canvases."""
    sides = (0, 1, 0, 1)
    return all(
        abs(a / first.canvas_wh[side] - b / second.canvas_wh[side]) < SAME_PLACE
        for a, b, side in zip(one, other, sides, strict=True)
    )


def _sigma_share(where: Placement, image: str) -> float:
    """Return the standard deviation of maps as a share of an image's width."""
    assert where.sigma_px is not None
    box = where.by_image()[image][0]
    return where.sigma_px / (box[2] - box[0])


def _text(box: Box) -> str:
    return ",".join(f"{side:g}" for side in box)


def _size(where: Placement) -> str:
    return f"{where.canvas_wh[0]:g} x {where.canvas_wh[1]:g} px"
