"""Samples in files: what a manifest names, read when it is used."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from ..._errors import choice, integer, number
from ..._progress import ProgressBar
from ...heatmaps import render_heatmap
from ...io.tables import fault
from .gaze_files import GazeFiles
from .images import image_shape, read_image, resized, unused_range
from .manifest import Entry, Manifest
from .samples import checked_channels, coded, take_columns

__all__ = ["ManifestSamples"]

MEMORY = ("none", "uint8", "float32")
Floats = NDArray[np.float32]


class ManifestSamples:
    """The images of a manifest at one size, with their gaze.

    Parameters
    ----------
    manifest
        What :meth:`Manifest.read` or a preset returned.
    size
        Side of images and maps in pixels: they are squeezed to a square, smoothed where they shrink.
    channels
        1, or 3 equal ones.
    memory
        What stays in memory once it is read: ``"float32"`` (4 bytes per pixel of image and map),
        ``"uint8"`` (1 byte; grey levels of images, shares of a map's maximum) or ``"none"``.
    sigma_share
        Standard deviation of the Gaussian that draws fixations as a map, as a share of the side.

    bits
        How many of 16 bits the pixels of PNG, TIFF and .npy images use, 12 for many cameras; default 16, with
        a warning where no image uses more than a quarter of that range.

    Scanpaths refer to what their file states (fractions, or pixels of a stated image size), else to
    pixels of the image file. A row's ``heatmap`` is its map; without one it is drawn from ``gaze``,
    all readers together. :meth:`scanpath` is the first reader's.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> import numpy as np
    >>> from gazesim.train import Entry, Manifest, ManifestSamples
    >>> with TemporaryDirectory() as folder:
    ...     np.save(Path(folder) / "a.npy", np.full((40, 60), 0.5))
    ...     samples = ManifestSamples(Manifest([Entry("a", Path(folder) / "a.npy")]), size=32, channels=3)
    ...     samples.image(0).shape
    torch.Size([3, 32, 32])
    """

    def __init__(
        self,
        manifest: Manifest,
        *,
        size: int = 224,
        channels: int = 1,
        memory: str = "none",
        sigma_share: float = 3 / 64,
        bits: int | None = None,
    ) -> None:
        entries = manifest.entries
        self.path = manifest.path
        self.entries = list(entries)
        self.ids = [entry.id for entry in entries]
        self.labels, self.class_names = coded([entry.label for entry in entries], None)
        self.splits = [entry.split for entry in entries]
        grouped = any(entry.group for entry in entries)
        self.groups = [entry.group or entry.id for entry in entries] if grouped else None
        self.size = integer("size", size, low=8, high=8192)
        self.channels = checked_channels(channels)
        self.memory = choice("memory", memory, MEMORY)
        self.sigma_share = number("sigma_share", sigma_share, low=0.0, high=1.0, open_low=True)
        self.bits = None if bits is None else integer("bits", bits, low=9, high=16)
        if self.bits is None and (note := unused_range([entry.image for entry in entries])):
            warnings.warn(f"{self.path or 'manifest'}: {note}", stacklevel=2)
        self._gaze = GazeFiles()
        # Shared by all that are taken from these samples, by id.
        self._kept: dict[tuple[str, str], tuple[NDArray[Any], float] | None] = {}

    def __len__(self) -> int:
        return len(self.ids)

    def __repr__(self) -> str:
        return f"ManifestSamples(n={len(self)}, size={self.size}, classes={list(self.class_names)})"

    def image(self, index: int) -> torch.Tensor:
        """Return the image, (C, H, W) float32 in [0, 1]."""
        pixels = self._remembered("image", index, self._read_image)
        assert pixels is not None
        return torch.from_numpy(pixels).expand(self.channels, -1, -1)

    def gaze_map(self, index: int) -> torch.Tensor | None:
        """Return the gaze map, (H, W) float32, or None without gaze."""
        if not self.has_gaze(index):
            return None
        gaze = self._remembered("map", index, self._read_map)
        return None if gaze is None else torch.from_numpy(gaze)

    def scanpath(self, index: int) -> NDArray[np.float64] | None:
        """Return the first reader's fixations in pixels of :meth:`image`, (L, 3), or None."""
        paths = self._scanpaths(self.entries[index])
        return paths[0] if paths else None

    def has_gaze(self, index: int) -> bool:
        """Whether the manifest names gaze for the image."""
        entry = self.entries[index]
        return entry.heatmap is not None or entry.gaze is not None

    def take(self, chosen: Iterable[int]) -> ManifestSamples:
        """Return the samples at the positions ``chosen``, in that order; what is kept is shared."""
        at = [int(position) for position in chosen]
        new = copy.copy(self)
        new.entries = [self.entries[i] for i in at]
        take_columns(new, self, at)
        return new

    def preload(self, *, maps: bool = True, progress: bool = True) -> None:
        """Read everything into memory, where ``memory`` says so, before workers are started."""
        if self.memory == "none":
            return
        for index in ProgressBar(range(len(self)), unit=" images", disable=not progress):
            self.image(index)
            if maps:
                self.gaze_map(index)

    def _remembered(self, kind: str, index: int, read: Callable[[Entry], Floats | None]) -> Floats | None:
        key = kind, self.ids[index]
        if key not in self._kept:
            fresh = read(self.entries[index])
            if self.memory == "none":
                return fresh
            top = 1.0 if fresh is None or kind == "image" else float(fresh.max())
            self._kept[key] = None if fresh is None else _packed(fresh, self.memory, top)
        packed = self._kept[key]
        return None if packed is None else _unpacked(*packed)

    def _read_image(self, entry: Entry) -> Floats:
        image = self._told(entry, "image", lambda: read_image(entry.image, self.bits))
        if image.min() < 0 or image.max() > 1:
            worst = image.min() if image.min() < 0 else image.max()
            raise self._fault(
                entry, "image", f"{entry.image} holds {worst}; expected 8 or 16 bits, or [0, 1]"
            )
        return np.clip(resized(image, (self.size, self.size)), 0, 1)

    def _read_map(self, entry: Entry) -> Floats | None:
        if entry.heatmap is not None:
            file = entry.heatmap
            gaze = self._told(entry, "heatmap", lambda: read_image(file))
            if gaze.min() < 0:
                raise self._fault(entry, "heatmap", f"{file} holds {gaze.min()}; expected at least 0")
            gaze = np.clip(resized(gaze, (self.size, self.size)), 0, None)
        else:
            paths = self._scanpaths(entry)
            size = (self.size, self.size)
            drawn = render_heatmap(
                np.concatenate(paths), size=size, sigma_px=self.sigma_share * self.size, n_threads=1
            )
            gaze = drawn.astype(np.float32)
        return gaze if gaze.any() else None

    def _scanpaths(self, entry: Entry) -> list[NDArray[np.float64]]:
        file = entry.gaze
        if file is None:
            return []
        readings = self._told(entry, "gaze", lambda: self._gaze.readings(file, entry.id, entry.gaze_name))
        native = (1.0, 1.0)
        if any(reading.size is None for reading in readings):
            height, width = self._told(entry, "image", lambda: image_shape(entry.image))
            native = float(width), float(height)
        return [reading.scaled(self.size, self.size, native) for reading in readings]

    def _told(self, entry: Entry, column: str, read: Callable[[], Any]) -> Any:
        """Return what ``read`` returns; what goes wrong names the manifest's line."""
        try:
            return read()
        except (ValueError, OSError) as error:
            raise self._fault(entry, column, str(error)) from error

    def _fault(self, entry: Entry, column: str, problem: str) -> ValueError:
        return fault(self.path or "manifest", entry.line, f"image {entry.id!r}, column {column!r}: {problem}")


def _packed(pixels: Floats, memory: str, top: float) -> tuple[NDArray[Any], float]:
    if memory == "float32":
        return pixels, top
    return np.round(pixels * (255 / top)).astype(np.uint8), top


def _unpacked(packed: NDArray[Any], top: float) -> Floats:
    if packed.dtype == np.uint8:
        return packed.astype(np.float32) * np.float32(top / 255)
    return packed
