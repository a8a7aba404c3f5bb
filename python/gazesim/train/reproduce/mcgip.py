"""McGIP's tables and figures (AAAI 2024) as experiments."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from typing import Any

from .experiment import BACKBONES, PLAIN, Experiment, Line, curve
from .published import config_values, evaluation_values

__all__ = ["QUEUE", "by_epoch", "by_label", "by_threshold", "fine_tuned", "fine_tuning", "maps", "probed"]

FRAMEWORKS = {"MoCo": "moco", "BYOL": "byol", "SimSiam": "simsiam"}
#: Equation 4 with labels [1, W] over the queue.
QUEUE: dict[str, Any] = {"model.moco": {"own_keys": "positive", "positive_keys": "queue"}}


def config_of(preset: str, framework: str) -> str:
    return f"mcgip_{preset}" + ("" if framework == "byol" else f"_{framework}")


def fine_tuning(preset: str) -> dict[str, Any]:
    """Return how McGIP fine-tunes: Adam, 2e-5, few epochs however few the labels are."""
    values = {name: one.value for name, one in evaluation_values("mcgip").items()}
    flips = {} if preset == "inbreast" else {"horizontal_flip": 0.0, "vertical_flip": 0.0}
    return {
        "optimiser": values["optimiser"],
        "learning_rate": values["learning_rate"],
        "weight_decay": values["weight_decay"],
        "epochs": values[f"epochs_{preset}"],
        "min_steps": 0,
        **flips,
    }


def linear_probing(preset: str) -> dict[str, Any]:
    tuning = fine_tuning(preset)
    return {name: tuning[name] for name in ("learning_rate", "weight_decay", "epochs")}


def _pairs(preset: str, backbone: str) -> tuple[str, dict[str, Any]]:
    """Return what kind of gaze a row has, and options where it is not that of the configuration."""
    if preset == "inbreast" and backbone == "resnet50":
        stated = config_values("mcgip_inbreast_multimatch")
        pairs: dict[str, Any] = {"params": {}}
        for option, one in stated.items():
            if option.startswith("model.pairs.params."):
                pairs["params"][option.rpartition(".")[2]] = one.value
            elif option.startswith("model.pairs."):
                pairs[option.rpartition(".")[2]] = one.value
        return "sequence", {"model.pairs": pairs}
    return "heatmap", {}


def _positives(framework: str) -> dict[str, Any]:
    """Return the paper's form of positives: those of MoCo are keys of its queue."""
    return QUEUE if framework == "moco" else {}


def _frameworks_by_backbone(preset: str) -> tuple[Line, ...]:
    lines = []
    for (shown, backbone), (title, framework) in product(BACKBONES.items(), FRAMEWORKS.items()):
        config = config_of(preset, framework)
        kind, pairs = _pairs(preset, backbone)
        own = {"model.backbone": backbone}
        lines += [
            Line((shown, title, ""), config, own | PLAIN),
            Line((shown, f"{title} + McGIP", kind), config, own | pairs | _positives(framework)),
        ]
    return tuple(lines)


def fine_tuned(preset: str) -> Experiment:
    title = {"inbreast": "INbreast", "tufts": "the Tufts Dental Database"}[preset]
    return Experiment(
        name="",
        paper="mcgip",
        title=f"fine-tuning on {title}, with and without McGIP",
        kind="table",
        preset=preset,
        head=("backbone", "pre-training", "gaze"),
        lines=_frameworks_by_backbone(preset),
        protocol="finetune",
        settings=fine_tuning(preset),
    )


def probed(preset: str) -> Experiment:
    lines = _frameworks_by_backbone(preset)
    return replace(
        fine_tuned(preset),
        title="linear probing by gradient, with and without McGIP",
        lines=tuple(line for line in lines if line.labels[0] == "ResNet-50"),
        protocol="gradient_probe",
        settings=linear_probing(preset),
    )


def by_label(preset: str) -> Experiment:
    """Positives by gaze and by label. The released code has the latter for MoCo and BYOL."""
    lines = []
    for title in ("MoCo", "BYOL"):
        config, own = config_of(preset, FRAMEWORKS[title]), {"model.backbone": "resnet50"}
        _, pairs = _pairs(preset, "resnet50")
        labels = {"model.pairs": {"scheme": "labels", "threshold": 1.0}}
        form = _positives(FRAMEWORKS[title])
        lines += [
            Line((title, "none"), config, own | PLAIN),
            Line((title, "gaze (McGIP)"), config, own | pairs | form),
            Line((title, "label"), config, own | labels | form),
        ]
    return replace(
        fine_tuned(preset),
        title="positives by gaze against positives by label",
        head=("framework", "positives"),
        lines=tuple(lines),
    )


def maps(preset: str) -> Experiment:
    config, own = config_of(preset, "byol"), {"model.backbone": "resnet50"}
    _, pairs = _pairs(preset, "resnet50")
    return replace(
        fine_tuned(preset),
        title="affinity maps of points that were looked at and of one that was not",
        kind="maps",
        head=("pre-training",),
        lines=(
            Line(("BYOL",), config, own | PLAIN),
            Line(("BYOL + McGIP",), config, own | pairs),
        ),
        protocol="gradient_probe",
        settings=linear_probing(preset),
        chosen=("one fold of five is drawn: which images the figure shows is not at hand",),
    )


def by_epoch(preset: str) -> Experiment:
    lines = []
    for title, framework in FRAMEWORKS.items():
        config, own = config_of(preset, framework), {"model.backbone": "resnet18"}
        lines += [
            Line((title,), config, own | PLAIN),
            Line((f"{title} + McGIP",), config, own | _positives(framework)),
        ]
    return replace(
        fine_tuned(preset),
        title="score over the epochs of pre-training",
        kind="epochs",
        head=("pre-training",),
        lines=tuple(lines),
        epochs=(25, 50, 100, 150, 200),
        chosen=("at which epochs the figure has points is not at hand; these were chosen here",),
    )


def by_threshold(preset: str) -> Experiment:
    config, own = config_of(preset, "byol"), {"model.backbone": "resnet18"}
    thresholds = (0.5, 0.6, 0.7, 0.8, 0.9)
    return replace(
        fine_tuned(preset),
        title="score and positives per row over the threshold of affinity",
        kind="options",
        head=("pre-training", "threshold"),
        lines=(
            Line(("BYOL", ""), config, own | PLAIN),
            *curve("BYOL + McGIP", "t", config, "model.pairs.threshold", thresholds, own),
        ),
        chosen=("which thresholds the figure has beside 0.7 is not at hand; these were chosen here",),
    )
