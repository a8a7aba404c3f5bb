"""Drift: the offset of recorded gaze from where people looked, given or read from a validation."""

from __future__ import annotations

import math
import re
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from .._errors import describe
from ..io.tables import Source, Table, fault

__all__ = ["Drift", "drift_from"]

#: Given instead of numbers: the mean error of the last validation before the first fixation.
VALIDATION = "validation"
#: EyeLink's line for one target; the last two numbers are gaze minus target in pixels. In a real recording
#: the fixation a tenth of a second after a target at x = 133 with the offset 12.5 lies at 138 to 141.
POINT = re.compile(
    r"MSG\s+[\d.]+\s+VALIDATE\s+\S+\s+\d*POINT\s+\d+\s+(LEFT|RIGHT)\s+at\s+[\d.-]+,[\d.-]+"
    r"\s+OFFSET\s+[\d.]+\s+deg\.\s+(-?[\d.]+),(-?[\d.]+)\s+pix"
)
#: A new validation begins: targets of the one before it no longer count.
BEGINS = re.compile(r"MSG\s+[\d.]+\s+!CAL VALIDATION\b")
FIXATION = re.compile(r"[SE]FIX\s")

Offset = tuple[float, float]


@dataclass(frozen=True)
class Drift:
    """Offsets that are subtracted from gaze, in the unit of its file.

    Parameters
    ----------
    same
        One offset (dx, dy) for every recording.
    table
        Offsets by recording: the name of a file, with or without its ending, or of a reader.
    path
        The file of the table.
    is_validation
        Whether they are the mean errors of the recordings' own validations.
    """

    same: Offset | None = None
    table: Mapping[str, Offset] | None = None
    path: Path | None = None
    is_validation: bool = False

    def of(self, source: Source, key: Hashable, eye: str | None, own: Offset | None) -> Offset | None:
        """Return the offset of a scanpath of a file; ``own`` is that of its validation."""
        if self.same is not None:
            return self.same
        if self.is_validation:
            return own
        assert self.table is not None
        reader = str(key[-1]) if isinstance(key, tuple) else None
        names = (source.path.name, source.path.stem, reader)
        return next((self.table[name] for name in names if name is not None and name in self.table), None)


def drift_from(given: str | None) -> Drift | None:
    """Parse an option: "dx,dy", a table with the columns recording, dx and dy, or "validation".

    Examples
    --------
    >>> from gazesim.reading.drift import drift_from
    >>> drift_from("12,-8").same, drift_from("validation").is_validation, drift_from(None)
    ((12.0, -8.0), True, None)
    """
    if given is None:
        return None
    if given == VALIDATION:
        return Drift(is_validation=True)
    words = given.split(",")
    if len(words) == 2 and not Path(given).exists():
        try:
            x, y = (float(word) for word in words)
        except ValueError:
            x = y = math.nan
        if not (math.isfinite(x) and math.isfinite(y)):
            raise ValueError(f"offset is {describe(given)}; expected dx,dy in the unit of the file")
        return Drift(same=(x, y))
    path = Path(given)
    if not path.is_file():
        raise ValueError(
            f"offset is {describe(given)}; expected dx,dy, a table with the columns recording, dx and dy, or "
            "validation"
        )
    table: dict[str, Offset] = {}
    for row in Table(Source(path), ("recording", "dx", "dy")):
        name = row.text("recording")
        if name in table:
            raise fault(path, row.line, f"names the recording {name!r} again; expected one row for each")
        table[name] = (row.number("dx"), row.number("dy"))
    return Drift(table=table, path=path)


def validation_offset(source: Source, eye: str | None) -> Offset | None:
    """Return the mean error of an EyeLink validation, gaze minus target in px; None where there is none.

    The last validation before the first fixation counts, with the targets of ``eye`` (default: left), or of
    both eyes for "average".
    """
    found: dict[str, list[Offset]] = {}
    for _, line in source.lines_without_samples():
        if FIXATION.match(line):
            break
        if (point := POINT.match(line)) is not None:
            found.setdefault(point[1].lower(), []).append((float(point[2]), float(point[3])))
        elif BEGINS.match(line) and any(len(offsets) > 0 for offsets in found.values()):
            found = {}
    if eye == "average" and found:
        points = [offset for offsets in found.values() for offset in offsets]
    else:
        points = found.get(eye or "left") or next(iter(found.values()), [])
    if not points:
        return None
    x, y = np.mean(points, axis=0)
    return float(x), float(y)


def without_drift(
    paths: Mapping[Hashable, NDArray[np.float64]],
    source: Source,
    drift: Drift,
    eye: str | None,
    unknown_if_negative: bool,
) -> tuple[dict[Hashable, NDArray[np.float64]], list[Offset]]:
    """Return scanpaths with their offsets subtracted, and the offset of each that has one."""
    own = validation_offset(source, eye) if drift.is_validation else None
    moved: dict[Hashable, NDArray[np.float64]] = {}
    used: list[Offset] = []
    for key, path in paths.items():
        offset = drift.of(source, key, eye, own)
        if offset is None:
            moved[key] = path
            continue
        used.append(offset)
        moved[key] = path.copy()
        known = ~(path[:, :2] < 0).all(axis=1) if unknown_if_negative else np.ones(len(path), bool)
        moved[key][known, :2] -= offset
    return moved, used


def words_of(drift: Drift, used: list[Offset], total: int, unit: str) -> str:
    """Describe what was subtracted, and from how many of all scanpaths."""
    distinct = list(dict.fromkeys(used))
    places = [f"{x:.4g},{y:.4g}" for x, y in distinct[:3]] + (["..."] if len(distinct) > 3 else [])
    origin = drift.path if drift.path is not None else "given"
    if drift.is_validation:
        origin = "mean error of the validation"
    return f"drift {' '.join(places)} {unit} ({origin}) subtracted from {len(used):,} of {total:,} scanpaths"
