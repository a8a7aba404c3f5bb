"""The experiments of GzPT's released code (IEEE TMI 2025)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from .experiment import BACKBONES, PLAIN, Experiment, Line, curve
from .mcgip import QUEUE, fine_tuning

__all__ = ["by_confidence", "fine_tuned"]

#: What holds for every row of GzPT.
ALWAYS = (
    "fine-tuning is McGIP's: that of GzPT on INbreast is not at hand",
    "p is the share of positives that is kept, as the paper has it; the released code keeps 1 − p",
    "clusters are found in shares of the canvas of 1920 x 1080 px; the released code takes shares of 800 px, "
    "and more pairs reach the threshold",
)
CONFIG = "gzpt_tima_released"
#: Images per step of ResNet-101, and of MoCo.
SMALL: dict[str, Any] = {"data.batch_size": 16}
#: The released SimSiam is BYOL whose momentum encoder begins as a copy of the encoder in every step.
SIMSIAM: dict[str, Any] = {"model.momentum": 0.0, "model.momentum_end": 1.0}
MOCO: dict[str, Any] = {
    "model.framework": "moco",
    "model.queue_size": 1280,
    "model.temperature": 0.2,
    "model.momentum": 0.999,
    "model.momentum_end": None,
    "model.heads": {"hidden": 2048, "dim": 256},
    "model.pairs.confidence": 1.0,
    **QUEUE,
    "model.optimizer.learning_rate": 4.0e-5,
    "trainer.accumulate_grad_batches": 1,
}
#: Backbone, framework, epochs and other values of every file, where they are not those of the configuration.
RELEASED: tuple[tuple[str, str, int, dict[str, Any]], ...] = (
    ("ResNet-18", "BYOL", 300, {"model.heads": {"hidden": 1024, "dim": 256, "predictor_hidden": 4096}}),
    ("ResNet-50", "BYOL", 400, {}),
    ("ResNet-101", "BYOL", 400, SMALL),
    ("ResNet-50", "SimSiam", 200, SIMSIAM),
    ("ResNet-101", "SimSiam", 300, SIMSIAM | SMALL),
    ("ResNet-50", "MoCo", 300, MOCO | SMALL),
)


def fine_tuned(preset: str) -> Experiment:
    lines = []
    for backbone, framework, epochs, values in RELEASED:
        own = {"model.backbone": BACKBONES[backbone], "trainer.max_epochs": epochs, **values}
        plain = {name: value for name, value in own.items() if not name.startswith("model.pairs.")}
        lines += [
            Line((backbone, framework), CONFIG, plain | PLAIN),
            Line((backbone, f"{framework} + GzPT"), CONFIG, own),
        ]
    return Experiment(
        name="",
        paper="gzpt",
        title="fine-tuning on INbreast, with and without GzPT (TIMA)",
        kind="table",
        preset=preset,
        head=("backbone", "pre-training"),
        lines=tuple(lines),
        protocol="finetune",
        settings=fine_tuning(preset),
        chosen=(
            *ALWAYS,
            "rows without GzPT are those with it but for the pairs; the released ones have other epochs",
        ),
    )


def by_confidence(preset: str) -> Experiment:
    return replace(
        fine_tuned(preset),
        title="score over the confidence p of positives",
        kind="options",
        head=("pre-training", "confidence"),
        lines=curve("BYOL + GzPT", "p", CONFIG, "model.pairs.confidence", (0.1, 0.3, 0.5, 0.7, 0.9), {}),
        chosen=(*ALWAYS, "400 epochs for every p; the released code has 200 for p = 0.9"),
    )
