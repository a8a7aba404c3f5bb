"""The files that the configuration of a run names, found from another folder than that of pre-training."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from .._progress import tell
from .pretrain_checks import digest_of_file, noted_digest
from .pretrain_options import DataOptions

__all__ = ["located"]


def located(config: Path, options: DataOptions) -> DataOptions:
    """Return the data options of a configuration with paths that exist from the current folder.

    A manifest has to have the content that pre-training noted. Paths are relative to the current folder, else
    to the folder of ``config`` or one above it; a line on stderr says so.
    """
    if options.manifest is not None:
        return replace(options, manifest=_manifest(config, options.manifest))
    folder, images = (_moved(config, name, getattr(options, name)) for name in ("folder", "images"))
    return replace(options, folder=folder, images=images)


def _places(config: Path, name: str) -> list[Path]:
    """Return where a path may lead from: the current folder, that of the configuration, and those above."""
    return list(dict.fromkeys([Path(name), *(folder / name for folder in config.resolve().parents)]))


def _moved(config: Path, option: str, name: str | None) -> str | None:
    """Return the path of a folder as it is if it exists from here, or if it exists from nowhere."""
    if not name or Path(name).is_dir():
        return name
    found = next((place for place in _places(config, name) if place.is_dir()), None)
    if found is None:
        return name
    tell(f"{config}: data.{option} {name!r} is {found}")
    return str(found)


def _manifest(config: Path, name: str) -> str:
    """Return the manifest that a configuration names, by the content that pre-training noted."""
    noted = noted_digest(config.read_text(encoding="utf-8"), "data.manifest")
    there = [place for place in _places(config, name) if place.is_file()]
    if not there:
        raise FileNotFoundError(
            f"{config}: data.manifest is {name!r}, which is no file in the current folder, in that of the "
            "configuration or above it; expected one, or --data with a manifest"
        )
    found = next((place for place in there if noted is None or digest_of_file(place) == noted), None)
    if found is None:
        raise ValueError(
            f"{config}: data.manifest is {name!r}, and {there[0]} is not what was pre-trained on: its "
            f"SHA-256 is {digest_of_file(there[0])[:12]}, not {str(noted)[:12]}; expected that manifest, or "
            "--data with the one to evaluate on"
        )
    if found != Path(name):
        tell(f"{config}: data.manifest {name!r} is {found}")
    return str(found)
