"""EGD-CXR: chest X-rays of MIMIC-CXR with one radiologist's fixations."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from ..manifest import Entry
from .layout import mimic_image, missing_image, read_table


def egd_cxr(root: Path, images: Path) -> Iterator[Entry]:
    diagnoses = {"Normal": "normal", "CHF": "CHF", "pneumonia": "pneumonia"}
    table = read_table(root, ("master_sheet.csv",), ("dicom_id", "path", *diagnoses), "EGD-CXR has it")
    fixations = root / "fixations.csv"
    for row in table:
        name = row.text("dicom_id")
        labels = [label for column, label in diagnoses.items() if row.number(column) == 1]
        image = mimic_image(images, row.text("path"), name)
        if image is None:
            raise missing_image(table, row, row.text("path"), images)
        yield Entry(
            name,
            image,
            labels[0] if labels else "",
            gaze=fixations if fixations.is_file() else None,
            group=row.optional("patient_id"),
        )
