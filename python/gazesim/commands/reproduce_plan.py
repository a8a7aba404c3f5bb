"""What ``gazesim reproduce`` runs: configuration and files of every cell, and deviations from the paper."""

from __future__ import annotations

import copy
import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from typing import Any

from ..cache.store import sha256
from ..train.reproduce.experiment import Experiment, Line
from ..train.reproduce.published import config_values
from ..train.reproduce.smoke import smoke_options
from .configuration import config_file, flat, merge, read_yaml, resolved
from .options import UsageError
from .pretrain_checks import FREE
from .reproduce_fixations import SCREEN, compares_fixations

__all__ = ["Asked", "PlannedCell", "not_as_published", "plan"]

#: What may differ between two runs of one cell, besides its folder.
ELSEWHERE = FREE - {"trainer.max_epochs", "trainer.max_steps", "trainer.min_epochs", "trainer.callbacks"}


@dataclass(frozen=True)
class Asked:
    """What the options of the verb ask for, besides the experiment.

    Parameters
    ----------
    out
        The folder of all experiments; pre-trainings in it are shared.
    scale
        "full" or "smoke".
    weights
        "imagenet", "none", or files of weights by backbone.
    searched
        A YAML file of ``data.views``, for GCA's row of searched augmentations.
    only
        A pattern of lines.
    given
        Options of pretrain, over those of the configurations.
    """

    out: Path
    scale: str = "full"
    weights: str | Mapping[str, str] = "imagenet"
    searched: str | None = None
    only: str | None = None
    given: Mapping[str, Any] = field(default_factory=dict)

    @property
    def is_smoke(self) -> bool:
        """Whether this is a smoke test."""
        return self.scale == "smoke"


@dataclass(frozen=True)
class PlannedCell:
    """A line in a fold: its pre-training, if it has one, and the file of its scores once it is done."""

    line: Line
    fold: int
    #: The configuration of the pre-training as plain values; for a baseline only the data matter.
    plain: Mapping[str, Any]
    folder: Path
    result: Path
    #: Whether it was begun by an earlier version, which did not note the content of the manifest.
    is_of_unknown_manifest: bool = False

    @property
    def title(self) -> str:
        """The name in messages."""
        return f"{self.line.key}, fold {self.fold}"


def plan(experiment: Experiment, asked: Asked) -> list[PlannedCell]:
    """Return every selected cell that can be run, line by line."""
    lines = [line for line in experiment.lines if is_asked(line, asked.only) and reason(line, asked) is None]
    if not lines:
        keys = "; ".join(line.key for line in experiment.lines)
        raise UsageError(
            f"only is {asked.only!r}, which no row of {experiment.name} has; expected part of {keys}"
        )
    manifest = asked.given.get("data", {}).get("manifest")
    content = sha256(Path(manifest)) if manifest is not None and Path(manifest).is_file() else None
    return [
        _cell(experiment, line, fold, asked, content) for line in lines for fold in range(experiment.runs)
    ]


def is_asked(line: Line, only: str | None) -> bool:
    """Whether the name of a line contains a pattern, in which * matches anything."""
    return only is None or fnmatchcase(line.key.lower(), f"*{only.lower()}*")


def reason(line: Line, asked: Asked) -> str | None:
    """Return why a line cannot be run, or None."""
    if line.needs is not None and getattr(asked, line.needs[0]) is None:
        return f"{line.needs[1]}: give them with --{line.needs[0]} FILE"
    if line.baseline == "imagenet" and asked.weights == "none" and not asked.is_smoke:
        return "it is ImageNet's weights, and --weights none has none"
    if line.baseline == "imagenet" and asked.is_smoke:
        return "ImageNet's weights do not fit the network of --scale smoke"
    return None


def _cell(experiment: Experiment, line: Line, fold: int, asked: Asked, content: str | None) -> PlannedCell:
    """Return a cell; its files are named by its settings and the SHA-256 of the manifest, ``content``."""
    plain = _plain(experiment, line, fold, asked)
    kept = {name: value for name, value in flat(plain) if name not in ELSEWHERE}
    if experiment.epochs:  # part of the digest only if given
        kept["checkpoints"] = list(experiment.epochs)
    folder, result = _files(experiment, line, fold, asked, plain, kept)
    if content is None:
        return PlannedCell(line, fold, plain, folder, result)
    # Earlier versions named files without the content of the manifest: what they wrote still counts.
    old_folder, old_result = folder.is_dir(), result.is_file()
    new = _files(experiment, line, fold, asked, plain, kept | {"manifest_sha256": content})
    folder, result = (folder if old_folder else new[0]), (result if old_result else new[1])
    return PlannedCell(line, fold, plain, folder, result, old_folder or old_result)


def _files(
    experiment: Experiment,
    line: Line,
    fold: int,
    asked: Asked,
    plain: Mapping[str, Any],
    kept: Mapping[str, Any],
) -> tuple[Path, Path]:
    """Return the folder of a cell's pre-training and the file of its scores, named by digests of ``kept``."""
    words = [line.baseline] if line.config is None else _named(plain)
    slug = f"{'-'.join(map(str, words))}-fold{fold}-{_digest(kept)}"
    measured = {
        "pretrained": kept,
        "line": line.key,
        "baseline": line.baseline,
        "protocol": experiment.protocol,
        "settings": dict(experiment.settings),
        "fractions": experiment.fractions,
        "epochs": experiment.epochs,
        "kind": experiment.kind,
    }
    stem = re.sub(r"[^a-z0-9.]+", "-", line.key.lower()).strip("-")
    return (
        asked.out / "pretrained" / slug,
        asked.out / experiment.name / "cells" / f"{stem}-fold{fold}-{_digest(measured)}.json",
    )


