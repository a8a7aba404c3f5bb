"""Networks that turn images into features: ResNets of torchvision, and a narrow one for small images."""

from __future__ import annotations

import itertools
import pickle
import warnings
import zipfile
from collections import OrderedDict
from pathlib import Path
from typing import Any
from urllib.error import URLError

import torch
from torch import nn
from torchvision import models
from torchvision.models.resnet import BasicBlock, ResNet
from torchvision.models.vision_transformer import VisionTransformer

from ..._errors import choice, describe, integer

__all__ = ["Backbone", "backbone_names", "make_backbone"]

#: Widths of the stages of "resnet10-narrow".
NARROW = (16, 32, 64, 128)
NARROW_NAME = "resnet10-narrow"
WEIGHTS = ("imagenet",)
#: Sides in pixels of the empty images on which the length of features is measured.
SIDES = (64, 224)
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
        # Channels last: half the time of a step on CPUs, and best for tensor cores.
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


def take_normalisation(
    net: nn.Module, backbone: nn.Module, mean: tuple[float, ...], std: tuple[float, ...]
) -> None:
    """Make every :class:`Backbone` in ``net`` normalise images by mean and std before its own normalisation.

    ``net`` holds the network ``backbone`` and copies of it, such as a momentum encoder.
    """
    found = [part for part in net.modules() if isinstance(part, Backbone)]
    if not any(part in found for part in backbone.modules()):
        raise ValueError(
            f"the data normalises views (mean {mean}, std {std}), but the backbone is a "
            f"{type(backbone).__name__}, so evaluation would feed it images that are not normalised; "
            "expected the normalisation inside of that module, or a backbone of gazesim.train"
        )
    for part in found:
        channels = part.mean.numel()
        if len(mean) not in (1, channels):
            raise ValueError(
                f"the data normalises {len(mean)} channels, and the backbone {channels}; "
                "expected equal numbers"
            )
        shift, scale = (torch.tensor(one).reshape(-1, 1, 1).to(part.mean) for one in (mean, std))
        # ((x - shift) / scale - mean) / std, in one step.
        part.mean.copy_(shift + scale * part.mean)
        part.std.mul_(scale)


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
        torch.hub; or a file of a torchvision ResNet's weights, such as ``resnet18-f37072fd.pth``. Images
        are then standardised as for ImageNet. For other than three channels, the first layer responds to a
        grey image as the original does to three copies of it.

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
    if weights is not None and weights not in WEIGHTS and not Path(weights).is_file():
        raise FileNotFoundError(f"weights is {weights!r}, which is no file; expected 'imagenet' or a file")
    if name == NARROW_NAME:
        if weights is not None:
            raise ValueError(f"weights is {weights!r}, but there are none for {name!r}; expected None")
        return Backbone(_narrow(channels), NARROW[-1], (0.0,) * channels, (1.0,) * channels)
    net: ResNet = models.get_model(name, weights=None)
    if weights is not None:
        net.load_state_dict(_imagenet(name) if weights in WEIGHTS else _weights_in(Path(weights), name, net))
    mean, std = (0.0,) * channels, (1.0,) * channels
    if weights is not None:
        mean, std = _per_channel(IMAGENET_MEAN, channels), _per_channel(IMAGENET_STD, channels)
    return Backbone(_maps(net, channels, weights is not None), net.fc.in_features, mean, std)


def as_backbone(backbone: str | nn.Module, channels: int, weights: str | None, dim: int | None) -> nn.Module:
    """Return a network with ``.dim`` from images to features (N, D).

    A name makes a new network. The classifier of a torchvision ResNet (whatever its ``fc`` is), a
    torchvision ViT or a timm model is replaced by the identity, in place. Maps (N, D, h, w) of a module are
    averaged over places; of a compiled module, the original one is taken. The length D comes from ``dim``,
    from the module's attribute ``dim``, or from its output for an empty image.
    """
    if isinstance(backbone, str):
        return make_backbone(backbone, channels=channels, weights=weights)
    if not isinstance(backbone, nn.Module):
        raise TypeError(f"backbone is {describe(backbone)}; expected a name or an nn.Module")
    if weights is not None:
        raise ValueError(f"weights is {weights!r} beside a module as backbone; expected a backbone by name")
    if dim is not None:
        integer("dim", dim, low=1, high=2**20)
    original = getattr(backbone, "_orig_mod", None)
    if isinstance(original, nn.Module):
        warnings.warn(
            "backbone is compiled; its original module is taken: compile the whole Contrastive instead",
            stacklevel=3,
        )
        backbone = original
    if isinstance(backbone, ResNet):
        return _of_known_length(_without_fc(backbone), dim)
    if isinstance(backbone, VisionTransformer):
        backbone.heads = nn.Identity()
        backbone.dim = backbone.hidden_dim
        return _of_known_length(backbone, dim)
    if hasattr(backbone, "reset_classifier") and isinstance(getattr(backbone, "num_features", None), int):
        backbone.reset_classifier(0)  # type: ignore[operator]  # timm
        shape = _answer(backbone)
        backbone.dim = backbone.num_features if shape is None else shape[1]  # type: ignore[assignment]
        return _of_known_length(backbone, dim)
    return _of_any_kind(backbone, dim)


