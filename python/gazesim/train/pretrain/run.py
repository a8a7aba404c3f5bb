"""A pre-training as ``gazesim pretrain`` runs it: Trainer, checkpoint, and the record of the run."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import lightning
import torch
from jsonargparse import ArgumentParser
from lightning import Callback, Trainer
from lightning.fabric.utilities.exceptions import MisconfigurationException
from lightning.pytorch.callbacks import ModelCheckpoint
from lightning.pytorch.utilities import rank_zero_only
from torch import nn

from ..lightning_tools import loggers
from .checkpoints import LAST
from .monitor import TrainingProgress

__all__ = ["CHANGES", "RunRecord", "make_backbone_class", "make_trainer", "seed_everything"]

CONFIG, CHANGES = "config.yaml", "changes.csv"
#: Columns of changes.csv: from this epoch and step on, the option had another value.
COLUMNS = ("epoch", "step", "option", "before", "after")

Change = tuple[str, Any, Any]


class LastCheckpoint(ModelCheckpoint):
    """Writes last.ckpt; a type of its own, so that a user's ModelCheckpoint does not clash with it."""


class RunRecord(Callback):
    """Writes config.yaml once everything is set up and restored, and what changed to changes.csv."""

    def __init__(self, folder: Path, text: str, changes: Sequence[Change] = ()) -> None:
        self.folder, self.text, self.changes = folder, text, list(changes)
        #: Whether the first step is about to run; what fails before it is a matter of the settings.
        self.has_begun = False

    def on_train_start(self, trainer: Trainer, *_: Any) -> None:
        """Write, right before the first step."""
        self.has_begun = True
        self.write()
        if self.changes:
            self._record(trainer.current_epoch, trainer.global_step)

    @rank_zero_only
    def write(self) -> None:
        """Write the configuration into its folder, whole or not at all."""
        self.folder.mkdir(parents=True, exist_ok=True)
        partial = self.folder / f"{CONFIG}.part"
        partial.write_text(self.text)
        partial.replace(self.folder / CONFIG)

    @rank_zero_only
    def _record(self, epoch: int, step: int) -> None:
        file = self.folder / CHANGES
        is_new = not file.is_file()
        with file.open("a", newline="") as lines:
            rows = csv.writer(lines)
            if is_new:
                rows.writerow(COLUMNS)
            rows.writerows((epoch, step, *change) for change in self.changes)


def seed_everything(seed: int | None) -> int:
    """Seed Python, NumPy and torch, and return the seed; None takes PL_GLOBAL_SEED, or 0."""
    return int(lightning.seed_everything(seed, workers=True, verbose=False))


def make_backbone_class(spec: Mapping[str, Any]) -> nn.Module:
    """Return the module that ``{class_path: ..., init_args: {...}}`` names."""
    module: nn.Module = _made("backbone", nn.Module, spec)
    return module


def make_trainer(
    options: Mapping[str, Any], folder: Path, record: RunRecord, from_step: int
) -> lightning.Trainer:
    """Return the Trainer of a configuration with the logs, progress bar and checkpoints of gazesim."""
    parser = ArgumentParser(exit_on_error=False)
    parser.add_class_arguments(Trainer, "trainer", fail_untyped=False)
    try:
        given = parser.instantiate(parser.parse_object({"trainer": dict(options)}), instantiate_groups=False)
    except Exception as error:
        raise ValueError(f"trainer is not what Lightning takes: {' '.join(str(error).split())}") from error
    made = {name: value for name, value in vars(given.trainer).items() if name in options}
    own = made.pop("callbacks", None) or []
    keeper = LastCheckpoint(
        folder,
        filename=LAST.removesuffix(".ckpt"),
        save_on_train_epoch_end=True,
        enable_version_counter=False,
    )
    bar = [] if made.pop("enable_progress_bar", None) is False else [TrainingProgress()]
    if made.get("logger") in (None, True):
        made["logger"] = loggers(folder, from_step)
    made |= {"callbacks": [*(own if isinstance(own, list) else [own]), keeper, *bar, record]}
    made |= {"enable_progress_bar": False, "enable_model_summary": False}
    try:
        return Trainer(**made)
    except (MisconfigurationException, RuntimeError, ValueError, TypeError) as error:
        raise ValueError(f"trainer is not what Lightning takes: {error}") from error


def _made(name: str, kind: Any, spec: Any) -> Any:
    parser = ArgumentParser(exit_on_error=False)
    parser.add_argument(f"--{name}", type=kind)
    try:
        return parser.instantiate(parser.parse_object({name: dict(spec)}))[name]
    except Exception as error:
        raise ValueError(f"{name} cannot be made: {' '.join(str(error).split())}") from error


def rate_after(trainer: Trainer) -> tuple[float, float] | None:
    """Return the learning rate where a resumed training ended, and the one that its schedule has there now."""
    schedules = [one.scheduler for one in trainer.lr_scheduler_configs]
    if not schedules or not isinstance(schedules[0], torch.optim.lr_scheduler.LambdaLR):
        return None
    scheduler = schedules[0]
    before = float(scheduler.optimizer.param_groups[0]["lr"])
    now = float(scheduler.base_lrs[0] * scheduler.lr_lambdas[0](scheduler.last_epoch))
    return before, now
