"""What ``gazesim evaluate`` does: checkpoints and labelled images in, tables and affinity maps out."""

from __future__ import annotations

import json
import sys
from argparse import ArgumentError
from collections.abc import Callable, Iterator
from importlib import resources
from pathlib import Path
from typing import Any, TypeVar

import torch
import yaml
from jsonargparse import auto_cli
from torch import nn

from .._errors import choice
from .data.gaze_data import GazeData
from .data.samples import Samples
from .evaluation.affinity_maps import affinity_map
from .evaluation.baselines import Baseline
from .evaluation.figures import plot_affinity_maps
from .evaluation.fine_tune import FineTuneSettings
from .evaluation.linear_probe import ProbeSettings
from .evaluation.protocols import FINE_TUNE, PROBE, Method, cross_validate, network_of
from .evaluation.results import results_table
from .pretrain.checkpoints import LAST, load_backbone, read_checkpoint

__all__ = ["run"]

Number = TypeVar("Number", int, float)
#: The files of every method by name; several are runs with different seeds.
Named = dict[str, list[str]]

CONFIG = "config.yaml"
#: Files and folders whose names say nothing about what was trained.
NAMELESS = ("last", "checkpoints", "best")


def run(
    checkpoints: list[str],
    data: str | None = None,
    preset: str | None = None,
    folder: str | None = None,
    size: int | None = None,
    protocols: str | list[str] = "probe,finetune",
    fractions: str | list[float] = "0.01,0.05,0.1,0.2,1",
    folds: int | None = None,
    seeds: str | list[int] | None = None,
    baselines: str | list[str] = "",
    backbone: str | None = None,
    probe: ProbeSettings = PROBE,
    finetune: FineTuneSettings = FINE_TUNE,
    positive: str | None = None,
    ordinal: bool = False,
    maps: int = 3,
    map_layer: str | None = None,
    device: str = "auto",
    out: str = "results",
) -> None:
    """Compare pre-trained networks by linear probe and fine-tuning, at several shares of the labels.

    Writes results.csv (a row per score), results.md (mean ± standard deviation, also printed) and
    affinity_maps.png. Called again after an interruption, or with more checkpoints, fractions or
    seeds, it does what is missing.

    Args:
        checkpoints: Files or folders that ``gazesim pretrain`` wrote, or NAME=FILE to name them.
            Several files of one NAME are runs of one method that differ in their seeds: the first
            is used with the first of ``seeds``, and so on; their scores share a row of the table.
        data: A manifest .csv, or a config of ``gazesim pretrain`` (a .yaml, or a name such as demo),
            whose images are taken. Default: those of the first checkpoint's config.
        preset: Instead: the name of a public data set.
        folder: Where the public data set was unpacked.
        size: Images are resized to this many pixels square; default as pre-trained, 224 for a manifest.
        protocols: probe, finetune, or both with a comma between them.
        fractions: Shares of the training labels.
        folds: Stratified folds over all labelled images; default: the splits train, val and test.
            With folds, images that are tested on may be some that a checkpoint was pre-trained on,
            pixels and gaze though not labels.
        seeds: Each decides folds, shares of labels, new weights and order. Default: 0; where a name
            has k files, 0 to k - 1.
        baselines: scratch, imagenet, or both: networks without pre-training on these images.
        backbone: The network of the baselines; default that of the first checkpoint.
        probe: Settings of the linear probe.
        finetune: Settings of fine-tuning.
        positive: The class of M-AUC; default "malignant" where there is one.
        ordinal: Whether labels are grades such as 0 to 4; adds MAE.
        maps: How many images to draw affinity maps of; 0 draws none.
        map_layer: The layer whose affinity maps are drawn; default the last with more than one place.
        device: cpu, cuda, or auto for a GPU where there is one.
        out: The folder for results; a run with other settings needs another one.
    """
    named = _named(checkpoints)
    each = _seeds(seeds, named)
    methods, channels = _methods(named, each, _listed("baselines", baselines, str), backbone, device)
    grid: dict[str, Any] = {
        "seeds": each,
        "protocols": _listed("protocols", protocols, str),
        "fractions": _listed("fractions", fractions, float),
    }
    source = _data(data, preset, folder, size, channels, named)
    if folds is None:
        _check_splits(source, named)
    samples = source.samples()
    nets = {name: network_of(one, each[0]) for name, one in methods.items()}
    if maps > 0:  # what cannot be drawn is told before the work, not after it
        for net in nets.values():
            affinity_map(net, samples.image(0), (0, 0), layer=map_layer)
    rows = cross_validate(
        methods,
        samples,
        **grid,
        folds=folds,
        probe=probe,
        finetune=finetune,
        positive=positive,
        ordinal=ordinal,
        out=out,
    )
    written = ["results.csv", "results.md"]
    if maps > 0:
        picture = Path(out) / "affinity_maps.png"
        plot_affinity_maps(nets, samples, _shown(samples, maps), picture, layer=map_layer)
        written.append(picture.name)
    print(results_table(rows), end="")
    print(f"wrote {', '.join(written)} to {out}", file=sys.stderr)


