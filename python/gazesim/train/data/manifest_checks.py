"""Checks of manifests: words for missing labels, columns of patients, one image in two splits."""

from __future__ import annotations

import hashlib
import os
import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from .manifest import Entry

__all__ = [
    "MISSING_LABELS",
    "digest_of_pieces",
    "equal_images_note",
    "label_note",
    "patient_note",
    "repeated_files",
    "without_missing_labels",
]

#: Words for a missing label; compared without case and outer blanks.
_WORDS = "nan|-nan|#nan|nat|na|n/a|n.a.|#n/a|#na|<na>|none|null|nil|-|--|---|–|—|?|??|.|..|missing"
MISSING_LABELS = frozenset(f"{_WORDS}|not available|not applicable".split("|"))

#: Columns that name a patient, in lower case and without blanks, hyphens and underscores.
_PEOPLE = "patient|patientid|patientname|patientnumber|subject|subjectid|participant|participantid|person"
PATIENTS = frozenset(
    f"{_PEOPLE}|mrn|studyinstanceuid|studyuid|studyid|study|accession|accessionnumber".split("|")
)

#: Bytes read at each of several places of a file, to tell its pixels from those of other files.
CHUNK = 1 << 14


def without_missing_labels(entries: Sequence[Entry], missing: Collection[str]) -> tuple[Entry, ...]:
    """Return the entries, with "" as the label of those whose label is one of the words in ``missing``."""
    words = {word.strip().casefold() for word in missing}
    return tuple(
        replace(entry, label="") if entry.label.strip().casefold() in words else entry for entry in entries
    )


def label_note(before: Sequence[Entry], after: Sequence[Entry]) -> str | None:
    """Return a sentence on labels that count as missing, and on numbers that are taken as grades."""
    words = Counter(old.label for old, new in zip(before, after, strict=True) if old.label and not new.label)
    notes = []
    if words:
        listed = ", ".join(f"{word!r} {count} times" for word, count in words.most_common(5))
        notes.append(
            f"{words.total()} of {len(after)} labels count as missing ({listed}); "
            "missing_labels=() keeps such words as classes"
        )
    known = {entry.label for entry in after if entry.label}
    if known and all(re.fullmatch(r"[+-]?[0-9]+(\.0*)?", label) for label in known):
        ordered = sorted(known, key=float)
        notes.append(
            f"labels are {len(ordered)} whole numbers, {ordered[0]} to {ordered[-1]}: "
            "taken as classes in the order of the numbers, and as grades for the mean absolute error"
        )
    return "; ".join(notes) or None


def patient_note(columns: Iterable[str], entries: Sequence[Entry]) -> str | None:
    """Return a sentence on a column that may name patients if no image has a group."""
    if any(entry.group for entry in entries):
        return None
    found = [name for name in columns if re.sub(r"[\s_.-]", "", name.casefold()) in PATIENTS]
    if not found:
        return None
    return (
        f"column {found[0]!r} may name patients, but no image has a group: splits and folds may part the "
        f"images of one patient (data leakage); rename {found[0]!r} to 'group' if it does"
    )


def repeated_files(entries: Sequence[Entry]) -> tuple[Entry, Entry] | None:
    """Return the first two entries of different splits that name the same image file."""
    homes: dict[str, Entry] = {}
    for entry in entries:
        if not entry.split:
            continue
        path = os.path.realpath(entry.image)
        first = homes.setdefault(path, entry)
        if first.split != entry.split:
            return first, entry
    return None


def equal_images_note(entries: Sequence[Entry]) -> str | None:
    """Return a sentence on images of different splits with the same pixels under different names.

    Cheap: of files of one size, two short pieces are compared, and pixels only where those are equal. Images
    that were saved again in another format or size are not found; images of one grey level are left out.
    """
    sizes: dict[int, list[Entry]] = defaultdict(list)
    for entry in entries:
        if entry.split:
            sizes[entry.image.stat().st_size].append(entry)
    pairs: list[tuple[Entry, Entry]] = []
    for size, same_size in sizes.items():
        if len({entry.split for entry in same_size}) < 2:
            continue
        alike: dict[bytes, list[Entry]] = defaultdict(list)
        for entry in same_size:
            alike[digest_of_pieces(entry.image, size)].append(entry)
        for some in alike.values():
            pairs += _equal_pairs(some)
    if not pairs:
        return None
    listed = ", ".join(f"{_place(a)} ({a.split}) and {_place(b)} ({b.split})" for a, b in pairs[:3])
    more = f" and {len(pairs) - 3} more" if len(pairs) > 3 else ""
    return f"images with the same pixels are in different splits (data leakage): {listed}{more}"


def digest_of_pieces(file: Path, size: int, pieces: int = 2, *, with_start: bool = False) -> bytes:
    """Return a hash of short, evenly spaced pieces of a file of ``size`` bytes, its end among them.

    The start is left out by default: headers may differ where pixels do not.
    """
    digest = hashlib.blake2b(digest_size=16)
    places = [size * piece // pieces for piece in range(0 if with_start else 1, pieces)]
    with file.open("rb") as stream:
        for place in (*places, max(0, size - CHUNK)):
            stream.seek(place)
            digest.update(stream.read(CHUNK))
    return digest.digest()


def _equal_pairs(some: Sequence[Entry]) -> list[tuple[Entry, Entry]]:
    """Return each entry with the first one of another split that shows the same pixels."""
    from .images import read_image  # here, because it needs torch, and few manifests need it

    if len({entry.split for entry in some}) < 2:
        return []
    found = []
    first = some[0]
    try:
        pixels = read_image(first.image)
        if pixels.min() == pixels.max():
            return []
        for entry in some[1:]:
            if entry.split != first.split and np.array_equal(read_image(entry.image), pixels):
                found.append((first, entry))
    except (ValueError, ImportError):
        return []  # said where the image is used
    return found


def _place(entry: Entry) -> str:
    return f"image {entry.id!r}" if entry.line is None else f"line {entry.line}"
