"""EGD-CXR (Karargyris et al., 2021): fixations.csv or eye_gaze.csv, one radiologist, 1,083 images.

FPOGX and FPOGY are fractions of the 1920 x 1080 screen, on which the image was shown between borders.
With the master sheet, which states the widths of the borders, coordinates become those of the image.
X_ORIGINAL and Y_ORIGINAL are px of the original image (``coord_unit="px"``), negative outside of it.
Follows https://physionet.org/content/egd-cxr/. Ignored: pupils, best point of gaze, transcripts.
"""

from __future__ import annotations

from collections.abc import Hashable
from pathlib import Path

from . import gazepoint
from .recording import DAMAGED, NO_POSITION, Options, Recording, Size
from .tables import Source, Table, fault

SCREEN = (1920.0, 1080.0)
PADDING = ("image_left_pad", "image_top_pad", "image_right_pad", "image_bottom_pad")
SHEET = "master_sheet.csv"
#: Other tables of the data set: the images, boxes, transcripts.
BESIDE = (SHEET, "bounding_boxes.csv", "inclusion_exclusion_criteria_outputs*", "*transcript*")

Borders = dict[str, tuple[float, float, float, float]]


def detect(source: Source) -> bool:
    """Whether the header is Gazepoint's with the image's DICOM_ID."""
    return source.has("DICOM_ID", *gazepoint.COLUMNS)


def read(source: Source, options: Options) -> Recording:
    """Read one scanpath per image."""
    pixels = options.coord_unit == "px"
    names = ("X_ORIGINAL", "Y_ORIGINAL") if pixels else ("FPOGX", "FPOGY")
    table = Table(source, ("DICOM_ID", *names, *gazepoint.COLUMNS))
    beside = source.path.parent / SHEET
    sheet = options.metadata or (beside if beside.is_file() and options.coord_unit is None else None)
    borders = _borders(sheet) if sheet and not pixels else {}
    recording = Recording("s", "fraction", SCREEN, size_is_default=True)
    if pixels:
        recording = Recording(
            "s", "px", unknown_if_negative=True, notes=["px of the original images, negative outside of them"]
        )
    elif sheet:
        recording.notes.append(f"fractions of the image inside its borders ({sheet.name})")
    sessions: dict[str, str] = {}
    lost = options.missing if pixels else options.missing.of_trackers(origin=True)
    for owner, _, _, row in gazepoint.fixation_rows(
        table, lambda row: (row.text("DICOM_ID"), row.optional("SESSION_ID")), recording, options
    ):
        image, session = owner
        # The calibration picture came back in every session; images were read once.
        first = sessions.setdefault(image, session)
        key: Hashable = image if session == first else (image, session)
        try:
            x, y, duration = row.number(names[0]), row.number(names[1]), row.number("FPOGD", low=0.0)
        except ValueError:
            if options.on_bad_row != "skip":
                raise
            recording.leave(DAMAGED)
            continue
        if lost.has(x, y):
            recording.leave(NO_POSITION)
            continue
        if image in borders:
            x, y = _inside(x, y, borders[image])
            recording.sizes[key] = _size(borders[image])
        elif sheet and not pixels:
            recording.sizes[key] = SCREEN
        recording.add(key, x, y, duration)
    missing = sorted(set(sessions) - set(borders)) if sheet and not pixels else []
    if missing:
        note = f"{len(missing)} images not in {sheet.name if sheet else SHEET} ({missing[0]}, ...)"
        recording.notes.append(f"{note}: their coordinates are those of the screen")
    return recording


def _borders(sheet: Path) -> Borders:
    borders: Borders = {}
    for row in Table(Source(sheet), ("dicom_id", *PADDING)):
        left, top, right, bottom = (row.number(name, low=0.0) for name in PADDING)
        if left + right >= SCREEN[0] or top + bottom >= SCREEN[1]:
            raise fault(sheet, row.line, f"borders {left, top, right, bottom} leave nothing of the screen")
        borders[row.text("dicom_id")] = (left, top, right, bottom)
    return borders


def _size(border: tuple[float, float, float, float]) -> Size:
    left, top, right, bottom = border
    return SCREEN[0] - left - right, SCREEN[1] - top - bottom


def _inside(x: float, y: float, border: tuple[float, float, float, float]) -> tuple[float, float]:
    """Return fractions of the screen as fractions of the image."""
    width, height = _size(border)
    return (x * SCREEN[0] - border[0]) / width, (y * SCREEN[1] - border[1]) / height
