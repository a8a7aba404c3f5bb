"""One cell on real images: pre-train with or without the gaze target, then the segmentation probe."""

from __future__ import annotations

import dataclasses
import os
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torchvision.models.resnet import BasicBlock

from gazesim.train import (
    Backbone,
    Contrastive,
    GazeData,
    GazeTargetSettings,
    HeadSettings,
    Manifest,
    ManifestSamples,
    OptimizerSettings,
    Views,
    segmentation_probe,
)
from gazesim.train.evaluation.segmentation import masks_of
from gazesim.train.lightning_tools import seeded, silent_trainer, without_advice

from .cell import Watch, commit, device, mean
from .kvasir_arms import KvasirArm, KvasirMethod, KvasirSettings

#: The variable that says where the images are: processes that run cells inherit it.
FOLDER = "GAZESIM_STUDY_FOLDER"


def run_kvasir_cell(arm: KvasirArm, seed: int, settings: KvasirSettings) -> dict[str, Any]:
    """Return what a cell's file holds: scores by share of masks in percent, loss, seconds, where it ran."""
    begin = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        manifest = write_manifest(Path(folder), arm.what, seed, settings)
        data = GazeData(
            manifest=str(manifest),
            size=settings.size,
            channels=1,
            batch_size=settings.batch_size,
            views=Views(crop_scale=settings.crop_scale, jitter=settings.jitter, blur_probability=0.0),
            seed=seed,
        )
        with seeded(seed):
            model, watch = contrastive(arm.what, settings), Watch()
            if arm.what.framework is not None:
                trainer = silent_trainer(
                    max_epochs=settings.epochs, precision=settings.precision, callbacks=[watch]
                )
                with without_advice():
                    trainer.fit(model, datamodule=data)
        trained = time.perf_counter()
        train, test = data.samples("train"), data.samples("test")
        probed = segmentation_probe(model.backbone, train, test, fractions=settings.fractions, seed=seed)
    names = {"Dice": "dice", "IoU": "iou", "pixel AUROC": "auroc"}
    scores = {
        f"{short}_{100 * fraction:g}": found[name]
        for fraction, found in probed.items()
        for name, short in names.items()
    }
    return {
        **scores,
        "loss": mean(watch.losses) if watch.losses else None,
        "seconds": time.perf_counter() - begin,
        "seconds_of": {"training": trained - begin, "evaluation": time.perf_counter() - trained},
        "device": device(),
        "torch": torch.__version__,
        "commit": commit(),
    }


def write_manifest(folder: Path, what: KvasirMethod, seed: int, settings: KvasirSettings) -> Path:
    """Write the arm's targets as maps, and a manifest that names them beside images and masks."""
    source = Path(os.environ[FOLDER])
    known = Manifest.read(source / "manifest.csv")
    entries = [
        dataclasses.replace(entry, mask=source / "masks" / f"{entry.id}.png") for entry in known.entries
    ]
    samples = ManifestSamples(
        Manifest(tuple(entries)), size=settings.size, sigma_share=settings.sigma_px / settings.size
    )
    train = [i for i, split in enumerate(samples.splits) if split == "train"]
    targets = targets_of(samples.take(train), what, seed)
    written = []
    for entry in entries:
        file = folder / f"{entry.id}.npy"
        target = targets.get(entry.id)
        if target is not None:
            np.save(file, target)
        heatmap = None if target is None else file
        written.append(dataclasses.replace(entry, gaze=None, gaze_name="", heatmap=heatmap))
    path = folder / "manifest.csv"
    Manifest(tuple(written)).write(path)
    return path


def targets_of(train: ManifestSamples, what: KvasirMethod, seed: int) -> dict[str, NDArray[np.float32]]:
    """Return the target map of every training image that has one, by id."""
    rng = np.random.default_rng([seed, 21])
    if what.target == "masks":
        found = {
            name: mask.astype(np.float32)
            for name, mask in zip(train.ids, masks_of(train), strict=True)
            if mask is not None
        }
    else:
        maps = {name: train.gaze_map(i) for i, name in enumerate(train.ids)}
        found = {name: (one / one.max()).numpy() for name, one in maps.items() if one is not None}
    names = list(found)
    order = rng.permutation(len(names))
    if what.target == "other":  # a cycle through all images, so that nobody keeps his own map
        return {
            names[here]: found[names[there]] for here, there in zip(order, np.roll(order, 1), strict=True)
        }
    if what.target == "mean":
        middle = np.mean(list(found.values()), axis=0)
        return dict.fromkeys(names, (middle / middle.max()).astype(np.float32))
    return {names[i]: found[names[i]] for i in order[: round(what.share * len(names))]}


def contrastive(what: KvasirMethod, settings: KvasirSettings) -> Contrastive:
    """Return the network of an arm."""
    has_projector = what.framework == "simclr"
    target = None if what.weight is None else GazeTargetSettings(weight=what.weight, loss=settings.loss)
    return Contrastive(
        what.framework or "simclr",
        network(settings),
        channels=1,
        heads=HeadSettings(hidden=settings.hidden_dim, dim=settings.dim) if has_projector else None,
        optimizer=OptimizerSettings(
            "adamw",
            settings.learning_rate,
            settings.weight_decay,
            warmup_epochs=settings.warmup_epochs,
        ),
        temperature=settings.temperature if has_projector else None,
        gaze_target=target,
    )


def network(settings: KvasirSettings) -> Backbone:
    """Return a stem and a residual block per width. Cells are 8 x 8 at 64 pixels and at 96.

    Channels lie last in memory: the same net, but a step takes two thirds of the time on a CPU.
    """
    width, stride = settings.widths[0], settings.stem_stride
    layers: list[nn.Module] = [
        nn.Conv2d(1, width, 2 * stride - 1, stride=stride, padding=stride - 1, bias=False),
        nn.BatchNorm2d(width),
        nn.ReLU(inplace=True),
    ]
    for after, stride in zip(settings.widths, settings.strides, strict=True):
        shortcut = None
        if (width, stride) != (after, 1):
            shortcut = nn.Sequential(
                nn.Conv2d(width, after, 1, stride=stride, bias=False), nn.BatchNorm2d(after)
            )
        layers.append(BasicBlock(width, after, stride=stride, downsample=shortcut))
        width = after
    return Backbone(nn.Sequential(*layers), width).to(memory_format=torch.channels_last)
