"""Samples in the files of a manifest, read on use."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from ..._core import __version__
from ..._errors import choice, integer, number
from ..._progress import ProgressBar
from ...heatmaps import draw_map
from ...reading.features import features_of_gaze, features_of_maps
from ...reading.options import GazeOptions
from ...reading.placed import Fixations, PlacedGaze
from ...reading.raw_samples import RawSamplesWarning, words_of_raw_samples
from ...reading.source import image_of
from ...schemes import Scheme
from ...schemes.features import Features
from .classes import coded
from .gaze_files import ManifestGaze
from .groups import groups_of
from .image_sizes import image_size, stretched_map
from .images import fitted, read_image, resized, unused_range
from .kept import MEMORY, InMemory, kept
from .manifest import Entry, Manifest
from .samples import Samples, checked_channels, take_columns

__all__ = ["ManifestSamples", "images_to_look_at"]

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
        Where pixels are kept after reading: ``"float32"`` (4 bytes per pixel of image and map), ``"uint8"``
        (1 byte; grey levels of images, shares of a map's maximum), ``"none"``, or ``"mapped"``: float32 in
        one temporary file, which the processes of a machine share and the last of them removes (on Windows
        ``"float32"``).
    gaze
        How gaze files are read and where images were on the screen, for rows that do not state it.
    sigma_share
        Standard deviation of the Gaussian that draws the maps of views, as a share of their side; default:
        what ``gaze`` says, else 1 degree or 1/40 of the canvas's width, as in ``gazesim affinity``.

    bits
        How many of 16 bits the pixels of PNG, TIFF and .npy images use, 12 for many cameras; default 16, with
        a warning where no image uses more than a quarter of that range.

    Images and the maps of views are squeezed; :meth:`fixations` and :meth:`gaze_features` are not: they are
    in pixels of the screen, or of the image file. A row's ``heatmap`` is its map; without one, the map is
    drawn from ``gaze``, all readers together. A heatmap has the image's proportions at any resolution, or is
    a square, squeezed as views are. One with width and height swapped is refused, and the first of other
    proportions is warned of, because it is stretched over the image.

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
        gaze: GazeOptions | None = None,
        sigma_share: float | None = None,
        bits: int | None = None,
    ) -> None:
        entries = manifest.entries
        self.path = manifest.path
        self.entries = list(entries)
        self.ids = [entry.id for entry in entries]
        self.labels, self.class_names = coded([entry.label for entry in entries], None)
        self.splits = [entry.split for entry in entries]
        self.groups = groups_of(entries)
        self.size = integer("size", size, low=8, high=8192)
        self.channels = checked_channels(channels)
        self.memory = choice("memory", memory, MEMORY)
        self.sigma_share = (
            None
            if sigma_share is None
            else number("sigma_share", sigma_share, low=0.0, high=1.0, open_low=True)
        )
        self.gaze = ManifestGaze(entries, gaze, manifest.path)
        self.bits = None if bits is None else integer("bits", bits, low=9, high=16)
        if self.bits is None and (note := unused_range([entry.image for entry in entries])):
            warnings.warn(f"{self.path or 'manifest'}: {note}", stacklevel=2)
        #: The first image whose map is stretched, which is warned of once.
        self._stretched: list[str] = []
        # Shared by all that are taken from these samples, by position in the whole manifest.
        self._at = {name: at for at, name in enumerate(self.ids)}
        sources = [(entry.image, entry.heatmap or entry.gaze) for entry in entries]
        settings = repr((__version__, self.bits, self.sigma_share, self.gaze.options, entries))
        self.kept = kept(self.memory, sources, self.size, settings)

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
        found = self.scanpaths(index)
        return found[0] if found else None

    def scanpaths(self, index: int) -> list[NDArray[np.float64]]:
        """Return the fixations of every reader in pixels of :meth:`image`, (L, 3) each."""
        found = self.gaze.framed(self.ids[index]).values()
        return [one.on_image() * self._scale(one.image_size) for one in found]

    def fixations(self, index: int) -> list[Fixations]:
        """Return the fixations of every reader of the image, with the sizes that they refer to."""
        where = self.gaze.positions().get(self.ids[index], [])
        return [self.gaze.placed.fixations(position) for position in where]

    def gaze_features(
        self, scheme: Scheme, *, reduce: str | None = None, n_threads: int | None = None
    ) -> Features:
        """Return the features of the gaze of all images that have some, as ``gazesim affinity`` does.

        Ids are those of the images, or (image, reader) where files tell readers apart; ``reduce="pool"``
        draws one map of all readers. Maps of files are compared at their own size, or fitted onto the
        largest width and height where they differ.
        """
        if scheme.takes == "heatmaps" and any(entry.heatmap is not None for entry in self.entries):
            named = {entry.id: i for i, entry in enumerate(self.entries) if self.has_gaze(i)}
            sizes = {self._map_size(i) for i in named.values()}
            whole = max(width for width, _ in sizes), max(height for _, height in sizes)
            maps = (fitted(self._native_map(i), whole) for i in named.values())
            return features_of_maps(scheme, maps, list(named), n_threads=n_threads)
        placed = self.placed_gaze()
        file = next((entry.gaze for entry in self.entries if entry.gaze is not None), None)
        if unlikely := words_of_raw_samples(scheme, placed.paths, str(file)):
            warnings.warn(unlikely, RawSamplesWarning, stacklevel=2)
        return features_of_gaze(scheme, placed, reduce=reduce, n_threads=n_threads)

    def placed_gaze(self) -> PlacedGaze:
        """Return the scanpaths of these images, on the canvas of all images of the manifest."""
        own, placed = set(self.ids), self.gaze.placed
        return placed.take([at for at, name in enumerate(placed.paths.ids) if image_of(name) in own])

    def _map_size(self, index: int) -> tuple[int, int]:
        file = self.entries[index].heatmap
        if file is None:
            return self.gaze.placed.map_size_wh
        width, height = self._naming_row(self.entries[index], "heatmap", lambda: image_size(file))
        return int(width), int(height)

    def _native_map(self, index: int) -> Floats:
        entry = self.entries[index]
        if entry.heatmap is not None:
            return self._heatmap(entry)
        return self.gaze.placed.map_of(self.gaze.positions()[entry.id])

    def _scale(self, size: tuple[float, float]) -> NDArray[np.float64]:
        """Return the factors (x, y, duration) from pixels of an image of this size to those of views."""
        return np.array([self.size / size[0], self.size / size[1], 1.0])

    def native_shape(self, index: int) -> tuple[int, int]:
        """Return (height, width) of the image file in pixels."""
        width, height = self.gaze.size_of(self.entries[index])
        return int(height), int(width)

    def has_gaze(self, index: int) -> bool:
        """Whether the manifest names gaze for the image."""
        entry = self.entries[index]
        return entry.heatmap is not None or entry.gaze is not None

    def take(self, chosen: Iterable[int]) -> ManifestSamples:
        """Return the samples at the positions ``chosen``, in that order; they share the pixels in memory."""
        at = [int(position) for position in chosen]
        new = copy.copy(self)
        new.entries = [self.entries[i] for i in at]
        take_columns(new, self, at)
        return new

    def preload(self, *, maps: bool = True, progress: bool = True) -> None:
        """Read everything into the memory of this process, where ``memory`` says so, before workers start."""
        if not isinstance(self.kept, InMemory):
            return
        for index in ProgressBar(range(len(self)), unit=" images", disable=not progress):
            self.image(index)
            if maps:
                self.gaze_map(index)

    def _remembered(self, kind: str, index: int, read: Callable[[Entry], Floats | None]) -> Floats | None:
        if self.kept is None:
            return read(self.entries[index])
        at = self._at[self.ids[index]]
        found = self.kept.find(kind, at)
        return self.kept.keep(kind, at, read(self.entries[index])) if found is None else found.pixels

    def _read_image(self, entry: Entry) -> Floats:
        image = self._naming_row(entry, "image", lambda: read_image(entry.image, self.bits))
        if image.min() < 0 or image.max() > 1:
            worst = image.min() if image.min() < 0 else image.max()
            raise self._fault(
                entry, "image", f"{entry.image} holds {worst}; expected 8 or 16 bits, or [0, 1]"
            )
        return np.clip(resized(image, (self.size, self.size)), 0, 1)

    def _read_map(self, entry: Entry) -> Floats | None:
        if entry.heatmap is not None:
            gaze = np.clip(resized(self._heatmap(entry), (self.size, self.size)), 0, None)
            return gaze if gaze.any() else None
        found = list(self.gaze.framed(entry.id).values())
        size = self.size, self.size
        if not found:
            return None
        if self.sigma_share is not None:
            points = np.concatenate([one.on_image() * self._scale(one.image_size) for one in found])
            sigma = self.sigma_share * self.size
            gaze = draw_map(points, size, (sigma, sigma), n_threads=1).astype(np.float32)
        else:
            gaze = self.gaze.placed.map_on_image(self.gaze.positions()[entry.id], size, n_threads=1)
        return gaze if gaze.any() else None

    def _heatmap(self, entry: Entry) -> Floats:
        file = entry.heatmap
        assert file is not None
        gaze: Floats = self._naming_row(entry, "heatmap", lambda: read_image(file))
        if gaze.min() < 0:
            raise self._fault(entry, "heatmap", f"{file} holds {gaze.min()}; expected at least 0")
        size = self._naming_row(entry, "image", lambda: self.gaze.size_of(entry))
        try:
            note = stretched_map(gaze.shape[::-1], size)
        except ValueError as error:
            raise self._fault(entry, "heatmap", f"{file} {error}") from None
        if note and not self._stretched:
            self._stretched.append(entry.id)
            problem = self._fault(entry, "heatmap", f"{file} {note}; further ones are not listed")
            warnings.warn(str(problem), stacklevel=2)
        return gaze

    def _naming_row(self, entry: Entry, column: str, read: Callable[[], Any]) -> Any:
        """Return the result of ``read``; errors name the line of the manifest."""
        try:
            return read()
        except (ValueError, OSError) as error:
            raise self._fault(entry, column, str(error)) from error

    def _fault(self, entry: Entry, column: str, problem: str) -> ValueError:
        return self.gaze.fault(entry, column, problem)


def images_to_look_at(samples: Samples, most: int) -> int:
    """Return how many maps are read for messages: at most ``most`` of those that would not stay in memory."""
    is_read_anew = isinstance(samples, ManifestSamples) and samples.memory == "none"
    return min(len(samples), most) if is_read_anew else len(samples)
