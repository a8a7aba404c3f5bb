"""REFLACX: chest X-rays of MIMIC-CXR with ratings and fixations of several radiologists."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from ....io.tables import Row, Source, Table, fault, parse_number, quoted
from ..manifest import Entry
from .layout import mimic_image, missing_image

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


def reflacx(root: Path, images: Path) -> Iterator[Entry]:
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
            image = mimic_image(images, row.text("image"), name)
            if image is None:
                raise missing_image(table, row, row.text("image"), images)
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


def _findings(row: Row) -> bool:
    """Whether a finding is rated 3 or more of 5; spreadsheets may write 4 as 4.0."""
    found = False
    for column in row.table.columns:
        cell = row.optional(column)
        # Columns that are True or False, such as support devices, are no ratings.
        if column.lower() in NO_FINDINGS or cell.lower() in ("", "nan", "true", "false"):
            continue
        rating = parse_number(cell)
        if rating is None or not 0 <= rating <= 5:
            problem = f"column {column!r} is {quoted(cell)}; expected a rating from 0 to 5"
            raise fault(row.table.path, row.line, problem)
        found = found or rating >= 3
    return found
