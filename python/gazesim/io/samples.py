"""Recognise files of gaze samples, which are not read as scanpaths, so that the message can help."""

from __future__ import annotations

import re

from .tables import Source, parse_number

GAZE = re.compile(r"gaze_?point|(^|[^a-z])por([^a-z]|$)", re.IGNORECASE)


def look_like(source: Source) -> bool:
    """Return whether the file holds x and y without durations: named columns, or numbers only."""
    if source.is_binary or source.head.lstrip()[:1] in ("{", "["):
        return False
    first = source.head_rows[0]
    if len(first) >= 2 and all(parse_number(cell) is not None for cell in first):
        return True
    return any(_names_gaze(row) for row in source.head_rows)


def _names_gaze(cells: list[str]) -> bool:
    if len(cells) < 2 or any("duration" in cell.lower() for cell in cells):
        return False
    tokens = [set(re.split(r"[^a-z]+", cell.lower())) for cell in cells]
    return any(GAZE.search(cell) for cell in cells) or all(
        any(axis in t for t in tokens) for axis in ("x", "y")
    )
