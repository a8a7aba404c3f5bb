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


def annotation_files(root: Path) -> list[Path]:
    """Return the JSON files of a folder of GazeSearch."""
    for place in PLACES:
        if found := sorted((root / place).glob("*.json")):
            return found
    return []


def gazesearch(root: Path, images: Path) -> Iterator[Entry]:
    files = annotation_files(root)
    if not files:
        raise FileNotFoundError(f"{root} has no JSON in annotations or data; expected GazeSearch")
    if len(files) > 1:
        raise fault(root, None, f"holds {len(files)} JSON files, such as {files[0].name}; expected one")
    records = list(records_of(Source(files[0])))
    readings = [(record.get("name"), str(record.get("subject"))) for record in records]
    # The reader names scanpaths by task as well where a reader searched an image repeatedly.
    by_task = len(set(readings)) < len(readings)
    found: dict[tuple[str, str], str] = {}
    homes: dict[str, str] = {}
    for position, record in enumerate(records):
        name, split = record.get("name"), record.get("split") or ""
        if not isinstance(name, str) or not name:
            raise fault(files[0], None, f"entry {position} has the name {quoted(name)}; expected a file name")
        if split not in SPLITS:
            problem = f"entry {position} has the split {quoted(split)}; expected train, valid or test"
            raise fault(files[0], None, problem)
        if (before := homes.setdefault(name, SPLITS[split])) != SPLITS[split]:
            raise fault(files[0], None, f"puts {name} into {before} and {split}; expected one split")
        task = str(record.get("task") or "")
        key = (task if by_task else "", name)
        found[key] = task if found.get(key, task) == task else ""
    for (task, name), label in found.items():
        stem = name.rpartition(".")[0] or name
        image = find_file(images / "images", [stem]) or find_file(images, [stem])
        if image is None:
            raise fault(files[0], None, f"names the image {name!r}; expected it below {images}")
        own, called = (f"{task}/{stem}", f"{task}/{name}") if task else (stem, name)
        yield Entry(own, image, label, homes[name], files[0], gaze_name=called, group=stem)
