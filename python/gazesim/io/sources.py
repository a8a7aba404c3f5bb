"""A gaze file as bytes and as text: compression, encoding, lines, and the errors of readers.

Files come from instruments and spreadsheets, so nothing in them is trusted: sizes are checked before
memory is allocated, and every error names file, line, column and value.
"""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import json
import re
import zipfile
import zlib
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path, PurePath
from typing import IO, Any, cast

from .._progress import ProgressBar

__all__ = ["DamagedArchive", "Source", "fault", "quoted"]

#: Bytes at the start of a file that detection looks at.
HEAD_BYTES = 1 << 16
#: Longest line in characters; no export has longer ones.
MAX_LINE = 1 << 20
#: JSON and MATLAB files are read whole; text tables are streamed and need no bound.
MAX_WHOLE_FILE = 1 << 31
#: Largest number of columns that detection looks at; no export has more.
MAX_COLUMNS = 5000
#: Files of at least this many bytes take seconds to read and show a progress bar.
LARGE = 1 << 25
#: Largest number of lines before the header of a table.
MAX_PREAMBLE = 500
#: Bytes that are searched at a time if only some lines of a file matter.
BLOCK_BYTES = 1 << 23
#: A line that does not begin with a digit; starting at the line end before it is the fastest search.
NO_SAMPLE = re.compile(rb"\n[^0-9\r\n][^\n]*")
#: Exceptions that a damaged archive raises.
DAMAGED = (EOFError, zlib.error, gzip.BadGzipFile, zipfile.BadZipFile, NotImplementedError, RuntimeError)

#: The mark of UTF-32 begins as that of UTF-16 does.
BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


class DamagedArchive(ValueError):
    """A compressed file that cannot be unpacked."""


def fault(path: Path | str, line: int | None, problem: str) -> ValueError:
    """Return the ValueError of readers: file, line and problem."""
    where = f"{path}" if line is None else f"{path}, line {line}"
    return ValueError(f"{where}: {problem}")


def quoted(value: object) -> str:
    """Return a value as it stands in the file, shortened."""
    text = repr(value)
    return text if len(text) <= 50 else f"{text[:47]}..."


