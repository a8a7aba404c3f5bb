"""BIDS eye tracking: ``sub-01_task-view_recording-eye1_physio.tsv.gz``, samples without a header.

Follows https://bids-specification.readthedocs.io ("Eye-tracking" and "Task events"). The ``.json`` beside the
file names its columns (``Columns``), and states ``SamplingFrequency`` (Hz) and ``StartTime`` (s), which give
the time of every sample. ``sub-01_task-view_events.tsv`` beside it says what was shown: ``stim_file``, else
``trial_type``, from ``onset`` on, for ``duration`` seconds (n/a: until the next). Ignored: pupils.
"""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path, PureWindowsPath

import numpy as np

from .labels import stimulus_columns
from .raw import Samples, no_samples
from .raw_columns import sample_columns
from .raw_tables import read_samples as read_table
from .recording import Options
from .tables import FrameTable, Source, Table, fault
from .timeline import Showing, TimeLine

__all__ = ["detect", "is_recording", "read_samples"]

COLUMNS = ("onset", "duration")


def detect(source: Source) -> bool:
    """Return whether the file name ends in ``_physio.tsv``."""
    return is_recording(source.name)


def is_recording(name: str) -> bool:
    """Return whether the name of a file, packed or not, is that of a recording."""
    return re.search(r"_physio\.tsv(\.gz)?$", name) is not None


def read_samples(source: Source, options: Options) -> list[Samples]:
    """Return the samples of the file, with the stimuli that its events name."""
    sidecar = source.path.with_name(source.name.removesuffix(".tsv") + ".json")
    if not sidecar.is_file():
        raise fault(source.path, None, f"has no header; expected its columns in {sidecar.name} beside it")
    description = Source(sidecar).json()
    names = description.get("Columns") if isinstance(description, dict) else None
    if not isinstance(names, list) or not names or not all(isinstance(name, str) for name in names):
        raise fault(sidecar, None, "states no Columns; expected the names of the columns")
    rows = [text.split("\t") for _, text in source.lines() if text.strip()]
    for number, row in enumerate(rows, start=1):
        if len(row) != len(names):
            raise fault(source.path, number, f"has {len(row)} cells; expected {len(names)} (Columns)")
    values = {name: [row[position] for row in rows] for position, name in enumerate(names)}
    rate, start = description.get("SamplingFrequency"), description.get("StartTime", 0.0)
    has_rate = isinstance(rate, (int, float)) and rate > 0 and isinstance(start, (int, float))
    if has_rate:
        values = {"time": [start + number / rate for number in range(len(rows))], **values}
    columns = sample_columns(list(values), options.columns)
    if columns is None:
        raise no_samples(source.path, f"has the columns {', '.join(names)}; expected x, y and a time")
    if has_rate and options.columns is None:
        if options.time_unit not in (None, "s"):
            problem = f"time_unit is {options.time_unit!r}, and SamplingFrequency of {sidecar.name} gives the"
            raise fault(source.path, None, f"{problem} times in s; expected no time_unit")
        columns.time, columns.factor = "time", 1.0
    table = FrameTable(values, source.stem)
    table.path = str(source.path)
    name = re.sub(r"(_recording-[^_]+)?_physio$", "", source.stem)
    events = source.path.with_name(f"{name}_events.tsv")
    shown = _events(events, options, name) if events.is_file() else None
    rest = options if shown is None else replace(options, by=None)  # `by` names a column of the events
    found = read_table(table, columns, rest, source.path)
    for samples in found:
        samples.name = name
        samples.shown = shown or samples.shown
    return found


def _events(path: Path, options: Options, name: str) -> TimeLine | None:
    table = Table(Source(path), COLUMNS)
    images = stimulus_columns(table, options, ["stim_file", "stimulus", "image", "trial_type"])
    if not images:
        return None
    subject = re.match(r"sub-[^_]+", name)
    line = TimeLine()
    ends = -np.inf
    for number, row in enumerate(table):
        shown = "/".join(row.optional(column) for column in images)
        if row.missing("onset") or shown.lower() in ("", "n/a"):
            continue
        onset = row.number("onset")
        if ends < onset:
            line.show(float(ends), None, "fixations while no image was shown")
        showing = Showing(PureWindowsPath(shown).name, subject[0] if subject else None, (), number)
        line.show(onset, showing)
        ends = np.inf if row.missing("duration") else onset + row.number("duration", low=0.0)
    if np.isfinite(ends):
        line.show(float(ends), None, "fixations while no image was shown")
    return line