def _methods(
    named: Named, seeds: list[int], baselines: list[str], backbone: str | None, device: str
) -> tuple[dict[str, Method], int]:
    """Return what is compared, by name, and how many channels images have to have."""
    where = _device(device)
    loaded = {name: [load_backbone(path).to(where) for path in paths] for name, paths in named.items()}
    if not loaded and not baselines:
        raise ValueError("no checkpoint is given; expected some, or --baselines scratch")
    channels = _channels(loaded)
    methods: dict[str, Method] = {
        name: nets[0] if len(nets) == 1 else dict(zip(seeds, nets, strict=True))
        for name, nets in loaded.items()
    }
    name = backbone or _backbone_of(named) or "resnet18"
    for kind in baselines:
        if kind in named:
            raise ValueError(
                f"{named[kind][0]} is named like the baseline {kind!r}; expected NAME=FILE for it"
            )
        methods[kind] = Baseline(kind, name, channels, str(where))
    return methods, channels


def _named(checkpoints: list[str]) -> Named:
    """Return the files by the names that they have in tables."""
    named: Named = {}
    by_path: list[str] = []
    for given in checkpoints:
        name, path = _split(given)
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


def _seeds(given: str | list[int] | None, named: Named) -> list[int]:
    """Return the seeds: one for every run of the methods that have several."""
    counts = {name: len(paths) for name, paths in named.items() if len(paths) > 1}
    default = list(range(max(counts.values(), default=1)))
    seeds = default if given is None else list(dict.fromkeys(_listed("seeds", given, int)))
    if not seeds:
        raise ValueError("seeds is empty; expected at least one")
    for name, count in counts.items():
        if count != len(seeds):
            raise ValueError(
                f"{count} files are named {name!r}, and seeds is {seeds}; expected as many seeds as files"
            )
    return seeds


def _split(given: str) -> tuple[str, str]:
    """Return the name and the file of NAME=FILE, or of a file that is named by its path."""
    name, equals, path = given.partition("=")
    if equals and not Path(given).exists():
        return name, path
    parts = [part for part in Path(given.removesuffix(".ckpt")).absolute().parts if part not in NAMELESS]
    return parts[-1], given


def _channels(loaded: dict[str, list[nn.Module]]) -> int:
    """Return how many channels all networks expect."""
    found = [(name, _input_channels(net)) for name, nets in loaded.items() for net in nets]
    if len({channels for _, channels in found}) > 1:
        listed = ", ".join(f"{name} {channels}" for name, channels in found)
        raise ValueError(f"the networks expect different numbers of channels: {listed}; expected one number")
    return found[0][1] if found else 3


def _input_channels(net: nn.Module) -> int:
    return next((one.in_channels for one in net.modules() if isinstance(one, nn.Conv2d)), 3)


def _data(
    data: str | None,
    preset: str | None,
    folder: str | None,
    size: int | None,
    channels: int,
    named: Named,
) -> GazeData:
    if preset is not None or folder is not None:
        if data is not None:
            raise ValueError(f"preset and data ({data!r}) are both given; expected one of them")
        seed = next((seed for _, seed in _split_seeds(preset, named)), 0)
        return GazeData(preset=preset, folder=folder, size=size, channels=channels, split_seed=seed)
    if data is not None and data.endswith(".csv"):
        return GazeData(manifest=data, size=size, channels=channels)
    return _configured(data or _config_beside(named), size, channels)


def _check_splits(data: GazeData, named: Named) -> None:
    """Refuse a split of a preset that a checkpoint was not pre-trained with: it saw some of the test."""
    for file, seed in _split_seeds(data.preset, named):
        if seed != data.split_seed:
            raise ValueError(
                f"{file} has split_seed {seed} for {data.preset}, and images are split with "
                f"{data.split_seed} here, so that some were pre-trained on and would be tested on; expected "
                "equal ones"
            )


