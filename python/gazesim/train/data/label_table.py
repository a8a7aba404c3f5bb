"""Tables of labels: the class, group, split and other columns of the images of a manifest."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from ..._errors import did_you_mean, one_of
from ...io.sources import Source, fault, quoted
from ...io.tables import Row, Table
from ...reading.names import Names
from .manifest import COLUMNS, OPTIONAL, Entry, checked_cells
from .splits import SPLITS

__all__ = ["GROUP_COLUMNS", "LABEL_COLUMNS", "SPLIT_COLUMNS", "add_labels", "lacking", "near"]

#: Column names of a table of labels, the first that is there counts.
ID_COLUMNS = ("id", "image_id", "image", "filename", "file_name", "file", "name")
LABEL_COLUMNS = ("label", "class", "diagnosis", "category", "grade")
SPLIT_COLUMNS = ("split", "set", "fold_split")
GROUP_COLUMNS = ("group", "patient", "patient_id", "subject", "subject_id")
#: Columns of a manifest that a table of labels may have, too. Any other one would change what the row reads.
SHARED = ("heatmap", "mask", "box", "image_box", "screen_size")
#: Other words for the splits, in lower case.
SPLIT_WORDS = {
    "training": "train", "validation": "val", "valid": "val", "dev": "val", "testing": "test",
}  # fmt: skip
#: How many names a message lists.
LISTED = 5


def add_labels(
    entries: dict[str, Entry],
    file: Path,
    names: Names,
    id_column: str | None,
    columns: dict[str, tuple[str | None, tuple[str, ...]]],
) -> tuple[list[str], list[str]]:
    """Give every image the class, group, split and other columns of its row in a table.

    ``columns`` maps label, group and split to a given column, or None, and the usual columns. Returns lines
    on what was joined, and the names without an image.
    """
    if not file.is_file():
        raise FileNotFoundError(f"labels is {str(file)!r}, which is no file; expected a table")
    table = Table(Source(file), ())
    key = _column(table, "id_column", id_column, ID_COLUMNS)
    if key is None:
        raise fault(file, None, f"has the columns {table.columns}; expected one of {', '.join(ID_COLUMNS)}")
    taken = {role: _column(table, f"{role}_column", name, known) for role, (name, known) in columns.items()}
    is_placed = any(entry.image_box or entry.screen_size for entry in entries.values())
    others, left = _others(table, {key, *taken.values()}, is_placed=is_placed)
    if not any(taken.values()) and not set(others.values()) & set(SHARED):
        raise fault(
            file, None, f"has the columns {table.columns}; expected a label, group or split beside the name"
        )
    seen: dict[str, tuple[str, ...]] = {}
    lost: dict[str, None] = {}
    spelled: dict[str, str] = {}
    more: dict[str, dict[str, str]] = {}
    lines: dict[str, int] = {}
    differing: dict[str, set[str]] = {}
    for row in table:
        name = row.text(key)
        found = names.find(name)
        if found is None:
            lost[name] = None
            continue
        values = {role: row.optional(column) for role, column in taken.items() if column}
        if column := taken.get("split"):
            values["split"] = _split(row, column, spelled)
        again = seen.setdefault(found, tuple(values.values()))
        if again != tuple(values.values()):
            raise fault(file, row.line, f"says {tuple(values.values())} of {name!r}, but said {again} before")
        fields: dict[str, Any] = values
        entries[found] = replace(entries[found], **fields)
        first = more.setdefault(found, {})
        lines.setdefault(found, row.line)
        for column, target in others.items():
            cell = row.optional(column)
            first[target] = first.get(target) or cell
            if cell and cell != first[target]:
                differing.setdefault(column, set()).add(found)
    for found, cells in more.items():
        entries[found] = _with_others(entries[found], file, lines[found], cells)
    used = ", ".join(f"{role} from {column!r}" for role, column in taken.items() if column)
    kept = f"kept {', '.join(map(repr, others))}" if others else ""
    what = ", ".join(part for part in (used, kept) if part)
    words = [f"{file}: {len(seen):,} images found by {key!r}, {what}"]
    if spelled:
        words.append(
            "splits: " + ", ".join(f"{one!r} is {split or 'none'}" for one, split in spelled.items())
        )
    if left:
        words.append(f"{file}: not kept, as the manifest has its own: {', '.join(map(repr, left))}")
    if differing:
        count = len(set().union(*differing.values()))
        words.append(
            f"{file}: {', '.join(map(repr, differing))} differ between rows of {count:,} images; the first "
            "row with a value counts"
        )
    words += lacking(list(lost), f"names in {file} without an image", near(lost, names))
    without = [entry.id for name, entry in entries.items() if name not in seen]
    return words + lacking(without, f"images without a row in {file}", []), list(lost)


def _others(table: Table, taken: set[str | None], *, is_placed: bool) -> tuple[dict[str, str], list[str]]:
    """Return the other columns with the columns of the manifest that keep them, and those not kept."""
    kept: dict[str, str] = {}
    left: list[str] = []
    for column in dict.fromkeys(table.columns):
        if not column or column in taken:
            continue
        target = column.lower() if column.lower() in SHARED else column
        is_refused = target in (*COLUMNS, *OPTIONAL) and target not in SHARED
        if is_refused or target in kept.values() or (is_placed and target in ("image_box", "screen_size")):
            left.append(column)
        else:
            kept[column] = target
    return kept, left


def _with_others(entry: Entry, file: Path, line: int, cells: dict[str, str]) -> Entry:
    """Return a row of the manifest with the cells of other columns."""
    extra = {name: cell for name, cell in cells.items() if name not in SHARED}
    shared = {name: cells.get(name, "") for name in SHARED if cells.get(name)}
    return replace(entry, extra={**entry.extra, **extra}, **checked_cells(file, line, shared))


def _split(row: Row, column: str, spelled: dict[str, str]) -> str:
    """Return the split that a cell names, and note in ``spelled`` each other spelling."""
    cell = row.optional(column)
    word = "" if row.missing(column) else cell.lower()
    split = SPLIT_WORDS.get(word, word)
    if split not in SPLITS:
        known = one_of(split for split in SPLITS if split)
        problem = f"column {column!r} is {quoted(cell)}; expected {known}, or nothing"
        hint = did_you_mean(word, (*SPLITS[:3], *SPLIT_WORDS))
        raise fault(row.table.path, row.line, f"{problem} (split_column names another column){hint}")
    if split != cell:
        spelled[cell] = split
    return split


def _column(table: Table, argument: str, name: str | None, known: tuple[str, ...]) -> str | None:
    """Return the given column, or the first with a usual name."""
    if name is not None:
        if name not in table.columns:
            hint = did_you_mean(name, table.columns)
            raise ValueError(f"{argument} is {name!r}, and {table.path} has {table.columns}{hint}")
        return name
    by_lower = {column.lower(): column for column in reversed(table.columns)}
    return next((by_lower[one] for one in known if one in by_lower), None)


def near(lost: Iterable[Hashable], names: Names) -> list[str]:
    """Return pairs of a name and an image with a similar spelling."""
    found = []
    for name in list(lost)[: 4 * LISTED]:
        if alike := names.near(str(name)):
            found.append(f"{name!r} is nearly {alike!r}")
    return found[:LISTED]


def lacking(lost: Sequence[str], what: str, similar: Sequence[str]) -> list[str]:
    """Return a line about names without a match, or no line if there are none."""
    if not lost:
        return []
    some = ", ".join(repr(name) for name in lost[:LISTED]) + (", ..." if len(lost) > LISTED else "")
    return [f"{len(lost):,} {what}: {some}" + (f"; {'; '.join(similar)}" if similar else "")]
