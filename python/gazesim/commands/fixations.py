"""``gazesim fixations``: raw exports in, a tidy table of fixations per image out."""

from __future__ import annotations

import os
from collections.abc import Hashable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..io import find_fixations, write_table
from ..scanpaths import Scanpaths
from . import say_next
from .look import draw

Paths = dict[Hashable, NDArray[np.float64]]


#: What the help shows: the usual options, and a command.
COMMON = (
    "out",
    "plot",
    "method",
    "minimum_duration",
    "max_gap",
    "screen_cm",
    "distance_cm",
    "screen_size",
    "eye",
    "by",
    "columns",
)
EXAMPLE = "fixations gaze --screen_cm 53,30 --distance_cm 60 --out fixations.csv"


def run(
    exports: list[str],
    out: str = "fixations.csv",
    plot: str | None = None,
    method: str = "ivt",
    dispersion: float | None = None,
    velocity: float | None = None,
    minimum_duration: float = 0.04,
    max_gap: float = 0.05,
    screen_cm: tuple[float, float] | None = None,
    distance_cm: float | None = None,
    screen_size: tuple[float, float] | None = None,
    eye: str | None = None,
    by: str | None = None,
    spanning: str = "start",
    columns: str | None = None,
    missing: str | None = None,
    time_unit: str | None = None,
    coord_unit: str | None = None,
    sampling_rate: float | None = None,
    on_bad_row: str = "raise",
) -> None:
    """Find the fixations in raw gaze: EyeLink, Tobii, Gazepoint, SMI, Pupil Labs, EGD-CXR, MicEye, tables.

    Args:
        exports: Files of gaze samples, or folders of them.
        out: Where to write the table (image_id, reader_id, fixation_index, x, y, duration; px, s), as .csv.
        plot: Where to draw the fixations on each image, as .png.
        method: ivt finds fixations by speed, idt by extent.
        dispersion: Largest extent of a fixation in degrees, for idt; default: 1.
        velocity: Highest speed within a fixation in degrees per second, for ivt; default: 30.
        minimum_duration: Shortest fixation in seconds.
        max_gap: Longest blink or loss of gaze, in seconds, that does not end a fixation.
        screen_cm: Width and height of the screen in cm, such as 53,30; default: what the file states, else
            1/40 of the screen's width is taken as one degree.
        distance_cm: Distance of the eye from the screen in cm.
        screen_size: Width and height of the screen in pixels; default: what the file states.
        eye: average, left, right or best; default: average, or the only eye.
        by: Columns, or a pattern of messages, that name the image; default: what the format has.
        spanning: Fixations during which the image changes: start (image at their start), split or drop.
        columns: Columns of any other table, such as time=t,x=gx,y=gy,image=stim.
        missing: Numbers and pairs that mean no gaze, such as "-1,-1 9999".
        time_unit: Unit of the times in the file (s, ms, us, ns), if not the format's own.
        coord_unit: Unit of the coordinates in the file (px, fraction, percent), if not the format's own.
        sampling_rate: Hz, for samples without times.
        on_bad_row: raise refuses a file with a damaged row, skip leaves the row out and counts it.
    """
    if not exports:
        raise ValueError("no export is given; expected files or folders of gaze samples")
    for target in (out, plot):
        if target is not None and not Path(target).resolve().parent.is_dir():
            raise ValueError(f"{target} is in a folder that does not exist; expected one that does")
    options: dict[str, Any] = {
        "method": method, "dispersion": dispersion, "velocity": velocity, "max_gap": max_gap,
        "minimum_duration": minimum_duration, "screen_cm": screen_cm, "distance_cm": distance_cm,
        "screen_size": screen_size, "eye": eye, "by": by, "spanning": spanning, "columns": columns,
        "missing": missing, "time_unit": time_unit, "coord_unit": coord_unit,
        "sampling_rate": sampling_rate, "on_bad_row": on_bad_row,
    }  # fmt: skip
    found: Paths = {}
    sizes = set()
    for export in exports:
        scanpaths = find_fixations(export, **options).scanpaths
        sizes.add(scanpaths.screen_size)
        join(found, scanpaths, Path(export).stem, len(exports) > 1)
    some = {key: path for key, path in found.items() if len(path)}
    if not some:
        raise ValueError(
            f"{', '.join(exports)}: no fixation was found; expected gaze that rests (see --velocity)"
        )
    size = next(iter(sizes)) if len(sizes) == 1 else None
    paths = Scanpaths.from_list(some.values(), ids=some, screen_size=size)
    part = Path(f"{out}.part")
    try:
        write_table(paths, part)
        os.replace(part, out)
    finally:
        part.unlink(missing_ok=True)
    print("\n".join(summary(paths)))
    print(f"wrote {out}: {len(paths.values):,} fixations of {len(paths):,} scanpaths")
    if plot is not None:
        draw(paths, plot)
        print(f"wrote {plot}")
    shown = ["--screen_size", f"{size[0]:g},{size[1]:g}"] if size else []
    say_next("manifest", "IMAGES", "--gaze", out, *shown, "--placement", "fit", "--out", "manifest.csv")


def join(found: Paths, scanpaths: Scanpaths, name: str, is_one_of_several: bool) -> None:
    """Add the scanpaths of one export; without a reader in their ids, one of several exports names it."""
    needs_reader = is_one_of_several or any(isinstance(key, tuple) for key in scanpaths.ids)
    for key, path in zip(scanpaths.ids, scanpaths, strict=True):
        chosen = (key, name) if needs_reader and not isinstance(key, tuple) else key
        if chosen in found:
            problem = f"{name} holds the scanpath {chosen!r}, as another export does"
            raise ValueError(f"{problem}; expected distinct ids")
        found[chosen] = path


def summary(paths: Scanpaths) -> list[str]:
    """Return a table with one line per image."""
    groups: dict[str, list[NDArray[np.float64]]] = {}
    for key, path in zip(paths.ids, paths, strict=True):
        groups.setdefault(str(key[0] if isinstance(key, tuple) else key), []).append(path)
    width = min(max(len("image"), *map(len, groups)), 40)
    lines = [f"{'image':<{width}}  scanpaths  fixations  median ms  dwell s"]
    for name, group in groups.items():
        rows = np.concatenate(group)
        shown = name if len(name) <= width else f"{name[: width - 3]}..."
        lines.append(
            f"{shown:<{width}}  {len(group):9,}  {len(rows):9,}  {np.median(rows[:, 2]) * 1e3:9.0f}"
            f"  {rows[:, 2].sum():7.1f}"
        )
    return lines
