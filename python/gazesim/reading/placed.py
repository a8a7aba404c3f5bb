"""Scanpaths on one canvas, with the box of every image on it, for schemes, maps and training."""

from __future__ import annotations

import warnings
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..geometry import Box, Screen, Size, moved, on_image, place_image, to_image
from ..heatmaps import draw_map
from ..scanpaths import Scanpaths
from .frames import Framed
from .options import GazeOptions

__all__ = ["Fixations", "PlacedGaze", "PlacementWarning", "Spread", "on_canvas", "warn_of_placement"]

#: Default standard deviation of maps: a share of the canvas's width, or if degrees are known, degrees.
SHARE_OF_WIDTH = 1 / 40
DEGREES = 1.0


class PlacementWarning(UserWarning):
    """Gaze lies off its image, or fits another unit, screen or placement much better."""


def warn_of_placement(text: str) -> None:
    """Issue a :class:`PlacementWarning`; commands print a line instead."""
    warnings.warn(text, PlacementWarning, stacklevel=3)


@dataclass(frozen=True)
class Spread:
    """The standard deviation of maps in pixels of the canvas, and a description of its origin."""

    sigma_px: float
    words: str


class Fixations(NamedTuple):
    """One reader's fixations on one image, in pixels of the canvas."""

    #: (L, 3): x, y in pixels of the canvas, duration in seconds.
    path: NDArray[np.float64]
    #: (width, height) of the canvas: the screen, or the image itself where no screen is known.
    size_wh: Size
    #: Where the image is on the canvas, and its (width, height) in its own pixels.
    image_box: Box
    image_size: Size
    reader: str


@dataclass(frozen=True)
class PlacedGaze:
    """Scanpaths on one canvas.

    Attributes
    ----------
    paths
        The scanpaths in pixels of the canvas; ``paths.screen_size`` is its (width, height).
    boxes
        For every scanpath the box (x0, y0, x1, y1) of its image on the canvas.
    image_sizes
        For every scanpath the (width, height) of its image in the image's own pixels.
    spread
        The standard deviation of maps, in pixels of the canvas.
    """

    paths: Scanpaths
    boxes: tuple[Box, ...]
    image_sizes: tuple[Size, ...]
    spread: Spread

    @property
    def canvas(self) -> Size:
        """(width, height) of the canvas in pixels."""
        assert self.paths.screen_size is not None
        return self.paths.screen_size

    @cached_property
    def map_size_wh(self) -> tuple[int, int]:
        """(width, height) of the maps that schemes compare: the images', or the canvas's if they differ."""
        sizes = set(self.image_sizes)
        width, height = sizes.pop() if len(sizes) == 1 else self.canvas
        return max(1, int(width)), max(1, int(height))

    @cached_property  # asked for every map
    def has_one_image_size(self) -> bool:
        """Whether all images have one size."""
        return len(set(self.image_sizes)) <= 1

    def take(self, positions: Sequence[int]) -> PlacedGaze:
        """Return the scanpaths at ``positions``, on the same canvas and with the same spread."""
        at = [int(position) for position in positions]
        return PlacedGaze(
            self.paths[at] if at else Scanpaths.from_list([], screen_size=self.canvas),
            tuple(self.boxes[i] for i in at),
            tuple(self.image_sizes[i] for i in at),
            self.spread,
        )

    def fixations(self, position: int) -> Fixations:
        """Return one scanpath with its canvas, image box and image size."""
        name = self.paths.ids[position]
        reader = str(name[1]) if isinstance(name, tuple) and len(name) == 2 else ""
        return Fixations(
            self.paths.at(position), self.canvas, self.boxes[position], self.image_sizes[position], reader
        )

    def on_image(self, position: int) -> NDArray[np.float64]:
        """Return the fixations of a scanpath in pixels of its image, (L, 3)."""
        return to_image(self.paths.at(position), self.boxes[position], self.image_sizes[position])

    def on_images(self) -> Scanpaths:
        """Return all scanpaths in pixels of their images; ``screen_size`` is None if their sizes differ."""
        paths = [self.on_image(position) for position in range(len(self.paths))]
        sizes = set(self.image_sizes)
        size = sizes.pop() if len(sizes) == 1 else None
        return Scanpaths.from_list(paths, ids=self.paths.ids, screen_size=size)

    def map_of(self, positions: Sequence[int], *, n_threads: int | None = None) -> NDArray[np.float32]:
        """Return one gaze map of all the given scanpaths of an image, (H, W), sized :attr:`map_size_wh`.

        Gaze off the image is left out. Maps are in pixels of the images if these have one size, else in
        pixels of the canvas, on which every image keeps its proportions.
        """
        points, sigmas = [], (self.spread.sigma_px,) * 2
        for position in positions:
            rows = self.on_image(position)
            if self.has_one_image_size:
                sigmas = sigmas_on_image(
                    self.spread.sigma_px, self.boxes[position], self.image_sizes[position]
                )
            else:
                rows = self.paths.at(position)[on_image(rows, self.image_sizes[position])]
            points.append(rows)
        drawn = draw_map(np.concatenate(points), self.map_size_wh, sigmas, n_threads=n_threads)
        return drawn.astype(np.float32)

    def map_on_image(
        self, positions: Sequence[int], size: tuple[int, int], *, n_threads: int | None = None
    ) -> NDArray[np.float32]:
        """Return the gaze map of the scanpaths of one image, stretched to ``size`` (width, height)."""
        one, box = self.image_sizes[positions[0]], self.boxes[positions[0]]
        points = np.concatenate([self.on_image(position) for position in positions])
        return map_at_size(points, one, size, sigmas_on_image(self.spread.sigma_px, box, one), n_threads)


