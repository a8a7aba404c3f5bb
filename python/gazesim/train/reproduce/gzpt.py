"""The experiments of GzPT's released code (IEEE TMI 2025)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from .experiment import BACKBONES, PLAIN, Experiment, Line
from .mcgip import QUEUE, fine_tuning

__all__ = ["by_confidence", "fine_tuned"]

MOCO_RELEASED: dict[str, Any] = {
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
    "trainer.max_epochs": 300,
}


def fine_tuned(preset: str) -> Experiment:
    config, lines = "gzpt_tima_released", []
    rows = [(shown, "BYOL", {"model.backbone": backbone}) for shown, backbone in BACKBONES.items()]
    rows.append(("ResNet-50", "MoCo", {"model.backbone": "resnet50", **MOCO_RELEASED}))
    for shown, title, own in rows:
        plain = {name: value for name, value in own.items() if not name.startswith("model.pairs.")}
        lines += [
            Line((shown, title), config, plain | PLAIN),
            Line((shown, f"{title} + GzPT"), config, own),
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
        chosen=("fine-tuning is McGIP's: that of GzPT on INbreast is not at hand",),
    )


def by_confidence(preset: str) -> Experiment:
    lines = [
        Line(("BYOL + GzPT", f"p = {p:g}"), "gzpt_tima_released", {"model.pairs.confidence": p}, x=p)
        for p in (0.1, 0.3, 0.5, 0.7, 0.9)
    ]
    return replace(
        fine_tuned(preset),
        title="score over the confidence p of positives",
        kind="options",
        head=("pre-training", "confidence"),
        lines=tuple(lines),
        chosen=(
            *fine_tuned(preset).chosen,
            "p is the share that is kept, as the paper has it; the released code keeps 1 − p",
        ),
    )
