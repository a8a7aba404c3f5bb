"""MATLAB 5 files: numbers, text, cells and structs. Every size is checked against the bytes of the file.

scipy.io.loadmat trusts the sizes in a file, and a damaged one ends the process with a segmentation
fault; here it raises a ValueError.
"""

from __future__ import annotations

import math
import struct
import zlib
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from .tables import fault

HEADER = 128
#: Bytes that the variables of one file may take after decompression.
MAX_INFLATED = 1 << 28
MAX_DEPTH = 16

MATRIX, COMPRESSED = 14, 15
#: NumPy types of stored numbers, by the number of the type in the file.
NUMBERS = {1: "i1", 2: "u1", 3: "i2", 4: "u2", 5: "i4", 6: "u4", 7: "f4", 9: "f8", 12: "i8", 13: "u8"}
TEXTS = {1: "latin-1", 2: "latin-1", 16: "utf-8", 4: "utf-16", 17: "utf-16", 18: "utf-32"}
CELL, STRUCT, CHAR = 1, 2, 4
NUMERIC = range(6, 16)
COMPLEX = 0x0800


class Element(NamedTuple):
    """One data element of the file: its type, and the positions of its bytes."""

    kind: int
    start: int
    end: int
    #: Where the next element begins.
    after: int


def variable(path: Path, data: bytes, name: str) -> Any:
    """Return a variable: a flat array of numbers, text, a list for a cell, dicts for a struct.

    Raises ValueError if the file is damaged or has no such variable.
    """
    order = {b"IM": "<", b"MI": ">"}.get(data[HEADER - 2 : HEADER])
    if order is None:
        raise fault(path, None, "has no header of a MATLAB 5 file")
    try:
        return Reader(data, order).variable(name)
    except Damaged as error:
        raise fault(path, None, f"is a damaged MATLAB 5 file: {error}") from None


class Damaged(Exception):
    """The file breaks the MATLAB 5 format."""


