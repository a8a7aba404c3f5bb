"""Views from their definitions: shares are computed by masks, samplers enumerate all places."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

Box = tuple[int, int, int, int]
Size = tuple[int, int]


def weights(gaze_map: Any, weighting: str = "support", support: float = 0.1) -> NDArray[np.float64]:
    """Return the weight of every pixel."""
    gaze = np.asarray(gaze_map, np.float64)
    return gaze if weighting == "mass" else (gaze > support * gaze.max()).astype(np.float64)


def mask(shape: tuple[int, ...], box: Any) -> NDArray[np.bool_]:
    """Return a mask of the pixels of an image of ``shape`` (H, W) that lie in ``box``."""
    y, x = np.mgrid[: shape[0], : shape[1]]
    x0, y0, x1, y1 = map(int, box)
    return np.asarray((x >= x0) & (x < x1) & (y >= y0) & (y < y1))


def share(counted: NDArray[np.float64], kept: NDArray[np.bool_]) -> float:
    """Return the share of the weights ``counted`` in the ``kept`` pixels, from correctly rounded sums."""
    total = math.fsum(counted.ravel())
    return math.fsum(counted[kept]) / total if total else 1.0


def iou(
    gaze_map: Any, boxes: Any, *, kind: str = "crop", weighting: str = "support", support: float = 0.1
) -> NDArray[np.float64]:
    """As :func:`gazesim.views.iou`."""
    gaze = np.asarray(gaze_map, np.float64)
    if gaze.ndim == 3:
        pairs = zip(gaze, boxes, strict=True)
        return np.array([iou(g, b, kind=kind, weighting=weighting, support=support) for g, b in pairs])
    counted = weights(gaze, weighting, support)
    insides = (mask(gaze.shape, box) for box in boxes)
    return np.array([share(counted, inside if kind == "crop" else ~inside) for inside in insides])


def places(shape: tuple[int, ...], size: Size) -> Iterator[Box]:
    """Yield every box of ``size`` (width, height) inside an image, row by row."""
    for y in range(shape[0] - size[1] + 1):
        for x in range(shape[1] - size[0] + 1):
            yield x, y, x + size[0], y + size[1]


def admissible(
    counted: NDArray[np.float64],
    size: Size,
    kind: str,
    min_iou: float,
    holes: NDArray[np.bool_] | None = None,
) -> list[Box]:
    """Return every box of ``size`` that keeps at least ``min_iou``, together with ``holes``."""
    lost = np.zeros(counted.shape, bool) if holes is None else holes
    return [box for box in places(counted.shape, size) if _kept(counted, box, kind, lost) >= min_iou]


def _kept(counted: NDArray[np.float64], box: Box, kind: str, lost: NDArray[np.bool_]) -> float:
    inside = mask(counted.shape, box)
    return share(counted, ~lost & (inside if kind == "crop" else ~inside))


def draw_size(
    image: Size, scale: tuple[float, float], ratio: tuple[float, float], uniform: Callable[[], float]
) -> Size:
    """Return (width, height) as torchvision's RandomResizedCrop.make_params draws it."""
    width, height = image
    for _ in range(10):
        area = width * height * (scale[0] + uniform() * (scale[1] - scale[0]))
        low, high = math.log(ratio[0]), math.log(ratio[1])
        aspect = math.exp(low + uniform() * (high - low))
        w, h = round(math.sqrt(area * aspect)), round(math.sqrt(area / aspect))
        if 0 < w <= width and 0 < h <= height:
            return w, h
    if width / height < ratio[0]:
        return width, min(max(round(width / ratio[0]), 1), height)
    if width / height > ratio[1]:
        return min(max(round(height * ratio[1]), 1), width), height
    return width, height


def random_crop(
    image: Size, uniforms: Any, scale: tuple[float, float], ratio: tuple[float, float]
) -> tuple[int, int, int, int]:
    """Return x0, y0, x1, y1 as torchvision's RandomResizedCrop draws them.

    Up to 20 of the 22 numbers decide the size, the last two the place.
    """
    numbers = iter(uniforms[:20])
    drawn = 0

    def uniform() -> float:
        nonlocal drawn
        drawn += 1
        return float(next(numbers))

    width, height = image
    w, h = draw_size(image, scale, ratio, uniform)
    area, low, high = width * height, math.log(ratio[0]), math.log(ratio[1])
    target = area * (scale[0] + uniforms[drawn - 2] * (scale[1] - scale[0]))
    aspect = math.exp(low + uniforms[drawn - 1] * (high - low))
    if (round(math.sqrt(target * aspect)), round(math.sqrt(target / aspect))) == (w, h):
        x, y = int(uniforms[20] * (width - w + 1)), int(uniforms[21] * (height - h + 1))
    else:  # no size fits: the largest box in the middle
        x, y = (width - w) // 2, (height - h) // 2
    return x, y, x + w, y + h


