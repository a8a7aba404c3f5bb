"""``gazesim pretrain --config FILE``: a configuration in, a checkpoint and logs out.

Words, files and data are checked before torch is imported, so that help and refusals come at once.
"""

from __future__ import annotations

import argparse
import copy
import re
import shlex
import signal
import sys
import textwrap
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .._errors import one_of
from .._progress import ProgressBar
from . import say_next
from .configuration import (
    OPEN,
    all_options,
    config_file,
    dump,
    merge,
    names,
    not_accepted,
    packaged_configs,
    put,
    read_yaml,
    replaced_pairs,
    resolved,
)
from .help import HELP, HELP_ALL, SHARED, help_text
from .options import Option, Parser, UsageError, converted
from .pretrain_checks import FREE, Change, check, content_lines, differences
from .pretrain_options import TRAINER, Configuration

CONFIG, LAST, METRICS = "config.yaml", "last.ckpt", "metrics.csv"
EXAMPLE = "pretrain --config byol_mcgip --data.manifest manifest.csv --out runs/first"
DESCRIPTION = """Pre-train a backbone with contrastive learning, with gaze or without.

Options stand in a file, on the command line, or both; those further right count. Sections nest: in a
file "model: {pairs: {top_k: 2}}" is what --model.pairs.top_k 2 is here."""
#: What the short help shows, besides the options of the verb itself.
COMMON = (
    "config",
    "out",
    "resume",
    "seed_everything",
    "model.framework",
    "model.backbone",
    "model.pairs.cache",
    "model.optimizer.learning_rate",
    "data.manifest",
    "data.size",
    "data.batch_size",
    "data.views.crop",
    "trainer.max_epochs",
    "trainer.devices",
)


@dataclass(frozen=True)
class Start:
    """The checked configuration of a run, also as plain values, and whether it resumes another run."""

    found: Configuration
    plain: dict[str, Any]
    is_resumed: bool
    changes: tuple[Change, ...] = ()

    @property
    def out(self) -> Path:
        """The folder of the run."""
        return Path(self.found.out)

    @property
    def text(self) -> str:
        """What config.yaml says."""
        kept = {name: value for name, value in self.plain.items() if name != "resume"}
        return content_lines(kept) + dump(kept)


def options() -> list[Option]:
    """Return every option of the verb."""
    config = Option("config", str, None, f"A YAML file, or {one_of(packaged_configs())}.")
    shown = Option("print_config", bool, False, "Print the whole configuration as YAML, and end.")
    return [config, shown, *all_options()]


def main(words: Sequence[str]) -> int:
    """Run the verb with its words and return the exit status: 130 after Ctrl-C."""
    if asked := next((word for word in words if word in (*HELP, HELP_ALL)), None):
        print(help_shown(asked))
        return 0
    if not words:
        raise UsageError(f"config is missing; expected --config FILE, or {one_of(packaged_configs())}")
    config = configuration_of(words)
    printed = config.pop("print_config", False)
    found, plain = resolved(config)
    if printed:
        print(dump(plain), end="")
        return 0
    return train(prepared(found, plain))


def help_shown(asked: str) -> str:
    """Return the help, in which sections are left to their options."""
    known = options()
    if asked == HELP_ALL:
        return help_text("gazesim pretrain", DESCRIPTION, known, common=COMMON, example=EXAMPLE, asked=asked)
    shown = [one for one in known if one.name in COMMON]
    text = help_text("gazesim pretrain", DESCRIPTION, shown, common=COMMON, example=EXAMPLE, asked=asked)
    more = f"  {len(known) - len(shown)} more options in the sections model, data and trainer: {HELP_ALL}"
    at = text.index(f"  {next(iter(SHARED))}")
    return f"{text[:at]}{more}\n{text[at:]}"


class _Keep(argparse.Action):
    """Keeps options in the order of the words."""

    def __call__(self, _: Any, namespace: Any, values: Any, option: str | None = None) -> None:
        namespace.given.append((self.dest, values))


def configuration_of(words: Sequence[str]) -> dict[str, Any]:
    """Return the configuration that files and words make together, those further right over the others.

    A cache on the command line replaces the scheme of a file, and a scheme the cache; a line says so.
    """
    parser = Parser(prog="gazesim pretrain")
    known = options()
    hints = {one.name: one.hint for one in known}
    for one in known:
        alone = "true" if hints[one.name] is bool or one.name == "resume" else None
        more: dict[str, Any] = {} if alone is None else {"nargs": "?", "const": alone}
        parser.add_argument(f"--{one.name}", *(["-c"] * (one.name == "config")), action=_Keep, **more)
    namespace, rest = parser.parse_known_args(list(words), argparse.Namespace(given=[]))
    config: dict[str, Any] = {}
    typed: dict[str, Any] = {}
    for name, text in [*namespace.given, *_open(rest)]:
        if name == "config":
            file = config_file(text)
            read = read_yaml(file.read_text(encoding="utf-8"), str(file))
            if not isinstance(read, Mapping):
                raise UsageError(f"Problems parsing config {file}: expected sections such as model and data")
            merge(config, read)
        else:
            hint = hints.get(name, Any)
            value = _value(name, text) if hint is Any else converted(name, text, hint)
            put(config, name, value)
            put(typed, name, copy.deepcopy(value))
    for line in replaced_pairs(config, typed):
        _say(line)
    return config


def _value(name: str, text: str) -> Any:
    return read_yaml(text, f"of {name}")


