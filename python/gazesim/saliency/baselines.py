"""Maps to compare a prediction with: the centre bias, and what the other readers of an image looked at."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, overload

import numpy as np
from numpy.typing import NDArray

from .._errors import describe, number
from ..heatmaps import MAX_SIGMA, pixel_size
from ..scanpaths import Scanpaths
from .inputs import Map, PooledFixations, Size, fixated_in, image_of

__all__ = ["DensityMaps", "centre_bias", "leave_one_reader_out"]


class DensityMaps(Sequence[NDArray[np.float64]]):
    """A sequence of densities (H, W) of the sum 1, drawn when they are asked for.

    All densities of a data set need not fit into memory. ``np.stack(maps)`` draws all of one size.

    Examples
    --------
    >>> from gazesim.saliency import centre_bias
    >>> maps = centre_bias([[[2.5, 1.5, 0.2]], [[6.5, 4.5, 0.1]]], size_wh=(9, 6))
    >>> maps, maps[0].shape
    (DensityMaps(n=2), (6, 9))
    """

    def __init__(self, count: int, draw: Callable[[int], NDArray[np.float64]]) -> None:
        self._count, self._draw = count, draw

    def __len__(self) -> int:
        return self._count

    @overload
    def __getitem__(self, key: int) -> NDArray[np.float64]: ...
    @overload
    def __getitem__(self, key: slice) -> list[NDArray[np.float64]]: ...
    def __getitem__(self, key: Any) -> Any:
        if isinstance(key, slice):
            return [self._draw(position) for position in range(self._count)[key]]
        return self._draw(range(self._count)[key])

    def __iter__(self) -> Iterator[NDArray[np.float64]]:
        return (self._draw(position) for position in range(self._count))

    def __repr__(self) -> str:
        return f"DensityMaps(n={self._count})"


def centre_bias(
    fixations: Any,
    *,
    size_wh: Any,
    sigma_px: float | None = None,
    uniform_share: float = 0.01,
) -> DensityMaps:
    """Return for every image the density of the fixations on all *other* images.

    A Gaussian kernel density estimate; fixations are scaled by the ratio of the image sizes. A
    prediction that does not beat it knows nothing about the image.

    Parameters
    ----------
    fixations
        One scanpath per image, (L, 2) or (L, 3), x and y in the image's pixels first: all readers of an
        image together (:func:`fixations_by_image`). At least 2 images; fixations outside of their image
        are left out.
    size_wh
        (width, height) in pixels of all images, or one for each.
    sigma_px
        Standard deviation of the kernel in pixels of the map; default: width / 40.
    uniform_share
        Share of a uniform density in the mixture, in [0, 1]. It keeps the logarithm in
        :func:`information_gain` finite far from all fixations; pysaliency mixes in the same way.

    Returns
    -------
    DensityMaps
        ``[i]`` is the (H, W) density for image i. It does not contain the fixations on image i.

    Examples
    --------
    >>> from gazesim.saliency import centre_bias
    >>> maps = centre_bias([[[2.5, 1.5, 0.2]], [[6.5, 4.5, 0.1]]], size_wh=(9, 6), sigma_px=1)
    >>> [int(one.argmax()) for one in maps]  # image 0 has the fixation on image 1 (row 4, column 6)
    [42, 11]
    """
    if isinstance(fixations, (str, bytes, dict)) or not hasattr(fixations, "__len__"):
        raise TypeError(f"fixations is {describe(fixations)}; expected one scanpath (L, 3) per image")
    given = list(fixations)
    if len(given) < 2:
        raise ValueError(
            f"fixations has {len(given)} image; expected at least 2: each is left out of its map"
        )
    sizes = _sizes(size_wh, len(given))
    _check_mixture(sigma_px, uniform_share)
    found = [
        fixated_in(f"fixations[{sample}]", one, (height, width))
        for sample, (one, (width, height)) in enumerate(zip(given, sizes, strict=True))
    ]
    pooled = PooledFixations(found, sizes)
    totals: dict[Size, NDArray[np.float64]] = {}

    def counts(size: Size, chosen: Any) -> Map:
        rows, columns = pooled.pixels_in(size)
        flat = np.bincount((rows * size[0] + columns)[chosen], minlength=size[0] * size[1])
        return flat.reshape(size[1], size[0]).astype(np.float64)

    def draw(sample: int) -> Map:
        size = sizes[sample]
        if size not in totals:
            totals[size] = counts(size, slice(None))
        # Whole numbers: the difference is exact, and no other image is counted again.
        others = totals[size] - counts(size, pooled.owner == sample)
        return smooth_density(others, sigma_px, uniform_share)

    return DensityMaps(len(given), draw)


def leave_one_reader_out(
    paths: Scanpaths,
    *,
    size_wh: Any = None,
    sigma_px: float | None = None,
    uniform_share: float = 0.01,
) -> DensityMaps:
    """Return for every scanpath the density of the *other* readers' fixations on the same image.

    How well readers predict each other: the usual ceiling of a measure is its score of these maps
    against ``paths``, such as ``nss(leave_one_reader_out(paths), paths)``.

    Parameters
    ----------
    paths
        Scanpaths whose ids are (image_id, reader_id), at least 2 readers for each image. Fixations
        outside of the image are left out.
    size_wh
        (width, height) in pixels of all images; default: ``paths.screen_size``.
    sigma_px
        Standard deviation of the kernel in pixels; default: width / 40.
    uniform_share
        As for :func:`centre_bias`.

    Returns
    -------
    DensityMaps
        ``[i]`` is the (H, W) density for ``paths[i]``. It does not contain the fixations of
        ``paths[i]``.

    Examples
    --------
    >>> from gazesim import Scanpaths
    >>> from gazesim.saliency import leave_one_reader_out
    >>> gazes = [[[2.5, 1.5, 0.2]], [[6.5, 4.5, 0.1]]]
    >>> paths = Scanpaths.from_list(gazes, ids=[("a", 1), ("a", 2)], screen_size=(9, 6))
    >>> [int(one.argmax()) for one in leave_one_reader_out(paths, sigma_px=1)]
    [42, 11]
    """
    if not isinstance(paths, Scanpaths):
        raise TypeError(
            f"paths is {describe(paths)}; expected gazesim.Scanpaths with ids (image_id, reader_id)"
        )
    size = paths.screen_size if size_wh is None else size_wh
    if size is None:
        raise ValueError("size_wh is missing; expected (width, height) in pixels, here or on the Scanpaths")
    width, height = pixel_size("size_wh", size)
    _check_mixture(sigma_px, uniform_share)
    images = [image_of(name) for name in paths.ids]
    readers: dict[Any, list[int]] = {}
    for position, image in enumerate(images):
        readers.setdefault(image, []).append(position)
    alone = [image for image, positions in readers.items() if len(positions) == 1]
    if alone:
        raise ValueError(
            f"paths: {len(alone)} of {len(readers)} images have one reader, such as {alone[0]!r}; expected "
            "at least 2 readers of each image, and ids (image_id, reader_id)"
        )

    def draw(position: int) -> Map:
        others = [paths[other] for other in readers[images[position]] if other != position]
        at = fixated_in("paths", np.concatenate(others), (height, width))
        counts = np.bincount(at.rows * width + at.columns, minlength=width * height).astype(np.float64)
        return smooth_density(counts.reshape(height, width), sigma_px, uniform_share)

    return DensityMaps(len(paths), draw)


def smooth_density(counts: Map, sigma_px: float | None, uniform_share: float) -> Map:
    """Return counts of fixations, smoothed by a Gaussian, as a density mixed with a uniform one.

    What falls outside of the image is lost, and the rest is scaled to the sum 1; without any fixation
    the density is uniform.
    """
    from scipy.ndimage import gaussian_filter

    sigma = counts.shape[1] / 40 if sigma_px is None else float(sigma_px)
    smooth = gaussian_filter(counts, sigma, mode="constant")
    total = smooth.sum()
    uniform = 1 / counts.size
    if total == 0:
        return np.full(counts.shape, uniform)
    mixed: Map = smooth * ((1 - uniform_share) / total) + uniform_share * uniform
    return mixed


def _check_mixture(sigma_px: object, uniform_share: object) -> None:
    if sigma_px is not None:
        number("sigma_px", sigma_px, low=0.0, high=MAX_SIGMA, open_low=True)
    number("uniform_share", uniform_share, low=0.0, high=1.0)


def _sizes(size_wh: Any, count: int) -> list[Size]:
    array = np.asarray(size_wh)
    if array.ndim == 2:
        if len(array) != count:
            raise ValueError(f"size_wh has {len(array)} entries; expected one for each of the {count} images")
        return [pixel_size(f"size_wh[{sample}]", one) for sample, one in enumerate(array.tolist())]
    return [pixel_size("size_wh", size_wh)] * count
