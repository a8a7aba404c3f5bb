"""``gazesim evaluate``: checkpoints and labelled images in, tables of scores and affinity maps out.

Words, files and configurations are checked before torch is imported.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from .._errors import choice
from ..train.evaluation.settings import FineTuneSettings, ProbeSettings
from . import say_next
from .configuration import checked, config_file, packaged_configs, read_yaml
from .options import UsageError
from .pretrain_options import DataOptions

if TYPE_CHECKING:
    from ..train.data.gaze_data import GazeData
    from ..train.data.samples import Samples
    from ..train.evaluation.protocols import Method

Number = TypeVar("Number", int, float)
#: The files of every method by name; several are runs with different seeds.
Named = dict[str, list[str]]

CONFIG, LAST = "config.yaml", "last.ckpt"
#: Files and folders whose names say nothing about what was trained.
NAMELESS = ("last", "checkpoints", "best")
PROTOCOLS, BASELINES, DEVICES = ("probe", "finetune"), ("scratch", "imagenet"), ("auto", "cpu", "cuda")
PROBE, FINE_TUNE = ProbeSettings(), FineTuneSettings()

#: What the help shows: the usual options, and a command.
COMMON = (
    "data",
    "preset",
    "folder",
    "size",
    "protocols",
    "fractions",
    "folds",
    "seeds",
    "baselines",
    "maps",
    "device",
    "out",
)
EXAMPLE = "evaluate gaze=runs/gaze plain=runs/plain --data manifest.csv --baselines scratch --out results"


@dataclass(frozen=True)
class PreTrained:
    """What the configuration beside a checkpoint says of the images that it was trained on."""

    file: Path | None = None
    size: int | None = None
    mean: float = 0.0
    std: float = 1.0


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
    prefix: str | None = None,
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
        size: Images are resized to this many pixels square; default: as the first checkpoint was
            pre-trained, 224 without one.
        protocols: probe, finetune, or both with a comma between them.
        fractions: Shares of the training labels, or whole numbers of them, evenly over the classes.
        folds: Stratified folds over all labelled images; default: the splits train, val and test.
            With folds, images that are tested on may be some that a checkpoint was pre-trained on,
            pixels and gaze though not labels.
        seeds: Each decides folds, shares of labels, new weights and order. Default: 0; where a name
            has k files, 0 to k - 1.
        baselines: scratch, imagenet, or both: networks without pre-training on these images.
        backbone: The network of the baselines, and of checkpoints of other tools, by name (resnet18, ...);
            default: that of the first checkpoint.
        probe: Settings of the linear probe.
        finetune: Settings of fine-tuning.
        positive: The class of M-AUC; default "malignant" where there is one.
        ordinal: Whether labels are grades such as 0 to 4; adds MAE.
        maps: How many images to draw affinity maps of; 0 draws none.
        map_layer: The layer whose affinity maps are drawn; default the last with more than one place.
        prefix: For a checkpoint of other tools: what stands before the names of the backbone's weights,
            such as backbone. or module.encoder_q.; needs --backbone. Default: the usual ones are tried.
        device: cpu, cuda, or auto for a GPU where there is one.
        out: The folder for results; a run with other settings needs another one.
    """
    named = _named(checkpoints)
    each = _seeds(seeds, named)
    chosen = _listed("baselines", baselines, str)
    grid: dict[str, Any] = {
        "seeds": each,
        "protocols": _listed("protocols", protocols, str),
        "fractions": _listed("fractions", fractions, float),
    }
    _check_words(chosen, grid["protocols"], device)
    _check_files(named, data, preset, chosen)
    trained = {path: _trained_on(path) for paths in named.values() for path in paths}
    methods, channels = _methods(named, each, chosen, backbone, prefix, device, trained)
    source = _data(data, preset, folder, size, channels, named)
    _tell(source, size, channels, trained)
    if folds is None:
        _check_splits(source, named)
    from ..train.evaluation.affinity_maps import affinity_map
    from ..train.evaluation.figures import plot_affinity_maps
    from ..train.evaluation.protocols import cross_validate, network_of
    from ..train.evaluation.results import results_table

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
    if named and "scratch" not in methods and "imagenet" not in methods:
        say_next("evaluate", *checkpoints, "--baselines", "scratch", "--out", out)


