"""Drift: the offset of recorded gaze from where people looked, given or read from a validation."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from .._errors import describe
from .tables import Source, Table, fault

if TYPE_CHECKING:
    from .recording import Recording

__all__ = ["Drift", "drift_from", "validation_offset"]

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
    given
        The option, for messages.
    same
        One offset (dx, dy) for every recording.
    table
        Offsets by recording: the name of a file, with or without its ending, or of a reader.
    path
        The file of the table.
    is_validation
        Whether they are the mean errors of the recordings' own validations.
    """

    given: str
    same: Offset | None = None
    table: Mapping[str, Offset] | None = None
    path: Path | None = None
    is_validation: bool = False

    def of(self, file: Path | str, key: Hashable, own: Offset | None) -> Offset | None:
        """Return the offset of a scanpath of a file; ``own`` is that of the file's validation."""
        if self.same is not None:
            return self.same
        if self.is_validation:
            return own
        assert self.table is not None
        reader = str(key[-1]) if isinstance(key, tuple) else None
        names = (Path(file).name, Path(file).stem, reader)
        return next((self.table[name] for name in names if name is not None and name in self.table), None)

    def subtract_from(self, recording: Recording, file: Path | str, eye: str | None) -> list[Offset]:
        """Subtract offsets from the fixations of a recording; return those that scanpaths have.

        Points that say "outside of the image, place unknown" stay as they are.
        """
        own = None
        if self.is_validation and isinstance(file, Path):
            own = validation_offset(Source(file), eye)
        used = []
        for key, rows in recording.rows.items():
            offset = self.of(file, key, own)
            if offset is None:
                continue
            used.append(offset)
            # Errors of a validation are px.
            across, down = (1.0, 1.0) if self.is_validation else recording.px_per_unit
            dx, dy = offset[0] * across, offset[1] * down
            recording.rows[key] = [
                (x, y, duration)
                if recording.unknown_if_negative and x < 0 and y < 0
                else (x - dx, y - dy, duration)
                for x, y, duration in rows
            ]
        return used

    def words(self, used: Sequence[Offset], total: int, unit: str, place: Path | str, example: str) -> str:
        """Describe what was subtracted from how many of all scanpaths; raise where it was none."""
        if not used:
            says = f"offset is {self.given!r}, which says nothing of its recordings"
            raise fault(place, None, f"{says}, such as {example!r}; expected one of them")
        distinct = list(dict.fromkeys(used))
        places = [f"{x:.4g},{y:.4g}" for x, y in distinct[:3]] + (["..."] if len(distinct) > 3 else [])
        origin = self.path if self.path is not None else "given"
        if self.is_validation:
            origin = "mean error of the validation"
        count = f"{len(used):,} of {total:,} scanpaths"
        return f"drift {' '.join(places)} {unit} ({origin}) subtracted from {count}"


def drift_from(given: Any) -> Drift | None:
    """Parse an option: dx and dy, a table with the columns recording, dx and dy, or "validation".

    Examples
    --------
    >>> from gazesim.io.drift import drift_from
    >>> drift_from("12,-8").same, drift_from((12, -8)).same, drift_from("validation").is_validation
    ((12.0, -8.0), (12.0, -8.0), True)
    """
    if given is None:
        return None
    if given == VALIDATION:
        return Drift(given, is_validation=True)
    if isinstance(given, (str, os.PathLike)):
        text = os.fspath(given)
        words: Sequence[Any] = text.split(",")
        is_pair = len(words) == 2 and not Path(text).exists()
    else:
        words = list(given) if isinstance(given, Sequence) else []
        text, is_pair = ",".join(map(str, words)), True
    if is_pair:
        try:
            x, y = (float(word) for word in words)
        except (TypeError, ValueError):
            x = y = math.nan
        if not (math.isfinite(x) and math.isfinite(y)):
            raise ValueError(f"offset is {describe(given)}; expected dx,dy in the unit of the file")
        return Drift(text, same=(x, y))
    path = Path(text)
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
    return Drift(text, table=table, path=path)


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
