"""manifest.json: what a cache holds, so that it can be checked, and ids and scheme restored exactly."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import math
from collections.abc import Hashable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from .._core import __version__
from .._errors import describe
from ..ids import as_ids
from ..schemes import SCHEMES, Grouping, Scheme, scheme_from
from ..schemes.features import Features
from .placement import Placement
from .store import CacheError, fingerprint, replacing

FORMAT = "gazesim affinity cache"
#: Version 2 has the field geometry. Caches without it, those of version 1 included, are read as well.
VERSION, READ = 2, (1, 2)

#: The kinds of cache, and the file that holds the affinities of each.
MATRIX_FILE = {"dense": "affinity.npy", "neighbors": "neighbors.npz"}

FIELDS = {"format", "version", "library", "kind", "dtype", "scheme", "selection", "reduce"}
FIELDS |= {"ids", "gazes", "inputs", "files", "checksum"}
#: Fields that version 1 has not.
LATER = {"geometry"}


def draft(
    *,
    ids: Sequence[Hashable],
    features: Features | None,
    selection: dict[str, float] | None,
    reduce: str | None,
    placement: Placement | None = None,
) -> dict[str, Any]:
    """Return a manifest without the entries of the files; imported matrices have no features."""
    return {
        "format": FORMAT,
        "version": VERSION,
        "library": __version__,
        "kind": "dense" if selection is None else "neighbors",
        "dtype": "float32",
        "scheme": None if features is None else scheme_to_json(features.scheme),
        "selection": selection,
        "reduce": reduce,
        "ids": ids_to_json(ids),
        "gazes": None if features is None or reduce is None else ids_to_json(features.ids),
        "inputs": None if features is None else checksum_of(features),
        "geometry": None if features is None or placement is None else placement.to_json(features.ids),
    }


def checksum_of(features: Features) -> str:
    """Return a SHA-256 over the scheme, the ids and the features, on which every affinity depends."""
    digest = hashlib.sha256(canonical([scheme_to_json(features.scheme), ids_to_json(features.ids)]))
    for array in (features.values, features.offsets):
        if array is not None:
            digest.update(f"{array.dtype.newbyteorder('<').str} {array.shape}".encode())
            digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()


def canonical(value: Any) -> bytes:
    """Return the one JSON text of a value."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False).encode()


def ids_to_json(ids: Sequence[Hashable]) -> list[Any]:
    """Return ids as JSON values: strings and numbers as they are, tuples as lists."""
    return [_id_to_json(name, position, name) for position, name in enumerate(ids)]


def _id_to_json(part: Any, position: int, whole: Hashable) -> Any:
    if isinstance(part, tuple):
        return [_id_to_json(inner, position, whole) for inner in part]
    value = part.item() if isinstance(part, np.generic) else part
    plain = isinstance(value, (str, int, float)) and not isinstance(value, bool)
    if not plain or (isinstance(value, float) and not math.isfinite(value)):
        raise TypeError(
            f"ids[{position}] is {describe(whole)}; expected a string, a finite number or a tuple of them"
        )
    return str(value) if isinstance(value, str) else value


def ids_from_json(values: Any, name: str = "ids") -> tuple[Hashable, ...]:
    """Return the ids that :func:`ids_to_json` wrote."""
    if not isinstance(values, list):
        raise CacheError(f"{name} is {describe(values)}; expected a list")
    ids = tuple(value if type(value) is str else _id_from_json(value) for value in values)
    return ids if len(set(ids)) == len(ids) else as_ids(ids, len(ids))


def _id_from_json(value: Any) -> Hashable:
    kind = type(value)
    if kind is str or kind is int or kind is float:
        return value  # type: ignore[no-any-return]
    if kind is list:
        return tuple([_id_from_json(part) for part in value])
    raise CacheError(f"the id {describe(value)} is neither a string nor a number nor a list of them")


def scheme_to_json(scheme: Scheme) -> dict[str, Any]:
    """Return the name and the parameters of a scheme."""
    for name, kind in SCHEMES.items():
        if type(scheme) is kind:
            parameters = dataclasses.asdict(scheme)  # type: ignore[call-overload]
            return {"name": name, "parameters": json.loads(canonical(parameters))}  # tuples as lists
    raise TypeError(
        f"scheme is {describe(scheme)}; expected one of {', '.join(SCHEMES)} to be kept in a cache"
    )


