"""Rendering and resizing of gaze maps, from the definition."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def render_heatmap(gaze: Any, *, size: tuple[int, int], sigma_px: float, weighted: bool = True) -> Array:
    """Return the (H, W) map of one scanpath: summed durations per pixel, blurred.

    The kernel ends four standard deviations away and sums to 1; pixels beyond the border count as 0.
    """
    width, height = size
    counts = np.zeros((height, width))
    for x, y, duration in np.asarray(gaze, float):
        if 0 <= x < width and 0 <= y < height:
            counts[int(y), int(x)] += duration if weighted else 1.0
    heatmap: Array = blur(height, sigma_px) @ counts @ blur(width, sigma_px).T
    return heatmap


def blur(length: int, sigma_px: float) -> Array:
    """Return the (length, length) matrix that blurs along one axis."""
    reach = int(4 * sigma_px + 0.5)
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma_px) ** 2)
    kernel /= kernel.sum()
    distance = np.arange(length)[:, None] - np.arange(length)[None, :]
    inside = np.abs(distance) <= reach
    matrix: Array = np.where(inside, kernel[np.clip(distance + reach, 0, 2 * reach)], 0.0)
    return matrix


def resize(heatmap: Any, size: tuple[int, int], interpolation: str) -> Array:
    """Return the map resized to (width, height); 8-bit maps are rounded to whole grey levels."""
    values = np.asarray(heatmap)
    rounds = values.dtype == np.uint8
    down = weights(values.shape[0], size[1], interpolation)
    across = weights(values.shape[1], size[0], interpolation)
    if rounds and interpolation == "bilinear":
        return fixed_point(values.astype(np.int64), down, across)
    small: Array = down @ values.astype(float) @ across.T
    rounded: Array = np.rint(small)
    return rounded if rounds else small


def weights(inputs: int, outputs: int, interpolation: str) -> Array:
    """Return the (outputs, inputs) weights of every input pixel in every output pixel."""
    scale = inputs / outputs
    result = np.zeros((outputs, inputs))
    for k in range(outputs):
        if interpolation == "area":
            pixels = np.arange(inputs)
            overlap = np.minimum(pixels + 1, (k + 1) * scale) - np.maximum(pixels, k * scale)
            result[k] = np.maximum(overlap, 0) / scale
        else:
            centre = np.clip((k + 0.5) * scale - 0.5, 0, inputs - 1)
            first = int(centre)
            result[k, first] += 1 - (centre - first)
            result[k, min(first + 1, inputs - 1)] += centre - first
    return result


def fixed_point(values: NDArray[np.int64], down: Array, across: Array) -> Array:
    """Return the bilinear resize in OpenCV's 8-bit arithmetic: weights in 1/2048, bits dropped twice."""
    small = np.empty((len(down), len(across)))
    row_weights, col_weights = (np.rint(w * 2048).astype(np.int64) for w in (down, across))
    for r, row in enumerate(row_weights):
        for c, col in enumerate(col_weights):
            blend = values @ col
            small[r, c] = (((row * (blend >> 4)) >> 16).sum() + 2) >> 2
    return small
