"""Tools for Lightning: fewer messages, seeds, random streams and logs that a resumed run continues."""

from __future__ import annotations

import csv
import logging
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import lightning
import numpy as np
import torch
from lightning.pytorch.loggers import Logger, TensorBoardLogger
from lightning.pytorch.strategies import DDPStrategy
from lightning.pytorch.utilities import rank_zero_only
from numpy.typing import NDArray
from torch.utils.data import Sampler

from .._errors import integer
from .._progress import ProgressBar

__all__ = [
    "METRICS",
    "MetricsFile",
    "RandomStream",
    "Shuffled",
    "TrainingProgress",
    "epoch_order",
    "expect_unused_parameters",
    "loggers",
    "seeded",
    "silent_trainer",
    "without_advice",
]

#: Name of the file in a training's folder that holds its logged numbers, one row per logged step.
METRICS = "metrics.csv"

States = dict[str, torch.Tensor]


@contextmanager
def without_advice() -> Iterator[None]:
    """Suppress Lightning's advice about workers, loggers and devices."""
    log = logging.getLogger("lightning.pytorch")
    level = log.level
    log.setLevel(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", module=r"lightning\..*")
            yield
    finally:
        log.setLevel(level)


def expect_unused_parameters(trainer: lightning.Trainer) -> None:
    """Let DDP look for parameters without a gradient, unless the Trainer's strategy says otherwise.

    DDP raises in the second step where a parameter has none. To be called before the strategy wraps the
    module, as in its ``setup``.
    """
    if isinstance(trainer.strategy, DDPStrategy):
        trainer.strategy._ddp_kwargs.setdefault("find_unused_parameters", True)


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Seed torch inside, and restore the states of its generators afterwards, of the CPU and of every GPU."""
    gpus = range(torch.cuda.device_count()) if torch.cuda.is_available() else []
    with torch.random.fork_rng(devices=gpus):
        torch.manual_seed(integer("seed", seed, low=0, high=2**63 - 1))
        yield


def silent_trainer(accelerator: str = "auto", **settings: Any) -> lightning.Trainer:
    """Return a Trainer for one device that logs, writes and shows nothing."""
    with without_advice():
        return lightning.Trainer(
            accelerator=accelerator,
            devices=1,
            logger=False,
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
            **settings,
        )


def epoch_order(count: int, seed: int, epoch: int) -> NDArray[np.int64]:
    """Return the positions of ``count`` samples in a random order that depends only on seed and epoch."""
    return np.random.default_rng([seed, epoch]).permutation(count)


class Shuffled(Sampler[Any]):
    """Samples every position once an epoch, in a random order that depends only on seed and epoch."""

    def __init__(self, count: int, seed: int) -> None:
        self.count, self.seed, self.epoch = count, seed, 0

    def set_epoch(self, epoch: int) -> None:
        """Take the order of this epoch; Lightning calls it."""
        self.epoch = epoch

    def __len__(self) -> int:
        return self.count

    def __iter__(self) -> Iterator[Any]:
        return iter(epoch_order(self.count, self.seed, self.epoch).tolist())


class RandomStream:
    """The states of torch's generators as the training steps left them.

    Random numbers drawn between steps (by loaders, callbacks, validation) then do not change those of the
    steps, so a resumed training draws the same numbers as an uninterrupted one.
    """

    def __init__(self) -> None:
        self.states: States | None = None
        self._outside: States | None = None

    def enter(self, device: torch.device) -> None:
        """Restore the states at the end of the last step; the first step uses the present states."""
        self._outside = _states(device)
        if self.states is not None:
            _set(self.states, device)

    def leave(self, device: torch.device) -> None:
        """Keep the states at the end of the step, and restore those from before it."""
        self.states = _states(device)
        if self._outside is not None:
            _set(self._outside, device)
        self._outside = None

    def now(self, device: torch.device) -> States | None:
        """Return the states for a checkpoint: within a step, the present ones."""
        return self.states if self._outside is None else _states(device)


def _states(device: torch.device) -> States:
    states = {"cpu": torch.get_rng_state()}
    if device.type == "cuda":
        states["cuda"] = torch.cuda.get_rng_state(device)
    return states


def _set(states: States, device: torch.device) -> None:
    torch.set_rng_state(states["cpu"].cpu())
    if device.type == "cuda" and "cuda" in states:
        torch.cuda.set_rng_state(states["cuda"].cpu(), device)


def loggers(folder: Path, from_step: int) -> list[Logger]:
    """Return the loggers of a training that starts at a step; they keep rows of earlier steps."""
    events = TensorBoardLogger(folder, name="", version="tensorboard", purge_step=from_step or None)
    return [MetricsFile(folder, from_step), events]


class MetricsFile(Logger):
    """A logger that writes metrics.csv, a row per logged step, and continues it in a resumed training.

    Lightning's own logger starts a new file. Rows that an interrupted training wrote after its last
    checkpoint are dropped, because their steps are repeated.
    """

    def __init__(self, folder: Path, from_step: int = 0) -> None:
        super().__init__()
        self.file = folder / METRICS
        self.columns, self.rows = _before(self.file, from_step)
        self._is_open = False

    @property
    def name(self) -> str:
        """Part of paths that Lightning makes."""
        return ""

    @property
    def version(self) -> str:
        """Part of paths that Lightning makes."""
        return ""

    @property
    def save_dir(self) -> str:
        """Where the file is."""
        return str(self.file.parent)

    def log_hyperparams(self, *_: Any, **__: Any) -> None:
        """Do nothing: they are in config.yaml."""

    @rank_zero_only
    def log_metrics(self, metrics: Mapping[str, float], step: int | None = None) -> None:
        """Write a row immediately, so that a killed training loses none."""
        row = {"step": str(step), **{name: repr(float(value)) for name, value in metrics.items()}}
        row["epoch"] = str(int(metrics["epoch"])) if "epoch" in metrics else ""
        self.rows.append(row)
        added = [name for name in sorted(row) if name not in self.columns]
        self.columns += added
        if added or not self._is_open:
            self._write_all()
        else:
            with self.file.open("a", newline="") as lines:
                csv.DictWriter(lines, self.columns).writerow(row)
        self._is_open = True

    def _write_all(self) -> None:
        self.file.parent.mkdir(parents=True, exist_ok=True)
        partial = self.file.with_suffix(".part")
        with partial.open("w", newline="") as lines:
            writer = csv.DictWriter(lines, self.columns)
            writer.writeheader()
            writer.writerows(self.rows)
        partial.replace(self.file)


def _before(file: Path, step: int) -> tuple[list[str], list[dict[str, str]]]:
    """Return the columns, and the rows that were logged before a step."""
    if not step or not file.is_file():
        return ["epoch", "step"], []
    with file.open(newline="") as lines:
        reader = csv.DictReader(lines)
        rows = [{name: value for name, value in row.items() if value} for row in reader]
    # A row that a kill cut short may have no step.
    return list(reader.fieldnames or []), [row for row in rows if int(row.get("step", step)) < step]


class TrainingProgress(lightning.Callback):
    """A progress bar on stderr for the whole training, in steps, with the epoch and the last loss."""

    def __init__(self) -> None:
        self.bar: ProgressBar | None = None

    def on_train_start(self, trainer: lightning.Trainer, *_: Any) -> None:
        """Show what is done already."""
        if trainer.is_global_zero:
            steps = trainer.estimated_stepping_batches
            total = int(steps) if steps < float("inf") else None
            self.bar = ProgressBar(total=total, initial=trainer.global_step, unit=" steps")

    def on_train_batch_end(self, trainer: lightning.Trainer, _: Any, outputs: Any, *__: Any) -> None:
        """Go on a step."""
        if self.bar is not None and trainer.global_step > self.bar.n:
            self.bar.update(trainer.global_step - self.bar.n)
            if trainer.global_step % 10 == 1 or self.bar.n == self.bar.total:
                loss = f"{float(outputs['batch_loss']):.3f}"
                self.bar.set_postfix(epoch=trainer.current_epoch, loss=loss, refresh=False)

    def teardown(self, *_: Any, **__: Any) -> None:
        """Leave the bar as it is."""
        if self.bar is not None:
            self.bar.close()
            self.bar = None
