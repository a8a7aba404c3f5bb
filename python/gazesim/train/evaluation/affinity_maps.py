"""Affinity maps: the similarity of one point of a feature map to all others (McGIP, Fig. 4)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn import functional

from ..._errors import describe
from .classification_scores import area_under_curve
from .feature_maps import feature_maps

__all__ = ["affinity_map", "affinity_map_auroc", "affinity_maps", "lesion_point"]


def affinity_map(
    backbone: nn.Module,
    image: torch.Tensor,
    point_xy: Sequence[float],
    *,
    layer: str | None = None,
    weights: torch.Tensor | None = None,
) -> NDArray[np.float32]:
    """Return the cosine similarity of a feature map's vector at one point with those at all places.

    Parameters
    ----------
    backbone
        Any network of images, such as a torchvision ResNet; it runs in evaluation mode and is unchanged
        afterwards.
    image
        (C, H, W), as the network expects it.
    point_xy
        x and y in pixels of the image, origin top-left.
    layer
        The name of the module whose output is used, as in ``named_modules()``. Default: the last one that
        returns a map (N, C, h, w) of more than one place.
    weights
        (D,) factors of the channels, such as the weights of a class in a linear probe: vectors are then the
        contributions of the places to the score of that class. Default: all 1.

    Returns
    -------
    ndarray
        (h, w) float32 in [−1, 1], 1 in the cell that holds the point; 0 against a zero vector. Cell
        ``[i, j]`` stands for the rectangle of the image between x = j·W/w and (j + 1)·W/w, and
        y = i·H/h and (i + 1)·H/h.

    Examples
    --------
    >>> import torch
    >>> from gazesim.train import affinity_map, make_backbone
    >>> backbone = make_backbone("resnet10-narrow", channels=1)
    >>> found = affinity_map(backbone, torch.rand(1, 64, 64), (40, 10))
    >>> found.shape, round(float(found[0, 2]), 4)
    ((4, 4), 1.0)
    """
    return affinity_maps(backbone, image, [point_xy], layer=layer, weights=weights)[0]


def affinity_maps(
    backbone: nn.Module,
    image: torch.Tensor,
    points_xy: Sequence[Sequence[float]],
    *,
    layer: str | None = None,
    weights: torch.Tensor | None = None,
) -> list[NDArray[np.float32]]:
    """Return the affinity maps of several points of one image; parameters as for :func:`affinity_map`.

    Examples
    --------
    >>> import torch
    >>> from gazesim.train import affinity_maps, make_backbone
    >>> backbone = make_backbone("resnet10-narrow", channels=1)
    >>> [one.shape for one in affinity_maps(backbone, torch.rand(1, 64, 64), [(40, 10), (5, 60)])]
    [(4, 4), (4, 4)]
    """
    if not isinstance(image, torch.Tensor) or image.ndim != 3:
        raise ValueError(f"image is {describe(image)}; expected a tensor (C, H, W)")
    height, width = image.shape[1:]
    for x, y in points_xy:
        if not (0 <= x < width and 0 <= y < height):
            raise ValueError(
                f"point_xy is ({x:g}, {y:g}); expected a point of the image, {width} x {height} pixels"
            )
    maps = feature_maps(backbone, image[None], layer)[0]
    if weights is not None:
        if weights.shape != maps.shape[:1]:
            raise ValueError(
                f"weights has shape {tuple(weights.shape)}, and the maps have {len(maps)} channels; expected "
                "one weight for each"
            )
        maps = maps.double() * weights.double().to(maps.device)[:, None, None]
    return [_similarities(maps, *_cell(point, (height, width), maps)) for point in points_xy]


def affinity_map_auroc(maps: torch.Tensor, mask: NDArray[Any], point_xy: Sequence[float]) -> float:
    """Return how well the affinity map of a point separates a mask: the AUROC over the pixels.

    A pixel of the mask should be more similar to a point in the lesion than a pixel outside; 0.5 is chance.
    Every pixel has the similarity of its cell. The cell of the point itself, whose similarity is 1 for any
    network, is left out.

    Parameters
    ----------
    maps
        (D, h, w), the feature map of one image.
    mask
        (H, W), nonzero in the region.
    point_xy
        x and y in pixels of the mask.

    Returns
    -------
    float
        In [0, 1]; NaN where, without the point's cell, no pixel is inside the mask or none is outside.

    Raises
    ------
    ValueError
        If the feature map is not finite.

    Examples
    --------
    >>> import numpy as np, torch
    >>> from gazesim.train.evaluation.affinity_maps import affinity_map_auroc, lesion_point
    >>> mask = np.zeros((8, 8), bool)
    >>> mask[:, :4] = True
    >>> affinity_map_auroc(torch.tensor([[[1.0, 0.0], [1.0, 0.0]]]), mask, lesion_point(mask))
    1.0
    """
    region = np.asarray(mask) > 0
    height, width = region.shape
    rows, columns = maps.shape[1:]
    if not torch.isfinite(maps).all():
        raise ValueError("maps holds a value that is not finite; expected numbers")
    row, column = _cell(point_xy, (height, width), maps)
    similar = _similarities(maps, row, column)
    # The centre of a pixel decides its cell.
    down = ((np.arange(height) + 0.5) * rows / height).astype(np.int64)
    across = ((np.arange(width) + 0.5) * columns / width).astype(np.int64)
    others = ~np.logical_and.outer(down == row, across == column)
    return area_under_curve(similar[down][:, across][others], region[others])


def lesion_point(mask: NDArray[Any]) -> tuple[float, float]:
    """Return x and y of the pixel deepest inside a mask (H, W), the first of equals; its centre.

    Examples
    --------
    >>> import numpy as np
    >>> from gazesim.train.evaluation.affinity_maps import lesion_point
    >>> mask = np.zeros((9, 9), bool)
    >>> mask[2:7, 3:8] = True
    >>> lesion_point(mask)
    (5.5, 4.5)
    """
    from scipy.ndimage import distance_transform_edt

    region = np.asarray(mask) > 0
    if region.ndim != 2 or not region.any():
        raise ValueError(f"mask is {describe(mask)}; expected (H, W) with a pixel that is not 0")
    depth = distance_transform_edt(np.pad(region, 1))[1:-1, 1:-1]  # the image's edge ends the region
    row, column = np.unravel_index(int(depth.argmax()), depth.shape)
    return float(column) + 0.5, float(row) + 0.5


def _cell(point_xy: Sequence[float], shape: tuple[int, int], maps: torch.Tensor) -> tuple[int, int]:
    """Return row and column of the cell that holds a point of an image (H, W)."""
    (height, width), (rows, columns) = shape, maps.shape[1:]
    return int(point_xy[1] * rows / height), int(point_xy[0] * columns / width)


def _similarities(maps: torch.Tensor, row: int, column: int) -> NDArray[np.float32]:
    vectors = functional.normalize(maps.double(), dim=0)
    found = torch.einsum("chw,c->hw", vectors, vectors[:, row, column]).clamp(-1, 1)
    result: NDArray[np.float32] = found.float().cpu().numpy()
    return result
