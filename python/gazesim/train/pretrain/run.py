"""The Trainer, the checkpoint and the record of a run of ``gazesim pretrain``."""

from __future__ import annotations

import csv
import importlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import lightning
import torch
from lightning import Callback, Trainer
from lightning.fabric.utilities.exceptions import MisconfigurationException
from lightning.pytorch.callbacks import ModelCheckpoint
from lightning.pytorch.utilities import rank_zero_only
from torch import nn

from ..._progress import tell
from ..lightning_tools import TrainingProgress, loggers
from .checkpoints import LAST

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
        #: Whether the first step is about to run; an error before it is caused by the settings.
        self.has_begun = False

    def on_train_start(self, trainer: Trainer, *_: Any) -> None:
        """Write, right before the first step."""
        self.has_begun = True
        self.write()
        if self.changes:
            self._record(trainer.current_epoch, trainer.global_step)
            tell_rate(trainer)

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
    module = made("backbone", spec)
    if not isinstance(module, nn.Module):
        raise ValueError(f"backbone is a {type(module).__name__}; expected an nn.Module")
    return module


def make_trainer(
    options: Mapping[str, Any], folder: Path, record: RunRecord, from_step: int
) -> lightning.Trainer:
    """Return the Trainer of a configuration with the logs, progress bar and checkpoints of gazesim."""
    arguments = {name: made(name, value) for name, value in options.items()}
    own = arguments.pop("callbacks", None) or []
    keeper = LastCheckpoint(
        folder,
        filename=LAST.removesuffix(".ckpt"),
        save_on_train_epoch_end=True,
        enable_version_counter=False,
    )
    bar = [] if arguments.pop("enable_progress_bar", None) is False else [TrainingProgress()]
    if arguments.get("logger") in (None, True):
        arguments["logger"] = loggers(folder, from_step)
    arguments["callbacks"] = [*(own if isinstance(own, list) else [own]), keeper, *bar, record]
    arguments |= {"enable_progress_bar": False, "enable_model_summary": False}
    try:
        return Trainer(**arguments)
    except (MisconfigurationException, RuntimeError, ValueError, TypeError) as error:
        raise ValueError(f"trainer is not what Lightning takes: {error}") from error


def made(name: str, value: Any) -> Any:
    """Return the object that ``{class_path: ..., init_args: {...}}`` stands for; other values as they are."""
    if isinstance(value, list):
        return [made(name, one) for one in value]
    if not isinstance(value, Mapping) or "class_path" not in value:
        return value
    path, unknown = str(value["class_path"]), sorted(value.keys() - {"class_path", "init_args"})
    if unknown:
        raise ValueError(f"{name} has {unknown[0]!r} beside class_path; expected init_args")
    module, _, kind = path.rpartition(".")
    try:
        found = getattr(importlib.import_module(module), kind)
    except (ImportError, AttributeError, ValueError) as error:
        raise ValueError(f"{name}: class_path is {path!r}, which cannot be imported ({error})") from error
    arguments = {key: made(f"{name}.{key}", one) for key, one in (value.get("init_args") or {}).items()}
    try:
        return found(**arguments)
    except (TypeError, ValueError, RuntimeError, MisconfigurationException) as error:
        raise ValueError(f"{name}: {path} does not take its init_args: {error}") from error


def tell_rate(trainer: Trainer) -> None:
    """Report the change of the learning rate if a resumed training has another end than before."""
    schedules = [one.scheduler for one in trainer.lr_scheduler_configs]
    if not schedules or not isinstance(schedules[0], torch.optim.lr_scheduler.LambdaLR):
        return
    scheduler = schedules[0]
    before = float(scheduler.optimizer.param_groups[0]["lr"])
    now = float(scheduler.base_lrs[0] * scheduler.lr_lambdas[0](scheduler.last_epoch))
    if abs(now - before) > 1e-6 * max(now, before):
        tell(
            f"the learning rate was {before:.3g} at step {trainer.global_step}; its schedule has another end "
            f"now, so that it goes on with {now:.3g} after the next step"
        )
