"""GazeSearch, COCO-Search18, COCO-FreeView and other data in their format: a JSON list of
{name, subject, task, X, Y, T, length, split}; T in s (GazeSearch) or ms (the others).

Follows https://sites.google.com/view/cocosearch and https://github.com/UARK-AICV/GazeSearch. Scanpath models
write the same without ``subject`` (the scanpaths of an image are then numbered) or without ``T`` (every
fixation then lasts 0.25 s, and a note says so). Ignored: bounding boxes, correctness, conditions, splits.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Hashable
from statistics import median
from typing import Any

from .recording import Options, Recording, Size
from .tables import Source, entry_numbers, fault, quoted, records_of

#: Median fixation durations lie around 0.25 s. A median below the first is in s, above the second in ms.
SECONDS_BELOW, MILLISECONDS_ABOVE = 5.0, 30.0
#: Duration of a fixation if a model gives no times.
ASSUMED_S = 0.25
GAZESEARCH: Size = (224.0, 224.0)
COCO: Size = (1680.0, 1050.0)


def detect(source: Source) -> bool:
    """Return whether the first record has the keys of this format."""
    return source.starts_json("[") and all(f'"{key}"' in source.head for key in ("name", "X", "Y"))


def read(source: Source, options: Options) -> Recording:
    """Read one scanpath per image and subject, and per task where a subject searched it repeatedly."""
    path = source.path
    entries: list[tuple[str, str, str, list[list[float]]]] = []
    runs: Counter[tuple[str, str]] = Counter()
    unnamed = untimed = damaged = 0
    for position, record in enumerate(records_of(source)):
        try:
            name, subject = record.get("name"), record.get("subject")
            task = str(record.get("task") or "")
            entry = f"entry {position} (name {quoted(name)}, subject {quoted(subject)})"
            if not isinstance(name, str) or not name or type(subject) not in (int, str, type(None)):
                raise fault(path, None, f"{entry}; expected a file name and a subject")
            if subject is None:
                unnamed += 1
                runs[name, task] += 1
                subject = f"scanpath {runs[name, task]}"
            columns = [entry_numbers(path, entry, record, axis) for axis in ("X", "Y")]
            if record.get("T") is None:
                untimed += 1
                columns.append([ASSUMED_S] * len(columns[0]))
            else:
                columns.append(entry_numbers(path, entry, record, "T", low=0.0))
            lengths = [len(column) for column in columns]
            if len({*lengths, record.get("length", lengths[0])}) > 1:
                raise fault(
                    path, None, f"{entry} has {lengths} values of X, Y, T and length {record.get('length')}"
                )
            entries.append((name, str(subject), task, columns))
        except ValueError:
            if options.on_bad_row != "skip":
                raise
            damaged += 1
    if 0 < untimed < len(entries):
        raise fault(path, None, f"{untimed} of {len(entries)} entries have no T; expected it in all or none")
    names = [(name, subject) for name, subject, _, _ in entries]
    by_task = len(set(names)) < len(names)
    unit = "s" if untimed else options.time_unit or _time_unit(source, entries)
    recording = Recording(unit, "px", *_screen(entries))
    recording.count("damaged entries", damaged)
    if untimed:
        recording.notes.append(f"no T, so every fixation counts {ASSUMED_S} s")
    if unnamed:
        recording.notes.append(f"{unnamed} entries have no subject; the scanpaths of an image are numbered")
    if by_task:
        recording.notes.append("subjects searched images more than once, so image ids are task/name")
    for position, (name, subject, task, columns) in enumerate(entries):
        key: Hashable = (f"{task}/{name}" if by_task and task else name, subject)
        if key in recording.rows:
            raise fault(
                path,
                None,
                f"entry {position} {key} occurred before; expected distinct name, subject and task",
            )
        recording.extend(key, *columns)
    return recording


def _time_unit(source: Source, entries: list[Any]) -> str:
    durations = [value for *_, columns in entries for value in columns[2] if value == value]
    middle = median(durations) if durations else 0.0
    if SECONDS_BELOW < middle < MILLISECONDS_ABOVE:
        problem = f'T has the median {middle:g}, neither s nor ms; expected time_unit="s" or "ms"'
        raise fault(source.path, None, problem)
    return "s" if middle <= SECONDS_BELOW else "ms"


def _screen(entries: list[Any]) -> tuple[Size | None, bool]:
    """Return the screen size of the published data sets, known by their file names; else None."""
    if entries and all(re.fullmatch(r"\d{12}\.jpg", name) for name, *_ in entries):
        return COCO, True
    if entries and all(re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{8}){4}\.\w+", name) for name, *_ in entries):
        return GAZESEARCH, True
    return None, False
