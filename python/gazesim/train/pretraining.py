"""``gazesim pretrain``: a configuration in, a checkpoint and logs out (LightningCLI)."""

from __future__ import annotations

import argparse
import inspect
import os
import re
import shlex
import signal
import sys
import textwrap
import threading
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib import resources
from pathlib import Path
from typing import Any

from lightning import Callback, Trainer
from lightning.fabric.utilities.exceptions import MisconfigurationException
from lightning.pytorch.callbacks import ModelCheckpoint
from lightning.pytorch.cli import ArgsType, LightningArgumentParser, LightningCLI
from lightning.pytorch.utilities import rank_zero_only

from .._errors import did_you_mean, integer, one_of
from .._progress import ProgressBar
from ..commands import program
from .data.gaze_data import GazeData, PhantomSettings
from .data.view_maker import Views
from .lightning_tools import METRICS, TrainingProgress, loggers, quiet
from .pretrain.checkpoints import LAST, read_checkpoint
from .pretrain.contrastive import Contrastive
from .pretrain.frameworks import HeadSettings
from .pretrain.optimisers import OptimizerSettings
from .pretrain.pairing import PairSettings, Ramp

__all__ = ["packaged_configs", "pretrain"]

CONFIG = "config.yaml"
DESCRIPTION = "Pre-train a backbone with contrastive learning, with gaze or without."


def pretrain(words: Sequence[str]) -> int:
    """Pre-train as command-line words say, and return the exit status: 130 after Ctrl-C."""
    with quiet(), _plain_warnings():
        if not words:
            raise ValueError(f"config is missing; expected --config FILE, or {one_of(packaged_configs())}")
        try:
            cli = _Command(_expanded(words))
        except (argparse.ArgumentError, ValueError) as error:
            raise ValueError(_one_line(str(error))) from error
        return cli.fit()


def packaged_configs() -> list[str]:
    """Return the names of the configurations that come with the library."""
    folder = resources.files(__package__).joinpath("configs")
    return sorted(file.name.removesuffix(".yaml") for file in folder.iterdir() if file.name.endswith(".yaml"))


class _Parser(LightningArgumentParser):
    """A parser whose help does not list all modules that torch has."""

    def format_help(self) -> str:
        """Return the help."""
        return re.sub(r",\s+known\s+subclasses:[^)]*\)", ")", str(super().format_help()))


class _Keeper(ModelCheckpoint):
    """What writes last.ckpt; of a type of its own, beside which there may be any ModelCheckpoint."""


class _Begun(Callback):
    """Knows when all is set up and restored, and writes the configuration then: not before it fits."""

    def __init__(self, file: Path, text: str) -> None:
        self.file, self.text, self.is_so = file, text, False

    def on_train_start(self, *_: Any) -> None:
        """Write, right before the first step."""
        self.is_so = True
        self.write()

    @rank_zero_only
    def write(self) -> None:
        """Write the configuration into its folder."""
        self.file.parent.mkdir(parents=True, exist_ok=True)
        self.file.write_text(self.text)


