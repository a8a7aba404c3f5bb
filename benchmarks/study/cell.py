"""One cell: pre-train on a phantom as an arm says, then probe and fine-tune. Everything is the library's."""

from __future__ import annotations

import dataclasses
import functools
import subprocess
import time
from collections.abc import Hashable, Iterable
from pathlib import Path
from typing import Any

import lightning
import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from gazesim.torch import PairMask
from gazesim.train import (
    ArraySamples,
    Backbone,
    Contrastive,
    FineTuneSettings,
    GazeData,
    HeadSettings,
    MoCoSettings,
    OptimizerSettings,
    PairSettings,
    PhantomSettings,
    Views,
    fine_tune,
    linear_probe,
    make_backbone,
)
from gazesim.train.lightning_tools import seeded, silent_trainer, without_advice
from gazesim.train.pretrain.monitor import spread

from .arms import TRUTH, Arm
from .settings import Settings

KINDS = {"D": "plain", "S": "structured"}
#: Shares of labels for the linear probe, and for fine-tuning.
PROBED, TUNED = (1.0, 0.05), (0.1,)
POOLED = "resnet10-pooled"
#: Processes that prepare batches for a card; a CPU has no core to spare.
WORKERS = 8


def run_cell(arm: Arm, seed: int, settings: Settings) -> dict[str, Any]:
    """Return what a cell's file holds: scores, health of the training, seconds, where it ran."""
    times = [time.perf_counter()]
    data = phantom_data(arm, seed, settings)
    data.setup("fit")
    times.append(time.perf_counter())
    mask = mask_of(arm, settings, data)
    with seeded(seed):
        model = contrastive(arm, settings, mask)
        watch = Watch()
        trainer = silent_trainer(max_epochs=settings.epochs, precision=settings.precision, callbacks=[watch])
        with without_advice():
            trainer.fit(model, datamodule=data)
    times.append(time.perf_counter())
    scores = evaluated(arm, seed, settings, model.backbone, data)
    times.append(time.perf_counter())
    return {
        **scores,
        "loss": mean(watch.losses),
        "std": mean(watch.spreads),
        **positives(arm, settings, data, mask),
        "seconds": times[-1] - times[0],
        "seconds_of": dict(zip(("images", "training", "evaluation"), np.diff(times).tolist(), strict=True)),
        "device": device(),
        "torch": torch.__version__,
        "commit": commit(),
    }


def evaluated(
    arm: Arm, seed: int, settings: Settings, backbone: nn.Module, data: GazeData
) -> dict[str, float]:
    """Return the share of test images that are told right, by protocol and share of labels in percent."""
    train, test = data.samples("train"), data.samples("test")
    flip = flip_probability(arm)
    fine = FineTuneSettings(
        epochs=settings.finetune_epochs,
        min_steps=settings.finetune_steps,
        learning_rate=settings.finetune_learning_rate,
        horizontal_flip=flip,
        vertical_flip=flip,
        precision=settings.precision,
    )
    if torch.cuda.is_available():
        backbone = backbone.cuda()
    probed = linear_probe(backbone, train, test, fractions=PROBED, seed=seed)
    tuned = fine_tune(backbone, train, test, fractions=TUNED, seed=seed, settings=fine)
    return {
        f"{protocol}_{100 * fraction:g}": scores["ACC"]
        for protocol, found in (("probe", probed), ("finetune", tuned))
        for fraction, scores in found.items()
    }


def phantom_data(arm: Arm, seed: int, settings: Settings) -> GazeData:
    """Return the images and views of an arm. Arms of equal seed differ in what gaze does alone."""
    what, flip = arm.what, flip_probability(arm)
    views = Views(
        crop=what.crop,
        crop_scale=settings.crop_scale,
        crop_min_iou=settings.min_iou_crop,
        cutout=what.cutout,
        cutout_side=settings.cutout_side,
        cutout_min_iou=settings.min_iou_cutout,
        mask_probability=0.5 if what.mask else 0.0,
        support=settings.support,
        fill=settings.fill,
        horizontal_flip=flip,
        vertical_flip=flip,
    )
    images = Remembered(
        KINDS[arm.part], settings.n_train, n_test=settings.n_test, size=settings.size, seed=seed
    )
    return GazeData(
        phantom=images,
        channels=1,
        batch_size=settings.batch_size,
        num_workers=WORKERS if torch.cuda.is_available() else 0,
        views=views,
        seed=seed,
    )


