"""The Tufts Dental Database: panoramic radiographs with an expert's marks and gaze maps."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ....io.tables import Source, fault, quoted
from ..manifest import Entry
from .layout import find_file, images_by_stem


def tufts(root: Path, images: Path) -> Iterator[Entry]:
    file = root / "Expert" / "expert.json"
    if not file.is_file():
        raise FileNotFoundError(f"{root} has no Expert/expert.json; expected the Tufts Dental Database")
    records = Source(file).json()
    if not isinstance(records, list):
        raise fault(file, None, "holds no list; expected one record per radiograph")
    marked: dict[str, bool] = {}
    for position, record in enumerate(records):
        name = record.get("External ID") if isinstance(record, dict) else None
        if not isinstance(name, str):
            raise fault(
                file, None, f"entry {position} has the External ID {quoted(name)}; expected a file name"
            )
        marked[Path(name).stem] = _is_abnormal(record.get("Label"))
    radiographs = images / "Radiographs" if (images / "Radiographs").is_dir() else images
    maps = root / "Expert" / "gaze_map"
    for stem, image in sorted(images_by_stem(radiographs).items(), key=lambda item: _natural(item[0])):
        if stem not in marked:
            raise fault(file, None, f"has no record of {image.name}; expected one per radiograph")
        heatmap = find_file(maps / "gray", [stem]) or find_file(maps, [stem])
        yield Entry(stem, image, "abnormal" if marked[stem] else "normal", heatmap=heatmap)


def _is_abnormal(label: Any) -> bool:
    """Return whether the expert marked anything; an object called None means that nothing was found."""
    objects = label.get("objects", []) if isinstance(label, dict) else []
    titles = [str(one.get("title", "")) for one in objects if isinstance(one, dict)]
    return any(title.strip().lower() != "none" for title in titles)


def _natural(stem: str) -> tuple[int, str]:
    return (int(stem), "") if stem.isdigit() else (1 << 62, stem)
