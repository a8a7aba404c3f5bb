"""Heatmaps: checked stacks of gaze maps, and their rendering from scanpaths."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import _core
from ._errors import describe, integer, number, numbers
from .geometry import Screen
from .scanpaths import Scanpaths, as_numbers

__all__ = ["render_heatmap"]

# The largest number of pixels in one side of an image, far beyond any radiograph.
MAX_SIDE = 100_000
# The largest standard deviation in pixels, far beyond any screen; the kernel's radius is four times this.
MAX_SIGMA = 10_000.0


def render_heatmap(
    gaze: Any,
    *,
    size: tuple[int, int],
    sigma_px: float | None = None,
    sigma_deg: float | None = None,
    geometry: Screen | None = None,
    weighted: bool = True,
    n_threads: int | None = None,
) -> NDArray[np.float64]:
    """Draw scanpaths as heatmaps: a Gaussian at every fixation, weighted by its duration.

    Equal to ``scipy.ndimage.gaussian_filter(counts, sigma_px, mode="constant")`` where ``counts``
    holds the summed durations of the fixations in each pixel: the Gaussian ends four standard
    deviations away, and what falls outside of the image is lost. Fixations outside of the image are
    dropped.

    Parameters
    ----------
    gaze
        One (L, 3) scanpath of x and y in pixels and duration in seconds, or several (a list or
        :class:`Scanpaths`).
    size
        (width, height) of the image in pixels.
    sigma_px
        Standard deviation in pixels, at most 10,000; one degree of visual angle is usual.
    sigma_deg, geometry
        Standard deviation in degrees of visual angle around the centre of the screen, instead of
        ``sigma_px``, and the screen on which x and y were seen.
    weighted
        False counts every fixation as 1.
    n_threads
        Threads to use; default ``GAZESIM_NUM_THREADS``, then all available cores.

    Returns
    -------
    ndarray
        (H, W) float64 for one scanpath, (n, H, W) for several.

    Examples
    --------
    >>> from gazesim import render_heatmap
    >>> render_heatmap([[2, 1, 0.5]], size=(5, 3), sigma_px=0.5).round(3)
    array([[0.   , 0.006, 0.042, 0.006, 0.   ],
           [0.   , 0.042, 0.309, 0.042, 0.   ],
           [0.   , 0.006, 0.042, 0.006, 0.   ]])
    """
    width, height = pixel_size("size", size)
    sigma = standard_deviation(sigma_px, sigma_deg, geometry)
    single = not isinstance(gaze, Scanpaths) and _is_one_scanpath(gaze)
    paths = Scanpaths.from_list([gaze] if single else gaze, argument="gaze")
    maps = np.empty((len(paths), height, width))
    _core.render_heatmaps(
        (paths.values, paths.offsets),
        maps,
        sigma_px=sigma,
        weighted=bool(weighted),
        n_threads=threads(n_threads),
    )
    return maps[0] if single else maps


def draw_map(
    points: NDArray[np.float64],
    size: tuple[int, int],
    sigmas_px: tuple[float, float],
    *,
    n_threads: int | None = None,
) -> NDArray[np.float64]:
    """Draw one map of ``size`` (width, height) with a standard deviation along x and one along y.

    The two differ on an image that was stretched over a screen. Equal to
    ``scipy.ndimage.gaussian_filter(counts, (sigma_y, sigma_x), mode="constant")``, as
    :func:`render_heatmap` is for one standard deviation.
    """
    across, down = sigmas_px
    if abs(across - down) <= 1e-9 * down:
        return render_heatmap(points, size=size, sigma_px=across, n_threads=n_threads)
    width, height = size
    result = np.zeros((height, width))
    kernels = _kernel(across), _kernel(down)
    for x, y, weight in points:
        if not (0 <= x < width and 0 <= y < height):
            continue
        spans = [
            _overlap(int(at), len(kernel) // 2, side)
            for at, kernel, side in zip((x, y), kernels, size, strict=True)
        ]
        (columns, part_x), (rows, part_y) = spans
        result[rows, columns] += weight * kernels[1][part_y, None] * kernels[0][part_x]
    return result


def _kernel(sigma: float) -> NDArray[np.float64]:
    """Return a Gaussian that ends four standard deviations away, with the sum 1."""
    radius = int(4 * sigma + 0.5)
    weights = np.exp(-0.5 * (np.arange(-radius, radius + 1) / sigma) ** 2)
    kernel: NDArray[np.float64] = weights / weights.sum()
    return kernel


def _overlap(at: int, radius: int, side: int) -> tuple[slice, slice]:
    """Return the slice of an image side that a kernel around ``at`` covers, and the slice of the kernel."""
    first, last = max(0, at - radius), min(side, at + radius + 1)
    return slice(first, last), slice(first - at + radius, last - at + radius)


def standard_deviation(sigma_px: object, sigma_deg: object, geometry: object) -> float:
    """Return the standard deviation in pixels from ``sigma_px``, or from ``sigma_deg`` and the screen."""
    if (sigma_px is None) == (sigma_deg is None):
        given = f"sigma_px is {describe(sigma_px)} and sigma_deg is {describe(sigma_deg)}"
        raise TypeError(f"{given}; expected one of the two")
    if sigma_deg is None:
        return number("sigma_px", sigma_px, low=0.0, high=MAX_SIGMA, open_low=True)
    if not isinstance(geometry, Screen):
        raise TypeError(f"geometry is {describe(geometry)}; expected a gazesim.Screen with sigma_deg")
    high = MAX_SIGMA / geometry.px_per_degree
    return number("sigma_deg", sigma_deg, low=0.0, high=high, open_low=True) * geometry.px_per_degree


def _is_one_scanpath(gaze: Any) -> bool:
    if isinstance(gaze, np.ndarray):
        return gaze.ndim == 2 or gaze.dtype.names is not None
    first = next(iter(gaze), None) if isinstance(gaze, (list, tuple)) else None
    return first is not None and len(np.shape(first)) == 1


def pixel_size(argument: str, size: Any) -> tuple[int, int]:
    """Return (width, height) as whole numbers of pixels."""
    width, height = numbers(argument, size, 2)
    if not (width.is_integer() and height.is_integer()):
        raise ValueError(f"{argument} is {describe(size)}; expected whole numbers of pixels")
    return (
        integer(f"{argument}[0]", int(width), low=1, high=MAX_SIDE),
        integer(f"{argument}[1]", int(height), low=1, high=MAX_SIDE),
    )


def threads(n_threads: object) -> int | None:
    """Return a checked thread count for the compiled functions, which clip it to the available cores."""
    return None if n_threads is None else min(integer("n_threads", n_threads, low=1, high=10**18), 1024)


def stacks(gazes: Any, argument: str = "gazes") -> list[NDArray[Any]]:
    """Return maps as (n, H, W) arrays of uint8, float32 or float64.

    A list may hold maps of different sizes and types: each run of successive maps with the same shape and
    type becomes one array, in the order of the list.
    """
    if isinstance(gazes, Scanpaths):
        raise TypeError(
            f"{argument} are scanpaths, but this scheme compares heatmaps; "
            "expected maps, as gazesim.render_heatmap(gazes, size=(width, height), sigma_px=...) draws them"
        )
    if isinstance(gazes, (str, bytes, Mapping)) or not isinstance(gazes, Iterable):
        raise TypeError(f"{argument} is {describe(gazes)}; expected (n, H, W) or a list of (H, W) heatmaps")
    if hasattr(gazes, "ndim") or hasattr(gazes, "__array__"):
        array = as_numbers_or_masks(argument, gazes)
        if array.ndim != 3:
            raise ValueError(f"{argument} has shape {array.shape}; expected (n, H, W)")
        return [_readable(array)]
    maps = [as_numbers_or_masks(f"{argument}: sample {i}", gaze) for i, gaze in enumerate(gazes)]
    for sample, one in enumerate(maps):
        if one.ndim != 2:
            raise ValueError(f"{argument}: sample {sample} has shape {one.shape}; expected (H, W)")
    return [_readable(np.stack(run)) for run in _runs(maps)]


def as_numbers_or_masks(argument: str, value: Any) -> NDArray[Any]:
    """Return an array of real numbers; a boolean mask counts as 0 and 1."""
    array = np.asarray(value) if hasattr(value, "dtype") else None
    if array is not None and array.dtype == bool:
        return array.astype(np.float32)  # not uint8: 8-bit maps are rounded when they are resized
    return as_numbers(argument, value)


def _runs(maps: list[NDArray[Any]]) -> Iterator[list[NDArray[Any]]]:
    run: list[NDArray[Any]] = []
    for one in maps:
        if run and (one.shape, one.dtype) != (run[0].shape, run[0].dtype):
            yield run
            run = []
        run.append(one)
    if run:
        yield run


def _readable(stack: NDArray[Any]) -> NDArray[Any]:
    small_floats = (np.float16, np.float32)
    native = (
        np.uint8 if stack.dtype == np.uint8 else np.float32 if stack.dtype in small_floats else np.float64
    )
    return np.require(stack, native, ["C", "A"])


def per_map(
    argument: str,
    runs: list[NDArray[Any]],
    compute: Callable[..., NDArray[Any]],
    empty: NDArray[Any],
    **params: Any,
) -> NDArray[Any]:
    """Return the concatenated results of ``compute`` for every run; ``first`` is the run's first position."""
    parts = []
    first = 0
    for stack in runs:
        parts.append(compute(stack, argument=argument, first=first, **params))
        first += len(stack)
    return np.concatenate(parts) if parts else empty
