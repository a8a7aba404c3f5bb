"""Samples: images with their labels and gaze, by position, from arrays in memory or from files."""

from __future__ import annotations

import copy
from collections.abc import Hashable, Iterable, Sequence
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from ..._errors import describe
from ...reading.features import features_of_gaze, features_of_maps
from ...reading.options import GazeOptions
from ...reading.placed import Fixations, PlacedGaze, spread_of
from ...reading.source import image_of
from ...scanpaths import Scanpaths
from ...schemes import Scheme
from ...schemes.features import Features
from .classes import coded, is_absent
from .images import resized
from .splits import SPLITS

__all__ = ["ArraySamples", "Samples"]


class Samples(Protocol):
    """The data that training and evaluation read: ``n`` images of one size, by position.

    ``labels[i]`` is a position in ``class_names``, or -1; ``splits[i]`` is ``"train"``, ``"val"``,
    ``"test"`` or ``""``; ``groups[i]`` names the patient, where patients are known.

    Examples
    --------
    >>> from gazesim.train import PhantomSettings, Samples
    >>> samples: Samples = PhantomSettings(n_train=2, n_test=1, size=32).samples()
    >>> samples.ids, samples.splits, samples.image(0).shape
    (['train-00000', 'train-00001', 'test-00000'], ['train', 'train', 'test'], torch.Size([1, 32, 32]))
    """

    ids: list[str]
    labels: list[int]
    class_names: tuple[str, ...]
    splits: list[str]
    groups: list[str] | None

    def __len__(self) -> int: ...

    def image(self, index: int) -> torch.Tensor:
        """Return the image, (C, H, W) float32 in [0, 1]."""

    def has_gaze(self, index: int) -> bool:
        """Whether there is gaze for the image, as far as that is known without reading it."""

    def gaze_map(self, index: int) -> torch.Tensor | None:
        """Return the gaze map of the image, (H, W) float32 of at least 0, or None without gaze."""

    def scanpath(self, index: int) -> NDArray[np.float64] | None:
        """Return the fixations in pixels of :meth:`image` and seconds, (L, 3), or None."""

    def fixations(self, index: int) -> list[Fixations]:
        """Return every reader's fixations on the image, with the sizes that they refer to."""

    def gaze_features(
        self, scheme: Scheme, *, reduce: str | None = None, n_threads: int | None = None
    ) -> Features:
        """Return the features of the gaze of all images that have some, in its native frame."""

    def take(self, chosen: Iterable[int]) -> Samples:
        """Return the samples at the positions ``chosen``, in that order."""


