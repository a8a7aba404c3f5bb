"""Which eye: fixations of the left, the right, the better one, or the average of both."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from typing import NamedTuple, TypeVar

from .recording import Options, Recording

__all__ = ["EYES", "Fixation", "averaged", "chosen_eye"]

EYES = ("left", "right", "best", "average")
OTHER = {"left": "right", "right": "left"}

Key = TypeVar("Key", bound=Hashable)


class Fixation(NamedTuple):
    """One fixation in the units of its file."""

    x: float
    y: float
    duration: float
    #: When it starts and ends, on the clock of the recording's time line.
    start: float = math.nan
    end: float = math.nan
    #: ``"left"``, ``"right"``, or nothing where the file does not say.
    eye: str = ""


def chosen_eye(
    groups: Mapping[Key, Sequence[Fixation]], recording: Recording, options: Options
) -> dict[Key, Sequence[Fixation]]:
    """Return the fixations of one eye, chosen for each group.

    The default is the left eye, or the right one if a group has no left one: trackers change eyes
    between blocks. If ``eye`` is "left" or "right", only that eye is used.
    """
    recording.eyes.update(one.eye for group in groups.values() for one in group if one.eye)
    known = set(recording.eyes)
    if options.eye in OTHER and known and options.eye not in known:
        only = next(iter(known))
        raise ValueError(f"holds the {only} eye alone; expected eye={only!r} or nothing")
    if options.eye is not None and not known and any(groups.values()):
        recording.notes.append("eyes are not told apart")
    kept: dict[Key, Sequence[Fixation]] = {}
    taken: Counter[str] = Counter()
    for key, group in groups.items():
        eyes = {one.eye for one in group if one.eye}
        if options.eye == "average" and len(eyes) > 1:
            kept[key] = averaged(group, recording)
            taken["average"] += 1
            continue
        eye = _eye(eyes, group, options)
        kept[key] = [one for one in group if one.eye in ("", eye)]
        if others := len(group) - len(kept[key]):
            recording.leave(f"fixations of the {OTHER.get(eye, 'other')} eye", others)
        if not kept[key] and group:
            del kept[key]
        elif eye in OTHER:
            taken[eye] += 1
    if len(known) > 1:
        recording.notes.append(_words(taken, options))
    return kept


def _eye(eyes: set[str], group: Sequence[Fixation], options: Options) -> str:
    if options.eye in OTHER:
        return str(options.eye)
    if len(eyes) < 2:
        return next(iter(eyes), "")
    if options.eye == "best":  # the eye that fixated longer was lost less often
        dwell = {eye: sum(one.duration for one in group if one.eye == eye) for eye in EYES[:2]}
        return max(EYES[:2], key=lambda eye: dwell[eye])
    return "left"


def _words(taken: Counter[str], options: Options) -> str:
    rule = {
        None: "left eye, or the right one where a scanpath has no left one (eye= chooses)",
        "best": "of each scanpath the eye that fixated longer",
        "average": "average of both eyes",
    }.get(options.eye, f"{options.eye} eye")
    counts = ", ".join(f"{eye} {count}" for eye, count in sorted(taken.items()))
    return f"two eyes: {rule}; scanpaths: {counts}" if counts else f"two eyes: {rule}"


def averaged(group: Sequence[Fixation], recording: Recording) -> list[Fixation]:
    """Merge fixations of both eyes that overlap in time: mean position, mean duration.

    A fixation of one eye without an overlapping one of the other stays as it is and is counted.
    """
    if any(math.isnan(one.start) for one in group):
        raise ValueError('eye is "average", and fixations have no times; expected eye="left" or "right"')
    left = sorted((one for one in group if one.eye == "left"), key=lambda one: one.start)
    right = sorted((one for one in group if one.eye == "right"), key=lambda one: one.start)
    merged: list[Fixation] = [one for one in group if not one.eye]
    alone, position = 0, 0
    free = [True] * len(right)
    for one in left:
        while position < len(right) and right[position].end < one.start:
            position += 1
        best, longest = -1, -1.0
        for candidate in range(position, len(right)):
            other = right[candidate]
            if other.start > one.end:
                break
            overlap = min(one.end, other.end) - max(one.start, other.start)
            if free[candidate] and overlap > longest:
                best, longest = candidate, overlap
        if best < 0:
            merged.append(one)
            alone += 1
        else:
            free[best] = False
            merged.append(_mean(one, right[best]))
    rest = [other for other, is_free in zip(right, free, strict=True) if is_free]
    alone += len(rest)
    if alone:
        _count_alone(recording, alone)
    return sorted([*merged, *rest], key=lambda one: one.start)


def _count_alone(recording: Recording, count: int) -> None:
    word = "fixations of one eye alone, kept as they are"
    for position, note in enumerate(recording.notes):
        if note.endswith(word):
            recording.notes[position] = f"{int(note.split()[0].replace(',', '')) + count:,} {word}"
            return
    recording.notes.append(f"{count:,} {word}")


def _mean(one: Fixation, other: Fixation) -> Fixation:
    return Fixation(
        (one.x + other.x) / 2,
        (one.y + other.y) / 2,
        (one.duration + other.duration) / 2,
        min(one.start, other.start),
        max(one.end, other.end),
    )
