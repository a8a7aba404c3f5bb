"""REFLACX (Bigolin Lanfredi et al., 2022): main_data/<reading>/fixations.csv, px of the image, s.

A reading is one radiologist with one image. metadata_phase_<n>.csv, in main_data, says which image
and how large it is; without it a scanpath is named by its reading alone.
Follows https://physionet.org/content/reflacx-xray-localization/. Ignored: pupils, windowing.
"""

from __future__ import annotations

from collections.abc import Hashable
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from .recording import NO_POSITION, Options, Recording, Size
from .tables import Row, Source, Table, fault

COLUMNS = ("timestamp_start_fixation", "timestamp_end_fixation", "x_position", "y_position")

#: Other tables of the data set; gaze.csv holds the samples of the same readings.
BESIDE = (
    "metadata_phase_*.csv", "gaze.csv", "transcription.txt", "timestamps_transcription.csv",
    "anomaly_location_ellipses.csv", "chest_bounding_box.csv",
)  # fmt: skip


class Reading(NamedTuple):
    """The image of one reading and its size, from the metadata."""

    image: str
    size: Size | None


def detect(source: Source) -> bool:
    """Whether the header names these columns."""
    return source.has(*COLUMNS)


def read(source: Source, options: Options) -> Recording:
    """Read the file as one scanpath, or one per reading where a column ``id`` tells them apart."""
    recording = Recording("s", "px")
    readings: dict[str, Reading] = {}
    for sheet in [options.metadata] if options.metadata else _sheets(source.path):
        stat = sheet.stat()
        readings.update(_readings(sheet, stat.st_mtime_ns, stat.st_size))
        recording.notes.append(f"images and their sizes from {sheet.name}")
    table = Table(source, COLUMNS)
    alone = source.path.parent.name if source.stem == "fixations" else source.stem
    if "id" not in table:
        recording.extend(_key(alone, readings), (), (), ())
        _set_size(recording, alone, readings)

    def read_row(row: Row) -> str | None:
        name = row.text("id") if "id" in table else alone
        start, end = row.number(COLUMNS[0]), row.number(COLUMNS[1])
        if end < start:
            raise fault(
                source.path, row.line, f"the fixation ends at {end:g} s, before its start at {start:g} s"
            )
        point = recording.point(row, "x_position", "y_position", options.missing)
        if point is None:
            return NO_POSITION
        _set_size(recording, name, readings)
        recording.add(_key(name, readings), *point, end - start)
        return None

    recording.take(table, read_row, options)
    return recording


def _key(name: str, readings: dict[str, Reading]) -> Hashable:
    return (readings[name].image, name) if name in readings else name


def _set_size(recording: Recording, name: str, readings: dict[str, Reading]) -> None:
    size = readings[name].size if name in readings else None
    if size is not None:
        recording.sizes[_key(name, readings)] = size


def _sheets(path: Path) -> list[Path]:
    for folder in path.parents[:2]:
        if sheets := sorted(folder.glob("metadata_phase_*.csv")):
            return sheets
    return []


@lru_cache(maxsize=8)
def _readings(sheet: Path, modified: int, length: int) -> dict[str, Reading]:
    """Read the metadata; the cache spares reading them again for every file of a folder."""
    readings = {}
    table = Table(Source(sheet), ("id",))
    image = next((name for name in ("dicom_id", "image") if name in table), None)
    if image is None:
        raise fault(sheet, table.header_line, "names no column dicom_id or image; expected one")
    sized = "image_size_x" in table and "image_size_y" in table
    for row in table:
        size = (row.number("image_size_x", low=1.0), row.number("image_size_y", low=1.0)) if sized else None
        readings[row.text("id")] = Reading(
            Path(row.text(image)).stem if image == "image" else row.text(image), size
        )
    return readings