def _open(words: Sequence[str]) -> list[tuple[str, str]]:
    """Return names and values of options that only Lightning or a scheme knows."""
    found, left = [], list(words)
    while left:
        word, equals, value = left.pop(0).partition("=")
        name = word.removeprefix("--")
        section = next((one for one in OPEN if name.startswith(f"{one}.")), None)
        unknown_trainer = section == "trainer" and name.split(".")[1] not in TRAINER
        if not word.startswith("--") or section is None or unknown_trainer:
            wrong = next((part for part in name.split(".") if part not in names()), name)
            raise not_accepted(name, wrong)
        if not equals and not left:
            raise UsageError(f"argument {word}: expected one argument")
        found.append((name, value if equals else left.pop(0)))
    return found


def prepared(found: Configuration, plain: dict[str, Any]) -> Start:
    """Return the checked start of a run; raise if it cannot start or resume with these options."""
    if plain["trainer"].get("enable_checkpointing") is False:
        raise UsageError(
            f"trainer.enable_checkpointing is False; expected true, or null: {LAST} is the result"
        )
    folder = Path(found.out)
    last = folder / LAST
    if last.is_file() and not found.resume:
        raise UsageError(f"{folder} holds a training already; expected --resume, or another --out")
    if found.resume is True and not last.is_file():
        raise UsageError(f"{folder} holds no {LAST}; expected a training to resume, or no --resume")
    check(found)
    if not found.resume or not last.is_file():
        return Start(found, plain, is_resumed=False)
    config = folder / CONFIG
    if not config.is_file():
        raise UsageError(f"{config} does not exist; expected the settings that {last} was trained with")
    changes = differences(config, plain)
    wrong = [change for change in changes if change[0] not in FREE]
    if wrong:
        said = "; ".join(f"{name} is {now!r}, and was {before!r}" for name, before, now in wrong)
        raise UsageError(
            f"{last} does not go on with these settings: {textwrap.shorten(said, 300)}; "
            f"expected those of {config}"
        )
    return Start(found, plain, is_resumed=True, changes=tuple(changes))


def train(start: Start) -> int:
    """Train, say where the result is and what comes next, and return the exit status."""
    from ..train import Contrastive, GazeData
    from ..train.lightning_tools import without_advice
    from ..train.pretrain.checkpoints import read_checkpoint
    from ..train.pretrain.run import RunRecord, make_backbone_class, make_trainer, seed_everything

    found, out = start.found, start.out
    last = out / LAST
    with without_advice():
        seed_everything(None if found.seed_everything is True else start.plain["seed_everything"])
        data = GazeData(**_fields(found.data) | {"seed": start.plain["data"]["seed"]})
        model_options = _fields(found.model)
        if isinstance(found.model.backbone, Mapping):
            model_options["backbone"] = make_backbone_class(found.model.backbone)
        model = Contrastive(**model_options, channels=found.data.channels)
        from_step = int(read_checkpoint(last)["global_step"]) if start.is_resumed else 0
        record = RunRecord(out, start.text, start.changes)
        trainer = make_trainer(start.plain["trainer"], out, record, from_step)
        _tell_precision(start.plain["trainer"].get("precision"), trainer)
        if not start.is_resumed:
            record.write()
        return _fit(start, trainer, model, data, record, from_step)


def _fit(start: Start, trainer: Any, model: Any, data: Any, record: Any, from_step: int) -> int:
    from lightning.fabric.utilities.exceptions import MisconfigurationException

    out, checkpoint = start.out, start.out / LAST if start.is_resumed else None
    handler = signal.getsignal(signal.SIGINT)
    try:
        trainer.fit(model, datamodule=data, ckpt_path=checkpoint, weights_only=True)
    except (MisconfigurationException, RuntimeError, ValueError, KeyError) as error:
        if record.has_begun:
            raise
        raise UsageError(_why_not_begun(error, checkpoint)) from error
    except (SystemExit, KeyboardInterrupt):  # Lightning exits after Ctrl-C
        if not trainer.interrupted:
            raise
        _say_interrupted(out)
        return 130
    finally:
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGINT, handler)
    if not trainer.is_global_zero:
        return 0
    if checkpoint is not None and trainer.global_step == from_step:
        _say(f"nothing was left to train; expected a larger --trainer.max_epochs than {trainer.max_epochs}")
    files = [out / name for name in (LAST, METRICS, CONFIG) if (out / name).is_file()]
    *most, end = map(str, files)
    _say(f"wrote {', '.join(most)} and {end}" if most else f"wrote {end}")
    if out / LAST in files:
        say_next("evaluate", out / LAST)
    return 0


def _fields(settings: Any) -> dict[str, Any]:
    """Return the fields of settings as arguments, those that are None left to the defaults."""
    return {name: value for name, value in vars(settings).items() if value is not None}


def _why_not_begun(error: Exception, checkpoint: Path | None) -> str:
    # torch lists every mismatched weight; the message shows the first.
    first = re.sub(r"(?s)^Error\(s\) in loading.*?:\s*([^\n]*).*", r"\1", str(error))
    said = " ".join(first.split()).rstrip(".")
    if checkpoint is None:
        return said
    return (
        f"{checkpoint} does not go on with these settings: {textwrap.shorten(said, 300)}; "
        f"expected those of {checkpoint.with_name(CONFIG)}"
    )


def _tell_precision(asked: Any, trainer: Any) -> None:
    if str(asked).startswith("16") and str(trainer.precision).startswith("bf16"):
        _say(f"precision is {asked}, which a CPU has not: it trains with {trainer.precision} (bfloat16)")


def _say_interrupted(out: Path) -> None:
    if not (out / LAST).is_file():
        return _say("interrupted in the first epoch: there is nothing to resume")
    config = shlex.quote(str(out / CONFIG))
    return _say(f"interrupted; go on with: gazesim pretrain --config {config} --resume")


def _say(text: str) -> None:
    """Print a line, above the progress bar where there is one."""
    ProgressBar.write(f"gazesim pretrain: {text}", file=sys.stderr)
