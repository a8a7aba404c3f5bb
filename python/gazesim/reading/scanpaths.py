"""``gazesim.read_scanpaths``: gaze files as scanpaths on the screen, or on the images shown there."""

from __future__ import annotations

import os
from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any

from .._errors import describe, number, numbers
from ..geometry import Box, Size, checked_box
from ..io import read
from ..io.reading import say
from ..scanpaths import Scanpaths
from .options import GazeOptions
from .source import read_placed

__all__ = ["read_scanpaths"]

ImageSize = Sequence[float] | Mapping[Any, Sequence[float]] | None


def read_scanpaths(
    path: Any,
    *,
    format: str | None = None,
    time_unit: str | None = None,
    coord_unit: str | None = None,
    screen_size: Sequence[float] | None = None,
    placement: str | None = None,
    image_box: Sequence[float] | None = None,
    image_size: ImageSize = None,
    off_image: str = "keep",
    sampling_rate: float | None = None,
    eye: str | None = None,
    metadata: str | os.PathLike[str] | None = None,
    by: str | None = None,
    missing: Any = None,
    columns: str | Mapping[str, str] | None = None,
    on_bad_row: str = "raise",
    spanning: str = "start",
    offset: str | Sequence[float] | os.PathLike[str] | None = None,
    verbose: bool = True,
) -> Scanpaths:
    """Read a gaze file, every gaze file of a folder, or a frame, as scanpaths in pixels and seconds.

    One line on stderr states the format, its units and what they were converted to, how much was read
    and what was left out. :func:`gazesim.io.read` returns the same as a report.

    Parameters
    ----------
    path
        A file (also ``.gz``, or ``.zip`` of one file), a folder (with its subfolders) of files of one
        format, or a pandas or polars frame that is a tidy table or the events of pymovements.
    format
        A name from ``gazesim.io.FORMATS``; default: recognised from the content.
    time_unit
        Unit of the durations in the file, where the format's own is wrong: ``"s"``, ``"ms"``,
        ``"us"``, ``"ns"`` or ``"samples"``.
    coord_unit
        Unit of the coordinates in the file: ``"px"``, ``"fraction"`` or ``"percent"`` of the screen.
    screen_size
        (width, height) in pixels; default: what the file states, else the format's own. Where a
        data set states the size of every image, all are scaled to this one.
    placement
        Where the images were on the screen, if the file has screen coordinates: ``"fit"`` (as large as
        possible, centred), ``"stretch"`` (over all of it), ``"center"`` (at their own size) or ``"native"``
        (x and y are pixels of the image already); see :func:`gazesim.geometry.place_image`. The scanpaths
        are then in pixels of the images; a warning is given if unit, screen or placement look wrong.
    image_box
        The place of all images, (x0, y0, x1, y1) in pixels of the screen, instead of ``placement``.
    image_size
        (width, height) in pixels of all images, or of each by image id in a mapping, which placements need.
        Default with ``image_box``: the size of the box.
    off_image
        What happens to fixations outside of the image (of the screen, if the image is not known):
        ``"keep"``, ``"clip"`` to the nearest point inside, or ``"drop"``. Scanpaths stay, even empty.
    sampling_rate
        Hz, where durations are counted in samples.
    eye
        ``"left"`` or ``"right"``, where a file holds both; ``"best"`` (of each scanpath the eye that
        fixated longer) or ``"average"`` (fixations of both eyes that overlap in time are merged).
        Default: left, and right where a scanpath has no left one. A given eye is the only one taken.
    metadata
        The table that comes with a data set: EGD-CXR's master sheet (borders of the images),
        REFLACX's metadata (images and their sizes). Default: the one beside the file, if any.
    by
        What names the image: columns of a table, with commas between them, or a pattern (regular
        expression) of the messages of a recording, whose first group is the name of what is shown
        from then on; for EyeLink also a trial variable. Default: what the format has.
    missing
        Numbers, or pairs (x, y), that mean "no gaze", besides the format's own codes: ``-1``,
        ``(0, 0)``, ``"-1,-1 9999"``. Fixations without a place are left out and counted.
    columns
        Columns of any other table of fixations: ``"x=gx,y=gy,duration=dur,image=stim"``; roles are
        x, y, duration (or start and end), image, reader, trial and eye.
    on_bad_row
        ``"raise"`` refuses a file with a damaged row; ``"skip"`` leaves the row out and counts it.
    spanning
        A fixation during which the image changes belongs to the image at its ``"start"``; or
        ``"split"`` its duration, or ``"drop"`` it.
    offset
        Drift to subtract, how far recorded gaze lies from where people looked: (dx, dy) or ``"dx,dy"`` in
        the unit of the file, a table with the columns recording, dx and dy, or ``"validation"``, the mean
        error of each EyeLink recording's validation.
    verbose
        False prints nothing.

    Returns
    -------
    Scanpaths
        Ids are image ids, or (image_id, reader_id) where the format tells readers apart. With
        ``placement`` or ``image_box`` in pixels of the images: ``screen_size`` is the size of the images,
        None where these differ.

    Raises
    ------
    ValueError
        For files of no known format and for bad rows; names the file, line, column and value.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> from gazesim import read_scanpaths
    >>> with TemporaryDirectory() as folder:
    ...     file = Path(folder) / "cxr.json"
    ...     _ = file.write_text('[{"image_id": "a", "gaze_x": [0.5], "gaze_y": [0.25], "time": [30]}]')
    ...     paths = read_scanpaths(file, verbose=False)
    >>> paths["a"].tolist()
    [[512.0, 256.0, 0.5]]
    >>> with TemporaryDirectory() as folder:
    ...     file = Path(folder) / "gaze.csv"
    ...     _ = file.write_text("image_id,x,y,duration\\na,960,540,0.2\\n")
    ...     paths = read_scanpaths(
    ...         file, screen_size=(1920, 1080), placement="fit", image_size=(1024, 1536), verbose=False
    ...     )
    >>> paths["a"].tolist(), paths.screen_size
    ([[512.0, 768.0, 0.2]], (1024.0, 1536.0))
    """
    options: dict[str, Any] = {
        "format": format,
        "time_unit": time_unit,
        "coord_unit": coord_unit,
        "screen_size": screen_size,
        "off_image": off_image,
        "sampling_rate": sampling_rate,
        "eye": eye,
        "metadata": metadata,
        "by": by,
        "missing": missing,
        "columns": columns,
        "on_bad_row": on_bad_row,
        "spanning": spanning,
        "offset": offset,
    }
    if placement is None and image_box is None:
        if image_size is not None:
            raise ValueError(
                f"image_size is {describe(image_size)} without placement or image_box; expected one of them"
            )
        return read(path, verbose=verbose, **options).scanpaths
    if not isinstance(path, (str, os.PathLike)):
        raise TypeError(
            f"path is {describe(path)} beside placement or image_box; expected a file or folder, or "
            "gazesim.geometry.to_image for coordinates in memory"
        )
    placed = read_placed(
        path,
        GazeOptions(placement=placement, image_box=_box(image_box), **options),
        image_size=sizes_of(image_size),
        say=say if verbose else None,
    )
    return placed.on_images()


def sizes_of(image_size: ImageSize) -> Callable[[Hashable], Size | None]:
    """Return a function of the image id that returns (width, height) in pixels, or None."""
    if image_size is None or isinstance(image_size, Mapping):
        given = image_size or {}
        known = {name: _size(f"image_size[{name!r}]", size) for name, size in given.items()}
        return lambda name: known.get(name, known.get(str(name)))
    size = _size("image_size", image_size)
    return lambda name: size


def _size(argument: str, given: Any) -> Size:
    width, height = numbers(argument, given, 2)
    for axis, side in enumerate((width, height)):
        number(f"{argument}[{axis}]", side, low=0.0, open_low=True)
    return width, height


def _box(given: Sequence[float] | None) -> Box | None:
    return None if given is None else checked_box("image_box", tuple(given))
