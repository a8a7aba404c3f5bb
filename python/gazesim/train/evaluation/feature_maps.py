"""The feature maps of a layer of a network: by name, or the last ones."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from ..._errors import did_you_mean
from ..measuring import as_input_of, measuring

__all__ = ["feature_maps"]


def feature_maps(backbone: nn.Module, images: torch.Tensor, layer: str | None = None) -> torch.Tensor:
    """Return the output (N, D, h, w) of a layer for images (N, C, H, W), float32 or float64 on the CPU.

    Parameters
    ----------
    backbone
        Any network of images; it runs in evaluation mode and is unchanged afterwards.
    images
        (N, C, H, W), as the network expects them.
    layer
        The name of the module whose output is returned, as in ``named_modules()``. Default: the last
        one that returns a map (N, D, h, w) of more than one place.

    Examples
    --------
    >>> import torch
    >>> from gazesim.train import make_backbone
    >>> from gazesim.train.evaluation.feature_maps import feature_maps
    >>> feature_maps(make_backbone("resnet10-narrow", channels=1), torch.rand(2, 1, 64, 64)).shape
    torch.Size([2, 128, 4, 4])
    """
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
            # A copy: a ReLU after the layer may change this tensor in place.
            seen[:] = [output if layer is None else output.clone()]

    handles = [module.register_forward_hook(note) for module in watched]
    try:
        with measuring(backbone):
            backbone(as_input_of(backbone, images))
    finally:
        for handle in handles:
            handle.remove()
    if not seen:
        where = "no layer" if layer is None else f"layer {layer!r} does not"
        verb = "returns" if layer is None else "return"
        raise ValueError(
            f"{where} {verb} a map (N, C, h, w) of more than one place for an image of "
            f"{images.shape[3]} x {images.shape[2]} pixels; expected another layer or a larger image"
        )
    found = seen[0].cpu()
    return found if found.dtype == torch.float64 else found.float()