def scheme_from_json(value: Any) -> Scheme | None:
    """Return the scheme that :func:`scheme_to_json` wrote."""
    if value is None:
        return None
    if not isinstance(value, dict) or sorted(value) != ["name", "parameters"]:
        raise CacheError(f"scheme is {describe(value)}; expected a name and parameters")
    parameters = dict(value["parameters"])
    if isinstance(parameters.get("grouping"), dict):
        parameters["grouping"] = Grouping(**parameters["grouping"])
    return scheme_from(value["name"], parameters)


def write_manifest(folder: Path, manifest: dict[str, Any], files: dict[str, Any]) -> None:
    """Write manifest.json with its own checksum, which an edited manifest no longer matches."""
    whole = {**manifest, "files": files}
    whole["checksum"] = hashlib.sha256(canonical(whole)).hexdigest()
    with replacing(folder / "manifest.json") as file:
        file.write(json.dumps(whole, indent=1).encode())


def read_manifest(folder: Path) -> dict[str, Any]:
    """Return the manifest of a cache after checking it and the files beside it, or say what is wrong."""
    path = folder / "manifest.json"
    try:
        manifest = json.loads(path.read_bytes())
    except FileNotFoundError:
        raise CacheError(f"{folder} has no manifest.json; expected the folder of a cache") from None
    except (ValueError, RecursionError) as error:
        raise CacheError(f"{path} is not JSON: {error}") from None
    if not isinstance(manifest, dict) or manifest.get("format") != FORMAT:
        raise CacheError(f"{path} is not the manifest of a {FORMAT}")
    if manifest.get("version") not in READ:
        raise CacheError(
            f"{path} has the format version {describe(manifest.get('version'))}; "
            f"this gazesim reads versions {READ[0]} to {READ[-1]}"
        )
    fields = FIELDS if manifest["version"] == 1 else FIELDS | LATER
    if set(manifest) != fields:
        odd = sorted(set(manifest) ^ fields)
        raise CacheError(f"{path} has missing or foreign fields: {', '.join(odd)}")
    checksum = manifest.pop("checksum")
    if hashlib.sha256(canonical_or_refuse(path, manifest)).hexdigest() != checksum:
        raise CacheError(
            f"{path} does not match its own checksum; it was edited or damaged: build the cache again"
        )
    _check_files(folder, manifest)
    return manifest


def canonical_or_refuse(path: Path, value: Any) -> bytes:
    """Return the canonical JSON of what was read, which may hold NaN."""
    try:
        return canonical(value)
    except ValueError as error:
        raise CacheError(f"{path} holds a number that is not finite: {error}") from None


def _check_files(folder: Path, manifest: dict[str, Any]) -> None:
    if str(manifest["kind"]) not in MATRIX_FILE or manifest["dtype"] != "float32":
        raise CacheError(
            f"{folder / 'manifest.json'} states kind {describe(manifest['kind'])} and dtype "
            f"{describe(manifest['dtype'])}; expected dense or neighbors, and float32"
        )
    needed = [MATRIX_FILE[manifest["kind"]], *(["features.npz"] if manifest["scheme"] is not None else [])]
    files = manifest["files"]
    if not isinstance(files, dict) or sorted(files) != sorted(needed):
        raise CacheError(f"{folder / 'manifest.json'} lists the files {describe(files)}; expected {needed}")
    for name in needed:
        path, entry = folder / name, files[name]
        if not isinstance(entry, dict) or set(entry) != {"bytes", "sha256", "fingerprint"}:
            raise CacheError(
                f"{folder / 'manifest.json'} describes {name} as {describe(entry)}; expected its size"
            )
        if not path.is_file():
            raise CacheError(f"{path} is missing; build the cache again")
        if path.stat().st_size != entry["bytes"]:
            raise CacheError(f"{path} has {path.stat().st_size} bytes; expected {entry['bytes']}")
        if fingerprint(path) != entry["fingerprint"]:
            raise CacheError(f"{path} is not the file that the manifest describes; it was changed or damaged")
