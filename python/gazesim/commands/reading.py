"""The options of all verbs that read gaze files."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Callable, Collection, Hashable
from dataclasses import dataclass
from inspect import signature
from pathlib import Path
from typing import Any

from ..geometry import Size
from ..io.reading import options_from
from ..io.tables import Source
from ..reading.frames import ScreenMissing
from ..reading.names import Names
from ..reading.options import GazeOptions
from ..reading.placed import PlacedGaze
from ..reading.source import image_of, read_placed, unknown
from .options import option_words

__all__ = [
    "CARRIED",
    "FILE_OPTIONS",
    "GazeSource",
    "files_in",
    "gaze_file_of",
    "gaze_of_manifest",
    "given",
    "given_again",
    "is_manifest",
    "read_gaze",
    "refuse_without",
    "sizes_in",
    "warn_line",
]


#: The options of ``read_gaze`` that ``read_scanpaths`` has as well.
FILE_OPTIONS = frozenset({"format", *signature(options_from).parameters})


@dataclass(frozen=True)
class GazeSource:
    """A gaze file, and the options with which it is read."""

    path: str
    options: GazeOptions

    def placed(self, image_size: Callable[[Hashable], Size | None] = unknown, **changes: Any) -> PlacedGaze:
        """Read the file; ``image_size`` returns an image's size by its id, ``changes`` are more options."""
        options = dataclasses.replace(self.options, **changes)
        try:
            return read_placed(
                self.path,
                options,
                image_size=image_size,
                say=_line,
                warn=warn_line,
            )
        except ScreenMissing as error:
            raise ScreenMissing(
                f"screen_size is missing ({error}); expected --screen_size WIDTH,HEIGHT in pixels, such as "
                "1920,1080, or the image files"
            ) from None


def read_gaze(
    path: str,
    *,
    format: str | None = None,
    time_unit: str | None = None,
    coord_unit: str | None = None,
    screen_size: tuple[float, float] | None = None,
    placement: str | None = None,
    image_box: tuple[float, float, float, float] | None = None,
    screen_cm: tuple[float, float] | None = None,
    distance_cm: float | None = None,
    sampling_rate: float | None = None,
    eye: str | None = None,
    off_image: str = "keep",
    metadata: str | None = None,
    by: str | None = None,
    missing: str | None = None,
    columns: str | None = None,
    on_bad_row: str = "raise",
    spanning: str = "start",
    offset: str | None = None,
) -> GazeSource:
    """Return a gaze file or folder with checked options. A verb with ``**reading`` has these options.

    Args:
        path: A gaze file, or a folder of gaze files.
        format: Name of the file format; default: recognised from the content.
        time_unit: Unit of the durations in the file (s, ms, us, ns, samples), if not the format's own.
        coord_unit: Unit of the coordinates in the file (px, fraction, percent), if not the format's own.
        screen_size: Width and height in pixels, such as 1920,1080; default: the file's or the format's own.
        placement: Where images were on the screen: fit (as large as possible, centred), stretch (over all of
            it), center (at their own size) or native (x and y are pixels of the image).
        image_box: Where images were on the screen, x0,y0,x1,y1 in pixels, instead of a placement.
        screen_cm: Width and height of the screen in centimetres; with distance_cm, maps are drawn with a
            standard deviation of 1 degree.
        distance_cm: Distance from the eye to the screen in centimetres.
        sampling_rate: Hz, where durations are counted in samples.
        eye: left, right, best or average, where a file holds both; default: left, else right.
        off_image: What happens to fixations outside of the image: keep, clip or drop.
        metadata: The table that comes with a data set (EGD-CXR, REFLACX); default: the one beside the file.
        by: Columns, or a pattern of messages, that name the image; default: what the format has.
        missing: Numbers and pairs that mean no gaze, such as "-1,-1 9999".
        columns: Columns of any other table, such as x=gx,y=gy,duration=dur,image=stim.
        on_bad_row: raise refuses a file with a damaged row, skip leaves the row out and counts it.
        spanning: Fixations during which the image changes: start (image at their start), split or drop.
        offset: Drift to subtract: dx,dy, a table (recording,dx,dy), or validation (EyeLink's own).
    """
    return GazeSource(
        path,
        GazeOptions(
            format=format,
            time_unit=time_unit,
            coord_unit=coord_unit,
            screen_size=screen_size,
            placement=placement,
            image_box=image_box,
            screen_cm=screen_cm,
            distance_cm=distance_cm,
            sampling_rate=sampling_rate,
            eye=eye,
            off_image=off_image,
            metadata=metadata,
            by=by,
            missing=missing,
            columns=columns,
            on_bad_row=on_bad_row,
            spanning=spanning,
            offset=offset,
        ),
    )


