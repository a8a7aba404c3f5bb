"""Find the columns of a table that name the image, the trial, the reader and the eye of a fixation."""

from __future__ import annotations

from collections.abc import Sequence

from .recording import Options
from .tables import FrameTable, Row, Table, fault, quoted

__all__ = ["column_of", "eye_named", "name_in", "split_name", "stimulus_columns"]

EYES = {"l": "left", "left": "left", "0": "left", "r": "right", "right": "right", "1": "right"}


def column_of(table: Table | FrameTable, names: Sequence[str]) -> str | None:
    """Return the first of these columns that the table has, whatever its case; None if it has none."""
    known = {name.lower(): name for name in reversed(table.columns)}
    return next((known[name.lower()] for name in names if name.lower() in known), None)


def stimulus_columns(table: Table | FrameTable, options: Options, usual: Sequence[str]) -> tuple[str, ...]:
    """Return the columns that ``by`` names (separated by commas), else the first of the usual ones."""
    if options.by is None:
        found = column_of(table, usual)
        return () if found is None else (found,)
    wanted = [name.strip() for name in options.by.split(",")]
    columns = [options.by] if options.by in table else wanted
    for name in columns:
        if name not in table:
            some = ", ".join(name for name in table.columns[:12] if name)
            problem = f"by is {quoted(name)}, which is no column; expected one of {some}"
            raise fault(table.path, None, problem)
    return tuple(columns)


def name_in(row: Row, columns: Sequence[str]) -> str:
    """Return the cells of these columns, joined to one name."""
    return "/".join(row.text(column) for column in columns)


def eye_named(text: str) -> str:
    """Return ``"left"``, ``"right"`` or ``""`` for a cell that names an eye."""
    return EYES.get(text.strip().lower(), "")


def split_name(name: str) -> tuple[str, str]:
    """Return the name of a column and its unit, both without case and spaces."""
    base, unit = name, ""
    if name.endswith(("]", ")")):
        start = max(name.rfind("["), name.rfind("("))
        base, unit = name[: max(start, 0)], name[start + 1 : -1]
    return "".join(base.split()).lower(), "".join(unit.split()).lower()
