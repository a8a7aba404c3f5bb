"""Fixations for rows that compare them: those of raw samples are found once, and kept with the results."""

from __future__ import annotations

import copy
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._progress import ProgressBar
from ..io import find_fixations, write_table
from ..reading.options import GazeOptions
from ..reading.raw_samples import sampling_rate_of
from ..scanpaths import Scanpaths

__all__ = ["SCREEN", "compares_fixations", "with_fixations"]

#: (width, height) in pixels of the screen of McGIP's readers; a degree is taken as 1/40 of its width.
SCREEN = (1920, 1080)


def compares_fixations(plain: Mapping[str, Any]) -> bool:
    """Whether a configuration compares scanpaths by MultiMatch."""
    pairs = plain["model"]["pairs"]
    return pairs is not None and pairs["scheme"] == "multimatch"


def with_fixations(plain: Mapping[str, Any], out: Path) -> dict[str, Any]:
    """Return a configuration whose gaze are fixations: as it is, or with a manifest of those that were found.

    The manifest names the same images in the same order, so that folds are the same.
    """
    found = copy.deepcopy(dict(plain))
    data = found["data"]
    if not compares_fixations(plain) or data["preset"] is None:
        return found
    target = out / "data" / f"{data['preset']}-fixations-manifest.csv"
    if not target.is_file() and not _write(data, target):
        return found
    data |= {"manifest": str(target), "preset": None, "folder": None, "images": None, "fractions": None}
    if data["gaze"]["placement"] is None and data["gaze"]["image_box"] is None:
        data["gaze"]["placement"] = "native"  # found in the pixels of the images
    return found


def _write(data: Mapping[str, Any], target: Path) -> bool:
    """Write the fixations of a data set and a manifest of them; return whether there were raw samples."""
    from ..train.data.gaze_files import GazeFiles
    from ..train.data.manifest import Manifest
    from ..train.data.presets import preset

    manifest = preset(data["preset"], data["folder"], images=data["images"], seed=data["split_seed"])
    files = GazeFiles(
        GazeOptions(**{name: value for name, value in data["gaze"].items() if value is not None})
    )
    table = target.with_name(f"{data['preset']}-fixations.csv")
    entries, paths = [], {}
    for entry in manifest.entries:
        if entry.gaze is None:
            entries.append(entry)
            continue
        (_, raw), *_ = files.readings(entry.gaze, entry.id, entry.gaze_name, reader=entry.reader, alone=True)
        if not raw.of_image or sampling_rate_of([raw.path]) is None:
            return False
        fixations = _found(raw.path)
        if len(fixations):
            paths[entry.id] = fixations
        named = table if len(fixations) else None
        entries.append(replace(entry, gaze=named, gaze_name="", reader=""))
    if not paths:
        return False
    target.parent.mkdir(parents=True, exist_ok=True)
    write_table(Scanpaths.from_list(paths.values(), ids=paths), table)
    Manifest(tuple(entries)).write(target)
    count = sum(map(len, paths.values()))
    ProgressBar.write(
        f"gazesim reproduce: found {count:,} fixations in the raw samples of {len(paths):,} images: {table}",
        file=sys.stderr,
    )
    return True


def _found(samples: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the fixations of samples (x, y, duration)."""
    times = np.cumsum(samples[:, 2]) - samples[:, 2]
    frame = {"time": times, "x": samples[:, 0], "y": samples[:, 1]}
    scanpaths = find_fixations(frame, screen_size=SCREEN, verbose=False).scanpaths
    return scanpaths[0] if len(scanpaths) else np.empty((0, 3))