class ArraySamples:
    """Samples in memory: a phantom's, or your own arrays.

    Parameters
    ----------
    images
        (n, H, W) greyscale: 8 and 16 bits are scaled to [0, 1], floats have to be in it.
    labels
        One class per image, a name or a whole number; None, NaN or the number -1 for an image without label.
        Classes are ordered by name, numbers by value.
    heatmaps
        (n, H, W) gaze maps of the images' size; an image whose map is all 0 has no gaze.
    ids
        One distinct name per image, default ``"0"`` to ``"n - 1"``.
    scanpaths
        Scanpaths in pixels of the images, by these ids or by (id, reader). Affinities compare all readers;
        :meth:`scanpath` is the first one's.
    splits, groups
        One per image. An image whose group is "", None or NaN is a group of its own, as in manifests.
    channels
        1, or 3 equal ones for networks that expect colour.
    class_names
        The classes in order, where ``labels`` are positions in it.

    Examples
    --------
    >>> import numpy as np
    >>> from gazesim.train import ArraySamples
    >>> samples = ArraySamples(np.zeros((2, 32, 32)), labels=["benign", "malignant"], channels=3)
    >>> samples.image(1).shape, samples.labels, samples.class_names, samples.gaze_map(0)
    (torch.Size([3, 32, 32]), [0, 1], ('benign', 'malignant'), None)
    """

    def __init__(
        self,
        images: NDArray[Any],
        labels: Sequence[Any] | NDArray[Any] | None = None,
        heatmaps: NDArray[Any] | None = None,
        *,
        ids: Iterable[Hashable] | None = None,
        scanpaths: Scanpaths | None = None,
        splits: Sequence[str] | None = None,
        groups: Sequence[str] | None = None,
        channels: int = 1,
        class_names: Sequence[str] | None = None,
    ) -> None:
        self._images = _unit(images)
        count = len(self._images)
        self.ids = [str(i) for i in range(count)] if ids is None else [str(name) for name in ids]
        self._check_ids(count)
        self.labels, self.class_names = coded(_listed("labels", labels, count, None), class_names)
        self.splits = [_split(i, split) for i, split in enumerate(_listed("splits", splits, count, ""))]
        self.groups = self._grouped(_listed("groups", groups, count, ""))
        self.channels = checked_channels(channels)
        self._maps = None if heatmaps is None else _maps(heatmaps, self._images.shape)
        self._native_maps = self._maps
        self._paths = None if scanpaths is None else first_readings(scanpaths)
        self._gaze = None if scanpaths is None else placed_on_arrays(scanpaths, self._images.shape)

    def _grouped(self, groups: list[Any]) -> list[str] | None:
        names = ["" if is_absent(group) else str(group) for group in groups]
        return [group or name for group, name in zip(names, self.ids, strict=True)] if any(names) else None

    def _check_ids(self, count: int) -> None:
        if len(self.ids) != count:
            raise ValueError(f"ids has {len(self.ids)} entries; expected one for each of {count} images")
        if len(set(self.ids)) < count:
            twice = next(name for i, name in enumerate(self.ids) if name in self.ids[:i])
            raise ValueError(f"ids holds {twice!r} twice; expected distinct ids")

    def __len__(self) -> int:
        return len(self.ids)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(n={len(self)}, classes={list(self.class_names)})"

    def image(self, index: int) -> torch.Tensor:
        """Return the image, (C, H, W) float32 in [0, 1]."""
        return torch.from_numpy(self._images[index]).expand(self.channels, -1, -1)

    def has_gaze(self, index: int) -> bool:
        """Whether the image has a map with gaze, or a scanpath."""
        return self.gaze_map(index) is not None or self.scanpath(index) is not None

    def gaze_map(self, index: int) -> torch.Tensor | None:
        """Return the gaze map of the image, (H, W) float32, or None without gaze."""
        if self._maps is None or not self._maps[index].any():
            return None
        return torch.from_numpy(self._maps[index])

    def scanpath(self, index: int) -> NDArray[np.float64] | None:
        """Return the fixations in pixels of the image and seconds, (L, 3), or None."""
        return None if self._paths is None else self._paths.get(self.ids[index])

    def fixations(self, index: int) -> list[Fixations]:
        """Return every reader's fixations on the image, in pixels of the arrays that were given."""
        if self._gaze is None:
            return []
        names = self._gaze.paths.ids
        return [self._gaze.fixations(i) for i, name in enumerate(names) if image_of(name) == self.ids[index]]

    def gaze_features(
        self, scheme: Scheme, *, reduce: str | None = None, n_threads: int | None = None
    ) -> Features:
        """Return the features of the gaze of all images that have some, at the size that was given.

        Schemes that compare maps take ``heatmaps``, and without those maps drawn from ``scanpaths``.
        """
        if scheme.takes == "heatmaps" and self._native_maps is not None:
            found = {name: one for name, one in zip(self.ids, self._native_maps, strict=True) if one.any()}
            return features_of_maps(scheme, found.values(), list(found), n_threads=n_threads)
        if self._gaze is None:
            return (
                features_of_maps(scheme, (), ())
                if scheme.takes == "heatmaps"
                else scheme.features(Scanpaths.from_list([], screen_size=self._images.shape[:0:-1]))
            )
        own = set(self.ids)
        chosen = [i for i, name in enumerate(self._gaze.paths.ids) if image_of(name) in own]
        return features_of_gaze(scheme, self._gaze.take(chosen), reduce=reduce, n_threads=n_threads)

    def take(self, chosen: Iterable[int]) -> ArraySamples:
        """Return the samples at the positions ``chosen``, in that order."""
        at = [int(position) for position in chosen]
        new = copy.copy(self)
        new._images = self._images[at]
        new._maps = None if self._maps is None else self._maps[at]
        native = self._native_maps
        new._native_maps = new._maps if native is self._maps or native is None else native[at]
        take_columns(new, self, at)
        return new

    def resized(self, size: int) -> ArraySamples:
        """Return the samples with images, maps and scanpaths of ``size`` pixels square."""
        height, width = self._images.shape[1:]
        if (height, width) == (size, size):
            return self
        new = copy.copy(self)
        new._images = np.stack([resized(image, (size, size)) for image in self._images])
        if self._maps is not None:
            new._maps = np.stack([resized(one, (size, size)) for one in self._maps])
        if self._paths is not None:
            scale = np.array([size / width, size / height, 1.0])
            new._paths = {name: path * scale for name, path in self._paths.items()}
        return new