def flip_probability(arm: Arm) -> float:
    """Return how often images are mirrored: never where sides tell the classes apart."""
    return 0.0 if arm.part == "S" else 0.5


class Remembered(PhantomSettings):
    """A phantom that is drawn once for all arms that a process runs one after the other."""

    def samples(self, channels: int = 1) -> ArraySamples:
        """Return the images of all splits."""
        return drawn(PhantomSettings(**dataclasses.asdict(self)), channels)


@functools.lru_cache(maxsize=1)
def drawn(images: PhantomSettings, channels: int) -> ArraySamples:
    """Return the images of all splits, in no need of drawing them again."""
    return images.samples(channels)


#: McGIP's form of MoCo, which the study's arms were frozen with.
MOCO = MoCoSettings(own_keys="positive", positive_keys="queue", positives="outside", reduction="pairs")


def contrastive(
    arm: Arm, settings: Settings, mask: PairMask | None, moco: MoCoSettings = MOCO
) -> Contrastive:
    """Return the network of an arm."""
    slow = arm.framework in ("byol", "moco")
    heads = HeadSettings(
        hidden=settings.hidden_dim,
        dim=settings.dim,
        predictor_hidden={"byol": settings.hidden_dim, "simsiam": settings.dim // 4}.get(arm.framework),
        projector_norm=slow,  # or they collapse within 200 steps
    )
    return Contrastive(
        arm.framework,
        network(settings.backbone),
        channels=1,
        pairs=mask,
        heads=heads,
        optimizer=OptimizerSettings(
            "adamw",
            settings.learning_rate,
            settings.weight_decay,
            warmup_epochs=settings.warmup_epochs,
        ),
        temperature=None if arm.framework in ("byol", "simsiam") else settings.temperature,
        queue_size=settings.queue if arm.framework == "moco" else None,
        momentum=settings.momentum if slow else None,
        moco=moco if arm.framework == "moco" and mask is not None else None,
    )


def network(name: str) -> str | Backbone:
    """Return the backbone by its name in the library, or "resnet10-pooled", which is the study's own.

    That is "resnet10-narrow" with a stem that looks at every pixel before it pools, and with torch's own
    initial weights. They are smaller, so that AdamW changes them faster in 200 steps. Channels lie last
    in memory: the same net, but torch pools bfloat16 five times as fast on a CPU.
    """
    if name != POOLED:
        return name
    net = make_backbone("resnet10-narrow", channels=1)
    width = net.maps[0][0].out_channels
    net.maps[0] = nn.Sequential(
        nn.Conv2d(1, width, 3, padding=1, bias=False),
        nn.BatchNorm2d(width),
        nn.ReLU(inplace=True),
        nn.MaxPool2d(3, stride=2, padding=1),
    )
    for part in net.modules():
        if isinstance(part, nn.Conv2d):
            part.reset_parameters()
    return net.to(memory_format=torch.channels_last)


# --- positives ------------------------------------------------------------------------------------


#: Batches that are drawn to count positives.
ROUNDS = 16
#: Where images find their positives.
PLACES = {"simclr": "batch", "byol": "batch", "simsiam": "batch", "moco": "queue"}


def mask_of(arm: Arm, settings: Settings, data: GazeData, among: str = "") -> PairMask | None:
    """Return the positives of an arm: ``arm.extras`` per row on average, by gaze or by label.

    They are found in the batch or in MoCo's queue; ``among`` ("batch" or "queue") says where if not as usual.
    """
    if not arm.extras:
        return None
    is_queued = (among or PLACES[arm.framework]) == "queue"
    share = arm.extras / (settings.queue if is_queued else settings.batch_size - 1)
    if arm.what.scheme == TRUTH:
        truth = Truth(data)
        return PairMask(truth, threshold=0.5, confidence=min(share / truth.share, 1.0))
    params = dict(arm.what.params)
    if arm.what.scheme == "tima":
        params["sigma_px"] = 3 * settings.size / 64  # as the phantom's heatmaps
    return PairSettings(str(arm.what.scheme), params, quantile=1 - share).mask_from(data)


class Truth:
    """Affinity 1 of images of the same class: a source for PairMask that knows the labels."""

    def __init__(self, data: GazeData) -> None:
        train = data.samples("train")
        self.ids = tuple(train.ids)
        self.labels = dict(zip(train.ids, train.labels, strict=True))
        counts = np.bincount(train.labels)
        #: The share of pairs that are of the same class.
        self.share = float((counts * (counts - 1)).sum() / (len(train) * (len(train) - 1)))

    def block(self, ids_a: Iterable[Hashable], ids_b: Iterable[Hashable] | None = None) -> NDArray[Any]:
        """Return 1 where the classes are the same."""
        rows = np.array([self.labels[str(name)] for name in ids_a])
        columns = rows if ids_b is None else np.array([self.labels[str(name)] for name in ids_b])
        return (rows[:, None] == columns).astype(np.float32)


def positives(
    arm: Arm, settings: Settings, data: GazeData, mask: PairMask | None, among: str = ""
) -> dict[str, Any]:
    """Return how many positives a row has, itself included, and how many of the others are of its class."""
    if mask is None:
        return {"positives": 1.0, "purity": None, "threshold": None}
    truth, rng = Truth(data), np.random.default_rng(0)
    count, extra, same = settings.batch_size, 0, 0
    with seeded(0):
        for _ in range(ROUNDS):
            order = [truth.ids[i] for i in rng.permutation(len(truth.ids))]
            batch = order[:count]
            is_queued = (among or PLACES[arm.framework]) == "queue"
            others = order[count : count + settings.queue] if is_queued else batch
            found = mask(batch, others if others is not batch else None).numpy() > 0
            if others is batch:
                np.fill_diagonal(found, False)
            extra += int(found.sum())
            same += int((found & (truth.block(batch, others) > 0)).sum())
    return {
        "positives": 1 + extra / (ROUNDS * count),
        "purity": same / extra if extra else None,
        "threshold": mask.threshold,
    }


class Watch(lightning.Callback):
    """Loss and spread of the embeddings in the last epoch, as the collapse monitor defines it."""

    def __init__(self) -> None:
        self.losses: list[float] = []
        self.spreads: list[float] = []

    def on_train_batch_end(self, trainer: lightning.Trainer, _: Any, outputs: Any, *__: Any) -> None:
        """Look at a step of the last epoch."""
        if trainer.current_epoch + 1 < trainer.max_epochs:
            return
        self.losses.append(float(outputs["loss"]))
        self.spreads.append(float(spread(outputs["embeddings"])))


# --- around it ------------------------------------------------------------------------------------


def mean(values: list[float]) -> float:
    """Return the mean of finite numbers; a training that has diverged is no result."""
    found = float(np.mean(values))
    if not np.isfinite(found):
        raise ValueError(f"loss or embeddings of the last epoch are {found}; expected finite numbers")
    return found


def device() -> str:
    """Return what the cell ran on."""
    return torch.cuda.get_device_name() if torch.cuda.is_available() else "cpu"


def commit() -> str:
    """Return the commit, as the benchmarks tell it, or nothing outside of a repository."""
    words = ["git", "describe", "--always", "--dirty=+", "--abbrev=12", "--exclude=*"]
    here = Path(__file__).resolve().parent
    return subprocess.run(words, cwd=here, capture_output=True, text=True, check=False).stdout.strip()
