"""Read and check the configuration of ``gazesim pretrain`` from YAML and words, without torch."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, is_dataclass
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any, get_type_hints

from .._errors import did_you_mean, integer, one_of
from ..train.pretrain.optimisers import OptimizerSettings
from ..train.pretrain.settings import HeadSettings
from .options import Option, UsageError, converted, default_of, help_texts, members
from .pretrain_options import TRAINER, Configuration

__all__ = ["checked", "config_file", "packaged_configs", "read_yaml", "resolved"]

#: Mappings below these names are not checked here: parameters of a scheme, classes and their arguments.
OPEN = ("model.backbone", "model.pairs.params", "trainer")


@cache
def _yaml() -> tuple[Any, Any]:
    """Return PyYAML, and its safe loader made to read 1e-3 as a number, as YAML 1.2 does."""
    try:
        import yaml
    except ImportError as error:
        raise UsageError(
            f"a configuration needs PyYAML ({error}); expected: pip install 'gazesim[train]'"
        ) from error

    class Loader(yaml.SafeLoader):  # type: ignore[misc]
        pass

    Loader.yaml_implicit_resolvers = {
        first: [pair for pair in pairs if pair[0] != "tag:yaml.org,2002:float"]
        for first, pairs in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }
    Loader.add_implicit_resolver(
        "tag:yaml.org,2002:float",
        re.compile(r"[-+]?(\d[\d_]*\.?\d*|\.\d+)([eE][-+]?\d+)?$|[-+]?\.(inf|Inf|INF)$|\.(nan|NaN|NAN)$"),
        list("-+0123456789."),
    )
    return yaml, Loader


def read_yaml(text: str, source: str) -> Any:
    """Return the value of a YAML text that comes from ``source``."""
    yaml, loader = _yaml()
    try:
        return yaml.load(text, Loader=loader)  # a SafeLoader
    except yaml.YAMLError as error:
        raise UsageError(f"Problems parsing config {source}, which is not YAML: {_flat(error)}") from error


def packaged_configs() -> list[str]:
    """Return the names of the configurations that come with the library."""
    folder = resources.files("gazesim.train").joinpath("configs")
    return sorted(file.name.removesuffix(".yaml") for file in folder.iterdir() if file.name.endswith(".yaml"))


def config_file(name: str) -> Path:
    """Return the file of a configuration: a path, or the name of a packaged one."""
    if Path(name).is_file():
        return Path(name)
    known = packaged_configs()
    plain = name.removesuffix(".yaml")
    if plain not in known:
        hint = did_you_mean(plain, known)
        raise UsageError(f"config is {name!r}, which is no file; expected a path, or {one_of(known)}{hint}")
    return Path(str(resources.files("gazesim.train").joinpath("configs", f"{plain}.yaml")))


def settings_of(hint: Any) -> type | None:
    """Return the settings class among the types of a union, where a mapping stands for its fields."""
    found = [kind for kind in members(hint) if isinstance(kind, type) and is_dataclass(kind)]
    return found[0] if found else None


def all_options(target: type = Configuration, prefix: str = "") -> list[Option]:
    """Return every option by its dotted name, sections before their fields."""
    found: list[Option] = []
    hints, helps = get_type_hints(target), help_texts(target)
    for name, hint in hints.items():
        inner = settings_of(hint)
        if inner is None:
            found.append(Option(prefix + name, hint, default_of(target, name), helps[name]))
        else:
            found.append(Option(prefix + name, Any, None, helps[name]))
            found += all_options(inner, f"{prefix}{name}.")
    return found


def checked(name: str, value: Any, hint: Any) -> Any:
    """Return a value of a configuration as the type of an option; settings are built from their fields."""
    settings = settings_of(hint)
    if settings is None or (value is None and type(None) in members(hint)):
        return converted(name, value, hint)
    if isinstance(value, settings):
        return value
    if not isinstance(value, Mapping):
        if len(members(hint)) > 2 or (len(members(hint)) == 2 and type(None) not in members(hint)):
            rest = [kind for kind in members(hint) if kind is not settings]
            return converted(name, value, _union(rest))
        raise UsageError(f"{name} is {value!r}; expected names and values")
    hints, given = get_type_hints(settings), {}
    for key, inner in value.items():
        if key not in hints:
            if name in OPEN and key in TRAINER:
                continue
            raise not_accepted(f"{name}.{key}", key)
        given[key] = checked(f"{name}.{key}", inner, hints[key])
    try:
        return settings(**given)
    except (ValueError, TypeError) as error:
        raise UsageError(f"{name}: {_flat(error)}") from error


def _union(kinds: Sequence[Any]) -> Any:
    found = kinds[0]
    for kind in kinds[1:]:
        found = found | kind
    return found


def not_accepted(name: str, wrong: str) -> UsageError:
    """Return the error of an option that does not exist, with the nearest one that does."""
    return UsageError(f"Option {name!r} is not accepted{did_you_mean(wrong, names())}")


def names() -> list[str]:
    """Return the names of all options without their sections, for hints at misspelt ones."""
    return sorted({one.name.rpartition(".")[2] for one in all_options()} | set(TRAINER))


def merge(config: dict[str, Any], update: Mapping[str, Any]) -> None:
    """Update a configuration by another one, section by section."""
    for key, value in update.items():
        if isinstance(value, Mapping) and isinstance(config.get(key), dict) and "class_path" not in value:
            merge(config[key], value)
        else:
            config[key] = dict(value) if isinstance(value, Mapping) else value


def put(config: dict[str, Any], name: str, value: Any) -> None:
    """Set one option by its dotted name."""
    *sections, last = name.split(".")
    for section in sections:
        if not isinstance(config.get(section), dict):
            config[section] = {}
        config = config[section]
    if last in config and isinstance(value, Mapping) and isinstance(config[last], dict):
        merge(config[last], value)
    else:
        config[last] = value


#: Options that a cache replaces, and that replace a cache.
OF_CACHES = ("scheme", "params", "reduce")


def replaced_pairs(config: dict[str, Any], typed: Mapping[str, Any]) -> list[str]:
    """Remove what files say of the scheme of pairs where the words ``typed`` name a cache, or the reverse.

    Returns lines to print. A command line or a file that names both is refused later.
    """
    own, whole = _pairs_in(typed), _pairs_in(config)
    lines = []
    if own.get("cache") is not None and not own.get("scheme") and not own.get("params"):
        gone = {name: whole.pop(name) for name in OF_CACHES if whole.get(name) and not own.get(name)}
        if gone:
            replaced = ", ".join(f"pairs.{name} {value}" for name, value in gone.items())
            lines.append(
                f"pairs.cache {own['cache']} replaces {replaced} of the configuration: affinities are the "
                "cache's"
            )
    elif own.get("scheme") is not None and own.get("cache") is None and whole.get("cache") is not None:
        old = whole.pop("cache")
        lines.append(f"pairs.scheme {own['scheme']} replaces pairs.cache {old} of the configuration")
    return lines


def _pairs_in(config: Mapping[str, Any]) -> Any:
    """Return the section model.pairs of a configuration, empty where there is none."""
    model = config.get("model")
    pairs = model.get("pairs") if isinstance(model, Mapping) else None
    return pairs if isinstance(pairs, dict) else {}


def resolved(config: Mapping[str, Any]) -> tuple[Configuration, dict[str, Any]]:
    """Return a checked configuration, and as plain values with all defaults of model and data."""
    for key in config:
        if key not in get_type_hints(Configuration):
            value = config[key]
            inner = f".{next(iter(value))}" if isinstance(value, Mapping) and value else ""
            raise not_accepted(f"{key}{inner}", key)
    sections = {key: value for key, value in config.items() if value is not None}
    found = Configuration(
        **{
            key: checked(key, value, hint)
            for key, hint in get_type_hints(Configuration).items()
            if (value := sections.get(key)) is not None
        }
    )
    plain = asdict(found)
    plain["trainer"] = dict(sections.get("trainer", {}))
    # What null stands for, so that a run's record says it and resuming compares it.
    plain["model"]["heads"] = plain["model"]["heads"] or asdict(HeadSettings())
    plain["model"]["optimizer"] = plain["model"]["optimizer"] or asdict(OptimizerSettings())
    plain["seed_everything"] = seed_of(found.seed_everything)
    if plain["data"]["seed"] is None:
        plain["data"]["seed"] = plain["seed_everything"]
    return found, plain


def seed_of(seed: bool | int) -> int:
    """Return the seed for a value of seed_everything; true means what it means to Lightning."""
    if seed is False:
        raise UsageError("seed_everything is False; expected a seed, or true: views and resuming need one")
    if seed is True:
        return int(os.environ.get("PL_GLOBAL_SEED", 0))
    try:
        return integer("seed_everything", seed, low=0, high=2**32 - 1)
    except ValueError as error:
        raise UsageError(str(error)) from error


def flat(config: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Give every value of a nested configuration with its dotted name; tuples as lists."""
    if isinstance(config, Mapping) and config:
        for key, value in config.items():
            yield from flat(value, f"{prefix}.{key}" if prefix else str(key))
    else:
        yield prefix, list(config) if isinstance(config, tuple) else config


def dump(plain: Any) -> str:
    """Return plain values as YAML."""
    yaml, _ = _yaml()
    text: str = yaml.safe_dump(_listed(plain), sort_keys=False, allow_unicode=True, width=110)
    return text


def _listed(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _listed(inner) for key, inner in value.items()}
    return [_listed(one) for one in value] if isinstance(value, (list, tuple)) else value


def _flat(error: Exception) -> str:
    return " ".join(str(error).split())
