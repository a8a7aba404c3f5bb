"""Patches: the boxes of a manifest, each a sample with its own label."""

from __future__ import annotations

import copy
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from ..._progress import tell
from ...schemes import Scheme
from ...schemes.features import Features
from ..data.images import image_shape, read_image, resized
from ..data.manifest import Entry
from ..data.samples import Samples, take_columns

__all__ = ["PatchSamples"]


class PatchSamples:
    """Parts of images as samples: the rows of a manifest that have a ``box``, cut out and resized.

    When to use them: to test features of a *place* (polyp or background, kind of calcification) if an image
    as a whole has no class, or if the lesion is small. Each row is a patch with a label of its own; several
    rows may name one image file.

    Parameters
    ----------
    samples
        Samples of a manifest with a column ``box`` (x0, y0, x1, y1 in pixels of the image file). Rows
        without a box are left out, and a line on stderr gives their number. A box that reaches over the
        image's edge is cut there; one without any pixel of the image is an error. Boxes become squares, as
        images do.

    Notes
    -----
    Patches of one image file are in one fold, and so are all images and patches of a ``group``.
    """

    def __init__(self, samples: Samples) -> None:
        entries = getattr(samples, "entries", None)
        chosen = [i for i, entry in enumerate(entries or ()) if entry.box is not None]
        if not chosen:
            raise ValueError(
                f"none of {len(samples)} images has a box; expected a manifest with a column box, whose rows "
                "are parts of images"
            )
        if len(chosen) < len(samples):
            tell(f"{len(samples) - len(chosen)} of {len(samples)} rows have no box and are left out")
        source: Any = samples
        self.class_names: tuple[str, ...] = source.class_names
        self.ids: list[str]
        self.labels: list[int]
        self.splits: list[str]
        self.groups: list[str] | None
        take_columns(self, source, chosen)
        self.entries = [source.entries[i] for i in chosen]
        self.size, self.channels, self.bits = source.size, source.channels, source.bits
        self.path = source.path
        # Rows of one image mostly follow each other.
        self._last: tuple[Path, NDArray[np.float32]] | None = None

    def __len__(self) -> int:
        return len(self.ids)

    def image(self, index: int) -> torch.Tensor:
        """Return the patch, (C, H, W) float32 in [0, 1]."""
        entry = self.entries[index]
        if self._last is None or self._last[0] != entry.image:
            self._last = entry.image, read_image(entry.image, self.bits)
        whole = self._last[1]
        left, top, right, bottom = self._corners(entry, *whole.shape)
        part = resized(np.ascontiguousarray(whole[top:bottom, left:right]), (self.size, self.size))
        return torch.from_numpy(np.clip(part, 0, 1).astype(np.float32)).expand(self.channels, -1, -1)

    def native_shape(self, index: int) -> tuple[int, int]:
        """Return (height, width) of the patch in pixels of the image file."""
        entry = self.entries[index]
        left, top, right, bottom = self._corners(entry, *image_shape(entry.image))
        return bottom - top, right - left

    def _corners(self, entry: Entry, height: int, width: int) -> tuple[int, int, int, int]:
        """Return the box of a row in whole pixels, cut at the edge of an image of this size."""
        assert entry.box is not None
        x0, y0, x1, y1 = entry.box
        left, top = max(round(x0), 0), max(round(y0), 0)
        right, bottom = min(max(round(x1), left + 1), width), min(max(round(y1), top + 1), height)
        if left >= right or top >= bottom:
            where = f", line {entry.line}" if entry.line is not None else f", image {entry.id!r}"
            box = ",".join(f"{side:g}" for side in entry.box)
            raise ValueError(
                f"{self.path or 'manifest'}{where}: column 'box' is {box!r}, and {entry.image} has "
                f"{width} x {height} pixels; expected a box on the image, x0,y0,x1,y1"
            )
        return left, top, right, bottom

    def has_gaze(self, index: int) -> bool:
        """Return False: gaze belongs to whole images."""
        return False

    def gaze_map(self, index: int) -> torch.Tensor | None:
        """Return None: gaze belongs to whole images."""
        return None

    def scanpath(self, index: int) -> NDArray[np.float64] | None:
        """Return None: gaze belongs to whole images."""
        return None

    def fixations(self, index: int) -> list[Any]:
        """Return nothing: gaze belongs to whole images."""
        return []

    def gaze_features(
        self, scheme: Scheme, *, reduce: str | None = None, n_threads: int | None = None
    ) -> Features:
        """Raise ValueError: gaze belongs to whole images."""
        raise ValueError("patches have no gaze; expected the samples of whole images")

    def take(self, chosen: Iterable[int]) -> PatchSamples:
        """Return the patches at the positions ``chosen``, in that order."""
        at = [int(position) for position in chosen]
        new = copy.copy(self)
        new.entries = [self.entries[i] for i in at]
        take_columns(new, self, at)
        return new
