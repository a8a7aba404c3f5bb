"""Delimited tables with a header, in files and in memory, and the numbers of JSON records.

Gaze files and manifests are read with this module; an error names the file, line, column and value of the
cell.
"""

from __future__ import annotations

import csv
import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from .sources import MAX_LINE, MAX_PREAMBLE, Source, cells_of, delimiter_of, fault, names_of, quoted

__all__ = [
    "FrameTable", "Row", "Source", "Table", "cells_of", "delimiter_of", "entry_numbers", "fault", "names_of",
    "parse_number", "quoted", "records_of",
]  # fmt: skip

#: Number of rows at the start of a table that are searched for a value that all rows share.
FIRST_ROWS = 10_000

#: Texts as which a missing name of a frame may have been written.
NOT_A_NAME = frozenset({"nan", "<na>", "nat"})
#: How trackers write "no value".
MISSING = frozenset({"", ".", "-", "na", "n/a", "nan", "none", "null", "<na>", "nat"})


class Table:
    """A delimited text file with a header, read row by row.

    ``required`` names columns that the header has; lines before it are preamble. ``count`` counts the
    rows that were seen, ``damaged`` those that ``skip_damaged`` left out.
    """

    skip_damaged = False
    #: Cells behind this position are not needed: lines of tab-separated files are not cut there.
    last_needed: int | None = None

    def __init__(self, source: Source, required: Sequence[str]) -> None:
        self.path = source.path
        self.stem = source.stem
        self.count = self.damaged = 0
        self._source = source
        self._lines = source.lines()
        self.preamble: list[str] = []
        for number, line in self._lines:
            self.delimiter = delimiter_of(line)
            names = [name.strip() for name in self._cut(number, line)]
            if all(name in names for name in required):
                self.header_line = number
                self.columns = names
                break
            self.preamble.append(line)
            if number > MAX_PREAMBLE:
                break
        if not hasattr(self, "columns"):
            first = quoted(self.preamble[0]) if self.preamble else "nothing"
            problem = f"begins with {first}; expected a header with the columns {', '.join(required)}"
            raise fault(self.path, None, problem)
        repeated = (
            {name for name in self.columns if name and self.columns.count(name) > 1}
            if len(self.columns) < 1000
            else set()
        )
        if wrong := sorted(repeated & set(required)):
            raise fault(
                self.path, self.header_line, f"names the column {wrong[0]!r} twice; expected distinct columns"
            )
        self.positions = {name: at for at, name in reversed(list(enumerate(self.columns))) if name}

    def _cut(self, number: int, line: str) -> list[str]:
        try:
            return cells_of(line, self.delimiter)
        except csv.Error as error:
            raise fault(self.path, number, f"cannot be cut into cells ({error})") from None

    def __contains__(self, name: object) -> bool:
        return name in self.positions

    def first_with(self, *columns: str) -> Row | None:
        """Return the first row at the start of the file in which these cells are not empty, or None."""
        again = Table(self._source, self.columns)
        for row in itertools.islice(again, FIRST_ROWS):
            if not any(row.missing(name) for name in columns):
                return row
        return None

    def __iter__(self) -> Iterator[Row]:
        for number, line in self._records():
            self.count += 1
            try:
                cells = self._whole_row(number, line)
            except ValueError:
                if not self.skip_damaged:
                    raise
                self.damaged += 1
                continue
            yield Row(self, number, cells)

    def _whole_row(self, number: int, line: str) -> list[str]:
        width = len(self.columns)
        last = self.last_needed
        if last is not None and self.delimiter == "\t" and '"' not in line and line.count("\t") < width:
            cells = line.split("\t", last + 1)
            return cells if len(cells) > last else cells + [""] * (last + 1 - len(cells))
        cells = self._cut(number, line)
        if len(cells) < width:  # spreadsheets leave out trailing empty cells
            cells += [""] * (width - len(cells))
        elif len(cells) > width and any(cell.strip() for cell in cells[width:]):
            raise fault(self.path, number, f"has {len(cells):,} cells; expected {width}, as in the header")
        return cells

    def _records(self) -> Iterator[tuple[int, str]]:
        """Yield records with the number of their first line: a quoted cell may span several lines."""
        for number, line in self._lines:
            if '"' in line and self.delimiter != "\t":
                line = self._closed(line)
            if line.strip():
                yield number, line

    def _closed(self, line: str) -> str:
        """Return a line joined with the following ones, up to the one that closes its quotes."""
        pieces, length, is_open = [line], len(line), line.count('"') % 2 == 1
        while is_open and length <= MAX_LINE:
            _, piece = next(self._lines, (0, None))
            if piece is None:
                break
            pieces.append(piece)
            length += len(piece)
            is_open ^= piece.count('"') % 2 == 1
        return "\n".join(pieces)