def map_at_size(
    points: NDArray[np.float64],
    image_size: Size,
    size: tuple[int, int],
    sigmas_px: tuple[float, float],
    n_threads: int | None = None,
) -> NDArray[np.float32]:
    """Return the map of fixations in pixels of an image, drawn at another size (width, height)."""
    scale = size[0] / image_size[0], size[1] / image_size[1]
    sigmas = sigmas_px[0] * scale[0], sigmas_px[1] * scale[1]
    drawn = draw_map(points * [*scale, 1.0], size, sigmas, n_threads=n_threads)
    return drawn.astype(np.float32)


def sigmas_on_image(sigma_px: float, box: Box, image_size: Size) -> tuple[float, float]:
    """Convert a standard deviation on the canvas to those along x and y in pixels of the image."""
    return (
        sigma_px * image_size[0] / (box[2] - box[0]),
        sigma_px * image_size[1] / (box[3] - box[1]),
    )


def on_canvas(found: Mapping[Hashable, Framed], options: GazeOptions) -> PlacedGaze:
    """Put scanpaths of any frames on one canvas.

    The canvas is the frame that all share; else the stated screen, or the largest width and the largest
    height of all frames, onto which every frame is fitted with its own proportions.
    """
    canvas = canvas_of((one.frame for one in found.values()), options.screen_size)
    paths, boxes = [], []
    for one in found.values():
        path, box = fitted(one, canvas)
        paths.append(path)
        boxes.append(box)
    return PlacedGaze(
        Scanpaths.from_list(paths, ids=found, screen_size=canvas),
        tuple(boxes),
        tuple(one.image_size for one in found.values()),
        spread_of(canvas, options),
    )


def canvas_of(frames: Iterable[Size], stated: Size | None) -> Size:
    """Return the (width, height) of the canvas of several frames."""
    sizes = set(frames)
    if not sizes:
        return stated or (1.0, 1.0)
    if stated is not None:
        return stated
    return max(width for width, _ in sizes), max(height for _, height in sizes)


def fitted(one: Framed, canvas: Size) -> tuple[NDArray[np.float64], Box]:
    """Return a scanpath and its image's box on the canvas; both stay as they are if the sizes are equal."""
    if one.frame == canvas:
        return one.path, one.box
    whole, place = (0.0, 0.0, *one.frame), place_image("fit", one.frame, canvas)
    corners = moved(np.array(one.box).reshape(2, 2), whole, place)
    left, top, right, bottom = map(float, corners.ravel())
    return moved(one.path, whole, place), (left, top, right, bottom)


def spread_of(canvas: Size, options: GazeOptions) -> Spread:
    """Return the standard deviation of maps: as asked, else 1 degree, else 1/40 of the canvas's width."""
    if options.sigma_px is not None:
        return Spread(options.sigma_px, f"sigma_px={options.sigma_px:g} (as asked)")
    if options.screen_cm is not None:
        degrees = DEGREES if options.sigma_deg is None else options.sigma_deg
        size = options.screen_size or canvas
        screen = Screen(size, options.screen_cm, options.distance_cm)
        sigma = degrees * screen.px_per_degree
        return Spread(sigma, f"sigma_px={sigma:.4g} ({degrees:g} degrees)")
    sigma = canvas[0] * SHARE_OF_WIDTH
    return Spread(sigma, f"sigma_px={sigma:g} (1/40 of the width)")
