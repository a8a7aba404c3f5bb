"""Export backbones to other libraries: weights under their names, or the whole network as ONNX."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.export import Dim
from torchvision import models

from ..._errors import choice
from .backbones import NARROW_NAME, Backbone
from .checkpoints import LAST, load_backbone, read_checkpoint

__all__ = ["TARGETS", "export_backbone"]

TARGETS = ("torchvision", "timm", "lightly", "onnx")
#: Positions of a ResNet's parts in Sequential(*resnet.children()), which lightly's examples cut.
LIGHTLY = {"conv1": 0, "bn1": 1, "relu": 2, "maxpool": 3, "layer1": 4, "layer2": 5, "layer3": 6, "layer4": 7}


def export_backbone(source: Path, to: str, target: Path, *, size: int = 224) -> str:
    """Write the backbone of a checkpoint for another library, and return the code that loads it.

    Parameters
    ----------
    source
        A checkpoint of ``gazesim pretrain``, or its folder.
    to
        "torchvision", "timm", "lightly" or "onnx".
    target
        The file to write: whole, or not at all.
    size
        Side in pixels of the images that ONNX traces the network with.

    Raises
    ------
    ValueError
        Where the library has no such network.
    """
    choice("to", to, TARGETS)
    net = load_backbone(source)
    file = source / LAST if source.is_dir() else source
    about = read_checkpoint(file)["gazesim"]
    name, channels = about["backbone"], int(about["channels"])
    assert isinstance(net, Backbone)  # a checkpoint that names its backbone
    if to == "onnx":
        _write_onnx(net, target, channels, size)
        made = f"net = onnxruntime.InferenceSession({str(target)!r})"
        return f"import onnxruntime\n{made}\n# images: pixels in [0, 1]"
    if name == NARROW_NAME:
        raise ValueError(f"{file} holds {name!r}, which {to} does not have; expected --to onnx")
    state = {key: value.clone() for key, value in net.maps.state_dict().items()}
    if to == "lightly":
        state = {_numbered(key): value for key, value in state.items()}
    partial = target.with_name(f"{target.name}.part")
    torch.save(state, partial)
    partial.replace(target)
    return "\n".join([*_recipe(to, name, channels, target), _pixels(net)])


def _numbered(name: str) -> str:
    part, _, rest = name.partition(".")
    return f"{LIGHTLY[part]}.{rest}"


def _recipe(to: str, name: str, channels: int, target: Path) -> list[str]:
    load = f"torch.load({str(target)!r}, weights_only=True)"
    if to == "timm":
        made = f'net = timm.create_model("{name}", num_classes=0, in_chans={channels})'
        return ["import timm, torch", made, f"net.load_state_dict({load})"]
    lines = ["import torch, torchvision", f'net = torchvision.models.get_model("{name}")']
    if channels != 3:
        width = models.get_model(name).conv1.out_channels
        lines.append(f"net.conv1 = torch.nn.Conv2d({channels}, {width}, 7, stride=2, padding=3, bias=False)")
    if to == "torchvision":
        return [*lines, "net.fc = torch.nn.Identity()", f"net.load_state_dict({load})"]
    return [*lines, "net = torch.nn.Sequential(*list(net.children())[:-1])", f"net.load_state_dict({load})"]


def _pixels(net: Backbone) -> str:
    mean, std = net.mean.flatten().tolist(), net.std.flatten().tolist()
    if set(mean) == {0.0} and set(std) == {1.0}:
        return "# images: pixels in [0, 1], not normalised"
    rounded = [[round(value, 6) for value in values] for values in (mean, std)]
    return f"# images: (pixel in [0, 1] - mean) / std with mean {rounded[0]} and std {rounded[1]}"


def _write_onnx(net: Backbone, target: Path, channels: int, size: int) -> None:
    try:
        import onnxscript  # noqa: F401
    except ImportError as error:
        raise ImportError(
            f"--to onnx needs onnx and onnxscript ({error}); expected: pip install onnx onnxscript"
        ) from error
    partial = target.with_name(f"{target.name}.part")
    plain = _Contiguous(net).eval()
    images = torch.zeros(2, channels, size, size)
    shapes: dict[str, Any] = {"images": {0: Dim("n"), 2: Dim("height"), 3: Dim("width")}}
    written = torch.onnx.export(
        plain,
        (images,),
        input_names=["images"],
        output_names=["features"],
        dynamic_shapes=shapes,
        dynamo=True,
        verbose=False,
    )
    assert written is not None
    written.save(str(partial), external_data=False)
    partial.replace(target)


class _Contiguous(nn.Module):
    """A backbone without memory formats, which ONNX does not know."""

    mean: torch.Tensor
    std: torch.Tensor

    def __init__(self, net: Backbone) -> None:
        super().__init__()
        self.maps = net.maps.to(memory_format=torch.contiguous_format)
        self.register_buffer("mean", net.mean)
        self.register_buffer("std", net.std)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Return the features (N, D)."""
        found: torch.Tensor = self.maps((images - self.mean) / self.std).mean(dim=(2, 3))
        return found
