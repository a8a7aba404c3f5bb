"""Baselines of pre-training: the same network from scratch, or with ImageNet weights."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn

from ..._errors import choice
from ..lightning_tools import seeded
from ..pretrain.backbones import make_backbone

__all__ = ["BASELINES", "Baseline"]

BASELINES = ("scratch", "imagenet")


@dataclass(frozen=True)
class Baseline:
    """Makes a network that was not pre-trained with gaze, for :func:`cross_validate`.

    Parameters
    ----------
    kind
        "scratch" (random weights, others with every seed) or "imagenet" (downloaded once; every
        seed's are equal).
    backbone, channels
        As for :func:`make_backbone`.
    device
        Where the network is put.
    weights
        For "imagenet": a file of torchvision's weights, in place of those that are downloaded.

    Examples
    --------
    >>> import torch
    >>> from gazesim.train import Baseline
    >>> scratch = Baseline("scratch", "resnet10-narrow", channels=1)
    >>> images = torch.rand(2, 1, 64, 64)
    >>> torch.equal(scratch(0).eval()(images), scratch(0).eval()(images))
    True
    """

    kind: str
    backbone: str = "resnet18"
    channels: int = 3
    device: str = "cpu"
    weights: str | None = None

    def __post_init__(self) -> None:
        choice("baselines", self.kind, BASELINES)

    def __call__(self, seed: int) -> nn.Module:
        """Return the network of a seed, in eval mode; torch's generator is left alone."""
        weights = (self.weights or "imagenet") if self.kind == "imagenet" else None
        with seeded(seed):
            net = make_backbone(self.backbone, channels=self.channels, weights=weights)
        return net.eval().to(torch.device(self.device))
