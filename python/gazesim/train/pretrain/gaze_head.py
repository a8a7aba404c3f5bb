"""The gaze head: a 1x1 convolution on a feature map of the backbone, and its loss."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn
from torchvision.models.vision_transformer import VisionTransformer

from ..._errors import did_you_mean
from ...torch.cell_pairs import CellPairLoss
from ...torch.gaze_target import GazeTargetLoss
from ..data.loader import ViewMaps
from .backbones import SIDES, Backbone
from .gaze_settings import CELLS, GazeTargetSettings

__all__ = ["GazeHead"]

#: Length of the embeddings of cells, with the loss "cells".
CELL_DIM = 64


class GazeHead(nn.Module):
    """Logits of gaze, one per cell of a feature map inside a backbone; with the loss "cells" embeddings.

    The backbone is not a part of this module: a hook reads its feature map while it runs.

    Parameters
    ----------
    backbone
        A network of images: its maps (N, D, h, w), or its tokens (N, P, D), of which the last are patches
        on a square grid, as torchvision's and timm's ViT have them.
    settings
        Which feature map, and which loss.
    """

    def __init__(self, backbone: nn.Module, settings: GazeTargetSettings) -> None:
        super().__init__()
        found = _stages(backbone)
        stage = settings.stage
        if stage is None and not found:
            raise ValueError(
                f"no module of the backbone, a {type(backbone).__name__}, returns a map (N, D, h, w) of "
                "several places, or tokens of patches; expected gaze_target.stage, the name of one that does"
            )
        if stage is not None and stage not in found:
            known = dict(backbone.named_modules())
            what = "returns no map of several places" if stage in known else "the backbone does not have"
            some = ", ".join(list(found)[-4:])
            raise ValueError(
                f"gaze_target.stage is {stage!r}, which {what}{did_you_mean(stage, found)}; expected one "
                f"such as {some or 'a convolution'}"
            )
        #: The name of the module that is read.
        self.stage = stage if stage is not None else _last(backbone, found)
        self.prefix_tokens = _prefix_tokens(backbone)
        self.is_channels_last = getattr(backbone, "output_fmt", "") == "NHWC"
        #: Whether the head gives logits, from which maps are made.
        self.has_maps = settings.loss != CELLS
        self.head = nn.Conv2d(found[self.stage], 1 if self.has_maps else CELL_DIM, 1)
        self.loss = (
            GazeTargetLoss(settings.loss, gather_distributed=True)
            if self.has_maps
            else CellPairLoss(gather_distributed=True)
        )

    @contextmanager
    def watching(self, backbone: nn.Module) -> Iterator[list[torch.Tensor]]:
        """Collect the stage's output of every call of the backbone inside: its last one in that call.

        The rest of the backbone goes on with a copy. A ReLU after the stage may change its input in place, so
        only the output itself is what both the framework's loss and the head's are made of.
        """
        seen: list[torch.Tensor] = []
        is_new_call = False

        def begin(*_: Any) -> None:
            nonlocal is_new_call
            is_new_call = True

        def note(_: nn.Module, __: Any, output: torch.Tensor) -> torch.Tensor:
            nonlocal is_new_call
            if not is_new_call:  # a module that runs several times, as the ReLU of a residual block does
                seen.pop()
            seen.append(output)
            is_new_call = False
            return output.clone()

        handles = [
            backbone.register_forward_pre_hook(begin),
            dict(backbone.named_modules())[self.stage].register_forward_hook(note),
        ]
        try:
            yield seen
        finally:
            for handle in handles:
                handle.remove()

    def forward(self, output: torch.Tensor) -> torch.Tensor:
        """Return the logits (N, 1, h, w), or embeddings (N, 64, h, w), for the stage's output."""
        maps = as_maps(output, self.prefix_tokens, self.is_channels_last)
        if maps.shape[2] * maps.shape[3] < 2:
            raise ValueError(
                f"gaze_target.stage {self.stage!r} returns maps of one place for these images; expected "
                "larger images, or an earlier stage"
            )
        cells: torch.Tensor = self.head(maps)
        return cells

    def cost(self, seen: list[torch.Tensor], maps: ViewMaps) -> torch.Tensor:
        """Return the loss, the mean over the views that the backbone saw."""
        losses = [
            self.loss(self(output), gaze, maps.valid)
            for output, gaze in zip(seen, (maps.first, maps.second), strict=False)
        ]
        return torch.stack(losses).mean()


