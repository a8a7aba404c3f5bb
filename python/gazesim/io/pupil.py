"""Pupil Labs fixations: Pupil Cloud and Neon (fixations.csv of recordings and enrichments), Pupil Player.

Follows https://docs.pupil-labs.com/neon/data-collection/data-format/ and
https://docs.pupil-labs.com/core/software/pupil-player/#export. Enrichments (Reference Image Mapper, Marker
Mapper) and ``fixations_on_surface_<name>.csv`` hold places on an image or a surface; only fixations on it are
read. Plain fixations are px or fractions of the scene camera, which moves with the head: they are read with a
warning. Pupil Player's fractions have their origin at the bottom left, so y is flipped.
Durations are in ms. Ignored: azimuth and elevation, confidence, blinks, 3d gaze.
"""

from __future__ import annotations

import re

from .labels import column_of
from .recording import NO_POSITION, NoFixation, Options, Recording
from .tables import Row, Source, Table

CLOUD = ("fixation id", "duration [ms]")
PLAYER = ("duration", "norm_pos_x", "norm_pos_y")
#: Other files of an export; the samples are those of the same recording.
BESIDE = (
    "gaze*.csv", "blinks.csv", "saccades.csv", "events.csv", "annotations.csv", "imu.csv", "labels.csv",
    "sections.csv", "*timestamps.csv", "3d_eye_states.csv", "pupil_positions.csv", "export_info.csv",
    "fixation_report.csv", "head_pose_tracker*", "aoi_*.csv", "surface_*.csv", "surf_position*.csv",
    "marker_detections.csv", "user_info.csv", "info*.json", "scene_camera.json", "template.json",
    "enrichment_info.txt",
)  # fmt: skip
#: The usual resolution of Pupil Core's scene camera.
SCENE = (1280.0, 720.0)
#: Columns of enrichments that say whether a fixation was on the image.
DETECTED = (
    "fixation detected in reference image",
    "fixation detected on surface",
    "gaze detected on surface",
)
SCENE_CAMERA = (
    "x, y are of the moving scene camera, not of an image (map them: Reference Image Mapper, surfaces)"
)


def detect(source: Source) -> bool:
    """Return whether a header names the fixation columns of Pupil Cloud or Pupil Player."""
    return any(_is_cloud(row) or _is_player(row) for row in source.head_rows)


def _is_cloud(names: list[str]) -> bool:
    return all(name in names for name in CLOUD) and any(name.startswith("fixation x") for name in names)


def _is_player(names: list[str]) -> bool:
    return all(name in names for name in PLAYER) and bool({"id", "fixation_id"} & {*names})


def read(source: Source, options: Options) -> Recording:
    """Read one scanpath per recording, named after the image or surface, the folder, or the file."""
    is_cloud = any(_is_cloud(row) for row in source.head_rows)
    return _cloud(source, options) if is_cloud else _player(source, options)


def _cloud(source: Source, options: Options) -> Recording:
    table = Table(source, CLOUD)
    x, y = (
        next(name for name in table.columns if name.startswith(f"fixation {axis}")) for axis in ("x", "y")
    )
    detected = column_of(table, DETECTED)
    unit = "fraction" if "normalized" in x else "px"
    recording = Recording("ms", unit)
    if detected is None:
        recording.warnings.append(SCENE_CAMERA)
    image = source.path.parent.name if source.stem == "fixations" else source.stem
    image = image or source.stem
    takers = column_of(table, ["recording id"])
    seen: set[tuple[str, str]] = set()

    def read_row(row: Row) -> str | None:
        reader = row.optional(takers) if takers else ""
        if detected is not None and row.optional(detected).lower() not in ("true", "1", "1.0"):
            return "fixations that are not on the image"
        if (reader, row.text("fixation id")) in seen:
            return NoFixation("rows that repeat a fixation")
        point = recording.point(row, x, y, options.missing)
        if point is None:
            return NO_POSITION
        seen.add((reader, row.text("fixation id")))
        recording.add((image, reader) if reader else image, *point, row.number("duration [ms]", low=0.0))
        return None

    recording.take(table, read_row, options)
    return recording


def _player(source: Source, options: Options) -> Recording:
    table = Table(source, PLAYER)
    on_surface = column_of(table, ["on_surf"])
    number = str(column_of(table, ["fixation_id", "id"]))
    recording = Recording("ms", "fraction", SCENE, size_is_default=True)
    recording.notes.append("y turned round: the origin is at the bottom left")
    match = re.fullmatch(r"(?:fixations|gaze_positions)_on_surface_(.+)", source.stem)
    image = match[1] if match else source.path.parent.name if source.stem == "fixations" else source.stem
    if on_surface is None:
        recording.warnings.append(SCENE_CAMERA)
    else:
        recording.screen_size, recording.size_is_default = None, False
    seen: set[str] = set()

    def read_row(row: Row) -> str | None:
        if on_surface and row.optional(on_surface).lower() not in ("true", "1"):
            return "fixations that are not on the image"
        if row.text(number) in seen:
            return NoFixation("rows that repeat a fixation")
        point = recording.point(row, "norm_pos_x", "norm_pos_y", options.missing)
        if point is None:
            return NO_POSITION
        seen.add(row.text(number))
        recording.add(image or source.stem, point[0], 1 - point[1], row.number("duration", low=0.0))
        return None

    recording.take(table, read_row, options)
    return recording