def drawable(
    image: Size, scale: tuple[float, float], ratio: tuple[float, float], steps: int = 400
) -> set[Size]:
    """Return the sizes that :func:`draw_size` returns for a fine grid of numbers."""
    grid = (np.arange(steps) + 0.5) / steps
    pairs = ((a, b) for a in grid for b in grid)
    return {draw_size(image, scale, ratio, iter([a, b] * 10).__next__) for a, b in pairs}


def all_sizes(image: Size, scale: tuple[float, float], ratio: tuple[float, float], kind: str) -> list[Size]:
    """Return every size that :func:`draw_size` can return, in the order of their numbers.

    Widths ascend; for one width, heights descend for a crop and ascend for a cutout, so that the view that
    keeps more comes first. The size that is used if none fits comes last, even if it is listed before.
    """
    products = [image[0] * image[1] * share for share in scale]
    sizes = []
    for width in range(1, image[0] + 1):
        heights = [h for h in range(1, image[1] + 1) if _can_be_rounded_to((width, h), products, ratio)]
        sizes += [(width, h) for h in (heights if kind == "cutout" else heights[::-1])]
    ends = [round(math.sqrt(product * r)) for product, r in zip(products, ratio, strict=True)]
    ends_down = [round(math.sqrt(product / r)) for product, r in zip(products, ratio[::-1], strict=True)]
    misfits = 0 in (ends[0], ends_down[0]) or ends[1] > image[0] or ends_down[1] > image[1]
    if misfits or not sizes:
        # All ten draws can only fail if no size fits, which the smallest and largest ratio show.
        sizes.append(draw_size(image, (4.0, 4.0), ratio, lambda: 0.0))
    return sizes


def _can_be_rounded_to(size: Size, products: list[float], ratio: tuple[float, float]) -> bool:
    """Return whether sides that round to ``size`` have a product and a ratio within the bounds.

    Such sides form a square; the bounds of the ratio cut it to a convex polygon. The product is largest
    and smallest at its corners and takes all values between.
    """
    (left, right), (bottom, top) = ((side - 0.5, side + 0.5) for side in size)
    corners = [(a, b) for a in (left, right) for b in (bottom, top) if ratio[0] <= a / b <= ratio[1]]
    corners += [(r * b, b) for r in ratio for b in (bottom, top) if left <= r * b <= right]
    corners += [(a, a / r) for r in ratio for a in (left, right) if bottom <= a / r <= top]
    inside = [a * b for a, b in corners]
    return bool(inside) and max(inside) >= products[0] and min(inside) <= products[1]


def sample(
    gaze_map: Any,
    uniforms: Iterator[float],
    *,
    kind: str,
    min_iou: float,
    scale: tuple[float, float],
    ratio: tuple[float, float],
    size: Size | None = None,
    weighting: str = "support",
    support: float = 0.1,
    method: str = "exact",
    max_tries: int = 100,
    n_holes: int = 1,
) -> tuple[list[Box], float] | None:
    """Return the boxes, and the share that they keep, that the compiled sampler draws from the same numbers.

    None if no size that can be drawn has a place (exact), or if none of ``max_tries`` boxes keeps enough
    (rejection). ``size`` is (width, height).
    """
    counted = weights(gaze_map, weighting, support)
    image = (counted.shape[1], counted.shape[0])
    lost = np.zeros(counted.shape, bool)
    boxes: list[Box] = []

    def next_size() -> Size:
        return size or draw_size(image, scale, ratio, uniforms.__next__)

    def exact() -> Box | None:
        for _ in range(64):
            found = admissible(counted, next_size(), kind, min_iou, lost)
            if found:
                return found[int(next(uniforms) * len(found))]
        return None if size else last_resort()

    def last_resort() -> Box | None:
        every = all_sizes(image, scale, ratio, kind)
        found = [places for one in every if (places := admissible(counted, one, kind, min_iou, lost))]
        if not found:
            return None
        chosen = found[int(next(uniforms) * len(found))]
        return chosen[int(next(uniforms) * len(chosen))]

    def reject() -> Box | None:
        for _ in range(max_tries):
            w, h = next_size()
            y, x = (int(next(uniforms) * count) for count in (image[1] - h + 1, image[0] - w + 1))
            box = (x, y, x + w, y + h)
            if _kept(counted, box, kind, lost) >= min_iou:
                return box
        return None

    for _ in range(n_holes):
        box = exact() if method == "exact" else reject()
        if box is None:
            return None
        boxes.append(box)
        lost |= mask(counted.shape, box) if kind == "cutout" else False
    inside = mask(counted.shape, boxes[0])
    return boxes, share(counted, inside if kind == "crop" else ~lost)