def _methods(
    named: Named,
    seeds: list[int],
    baselines: list[str],
    backbone: str | None,
    prefix: str | None,
    device: str,
    trained: dict[str, PreTrained],
) -> tuple[dict[str, Method], int]:
    """Return what is compared, by name, and how many channels images have to have."""
    from ..train.evaluation.baselines import Baseline
    from ..train.evaluation.networks import chosen_device, input_channels
    from ..train.pretrain.checkpoints import load_backbone, read_checkpoint, with_normalisation

    where = chosen_device(device)

    def load(path: str) -> Any:
        net = load_backbone(path, backbone if _is_foreign(path) else None, prefix=prefix)
        return with_normalisation(net, trained[path].mean, trained[path].std).to(where)

    def _is_foreign(path: str) -> bool:
        return backbone is not None and "gazesim" not in read_checkpoint(_file(path))

    loaded = {name: [load(path) for path in paths] for name, paths in named.items()}
    found = [(name, input_channels(net)) for name, nets in loaded.items() for net in nets]
    if len({channels for _, channels in found}) > 1:
        listed = ", ".join(f"{name} {channels}" for name, channels in found)
        raise ValueError(f"the networks expect different numbers of channels: {listed}; expected one number")
    channels = found[0][1] if found else 3
    methods: dict[str, Method] = {
        name: nets[0] if len(nets) == 1 else dict(zip(seeds, nets, strict=True))
        for name, nets in loaded.items()
    }
    name = backbone or _backbone_of(named) or "resnet18"
    for kind in baselines:
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


def _check_words(baselines: Sequence[str], protocols: Sequence[str], device: str) -> None:
    for one in baselines:
        choice("baselines", one, BASELINES)
    for one in protocols:
        choice("protocols", one, PROTOCOLS)
    choice("device", device, DEVICES)


def _check_files(named: Named, data: str | None, preset: str | None, baselines: Sequence[str]) -> None:
    """Refuse files that are not there before the work on the others begins."""
    if not named and not baselines:
        raise UsageError("no checkpoint is given; expected some, or --baselines scratch")
    for path in (one for paths in named.values() for one in paths):
        file = _file(path)
        if not file.is_file():
            raise FileNotFoundError(f"{file} does not exist; expected a checkpoint of gazesim pretrain")
    for kind in baselines:
        if kind in named:
            raise UsageError(
                f"{named[kind][0]} is named like the baseline {kind!r}; expected NAME=FILE for it"
            )
    if preset is not None and data is not None:
        raise UsageError(f"preset and data ({data!r}) are both given; expected one of them")
    if data is not None and not data.endswith(".csv"):
        _data_file(data)
    if data is not None and data.endswith(".csv") and not Path(data).is_file():
        raise FileNotFoundError(f"data is {data!r}, which does not exist; expected a manifest .csv")


def _file(path: str) -> Path:
    return Path(path) / LAST if Path(path).is_dir() else Path(path)


def _trained_on(path: str) -> PreTrained:
    """Return what the configuration beside a checkpoint says of size and normalisation."""
    file = _beside(path)
    if not file.is_file():
        return PreTrained()
    options = _options(file)[1]
    if options is None:
        return PreTrained()
    size = options.size
    if size is None and options.phantom is not None:
        size = options.phantom.size
    if size is None:
        size = 224
    return PreTrained(file, size, options.views.mean, options.views.std)


def _tell(source: GazeData, size: int | None, channels: int, trained: dict[str, PreTrained]) -> None:
    """Say which size, channels and normalisation images have, and where these come from."""
    known = [one for one in trained.values() if one.file is not None]
    where = f" (as pre-trained: {known[0].file})" if known and size is None else ""
    names = "1 channel" if channels == 1 else f"{channels} channels"
    scales = sorted({(one.mean, one.std) for one in known})
    scaled = "; ".join(f"(pixel − {mean:g}) / {std:g}" for mean, std in scales) or "in [0, 1]"
    if scales == [(0.0, 1.0)]:
        scaled = "in [0, 1]"
    print(f"images: {source.size} x {source.size} pixels, {names}, pixels {scaled}{where}", file=sys.stderr)
    others = {one.size for one in known} - {source.size}
    if others and size is None:
        sizes = sorted(map(int, filter(None, others)))
        print(f"warning: other checkpoints were pre-trained at {sizes} pixels", file=sys.stderr)


