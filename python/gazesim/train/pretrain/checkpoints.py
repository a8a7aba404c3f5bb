"""Reading pre-trained backbones back from checkpoints, as tensors alone."""

from __future__ import annotations

import pickle
import zipfile
from pathlib import Path
from typing import Any

import torch
from torch import nn

from .backbones import as_backbone, make_backbone

__all__ = ["load_backbone"]

PREFIX = "framework.backbone."
LAST = "last.ckpt"


def load_backbone(path: str | Path, backbone: str | nn.Module | None = None) -> nn.Module:
    """Return the backbone of a checkpoint of :class:`Contrastive`, in eval mode, on the CPU.

    Parameters
    ----------
    path
        A checkpoint, or the folder that ``gazesim pretrain`` wrote. Only tensors and plain values are
        read: no code in the file runs.
    backbone
        Needed where the pre-training was given a module: a module of the same kind, which gets the
        weights. By default, and where it is a name, the backbone is made by name.

    Raises
    ------
    FileNotFoundError, ValueError
        Where there is no such file, it is not such a checkpoint, or the weights are another network's.

    Examples
    --------
    >>> from gazesim.train import load_backbone
    >>> load_backbone("nowhere/last.ckpt")
    Traceback (most recent call last):
    FileNotFoundError: nowhere/last.ckpt does not exist; expected a checkpoint of gazesim pretrain
    """
    file = Path(path)
    if file.is_dir():
        file = file / LAST
    if not file.is_file():
        raise FileNotFoundError(f"{file} does not exist; expected a checkpoint of gazesim pretrain")
    checkpoint = read_checkpoint(file)
    about, state = checkpoint.get("gazesim"), checkpoint.get("state_dict")
    if not isinstance(about, dict) or not isinstance(state, dict):
        raise ValueError(f"{file} is not a checkpoint of gazesim pretrain; it holds {sorted(checkpoint)[:6]}")
    net = _empty(file, about, backbone)
    weights = {name.removeprefix(PREFIX): value for name, value in state.items() if name.startswith(PREFIX)}
    _put(file, net, weights, about["backbone"])
    return net.eval()


def read_checkpoint(file: Path) -> dict[str, Any]:
    """Return what is in a file of tensors and plain values."""
    try:
        read = torch.load(file, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError, zipfile.BadZipFile) as error:
        reason = str(error).strip().split("\n", 1)[0]
        raise ValueError(f"{file} is not a checkpoint of tensors and plain values: {reason}") from error
    return read if isinstance(read, dict) else {}


def _empty(file: Path, about: dict[str, Any], backbone: str | nn.Module | None) -> nn.Module:
    """Return a network for the weights of the checkpoint."""
    known = about["backbone"]
    if isinstance(backbone, nn.Module):
        return as_backbone(backbone, about["channels"], None, about["dim"])
    if known is None and backbone is None:
        raise ValueError(
            f"{file} holds the weights of a module without a name; expected backbone=that module"
        )
    if None not in (backbone, known) and backbone != known:
        raise ValueError(f"backbone is {backbone!r}, but {file} holds {known!r}; expected None or that name")
    return make_backbone(str(backbone or known), channels=about["channels"])


def _put(file: Path, net: nn.Module, weights: dict[str, torch.Tensor], known: str | None) -> None:
    expected = net.state_dict()
    missing, surplus = sorted(expected.keys() - weights.keys()), sorted(weights.keys() - expected.keys())
    shared = sorted(expected.keys() & weights.keys())
    wrong = [name for name in shared if expected[name].shape != weights[name].shape]
    if missing or surplus or wrong:
        held = f"the weights of {known!r}" if known else "other weights"
        details = [
            f"{len(names)} {what}, such as {names[0]}"
            for what, names in (("missing", missing), ("unknown", surplus), ("of another shape", wrong))
            if names
        ]
        raise ValueError(f"{file} holds {held}, not those of this backbone: {'; '.join(details)}")
    net.load_state_dict(weights)
