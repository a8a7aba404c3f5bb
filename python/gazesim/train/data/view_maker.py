"""The two views of an image that contrastive learning compares, with gaze or without.

The fast path for grey images: places are drawn by the compiled samplers, masks are those of
:class:`~gazesim.torch.GazeMask`, resampling is torchvision's. Tones and blur are its own: a chain of
torchvision's transforms takes three to seven times as long at 224 pixels (benchmarks/NOTES.md). Any
other view is a transform, ``GazeData(transform=...)``. Every random number of a view comes from a
counter-based generator that its caller keys.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from ..._errors import integer
from ...torch.transforms import most_salient
from ...views import iou
from .samples import Samples

if TYPE_CHECKING:
    from .settings import Views

__all__ = ["ViewMaker", "view_statistics"]

Box = tuple[int, int, int, int]
#: (C, H, W) of a view, or (H, W) of a map.
Pixels = NDArray[np.float32]

#: The size of images for which ``blur_sigma_px`` is stated, as in MoCo v2.
USUAL_SIZE = 224


@dataclass
class ViewRecord:
    """How one view was made: its crop, hole, mask and flips."""

    crop: Box
    #: Number of boxes that could not keep enough gaze.
    fallbacks: int = 0
    #: In pixels of the view, before flips.
    hole: Box | None = None
    masked: bool = False
    #: Whether the view is mirrored from left to right, and from top to bottom.
    flipped: tuple[bool, bool] = (False, False)


class ViewMaker:
    """Makes views of ``size`` pixels square, as :class:`Views` says."""

    def __init__(self, views: Views, size: int) -> None:
        self.views = views
        self.size = integer("size", size, low=1, high=100_000)
        self._crop, self._cutout = views.crop_sampler(), views.cutout_sampler(size)

    def __call__(
        self, image: torch.Tensor, gaze_map: torch.Tensor | None = None, *, key: tuple[int, int]
    ) -> torch.Tensor:
        """Return a view (C, size, size) of the image (C, H, W); equal keys give equal views.

        ``gaze_map`` is (H, W); None stands for an image without gaze, any view of which is accepted.
        """
        return self.view_and_record(image, gaze_map, key=key)[0]

    def view_and_record(
        self, image: torch.Tensor, gaze_map: torch.Tensor | None = None, *, key: tuple[int, int]
    ) -> tuple[torch.Tensor, ViewRecord]:
        """Return the view and the record of how it was made."""
        pixels, record = self.pixels(image, gaze_map, key=key)
        return torch.from_numpy(np.ascontiguousarray(pixels)), record

    def pixels(
        self, image: torch.Tensor, gaze_map: torch.Tensor | None = None, *, key: tuple[int, int]
    ) -> tuple[Pixels, ViewRecord]:
        """Return the view as an array, not always contiguous, and the record of how it was made."""
        rng = np.random.Generator(np.random.Philox(key=np.array(key, np.uint64)))
        views, size = self.views, self.size
        gaze = self._gaze(image, gaze_map)
        record = self._place(rng, gaze, *image.shape[-2:])
        flip_x, flip_y, bright, contrast, blur, sigma, cut, mask = rng.random(8).tolist()
        view = _resampled(image, record.crop, size)
        if views.jitter:
            jittered(view, *(1 + views.jitter * (2 * chance - 1) for chance in (bright, contrast)))
        if blur < views.blur_probability:
            low, high = views.blur_sigma_px
            view = blurred(view, (low + sigma * (high - low)) * size / USUAL_SIZE)
        is_cut = views.cutout != "none" and cut < views.cutout_probability
        is_masked = mask < views.mask_probability
        if is_cut or is_masked:
            seen = None if gaze is None else _resampled_map(gaze, record.crop, size)
            if is_cut:
                self._cut(view, seen, rng, record)
            if is_masked and seen is not None:
                record.masked = hide(view, seen, views.mask_drop, views.fill)
        if (views.mean, views.std) != (0.0, 1.0):
            view = (view - np.float32(views.mean)) / np.float32(views.std)
        # Flipped last, as a view of the array at no cost: the steps before do not depend on the direction.
        record.flipped = flip_x < views.horizontal_flip, flip_y < views.vertical_flip
        return _flipped(view, record), record

    def map_view(self, gaze_map: torch.Tensor, record: ViewRecord) -> Pixels:
        """Return the map (H, W) under the crop and the flips of a view, (size, size), not always contiguous.

        Holes and masks are not applied: they hide the image, not where people looked.
        """
        moved: Pixels = _flipped(_resampled(gaze_map[None], record.crop, self.size), record)[0]
        return moved

    def _gaze(self, image: torch.Tensor, gaze_map: torch.Tensor | None) -> Pixels | None:
        """Return the map for views that use gaze (zeros for an image without gaze); None for other views."""
        if not self.views.use_gaze:
            return None
        if gaze_map is None:
            return np.zeros(image.shape[-2:], np.float32)
        if gaze_map.shape != image.shape[-2:]:
            have = f"gaze_map has shape {tuple(gaze_map.shape)}, the image {tuple(image.shape)}"
            raise ValueError(f"{have}; expected (H, W) and (C, H, W)")
        gaze: Pixels = gaze_map.numpy()
        return gaze

    def _place(self, rng: np.random.Generator, gaze: Pixels | None, height: int, width: int) -> ViewRecord:
        kind = self.views.crop
        if kind == "none":
            return ViewRecord((0, 0, width, height))
        if kind == "random" or gaze is None:
            return ViewRecord(self._crop.draw_anywhere((width, height), rng.random))
        view = self._crop.draw(gaze, rng.random)
        box = _moved(view.box, rng, height, width) if kind == "size-matched" else view.box
        return ViewRecord(box, fallbacks=int(view.fallback))

    def _cut(self, view: Pixels, seen: Pixels | None, rng: np.random.Generator, record: ViewRecord) -> None:
        side = self.views.hole_side(self.size)
        box = (0, 0, side, side)
        if self.views.cutout != "random" and seen is not None:
            drawn = self._cutout.draw(seen, rng.random)
            box = drawn.box
            record.fallbacks += int(drawn.fallback)
        if self.views.cutout != "gaze" and box[2] > box[0]:
            box = _moved(box, rng, self.size, self.size)
        x0, y0, x1, y1 = record.hole = box
        view[:, y0:y1, x0:x1] = self.views.fill


def _moved(box: Box, rng: np.random.Generator, height: int, width: int) -> Box:
    """Return a box of this size anywhere in the image."""
    w, h = box[2] - box[0], box[3] - box[1]
    across, down = rng.random(2).tolist()
    x, y = int(across * (width - w + 1)), int(down * (height - h + 1))
    return x, y, x + w, y + h


def _flipped(view: Pixels, record: ViewRecord) -> Pixels:
    across, down = (-1 if is_flipped else 1 for is_flipped in record.flipped)
    flipped: Pixels = view[:, ::down, ::across]
    return flipped


def _resampled(image: torch.Tensor, box: Box, size: int) -> Pixels:
    """Return the box of an image at another size, as torchvision's resized_crop does; a new array."""
    pixels: Pixels = resized_box(image, box, (size, size)).numpy()
    return pixels


