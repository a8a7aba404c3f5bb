"""Screens, the boxes of images on them, and the conversion between screen and image pixels."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ._errors import choice, describe, number, numbers

__all__ = [
    "PLACEMENTS",
    "AssumedScreenWarning",
    "Box",
    "Screen",
    "ScreenGeometry",
    "Size",
    "checked_box",
    "moved",
    "on_image",
    "place_image",
    "to_image",
    "to_screen",
]

#: (width, height).
Size = tuple[float, float]
#: (x0, y0, x1, y1), half-open: x1 and y1 lie just outside.
Box = tuple[float, float, float, float]
FloatArray = NDArray[np.float64]

PLACEMENTS = ("fit", "stretch", "center", "native")


class AssumedScreenWarning(UserWarning):
    """No screen size was stated, so it was taken from the gaze itself.

    Examples
    --------
    >>> import warnings, gazesim
    >>> gaze = [[10, 10, 0.2], [50, 10, 0.3], [50, 40, 0.2]]
    >>> with warnings.catch_warnings(record=True) as caught:
    ...     warnings.simplefilter("always")
    ...     _ = gazesim.affinity([gaze, gaze])
    >>> [(one.category.__name__, str(one.message)[:42]) for one in caught]
    [('AssumedScreenWarning', 'screen_size is missing: assumed (50, 40), ')]
    """


@dataclass(frozen=True)
class Screen:
    """A screen: its size in pixels and, where degrees are needed, in centimetres, and its distance.

    Parameters
    ----------
    size_wh
        (width, height) in pixels.
    cm
        (width, height) in centimetres, or None.
    distance_cm
        Distance from the eye to the centre of the screen in centimetres, or None.

    Examples
    --------
    >>> from gazesim import Screen
    >>> round(Screen((1920, 1080), cm=(53, 30), distance_cm=60).px_per_degree, 1)
    37.8
    """

    size_wh: Size
    cm: Size | None = None
    distance_cm: float | None = None

    def __post_init__(self) -> None:
        self._check("size_wh", "cm")

    def _check(self, pixels: str, centimetres: str) -> None:
        for name, value in ((pixels, self.size_wh), (centimetres, self.cm)):
            if value is None and name == centimetres:
                continue
            width, height = numbers(name, value, 2)
            for axis, side in enumerate((width, height)):
                number(f"{name}[{axis}]", side, low=0.0, open_low=True)
            object.__setattr__(self, "size_wh" if name == pixels else "cm", (width, height))
        if self.distance_cm is not None:
            distance = number("distance_cm", self.distance_cm, low=0.0, open_low=True)
            object.__setattr__(self, "distance_cm", distance)

    @property
    def has_degrees(self) -> bool:
        """Whether pixels can be converted to degrees of visual angle."""
        return self.cm is not None and self.distance_cm is not None

    @property
    def px_per_degree(self) -> float:
        """Pixels in one degree around the centre of the screen, the mean of both axes."""
        width, height, across, down, distance = self.measures
        return (width / across + height / down) / 2 * 2 * distance * math.tan(math.radians(0.5))

    @property
    def measures(self) -> tuple[float, float, float, float, float]:
        """Width and height in px, width and height in cm, and the distance in cm."""
        if self.cm is None or self.distance_cm is None:
            raise ValueError(f"{self!r} states no cm and distance_cm; expected both to convert degrees")
        return (*self.size_wh, *self.cm, self.distance_cm)

    @property
    def size_px(self) -> Size:
        """The old name of ``size_wh``."""
        return self.size_wh

    @property
    def size_cm(self) -> Size:
        """The old name of ``cm``, which has to be stated."""
        return self.measures[2:4]


class ScreenGeometry(Screen):
    """The old name of :class:`Screen`, with its old parameters; all three are needed.

    Examples
    --------
    >>> from gazesim import ScreenGeometry
    >>> round(ScreenGeometry(size_px=(1920, 1080), size_cm=(53, 30), distance_cm=60).px_per_degree, 1)
    37.8
    """

    def __init__(self, size_px: Size, size_cm: Size, distance_cm: float) -> None:
        values = {"size_wh": size_px, "cm": size_cm, "distance_cm": distance_cm}
        for name, value in values.items():
            object.__setattr__(self, name, value)
        if size_cm is None:
            raise TypeError("size_cm is None; expected 2 numbers")
        number("distance_cm", distance_cm, low=0.0, open_low=True)
        self._check("size_px", "size_cm")


def place_image(placement: str, image_size: Sequence[float], screen_size: Sequence[float]) -> Box:
    """Return the box (x0, y0, x1, y1) of an image on the screen, in screen pixels.

    Parameters
    ----------
    placement
        ``"fit"``: as large as the screen allows, with its own proportions, centred. ``"stretch"``: over
        the whole screen. ``"center"``: at its own size, centred. ``"native"``: at its own size in the
        top-left corner, so that screen pixels are image pixels.
    image_size, screen_size
        (width, height) in pixels.

    Half pixels stay halves; nothing is rounded. Raises ValueError where ``"center"`` does not fit.

    Examples
    --------
    >>> from gazesim.geometry import place_image
    >>> place_image("fit", (1024, 1536), (1920, 1080))
    (600.0, 0.0, 1320.0, 1080.0)
    >>> place_image("center", (640, 480), (1920, 1080))
    (640.0, 300.0, 1280.0, 780.0)
    """
    choice("placement", placement, PLACEMENTS)
    width, height = _sides("image_size", image_size)
    across, down = _sides("screen_size", screen_size)
    if placement == "native":
        return 0.0, 0.0, width, height
    if placement == "stretch":
        return 0.0, 0.0, across, down
    if placement == "center" and (width > across or height > down):
        raise ValueError(
            f'placement is "center", and the image of {width:g} x {height:g} px is larger than the screen '
            f'of {across:g} x {down:g} px; expected a smaller image, or placement "fit"'
        )
    if placement == "fit":
        # The limiting side is exactly the screen's: a product could differ by a rounding error.
        if across * height <= down * width:
            width, height = across, height * across / width
        else:
            width, height = width * down / height, down
    left, top = (across - width) / 2, (down - height) / 2
    return left, top, left + width, top + height


def checked_box(argument: str, box: Any) -> Box:
    """Return a box of four finite numbers with x0 < x1 and y0 < y1; it may reach beyond the screen."""
    if isinstance(box, (str, bytes)) or not isinstance(box, Sequence | np.ndarray) or len(box) != 4:
        raise TypeError(f"{argument} is {describe(box)}; expected x0, y0, x1, y1 in screen pixels")
    x0, y0, x1, y1 = (number(f"{argument}[{i}]", side, low=-math.inf) for i, side in enumerate(box))
    if not (x0 < x1 and y0 < y1) or not all(map(math.isfinite, (x0, y0, x1, y1))):
        raise ValueError(f"{argument} is {describe(tuple(box))}; expected x0 < x1 and y0 < y1")
    return x0, y0, x1, y1


def to_image(points: NDArray[Any], box: Box, image_size: Size) -> FloatArray:
    """Return screen coordinates as image pixels: u = (x − x0)·w / (x1 − x0), v likewise.

    ``points`` is (n, 2) or (n, 3); further columns (the duration) stay as they are.

    Examples
    --------
    >>> import numpy as np
    >>> from gazesim.geometry import to_image
    >>> to_image(np.array([[600.0, 0.0], [960.0, 540.0]]), (600, 0, 1320, 1080), (1024, 1536))
    array([[  0.,   0.],
           [512., 768.]])
    """
    return moved(points, box, (0.0, 0.0, *image_size))


def to_screen(points: NDArray[Any], box: Box, image_size: Size) -> FloatArray:
    """Return image pixels as screen coordinates, the inverse of :func:`to_image`.

    Examples
    --------
    >>> import numpy as np
    >>> from gazesim.geometry import to_screen
    >>> to_screen(np.array([[512.0, 768.0]]), (600, 0, 1320, 1080), (1024, 1536))
    array([[960., 540.]])
    """
    return moved(points, (0.0, 0.0, *image_size), box)


def moved(points: NDArray[Any], source: Box, target: Box) -> FloatArray:
    """Map points from the box ``source`` to the box ``target``; equal boxes leave them as they are."""
    result = np.array(points, np.float64)
    if source == target:
        return result
    for axis in (0, 1):
        start, end = source[axis], source[axis + 2]
        first, last = target[axis], target[axis + 2]
        result[:, axis] = first + (result[:, axis] - start) * (last - first) / (end - start)
    return result


def on_image(points: NDArray[Any], size: Size) -> NDArray[np.bool_]:
    """Return a mask (n,) of the points in image pixels that lie on the image: 0 ≤ u < w and 0 ≤ v < h."""
    return np.asarray(((points[:, :2] >= 0) & (points[:, :2] < size)).all(axis=1))


def _sides(argument: str, size: Any) -> Size:
    width, height = numbers(argument, size, 2)
    for axis, side in enumerate((width, height)):
        number(f"{argument}[{axis}]", side, low=0.0, open_low=True)
    return width, height
