"""Settings of views and of synthetic images: plain values, for whose checks torch is not needed."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from ..._errors import choice, describe, integer, number, numbers
from ...scanpaths import Scanpaths
from ...views import Sampler

if TYPE_CHECKING:
    from ...phantom import Phantom
    from .samples import ArraySamples
    from .view_maker import ViewMaker

__all__ = ["PhantomSettings", "Views"]

Kind = Literal["none", "random", "gaze", "size-matched"]

KINDS = ("none", "random", "gaze", "size-matched")


@dataclass(frozen=True)
class Views:
    """How a view is made: crop, flips, intensity, blur, cutout, gaze mask, in this order.

    Parameters
    ----------
    crop
        ``"random"`` is RandomResizedCrop; ``"gaze"`` keeps ``crop_min_iou`` of the gaze (GCA);
        ``"size-matched"`` is the control: the sizes that ``"gaze"`` draws, at random places.
    crop_scale
        The smallest and the largest share of the image's area that a crop takes, above 0 to 1.
    crop_ratio
        The smallest and the largest width / height of a crop.
    crop_min_iou
        The share of gaze that a crop keeps, 0 to 1; 0.8 in GCA.
    cutout_min_iou
        The share of gaze that a view with a hole keeps, 0 to 1; 0.9 in GCA.
    cutout
        Whether a square hole is made, and where: as for ``crop``.
    cutout_side
        The hole's side as a share of the image's, above 0 to 1.
    cutout_probability
        How often a view has a hole, 0 to 1.
    mask_probability
        How often only the most salient pixels of a view are left, 0 to 1.
    mask_drop
        The share of pixels that a gaze mask hides, 0 to 1; 0.8 in GCA.
    support
        Pixels of a map above this share of its maximum count as gaze, from 0 to below 1.
    weighting
        ``"support"`` counts pixels of gaze, ``"mass"`` sums the map, as for
        :func:`gazesim.views.sample_crop`.
    method
        ``"exact"`` draws among the boxes that keep enough gaze, ``"rejection"`` draws until one does.
    horizontal_flip
        How often a view is mirrored left to right, 0 to 1. 0 where the side matters, as in dental panoramas.
    vertical_flip
        How often a view is mirrored upside down, 0 to 1.
    jitter
        Brightness and contrast are multiplied by a factor within 1 ± ``jitter`` each, 0 to 1.
    blur_probability
        How often a view is blurred, 0 to 1.
    blur_sigma_px
        The smallest and the largest standard deviation of the blur, in pixels of views of 224 pixels; in
        proportion for others.
    fill
        The value in holes and under masks, a grey level from 0 to 1.
    mean, std
        Grey levels: views are (pixel − mean) / std at last, pixels from 0 to 1. In pre-training
        :class:`~gazesim.train.Contrastive` puts both into its backbone instead, so that evaluation
        normalises alike.

    Examples
    --------
    >>> import torch
    >>> from gazesim.train import Views
    >>> make = Views(crop="gaze", cutout="gaze").maker(64)
    >>> gaze_map = torch.zeros(64, 64)
    >>> gaze_map[40:52, 8:20] = 1
    >>> make(torch.rand(1, 64, 64), gaze_map, key=(0, 7)).shape
    torch.Size([1, 64, 64])
    """

    crop: Kind = "random"
    crop_scale: tuple[float, float] = (0.2, 1.0)
    crop_ratio: tuple[float, float] = (3 / 4, 4 / 3)
    crop_min_iou: float = 0.8
    cutout: Kind = "none"
    cutout_side: float = 0.375
    cutout_probability: float = 0.5
    cutout_min_iou: float = 0.9
    mask_probability: float = 0.0
    mask_drop: float = 0.8
    support: float = 0.1
    weighting: Literal["support", "mass"] = "support"
    method: Literal["exact", "rejection"] = "exact"
    horizontal_flip: float = 0.5
    vertical_flip: float = 0.5
    jitter: float = 0.4
    blur_probability: float = 0.3
    blur_sigma_px: tuple[float, float] = (0.1, 2.0)
    fill: float = 0.0
    mean: float = 0.0
    std: float = 1.0

    def __post_init__(self) -> None:
        choice("crop", self.crop, KINDS)
        choice("cutout", self.cutout, KINDS)
        for name in (
            "cutout_probability",
            "mask_probability",
            "horizontal_flip",
            "vertical_flip",
            "blur_probability",
            "mask_drop",
            "jitter",
            "fill",
        ):
            number(name, getattr(self, name), low=0.0, high=1.0)
        number("cutout_side", self.cutout_side, low=0.0, high=1.0, open_low=True)
        number("mean", self.mean, low=-1e6)
        number("std", self.std, low=0.0, open_low=True)
        low, high = numbers("blur_sigma_px", self.blur_sigma_px, 2)
        if not 0 < low <= high:
            raise ValueError(
                f"blur_sigma_px is {describe(self.blur_sigma_px)}; expected 0 < smallest <= largest"
            )
        self.crop_sampler()  # the rest is checked there
        self.cutout_sampler(64)

    @property
    def use_gaze(self) -> bool:
        """Whether any step of a view depends on gaze."""
        gaze = ("gaze", "size-matched")
        return self.crop in gaze or self.cutout in gaze or self.mask_probability > 0

    def hole_side(self, size: int) -> int:
        """Return the side in pixels of the cutout's hole in a view of ``size`` pixels."""
        return min(max(round(self.cutout_side * size), 1), size)

    def crop_sampler(self) -> Sampler:
        """Return what draws the boxes of crops."""
        return Sampler(
            "crop",
            min_iou=self.crop_min_iou,
            scale=self.crop_scale,
            ratio=self.crop_ratio,
            weighting=self.weighting,
            support=self.support,
            method=self.method,
        )

    def cutout_sampler(self, size: int) -> Sampler:
        """Return what draws the boxes of holes in views of ``size`` pixels."""
        return Sampler(
            "cutout",
            min_iou=self.cutout_min_iou,
            scale=(0.02, 0.2),  # the size is given
            ratio=(1.0, 1.0),
            size=self.hole_side(size),
            weighting=self.weighting,
            support=self.support,
            method=self.method,
        )

    def maker(self, size: int) -> ViewMaker:
        """Return the function that makes views of ``size`` pixels square."""
        from .view_maker import ViewMaker

        return ViewMaker(self, size)


