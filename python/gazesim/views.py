"""Views that keep the lesion: the share of gaze that a box keeps, and random boxes that keep enough.

After Gaze-Conditioned Augmentation (Wang et al., PMLR 226, 2024) and its preprint FocusContrast. A
view of an image is used only where its gaze map says that what the reader looked at is still in it.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import _core
from ._errors import choice, describe, integer, number, numbers
from .heatmaps import as_numbers_or_masks, stacks, threads

__all__ = ["Sampler", "View", "accept", "iou", "sample_crop", "sample_cutout"]

#: ``uniforms(count)`` returns ``count`` random numbers, uniform in [0, 1).
Uniforms = Callable[[int], NDArray[np.float64]]
Seed = int | np.random.Generator | None

KINDS = ("crop", "cutout")
NAMES = ("x0", "y0", "x1", "y1")
WEIGHTINGS = ("support", "mass")
METHODS = ("exact", "rejection")
FALLBACKS = ("whole", "best")

# What the compiled random_crop takes: two numbers for each of ten tries at a size, two for the place.
CROP_UNIFORMS = 22
# Enough for most views; a view that needs more is drawn again with these and twice as many.
FIRST_UNIFORMS = 16


@dataclass(frozen=True)
class View:
    """A random view of one image, as :func:`sample_crop` and :func:`sample_cutout` return it.

    Attributes
    ----------
    kind
        ``"crop"`` or ``"cutout"``.
    boxes
        Each x0, y0, x1, y1 in pixels, half-open: the crop, or the holes. (0, 0, 0, 0) is no hole.
    iou
        The share of gaze that the view keeps.
    tries
        Sizes (exact) or boxes (rejection) that were drawn to find it.
    fallback
        Whether no box that keeps enough was found; the argument ``fallback`` then decides the view.
    empty
        Whether the map has no gaze, so that every box keeps enough.

    Examples
    --------
    >>> import numpy as np
    >>> from gazesim.views import sample_crop
    >>> view = sample_crop(np.zeros((8, 8)), scale=(1, 1), ratio=(1, 1), seed=0)
    >>> view.box, view.iou, view.empty
    ((0, 0, 8, 8), 1.0, True)
    """

    kind: str
    boxes: tuple[tuple[int, int, int, int], ...]
    iou: float
    tries: int
    fallback: bool
    empty: bool

    @property
    def box(self) -> tuple[int, int, int, int]:
        """The crop, or the first hole."""
        return self.boxes[0]


def iou(
    gaze_map: Any,
    boxes: Any,
    *,
    kind: str = "crop",
    weighting: str = "support",
    support: float = 0.1,
    n_threads: int | None = None,
) -> NDArray[np.float64]:
    """Return the share of gaze that views keep.

    What a view keeps is part of the whole, so the share *is* the intersection over union of GCA.

    Parameters
    ----------
    gaze_map
        (H, W), or (n, H, W) for many images: finite numbers of at least 0, or booleans.
    boxes
        (k, 4) whole numbers, or (n, k, 4): x0, y0, x1, y1 in pixels, half-open. Floats have to be
        whole, as torchvision's boxes usually are. Parts outside of the image hold no gaze, nor does a
        box with x1 ≤ x0 or y1 ≤ y0.
    kind
        ``"crop"``: the view is what lies in the box. ``"cutout"``: what lies around it.
    weighting
        ``"support"`` counts pixels with gaze; ``"mass"`` sums the gaze itself (FocusContrast).
    support
        Pixels with gaze are those above ``support`` times the map's maximum. 0 is the papers' literal
        "non-zero"; Gaussian tails and outputs of networks are non-zero nearly everywhere.
    n_threads
        Threads to use for many images; default ``GAZESIM_NUM_THREADS``, then all available cores.

    Returns
    -------
    ndarray
        (k,) or (n, k) float64 in [0, 1]: ``[i, j]`` is the share of ``gaze_map[i]`` that
        ``boxes[i, j]`` keeps. 1 for a map without gaze: there is nothing to lose. Sums are exact:
        equal to those of ``math.fsum`` for maps of up to single precision, to 1e-13 otherwise.

    Examples
    --------
    >>> import numpy as np
    >>> from gazesim.views import iou
    >>> gaze_map = np.zeros((4, 6))
    >>> gaze_map[1:3, 1:6] = 1
    >>> iou(gaze_map, [[0, 0, 5, 4], [4, 0, 9, 9], [3, 3, 3, 3]])
    array([0.8, 0.4, 0. ])
    >>> iou(gaze_map, [[0, 0, 5, 4], [4, 0, 9, 9], [3, 3, 3, 3]], kind="cutout")
    array([0.2, 0.6, 1. ])
    """
    choice("kind", kind, KINDS)
    choice("weighting", weighting, WEIGHTINGS)
    maps = as_numbers_or_masks("gaze_map", gaze_map)
    if maps.ndim not in (2, 3):
        raise ValueError(f"gaze_map has shape {maps.shape}; expected (H, W) or (n, H, W)")
    rectangles = _rectangles(boxes, maps.shape[:-2])
    single = maps.ndim == 2
    shares: NDArray[np.float64] = _core.view_iou(
        stacks(maps[None] if single else maps, "gaze_map")[0],
        rectangles[None] if single else rectangles,
        kind=kind,
        weighting=weighting,
        support=_share("support", support, below_one=True),
        n_threads=threads(n_threads),
    )
    return shares[0] if single else shares


def accept(gaze_map: Any, boxes: Any, *, min_iou: float, **parameters: Any) -> NDArray[np.bool_]:
    """Return which views keep at least ``min_iou`` of the gaze, (k,) or (n, k). Parameters: see :func:`iou`.

    Examples
    --------
    >>> import numpy as np
    >>> from gazesim.views import accept
    >>> accept(np.eye(4), [[0, 0, 3, 3], [0, 0, 2, 2]], min_iou=0.7)
    array([ True, False])
    """
    return iou(gaze_map, boxes, **parameters) >= _share("min_iou", min_iou)


def sample_crop(
    gaze_map: Any,
    *,
    scale: tuple[float, float] = (0.08, 1.0),
    ratio: tuple[float, float] = (3 / 4, 4 / 3),
    min_iou: float = 0.8,
    weighting: str = "support",
    support: float = 0.1,
    method: str = "exact",
    max_tries: int = 100,
    fallback: str = "whole",
    seed: Seed = None,
) -> View:
    """Draw a random crop that keeps at least ``min_iou`` of the gaze.

    Parameters
    ----------
    gaze_map, weighting, support
        As for :func:`iou`, one map.
    scale, ratio
        Bounds of the crop's share of the image's area and of its width / height. Sizes are drawn as
        torchvision's RandomResizedCrop draws them.
    min_iou
        The share of gaze to keep. 0.8 in GCA.
    method
        ``"exact"``: a size is drawn, then its place, uniformly from **all** places that keep
        enough; where there is none, the next size is drawn; after 64 of those, uniformly among the
        sizes that can be drawn and have such a place. It fails only where no such size exists.
        ``"rejection"``: sizes and places are drawn until one keeps enough, at most ``max_tries``.
        Given the size, both draw from the same distribution.
    fallback
        Where the method fails: ``"whole"`` is the image as it is, ``"best"`` the box that keeps
        most (of all, or of those that were tried). ``View.fallback`` tells.
    seed
        A seed or a NumPy Generator.

    Examples
    --------
    >>> import numpy as np
    >>> from gazesim.views import sample_crop
    >>> gaze_map = np.zeros((64, 64))
    >>> gaze_map[40:52, 8:20] = 1
    >>> view = sample_crop(gaze_map, scale=(0.2, 0.5), seed=0)
    >>> view.iou >= 0.8, view.fallback
    (True, False)
    """
    sampler = Sampler(
        "crop",
        min_iou=min_iou,
        scale=scale,
        ratio=ratio,
        weighting=weighting,
        support=support,
        method=method,
        max_tries=max_tries,
        fallback=fallback,
    )
    return sampler.draw(gaze_map, _uniforms(seed))


def sample_cutout(
    gaze_map: Any,
    *,
    size: int | tuple[int, int] | None = None,
    scale: tuple[float, float] = (0.02, 0.2),
    ratio: tuple[float, float] = (1.0, 1.0),
    n_holes: int = 1,
    min_iou: float = 0.9,
    weighting: str = "support",
    support: float = 0.1,
    method: str = "exact",
    max_tries: int = 100,
    fallback: str = "whole",
    seed: Seed = None,
) -> View:
    """Draw random holes around which at least ``min_iou`` of the gaze is kept.

    ``size`` is the hole's side, or its (height, width), in pixels; without it, sizes are drawn
    within ``scale`` and ``ratio``. Holes lie inside the image. Several are drawn one after the
    other, each among the places where all holes so far together keep enough. Everything else is as
    for :func:`sample_crop`; with the fallback ``"whole"``, a hole that has no such place is left out.

    Examples
    --------
    >>> import numpy as np
    >>> from gazesim.views import sample_cutout
    >>> gaze_map = np.zeros((64, 64))
    >>> gaze_map[40:52, 8:20] = 1
    >>> sample_cutout(gaze_map, size=32, seed=0).iou >= 0.9
    True
    """
    sampler = Sampler(
        "cutout",
        min_iou=min_iou,
        scale=scale,
        ratio=ratio,
        size=size,
        weighting=weighting,
        support=support,
        method=method,
        max_tries=max_tries,
        fallback=fallback,
        boxes=n_holes,
    )
    return sampler.draw(gaze_map, _uniforms(seed))


@dataclass(frozen=True)
class Sampler:
    """The checked parameters of :func:`sample_crop` or :func:`sample_cutout`, for many draws.

    ``kind`` is ``"crop"`` or ``"cutout"``, ``boxes`` the number of holes of a cutout.

    Examples
    --------
    >>> import numpy as np
    >>> from gazesim.views import Sampler
    >>> sampler = Sampler("crop", min_iou=0.8, scale=(0.2, 1.0), ratio=(3 / 4, 4 / 3))
    >>> uniforms = np.random.default_rng(0).random
    >>> all(sampler.draw(np.eye(32), uniforms).iou >= 0.8 for _ in range(10))
    True
    """

    kind: str
    min_iou: float
    scale: tuple[float, float]
    ratio: tuple[float, float]
    size: int | tuple[int, int] | None = None
    weighting: str = "support"
    support: float = 0.1
    method: str = "exact"
    max_tries: int = 100
    fallback: str = "whole"
    boxes: int = 1
    _compiled: dict[str, Any] = dataclasses.field(default_factory=dict, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        self._compiled.update(
            kind=choice("kind", self.kind, KINDS),
            weighting=choice("weighting", self.weighting, WEIGHTINGS),
            support=_share("support", self.support, below_one=True),
            min_iou=_share("min_iou", self.min_iou),
            scale=_bounds("scale", self.scale, high=1.0),
            ratio=_bounds("ratio", self.ratio, high=1e6),
            size=_box_size(self.size),
            max_tries=_method(self.method, self.max_tries),
            fallback=choice("fallback", self.fallback, FALLBACKS),
            boxes=integer("n_holes", self.boxes, low=1, high=1000),
        )

    def draw(self, gaze_map: Any, uniforms: Uniforms) -> View:
        """Draw a view of one (H, W) map with the numbers that ``uniforms(count)`` gives."""
        array = as_numbers_or_masks("gaze_map", gaze_map)
        if array.ndim != 2:
            raise ValueError(f"gaze_map has shape {array.shape}; expected (H, W)")
        stack = stacks(array[None], "gaze_map")[0]
        known = uniforms(FIRST_UNIFORMS)
        while (drawn := _core.sample_view(stack, known, **self._compiled)) is None:
            known = np.concatenate([known, uniforms(len(known))])
        boxes, share, tries, fallback, empty = drawn
        return View(
            self.kind, tuple((x0, y0, x1, y1) for x0, y0, x1, y1 in boxes), share, tries, fallback, empty
        )

    def draw_anywhere(self, size_wh: tuple[int, int], uniforms: Uniforms) -> tuple[int, int, int, int]:
        """Draw a crop of an image of (width, height) without looking at gaze: x0, y0, x1, y1.

        This is torchvision's RandomResizedCrop with this ``scale`` and ``ratio``: where none of ten
        drawn sizes fits, the largest box in the middle.
        """
        numbers = uniforms(CROP_UNIFORMS)
        x0, y0, x1, y1 = _core.random_crop(size_wh, numbers, scale=self.scale, ratio=self.ratio)
        return x0, y0, x1, y1


def _uniforms(seed: Seed) -> Uniforms:
    return np.random.default_rng(seed).random


def _rectangles(boxes: Any, stack: tuple[int, ...]) -> NDArray[np.int64]:
    array = np.asarray(boxes)
    if array.size == 0 and array.ndim == 1:
        array = np.empty((0, 4), np.int64)
    shape = (*stack, "k", 4)
    expected = f"({', '.join(map(str, shape))})"
    if array.ndim != len(shape) or array.shape[-1] != 4 or array.shape[: len(stack)] != stack:
        raise ValueError(f"boxes has shape {array.shape}; expected {expected}: x0, y0, x1, y1")
    if array.dtype.kind not in "iuf":
        raise TypeError(f"boxes has dtype {array.dtype}; expected whole numbers of pixels")
    if array.dtype.kind == "f":  # torchvision's boxes
        given, array = array.dtype, array.astype(np.float64)
        wrong = ~np.isfinite(array) | (array != np.trunc(array)) | (np.abs(array) > 2.0**53)
        if wrong.any():
            at = tuple(map(int, np.argwhere(wrong)[0]))
            image = f"image {at[0]}, " if array.ndim == 3 else ""
            raise ValueError(
                f"boxes has dtype {given}; expected whole numbers of pixels, and {image}box {at[-2]} "
                f"has {NAMES[at[-1]]} = {array[at]}"
            )
    return np.require(array, np.int64, ["C", "A"])


def _share(argument: str, value: object, *, below_one: bool = False) -> float:
    share = number(argument, value, low=0.0, high=1.0)
    if below_one and share == 1.0:
        raise ValueError(f"{argument} is 1; expected less, for no pixel is above the maximum")
    return share


def _bounds(argument: str, value: Any, *, high: float) -> tuple[float, float]:
    low, top = numbers(argument, value, 2)
    if not 0 < low <= top <= high:
        raise ValueError(f"{argument} is {describe(value)}; expected 0 < smallest <= largest <= {high:g}")
    return low, top


def _box_size(size: Any) -> tuple[int, int] | None:
    """Return (width, height), the order of boxes, from a side or torchvision's (height, width)."""
    if size is None:
        return None
    if isinstance(size, (list, tuple)):
        if len(size) != 2:
            raise ValueError(f"size is {describe(size)}; expected one side or (height, width)")
        height, width = (integer(f"size[{i}]", side, low=1, high=10**6) for i, side in enumerate(size))
        return width, height
    side = integer("size", size, low=1, high=10**6)
    return side, side


def _method(method: str, max_tries: int) -> int | None:
    """Return the number of tries of rejection; None stands for the exact method."""
    tries = integer("max_tries", max_tries, low=1, high=10**6)
    return tries if choice("method", method, METHODS) == "rejection" else None
