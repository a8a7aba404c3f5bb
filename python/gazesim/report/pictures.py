"""Images and gaze in a report: thumbnails within a budget of bytes, numbers of fixations in 2 bytes each."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .page import packed

__all__ = ["packed_gazes", "thumbnails"]

#: Largest number of characters of all thumbnails of a report together.
BUDGET = 3_400_000
#: The longer side of a thumbnail in pixels: the first try, and the smallest.
LARGE, SMALL = 160, 40
QUALITY = 55
#: Coordinates of fixations are in units of 1/STEPS of the canvas.
STEPS = 10_000


def thumbnails(
    names: Sequence[Hashable], images: Callable[[Hashable], Any] | None, *, budget: int = BUDGET
) -> list[str]:
    """Return a data URL for every name, "" if it has no image; all together within ``budget`` characters.

    ``images`` returns (H, W) grey or (H, W, 3 or 4) coloured pixels, whole numbers or fractions of 1. The
    thumbnails are made smaller until they fit.
    """
    if images is None:
        return [""] * len(names)
    side = float(LARGE)
    kept = [_small(images(name), LARGE) for name in names]
    distinct = {id(one): one for one in kept if one is not None}
    while True:
        found = ["" if one is None else _url(one, side) for one in kept]
        total = sum(map(len, found))
        if total <= budget or side <= SMALL or not distinct:
            return found
        side = max(SMALL, side * max(0.5, min(0.92, (budget / total) ** 0.5)))


def _small(pixels: Any, side: int) -> Any:
    """Return a Pillow image at most ``side`` pixels long, or None."""
    if pixels is None:
        return None
    from PIL import Image

    array = np.asarray(pixels)
    if array.ndim == 3 and array.shape[2] == 1:
        array = array[..., 0]
    if array.dtype != np.uint8:
        floats = array.astype(np.float64)
        low, high = (0.0, 1.0) if array.dtype.kind == "f" else (float(floats.min()), float(floats.max()))
        if floats.min() < low or floats.max() > high:
            low, high = float(floats.min()), float(floats.max())
        array = np.rint(255 * (floats - low) / max(high - low, 1e-12)).astype(np.uint8)
    image = Image.fromarray(array)
    image = image.convert("L" if array.ndim == 2 else "RGB")
    image.thumbnail((side, side))
    return image


def _url(image: Any, side: float) -> str:
    if max(image.size) > side:
        image = image.copy()
        image.thumbnail((round(side), round(side)))
    file = io.BytesIO()
    image.save(file, "WEBP", quality=QUALITY)
    return "data:image/webp;base64," + base64.b64encode(file.getvalue()).decode()


def packed_gazes(
    names: Sequence[Hashable],
    gazes: Mapping[Hashable, NDArray[np.float64]],
    size_wh: tuple[float, float] | None,
) -> dict[str, Any]:
    """Return the scanpaths of ``names``: x and y in 1/10,000 of the canvas, durations in ms.

    Without ``size_wh``, the canvas is just large enough for all fixations.
    """
    paths = [gazes.get(name, np.empty((0, 3))) for name in names]
    rows = np.concatenate([np.empty((0, 3)), *paths])
    if size_wh is None:
        extent = rows[:, :2].max(axis=0, initial=0.0)
        size_wh = (float(max(extent[0], 1.0)), float(max(extent[1], 1.0)))
    places = np.rint(STEPS * rows[:, :2] / np.array(size_wh)).clip(-32768, 32767).astype(np.int16)
    milliseconds = np.rint(1000 * np.nan_to_num(rows[:, 2])).clip(0, 65535).astype(np.uint16)
    return {
        "size_wh": list(map(float, size_wh)),
        "counts": [len(path) for path in paths],
        "x": packed(places[:, 0]),
        "y": packed(places[:, 1]),
        "ms": packed(milliseconds),
    }
