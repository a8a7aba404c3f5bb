"""A smoke test of an experiment: so small that it runs in minutes on a CPU."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from .experiment import Experiment

__all__ = ["smoke_experiment", "smoke_options"]

#: Side of images in pixels, images per step, epochs of pre-training, and folds.
SIZE, BATCH, EPOCHS, FOLDS = 32, 4, 2, 2


def smoke_experiment(experiment: Experiment) -> Experiment:
    """Return the experiment with two folds and epochs, half and all of the labels; rows and columns stay."""
    settings = dict(experiment.settings) | {"epochs": 1, "batch_size": 8}
    if experiment.protocol == "finetune":
        settings["min_steps"] = 0
    return replace(
        experiment,
        settings=settings,
        folds=None if experiment.folds is None else FOLDS,
        epochs=(1, EPOCHS) if experiment.epochs else (),
        fractions=(0.5, 1.0) if len(experiment.fractions) > 1 else experiment.fractions,
    )


def smoke_options(framework: str, pairs: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return the options of a small pre-training, by dotted name."""
    heads = {"hidden": 16, "dim": 8}
    if framework in ("byol", "simsiam"):
        heads["predictor_hidden"] = 16
    options: dict[str, Any] = {
        "model.backbone": "resnet10-narrow",
        "model.weights": None,
        "model.heads": heads,
        "model.optimizer.warmup_epochs": 0,
        "data.size": SIZE,
        "data.batch_size": BATCH,
        "data.num_workers": 0,
        "trainer.max_epochs": EPOCHS,
        "trainer.precision": "32-true",
        "trainer.accumulate_grad_batches": 1,
        "trainer.accelerator": "cpu",
        "trainer.log_every_n_steps": 1,
        "trainer.enable_progress_bar": False,
    }
    if framework == "moco":
        options["model.queue_size"] = 2 * BATCH
    return options