@dataclass(frozen=True)
class PhantomSettings:
    """A synthetic data set in place of files: see :mod:`gazesim.phantom`.

    Parameters
    ----------
    kind
        ``"plain"`` (a lesion anywhere, four classes) or ``"structured"`` (a jaw, five classes).
    n_train, n_val, n_test
        How many images the split has; no two splits share random numbers.
    size
        Side of the images in pixels.
    seed
        Equal seeds give equal data.
    readers
        People who read each image of the plain phantom; affinities are over all of them.

    Examples
    --------
    >>> from gazesim.train import PhantomSettings
    >>> PhantomSettings(n_train=4, n_test=2, size=32).samples()
    ArraySamples(n=6, classes=['normal', 'benign', 'malignant', 'calcification'])
    """

    kind: Literal["plain", "structured"] = "plain"
    n_train: int = 1024
    n_val: int = 0
    n_test: int = 1000
    size: int = 64
    seed: int = 0
    readers: int = 1

    def __post_init__(self) -> None:
        choice("kind", self.kind, ("plain", "structured"))
        if self.kind == "structured" and self.readers != 1:
            raise ValueError(f"readers is {self.readers}; expected 1 for the structured phantom")
        for name in ("n_train", "n_val", "n_test"):
            integer(name, getattr(self, name), low=0, high=10**7)

    def samples(self, channels: int = 1) -> ArraySamples:
        """Return the images of all splits, named ``"train-00000"`` and so on."""
        from .samples import ArraySamples

        parts = {
            split: self._part(number, count)
            for number, (split, count) in enumerate(
                (("train", self.n_train), ("val", self.n_val), ("test", self.n_test))
            )
            if count
        }
        if not parts:
            raise ValueError("n_train, n_val and n_test are all 0; expected images")
        named = {split: self.ids(split) for split in parts}
        ids = [name for names in named.values() for name in names]
        paths = [path for part in parts.values() for path in part.scanpaths]
        readings = [name for split, part in parts.items() for name in _renamed(part, named[split])]
        return ArraySamples(
            np.concatenate([part.images for part in parts.values()]),
            np.concatenate([part.labels for part in parts.values()]),
            np.concatenate([part.heatmaps for part in parts.values()]),
            ids=ids,
            scanpaths=Scanpaths.from_list(paths, ids=readings, screen_size=(self.size, self.size)),
            splits=[split for split, part in parts.items() for _ in range(len(part))],
            channels=channels,
            class_names=next(iter(parts.values())).class_names,
        )

    def ids(self, split: str) -> list[str]:
        """Return the names of the images of ``"train"``, ``"val"`` or ``"test"``."""
        return [f"{split}-{i:05}" for i in range(int(getattr(self, f"n_{split}")))]

    def _part(self, number: int, count: int) -> Phantom:
        from ...phantom import phantom, structured_phantom

        seed = int(np.random.SeedSequence([self.seed, number]).generate_state(1)[0])
        if self.kind == "structured":
            return structured_phantom(count, seed=seed, size=self.size)
        return phantom(count, seed=seed, size=self.size, readers=self.readers)


def check_division(
    preset: str | None,
    phantom: object,
    images: str | None,
    fractions: tuple[float, ...] | None,
    folds: int | None,
    fold: int | None,
) -> None:
    """Raise for options about the division of images that do not go together."""
    for name, value in (("images", images), ("fractions", fractions)):
        if value is not None and preset is None:
            raise ValueError(f"{name} is {describe(value)} without preset; expected a preset, or no {name}")
    if fractions is not None:
        numbers("fractions", fractions, 3)
        if abs(sum(fractions) - 1) > 1e-6:
            raise ValueError(f"fractions is {describe(fractions)}; expected train, val, test with the sum 1")
        if folds is not None:
            raise ValueError("fractions and folds are both given; expected one of them")
    if (folds is None) != (fold is None):
        raise ValueError(f"folds is {folds} and fold is {fold}; expected both or neither")
    if folds is not None and fold is not None:
        if phantom is not None:
            raise ValueError("folds and phantom are both given; expected folds of files")
        integer("folds", folds, low=2, high=2**31)
        integer("fold", fold, low=0, high=folds - 1)


def _renamed(part: Phantom, ids: list[str]) -> list[Hashable]:
    """Return the ids of a part's scanpaths with its images named ``ids``, several readers kept apart."""
    names: tuple[Any, ...] = part.scanpaths.ids
    return [(ids[name[0]], f"reader{name[1]}") if isinstance(name, tuple) else ids[name] for name in names]
