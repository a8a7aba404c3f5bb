"""What a network takes for alike within an image: one point of a feature map against all (McGIP, Fig. 4)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn import functional

from ..._errors import describe, did_you_mean
from .linear_probe import device_of

__all__ = ["affinity_map"]


def affinity_map(
    backbone: nn.Module, image: torch.Tensor, point_xy: Sequence[float], *, layer: str | None = None
) -> NDArray[np.float32]:
    """Return the cosine similarity of a feature map's vector at one point with those at all places.

    Parameters
    ----------
    backbone
        Any network of images, such as a torchvision ResNet; it is in eval mode meanwhile.
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
        (h, w) float32 in [−1, 1], 1 at the place that holds the point; 0 against a zero vector.

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
    maps = _feature_maps(backbone, image, layer)
    rows, columns = maps.shape[1:]
    column, row = int(x * columns / width), int(y * rows / height)
    vectors = functional.normalize(maps.double(), dim=0)
    found = torch.einsum("chw,c->hw", vectors, vectors[:, row, column]).clamp(-1, 1)
    result: NDArray[np.float32] = found.float().cpu().numpy()
    return result


def _feature_maps(backbone: nn.Module, image: torch.Tensor, layer: str | None) -> torch.Tensor:
    """Return the output (D, h, w) of a layer for one image."""
    named = dict(backbone.named_modules())
    if layer is not None and (not layer or layer not in named):
        raise ValueError(
            f"layer is {layer!r}, which the network does not have{did_you_mean(layer, named)}; expected one "
            f"of named_modules(), such as {', '.join(name for name, _ in backbone.named_children())}"
        )
    watched = [named[layer]] if layer is not None else list(named.values())
    seen: list[torch.Tensor] = []

    def note(_: nn.Module, __: Any, output: Any) -> None:
        if isinstance(output, torch.Tensor) and output.ndim == 4 and output.shape[2] * output.shape[3] > 1:
            # A ReLU behind the layer may work in place, in this very tensor.
            seen.append(output[0] if layer is None else output[0].clone())

    handles = [module.register_forward_hook(note) for module in watched]
    training = backbone.training
    backbone.eval()
    try:
        with torch.inference_mode():
            backbone(image[None].to(device_of(backbone)))
    finally:
        backbone.train(training)
        for handle in handles:
            handle.remove()
    if not seen:
        where = "no layer" if layer is None else f"layer {layer!r} does not"
        verb = "returns" if layer is None else "return"
        raise ValueError(
            f"{where} {verb} a map (N, C, h, w) of more than one place for an image of "
            f"{image.shape[2]} x {image.shape[1]} pixels; expected another layer or a larger image"
        )
    return seen[-1]
