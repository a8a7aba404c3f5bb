"""INbreast: full-field digital mammograms with BI-RADS grades."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from ...._progress import tell
from ....io.tables import Row, Table, fault, parse_number, quoted
from ..manifest import Entry
from .layout import ENDINGS, images_by_stem, missing_image, read_table


def inbreast_patches(root: Path, images: Path) -> Iterator[Entry]:
    """Yield the patches that were cut from the mammograms: patches/<image>[_...].png, in folders or not."""
    folder = images / "patches" if (images / "patches").is_dir() else images
    whole = {entry.id: entry for entry in inbreast(root, root)}
    lost = []
    for file in sorted(folder.rglob("*")):
        if file.suffix not in ENDINGS:
            continue
        mammogram = whole.get(re.split(r"[^0-9]", file.stem)[0])
        if mammogram is None:
            lost.append(file.name)
            continue
        patient = mammogram.group or mammogram.id
        more = {**mammogram.extra, "mammogram": mammogram.id}
        yield Entry(file.stem, file, mammogram.label, group=patient, extra=more)
    if lost:
        raise fault(folder, None, f"holds {lost[0]!r}; expected names that begin with that of a mammogram")


def inbreast(root: Path, images: Path) -> Iterator[Entry]:
    table = read_table(root, ("INbreast.csv",), ("File Name", "Bi-Rads"), "save INbreast.xls as INbreast.csv")
    files = images_by_stem(images / "AllDICOMs" if (images / "AllDICOMs").is_dir() else images)
    by_number = {stem.split("_")[0]: file for stem, file in files.items()}
    alone = total = 0
    for row, number in _numbered(table):
        file = by_number.get(number)
        if file is None:
            raise missing_image(table, row, f"{number}_*.dcm", images)
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
