"""Reading pre-trained backbones back from checkpoints, as tensors alone."""

from __future__ import annotations

import pickle
import zipfile
from pathlib import Path
from typing import Any

import torch
from torch import nn

from .backbones import Backbone, as_backbone, make_backbone

__all__ = ["load_backbone", "read_checkpoint", "with_normalisation"]

PREFIX = "framework.backbone."
LAST = "last.ckpt"
#: What torch.compile puts into names.
COMPILED = "_orig_mod."


def load_backbone(
    path: str | Path, backbone: str | nn.Module | None = None, *, prefix: str | None = None
) -> nn.Module:
    """Return the backbone of a checkpoint, in eval mode, on the CPU.

    Parameters
    ----------
    path
        A checkpoint of :class:`Contrastive`, the folder that ``gazesim pretrain`` wrote, or a file of
        weights that another tool wrote. Only tensors and plain values are read: no code in the file runs.
    backbone
        Needed where the pre-training was given a module, and for files of other tools: a module of the
        same kind, which gets the weights, or a name for :func:`make_backbone`. By default the backbone is
        made by the name in the checkpoint.
    prefix
        For files of other tools: the prefix of the names of the backbone's weights, such as
        ``"backbone."``, ``"module.encoder_q."``; default: the one under which all weights are found.

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
        return load_foreign(file, checkpoint, backbone, prefix).eval()
    if prefix is not None:
        raise ValueError(f"prefix is {prefix!r}, and {file} is a checkpoint of gazesim; expected None")
    net = _empty(file, about, backbone)
    weights = {
        name.removeprefix(PREFIX).replace(COMPILED, ""): value
        for name, value in state.items()
        if name.startswith(PREFIX)
    }
    put_weights(file, net, weights, about["backbone"])
    return net.eval()


def with_normalisation(net: nn.Module, mean: float, std: float) -> nn.Module:
    """Return a network that first standardises its images: (pixel − mean) / std.

    It was pre-trained on such views; afterwards it takes pixels in [0, 1].
    """
    if (mean, std) == (0.0, 1.0):
        return net
    if not isinstance(net, Backbone):
        raise ValueError(
            f"views.mean is {mean:g} and views.std is {std:g}, and the backbone is a {type(net).__name__}, "
            "which cannot take them over; expected a backbone by name, or 0 and 1"
        )
    with torch.no_grad():
        net.mean.mul_(std).add_(mean)
        net.std.mul_(std)
    return net


def read_checkpoint(file: Path) -> dict[str, Any]:
    """Return the content of a file of tensors and plain values."""
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


def put_weights(file: Path, net: nn.Module, weights: dict[str, torch.Tensor], known: str | None) -> None:
    """Load weights into a network, or raise for those that are missing, unknown or of another shape."""
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


def load_foreign(
    file: Path, checkpoint: dict[str, Any], backbone: str | nn.Module | None, prefix: str | None
) -> nn.Module:
    """Return a backbone with the weights that another tool wrote; other weights in the file are ignored."""
    weights = _tensors(checkpoint)
    if not weights or backbone is None:
        holds = sorted(map(str, checkpoint))[:6]
        hint = "; expected --backbone NAME (or backbone=...) for weights of other tools" if weights else ""
        raise ValueError(f"{file} is not a checkpoint of gazesim pretrain; it holds {holds}{hint}")
    channels = next((value.shape[1] for value in weights.values() if value.ndim == 4), 3)
    net = as_backbone(backbone, channels, None, None)
    # A ResNet's weights have their names of torchvision inside it.
    inner = net.maps if isinstance(net, Backbone) else net
    needed = {name for name in inner.state_dict() if not name.endswith("num_batches_tracked")}
    found = sorted(_prefixes(weights, needed))
    if prefix is None and len(found) != 1:
        listed = ", ".join(repr(one) for one in found)
        what = f"under several prefixes ({listed})" if found else "under no prefix"
        first = sorted(weights)[0]
        raise ValueError(
            f"{file} holds all weights of the backbone {what}; its names are such as {first}; expected "
            "prefix, and the backbone that they belong to"
        )
    start = found[0] if prefix is None else prefix
    chosen = {name.removeprefix(start): value for name, value in weights.items() if name.startswith(start)}
    if not chosen:
        raise ValueError(
            f"prefix is {start!r}, and no name in {file} has it; names are such as {min(weights)}"
        )
    state = inner.state_dict()
    put_weights(file, inner, {name: chosen.get(name, state[name]) for name in _kept(state, chosen)}, None)
    return net


def _kept(state: dict[str, torch.Tensor], chosen: dict[str, torch.Tensor]) -> list[str]:
    """Return the names of the backbone that the file has; counts of batches may be missing."""
    return [name for name in state if name in chosen or name.endswith("num_batches_tracked")]


def _prefixes(weights: dict[str, torch.Tensor], needed: set[str]) -> set[str]:
    """Return every prefix under which the file holds all needed weights."""
    probe = min(needed)
    starts = {name[: -len(probe)] for name in weights if name.endswith(probe)}
    return {start for start in starts if all(start + name in weights for name in needed)}


def _tensors(checkpoint: dict[str, Any]) -> dict[str, torch.Tensor]:
    """Return the weights of a file: its state_dict, its model, or the file itself."""
    for part in (checkpoint.get("state_dict"), checkpoint.get("model"), checkpoint):
        if isinstance(part, dict):
            found = {
                str(name).replace(COMPILED, ""): value
                for name, value in part.items()
                if isinstance(value, torch.Tensor)
            }
            if found:
                return found
    return {}
