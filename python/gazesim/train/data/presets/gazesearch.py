"""GazeSearch: chest X-rays of MIMIC-CXR that several readers searched for one finding each."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from ....io.tables import Source, fault, quoted, records_of
from ..manifest import Entry
from .layout import find_file

#: Where the one JSON lies: on Hugging Face, on GitHub, or beside the images.
PLACES = ("annotations", "data", ".")
#: GazeSearch says valid where manifests say val.
SPLITS = {"train": "train", "valid": "val", "val": "val", "test": "test", "": ""}


def annotations(root: Path) -> list[Path]:
    """Return the JSON files of a folder of GazeSearch."""
    for place in PLACES:
        if found := sorted((root / place).glob("*.json")):
            return found
    return []


def gazesearch(root: Path, images: Path) -> Iterator[Entry]:
    files = annotations(root)
    if not files:
        raise FileNotFoundError(f"{root} has no JSON in annotations or data; expected GazeSearch")
    if len(files) > 1:
        raise fault(root, None, f"holds {len(files)} JSON files, such as {files[0].name}; expected one")
    found: dict[str, tuple[str, set[str]]] = {}
    for position, record in enumerate(records_of(Source(files[0]))):
        name, split = record.get("name"), record.get("split") or ""
        if not isinstance(name, str) or not name:
            raise fault(files[0], None, f"entry {position} has the name {quoted(name)}; expected a file name")
        if split not in SPLITS:
            problem = f"entry {position} has the split {quoted(split)}; expected train, valid or test"
            raise fault(files[0], None, problem)
        before, tasks = found.setdefault(name, (SPLITS[split], set()))
        if before != SPLITS[split]:
            raise fault(files[0], None, f"puts {name} into {before} and {split}; expected one split")
        tasks.add(str(record.get("task") or ""))
    for name, (split, tasks) in found.items():
        stem = name.rpartition(".")[0] or name
        image = find_file(images / "images", [stem]) or find_file(images, [stem])
        if image is None:
            raise fault(files[0], None, f"names the image {name!r}; expected it below {images}")
        label = next(iter(tasks)) if len(tasks) == 1 else ""
        more = {"tasks": ";".join(sorted(tasks))}
        yield Entry(stem, image, label, split, files[0], gaze_name=name, extra=more)
