"""Synthetic radiographs with gaze: seeded images, lesions and scanpaths whose classes are known.

Gaze follows the papers' descriptions: a reader searches around the centre, then dwells on the lesion,
in a manner that depends on its class. Nothing is tuned to a method of this library. All lengths are
given for images of 64 pixels and scale with ``size``.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ._errors import integer
from .heatmaps import render_heatmap
from .scanpaths import Scanpaths

__all__ = ["Phantom", "phantom", "structured_phantom"]

Image = NDArray[np.float64]
#: x, y of the centre and radius of a lesion, in pixels.
Disk = tuple[float, float, float]

UNIT = 64
CLASSES = ("normal", "benign", "malignant", "calcification")
QUADRANTS = ("none", "upper left", "upper right", "lower left", "lower right")


@dataclass(frozen=True)
class Phantom:
    """``n`` square images with their gaze; row ``i`` of each array belongs to image ``i``.

    Attributes
    ----------
    images
        (n, size, size) float32 in [0, 1].
    labels
        (n,) int64, positions in ``class_names``.
    class_names
        The classes.
    scanpaths
        x and y in pixels of the image, durations in seconds.
    heatmaps
        (n, size, size) float32: the fixations, weighted by duration, blurred by 3/64 of the size.
    boxes
        (n, 4) int64: x0, y0, x1, y1 of the lesion in pixels, half-open; zeros where there is none.

    Examples
    --------
    >>> from gazesim.phantom import phantom
    >>> data = phantom(4)
    >>> [data.class_names[label] for label in sorted(data.labels)], data.boxes.shape
    (['normal', 'benign', 'malignant', 'calcification'], (4, 4))
    """

    images: NDArray[np.float32]
    labels: NDArray[np.int64]
    class_names: tuple[str, ...]
    scanpaths: Scanpaths
    heatmaps: NDArray[np.float32]
    boxes: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.images)


@dataclass(frozen=True)
class Dwell:
    """How readers look at a lesion."""

    #: Smallest number of fixations; the number above it is Poisson with the mean ``more``.
    least: int
    more: float
    #: Standard deviation of the fixations around the centre, in radii of the lesion.
    spread: float
    #: Median duration of a fixation.
    duration_s: float


#: "Scattered" on benign lesions, "centred" on malignant ones.
DWELLS = {
    "benign": Dwell(4, 5, 1.4, 0.22),
    "malignant": Dwell(6, 7, 0.45, 0.38),
    "calcification": Dwell(6, 6, 0.85, 0.30),
}
FALSE_ATTRACTOR = Dwell(2, 3, 1.0, 0.22)
ROOT = Dwell(6, 6, 0.85, 0.30)


def phantom(n: int = 64, *, seed: int = 0, size: int = 64, readers: int = 1) -> Phantom:
    """Return mammogram-like images with a lesion anywhere, and the gaze of their readers.

    Parameters
    ----------
    n
        Number of images; the four classes ``normal``, ``benign`` (a smooth ellipse), ``malignant``
        (an irregular core with spicules) and ``calcification`` (a cluster of dots) are balanced.
    seed
        Equal seeds give equal phantoms.
    size
        Side of the images in pixels, at least 32.
    readers
        How many people read each image. Above 1, the ids of scanpaths are (image, reader), and
        heatmaps are averages over readers: one reader's fixations are a small sample of where
        people look.

    Examples
    --------
    >>> from gazesim.phantom import phantom
    >>> data = phantom(8, seed=1)
    >>> data.images.shape, sorted(data.labels.tolist()), len(data.scanpaths)
    ((8, 64, 64), [0, 0, 1, 1, 2, 2, 3, 3], 8)
    """
    rng, labels, scale = _start(n, seed, size, len(CLASSES))
    integer("readers", readers, low=1, high=1000)
    images, gazes, boxes = [], [], []
    for label in labels:
        kind = CLASSES[label]
        radius = rng.uniform(5.5, 8.5) * scale
        margin = radius + 2 * scale
        disk = (rng.uniform(margin, size - margin), rng.uniform(margin, size - margin), radius)
        contrast = rng.uniform(0.4, 0.65)
        image = _tissue(rng, size)
        if kind != "normal":
            image += contrast * PAINTERS[kind](rng, size, disk)
        images.append(np.clip(image, 0, 1))
        gazes += [_read(rng, size, disk, DWELLS.get(kind)) for _ in range(readers)]
        boxes.append(_box(disk) if kind != "normal" else (0, 0, 0, 0))
    return _finish(images, labels, CLASSES, gazes, boxes, size)


def structured_phantom(n: int = 64, *, seed: int = 0, size: int = 64) -> Phantom:
    """Return panoramic-like images: two rows of teeth and a dark root lesion in one quadrant, or none.

    The five classes differ only in the *place* of the lesion. So do dental panoramas: their anatomy is
    always the same, and the position of gaze distinguishes images. Parameters as for :func:`phantom`.

    Examples
    --------
    >>> from gazesim.phantom import structured_phantom
    >>> data = structured_phantom(5, seed=1)
    >>> data.heatmaps.shape, len(data.class_names), sorted(data.labels.tolist())
    ((5, 64, 64), 5, [0, 1, 2, 3, 4])
    """
    rng, labels, scale = _start(n, seed, size, len(QUADRANTS))
    images, gazes, boxes = [], [], []
    for label in labels:
        image = _jaws(rng, size)
        across, down = ((label - 1) % 2, (label - 1) // 2) if label else (rng.integers(2), rng.integers(2))
        radius = rng.uniform(3.5, 5.5) * scale
        x = size * (0.5 + (across - 0.5) * rng.uniform(0.25, 0.65))
        disk = (x, size * (0.22 if down == 0 else 0.78) + rng.uniform(-2, 2) * scale, radius)
        if label:
            image -= rng.uniform(0.3, 0.45) * _disk(size, disk, softness=0.8 * scale)
        images.append(np.clip(image, 0, 1))
        gazes.append(_read(rng, size, disk, ROOT if label else None))
        boxes.append(_box(disk) if label else (0, 0, 0, 0))
    return _finish(images, labels, QUADRANTS, gazes, boxes, size)


def _start(
    n: int, seed: int, size: int, classes: int
) -> tuple[np.random.Generator, NDArray[np.int64], float]:
    integer("n", n, low=0, high=10**7)
    integer("size", size, low=32, high=4096)
    rng = np.random.default_rng(integer("seed", seed, low=0, high=2**63 - 1))
    return rng, rng.permutation(np.arange(n, dtype=np.int64) % classes), size / UNIT


def _finish(
    images: list[Image],
    labels: NDArray[np.int64],
    names: tuple[str, ...],
    gazes: list[Image],
    boxes: list[tuple[int, int, int, int]],
    size: int,
) -> Phantom:
    readers = len(gazes) // max(len(images), 1)
    ids = (
        None
        if readers <= 1
        else [(image, reader) for image in range(len(images)) for reader in range(readers)]
    )
    scanpaths = Scanpaths.from_list(gazes, ids=ids, screen_size=(size, size))
    heatmaps = render_heatmap(scanpaths, size=(size, size), sigma_px=3 * size / UNIT)
    heatmaps = heatmaps.reshape(len(images), -1, size, size).mean(axis=1) if images else heatmaps
    return Phantom(
        np.array(images, np.float32).reshape(-1, size, size),
        labels,
        names,
        scanpaths,
        heatmaps.astype(np.float32),
        np.array(boxes, np.int64).reshape(-1, 4),
    )


def _box(disk: Disk) -> tuple[int, int, int, int]:
    x, y, radius = disk
    return (
        math.floor(x - radius),
        math.floor(y - radius),
        math.ceil(x + radius),
        math.ceil(y + radius),
    )


# --- images ---------------------------------------------------------------------------------------


def _tissue(rng: np.random.Generator, size: int) -> Image:
    """A power-law field, as breast tissue has, on a ramp, with noise."""
    angle, ramp_angle = rng.uniform(0, math.pi), rng.uniform(0, 2 * math.pi)
    stretch = rng.uniform(1, 2)
    frequency_y, frequency_x = np.meshgrid(np.fft.fftfreq(size), np.fft.rfftfreq(size), indexing="ij")
    along = frequency_x * math.cos(angle) + frequency_y * math.sin(angle)
    across = frequency_y * math.cos(angle) - frequency_x * math.sin(angle)
    power = along**2 + (stretch * across) ** 2
    power[0, 0] = np.inf  # no mean
    spectrum = np.fft.rfft2(rng.standard_normal((size, size))) * power ** (-rng.uniform(3, 4) / 4)
    field = np.fft.irfft2(spectrum, (size, size))
    y, x = np.mgrid[:size, :size] / size - 0.5
    ramp = rng.uniform(0, 0.2) * (x * math.cos(ramp_angle) + y * math.sin(ramp_angle))
    noise = rng.uniform(0.01, 0.03) * rng.standard_normal((size, size))
    image: Image = rng.uniform(0.3, 0.6) + rng.uniform(0.06, 0.12) * field / field.std() + ramp + noise
    return image


def _jaws(rng: np.random.Generator, size: int) -> Image:
    """Two rows of eight bright teeth on grey bone."""
    y, x = np.mgrid[:size, :size] / size - 0.5
    y = y + rng.uniform(-0.02, 0.02) - 0.06 * (1 - (2 * x) ** 2)
    teeth = 0.5 + 0.5 * np.cos(2 * math.pi * (8 * x + rng.uniform(-0.15, 0.15)))
    rows = sum(np.exp(-(((y - centre) / 0.09) ** 4)) for centre in (-0.13, 0.13))
    noise = rng.uniform(0.01, 0.03) * rng.standard_normal((size, size))
    image: Image = (
        0.5 * _tissue(rng, size) + rng.uniform(0.18, 0.24) + 0.4 * rows * (0.35 + 0.65 * teeth) + noise
    )
    return image


def _polar(size: int, disk: Disk) -> tuple[Image, Image]:
    y, x = np.mgrid[:size, :size] + 0.5
    return np.hypot(x - disk[0], y - disk[1]), np.arctan2(y - disk[1], x - disk[0])


def _edge(inside: Image, softness: float) -> Image:
    """1 well inside, 0 well outside."""
    return 0.5 + 0.5 * np.tanh(inside / softness)


def _disk(size: int, disk: Disk, softness: float) -> Image:
    return _edge(disk[2] - _polar(size, disk)[0], softness)


def _ellipse(rng: np.random.Generator, size: int, disk: Disk) -> Image:
    distance, angle = _polar(size, disk)
    turned, aspect = angle - rng.uniform(0, math.pi), rng.uniform(0.65, 1)
    radius = disk[2] * aspect / np.hypot(aspect * np.cos(turned), np.sin(turned))
    return _edge(0.9 * radius - distance, size / UNIT)


def _spicules(rng: np.random.Generator, size: int, disk: Disk) -> Image:
    distance, angle = _polar(size, disk)
    wave = sum(
        rng.uniform(0.04, 0.14) * np.cos(order * angle + rng.uniform(0, 2 * math.pi)) for order in range(2, 7)
    )
    lesion = _edge(0.5 * disk[2] * (1 + wave) - distance, 0.5 * size / UNIT)
    count = rng.integers(9, 15)
    for spicule in range(count):
        turned = angle - 2 * math.pi * (spicule + rng.uniform(-0.3, 0.3)) / count
        length = disk[2] * rng.uniform(0.75, 1)
        beside = distance * np.sin(turned) / (0.55 * size / UNIT)
        reaches = (np.cos(turned) > 0) & (distance < length)
        lesion = np.maximum(lesion, 0.85 * reaches * np.exp(-(beside**2)))
    return lesion


def _dots(rng: np.random.Generator, size: int, disk: Disk) -> Image:
    cluster = np.zeros((size, size))
    for _ in range(rng.integers(6, 14)):
        distance, angle = disk[2] * 0.9 * math.sqrt(rng.uniform()), rng.uniform(0, 2 * math.pi)
        dot = (disk[0] + distance * math.cos(angle), disk[1] + distance * math.sin(angle), 0.0)
        width = rng.uniform(0.5, 0.9) * size / UNIT
        cluster = np.maximum(cluster, np.exp(-((_polar(size, dot)[0] / width) ** 2)))
    return cluster


PAINTERS = {"benign": _ellipse, "malignant": _spicules, "calcification": _dots}


# --- gaze -----------------------------------------------------------------------------------------


def _read(rng: np.random.Generator, size: int, lesion: Disk, dwell: Dwell | None) -> Image:
    """One reader's fixations: a search, interrupted by a dwell on the lesion or on a false attractor."""
    scale = size / UNIT
    search = _fixations(rng, 2 + rng.poisson(5), (size / 2, size / 2), 0.18 * size, 0.18)
    missed = rng.uniform() < 0.05
    found = np.empty((0, 3))
    if dwell is not None and not missed:
        found = _dwell(rng, lesion, dwell)
    elif rng.uniform() < 0.3:
        radius = rng.uniform(5.5, 8.5) * scale
        x, y = rng.uniform(radius, size - radius, 2)
        found = _dwell(rng, (x, y, radius), FALSE_ATTRACTOR)
    before = (len(search) + 1) // 2
    path = np.concatenate([search[:before], found, search[before:]])
    path[:, :2] += rng.normal(0, scale, (len(path), 2))
    path[:, :2] = np.clip(path[:, :2], 0, size - 0.5)
    path[:, 2] *= rng.lognormal(0, 0.2)
    return path


def _dwell(rng: np.random.Generator, disk: Disk, dwell: Dwell) -> Image:
    count = dwell.least + rng.poisson(dwell.more)
    return _fixations(rng, count, disk[:2], dwell.spread * disk[2], dwell.duration_s)


def _fixations(
    rng: np.random.Generator, count: int, centre: tuple[float, float], spread_px: float, duration_s: float
) -> Image:
    places = rng.normal(centre, spread_px, (count, 2))
    return np.column_stack([places, duration_s * rng.lognormal(0, 0.35, count)])
