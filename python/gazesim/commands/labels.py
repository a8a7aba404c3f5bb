"""The classes of ``gazesim inspect --labels``: a table joined with a cache's ids by the manifest's rules."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Hashable, Sequence
from pathlib import Path

from ..io.tables import Source, delimiter_of, fault
from ..reading.names import Names
from ..reading.source import image_of

__all__ = ["read_labels", "some"]

#: How many names a message lists.
LISTED = 5


def read_labels(path: Path, ids: Sequence[Hashable]) -> tuple[dict[Hashable, str], list[str]]:
    """Return the class of every id that a table names, and lines on what was matched and what was not.

    A table with a header is read as ``gazesim manifest`` reads it: an id column and a label column by their
    usual names. Without a header, the class is the last cell of a row, and the cells before it are the id, or
    image and reader. Names match exactly, else without extension, folder or both, else without regard to
    case; a name that fits two images fits none. A row whose class is empty gives its image none.
    """
    rows, label = _rows(path)
    lines = [row for row in rows if row[2]]
    images = [str(image_of(name)) for name in ids]
    names = Names(dict.fromkeys(images))
    by_image: dict[str, str] = {}
    by_reading: dict[tuple[str, str], str] = {}
    rules: Counter[str] = Counter()
    lost: dict[str, None] = {}
    for line, (name, *readers), value in lines:
        image, rule = names.find(name), names.rule_of(name)
        if image is None or rule is None:
            lost[name] = None
            continue
        rules[rule] += 1
        if readers:
            by_reading[image, readers[0]] = value
            continue
        before = by_image.setdefault(image, value)
        if before != value:
            problem = f"says {value!r} of image {image!r}, but {before!r} was said before; expected one class"
            raise fault(path, line, problem)
    found: dict[Hashable, str] = {}
    for key, image in zip(ids, images, strict=True):
        reader = str(key[1]) if isinstance(key, tuple) and len(key) == 2 else ""
        known = by_reading.get((image, reader), by_image.get(image))
        if known is not None:
            found[key] = known
    if not found:
        with_class = "" if len(lines) == len(rows) else "with a class "
        problem = f"none of its {len(lines)} rows {with_class}names an image of the cache, such as {ids[0]!r}"
        raise fault(path, None, problem)
    how = "; ".join(f"{count:,} by {rule}" for rule, count in rules.most_common())
    words = [f"{path}: {len(found):,} of {len(ids):,} ids have a class, from {label} (rows: {how})"]
    if lost:
        near = [
            f"{name!r} is nearly {names.near(name)!r}" for name in list(lost)[:LISTED] if names.near(name)
        ]
        words.append(f"  {len(lost):,} names without an image in the cache: {some(lost)}" + _behind(near))
    empty = {names.find(name) for _, (name, *_), value in rows if not value}
    no_class = {key for key, image in zip(ids, images, strict=True) if key not in found and image in empty}
    for what, lacking in (
        ("whose row has no class", [str(key) for key in ids if key in no_class]),
        ("without a row", [str(key) for key in ids if key not in found and key not in no_class]),
    ):
        if lacking:
            words.append(f"  {len(lacking):,} ids {what}: {some(lacking)}")
    return found, words


def some(names: Sequence[str] | dict[str, None]) -> str:
    """Return the first names, quoted, with dots where there are more."""
    return ", ".join(repr(name) for name in list(names)[:LISTED]) + (", ..." if len(names) > LISTED else "")


def _behind(near: Sequence[str]) -> str:
    return f"; {'; '.join(near)}" if near else ""


def _rows(path: Path) -> tuple[list[tuple[int, list[str], str]], str]:
    """Return line, id and class ("" for none) of every row, and where the class is from."""
    from ..train.data.joining import ID_COLUMNS, LABEL_COLUMNS

    rows = _cells(path)
    for line, row in rows:
        if len(row) < 2:
            raise fault(path, line, f"has {len(row)} column; expected an id and a class")
    header = [name.lower() for name in rows[0][1]] if rows else []
    key = next((header.index(name) for name in ID_COLUMNS if name in header), None)
    at = next((header.index(name) for name in LABEL_COLUMNS if name in header), None)
    if key is None:
        return [(line, row[:-1], row[-1]) for line, row in rows], "the last column"
    at = len(header) - 1 if at is None else at
    short = next((line for line, row in rows if len(row) <= max(key, at)), None)
    if short is not None:
        raise fault(path, short, f"has fewer columns than the header; expected {len(header)}")
    return [(line, [row[key]], row[at]) for line, row in rows[1:]], f"column {rows[0][1][at]!r}"


def _cells(path: Path) -> list[tuple[int, list[str]]]:
    """Return the line and the cells of every row that is not empty; a quoted cell may span several lines."""
    if not path.is_file():
        raise FileNotFoundError(f"labels is {str(path)!r}, which is no file; expected a table")
    source = Source(path)
    first = next((line for _, line in source.lines() if line.strip()), "")
    reader = csv.reader((f"{line}\n" for _, line in source.lines()), delimiter=delimiter_of(first))
    rows = []
    try:
        for row in reader:
            cells = [cell.strip() for cell in row]
            if any(cells):
                rows.append((reader.line_num, cells))
    except csv.Error as error:
        raise fault(path, reader.line_num, f"cannot be cut into cells ({error})") from None
    return rows
