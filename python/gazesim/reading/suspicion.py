"""Detect units, screens and placements that look wrong, and find the option that fits better."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..geometry import PLACEMENTS, Size, place_image
from .frames import Framed
from .options import Stated

__all__ = ["OffImage", "Pool", "hints"]

FloatArray = NDArray[np.float64]

#: Share of dwell off the image above which a warning is always given.
MUCH_OFF = 0.2
#: A proposed option must lower the badness by the first, and leave at most this share of dwell off.
MUCH_BETTER, LITTLE_OFF = 0.2, 0.05
#: Fewer fixations, or fewer scanpaths of fewer fixations than the last, are too few to judge by.
ENOUGH_FIXATIONS, ENOUGH_SCANPATHS, LONG_RECORDING = 100, 5, 1000
#: The share of an image's side that the gaze of several people usually spans.
USUAL_SPAN = 0.55
#: Share of gaze that is left out on either side when its span is measured.
TAIL = 0.02


@dataclass(frozen=True)
class Pool:
    """All fixations of a source, one after the other."""

    #: (n, 2) in pixels of the frames.
    points: FloatArray
    #: (n,) seconds.
    dwell: FloatArray
    #: (n, 2) and (n, 4): the frame and the image's box of every fixation; (n, 2): the image's size.
    frames: FloatArray
    boxes: FloatArray
    sizes: FloatArray
    scanpaths: int
    knows_images: bool

    @classmethod
    def of(cls, found: Sequence[Framed]) -> Pool:
        """Concatenate the scanpaths of a source."""
        lengths = [len(one.path) for one in found]
        rows = np.concatenate([one.path for one in found]) if found else np.empty((0, 3))
        frames, boxes, sizes = (
            np.repeat(np.array(values, np.float64).reshape(-1, count), lengths, axis=0)
            for values, count in (
                ([one.frame for one in found], 2),
                ([one.box for one in found], 4),
                ([one.image_size for one in found], 2),
            )
        )
        full = sum(length > 0 for length in lengths)
        known = all(one.knows_image for one in found)
        return cls(rows[:, :2], rows[:, 2], frames, boxes, sizes, full, known)

    def inside(self, boxes: FloatArray, points: FloatArray | None = None) -> FloatArray:
        """Return points as shares of their boxes, (n, 2)."""
        taken = self.points if points is None else points
        return np.asarray((taken - boxes[:, :2]) / (boxes[:, 2:] - boxes[:, :2]))

    @property
    def off(self) -> OffImage:
        """How much of the gaze lies off its image."""
        if not len(self.points):
            return OffImage(0, 0, 0.0)
        outside = off(self.inside(self.boxes))
        count, whole = int(np.count_nonzero(outside)), float(self.dwell.sum())
        share = float(self.dwell[outside].sum()) / whole if whole else count / len(outside)
        return OffImage(count, len(outside), share)


@dataclass(frozen=True)
class OffImage:
    """The amount of gaze off the image."""

    fixations: int
    total: int
    #: Share of dwell time off the image.
    dwell: float

    def words(self, place: str) -> str:
        """Return the shares as text."""
        share = self.fixations / self.total if self.total else 0.0
        return f"{percent(share)} of fixations and {percent(self.dwell)} of dwell off the {place}"


def percent(share: float) -> str:
    """Return a share in percent as text; a small one is not rounded to 0."""
    return f"{100 * share:.2g} %" if 0 < share < 0.1 else f"{100 * share:.3g} %"


def off(shares: FloatArray) -> NDArray[np.bool_]:
    """Return a mask (n,) of the points, given as shares of their image, that lie off it."""
    return np.asarray(~((shares >= 0) & (shares < 1)).all(axis=1))


def hints(pool: Pool, doubts: Sequence[str], stated: Stated, unit: str) -> list[str]:
    """Return warnings, each with the observation and the option to try."""
    better = _better(pool, stated, unit)
    dwell = pool.off.dwell
    if dwell > MUCH_OFF:
        tried = f"; {better}" if better else "; check coord_unit, screen_size and placement or image_box"
        return [*doubts, f"{percent(dwell)} of dwell lies off the image{tried}"]
    return [*doubts, *([f"the gaze is not where it usually is on an image: {better}"] if better else [])]


def _better(pool: Pool, stated: Stated, unit: str) -> str:
    """Return the option under which the gaze would fit much better, as text, or ""."""
    count = len(pool.points)
    if count < ENOUGH_FIXATIONS or (pool.scanpaths < ENOUGH_SCANPATHS and count < LONG_RECORDING):
        return ""
    weights = pool.dwell if pool.dwell.sum() > 0 else np.ones(len(pool.points))
    now = Fit.of(pool.inside(pool.boxes), weights)
    best: tuple[float, str] = (now.badness - MUCH_BETTER, "")
    if best[0] <= 0:
        return ""
    for shares, words in _alternatives(pool, stated, unit):
        fit = Fit.of(shares, weights)
        if fit.off <= LITTLE_OFF and fit.badness < best[0]:
            best = fit.badness, words
    return best[1]


@dataclass(frozen=True)
class Fit:
    """How badly gaze fits an image: gaze off the image and a small or lopsided span add to ``badness``."""

    off: float
    badness: float

    @classmethod
    def of(cls, shares: FloatArray, weights: FloatArray) -> Fit:
        """Return the fit of points (n, 2), given as shares of the image's width and height."""
        outside = float(weights[off(shares)].sum() / weights.sum())
        low, high = np.quantile(np.clip(shares, -0.5, 1.5), [TAIL, 1 - TAIL], axis=0)
        narrow = np.maximum(0, USUAL_SPAN - (high - low)).sum()
        lopsided = np.abs((low + high) / 2 - 0.5).sum()
        return cls(outside, float(outside + narrow + lopsided))