def as_maps(output: torch.Tensor, prefix_tokens: int, is_channels_last: bool) -> torch.Tensor:
    """Return (N, D, h, w) of maps, or of tokens (N, P, D) whose first ones are no patches."""
    if output.ndim == 4:
        return output.permute(0, 3, 1, 2) if is_channels_last else output
    patches = output[:, prefix_tokens:]
    side = math.isqrt(patches.shape[1])
    return patches.transpose(1, 2).reshape(len(output), -1, side, side)


def _prefix_tokens(backbone: nn.Module) -> int:
    """Return the number of tokens before those of patches: the class token, and timm's registers."""
    return 1 if isinstance(backbone, VisionTransformer) else int(getattr(backbone, "num_prefix_tokens", 0))


def _last(backbone: nn.Module, found: dict[str, int]) -> str:
    if isinstance(backbone, Backbone):
        return "maps" if "maps" in found else list(found)[-1]
    return list(found)[-1]


def _stages(backbone: nn.Module) -> dict[str, int]:
    """Return the modules that return feature maps, by name in the order of their calls, with D.

    The backbone runs on empty images; its mode, buffers and torch's generators are unchanged afterwards.
    """
    first = next(backbone.parameters(), None)
    convolution = next((one for one in backbone.modules() if isinstance(one, nn.Conv2d)), None)
    channels = 1 if convolution is None else convolution.in_channels
    if isinstance(backbone, Backbone) and convolution is None:
        channels = backbone.mean.numel()
    prefix, is_last = _prefix_tokens(backbone), getattr(backbone, "output_fmt", "") == "NHWC"
    found: dict[str, int] = {}

    def watch(name: str) -> Any:
        def note(_: nn.Module, __: Any, output: Any) -> None:
            if isinstance(output, torch.Tensor) and (depth := _depth(output, prefix, is_last)):
                found.pop(name, None)
                found[name] = depth

        return note

    modes = [(one, one.training) for one in backbone.modules()]
    handles = [one.register_forward_hook(watch(name)) for name, one in backbone.named_modules() if name != ""]
    try:
        backbone.eval()
        with torch.random.fork_rng(devices=[]), torch.no_grad():
            for side in _sides(backbone):
                found.clear()
                images = torch.zeros(2, channels, side, side)
                images = images if first is None else images.to(first)
                try:
                    backbone(images)
                except Exception:  # of another size: the next one is tried
                    continue
                if found:
                    return dict(found)
    finally:
        for handle in handles:
            handle.remove()
        for one, mode in modes:
            one.training = mode
    return {}


def _depth(output: torch.Tensor, prefix: int, is_channels_last: bool) -> int:
    """Return D of a feature map or of patch tokens, 0 for anything else."""
    if output.ndim == 4:
        places = output.shape[1:3] if is_channels_last else output.shape[2:]
        return int(output.shape[3 if is_channels_last else 1]) if places[0] * places[1] > 1 else 0
    if output.ndim != 3:
        return 0
    patches = output.shape[1] - prefix
    return int(output.shape[2]) if patches > 1 and math.isqrt(patches) ** 2 == patches else 0


def _sides(backbone: nn.Module) -> list[int]:
    own = getattr(backbone, "image_size", None)
    timm = getattr(backbone, "default_cfg", None)
    if own is None and isinstance(timm, dict) and "input_size" in timm:
        own = timm["input_size"][-1]
    embed = getattr(getattr(backbone, "patch_embed", None), "img_size", None)
    if isinstance(embed, tuple):
        own = embed[0]
    return ([own] if isinstance(own, int) else []) + list(SIDES)