def take_columns(new: Any, old: Any, at: list[int]) -> None:
    """Give ``new`` the ids, labels, splits and groups of ``old`` at some positions."""
    new.ids = [old.ids[i] for i in at]
    new.labels = [old.labels[i] for i in at]
    new.splits = [old.splits[i] for i in at]
    new.groups = None if old.groups is None else [old.groups[i] for i in at]


def checked_channels(channels: int) -> int:
    """Return 1 or 3."""
    if channels not in (1, 3):
        raise ValueError(f"channels is {describe(channels)}; expected 1 or 3")
    return int(channels)


def first_readings(paths: Scanpaths) -> dict[str, NDArray[np.float64]]:
    """Return the scanpath of every image; of several readers' the one that comes first."""
    found: dict[str, NDArray[np.float64]] = {}
    for name, path in zip(paths.ids, paths, strict=True):
        image = name[0] if isinstance(name, tuple) and len(name) == 2 else name
        found.setdefault(str(image), path)
    return found


def placed_on_arrays(paths: Scanpaths, shape: tuple[int, ...]) -> PlacedGaze:
    """Return scanpaths in pixels of images of (n, H, W), ids as text."""
    height, width = shape[1:]
    size = (float(width), float(height))
    ids = [tuple(map(str, name)) if isinstance(name, tuple) else str(name) for name in paths.ids]
    return PlacedGaze(
        Scanpaths.from_list(paths, ids=ids, screen_size=size),
        ((0.0, 0.0, *size),) * len(paths),
        (size,) * len(paths),
        spread_of(size, GazeOptions()),
    )


def _listed(argument: str, values: Any, count: int, default: Any) -> list[Any]:
    if values is None:
        return [default] * count
    listed = values.tolist() if isinstance(values, np.ndarray) else list(values)
    if len(listed) != count:
        raise ValueError(f"{argument} has {len(listed)} entries; expected one for each of {count} images")
    return listed


def _split(index: int, split: Any) -> str:
    if split not in SPLITS:
        raise ValueError(f'splits[{index}] is {describe(split)}; expected "train", "val", "test" or ""')
    return str(split)


def _unit(images: NDArray[Any]) -> NDArray[np.float32]:
    array = np.asarray(images)
    if array.ndim != 3 or not array.size:
        raise ValueError(f"images has shape {array.shape}; expected (n, H, W), greyscale and not empty")
    if array.dtype.kind not in "uf":
        raise TypeError(f"images has dtype {array.dtype}; expected uint8, uint16 or floats in [0, 1]")
    top = np.iinfo(array.dtype).max if array.dtype.kind == "u" else 1
    pixels = np.ascontiguousarray(array, np.float32) / np.float32(top) if top != 1 else _floats(array)
    if not (pixels.min() >= 0 and pixels.max() <= 1):
        wrong = np.argwhere(~((pixels >= 0) & (pixels <= 1)))[0]
        sample, row, column = map(int, wrong)
        raise ValueError(
            f"images: sample {sample}, row {row}, column {column} is {pixels[sample, row, column]}; "
            "expected numbers in [0, 1]"
        )
    return pixels


def _maps(heatmaps: NDArray[Any], shape: tuple[int, ...]) -> NDArray[np.float32]:
    array = np.asarray(heatmaps)
    if array.shape != shape:
        raise ValueError(f"heatmaps has shape {array.shape}, images {shape}; expected equal shapes")
    maps = _floats(array)
    if not (np.isfinite(maps).all() and maps.min() >= 0):
        sample, row, column = map(int, np.argwhere(~(np.isfinite(maps) & (maps >= 0)))[0])
        raise ValueError(
            f"heatmaps: sample {sample}, row {row}, column {column} is {maps[sample, row, column]}; "
            "expected finite numbers of at least 0"
        )
    return maps


def _floats(array: NDArray[Any]) -> NDArray[np.float32]:
    """Return a writable float32 array: torch shares its memory."""
    return np.require(array, np.float32, ["C", "A", "W"])
