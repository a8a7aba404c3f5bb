"""The classes of ``gazesim inspect --labels``: a table joined with a cache's ids by the manifest's rules."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Hashable, Sequence
from pathlib import Path

from ..reading.names import Names
from ..reading.source import image_of

__all__ = ["read_labels"]

#: How many names a message lists.
LISTED = 5


def read_labels(path: Path, ids: Sequence[Hashable]) -> tuple[dict[Hashable, str], list[str]]:
    """Return the class of every id that a table names, and lines on what was matched and what was not.

    A table with a header is read as ``gazesim manifest`` reads it: an id column and a label column by their
    usual names. Without a header, the class is the last cell of a row, and the cells before it are the id, or
    image and reader. Names match exactly, else without extension, folder or both, else without regard to
    case; a name that fits two images fits none.
    """
    lines, label = _rows(path)
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
            raise ValueError(
                f"{path}: line {line} says {value!r} of image {image!r}, but {before!r} was said before; "
                "expected one class"
            )
    found: dict[Hashable, str] = {}
    for key, image in zip(ids, images, strict=True):
        reader = str(key[1]) if isinstance(key, tuple) and len(key) == 2 else ""
        known = by_reading.get((image, reader), by_image.get(image))
        if known is not None:
            found[key] = known
    if not found:
        raise ValueError(
            f"{path}: none of its {len(lines)} rows names an image of the cache, such as {ids[0]!r}"
        )
    how = "; ".join(f"{count:,} by {rule}" for rule, count in rules.most_common())
    words = [f"{path}: {len(found):,} of {len(ids):,} ids have a class, from {label} (rows: {how})"]
    if lost:
        near = [
            f"{name!r} is nearly {names.near(name)!r}" for name in list(lost)[:LISTED] if names.near(name)
        ]
        words.append(f"  {len(lost):,} names without an image in the cache: {_some(lost)}" + _behind(near))
    if without := [str(name) for name in ids if name not in found]:
        words.append(f"  {len(without):,} ids without a row: {_some(without)}")
    return found, words


def _some(names: Sequence[str] | dict[str, None]) -> str:
    return ", ".join(repr(name) for name in list(names)[:LISTED]) + (", ..." if len(names) > LISTED else "")


def _behind(near: Sequence[str]) -> str:
    return f"; {'; '.join(near)}" if near else ""


def _rows(path: Path) -> tuple[list[tuple[int, list[str], str]], str]:
    """Return line, id and class of every row, rows without a class left out, and where the class is from."""
    from ..train.data.joining import ID_COLUMNS, LABEL_COLUMNS

    with path.open(newline="", encoding="utf-8-sig") as file:
        head = file.readline()
        file.seek(0)
        delimiter = "\t" if "\t" in head else ";" if ";" in head and "," not in head else ","
        rows = [(line, row) for line, row in enumerate(csv.reader(file, delimiter=delimiter), 1) if row]
    for line, row in rows:
        if len(row) < 2:
            raise ValueError(f"{path}: line {line} has {len(row)} column; expected an id and a class")
    header = [name.strip().lower() for name in rows[0][1]] if rows else []
    key = next((header.index(name) for name in ID_COLUMNS if name in header), None)
    at = next((header.index(name) for name in LABEL_COLUMNS if name in header), None)
    if key is None:
        return [(line, row[:-1], row[-1]) for line, row in rows], "the last column"
    at = len(header) - 1 if at is None else at
    short = next((line for line, row in rows if len(row) <= max(key, at)), None)
    if short is not None:
        raise ValueError(f"{path}: line {short} has fewer columns than the header; expected {len(header)}")
    kept = [(line, [row[key]], row[at]) for line, row in rows[1:] if row[at].strip()]
    return kept, f"column {rows[0][1][at]!r}"
