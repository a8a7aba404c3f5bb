"""Read a gaze file or folder, place its images, warn of what looks wrong, and report it in one line."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable, Hashable, Sequence

import numpy as np

from ..geometry import Size, on_image, to_screen
from .frames import Framed, framed
from .options import GazeOptions, Stated
from .placed import PlacedGaze, Spread, on_canvas, warn_of_placement
from .raw import RawGaze, RawScanpath, read_raw
from .suspicion import Pool, hints

__all__ = ["image_of", "line_of", "place_raw", "read_placed", "warn_of"]

LineWriter = Callable[[str], None]
ImageSize = Callable[[Hashable], Size | None]


def unknown(image: Hashable) -> None:
    """Return None: the size of no image is known."""


def image_of(name: Hashable) -> Hashable:
    """Return the image id of a scanpath id: itself, or the first of (image_id, reader_id)."""
    return name[0] if isinstance(name, tuple) and len(name) == 2 else name


def read_placed(
    place: str | os.PathLike[str],
    options: GazeOptions,
    *,
    image_size: ImageSize = unknown,
    say: LineWriter | None = None,
    warn: LineWriter = warn_of_placement,
) -> PlacedGaze:
    """Read a gaze file or folder and place every image on one canvas.

    Parameters
    ----------
    place, options
        The file or folder, and how it is read.
    image_size
        Returns the (width, height) in pixels of an image by its id, or None.
    say, warn
        Called with the one line that says what was read, and with each warning.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> from gazesim.reading.options import GazeOptions
    >>> from gazesim.reading.source import read_placed
    >>> options = GazeOptions(screen_size=(1920, 1080), placement="fit")
    >>> with TemporaryDirectory() as folder:
    ...     file = Path(folder) / "gaze.csv"
    ...     _ = file.write_text("image_id,x,y,duration\\na,960,540,0.2\\n")
    ...     placed = read_placed(file, options, image_size=lambda name: (1024, 1536))
    >>> placed.paths["a"].tolist(), placed.on_image(0).tolist(), placed.boxes[0]
    ([[960.0, 540.0, 0.2]], [[512.0, 768.0, 0.2]], (600.0, 0.0, 1320.0, 1080.0))
    """
    raw = read_raw(place, options)
    found = {
        name: place_raw(raw, one, options.place, image_size(image_of(name)), options.off_image, str(name))
        for name, one in raw.scanpaths.items()
    }
    placed = on_canvas(found, options)
    if say is not None:
        say(line_of(raw, list(found.values()), placed.spread, options))
    warn_of(raw, list(found.values()), options.place, warn)
    return placed


def place_raw(
    raw: RawGaze, one: RawScanpath, stated: Stated, image_size: Size | None, off: str, name: str
) -> Framed:
    """Return one scanpath in its frame, gaze off the image kept, clipped or dropped."""
    try:
        result = framed(one, stated, image_size)
    except ValueError as error:
        raise type(error)(f"{raw.place}: scanpath {name!r}: {error}") from None
    if off == "keep":
        return result
    there = result.on_image()
    inside = on_image(there, result.image_size)
    if off == "drop":
        return dataclasses.replace(result, path=result.path[inside])
    if one.unknown_if_negative:
        there = there[(there[:, :2] >= 0).any(axis=1)]
        inside = on_image(there, result.image_size)
    # The image is half-open: a point at x = width belongs to no pixel.
    np.clip(there[:, :2], 0, np.nextafter(result.image_size, 0), out=there[:, :2])
    return dataclasses.replace(result, path=to_screen(there, result.box, result.image_size))


def line_of(raw: RawGaze, found: Sequence[Framed], spread: Spread | None, options: GazeOptions) -> str:
    """Return one line on what was read: format, units, frame and counts."""
    frames = list(dict.fromkeys(one.frame_words for one in found))
    unit = "x, y in px" if raw.unit == "px" else f"x, y {raw.unit} -> px"
    of = f" of {frames[0]}" if len(frames) == 1 else " of each image" if frames else ""
    places = list(dict.fromkeys(one.box_words for one in found if one.box_words))
    boxes = list(dict.fromkeys(one.box for one in found))
    if places and len(boxes) == 1 and len(frames) == 1:
        places = [f"{'; '.join(places)} at {','.join(f'{side:g}' for side in boxes[0])}"]
    files = f" (files: {raw.report.files})" if raw.report.files > 1 else ""
    off = Pool.of(found).off
    known = any(one.knows_image or one.box_words for one in found)
    done = {"keep": "kept", "clip": "clipped", "drop": "dropped"}[options.off_image]
    counted = f"{len(found):,} scanpaths, {off.total:,} fixations"
    shares = f"{off.words('image' if known else 'screen')} ({done})"
    words = [f"{unit}{of}", *raw.report.notes, *places, counted, shares]
    if spread is not None:
        words.append(f"maps: {spread.words}")
    return f"{raw.place}{files}: {raw.report.title}; {'; '.join(words)}"


def warn_of(raw: RawGaze, found: Sequence[Framed], stated: Stated, warn: LineWriter) -> None:
    """Warn of units, screens and placements that look wrong."""
    doubts = list(dict.fromkeys(one.doubt for one in found if one.doubt))
    if len(doubts) > 1:
        doubts = [f"{doubts[0]} (and {len(doubts) - 1:,} more sizes)"]
    for unlikely in raw.report.warnings:
        warn(f"{raw.place}: {unlikely}")
    for hint in hints(Pool.of(found), doubts, stated, raw.unit):
        warn(f"{raw.place}: {hint}")