class _Command(LightningCLI):
    """LightningCLI without subcommands, with an output folder and with resuming."""

    def __init__(self, words: list[str]) -> None:
        super().__init__(
            Contrastive,
            GazeData,
            args=words,
            run=False,
            save_config_callback=None,
            seed_everything_default=0,
            auto_configure_optimizers=False,
            parser_class=_Parser,
            load_from_checkpoint_support=False,
            parser_kwargs={"exit_on_error": False, "prog": "gazesim pretrain", "description": DESCRIPTION},
        )

    def add_arguments_to_parser(self, parser: LightningArgumentParser) -> None:
        """Add what is ours, and say what follows from what."""
        parser.add_argument(
            "--out",
            type=str,
            default="runs/pretrain",
            help="The folder for checkpoint, configuration and logs.",
        )
        parser.add_argument(
            "--resume", type=bool, default=False, help="Whether to go on from the checkpoint in that folder."
        )
        parser.link_arguments("seed_everything", "data.seed", compute_fn=_seed)
        parser.link_arguments("data.channels", "model.channels")

    def parse_arguments(self, parser: LightningArgumentParser, args: ArgsType) -> None:
        """Parse the words; the original warns of words beside those of the process."""
        self.config = parser.parse_args(args)

    def before_instantiate_classes(self) -> None:
        """Look for a training in the folder."""
        if self.config.trainer.enable_checkpointing is False:
            raise ValueError(
                f"trainer.enable_checkpointing is False; expected true, or null: {LAST} is the result"
            )
        self.out = Path(self.config.out)
        last = self.out / LAST
        if last.is_file() and not self.config.resume:
            raise ValueError(f"{self.out} holds a training already; expected --resume, or another --out")
        if self.config.resume and not last.is_file():
            raise ValueError(f"{self.out} holds no {LAST}; expected a training to resume, or no --resume")
        self.checkpoint = last if self.config.resume else None
        self.from_step = int(read_checkpoint(last)["global_step"]) if self.config.resume else 0

    def instantiate_trainer(self, **kwargs: Any) -> Trainer:
        """Return the Trainer with our logs, progress bar and checkpoints."""
        trainer = self.config_init.trainer
        if trainer.logger in (None, True):
            kwargs["logger"] = loggers(self.out, self.from_step)
        keeper = _Keeper(
            self.out,
            filename=LAST.removesuffix(".ckpt"),
            save_on_train_epoch_end=True,
            enable_version_counter=False,
        )
        bar = [] if trainer.enable_progress_bar is False else [TrainingProgress()]
        text = self.parser.dump(self.config, skip_unset=False)
        self.begun = _Begun(self.out / CONFIG, text.replace("resume: true", "resume: false"))
        kwargs["callbacks"] = [*(trainer.callbacks or []), keeper, *bar, self.begun]
        kwargs |= {"enable_progress_bar": False, "enable_model_summary": False}
        try:
            return super().instantiate_trainer(**kwargs)
        except (MisconfigurationException, RuntimeError) as error:
            raise ValueError(f"trainer is not what Lightning takes: {error}") from error

    def fit(self) -> int:
        """Train, and say where the result is and what comes next."""
        if self.checkpoint is None:
            self.begun.write()
        handler = signal.getsignal(signal.SIGINT)
        try:
            self.trainer.fit(
                self.model, datamodule=self.datamodule, ckpt_path=self.checkpoint, weights_only=True
            )
        except (MisconfigurationException, RuntimeError, ValueError) as error:
            if self.begun.is_so:
                raise
            raise ValueError(self._why_not_begun(error)) from error
        except (SystemExit, KeyboardInterrupt):  # Lightning exits after Ctrl-C
            if not self.trainer.interrupted:
                raise
            self._say_interrupted()
            return 130
        finally:
            if threading.current_thread() is threading.main_thread():
                signal.signal(signal.SIGINT, handler)
        if self.trainer.is_global_zero:
            files = [self.out / name for name in (LAST, METRICS, CONFIG) if (self.out / name).is_file()]
            *most, last = map(str, files)
            _say(f"wrote {', '.join(most)} and {last}" if most else f"wrote {last}")
            if self.out / LAST in files:
                _say(f"next: {program()} evaluate {shlex.quote(str(self.out / LAST))}")
        return 0

    def _why_not_begun(self, error: Exception) -> str:
        # Torch lists every weight of another shape; the first one is enough.
        said = _one_line(re.sub(r"(?s)^Error\(s\) in loading.*?:\s*([^\n]*).*", r"\1", str(error))).rstrip(
            "."
        )
        if self.checkpoint is None:
            return said
        return (
            f"{self.checkpoint} does not go on with these settings: {textwrap.shorten(said, 300)}; "
            f"expected those of {self.out / CONFIG}"
        )

    def _say_interrupted(self) -> None:
        if not (self.out / LAST).is_file():
            return _say("interrupted in the first epoch: there is nothing to resume")
        config = shlex.quote(str(self.out / CONFIG))
        return _say(f"interrupted; go on with: gazesim pretrain --config {config} --resume")


