"""One cell on real images: pre-train as an arm says, then the probes of its data set."""

from __future__ import annotations

import csv
import dataclasses
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn
from torchvision.models.resnet import BasicBlock

from gazesim.torch import PairMask
from gazesim.train import (
    Backbone,
    Contrastive,
    Entry,
    GazeData,
    GazeTargetSettings,
    HeadSettings,
    Manifest,
    ManifestSamples,
    OptimizerSettings,
    Views,
    knn_probe,
    linear_probe,
    make_backbone,
    multi_label_probe,
    segmentation_probe,
)
from gazesim.train.data.loader import concentration
from gazesim.train.evaluation.gaze_maps import GazeNet, predicted_maps
from gazesim.train.evaluation.patches import PatchSamples
from gazesim.train.evaluation.tasks import findings_of
from gazesim.train.lightning_tools import seeded, silent_trainer, without_advice

from .arms import TRUTH
from .cell import Truth, Watch, commit, device, mean, positives
from .real_arms import RealArm, RealMethod
from .real_data import affinities_for, source, write_manifest
from .real_settings import RealSettings

Scores = dict[str, float]
#: What the segmentation probe returns, and how cells call it.
MASK_SCORES = {"Dice": "dice", "IoU": "iou", "pixel AUROC": "auroc"}


def run_real_cell(arm: RealArm, seed: int, settings: RealSettings) -> dict[str, Any]:
    """Return what a cell's file holds: scores by share of labels in percent, loss, seconds, where it ran."""
    begin = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        manifest = write_manifest(Path(folder), arm, seed, settings)
        data = data_of(arm, manifest, seed, settings)
        data.setup("fit")
        mask = mask_of(arm, seed, settings, data)
        with seeded(seed):
            model, watch = pre_trained(arm.what, mask, data, settings)
        if arm.what.predicted:
            add_predicted(manifest, model, data, settings, arm.what.predicted)
            data = data_of(arm, manifest, seed, settings)
            with seeded(seed):
                model, watch = pre_trained(arm.what, mask, data, settings)
        trained = time.perf_counter()
        scores = PROBES[arm.data](model.backbone, data, seed, settings)
        found = positives(arm, settings, data, mask, "batch")
    return {
        **scores,
        "loss": mean(watch.losses) if watch.losses else None,
        "std": mean(watch.spreads) if watch.spreads and arm.framework != "gaze" else None,
        **found,
        "seconds": time.perf_counter() - begin,
        "seconds_of": {"training": trained - begin, "evaluation": time.perf_counter() - trained},
        "device": device(),
        "torch": torch.__version__,
        "commit": commit(),
    }


# --- pre-training ---------------------------------------------------------------------------------


def data_of(arm: RealArm, manifest: Path, seed: int, settings: RealSettings) -> GazeData:
    """Return the images and views of an arm."""
    what = arm.what
    views = Views(
        crop=what.crop,
        crop_scale=settings.crop_scale,
        crop_min_iou=settings.min_iou_crop,
        cutout=what.cutout if settings.cutout_probability else "none",
        cutout_side=settings.cutout_side,
        cutout_probability=settings.cutout_probability,
        cutout_min_iou=settings.min_iou_cutout,
        mask_probability=0.5 if what.mask else 0.0,
        support=settings.support,
        fill=settings.fill if settings.cutout_probability or what.mask else 0.0,
        jitter=settings.jitter,
        vertical_flip=settings.vertical_flip,
        blur_probability=0.0,
    )
    return GazeData(
        manifest=str(manifest),
        size=settings.size,
        channels=1,
        batch_size=settings.batch_size,
        views=views,
        seed=seed,
    )


def mask_of(arm: RealArm, seed: int, settings: RealSettings, data: GazeData) -> PairMask | None:
    """Return the positives of an arm: ``arm.extras`` per row on average, by gaze or by label.

    They are found in the batch, by MoCo too, as is the library's default.
    """
    what = arm.what
    if what.scheme is None:
        return None
    share = arm.extras / (settings.batch_size - 1)
    if what.scheme == TRUTH:
        truth = Truth(data)
        return PairMask(truth, threshold=0.5, confidence=min(share / truth.share, 1.0))
    return PairMask(affinities_for(arm, seed, settings), quantile=1 - share, weighting=what.weighting)


def pre_trained(
    what: RealMethod, mask: PairMask | None, data: GazeData, settings: RealSettings
) -> tuple[Contrastive, Watch]:
    """Return the network of an arm after its training, and what was seen in the last epoch."""
    backbone, watch = network(settings), Watch()
    if what.framework is None:
        return contrastive(what, backbone, mask, settings, 1), watch
    plain, target = dataclasses.replace(what, weight=None), dataclasses.replace(what, framework="gaze")
    steps = {"together": [what], "first": [target, plain], "last": [plain, target]}[what.order]
    for one in steps:
        epochs = settings.epochs // len(steps)
        model, watch = contrastive(one, backbone, mask, settings, epochs), Watch()
        trainer = silent_trainer(max_epochs=epochs, precision=settings.precision, callbacks=[watch])
        with without_advice():
            trainer.fit(model, datamodule=data)
    return model, watch