def resized_box(image: torch.Tensor, box: Box, size_hw: tuple[int, int]) -> torch.Tensor:
    """Return the box (x0, y0, x1, y1) of an image (C, H, W) at another (height, width), antialiased."""
    x0, y0, x1, y1 = box
    part = image[None, :, y0:y1, x0:x1]
    if part.shape[-2:] == size_hw:
        return part[0].clone()
    return functional.interpolate(part, size=size_hw, mode="bilinear", antialias=True)[0]


def _resampled_map(gaze: Pixels, box: Box, size: int) -> Pixels:
    """Return the box of a map at another size, each pixel the nearest one, as torchvision does."""
    x0, y0, x1, y1 = box
    rows, columns = _nearest(y1 - y0, size), _nearest(x1 - x0, size)
    return gaze[y0:y1, x0:x1][rows[:, None], columns]


@lru_cache(maxsize=1024)
def _nearest(count: int, size: int) -> NDArray[np.intp]:
    places = np.arange(size, dtype=np.float32) * np.float32(count / size)
    return np.minimum(places.astype(np.intp), count - 1)


def jittered(view: Pixels, brightness: float, contrast: float) -> None:
    """Apply torchvision's adjust_brightness, then adjust_contrast, to greyscale, clamped at last."""
    shift = float(view.mean()) * brightness * (1 - contrast)
    view *= np.float32(brightness * contrast)
    view += np.float32(shift)
    np.clip(view, 0, 1, out=view)