def _seed(seed: bool | int) -> int:
    """Return the seed of the data for a value of seed_everything; true means what it means to Lightning."""
    if seed is False:
        raise ValueError("seed_everything is False; expected a seed, or true: views and resuming need one")
    if seed is True:
        return int(os.environ.get("PL_GLOBAL_SEED", 0))
    return integer("seed_everything", seed, low=0, high=2**32 - 1)


def _expanded(words: Sequence[str]) -> list[str]:
    """Return the words with paths for packaged configurations, and values for switches."""
    expanded: list[str] = []
    for word in words:
        name, _, value = word.partition("=")
        if expanded and expanded[-1] in ("--config", "-c"):
            word = _config(word)
        elif name == "--config" and value:
            word = f"--config={_config(value)}"
        expanded.append("--resume=true" if word == "--resume" else word)
    return expanded


def _config(name: str) -> str:
    if Path(name).is_file():
        return name
    known = packaged_configs()
    plain = name.removesuffix(".yaml")
    if plain not in known:
        hint = did_you_mean(plain, known)
        raise ValueError(f"config is {name!r}, which is no file; expected a path, or {one_of(known)}{hint}")
    return str(resources.files(__package__).joinpath("configs", f"{plain}.yaml"))


def _one_line(text: str) -> str:
    """Return a parser's message without its tree of alternatives."""
    for pattern, kept in _NOISE:
        text = re.sub(pattern, kept, text)
    said = " ".join(word for word in text.split() if word != "-")
    option = re.search(r"(?:[Oo]ption '|arguments: --)([\w.]+)", said)
    names = option[1].split(".") if option else []
    wrong = [name for name in names if name not in _parameters()]
    return said + (did_you_mean(wrong[0], _parameters()) if wrong else "")


#: What to leave out of a parser's message, or to put in another way.
_NOISE = (
    (r"(?s)- Problem with given class_path '[\w.]*PairMask'.*", ""),
    (r"- Type collections.abc.Callable.*", ""),
    (r"\s*Does not validate against any of the Union subtypes", ""),
    (r"Subtypes: \[.*\]", ""),
    (r"Errors:", ""),
    (r"Given value type: .*", ""),
    (r"Given value: (?:NestedArg.*|\{.*|Namespace.*)", ""),
    (r"- Expected a <class 'NoneType'>", ""),
    (r"- Expected a dot import path string.*", ""),
    (r"- Expected a path but .*", ""),
    (r"- Import path .*", ""),
    (r"- Problem with given class_path '(?:\w+\.)*(\w+)':", r"\1:"),
    (r"- Expected a <class '(?:\w+\.)*(\w+)'>", r"expected \1;"),
    (r"Parser key ", ""),
    (r"Call to compute_fn of link .* failed: ", ""),
    (r"Given value:", "given:"),
)


def _parameters() -> list[str]:
    """Return the names of what can be configured, for hints at misspelt ones."""
    configured = (
        Contrastive,
        GazeData,
        HeadSettings,
        OptimizerSettings,
        PairSettings,
        PhantomSettings,
        Ramp,
        Views,
        Trainer,
    )
    names = {name for each in configured for name in inspect.signature(each).parameters}
    return sorted(names | {"model", "data", "trainer", "out", "resume", "seed_everything"})


@contextmanager
def _plain_warnings() -> Iterator[None]:
    """Show warnings as lines of this command, without paths into the library."""
    with warnings.catch_warnings():
        shown = warnings.showwarning

        def show(message: Any, category: Any, filename: str, lineno: int, *rest: Any) -> None:
            if "gazesim" in filename:
                _say(f"warning: {message}")
            else:
                shown(message, category, filename, lineno, *rest)

        warnings.showwarning = show  # type: ignore[assignment]
        yield


def _say(text: str) -> None:
    """Print a line, above the progress bar where there is one."""
    ProgressBar.write(f"gazesim pretrain: {text}", file=sys.stderr)
