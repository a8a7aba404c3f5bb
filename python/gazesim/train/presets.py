"""Public data sets as manifests: each in the layout in which it is published.

None of them can ship with a library, so the presets were tested on small folders built after the
published descriptions. Every preset returns all images it finds named, with absolute paths.
Published splits are kept; where there is none, images are split by seed, classes in proportion and
patients whole.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from .._errors import choice
from ..io import read_scanpaths
from ..io.tables import Row, Source, Table, fault, parse_number, quoted
from .manifest import Entry, Manifest
from .quiet import tell
from .splits import split_by_group

__all__ = ["PRESETS", "preset"]

ENDINGS = (".dcm", ".png", ".jpg", ".jpeg", ".JPG", ".PNG", ".tif", ".tiff", ".npy")
GAZE_ENDINGS = (".csv", ".tsv", ".json", ".txt")
FRACTIONS = {"train": 0.7, "val": 0.1, "test": 0.2}


def preset(
    name: str,
    folder: str | os.PathLike[str],
    *,
    images: str | os.PathLike[str] | None = None,
    fractions: Mapping[str, float] | None = None,
    seed: int = 0,
) -> Manifest:
    """Turn the folder of a public data set into a manifest.

    Parameters
    ----------
    name
        ``"inbreast"``, ``"tufts"``, ``"oai"``, ``"egd-cxr"`` or ``"reflacx"``.
    folder
        Where it was unpacked.
    images
        Where the images are, if not in ``folder``: EGD-CXR and REFLACX use those of MIMIC-CXR, as
        DICOM or as the JPEGs of MIMIC-CXR-JPG.
    fractions, seed
        How data without a published split are split; default 70, 10 and 20 % for training,
        validation and test.

    Notes
    -----
    INbreast
        ``AllDICOMs/<image>_<patient>_MG_<side>_<view>_ANON.dcm`` and ``INbreast.csv`` (separated by
        semicolons; save INbreast.xls as such) with the columns ``File Name`` and ``Bi-Rads``.
        Labels by BI-RADS: 1 normal, 2 and 3 benign, 4 to 6 malignant. Images without a patient in
        their names belong to nobody else; how many there are is told on stderr.
    Tufts
        ``Radiographs/<n>.JPG``, ``Expert/expert.json`` (a list; ``External ID`` and the abnormalities
        in ``Label.objects``). Gaze maps are looked for in ``Expert/gaze_map/gray/<n>.jpg``, where
        McGIP's code reads them, then in ``Expert/gaze_map`` (assumed; ``heatmaps`` works in any case).
        Labels: abnormal where the expert marked anything, else normal.
    OAI
        The knees of Chen et al. (2019): ``<split>/<grade>/<patient><L or R>.png`` with ``train``,
        ``val`` and ``test``; or ``kxr_sq_bu00.txt`` (``|``, or a CSV) with ``ID``, ``SIDE`` (1 right,
        2 left) and ``V00XRKL``, and images ``<ID><L or R>.*``; of several readings of a knee the first
        with a grade counts. Labels: the grade of Kellgren and Lawrence, 0 to 4.
    EGD-CXR
        ``master_sheet.csv`` (``dicom_id``, ``path``, ``patient_id``, and 0 or 1 in ``Normal``, ``CHF``,
        ``pneumonia``) and ``fixations.csv``. Labels: the first of these three that is 1.
    REFLACX
        ``main_data/metadata_phase_<n>.csv`` and ``main_data/<reading>/fixations.csv``. Labels: abnormal
        where the first reading rates a finding 3 (possible) or more, else normal. Readings whose eye
        tracking was discarded give no gaze. ``validate`` becomes ``val``.

    For all of them, what lies in ``heatmaps/<id>.png`` or ``.npy`` of the folder is the gaze map of the
    image ``<id>``, and a ``gaze.csv``, ``.tsv``, ``.json`` or ``.txt`` holds scanpaths by id where the data
    set has none of its own.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> import numpy as np
    >>> from gazesim.train import preset
    >>> with TemporaryDirectory() as folder:
    ...     grade = Path(folder) / "train" / "3"
    ...     grade.mkdir(parents=True)
    ...     np.save(grade / "9000099L.npy", np.zeros((32, 32)))
    ...     manifest = preset("oai", folder)
    >>> manifest.entries[0].label, manifest.entries[0].group
    ('3', '9000099')
    """
    build = PRESETS[choice("name", name, PRESETS)]
    root = Path(folder)
    if not root.is_dir():
        raise FileNotFoundError(f"folder is {str(folder)!r}, which is no folder; expected {name} in it")
    place = root if images is None else Path(images)
    if not place.is_dir():
        raise FileNotFoundError(f"images is {str(images)!r}, which is no folder; expected the images")
    entries = [_with_gaze(entry, root) for entry in build(root.resolve(), place.resolve())]
    if not entries:
        raise fault(root, None, f"holds no image of {name}; expected its published layout")
    entries = _only_known(entries, root)
    if not any(entry.split for entry in entries):
        splits = split_by_group(
            [entry.label for entry in entries],
            [entry.group for entry in entries],
            fractions=FRACTIONS if fractions is None else fractions,
            seed=seed,
        )
        entries = [replace(entry, split=split) for entry, split in zip(entries, splits, strict=True)]
    return Manifest(tuple(entries))


def _inbreast(root: Path, images: Path) -> Iterator[Entry]:
    table = _table(root, ("INbreast.csv",), ("File Name", "Bi-Rads"), "save INbreast.xls as INbreast.csv")
    files = _by_name(images / "AllDICOMs" if (images / "AllDICOMs").is_dir() else images)
    by_number = {stem.split("_")[0]: file for stem, file in files.items()}
    alone = total = 0
    for row, number in _numbered(table):
        file = by_number.get(number)
        if file is None:
            raise _missing(table, row, f"{number}_*.dcm", images)
        parts = file.stem.split("_")
        grade = row.text("Bi-Rads")
        label = {"1": "normal", "2": "benign", "3": "benign"}.get(grade[0])
        if label is None and grade[0] not in "456":
            raise fault(table.path, row.line, f"column 'Bi-Rads' is {quoted(grade)}; expected 1 to 6")
        more = {"birads": grade, "side": row.optional("Laterality"), "view": row.optional("View")}
        patient = parts[1] if len(parts) > 1 else ""
        total, alone = total + 1, alone + (not patient)
        yield Entry(number, file, label or "malignant", group=patient, extra=more)
    if alone:
        tell(
            f"{alone} of {total} images of INbreast have no patient in their names: views of one patient may "
            "fall into different splits and folds; a manifest with the column group mends it"
        )


def _numbered(table: Table) -> Iterator[tuple[Row, str]]:
    """Yield the rows with the number of an image; the sheet ends with notes, which are left out."""
    odd: Row | None = None
    for row in table:
        cell = row.optional("File Name")
        number = re.fullmatch(r"([0-9]+)([.,]0*)?", cell)  # spreadsheets may write 22678622.0
        if number is None and cell and odd is None:
            odd = row
        # A row of words is a note, unless there are images behind it.
        if odd is not None and (number or parse_number(odd.optional("File Name")) is not None):
            value = quoted(odd.optional("File Name"))
            raise fault(table.path, odd.line, f"column 'File Name' is {value}; expected a whole number")
        if number:
            yield row, number[1]


def _tufts(root: Path, images: Path) -> Iterator[Entry]:
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
    for stem, image in sorted(_by_name(radiographs).items(), key=lambda item: _natural(item[0])):
        if stem not in marked:
            raise fault(file, None, f"has no record of {image.name}; expected one per radiograph")
        heatmap = _find(maps / "gray", [stem]) or _find(maps, [stem])
        yield Entry(stem, image, "abnormal" if marked[stem] else "normal", heatmap=heatmap)


def _is_abnormal(label: Any) -> bool:
    """Whether the expert marked anything; an object called None says that nothing was found."""
    objects = label.get("objects", []) if isinstance(label, dict) else []
    titles = [str(one.get("title", "")) for one in objects if isinstance(one, dict)]
    return any(title.strip().lower() != "none" for title in titles)


def _oai(root: Path, images: Path) -> Iterator[Entry]:
    if any((images / split).is_dir() for split in FRACTIONS):
        yield from _graded_folders(images)
        return
    sheets = ("kxr_sq_bu00.txt", "kxr_sq_bu00.csv", "KXR_SQ_BU00.txt", "kXR_SQ_BU00.txt", "KXR_SQ_BU00.csv")
    records = _oai_rows(root, sheets)
    files = _by_name(images)
    seen: set[str] = set()
    for patient, side, grade in records:
        knee = patient + {"1": "R", "2": "L"}.get(side, side)
        if not grade or knee in seen or knee not in files:
            continue  # knees without a radiograph or grade are part of the sheet
        seen.add(knee)
        yield Entry(knee, files[knee], grade, group=patient)


def _graded_folders(images: Path) -> Iterator[Entry]:
    for split in FRACTIONS:
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


def _egd_cxr(root: Path, images: Path) -> Iterator[Entry]:
    diagnoses = {"Normal": "normal", "CHF": "CHF", "pneumonia": "pneumonia"}
    table = _table(root, ("master_sheet.csv",), ("dicom_id", "path", *diagnoses), "EGD-CXR has it")
    fixations = root / "fixations.csv"
    for row in table:
        name = row.text("dicom_id")
        labels = [label for column, label in diagnoses.items() if row.number(column) == 1]
        image = _mimic(images, row.text("path"), name)
        if image is None:
            raise _missing(table, row, row.text("path"), images)
        yield Entry(
            name,
            image,
            labels[0] if labels else "",
            gaze=fixations if fixations.is_file() else None,
            group=row.optional("patient_id"),
        )


def _reflacx(root: Path, images: Path) -> Iterator[Entry]:
    data = root / "main_data" if (root / "main_data").is_dir() else root
    sheets = sorted(data.glob("metadata_phase_*.csv"))
    if not sheets:
        raise FileNotFoundError(f"{data} has no metadata_phase_1.csv to 3.csv; expected REFLACX")
    first: dict[str, Entry] = {}
    for sheet in sheets:
        table = Table(Source(sheet), ("id", "split", "image", "dicom_id", "eye_tracking_data_discarded"))
        for row in table:
            name, reading = row.text("dicom_id"), row.text("id")
            gaze = data / reading / "fixations.csv"
            tracked = row.text("eye_tracking_data_discarded").lower() != "true" and gaze.is_file()
            known = first.get(name)
            if known is not None:
                if tracked and known.gaze is None:
                    first[name] = replace(known, gaze=gaze)
                continue
            image = _mimic(images, row.text("image"), name)
            if image is None:
                raise _missing(table, row, row.text("image"), images)
            split = {"validate": "val"}.get(row.text("split"), row.text("split"))
            label = "abnormal" if _findings(row) else "normal"
            first[name] = Entry(
                name,
                image,
                label,
                split,
                gaze if tracked else None,
                group=row.optional("subject_id"),
            )
    yield from first.values()


#: Columns of REFLACX's metadata that rate no finding.
NO_FINDINGS = frozenset(
    {
        "id",
        "split",
        "eye_tracking_data_discarded",
        "image",
        "dicom_id",
        "subject_id",
        "image_size_x",
        "image_size_y",
        "support devices",
        "quality issue",
        "other",
    }
)


def _findings(row: Row) -> bool:
    """Whether a finding is rated 3 or more of 5."""
    ratings = [
        row.optional(column)
        for column in row.table.columns
        if column.lower() not in NO_FINDINGS and row.optional(column).isdigit()
    ]
    return any(int(rating) >= 3 for rating in ratings)


def _mimic(images: Path, path: str, name: str) -> Path | None:
    """Return the file of an image of MIMIC-CXR: below its path, any tail of it, or by name alone."""
    parts = Path(path).with_suffix("").parts
    tails = [str(Path(*parts[at:])) for at in range(len(parts))]
    return _find(images, [*tails, name, f"images/{name}"])


def _with_gaze(entry: Entry, root: Path) -> Entry:
    """Add what the user put beside the data set."""
    heatmap = entry.heatmap or _find(root.resolve() / "heatmaps", [entry.id])
    gaze = entry.gaze or _find(root.resolve(), ["gaze"], GAZE_ENDINGS)
    return replace(entry, heatmap=heatmap, gaze=gaze)


def _only_known(entries: list[Entry], root: Path) -> list[Entry]:
    """Take the gaze from images that a file of many scanpaths does not hold."""
    common = {entry.gaze for entry in entries if entry.gaze and entry.gaze.parent == root.resolve()}
    known = {file: {str(_image(key)) for key in read_scanpaths(file, verbose=False).ids} for file in common}
    return [
        replace(entry, gaze=None) if entry.gaze in known and entry.id not in known[entry.gaze] else entry
        for entry in entries
    ]


def _image(key: Any) -> Any:
    return key[0] if isinstance(key, tuple) else key


def _table(root: Path, names: Iterable[str], columns: tuple[str, ...], hint: str) -> Table:
    for name in names:
        if (root / name).is_file():
            return Table(Source(root / name), columns)
    raise FileNotFoundError(f"{root} has no {' or '.join(names)}; {hint}")


def _by_name(folder: Path) -> dict[str, Path]:
    """Return the images of a folder by stem."""
    if not folder.is_dir():
        raise FileNotFoundError(f"there is no folder {folder}; expected images in it")
    return {file.stem: file for file in sorted(folder.iterdir()) if file.suffix in ENDINGS}


def _find(folder: Path, stems: Iterable[str], endings: tuple[str, ...] = ENDINGS) -> Path | None:
    for stem in stems:
        for ending in endings:
            file = folder / f"{stem}{ending}"
            if file.is_file():
                return file
    return None


def _missing(table: Table, row: Row, name: str, images: Path) -> ValueError:
    return fault(table.path, row.line, f"names the image {name!r}; expected it below {images}")


def _natural(stem: str) -> tuple[int, str]:
    return (int(stem), "") if stem.isdigit() else (1 << 62, stem)


PRESETS: dict[str, Callable[[Path, Path], Iterator[Entry]]] = {
    "inbreast": _inbreast,
    "tufts": _tufts,
    "oai": _oai,
    "egd-cxr": _egd_cxr,
    "reflacx": _reflacx,
}
