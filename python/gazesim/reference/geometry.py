"""The boxes of images on screens, and conversion of points between them, from the definition."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def place_image(placement: str, image_size: Any, screen_size: Any) -> tuple[float, float, float, float]:
    """Return the box (x0, y0, x1, y1) of an image on a screen, in screen pixels."""
    (w, h), (W, H) = image_size, screen_size
    if placement == "native":
        return 0.0, 0.0, float(w), float(h)
    if placement == "stretch":
        return 0.0, 0.0, float(W), float(H)
    s = min(W / w, H / h) if placement == "fit" else 1.0
    if s == 1.0 and (w > W or h > H):
        raise ValueError(f"an image of {w} x {h} px is larger than a screen of {W} x {H} px")
    return (W - s * w) / 2, (H - s * h) / 2, (W + s * w) / 2, (H + s * h) / 2


def to_image(points: Any, box: Any, image_size: Any) -> NDArray[np.float64]:
    """Return screen coordinates, (n, 2) or (n, 3), as image pixels; the duration stays."""
    x0, y0, x1, y1 = box
    w, h = image_size
    rows = [
        [(x - x0) * w / (x1 - x0), (y - y0) * h / (y1 - y0), *rest]
        for x, y, *rest in np.asarray(points, float)
    ]
    return np.array(rows).reshape(np.shape(points))


def to_screen(points: Any, box: Any, image_size: Any) -> NDArray[np.float64]:
    """Return image pixels, (n, 2) or (n, 3), as screen coordinates; the duration stays."""
    x0, y0, x1, y1 = box
    w, h = image_size
    rows = [
        [x0 + u / w * (x1 - x0), y0 + v / h * (y1 - y0), *rest] for u, v, *rest in np.asarray(points, float)
    ]
    return np.array(rows).reshape(np.shape(points))


def on_image(points: Any, image_size: Any) -> NDArray[np.bool_]:
    """Return a mask (n,) of the points in image pixels that lie on the image."""
    w, h = image_size
    return np.array([0 <= u < w and 0 <= v < h for u, v, *_ in np.asarray(points, float)], bool)
