"""Frames of pandas, polars and pymovements, dicts of columns, and Parquet and Feather files of them."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any

import numpy as np

from .._errors import describe
from ..scanpaths import by_scanpath, reader_column, tidy_rows
from . import generic, pymovements, tidy
from .recording import NO_DURATION, NO_POSITION, Options, Recording
from .tables import FrameTable, Source, fault

__all__ = ["detect", "read", "read_table", "table_of"]

MAGIC = (b"PAR1", b"ARROW1", b"FEA1")


def detect(source: Source) -> bool:
    """Return whether the file is Parquet, Feather or Arrow."""
    return source.head_bytes.startswith(MAGIC)


def read(source: Source, options: Options) -> Recording:
    """Read a frame: a tidy table, events of pymovements, or any table with ``columns=``."""
    return read_table(load(source), options, source.stem)[1]


def load(source: Source) -> FrameTable:
    """Return the columns of a Parquet or Feather file."""
    data = io.BytesIO(source.whole())
    is_parquet = source.head_bytes.startswith(b"PAR1")
    try:
        import pyarrow as pa
        from pyarrow import feather, parquet
    except ImportError:
        try:
            import polars
        except ImportError:
            raise fault(
                source.path, None, "is a Parquet or Feather file; expected pyarrow or polars to be installed"
            ) from None
        try:
            frame: Any = polars.read_parquet(data) if is_parquet else polars.read_ipc(data)
        except Exception as error:
            raise fault(source.path, None, f"is damaged ({' '.join(str(error).split())[:200]})") from None
        columns = {name: frame[name].to_list() for name in frame.columns}
    else:
        try:
            frame = parquet.read_table(data) if is_parquet else feather.read_table(data)
        except (pa.ArrowException, OSError, ValueError) as error:
            raise fault(source.path, None, f"is damaged ({' '.join(str(error).split())[:200]})") from None
        columns = {name: frame[name].to_pylist() for name in frame.column_names}
    table = FrameTable(columns, source.stem)
    table.path = str(source.path)
    return table


def table_of(frame: Any) -> FrameTable:
    """Return the columns of a frame in memory."""
    frame = getattr(frame, "frame", frame)  # pymovements' Events hold theirs
    names = frame.keys() if isinstance(frame, Mapping) else getattr(frame, "columns", None)
    if names is None:
        raise TypeError(f"path is {describe(frame)}; expected a file, a folder or a frame with named columns")
    columns = {str(name): list(frame[name]) for name in names}
    lengths = {name: len(column) for name, column in columns.items()}
    if len(set(lengths.values())) > 1:
        raise ValueError(f"table has columns of different lengths {lengths}; expected one row per fixation")
    return FrameTable(columns)


def _tidy(table: FrameTable, options: Options) -> Recording:
    """Read a tidy table in memory by whole columns; ids keep their types."""
    recording = Recording("s", "px")
    where = "" if table.path == table.stem else f"{table.path}: "
    try:
        keys, values, index = tidy_rows(table.values)
    except (ValueError, TypeError) as error:
        raise ValueError(f"{where}{error}") from None
    tidy.say_reader(recording, reader_column(table.columns), table.columns)
    lost = np.isnan(options.missing.cleared(values[:, :2])).any(axis=1)
    untimed = ~lost & np.isnan(values[:, 2])
    bad = np.flatnonzero(~lost & ((values[:, 2] < 0) | np.isinf(values).any(axis=1)))
    if len(bad):
        row = values[bad[0]].tolist()
        raise ValueError(f"{where}table, row {bad[0]} is {row}; expected finite x, y and a duration from 0")
    recording.count(NO_POSITION, int(lost.sum()))
    recording.count(NO_DURATION, int(untimed.sum()))
    good = np.flatnonzero(~lost & ~untimed)
    recording.count(None, len(good))
    order, offsets, ids = by_scanpath([keys[i] for i in good], None if index is None else index[good])
    rows = values[good][order].tolist()
    for key, start, end in zip(ids, offsets[:-1], offsets[1:], strict=True):
        recording.rows[key] = [tuple(row) for row in rows[start:end]]
    return recording


def read_table(table: FrameTable, options: Options, name: str) -> tuple[str, Recording]:
    """Return the kind of frame, for messages, and its fixations."""
    if options.columns is not None:
        return "table with named columns", generic.read_table(table, options)
    if all(column in table for column in tidy.COLUMNS):
        by_rows = options.by is not None or options.on_bad_row == "skip"
        return "tidy table", tidy.read_table(table, options) if by_rows else _tidy(table, options)
    if all(column in table for column in pymovements.COLUMNS):
        return "pymovements events", pymovements.read_table(table, name, options)
    wanted = f"{', '.join(tidy.COLUMNS)} (tidy) or {', '.join(pymovements.COLUMNS)} (events)"
    hint = generic.proposal(table.columns)
    wanted += f", or the columns named: columns={hint!r}" if hint else ""
    what = "table" if table.path == table.stem else f"{table.path}: is of no known format of fixations, it"
    some = str(table.columns) if len(str(table.columns)) < 150 else f"{str(table.columns)[:150]}...]"
    problem = f"{what} has the columns {some}; expected {wanted}"
    raise ValueError(f"{problem}; gazesim.detect_fixations takes samples")
