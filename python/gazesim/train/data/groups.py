"""Groups of the rows of a manifest: rows of one patient or of one image file stay together."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .manifest import Entry

__all__ = ["groups_of", "shared_files_note"]


def groups_of(entries: Sequence[Entry]) -> list[str] | None:
    """Return the group of every row, or None if every row is a group of its own.

    Rows with the same ``group``, and rows that name the same image file, are in one group; so are rows that
    others connect. Its name is the first ``group`` among its rows, else the image file of its first row; a
    row alone has its id.

    Examples
    --------
    >>> from pathlib import Path
    >>> from gazesim.train import Entry
    >>> from gazesim.train.data.groups import groups_of
    >>> rows = [("lesion 1", "a.png", ""), ("lesion 2", "a.png", "patient 7"), ("lesion 3", "b.png", "")]
    >>> groups_of([Entry(name, Path(image), group=group) for name, image, group in rows])
    ['patient 7', 'patient 7', 'lesion 3']
    """
    first_of: dict[tuple[str, str], int] = {}
    before = list(range(len(entries)))  # an earlier row of the same group, or the row itself

    def first(row: int) -> int:
        while before[row] != row:
            before[row] = before[before[row]]
            row = before[row]
        return row

    for row, entry in enumerate(entries):
        keys = [("file", os.path.realpath(entry.image))] + ([("group", entry.group)] if entry.group else [])
        for key in keys:
            one, other = first(row), first(first_of.setdefault(key, row))
            before[max(one, other)] = min(one, other)
    members: dict[int, list[int]] = defaultdict(list)
    for row in range(len(entries)):
        members[first(row)].append(row)
    if len(members) == len(entries) and not any(entry.group for entry in entries):
        return None
    names = [""] * len(entries)
    for start, rows in members.items():
        alone = entries[start].id if len(rows) == 1 else str(entries[start].image)
        name = next((entries[row].group for row in rows if entries[row].group), alone)
        for row in rows:
            names[row] = name
    return names


def shared_files_note(entries: Sequence[Entry]) -> str | None:
    """Return a sentence on image files that several rows name without a group that says so."""
    rows: dict[str, list[Entry]] = defaultdict(list)
    for entry in entries:
        rows[os.path.realpath(entry.image)].append(entry)
    shared = [some for some in rows.values() if len(some) > 1]
    if all(some[0].group and len({entry.group for entry in some}) == 1 for some in shared):
        return None
    return (
        f"{len(shared)} image files, such as {shared[0][0].image.name}, are named by several rows each; "
        "rows of one file stay together in splits and folds"
    )