class Reader:
    """Walks through the elements of one buffer."""

    def __init__(self, data: bytes, order: str) -> None:
        self.data = data
        self.order = order
        self.tag = struct.Struct(f"{order}II")

    def variable(self, name: str) -> Any:
        """Return the first variable of this name."""
        position = HEADER
        while position < len(self.data):
            element = self.element(position, len(self.data))
            if element.kind == COMPRESSED:
                inner = Reader(self.inflated(element), self.order)
                matrix = inner.element(0, len(inner.data))
                if inner.name(matrix) == name:
                    return inner.matrix(matrix, 0)
            elif element.kind == MATRIX and self.name(element) == name:
                return self.matrix(element, 0)
            position = element.after
        raise Damaged(f"no variable `{name}` in it")

    def inflated(self, element: Element) -> bytes:
        """Return the decompressed bytes of an element."""
        inflater = zlib.decompressobj()
        try:
            data = inflater.decompress(self.data[element.start : element.end], MAX_INFLATED)
        except zlib.error as error:
            raise Damaged(f"compressed data at byte {element.start} ({error})") from None
        if inflater.unconsumed_tail:
            raise Damaged(f"a variable of more than {MAX_INFLATED:,} bytes")
        if not inflater.eof:
            raise Damaged("compressed data that ends early")
        return data

    def element(self, position: int, end: int) -> Element:
        """Return the element at ``position``, which must end before ``end``."""
        if position + 8 > end:
            raise Damaged(f"it ends at byte {end}, within an element")
        kind, size = self.tag.unpack_from(self.data, position)
        start, after = position + 8, position + 8 + size
        if kind >> 16:  # a small element: up to four bytes inside the tag
            kind, size, start, after = kind & 0xFFFF, kind >> 16, position + 4, position + 8
            if size > 4:
                raise Damaged(f"a small element of {size} bytes at byte {position}")
        elif kind != COMPRESSED:
            after += -size % 8
        if start + size > end:
            raise Damaged(f"an element of {size:,} bytes at byte {position}, where {end - start:,} are left")
        return Element(kind, start, start + size, min(after, end))

    def parts(self, matrix: Element) -> tuple[int, tuple[int, ...], Element]:
        """Return the flags of a matrix, its dimensions, and the element of its name."""
        flags = self.element(matrix.start, matrix.end)
        shape = self.element(flags.after, matrix.end)
        name = self.element(shape.after, matrix.end)
        if flags.end - flags.start != 8 or (shape.end - shape.start) % 4 or shape.kind != 5:
            raise Damaged(f"a matrix without flags or dimensions at byte {matrix.start}")
        sizes = struct.unpack_from(f"{self.order}{(shape.end - shape.start) // 4}i", self.data, shape.start)
        if min(sizes, default=-1) < 0:
            raise Damaged(f"dimensions {sizes} at byte {shape.start}")
        return self.tag.unpack_from(self.data, flags.start)[0], sizes, name

    def name(self, matrix: Element) -> str:
        """Return the name of a variable."""
        if matrix.kind != MATRIX:
            raise Damaged(f"an element of type {matrix.kind}, not a matrix, at byte {matrix.start}")
        name = self.parts(matrix)[2]
        return self.data[name.start : name.end].decode("latin-1")

    def matrix(self, matrix: Element, depth: int) -> Any:
        """Return the value of a matrix."""
        if matrix.kind != MATRIX:
            raise Damaged(f"an element of type {matrix.kind}, not a matrix, at byte {matrix.start}")
        if matrix.start == matrix.end:
            return np.empty(0)
        flags, sizes, name = self.parts(matrix)
        kind, count = flags & 0xFF, math.prod(sizes)
        if kind in NUMERIC and not flags & COMPLEX:
            return self.numbers(self.element(name.after, matrix.end), count)
        if kind == CHAR:
            return self.text(self.element(name.after, matrix.end), count)
        if depth == MAX_DEPTH or kind not in (CELL, STRUCT):
            raise Damaged(
                f"a value of class {kind} at byte {matrix.start}; expected numbers, text, cells, structs"
            )
        if kind == CELL:
            return self.values(name.after, matrix.end, count, depth)[0]
        return self.structs(name.after, matrix.end, count, depth)

    def numbers(self, element: Element, count: int) -> Any:
        """Return a flat array."""
        type_name = NUMBERS.get(element.kind)
        if type_name is None:
            raise Damaged(f"numbers of type {element.kind} at byte {element.start}")
        kind = np.dtype(self.order + type_name)
        if count * kind.itemsize != element.end - element.start:
            given = element.end - element.start
            raise Damaged(
                f"{given:,} bytes for {count:,} numbers of type {element.kind} at byte {element.start}"
            )
        return np.frombuffer(self.data, kind, count, element.start)

    def text(self, element: Element, count: int) -> str:
        """Return text of one line."""
        encoding = TEXTS.get(element.kind)
        if encoding is None:
            raise Damaged(f"text of type {element.kind} at byte {element.start}")
        if encoding in ("utf-16", "utf-32"):
            encoding += "-le" if self.order == "<" else "-be"
        try:
            text = self.data[element.start : element.end].decode(encoding)
        except UnicodeDecodeError:
            raise Damaged(f"text that is not {encoding} at byte {element.start}") from None
        if len(text) != count:
            raise Damaged(f"{len(text):,} letters in a text of {count:,} at byte {element.start}")
        return text

    def values(self, position: int, end: int, count: int, depth: int) -> tuple[list[Any], int]:
        """Return ``count`` matrices and the position where the last one ends."""
        if count * 8 > end - position:
            raise Damaged(f"{count:,} values in {end - position:,} bytes at byte {position}")
        found = []
        for _ in range(count):
            element = self.element(position, end)
            found.append(self.matrix(element, depth + 1))
            position = element.after
        return found, position

    def structs(self, position: int, end: int, count: int, depth: int) -> list[dict[str, Any]]:
        """Return the elements of an array of structs."""
        width_at = self.element(position, end)
        names_at = self.element(width_at.after, end)
        if width_at.end - width_at.start != 4:
            raise Damaged(f"no length of field names at byte {position}")
        (width,) = struct.unpack_from(f"{self.order}i", self.data, width_at.start)
        raw = self.data[names_at.start : names_at.end]
        if width <= 0 or len(raw) % width:
            raise Damaged(f"field names of {width} letters in {len(raw)} bytes at byte {names_at.start}")
        starts = range(0, len(raw), width)
        names = [raw[start : start + width].split(b"\0")[0].decode("latin-1") for start in starts]
        values, _ = self.values(names_at.after, end, count * len(names), depth)
        rows = [values[i : i + len(names)] for i in range(0, len(values), len(names) or 1)]
        return [dict(zip(names, row, strict=True)) for row in rows]
