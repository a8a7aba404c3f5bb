"""Knee radiographs of the Osteoarthritis Initiative with grades of Kellgren and Lawrence."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from ....io.tables import Source, fault, quoted
from ..manifest import Entry
from .layout import ENDINGS, images_by_stem

#: The folders of Chen et al. (2019), one per split.
PUBLISHED_SPLITS = ("train", "val", "test")


def oai(root: Path, images: Path) -> Iterator[Entry]:
    if any((images / split).is_dir() for split in PUBLISHED_SPLITS):
        yield from _graded_folders(images)
        return
    sheets = ("kxr_sq_bu00.txt", "kxr_sq_bu00.csv", "KXR_SQ_BU00.txt", "kXR_SQ_BU00.txt", "KXR_SQ_BU00.csv")
    records = _oai_rows(root, sheets)
    files = images_by_stem(images)
    seen: set[str] = set()
    for patient, side, grade in records:
        knee = patient + {"1": "R", "2": "L"}.get(side, side)
        if not grade or knee in seen or knee not in files:
            continue  # knees without a radiograph or grade are part of the sheet
        seen.add(knee)
        yield Entry(knee, files[knee], grade, group=patient)


def _graded_folders(images: Path) -> Iterator[Entry]:
    for split in PUBLISHED_SPLITS:
        for file in sorted((images / split).glob("*/*")):
            if file.suffix not in ENDINGS:
                continue
            if file.parent.name not in ("0", "1", "2", "3", "4"):
                problem = f"lies in a folder {file.parent.name!r}; expected the grade, 0 to 4"
                raise fault(file, None, problem)
            yield Entry(file.stem, file, file.parent.name, split, group=file.stem.rstrip("LR"))


def _oai_rows(root: Path, sheets: tuple[str, ...]) -> Iterator[tuple[str, str, str]]:
    """Yield patient, side and grade; the sheets are separated by bars, which no gaze file is."""
    file = next((root / name for name in sheets if (root / name).is_file()), None)
    if file is None:
        raise FileNotFoundError(f"{root} has neither train/0 to 4 nor {sheets[0]}; expected one of both")
    lines = Source(file).lines()
    header = next(lines, (1, ""))[1]
    mark = max("|,;\t", key=header.count)
    columns = [name.strip().upper() for name in header.split(mark)]
    for name in ("ID", "SIDE", "V00XRKL"):
        if name not in columns:
            raise fault(file, 1, f"names no column {name!r}; expected ID, SIDE and V00XRKL")
    for number, line in lines:
        cells = [cell.strip() for cell in line.split(mark)]
        if not line.strip():
            continue
        if len(cells) < len(columns):
            raise fault(file, number, f"has {len(cells)} cells; expected {len(columns)}, as in the header")
        patient, side, grade = (cells[columns.index(name)] for name in ("ID", "SIDE", "V00XRKL"))
        side, grade = side.split(":")[0].strip(), grade.split(":")[0].strip()
        if grade.startswith("."):  # SAS writes missing values as . and .A
            grade = ""
        if grade not in ("", "0", "1", "2", "3", "4"):
            raise fault(file, number, f"column 'V00XRKL' is {quoted(grade)}; expected 0 to 4")
        yield patient, side, grade
