"""How gaze files are read: the options of all verbs that do so, in one place."""

from __future__ import annotations

from inspect import signature
from typing import Any

from ..io import read_scanpaths
from ..scanpaths import Scanpaths

__all__ = ["given", "read_gaze", "refuse_without"]


def read_gaze(
    path: str,
    *,
    format: str | None = None,
    time_unit: str | None = None,
    coord_unit: str | None = None,
    screen_size: tuple[float, float] | None = None,
    sampling_rate: float | None = None,
    eye: str | None = None,
    off_image: str = "keep",
    metadata: str | None = None,
    by: str | None = None,
    missing: str | None = None,
    columns: str | None = None,
    on_bad_row: str = "raise",
    spanning: str = "start",
) -> Scanpaths:
    """Read a gaze file or folder. A verb that hands its ``**reading`` to this function has its options.

    Args:
        path: A gaze file, or a folder of gaze files.
        format: Name of the file format; default: recognised from the content.
        time_unit: Unit of the durations in the file (s, ms, us, ns, samples), if not the format's own.
        coord_unit: Unit of the coordinates in the file (px, fraction, percent), if not the format's own.
        screen_size: Width and height in pixels, such as 1920,1080; default: the file's or the format's own.
        sampling_rate: Hz, where durations are counted in samples.
        eye: left, right, best or average, where a file holds both; default: left, else right.
        off_image: What happens to fixations outside of the image: keep, clip or drop.
        metadata: The table that comes with a data set (EGD-CXR, REFLACX); default: the one beside the file.
        by: Columns, or a pattern of messages, that name the image; default: what the format has.
        missing: Numbers and pairs that say that there is no gaze, such as "-1,-1 9999".
        columns: Columns of any other table, such as x=gx,y=gy,duration=dur,image=stim.
        on_bad_row: raise refuses a file with a damaged row, skip leaves the row out and counts it.
        spanning: What a fixation does during which the image changes: start, split or drop.
    """
    return read_scanpaths(
        path,
        format=format,
        time_unit=time_unit,
        coord_unit=coord_unit,
        screen_size=screen_size,
        sampling_rate=sampling_rate,
        eye=eye,
        off_image=off_image,
        metadata=metadata,
        by=by,
        missing=missing,
        columns=columns,
        on_bad_row=on_bad_row,
        spanning=spanning,
    )


def given(reading: dict[str, Any]) -> list[str]:
    """Return the names of the options that differ from their defaults."""
    defaults = signature(read_gaze).parameters
    return [name for name, value in reading.items() if value != defaults[name].default]


def refuse_without(option: str, reading: dict[str, Any]) -> None:
    """Raise where it is told how gaze is read, but ``option``, the gaze itself, is not given."""
    if lone := given(reading):
        raise ValueError(f"--{lone[0]} is given without --{option}; expected --{option} FILE beside it")