def _data(
    data: str | None,
    preset: str | None,
    folder: str | None,
    size: int | None,
    channels: int,
    named: Named,
) -> GazeData:
    from ..train.data.gaze_data import GazeData

    if size is None:
        trained = [_trained_on(path) for paths in named.values() for path in paths]
        size = next((one.size for one in trained if one.size is not None), None)
    if preset is not None or folder is not None:
        seed = next((options.split_seed for _, options in _pretrained_on(preset, named)), 0)
        return GazeData(preset=preset, folder=folder, size=size, channels=channels, split_seed=seed)
    if data is not None and data.endswith(".csv"):
        return GazeData(manifest=data, size=size, channels=channels)
    return _configured(data or _config_beside(named), size, channels)


def _check_splits(data: GazeData, named: Named) -> None:
    """Refuse a split of a preset that a checkpoint was not pre-trained with: it saw some of the test."""
    for file, options in _pretrained_on(data.preset, named):
        for name in ("split_seed", "folds", "fold", "fractions"):
            before, now = getattr(options, name), getattr(data, name)
            if before != now:
                raise ValueError(
                    f"{file} has {name} {before} for {data.preset}, and images are split with {now} here, so "
                    "that some were pre-trained on and would be tested on; expected equal ones"
                )


def _pretrained_on(preset: str | None, named: Named) -> Iterator[tuple[Path, DataOptions]]:
    """Yield the configurations of pre-trainings on a preset, and what they say of the data."""
    files = [_beside(path) for paths in named.values() for path in paths] if preset else []
    for file in files:
        options = _options(file)[1] if file.is_file() else None
        if options is not None and options.preset == preset:
            yield file, options


def _configured(config: str, size: int | None, channels: int) -> GazeData:
    """Return the data of a configuration of ``gazesim pretrain``."""
    from ..train.data.gaze_data import GazeData

    file = _data_file(config)
    held, options = _options(file)
    if options is None:
        raise UsageError(f"{file} has no section data; expected a config of gazesim pretrain")
    given = {name: value for name, value in vars(options).items() if value is not None}
    # As in pretrain. It does not decide which images are tested on: split_seed does.
    given.setdefault("seed", int(held.get("seed_everything", 0)))
    given["channels"] = channels
    if size is not None:
        given["size"] = size
    return GazeData(**given)


def _data_file(config: str) -> Path:
    if not Path(config).is_file() and config.removesuffix(".yaml") not in packaged_configs():
        raise FileNotFoundError(
            f"data is {config!r}, which does not exist; expected a manifest .csv, a config .yaml, or demo"
        )
    return config_file(config)


def _options(file: Path) -> tuple[dict[str, Any], DataOptions | None]:
    """Return a configuration, and its checked section data; None where it has none."""
    held = read_yaml(file.read_text(encoding="utf-8"), str(file))
    section = held.get("data") if isinstance(held, dict) else None
    if not isinstance(section, dict):
        return {}, None
    try:
        return held, checked("data", section, DataOptions)
    except UsageError as error:
        raise UsageError(f"{file}, section data: {error}") from error


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
    from ..train.pretrain.checkpoints import read_checkpoint

    for paths in named.values():
        name: str | None = read_checkpoint(_file(paths[0])).get("gazesim", {}).get("backbone")
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


def _listed(argument: str, given: str | list[Number] | list[str], kind: Callable[[Any], Any]) -> list[Any]:
    """Return a list that was given as one, or as words with commas."""
    words = given.strip("[] ").split(",") if isinstance(given, str) else given
    try:
        return [kind(word.strip() if isinstance(word, str) else word) for word in words if word != ""]
    except ValueError:
        raise ValueError(f"{argument} is {given!r}; expected numbers with commas between them") from None
