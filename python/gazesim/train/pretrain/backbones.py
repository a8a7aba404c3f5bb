"""Networks that turn images into features: ResNets of torchvision, and a narrow one for small images."""

from __future__ import annotations

import itertools
from collections import OrderedDict
from typing import Any
from urllib.error import URLError

import torch
from torch import nn
from torchvision import models
from torchvision.models.resnet import BasicBlock, ResNet

from ..._errors import choice, describe, integer

__all__ = ["Backbone", "backbone_names", "make_backbone"]

#: Widths of the stages of "resnet10-narrow".
NARROW = (16, 32, 64, 128)
NARROW_NAME = "resnet10-narrow"
WEIGHTS = ("imagenet",)
#: What ImageNet weights expect of images in [0, 1].
IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


class Backbone(nn.Module):
    """Images (N, C, H, W) in [0, 1] to features (N, D): feature maps, averaged over places.

    Parameters
    ----------
    maps
        The network up to its last feature maps (N, D, h, w); kept as ``.maps``.
    dim
        D, kept as ``.dim``.
    mean, std
        Per channel; images are standardised with them. They lie in the ``state_dict``, and
        :func:`make_backbone` gives one per channel with weights and without, so that a network that
        was trained on from ImageNet weights fits into one that was made without them.

    Examples
    --------
    >>> import torch
    >>> from gazesim.train import Backbone
    >>> backbone = Backbone(torch.nn.Conv2d(1, 8, 3), dim=8)
    >>> backbone(torch.rand(2, 1, 16, 16)).shape, backbone.feature_maps(torch.rand(2, 1, 16, 16)).shape
    (torch.Size([2, 8]), torch.Size([2, 8, 14, 14]))
    """

    mean: torch.Tensor
    std: torch.Tensor

    def __init__(
        self, maps: nn.Module, dim: int, mean: tuple[float, ...] = (0.0,), std: tuple[float, ...] = (1.0,)
    ) -> None:
        super().__init__()
        self.maps = maps
        self.dim = dim
        self.register_buffer("mean", torch.tensor(mean).reshape(-1, 1, 1))
        self.register_buffer("std", torch.tensor(std).reshape(-1, 1, 1))
        # Half the time of a step on CPUs, and what tensor cores want.
        self.to(memory_format=torch.channels_last)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Return the features (N, D) of images (N, C, H, W)."""
        features: torch.Tensor = self.feature_maps(images).mean(dim=(2, 3))
        return features

    def feature_maps(self, images: torch.Tensor) -> torch.Tensor:
        """Return the last feature maps, (N, D, h, w)."""
        standard = ((images - self.mean) / self.std).contiguous(memory_format=torch.channels_last)
        found: torch.Tensor = self.maps(standard)
        return found


def backbone_names() -> list[str]:
    """Return the names that :func:`make_backbone` knows."""
    stems = ("resnet", "resnext", "wide_resnet")
    resnets = [name for name in models.list_models(module=models) if name.startswith(stems)]
    return [*resnets, NARROW_NAME]


def make_backbone(name: str = "resnet18", *, channels: int = 3, weights: str | None = None) -> Backbone:
    """Return a network from images to features, without a classifier.

    Parameters
    ----------
    name
        Any ResNet of torchvision ("resnet18", "resnet50", "wide_resnet50_2", ...), or
        "resnet10-narrow": four stages of one block, 16 to 128 channels, a 3x3 stem of stride 2 and no
        max pooling, for images of about 64 pixels on a CPU.
    channels
        Of the images. Images are in [0, 1].
    weights
        None (random), or "imagenet": those of the papers (IMAGENET1K_V1), downloaded once by
        torch.hub. Images are then standardised as they expect, and a first layer for other than
        three channels answers a grey image as the original answers its copies.

    Returns
    -------
    Backbone
        ``.dim`` is the length of a feature.

    Examples
    --------
    >>> import torch
    >>> from gazesim.train import make_backbone
    >>> backbone = make_backbone("resnet10-narrow", channels=1)
    >>> backbone(torch.rand(2, 1, 64, 64)).shape, backbone.dim
    (torch.Size([2, 128]), 128)
    """
    choice("backbone", name, backbone_names())
    integer("channels", channels, low=1, high=1024)
    if weights is not None:
        choice("weights", weights, WEIGHTS)
    if name == NARROW_NAME:
        if weights is not None:
            raise ValueError(f"weights is {weights!r}, but there are none for {name!r}; expected None")
        return Backbone(_narrow(channels), NARROW[-1], (0.0,) * channels, (1.0,) * channels)
    net: ResNet = models.get_model(name, weights=None)
    if weights is not None:
        net.load_state_dict(_imagenet(name))
    mean, std = (0.0,) * channels, (1.0,) * channels
    if weights is not None:
        mean, std = _per_channel(IMAGENET_MEAN, channels), _per_channel(IMAGENET_STD, channels)
    return Backbone(_maps(net, channels, weights is not None), net.fc.in_features, mean, std)


def as_backbone(backbone: str | nn.Module, channels: int, weights: str | None, dim: int | None) -> nn.Module:
    """Return a network with ``.dim``: one by name, a ResNet without its classifier, or the module itself."""
    if isinstance(backbone, str):
        return make_backbone(backbone, channels=channels, weights=weights)
    if not isinstance(backbone, nn.Module):
        raise TypeError(f"backbone is {describe(backbone)}; expected a name or an nn.Module")
    if weights is not None:
        raise ValueError(f"weights is {weights!r} beside a module as backbone; expected a backbone by name")
    if isinstance(backbone, ResNet):
        inputs = backbone.conv1.in_channels
        return Backbone(_stages(backbone), backbone.fc.in_features, (0.0,) * inputs, (1.0,) * inputs)
    if dim is not None:
        backbone.dim = integer("dim", dim, low=1, high=2**20)  # type: ignore[assignment]
    if not isinstance(getattr(backbone, "dim", None), int):
        raise ValueError(
            f"backbone is a {type(backbone).__name__} that does not tell the length of its features; "
            "expected dim=... or an attribute dim"
        )
    return backbone


def _stages(net: ResNet) -> nn.Sequential:
    """Return everything but pooling and classifier."""
    return nn.Sequential(
        OrderedDict((name, part) for name, part in net.named_children() if name not in ("avgpool", "fc"))
    )


def _maps(net: ResNet, channels: int, trained: bool) -> nn.Sequential:
    if channels != 3:
        old = net.conv1
        net.conv1 = nn.Conv2d(channels, old.out_channels, 7, stride=2, padding=3, bias=False)
        if trained:
            with torch.no_grad():
                net.conv1.weight.copy_(
                    old.weight.sum(dim=1, keepdim=True).expand_as(net.conv1.weight) / channels
                )
        else:
            nn.init.kaiming_normal_(net.conv1.weight, mode="fan_out", nonlinearity="relu")
    return _stages(net)


def _per_channel(values: tuple[float, ...], channels: int) -> tuple[float, ...]:
    """Return what is stated for red, green and blue for other channels: their mean for each."""
    return values if channels == len(values) else (sum(values) / len(values),) * channels


def _narrow(channels: int) -> nn.Sequential:
    stem = nn.Sequential(
        nn.Conv2d(channels, NARROW[0], 3, stride=2, padding=1, bias=False),
        nn.BatchNorm2d(NARROW[0]),
        nn.ReLU(inplace=True),
    )
    stages: list[nn.Module] = [BasicBlock(NARROW[0], NARROW[0])]
    for before, width in itertools.pairwise(NARROW):
        shortcut = nn.Sequential(nn.Conv2d(before, width, 1, stride=2, bias=False), nn.BatchNorm2d(width))
        stages.append(BasicBlock(before, width, stride=2, downsample=shortcut))
    for part in nn.Sequential(stem, *stages).modules():
        if isinstance(part, nn.Conv2d):
            nn.init.kaiming_normal_(part.weight, mode="fan_out", nonlinearity="relu")
    return nn.Sequential(stem, *stages)


def _imagenet(name: str) -> dict[str, Any]:
    known = models.get_model_weights(name).IMAGENET1K_V1
    try:
        state: dict[str, Any] = known.get_state_dict(progress=False, check_hash=True, weights_only=True)
    except (URLError, OSError) as error:
        raise OSError(
            f"the ImageNet weights of {name} could not be read ({error}); expected a connection, or the file "
            f"{known.url.rsplit('/', 1)[-1]} in {torch.hub.get_dir()}/checkpoints, from {known.url}"
        ) from error
    return state
