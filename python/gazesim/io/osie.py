"""OSIE (Xu et al., 2014): fixations.mat, 700 images seen by 15 observers; px of 800 x 600, ms.

A cell `fixations` of structs {img, subjects}, `subjects` a cell of {fix_x, fix_y, fix_duration}.
Follows https://github.com/NUS-VIP/predicting-human-gaze-beyond-pixels. Ignored: other fields.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .matlab import variable
from .recording import Options, Recording
from .tables import Source, fault, quoted

FIELDS = ("fix_x", "fix_y", "fix_duration")
SCREEN = (800.0, 600.0)


def detect(source: Source) -> bool:
    """Whether this is a MATLAB file of version 5."""
    return source.head_bytes.startswith(b"MATLAB 5.0 MAT-file")


def read(source: Source, options: Options) -> Recording:
    """Read one scanpath per image and observer; observers are numbered from 1."""
    recording = Recording("ms", "px", SCREEN, size_is_default=True)
    for position, entry in enumerate(
        _entries(source, "fixations", variable(source.path, source.whole(), "fixations"))
    ):
        image = entry.get("img")
        if not isinstance(image, str) or not image:
            problem = f"fixations{{{position + 1}}}.img is {quoted(image)}; expected a file name"
            raise fault(source.path, None, problem)
        where = f"fixations{{{position + 1}}}.subjects (image {image})"
        for number, subject in enumerate(_entries(source, where, entry.get("subjects")), start=1):
            key = (image, f"{number:02d}")
            if key in recording.rows:
                raise fault(source.path, None, f"{where} occurred before; expected distinct images")
            columns = [_column(source, f"{where}{{{number}}}", subject, field) for field in FIELDS]
            lengths = [len(column) for column in columns]
            if len(set(lengths)) > 1:
                problem = f"{where}{{{number}}} has {lengths} values; expected as many in {', '.join(FIELDS)}"
                raise fault(source.path, None, problem)
            recording.extend(key, *columns)
    return recording


def _entries(source: Source, where: str, value: Any) -> list[dict[str, Any]]:
    """Return the structs of a cell, or of an array of structs."""
    values = value if isinstance(value, list) else [value]
    entries = [entry for one in values for entry in (one if isinstance(one, list) else [one])]
    for entry in entries:
        if not isinstance(entry, dict):
            raise fault(source.path, None, f"{where} holds {quoted(entry)}; expected structs")
    return entries


def _column(source: Source, where: str, subject: dict[str, Any], field: str) -> list[float]:
    values = subject.get(field)
    if not isinstance(values, np.ndarray):
        raise fault(source.path, None, f"{where}.{field} is {quoted(values)}; expected numbers")
    low = 0.0 if field == "fix_duration" else -np.inf
    good = np.isfinite(values) & (values >= low)
    if not good.all():
        first = int(np.argmin(good))
        problem = f"{where}.{field}({first + 1}) is {values[first]}; expected a finite number"
        raise fault(source.path, None, f"{problem} of at least 0" if low == 0.0 else problem)
    numbers: list[float] = values.astype(np.float64).tolist()
    return numbers