def _split_seeds(preset: str | None, named: Named) -> Iterator[tuple[Path, Any]]:
    """Yield the configurations of pre-trainings on a preset, and what they split it with."""
    files = [_beside(path) for paths in named.values() for path in paths] if preset else []
    for file in files:
        section = _section(file)[1] if file.is_file() else {}
        if section.get("preset") == preset:
            yield file, section.get("split_seed", 0)


def _configured(config: str, size: int | None, channels: int) -> GazeData:
    """Return the data of a configuration of ``gazesim pretrain``."""
    file = Path(config)
    if not file.is_file():
        packaged = resources.files("gazesim.train").joinpath(
            "configs", f"{config.removesuffix('.yaml')}.yaml"
        )
        if not packaged.is_file():
            raise FileNotFoundError(
                f"data is {config!r}, which does not exist; expected a manifest .csv, a config .yaml, or demo"
            )
        file = Path(str(packaged))
    held, section = _section(file)
    if not section:
        raise ValueError(f"{file} has no section data; expected a config of gazesim pretrain")
    # As in pretrain. It does not decide which images are tested on: split_seed does.
    seed = held.get("seed_everything", 0)
    section = {"seed": int(seed), **section, "channels": channels}
    if size is not None:
        section["size"] = size
    kind = f"{GazeData.__module__}.{GazeData.__name__}"
    words = [f"--data={json.dumps({'class_path': kind, 'init_args': section})}"]
    try:
        made: GazeData = auto_cli(_as_it_is, args=words, as_positional=False, exit_on_error=False)
    except ArgumentError as error:
        reason = " ".join(str(error).split()).rpartition(f"{kind}': ")[2]
        raise ValueError(f"{file}, section data: {reason}") from error
    return made


def _section(file: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return a configuration and its section data; empty where it has none."""
    try:
        held = yaml.safe_load(file.read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        raise ValueError(f"{file} is not YAML: {' '.join(str(error).split())}") from error
    section = held.get("data") if isinstance(held, dict) else None
    return (held, section) if isinstance(section, dict) else ({}, {})


def _as_it_is(data: GazeData) -> GazeData:
    return data


def _config_beside(named: Named) -> str:
    """Return the configuration that pre-training left beside the first checkpoint."""
    if not named:
        raise ValueError("data is missing; expected --data with a manifest .csv or a config .yaml")
    config = _beside(next(iter(named.values()))[0])
    if not config.is_file():
        raise ValueError(
            f"data is missing and {config} does not exist; expected --data with a manifest .csv or a config"
        )
    return str(config)


def _beside(path: str) -> Path:
    checkpoint = Path(path)
    return (checkpoint if checkpoint.is_dir() else checkpoint.parent) / CONFIG


def _backbone_of(named: Named) -> str | None:
    """Return the name of the first checkpoint's network, if it has one."""
    for path in (Path(paths[0]) for paths in named.values()):
        about = read_checkpoint(path / LAST if path.is_dir() else path)["gazesim"]
        name: str | None = about["backbone"]
        return name
    return None


def _shown(samples: Samples, count: int) -> list[int]:
    """Return some images of the test split, or of all: one of every class, then the next of each."""
    pool = [i for i, split in enumerate(samples.splits) if split == "test"] or list(range(len(samples)))
    seen: dict[int, int] = {}
    order = []
    for i in pool:
        label = samples.labels[i]
        seen[label] = seen.get(label, 0) + 1
        order.append((seen[label], label))
    ranked = sorted(range(len(pool)), key=lambda position: order[position])
    return [pool[position] for position in ranked[:count]]


def _device(name: str) -> torch.device:
    choice("device", name, ("auto", "cpu", "cuda"))
    if name == "cuda" and not torch.cuda.is_available():
        raise ValueError('device is "cuda", and there is no GPU that torch can use; expected "cpu" or "auto"')
    return torch.device("cuda" if name != "cpu" and torch.cuda.is_available() else "cpu")


def _listed(argument: str, given: str | list[Number] | list[str], kind: Callable[[Any], Any]) -> list[Any]:
    """Return a list that was given as one, or as words with commas."""
    words = given.strip("[] ").split(",") if isinstance(given, str) else given
    try:
        return [kind(word.strip() if isinstance(word, str) else word) for word in words if word != ""]
    except ValueError:
        raise ValueError(f"{argument} is {given!r}; expected numbers with commas between them") from None