def _named(plain: Mapping[str, Any]) -> list[str]:
    model = plain["model"]
    scheme = "plain" if model["pairs"] is None else model["pairs"]["scheme"]
    return [model["framework"], model["backbone"], scheme]


def _plain(experiment: Experiment, line: Line, fold: int, asked: Asked) -> dict[str, Any]:
    """Return the configuration of a cell: the paper's, the line's options, the user's."""
    name = line.config or _config_of(experiment)
    config = copy.deepcopy(_packaged(name))
    given = {key: dict(value) if isinstance(value, Mapping) else value for key, value in asked.given.items()}
    data = given.setdefault("data", {})
    put_over(config, line.options)
    if line.needs is not None:
        put_over(config, _views_in(str(getattr(asked, line.needs[0]))))
    put_over(config, {"data.preset": None if "manifest" in data else experiment.preset})
    if experiment.folds is not None:
        put_over(config, {"data.folds": experiment.folds, "data.fold": fold})
    if config["model"].get("weights") == "imagenet":
        put_over(config, {"model.weights": _weights(config["model"]["backbone"], asked)})
    if experiment.epochs:
        put_over(config, {"trainer.max_epochs": max(experiment.epochs)})
    if asked.is_smoke:
        put_over(config, smoke_options(config["model"]["framework"], config["model"].get("pairs")))
    merge(config, given)
    config["resume"] = "auto"
    return resolved(config)[1]


@cache
def _packaged(name: str) -> dict[str, Any]:
    file = config_file(name)
    return dict(read_yaml(file.read_text(encoding="utf-8"), str(file)))


def _config_of(experiment: Experiment) -> str:
    """Return the configuration that gives a line without pre-training its data."""
    return next(line.config for line in experiment.lines if line.config is not None)


def _weights(backbone: str, asked: Asked) -> str | None:
    if isinstance(asked.weights, str):
        return None if asked.weights == "none" else asked.weights
    if backbone not in asked.weights:
        known = ", ".join(sorted(asked.weights))
        raise UsageError(
            f"weights has a file for {known}, and none for {backbone}; expected one more: {backbone}-*.pth"
        )
    return asked.weights[backbone]


def _views_in(file: str) -> dict[str, Any]:
    """Return options of data.views in a file."""
    held = read_yaml(Path(file).read_text(encoding="utf-8"), file)
    if not isinstance(held, Mapping) or not held:
        raise UsageError(f"searched: {file} holds no names and values; expected those of data.views")
    return {f"data.views.{name}": value for name, value in held.items()}


def put_over(config: dict[str, Any], options: Mapping[str, Any]) -> None:
    """Set options by dotted name; a mapping or None replaces a whole section."""
    for name, value in options.items():
        *sections, last = name.split(".")
        inner = config
        for section in sections:
            if not isinstance(inner.get(section), dict):
                inner[section] = {}
            inner = inner[section]
        inner[last] = dict(value) if isinstance(value, Mapping) else value


def _digest(values: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(values, sort_keys=True, default=str).encode()).hexdigest()[:8]


def not_as_published(experiment: Experiment, asked: Asked, found: Sequence[PlannedCell]) -> list[str]:
    """Return a sentence for every deviation of a run from the paper."""
    lines = list(experiment.chosen)
    if asked.is_smoke:
        lines.append("--scale smoke: a tiny network on tiny images for two epochs; the numbers mean nothing")
    elif asked.weights == "none":
        lines.append("random weights where the paper starts from those of ImageNet (--weights FILE)")
    if experiment.preset == "inbreast" and "manifest" not in asked.given.get("data", {}):
        lines.append(
            "whole mammograms, squeezed to a square; the paper works on patches (--data.preset "
            "inbreast-patches)"
        )
    if any(compares_fixations(cell.plain) for cell in found):
        lines.append(
            "MultiMatch compares fixations: in raw samples they are found by speed (30 degrees per second, a "
            f"degree taken as 1/40 of {SCREEN[0]} pixels), as how the paper found them is not at hand"
        )
    configs = list(dict.fromkeys(cell.line.config for cell in found if cell.line.config is not None))
    lacking = {
        option
        for config in configs
        for option, one in config_values(config).items()
        if one.source == "chosen here" and ("not at hand" in one.place or "gives no" in one.place)
    }
    if lacking:
        lines.append(f"chosen here, as the paper's are not at hand: {', '.join(sorted(lacking))}")
    changed = _changed(asked, configs)
    if changed and not asked.is_smoke:
        lines.append(f"given on the command line in place of published values: {', '.join(changed)}")
    for line in experiment.lines:
        why = reason(line, asked)
        if why is not None and is_asked(line, asked.only):
            lines.append(f"{line.key} is not run: {why}")
    return lines


def _changed(asked: Asked, configs: Sequence[str]) -> list[str]:
    """Return the given options that differ from their published values."""
    found = []
    for option, value in flat(asked.given):
        stated = [config_values(config).get(option) for config in configs]
        if any(one is not None and one.source != "chosen here" and one.value != value for one in stated):
            found.append(option)
    return found