def _without_fc(net: ResNet) -> Backbone:
    if not isinstance(net.fc, (nn.Linear, nn.Identity)):
        warnings.warn(
            f"the fc of the ResNet, a {type(net.fc).__name__}, is left out: features are those before it, "
            "and heads decides the projector",
            stacklevel=4,
        )
    inputs = net.conv1.in_channels
    return Backbone(_stages(net), net.inplanes, (0.0,) * inputs, (1.0,) * inputs)


def _of_known_length(net: nn.Module, dim: int | None) -> nn.Module:
    if dim is not None and dim != net.dim:
        raise ValueError(f"dim is {dim}, and the features of the backbone have length {net.dim}")
    return net


def _of_any_kind(net: nn.Module, dim: int | None) -> nn.Module:
    known = dim if dim is not None else getattr(net, "dim", None)
    shape = _answer(net)
    if shape is not None and len(shape) == 4:
        inputs = _inputs(net)
        return _of_known_length(Backbone(net, shape[1], (0.0,) * inputs, (1.0,) * inputs), dim)
    if shape is not None and len(shape) != 2:
        raise ValueError(f"backbone returned shape {shape}; expected features (N, D) or maps (N, D, h, w)")
    if shape is not None and known is None:
        known = shape[1]
    if not isinstance(known, int):
        raise ValueError(
            f"backbone is a {type(net).__name__} that does not tell the length of its features; "
            "expected dim=... or an attribute dim"
        )
    net.dim = known  # type: ignore[assignment]
    return net


def _inputs(net: nn.Module) -> int:
    return next((one.in_channels for one in net.modules() if isinstance(one, nn.Conv2d)), 0)


def _answer(net: nn.Module) -> tuple[int, ...] | None:
    """Return the shape of a network's output for two empty images, or None if it accepts no such images.

    The network stays as it is: mode of every submodule, buffers, and torch's generators.
    """
    first = next(net.parameters(), None)
    if not _inputs(net) or first is None:
        return None
    modes = [(one, one.training) for one in net.modules()]
    try:
        net.eval()
        with torch.random.fork_rng(devices=[]), torch.no_grad():
            for side in SIDES:
                images = torch.zeros(2, _inputs(net), side, side, device=first.device, dtype=first.dtype)
                try:
                    found = net(images)
                except Exception:  # it needs another size or more arguments: the first batch decides
                    continue
                return tuple(found.shape) if isinstance(found, torch.Tensor) else None
    finally:
        for one, mode in modes:
            one.training = mode
    return None


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
    """Return values for red, green and blue for another number of channels: their mean for each."""
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


def _weights_in(file: Path, name: str, net: ResNet) -> dict[str, Any]:
    """Return the weights in a file, or raise for those of another network; no code in the file runs."""
    try:
        state = torch.load(file, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError, zipfile.BadZipFile) as error:
        reason = str(error).strip().split("\n", 1)[0]
        raise ValueError(f"weights: {file} is no file of tensors: {reason}") from error
    expected = net.state_dict()
    found: dict[str, Any] = state if isinstance(state, dict) else {}
    wrong = sorted(
        key
        for key in expected.keys() | found.keys()
        if key not in found or key not in expected or found[key].shape != expected[key].shape
    )
    if wrong:
        raise ValueError(
            f"weights: {file} does not hold torchvision's weights of {name}: {len(wrong)} differ, such as "
            f"{wrong[0]}; expected its file"
        )
    return found


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
