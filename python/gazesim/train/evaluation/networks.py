"""The device and the number of input channels of a network."""

from __future__ import annotations

import torch
from torch import nn

from ..._errors import choice

__all__ = ["chosen_device", "input_channels"]


def chosen_device(name: str) -> torch.device:
    """Return the device for "cpu", "cuda", or "auto": a GPU where there is one."""
    choice("device", name, ("auto", "cpu", "cuda"))
    if name == "cuda" and not torch.cuda.is_available():
        raise ValueError('device is "cuda", and there is no GPU that torch can use; expected "cpu" or "auto"')
    return torch.device("cuda" if name != "cpu" and torch.cuda.is_available() else "cpu")


def input_channels(net: nn.Module) -> int:
    """Return the channels of the first convolution; 3 for a network without one."""
    return next((one.in_channels for one in net.modules() if isinstance(one, nn.Conv2d)), 3)
