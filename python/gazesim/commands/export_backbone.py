"""``gazesim export-backbone``: write a pre-trained backbone for torchvision, timm, lightly or ONNX."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Literal

from . import say_next
from .options import UsageError

#: What the help shows: a command.
EXAMPLE = "export-backbone runs/first --to timm --out backbone.pt"
SUFFIXES = {"torchvision": ".pt", "timm": ".pt", "lightly": ".pt", "onnx": ".onnx"}


def run(
    checkpoint: str,
    *,
    to: Literal["torchvision", "timm", "lightly", "onnx"] = "torchvision",
    out: str | None = None,
    size: int = 224,
) -> None:
    """Write the weights of a pre-trained backbone for another library, and print the code that loads them.

    Args:
        checkpoint: A checkpoint of ``gazesim pretrain``, or its folder.
        to: The library: torchvision and timm use the same names of weights (conv1.weight, ...), lightly the
            numbers of a Sequential; onnx writes the whole network, from images in [0, 1] to features.
        out: The file to write; default: backbone.pt (backbone.onnx) beside the checkpoint.
        size: Side in pixels of the images with which ONNX traces the network; it accepts other sizes as well.
    """
    source = Path(checkpoint)
    folder = source if source.is_dir() else source.parent
    target = Path(out) if out is not None else folder / f"backbone{SUFFIXES[to]}"
    if not target.parent.is_dir():
        raise UsageError(
            f"out is {str(target)!r}, and {target.parent} is no folder; expected one that is there"
        )
    if size < 8:
        raise UsageError(f"size is {size}; expected at least 8 pixels")
    from ..train.pretrain.export import export_backbone

    recipe = export_backbone(source, to, target, size=size)
    print(f"wrote {target}; load it with", file=sys.stderr)
    print(recipe)
    say_next("evaluate", checkpoint, "--data", "MANIFEST.csv", "--baselines", "scratch", "--out", "results")
