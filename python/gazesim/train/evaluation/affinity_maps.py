"""What a network takes for alike within an image: one point of a feature map against all (McGIP, Fig. 4)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn import functional

from ..._errors import describe
from .feature_maps import feature_maps

__all__ = ["affinity_map"]


def affinity_map(
    backbone: nn.Module, image: torch.Tensor, point_xy: Sequence[float], *, layer: str | None = None
) -> NDArray[np.float32]:
    """Return the cosine similarity of a feature map's vector at one point with those at all places.

    Parameters
    ----------
    backbone
        Any network of images, such as a torchvision ResNet; it is in evaluation mode meanwhile, and as it
        was afterwards.
    image
        (C, H, W), as the network expects it.
    point_xy
        x and y in pixels of the image, origin top-left.
    layer
        The name of the module whose output is looked at, as in ``named_modules()``. Default: the
        last one that returns a map (N, C, h, w) of more than one place.

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
    if not isinstance(image, torch.Tensor) or image.ndim != 3:
        raise ValueError(f"image is {describe(image)}; expected a tensor (C, H, W)")
    height, width = image.shape[1:]
    x, y = (float(value) for value in point_xy)
    if not (0 <= x < width and 0 <= y < height):
        raise ValueError(
            f"point_xy is ({x:g}, {y:g}); expected a point of the image, {width} x {height} pixels"
        )
    maps = feature_maps(backbone, image[None], layer)[0]
    rows, columns = maps.shape[1:]
    column, row = int(x * columns / width), int(y * rows / height)
    vectors = functional.normalize(maps.double(), dim=0)
    found = torch.einsum("chw,c->hw", vectors, vectors[:, row, column]).clamp(-1, 1)
    result: NDArray[np.float32] = found.float().cpu().numpy()
    return result
