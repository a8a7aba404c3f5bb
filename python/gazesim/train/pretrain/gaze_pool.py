"""Gaze-pooled features: in training, the cells of the first views are averaged with gaze as their weight."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn

from ...torch.gaze_target import checked_maps, counted
from ..data.loader import ViewMaps
from .backbones import Backbone

__all__ = ["check_pooling", "gaze_average", "pooled_by_gaze"]

#: The share of the weight that all cells of an image have in equal parts, so that none has the weight 0.
FLOOR = 0.1


def check_pooling(backbone: nn.Module) -> None:
    """Raise ValueError for a network that does not average feature maps over places."""
    if not isinstance(backbone, Backbone) or type(backbone).forward is not Backbone.forward:
        raise ValueError(
            f"gaze_pool is True, and the backbone is a {type(backbone).__name__}, which does not average "
            "feature maps as gazesim.train.Backbone does; expected a ResNet, a module that returns maps "
            "(N, D, h, w), or False"
        )


@contextmanager
def pooled_by_gaze(backbone: nn.Module, maps: ViewMaps) -> Iterator[None]:
    """Let the first call of a :class:`Backbone` inside return :func:`gaze_average`, by the first views' gaze.

    Later calls average plainly, and so does every copy of the network.
    """
    last: list[torch.Tensor] = []
    is_first = True

    def keep(_: nn.Module, __: Any, output: torch.Tensor) -> None:
        if is_first:
            last.append(output)

    def pool(_: nn.Module, __: Any, features: torch.Tensor) -> torch.Tensor | None:
        nonlocal is_first
        if not is_first:
            return None
        is_first = False
        return gaze_average(last.pop(), features, maps.first, maps.valid)

    handles = [
        backbone.get_submodule("maps").register_forward_hook(keep),
        backbone.register_forward_hook(pool),
    ]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def gaze_average(
    outputs: torch.Tensor, features: torch.Tensor, gaze_maps: torch.Tensor, valid: torch.Tensor
) -> torch.Tensor:
    """Return the features (N, D) of feature maps, as the mean over cells that is weighted by gaze.

    With p the gaze map averaged to the cells and divided by its sum, and K cells, a cell has the weight
    0.9 p + 0.1 / K. Images that do not count, and views without gaze, keep their plain features, bit by bit.

    Parameters
    ----------
    outputs
        The feature maps (N, D, h, w), of more than one cell.
    features
        Their plain mean over cells, (N, D).
    gaze_maps
        (N, 1, H, W), at least 0, under the same crop and flips as the images; H ≥ h and W ≥ w.
    valid
        (N,) bool: which images have gaze that counts.

    Raises
    ------
    ValueError
        For maps of one cell, for other shapes, and for maps that are negative or not finite.

    Examples
    --------
    >>> import torch
    >>> outputs = torch.tensor([[[[4.0, 0.0]]], [[[4.0, 0.0]]]])
    >>> gaze_maps = torch.tensor([[[[1.0, 0.0]]], [[[1.0, 0.0]]]])
    >>> found = gaze_average(outputs, outputs.mean(dim=(2, 3)), gaze_maps, torch.tensor([True, False]))
    >>> [round(value, 4) for value in found[:, 0].tolist()]
    [3.8, 2.0]
    """
    places = outputs.shape[2] * outputs.shape[3]
    if places < 2:
        raise ValueError(
            "gaze_pool: the backbone returns maps of one place for these images; expected larger images"
        )
    valid = checked_maps("the feature maps", outputs, gaze_maps, valid, channels=None)
    with torch.autocast(outputs.device.type, enabled=False):
        chosen, cells = counted(outputs, gaze_maps, valid, upper=None)
        mass = cells.sum(dim=(1, 2, 3), keepdim=True)
        has_gaze = mass.flatten() > 0
        weights = (1 - FLOOR) * cells[has_gaze] / mass[has_gaze] + FLOOR / places
        means = (chosen[has_gaze] * weights).sum(dim=(2, 3))
    counts = valid.clone()
    counts[valid] = has_gaze
    found = features.clone()
    found[counts] = means.to(features.dtype)
    return found