def add_predicted(
    manifest: Path, model: Contrastive, data: GazeData, settings: RealSettings, share: float
) -> None:
    """Write predicted maps for training images without gaze, the most concentrated share of them."""
    train = data.samples("train")
    chosen = [i for i in range(len(train)) if not train.has_gaze(i)]
    maps = predicted_maps(GazeNet(model.backbone.eval(), model.gaze_head, settings.loss), train, chosen)
    sure = sorted(range(len(chosen)), key=lambda at: -concentration(torch.from_numpy(maps[at])))
    files = {}
    for at in sure[: round(share * len(sure))]:
        name = train.ids[chosen[at]]
        files[name] = manifest.parent / f"predicted-{name}.npy"
        np.save(files[name], maps[at] / maps[at].max())
    entries = [
        dataclasses.replace(one, heatmap=files.get(one.id, one.heatmap))
        for one in Manifest.read(manifest).entries
    ]
    Manifest(tuple(entries)).write(manifest)


def contrastive(
    what: RealMethod, backbone: nn.Module, mask: PairMask | None, settings: RealSettings, epochs: int
) -> Contrastive:
    """Return the network of an arm with its heads."""
    framework = what.framework or "gaze"
    slow, has_heads = framework in ("byol", "moco"), framework != "gaze"
    target = None
    if what.weight is not None:
        target = GazeTargetSettings(
            weight=what.weight,
            loss="cells" if what.cells else settings.loss,
            balance=what.balance,
            ramp=round(what.ramp * epochs),
        )
    heads = HeadSettings(
        hidden=settings.hidden_dim,
        dim=settings.dim,
        predictor_hidden={"byol": settings.hidden_dim, "simsiam": settings.dim // 4}.get(framework),
        projector_norm=slow,  # or they collapse within 200 steps
    )
    return Contrastive(
        framework,
        backbone,
        channels=1,
        pairs=mask if has_heads else None,
        heads=heads if has_heads else None,
        optimizer=OptimizerSettings(
            "adamw",
            settings.learning_rate,
            settings.weight_decay,
            warmup_epochs=min(settings.warmup_epochs, epochs / 2),
        ),
        temperature=settings.temperature if framework in ("simclr", "moco") else None,
        queue_size=settings.queue if framework == "moco" else None,
        momentum=settings.momentum if slow else None,
        gaze_target=target,
        gaze_pool=what.pool,
    )


def network(settings: RealSettings) -> nn.Module:
    """Return the library's network of that name, or a stem and a residual block per width.

    Channels lie last in memory: the same net, but a step takes two thirds of the time on a CPU.
    """
    if settings.backbone:
        return make_backbone(settings.backbone, channels=1)
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


# --- probes ---------------------------------------------------------------------------------------


def kvasir_scores(backbone: nn.Module, data: GazeData, seed: int, settings: RealSettings) -> Scores:
    """Segmentation of polyps, patches of polyp or background, and neighbours of equal size class."""
    train, test = data.samples("train"), data.samples("test")
    patches = patches_of(data, settings)
    found = linear_probe(
        backbone, patches["train"], patches["test"], fractions=settings.fractions, seed=seed, positive="polyp"
    )
    near = knn_probe(backbone, train, test)[1.0]["ACC"]
    return {
        **segmented(backbone, train, test, seed, settings),
        **{f"patch_{100 * share:g}": one["AUC"] for share, one in found.items()},
        "knn_100": near,
    }


def cub_scores(backbone: nn.Module, data: GazeData, seed: int, settings: RealSettings) -> Scores:
    """Species by a linear probe, and by neighbours."""
    train, test = data.samples("train"), data.samples("test")
    found = linear_probe(backbone, train, test, fractions=settings.fractions, seed=seed)
    near = knn_probe(backbone, train, test)[1.0]["ACC"]
    return {**{f"probe_{100 * share:g}": one["ACC"] for share, one in found.items()}, "knn_100": near}


def osie_scores(backbone: nn.Module, data: GazeData, seed: int, settings: RealSettings) -> Scores:
    """Attributes of photographs, several at a time, and segmentation of text and faces."""
    train, test = data.samples("train"), data.samples("test")
    names = sorted(name for name in train.entries[0].extra if name.startswith("has_"))
    found = multi_label_probe(
        backbone,
        train,
        test,
        findings_of(train, names),
        findings_of(test, names),
        fractions=settings.fractions,
        seed=seed,
    )
    return {
        **{f"auroc_{100 * share:g}": one["AUROC"] for share, one in found.items()},
        **{f"ap_{100 * share:g}": one["AP"] for share, one in found.items()},
        **{f"seg_{name}": value for name, value in segmented(backbone, train, test, seed, settings).items()},
    }


PROBES = {"kvasir": kvasir_scores, "cub": cub_scores, "osie": osie_scores}


def segmented(
    backbone: nn.Module, train: ManifestSamples, test: ManifestSamples, seed: int, settings: RealSettings
) -> Scores:
    """Return the scores of the segmentation probe."""
    probed = segmentation_probe(backbone, train, test, fractions=settings.fractions, seed=seed)
    return {
        f"{short}_{100 * share:g}": found[name]
        for share, found in probed.items()
        for name, short in MASK_SCORES.items()
    }


def patches_of(data: GazeData, settings: RealSettings) -> dict[str, PatchSamples]:
    """Return squares of polyp and of background by split, that of their image."""
    images = {
        entry.id: (entry.image, split) for split in ("train", "test") for entry in data.samples(split).entries
    }
    parts: dict[str, list[Entry]] = {"train": [], "test": []}
    with open(source() / "patches.csv", newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            image, split = images[row["image_id"]]
            x, y, side = (float(row[name]) for name in ("x", "y", "side"))
            name = f"{row['image_id']}-{row['label']}"
            box = (x, y, x + side, y + side)
            parts[split].append(Entry(name, image, row["label"], split, box=box))
    return {
        split: PatchSamples(ManifestSamples(Manifest(tuple(entries)), size=settings.size))
        for split, entries in parts.items()
    }
