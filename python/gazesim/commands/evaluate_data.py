"""The data of ``gazesim evaluate``: a manifest, a preset, or those of a configuration of ``pretrain``."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..reading.options import GazeOptions
from .configuration import config_file, packaged_configs
from .evaluate_checkpoints import Named, PreTrained, config_beside, options_in, trained_on
from .options import UsageError
from .run_files import located

if TYPE_CHECKING:
    from ..train.data.gaze_data import GazeData
    from .pretrain_options import DataOptions

__all__ = ["check_splits", "configured", "data_file", "data_of", "tell_images"]


def tell_images(source: GazeData, size: int | None, channels: int, trained: dict[str, PreTrained]) -> None:
    """Print the size, channels and normalisation of the images, how gaze is read, and their origin."""
    known = [one for one in trained.values() if one.file is not None]
    where = f" (as pre-trained: {known[0].file})" if known and size is None else ""
    names = "1 channel" if channels == 1 else f"{channels} channels"
    scales = sorted({(one.mean, one.std) for one in known})
    scaled = "; ".join(f"(pixel − {mean:g}) / {std:g}" for mean, std in scales) or "in [0, 1]"
    if scales == [(0.0, 1.0)]:
        scaled = "in [0, 1]"
    depth = "" if source.bits is None else f" of {source.bits} bits"
    images = f"images: {source.size} x {source.size} pixels{depth}, {names}, pixels {scaled}{where}"
    print(images, file=sys.stderr)
    others = {one.size for one in known} - {source.size}
    if others and size is None:
        sizes = sorted(map(int, filter(None, others)))
        print(f"warning: other checkpoints were pre-trained at {sizes} pixels", file=sys.stderr)
    if words := _words_of_gaze(source.gaze, source.sigma_share):
        is_taken = bool(known) and (known[0].gaze, known[0].sigma_share) == (source.gaze, source.sigma_share)
        origin = f" (as pre-trained: {known[0].file})" if is_taken else ""
        print(f"gaze: {words}{origin}", file=sys.stderr)
    if source.phantom is None:
        for one in known:
            if (one.gaze, one.sigma_share) != (source.gaze, source.sigma_share):
                own = _words_of_gaze(one.gaze, one.sigma_share) or "the defaults"
                print(
                    f"warning: {one.file} was pre-trained with other options of gaze: {own}", file=sys.stderr
                )


def _words_of_gaze(gaze: GazeOptions, sigma_share: float | None) -> str:
    """Return the options of gaze that are not the defaults."""
    usual = GazeOptions()
    found = {name: value for name, value in vars(gaze).items() if value != getattr(usual, name)}
    if sigma_share is not None:
        found["sigma_share"] = sigma_share
    return ", ".join(f"{name} {value}" for name, value in found.items())


def data_of(
    data: str | None,
    preset: str | None,
    folder: str | None,
    size: int | None,
    channels: int,
    named: Named,
    bits: int | None = None,
) -> GazeData:
    from ..train.data.gaze_data import GazeData

    trained = [trained_on(path) for paths in named.values() for path in paths]
    if size is None:
        size = next((one.size for one in trained if one.size is not None), None)
    if bits is None:
        bits = next((one.bits for one in trained if one.bits is not None), None)
    first = next((one for one in trained if one.file is not None), PreTrained())
    as_trained: dict[str, Any] = {"bits": bits, "gaze": first.gaze, "sigma_share": first.sigma_share}
    if preset is not None or folder is not None:
        seed = next((options.split_seed for _, options in pretrained_on(preset, named)), 0)
        return GazeData(
            preset=preset, folder=folder, size=size, channels=channels, split_seed=seed, **as_trained
        )
    if data is not None and data.endswith(".csv"):
        return GazeData(manifest=data, size=size, channels=channels, **as_trained)
    return configured(data or first_config(named), size, channels, bits)


def check_splits(data: GazeData, named: Named) -> None:
    """Raise if a checkpoint was pre-trained on another split of a preset: it may have seen test images."""
    for file, options in pretrained_on(data.preset, named):
        for name in ("split_seed", "folds", "fold", "fractions"):
            before, now = getattr(options, name), getattr(data, name)
            if before != now:
                raise ValueError(
                    f"{file} has {name} {before} for {data.preset}, and images are split with {now} here, so "
                    "that some were pre-trained on and would be tested on; expected equal ones"
                )


def pretrained_on(preset: str | None, named: Named) -> Iterator[tuple[Path, DataOptions]]:
    """Yield the configurations of pre-trainings on a preset, and their data options."""
    files = [config_beside(path) for paths in named.values() for path in paths] if preset else []
    for file in files:
        options = options_in(file)[1] if file.is_file() else None
        if options is not None and options.preset == preset:
            yield file, options


def configured(config: str, size: int | None, channels: int, bits: int | None = None) -> GazeData:
    """Return the data of a configuration of ``gazesim pretrain``."""
    from ..train.data.gaze_data import GazeData

    file = data_file(config)
    held, options = options_in(file)
    if options is None:
        raise UsageError(f"{file} has no section data; expected a config of gazesim pretrain")
    options = located(file, options)
    given = {name: value for name, value in vars(options).items() if value is not None}
    # As in pretrain. The test images depend on split_seed, not on this seed.
    given.setdefault("seed", int(held.get("seed_everything", 0)))
    given["channels"] = channels
    if size is not None:
        given["size"] = size
    if bits is not None:
        given["bits"] = bits
    return GazeData(**given)


def data_file(config: str) -> Path:
    if not Path(config).is_file() and config.removesuffix(".yaml") not in packaged_configs():
        raise FileNotFoundError(
            f"data is {config!r}, which does not exist; expected a manifest .csv, a config .yaml, or demo"
        )
    return config_file(config)


def first_config(named: Named) -> str:
    """Return the configuration that pre-training left beside the first checkpoint."""
    if not named:
        raise ValueError("data is missing; expected --data with a manifest .csv or a config .yaml")
    config = config_beside(next(iter(named.values()))[0])
    if not config.is_file():
        raise ValueError(
            f"data is missing and {config} does not exist; expected --data with a manifest .csv or a config"
        )
    return str(config)