def blurred(view: Pixels, sigma_px: float) -> Pixels:
    """Return the view under a Gaussian that ends after three standard deviations, edges mirrored."""
    radius = min(math.ceil(3 * sigma_px), min(view.shape[-2:]) - 1)
    if radius < 1:
        return view
    steps = torch.arange(-radius, radius + 1, dtype=torch.float32) / sigma_px
    weights = torch.exp(-0.5 * steps * steps)
    weights /= weights.sum()
    padded = functional.pad(torch.from_numpy(view)[:, None], [radius] * 4, mode="reflect")
    rows = functional.conv2d(padded, weights.view(1, 1, 1, -1))
    smooth: Pixels = functional.conv2d(rows, weights.view(1, 1, -1, 1))[:, 0].numpy()
    return smooth


def hide(view: Pixels, gaze: Pixels, drop: float, fill: float) -> bool:
    """Fill the least salient share of a view, as GazeMask does; False for a map without gaze."""
    keep = most_salient(gaze, drop)
    if not keep.any():
        return False
    view[:, ~keep] = fill
    return True


def key_of(seed: int, epoch: int, index: int, view: int) -> tuple[int, int]:
    """Return the key of one of the two views of a sample in an epoch: 64 bits of seed, 64 of the rest."""
    return seed, (epoch << 33) | (index << 1) | view


def view_statistics(
    samples: Samples, views: Views, size: int, *, seed: int = 0, count: int = 256
) -> dict[str, float]:
    """Return how much of image and gaze the first views of up to ``count`` images keep.

    Returns
    -------
    dict
        ``images``; ``without_gaze``, those whose views are all accepted; ``crop_area``, the mean
        share of the image in a crop; over images with gaze ``crop_iou``, the mean share of gaze in
        a crop, ``accepted``, the share of crops with at least ``crop_min_iou``, and ``fallbacks``,
        views for which no box keeps enough.

    Examples
    --------
    >>> from gazesim.train import PhantomSettings, Views, view_statistics
    >>> samples = PhantomSettings(n_train=32, n_test=0).samples()
    >>> view_statistics(samples, Views(crop="gaze"), 64)["accepted"]
    1.0
    """
    make = views.maker(size)
    areas, shares, fallbacks = [], [], 0
    total = min(len(samples), integer("count", count, low=1, high=10**7))
    for index in range(total):
        image, gaze = samples.image(index)[:1], samples.gaze_map(index)
        record = make.view_and_record(image, gaze, key=key_of(seed, 0, index, 0))[1]
        x0, y0, x1, y1 = record.crop
        areas.append((x1 - x0) * (y1 - y0) / (image.shape[-1] * image.shape[-2]))
        fallbacks += record.fallbacks
        if gaze is not None and gaze.any():
            box = [record.crop]
            shares.append(float(iou(gaze.numpy(), box, weighting=views.weighting, support=views.support)[0]))
    accepted = [share >= views.crop_min_iou for share in shares]
    return {
        "images": total,
        "without_gaze": total - len(shares),
        "crop_area": float(np.mean(areas)) if areas else math.nan,
        "crop_iou": float(np.mean(shares)) if shares else math.nan,
        "accepted": float(np.mean(accepted)) if shares else math.nan,
        "fallbacks": fallbacks,
    }
