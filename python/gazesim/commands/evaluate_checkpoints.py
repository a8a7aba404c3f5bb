"""The checkpoints of ``gazesim evaluate``: their names in tables, their files and configurations."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from ..reading.options import GazeOptions
from .configuration import checked, read_yaml
from .options import UsageError
from .pretrain_options import DataOptions

__all__ = [
    "Named",
    "PreTrained",
    "backbone_of",
    "checkpoint_file",
    "config_beside",
    "listed",
    "name_and_file",
    "named_checkpoints",
    "options_in",
    "seeds_of",
    "trained_on",
]

Number = TypeVar("Number", int, float)
#: The files of every method by name; several are runs with different seeds.
Named = dict[str, list[str]]

AS_STATED = GazeOptions()
CONFIG, LAST = "config.yaml", "last.ckpt"
#: Names of files and folders that do not describe a training.
NAMELESS = ("last", "checkpoints", "best")


@dataclass(frozen=True)
class PreTrained:
    """Size, normalisation and gaze of pre-training, from the configuration beside its checkpoint."""

    file: Path | None = None
    size: int | None = None
    mean: float = 0.0
    std: float = 1.0
    bits: int | None = None
    gaze: GazeOptions = AS_STATED
    sigma_share: float | None = None


def named_checkpoints(checkpoints: list[str]) -> Named:
    """Return the files by the names that they have in tables."""
    named: Named = {}
    by_path: list[str] = []
    for given in checkpoints:
        name, path = name_and_file(given)
        if path == given:
            by_path.append(name)
        if path in named.get(name, []):
            raise ValueError(f"{path} is given twice as {name!r}; expected another run of it")
        named.setdefault(name, []).append(path)
    for name in by_path:
        if len(named[name]) > 1:
            first, second = named[name][:2]
            raise ValueError(
                f"{first} and {second} are both named {name!r}; expected NAME=FILE for one of them, or for "
                "both where they are runs of one method"
            )
    return named


def seeds_of(given: str | list[int] | None, named: Named) -> list[int]:
    """Return the seeds: one for every run of the methods that have several."""
    counts = {name: len(paths) for name, paths in named.items() if len(paths) > 1}
    default = list(range(max(counts.values(), default=1)))
    seeds = default if given is None else list(dict.fromkeys(listed("seeds", given, int)))
    if not seeds:
        raise ValueError("seeds is empty; expected at least one")
    for name, count in counts.items():
        if count != len(seeds):
            raise ValueError(
                f"{count} files are named {name!r}, and seeds is {seeds}; expected as many seeds as files"
            )
    return seeds


def name_and_file(given: str) -> tuple[str, str]:
    """Return the name and the file of NAME=FILE, or of a file that is named by its path."""
    name, equals, path = given.partition("=")
    if equals and not Path(given).exists():
        return name, path
    parts = [part for part in Path(given.removesuffix(".ckpt")).absolute().parts if part not in NAMELESS]
    return parts[-1], given


def checkpoint_file(path: str) -> Path:
    return Path(path) / LAST if Path(path).is_dir() else Path(path)


def trained_on(path: str) -> PreTrained:
    """Return what the configuration beside a checkpoint says of its images and their gaze."""
    file = config_beside(path)
    if not file.is_file():
        return PreTrained()
    options = options_in(file)[1]
    if options is None:
        return PreTrained()
    size = options.size
    if size is None and options.phantom is not None:
        size = options.phantom.size
    if size is None:
        size = 224
    return PreTrained(
        file,
        size,
        options.views.mean,
        options.views.std,
        options.bits,
        options.gaze,
        options.sigma_share,
    )


def config_beside(path: str) -> Path:
    checkpoint = Path(path)
    return (checkpoint if checkpoint.is_dir() else checkpoint.parent) / CONFIG


def backbone_of(named: Named) -> str | None:
    """Return the name of the first checkpoint's network, if it has one."""
    from ..train.pretrain.checkpoints import read_checkpoint

    for paths in named.values():
        name: str | None = read_checkpoint(checkpoint_file(paths[0])).get("gazesim", {}).get("backbone")
        return name
    return None


def listed(argument: str, given: str | list[Number] | list[str], kind: Callable[[Any], Any]) -> list[Any]:
    """Return a list that was given as one, or as words with commas."""
    words = given.strip("[] ").split(",") if isinstance(given, str) else given
    try:
        return [kind(word.strip() if isinstance(word, str) else word) for word in words if word != ""]
    except ValueError:
        raise ValueError(f"{argument} is {given!r}; expected numbers with commas between them") from None


def options_in(file: Path) -> tuple[dict[str, Any], DataOptions | None]:
    """Return a configuration, and its checked section data; None where it has none."""
    held = read_yaml(file.read_text(encoding="utf-8"), str(file))
    section = held.get("data") if isinstance(held, dict) else None
    if not isinstance(section, dict):
        return {}, None
    try:
        return held, checked("data", section, DataOptions)
    except UsageError as error:
        raise UsageError(f"{file}, section data: {error}") from error