class Source:
    """One file: its path, its first bytes, and its text line by line; ``.gz`` and ``.zip`` are unpacked.

    A ``.zip`` holds one file. ``stem`` is the name of the file without folder, compression and ending.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.shows_progress = False
        #: Number of lines, known once all have been read.
        self.line_count = 0
        self._member = ""
        with path.open("rb") as file:
            magic = file.read(4)
        self._packing = {b"\x1f\x8b": "gz", b"PK": "zip"}.get(magic[:2], "")
        if self._packing == "zip" and magic != b"PK\x03\x04":
            self._packing = ""
        if self._packing == "zip":
            self._member = self._only_member()
        self.name = self._member or (path.name[:-3] if path.name.lower().endswith(".gz") else path.name)
        self.stem = PurePath(self.name).stem
        with self.open() as file:
            self.head_bytes = self._read(file, HEAD_BYTES)
        self.encoding = encoding_of(self.head_bytes)

    def _only_member(self) -> str:
        try:
            with zipfile.ZipFile(self.path) as archive:
                names = [
                    one.filename
                    for one in archive.infolist()
                    if not one.is_dir() and not one.filename.startswith("__MACOSX/")
                ]
        except DAMAGED as error:
            raise DamagedArchive(f"{self.path}: is a damaged zip file ({error})") from None
        if len(names) != 1:
            some = ", ".join(names[:3])
            raise fault(
                self.path, None, f"is a zip of {len(names)} files ({some}); expected one, or a folder of them"
            )
        return names[0]

    def open(self) -> IO[bytes]:
        """Open the bytes of the file, unpacked."""
        if self._packing == "gz":
            return cast(IO[bytes], gzip.open(self.path))
        if self._packing == "zip":
            try:
                return zipfile.ZipFile(self.path).open(self._member)
            except DAMAGED as error:
                raise DamagedArchive(f"{self.path}: is a damaged zip file ({error})") from None
        return self.path.open("rb")

    def _read(self, file: IO[bytes], count: int) -> bytes:
        try:
            return file.read(count)
        except DAMAGED as error:
            raise DamagedArchive(f"{self.path}: is a damaged {self._packing} file ({error})") from None

    @cached_property
    def is_binary(self) -> bool:
        """Whether the file is not text."""
        if self.encoding == "utf-8":
            return b"\0" in self.head_bytes
        return False

    @cached_property
    def head(self) -> str:
        """The start of the text, for detection; empty for a binary file."""
        if self.is_binary:
            return ""
        return (
            self.head_bytes.decode(self.encoding, errors="replace").replace("\r\n", "\n").replace("\r", "\n")
        )

    @cached_property
    def head_rows(self) -> list[list[str]]:
        """The cells of the first lines, for detection."""
        return header_rows(self.head)

    def has(self, *columns: str) -> bool:
        """Whether one of the first lines names all these columns."""
        return any(all(name in row for name in columns) for row in self.head_rows)

    def starts_json(self, bracket: str) -> bool:
        """Whether the text begins as a JSON list or object."""
        return self.head.lstrip("\ufeff \t\n")[:1] == bracket

    def _bar(self) -> ProgressBar:
        """Return a progress bar that appears after two seconds, only for large files and in a terminal."""
        size = self.path.stat().st_size
        shown = self.shows_progress and size > LARGE and not self._packing
        return ProgressBar(
            total=size, unit="B", unit_scale=True, desc=self.path.name, delay=2, leave=False,
            disable=None if shown else True,
        )  # fmt: skip

    def lines(self) -> Iterator[tuple[int, str]]:
        """Yield numbered lines without line ends; raise for binary data and overlong lines."""
        if self.is_binary:
            raise fault(self.path, None, "holds binary data; expected text")
        number = 0
        # Bytes that are not UTF-8 (a name in a local code page) stay distinguishable, and harmless.
        with (
            self.open() as raw,
            io.TextIOWrapper(raw, self.encoding, errors="backslashreplace") as file,
            self._bar() as bar,
        ):
            while True:
                if number % 20_000 == 0 and not bar.disable:
                    bar.update(raw.tell() - bar.n)
                try:
                    line = file.readline(MAX_LINE + 1)
                except UnicodeError as error:
                    raise fault(self.path, number + 1, f"is not {self.encoding} text ({error})") from None
                except DAMAGED as error:
                    raise fault(
                        self.path, number + 1, f"cannot be unpacked, the {self._packing} is damaged ({error})"
                    ) from None
                if not line:
                    return
                number += 1
                if len(line) > MAX_LINE:
                    raise fault(
                        self.path, number, f"is longer than {MAX_LINE:,} characters; expected a table"
                    )
                yield number, line.rstrip("\n")

    def lines_without_samples(self) -> Iterator[tuple[int, str]]:
        """Yield numbered lines as :meth:`lines` does, without those that begin with a digit.

        A tracker's text file consists mostly of samples, which begin with their time; their bytes are
        skipped without being cut into lines, about ten times faster.
        """
        ascii_like = self.encoding in ("utf-8", "utf-8-sig") and not self.is_binary
        if not ascii_like or re.search(rb"\r(?!\n|\Z)", self.head_bytes):
            for number, line in self.lines():
                self.line_count = number
                if not line[:1].isdigit():
                    yield number, line
            return
        number, rest = 0, b""
        with self.open() as file, self._bar() as bar:
            while True:
                block = self._read(file, BLOCK_BYTES)
                bar.update(len(block))
                end = block.rfind(b"\n") + 1
                if block and not end:
                    rest += block
                    if len(rest) > 4 * MAX_LINE:
                        problem = f"is longer than {MAX_LINE:,} characters; expected a table"
                        raise fault(self.path, number + 1, problem)
                    continue
                # A line end before the first line, so that each line is found by the one before it.
                lines, rest, done = b"\n" + rest + block[:end], block[end:], 0
                for match in NO_SAMPLE.finditer(lines):
                    number += lines.count(b"\n", done, match.start() + 1)
                    done = match.start() + 1
                    yield number, match[0][1:].decode("utf-8", "backslashreplace").strip("\r\n\ufeff")
                if not block:
                    self.line_count = number + lines.count(b"\n", done) - (len(lines) == 1)
                    return
                number += lines.count(b"\n", done) - 1

    def whole(self) -> bytes:
        """Return all bytes of a file that has to be read at once."""
        with self.open() as file:
            data = self._read(file, MAX_WHOLE_FILE + 1)
        if len(data) > MAX_WHOLE_FILE:
            raise fault(self.path, None, f"has more bytes than {MAX_WHOLE_FILE:,}; expected at most these")
        return data

    def json(self) -> Any:
        """Return the parsed JSON document."""
        data = self.whole()
        try:
            return json.loads(data.decode(self.encoding))
        except json.JSONDecodeError as error:
            raise fault(
                self.path, error.lineno, f"is not valid JSON: {error.msg} (column {error.colno})"
            ) from None
        except UnicodeDecodeError as error:
            problem = f"is not {self.encoding} text ({error.reason} at byte {error.start})"
            raise fault(self.path, None, problem) from None
        except RecursionError:
            raise fault(self.path, None, "is JSON nested too deeply; expected a list of scanpaths") from None
        except ValueError as error:  # a number of more digits than Python converts
            raise fault(self.path, None, f"is not valid JSON: {error}") from None


def encoding_of(head: bytes) -> str:
    """Return the encoding of a text by its first bytes: a byte order mark, or the zero bytes of UTF-16."""
    for mark, encoding in BOMS:
        if head.startswith(mark):
            return encoding
    start = head[:1024]
    if len(start) >= 4:
        half = len(start) // 2
        if start[1::2].count(0) > 0.8 * half and 0 not in start[0::2]:
            return "utf-16-le"
        if start[0::2].count(0) > 0.8 * half and 0 not in start[1::2]:
            return "utf-16-be"
    return "utf-8"


def header_rows(text: str) -> list[list[str]]:
    """Return the cells of the first lines of a text, where a header is looked for."""
    rows = []
    for line in text.split("\n")[:MAX_PREAMBLE]:
        try:
            rows.append(names_of(line)[:MAX_COLUMNS])
        except csv.Error:
            rows.append([])
    return rows


def delimiter_of(line: str) -> str:
    """Return the column delimiter of a header line."""
    counts = {mark: line.count(mark) for mark in ("\t", ";", ",")}
    return max(counts, key=lambda mark: counts[mark])


def cells_of(line: str, delimiter: str) -> list[str]:
    """Cut one line into cells; quotes are honoured, except in tab-separated files."""
    if '"' not in line:
        return line.split(delimiter)
    if delimiter == "\t":  # never quoted by trackers; a quote may stand in a message
        return [_unquoted(cell.strip()) for cell in line.split(delimiter)]
    return next(csv.reader([line], delimiter=delimiter, strict=True), [])


def names_of(line: str) -> list[str]:
    """Cut a header into the names of columns."""
    return [name.strip() for name in cells_of(line, delimiter_of(line))]


def _unquoted(cell: str) -> str:
    return cell[1:-1] if len(cell) >= 2 and cell[0] == cell[-1] == '"' else cell