class FrameTable:
    """A table in memory (a pandas or polars frame, a dict of lists) with the interface of :class:`Table`."""

    skip_damaged = False

    def __init__(self, columns: Mapping[str, Sequence[Any]], name: str = "table") -> None:
        self.path = self.stem = name
        self.count = self.damaged = 0
        self.columns = list(columns)
        self.positions = {name: position for position, name in enumerate(self.columns)}
        self.values = dict(columns)

    def __contains__(self, name: object) -> bool:
        return name in self.positions

    def first_with(self, *columns: str) -> Row | None:
        """Return the first row in which these cells are not empty."""
        for row in itertools.islice(self, FIRST_ROWS):
            if not any(row.missing(name) for name in columns):
                return row
        return None

    def __iter__(self) -> Iterator[Row]:
        for number, values in enumerate(zip(*self.values.values(), strict=True)):
            self.count += 1
            yield Row(self, number, [cell_text(value) for value in values])


def cell_text(value: Any) -> str:
    """Return a value of a frame as text; numbers keep their exact value."""
    if isinstance(value, np.generic):
        value = value.item()
    if hasattr(value, "__len__") and not isinstance(value, str):
        return str(list(value))  # the point [x, y] as a list, an array or a series
    text = str(value)
    return "" if value is None or text in ("nan", "NaN", "NaT", "<NA>") else text


class Row:
    """One line of a table."""

    __slots__ = ("cells", "line", "table")

    def __init__(self, table: Table | FrameTable, line: int, cells: list[str]) -> None:
        self.table = table
        self.line = line
        self.cells = cells

    def text(self, column: str) -> str:
        """Return a cell that must not be empty."""
        value = self.cells[self.table.positions[column]].strip()
        if not value:
            raise fault(self.table.path, self.line, f"column {column!r} is empty; expected a name")
        if value.lower() in NOT_A_NAME:
            raise fault(self.table.path, self.line, f"column {column!r} is {quoted(value)}; expected a name")
        return value

    def optional(self, column: str) -> str:
        """Return a cell, or nothing where the column is absent."""
        position = self.table.positions.get(column)
        return "" if position is None else self.cells[position].strip()

    def missing(self, column: str) -> bool:
        """Return whether a cell means "no value"."""
        return self.optional(column).lower() in MISSING

    def number(self, column: str, *, low: float = -math.inf) -> float:
        """Return a cell as a finite number of at least ``low``."""
        text = self.cells[self.table.positions[column]].strip()
        value = parse_number(text)
        if value is None:
            raise fault(self.table.path, self.line, f"column {column!r} is {quoted(text)}; expected a number")
        if value < low:
            raise fault(self.table.path, self.line, f"column {column!r} is {text}; expected at least {low:g}")
        return value


def parse_number(text: str) -> float | None:
    """Return a finite number, or None; a decimal comma is accepted."""
    try:
        value = float(text)
    except ValueError:
        if text.count(",") != 1 or "." in text:
            return None
        try:
            value = float(text.replace(",", "."))
        except ValueError:
            return None
    if "_" in text or not math.isfinite(value):  # float() takes 1_000, which no tracker means
        return None
    return value


def entry_numbers(
    path: Path, entry: str, record: Mapping[str, Any], name: str, *, low: float = -math.inf
) -> list[float]:
    """Return a list of numbers from a JSON record, NaN for null; ``entry`` says which record it is."""
    values = record.get(name)
    if not isinstance(values, list):
        raise fault(path, None, f"{entry}: {name} is {quoted(values)}; expected a list of numbers")
    numbers = []
    for position, value in enumerate(values):
        if value is None:  # JSON's way to say that there is no value
            numbers.append(math.nan)
            continue
        # Comparisons with NaN are false, and whole numbers can be too large for a float.
        good = type(value) in (int, float) and -1e300 < value < 1e300
        if not good:
            raise fault(
                path, None, f"{entry}: {name}[{position}] is {quoted(value)}; expected a finite number"
            )
        if value < low:
            raise fault(path, None, f"{entry}: {name}[{position}] is {value}; expected at least {low:g}")
        numbers.append(float(value))
    return numbers


def records_of(source: Source) -> Iterator[Mapping[str, Any]]:
    """Yield the objects of a JSON list."""
    content = source.json()
    if not isinstance(content, list):
        raise fault(source.path, None, f"holds {quoted(content)}; expected a list of scanpaths")
    for position, record in enumerate(content):
        if not isinstance(record, dict):
            raise fault(source.path, None, f"entry {position} is {quoted(record)}; expected an object")
        yield record