def is_manifest(path: str) -> bool:
    """Return whether a file is a manifest: a table with the columns id and image."""
    file = Path(path)
    return file.suffix.lower() in (".csv", ".tsv") and file.is_file() and Source(file).has("id", "image")


def gaze_file_of(path: str) -> str:
    """Return the gaze file at a path: the first one that a manifest names, or the path itself."""
    if not is_manifest(path):
        return path
    from ..train.data.manifest import Manifest

    found = (entry.gaze for entry in Manifest.read(path).entries)
    return str(next((file for file in found if file is not None), path))


def gaze_of_manifest(source: GazeSource, **changes: Any) -> PlacedGaze:
    """Return the gaze of all images of a manifest, by their ids there."""
    from ..train.data.gaze_files import ManifestGaze
    from ..train.data.manifest import Manifest

    manifest = Manifest.read(source.path)
    gaze = ManifestGaze(manifest.entries, dataclasses.replace(source.options, **changes), manifest.path)
    if not any(entry.gaze is not None for entry in manifest.entries):
        raise ValueError(f"{source.path} names no gaze; expected gaze files in its column gaze")
    gaze.tell(_line, warn_line)
    without = [entry.id for entry in manifest.entries if entry.gaze is None]
    if without:
        some = ", ".join(map(repr, without[:3])) + (", ..." if len(without) > 3 else "")
        _line(
            f"{source.path}: {len(without)} of {len(manifest)} images have no gaze, and are left out: {some}"
        )
    return gaze.placed


def _line(text: str) -> None:
    print(f"gazesim: {text}", file=sys.stderr)


def warn_line(text: str) -> None:
    """Say what looks wrong about gaze, in a line."""
    _line(f"warning: {text}")


def given(reading: dict[str, Any]) -> list[str]:
    """Return the names of the options that differ from their defaults."""
    defaults = signature(read_gaze).parameters
    return [name for name, value in reading.items() if value != defaults[name].default]


#: Options that a manifest states for every image; the others have to be given again with it.
CARRIED = ("screen_size", "placement", "image_box")


def given_again(reading: dict[str, Any], carried: Collection[str] = ()) -> list[str]:
    """Return the words of the options that differ from their defaults, without those that are carried."""
    names = (name for name in given(reading) if name not in carried)
    return [word for name in names for word in option_words(name, reading[name])]


def refuse_without(option: str, reading: dict[str, Any]) -> None:
    """Raise ValueError if options for reading gaze are given, but ``option``, the gaze file, is not."""
    if lone := given(reading):
        raise ValueError(f"--{lone[0]} is given without --{option}; expected --{option} FILE beside it")


def sizes_in(images: str | None) -> Callable[[Hashable], Size | None]:
    """Return a function that finds the size of an image of a folder by its id."""
    if images is None:
        return unknown
    from ..train.data.image_sizes import image_size

    file_of = files_in(images)
    known: dict[Path, Size] = {}

    def find(image: Hashable) -> Size | None:
        file = file_of(image)
        if file is not None and file not in known:
            known[file] = image_size(file)
        return None if file is None else known[file]

    return find


def files_in(images: str) -> Callable[[Hashable], Path | None]:
    """Return a function that finds the file of an image, in a folder and its subfolders, by its id."""
    from ..train.data.image_sizes import image_files

    files = image_files(Path(images))
    names = Names(files)

    def find(image: Hashable) -> Path | None:
        found = names.find(str(image_of(image)))
        return None if found is None else files[found]

    return find
