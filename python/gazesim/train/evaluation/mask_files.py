"""Masks in the files of a manifest's column ``mask``."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...io.tables import fault
from ..data.image_sizes import same_proportions, words_of_size
from ..data.images import Image, read_image, resized
from ..data.samples import Samples

__all__ = ["Masks", "masks_of"]

#: A mask of up to this many grey levels, one of them between its least and its largest, may hold labels.
LABEL_LEVELS = 20
#: Their grey levels are not those that were saved.
LOSSY = (".jpg", ".jpeg")

Masks = NDArray[np.bool_]


def masks_of(samples: Samples) -> list[Masks | None]:
    """Return the masks of a manifest's column ``mask`` at the size of the images; None without one.

    A mask marks a region of what the samples show: of the whole image file, also in a row with a ``box``; for
    PatchSamples of the box. It may have another resolution, but needs the same proportions, up to a pixel.

    A pixel is in the region where the file holds more than half of its largest value, so that masks of 0
    and 1, of 0 and 255, anti-aliased and compressed ones (JPEG) mean the same. A file with a number per
    lesion (0, 1, 3) is refused, because half of the largest number would drop lesions: those are files other
    than JPEG of 3 to 20 grey levels, of which one between the least and the largest fills 2 x 2 pixels.
    """
    found: list[Masks | None] = []
    shape_of: Callable[[int], tuple[int, int]] | None = getattr(samples, "native_shape", None)
    for index, entry in enumerate(getattr(samples, "entries", [None] * len(samples))):
        file = getattr(entry, "mask", None)
        if file is None:
            found.append(None)
            continue
        try:
            region = _region(file, None if shape_of is None else shape_of(index))
        except (ValueError, OSError) as error:
            path, line = getattr(samples, "path", None), getattr(entry, "line", None)
            problem = f"image {samples.ids[index]!r}, column 'mask': {error}"
            raise fault(path or "manifest", line, problem) from error
        shape = tuple(samples.image(index).shape[1:])
        found.append(resized(region.astype(np.float32), shape) >= 0.5)
    return found


def _region(file: Path, shape: tuple[int, int] | None) -> Masks:
    """Return the region of a mask file, for an image of (height, width), None if that is not known."""
    pixels = read_image(file)
    if shape is not None and not same_proportions(pixels.shape, shape):
        raise ValueError(
            f"{file} has {words_of_size(pixels.shape[::-1])}, and the image {words_of_size(shape[::-1])}; "
            "expected the image's proportions"
        )
    if file.suffix.lower() not in LOSSY and (levels := _labels(pixels)) is not None:
        listed = ", ".join(f"{level:g}" for level in levels)
        raise ValueError(
            f"{file} holds the values {listed}; expected two, 0 outside of the region and another one inside"
        )
    region: Masks = pixels > pixels.max() / 2
    return region


def _labels(pixels: Image) -> NDArray[Any] | None:
    """Return the grey levels of a file if they are labels of several regions, as whole numbers; else None."""
    low, high = pixels.min(), pixels.max()
    between = (pixels > low) & (pixels < high)
    levels = np.unique(pixels[between])
    if not 1 <= len(levels) <= LABEL_LEVELS - 2:
        return None
    # At the edge of an anti-aliased region no level between fills a square, however small.
    corner, is_between = pixels[:-1, :-1], between[:-1, :-1]
    others = (pixels[1:, :-1], pixels[:-1, 1:], pixels[1:, 1:])
    if not (is_between & np.logical_and.reduce([corner == other for other in others])).any():
        return None
    levels = np.array([low, *levels, high], np.float64)
    for top in (255, 65535) if high <= 1 else ():
        if np.abs(levels * top - np.round(levels * top)).max() < 1e-3:
            return np.round(levels * top)
    return levels