def _alternatives(pool: Pool, stated: Stated, unit: str) -> Iterator[tuple[FloatArray, str]]:
    """Yield points as shares of the image under other options, with texts that propose the options."""
    numbers = pool.points if unit == "px" else pool.points / pool.frames * (100 if unit == "percent" else 1)
    for other, shares in (("fraction", numbers), ("percent", numbers / 100), ("px", numbers / pool.frames)):
        if other != unit:
            yield shares, f'try coord_unit "{other}"'
    yield (
        pool.inside(pool.boxes, pool.points[:, ::-1]),
        "x and y, or the width and height of screen_size or of the image, seem to be exchanged",
    )
    if pool.knows_images:
        for placement in PLACEMENTS:
            if placement != stated.placement and (boxes := _placed(pool, placement)) is not None:
                yield pool.inside(boxes), f'try placement "{placement}"'
    whole = len(pool.frames) and (pool.boxes == [0, 0, *pool.frames[0]]).all()
    for size in USUAL_SIZES if whole else ():
        if size != tuple(pool.frames[0]):
            yield pool.points / size, f"try screen_size {size[0]:g},{size[1]:g}, or the size of the image"


def _placed(pool: Pool, placement: str) -> FloatArray | None:
    """Return the box of every fixation's image under another placement."""
    pairs, back = np.unique(np.hstack([pool.sizes, pool.frames]), axis=0, return_inverse=True)
    try:
        boxes = [place_image(placement, pair[:2].tolist(), pair[2:].tolist()) for pair in pairs]
    except ValueError:  # too large for "center"
        return None
    return np.array(boxes)[back.ravel()]


#: Screens and image sizes that gaze is usually recorded on.
USUAL_SIZES: tuple[Size, ...] = (
    (640, 480), (800, 600), (1024, 768), (1280, 720), (1280, 1024), (1440, 900), (1680, 1050),
    (1920, 1080), (1920, 1200), (2560, 1440), (3840, 2160),
)  # fmt: skip
