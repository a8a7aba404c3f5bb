"""Knee radiographs of the Osteoarthritis Initiative with grades of Kellgren and Lawrence."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from ...._progress import tell
from ....io.tables import Source, fault, quoted
from ..manifest import Entry
from .layout import ENDINGS, images_by_stem

#: The folders of Chen et al. (2019), one per split.
PUBLISHED_SPLITS = ("train", "val", "test")
GRADES = ("0", "1", "2", "3", "4")
#: The reading project with central gradings of all knees.
PROJECT = "15"
SHEETS = ("kxr_sq_bu00.txt", "kxr_sq_bu00.csv", "KXR_SQ_BU00.txt", "kXR_SQ_BU00.txt", "KXR_SQ_BU00.csv")


def oai(root: Path, images: Path) -> Iterator[Entry]:
    if any((images / split).is_dir() for split in PUBLISHED_SPLITS):
        yield from _graded_folders(images)
    elif (images / "img").is_dir():
        yield from _graded_images(root, images / "img")
    else:
        yield from _from_sheet(root, images)


def _from_sheet(root: Path, images: Path) -> Iterator[Entry]:
    """Yield the knees of the sheet that have a radiograph, graded by project 15 where it did so."""
    records = list(_oai_rows(root, SHEETS))
    files = images_by_stem(images)
    chosen: dict[str, tuple[str, str, str]] = {}
    for patient, side, grade, project in records:
        knee = patient + {"1": "R", "2": "L"}.get(side, side)
        if not grade or knee not in files:
            continue  # knees without a radiograph or grade are part of the sheet
        if knee not in chosen or (project == PROJECT and chosen[knee][2] != PROJECT):
            chosen[knee] = patient, grade, project
    for knee, (patient, grade, _) in chosen.items():
        yield Entry(knee, files[knee], grade, group=patient)
    others = [knee for knee, (*_, project) in chosen.items() if project not in ("", PROJECT)]
    if others:
        tell(
            f"{len(others)} of {len(chosen)} knees of OAI ({', '.join(others[:3])}) have no grade of reading "
            f"project {PROJECT}: that of another project was taken"
        )
    if without := sorted(set(files) - set(chosen)):
        some = ", ".join(without[:3])
        tell(f"{len(without)} of {len(files)} radiographs of OAI ({some}) have no grade and were left out")


def _graded_images(root: Path, images: Path) -> Iterator[Entry]:
    """Yield McGIP's layout: img/<grade>/*.png, and a JSON with the images of every split."""
    splits: dict[str, str] = {}
    file = root / "OAI.json"
    if file.is_file():
        held = Source(file).json()
        if not isinstance(held, dict) or not all(isinstance(held.get(one, []), list) for one in held):
            raise fault(file, None, "holds no lists by name; expected train, val and test with file names")
        for split, names in held.items():
            if split not in PUBLISHED_SPLITS:
                raise fault(file, None, f"names the split {split!r}; expected train, val or test")
            splits |= {str(name): split for name in names}
    found: set[str] = set()
    for image in sorted(images.glob("*/*")):
        if image.suffix in ENDINGS:
            name = f"{image.parent.name}/{image.name}"
            found.add(name)
            _check_grade(image)
            yield Entry(
                image.stem, image, image.parent.name, splits.get(name, ""), group=image.stem.rstrip("LR")
            )
    if lost := [name for name in splits if name not in found]:
        raise fault(file, None, f"names the image {lost[0]!r}; expected it below {images}")
    if splits and (without := sorted(found - set(splits))):
        tell(f"{len(without)} images of OAI ({', '.join(without[:3])}) are in no split of {file.name}")


def _check_grade(image: Path) -> None:
    if image.parent.name not in GRADES:
        raise fault(image, None, f"lies in a folder {image.parent.name!r}; expected the grade, 0 to 4")


def _graded_folders(images: Path) -> Iterator[Entry]:
    for split in PUBLISHED_SPLITS:
        for file in sorted((images / split).glob("*/*")):
            if file.suffix not in ENDINGS:
                continue
            _check_grade(file)
            yield Entry(file.stem, file, file.parent.name, split, group=file.stem.rstrip("LR"))


def _oai_rows(root: Path, sheets: tuple[str, ...]) -> Iterator[tuple[str, str, str, str]]:
    """Yield patient, side, grade and reading project; bars part the cells, as in no gaze file."""
    file = next((root / name for name in sheets if (root / name).is_file()), None)
    if file is None:
        raise FileNotFoundError(
            f"{root} has neither train/0 to 4 nor {sheets[0]} nor img/0 to 4; expected one of them"
        )
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
        project = cells[columns.index("READPRJ")] if "READPRJ" in columns else ""
        yield patient, side, grade, project.split(":")[0].strip()
