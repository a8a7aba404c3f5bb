"""Join images, gaze files and a table of labels to a manifest, by rules that are reported."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from ...geometry import place_image
from ...io import write_table
from ...io.sources import fault
from ...reading.names import Names
from ...reading.options import GazeOptions
from ...reading.raw import RawGaze, RawScanpath, read_raw
from ...reading.source import image_of
from ...scanpaths import Scanpaths
from .groups import groups_of
from .image_sizes import IMAGE_ENDINGS, image_files, image_size
from .label_table import GROUP_COLUMNS, ID_COLUMNS, LABEL_COLUMNS, SPLIT_COLUMNS, add_labels, lacking, near
from .manifest import Entry, Manifest
from .splits import split_by_group

__all__ = ["ID_COLUMNS", "LABEL_COLUMNS", "Joined", "add_gaze", "join", "with_splits"]


@dataclass
class Joined:
    """A manifest, and a report on what was joined."""

    manifest: Manifest
    #: Lines on what was joined, what was not, and names with a similar spelling.
    words: list[str] = field(default_factory=list)
    images_without_gaze: list[str] = field(default_factory=list)
    gaze_without_image: list[str] = field(default_factory=list)
    rows_without_image: list[str] = field(default_factory=list)


def join(
    images: Sequence[str | Path],
    gaze: Sequence[str | Path] = (),
    *,
    labels: str | Path | None = None,
    options: GazeOptions | None = None,
    id_column: str | None = None,
    label_column: str | None = None,
    group_column: str | None = None,
    split_column: str | None = None,
    takes_splits: bool = True,
    table: str | Path | None = None,
    outputs: Sequence[Path] = (),
) -> Joined:
    """Join images with their gaze and labels.

    Parameters
    ----------
    images
        Folders of images, or image files. An image's id is its path below its folder without the ending,
        or its file name without it where no two images share one.
    gaze
        Gaze files or folders, read with ``options``.
    labels
        A table (comma, semicolon or tab) with a column of image names, and columns of classes, groups
        (patients) and splits; found by their usual names unless ``id_column`` and the others name them.
        Other columns are kept; files in ``mask`` and ``heatmap`` are relative to the table.
    takes_splits
        Whether splits are read from the labels.
    table
        Where a table of fixations (.csv) is written if the gaze of an image is in several files.
    outputs
        Files that the caller will write (its argument ``out``); a ValueError if one of them is read here.

    Where ``options`` state a placement, an image box or a screen, every row with gaze states its own
    ``image_box`` and ``screen_size``.

    A name in a gaze file or table is that of an image if it is equal, else without extension, without
    folder, without both, or in any case of letters; a name that fits two images fits none.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> import numpy as np
    >>> from gazesim.train.data.joining import join
    >>> with TemporaryDirectory() as folder:
    ...     np.save(Path(folder) / "a.npy", np.zeros((8, 8)))
    ...     _ = (Path(folder) / "gaze.csv").write_text("image_id,x,y,duration\\nA.png,1,2,0.1\\n")
    ...     joined = join([folder], [Path(folder) / "gaze.csv"])
    >>> joined.manifest.entries[0].gaze_name, joined.gaze_without_image
    ('A.png', [])
    """
    files = _images(images)
    written = [*outputs, *([] if table is None else [Path(table)])]
    _refuse_overwriting(written, "labels", [] if labels is None else [Path(labels)])
    _refuse_overwriting(written, "images", files.values())
    if options is not None and options.reading.metadata is not None:
        _refuse_overwriting(written, "metadata", [options.reading.metadata])
    ids = _ids_of(files)
    names = Names(files)
    entries = {file: Entry(ids[file], path) for file, path in files.items()}
    joined = Joined(Manifest(tuple(entries.values())))
    joined.words.append(f"{len(entries):,} images")
    if gaze:
        sources = [read_raw(place, options or GazeOptions()) for place in gaze]
        for raw in sources:
            _refuse_overwriting(outputs, "gaze", set(raw.came_from.values()))
        _add_gaze(entries, sources, names, joined, table)
        for name, entry in entries.items():
            entries[name] = _placed(entry, options or GazeOptions())
    if labels is not None:
        columns: dict[str, tuple[str | None, tuple[str, ...]]] = {
            "label": (label_column, LABEL_COLUMNS),
            "group": (group_column, GROUP_COLUMNS),
        }
        if takes_splits:
            columns["split"] = (split_column, SPLIT_COLUMNS)
        words, joined.rows_without_image = add_labels(entries, Path(labels), names, id_column, columns)
        joined.words += words
    if gaze:
        joined.images_without_gaze = [one.id for one in entries.values() if one.gaze is None]
        joined.words += lacking(joined.images_without_gaze, "images without gaze", [])
    joined.manifest = Manifest(tuple(entries.values()))
    return joined


def _refuse_overwriting(outputs: Iterable[Path], argument: str, inputs: Iterable[Path]) -> None:
    """Raise a ValueError if a file that will be written is a file that ``argument`` names."""
    present = {
        (state.st_dev, state.st_ino): one for one in outputs if one.is_file() and (state := one.stat())
    }
    if not present:
        return
    for file in inputs:
        if not file.is_file():
            continue
        state = file.stat()
        if (out := present.get((state.st_dev, state.st_ino))) is not None:
            raise ValueError(
                f"out would overwrite {out}, which {argument} names as a file to read; expected another out"
            )


def add_gaze(
    entries: Sequence[Entry], places: Sequence[Path], options: GazeOptions | None = None
) -> tuple[list[Entry], list[str]]:
    """Return rows with the gaze of their ids in files or folders, and lines on what was joined.

    Names match by the rules of :func:`join`.
    """
    by_id = {entry.id: entry for entry in entries}
    joined = Joined(Manifest(tuple(entries)))
    sources = [read_raw(place, options or GazeOptions()) for place in places]
    _add_gaze(by_id, sources, Names(by_id), joined, None)
    return list(by_id.values()), joined.words


def _images(places: Sequence[str | Path]) -> dict[str, Path]:
    """Return image files by the name that ids are made from: the path below the folder."""
    found: dict[str, Path] = {}
    for place in places:
        path = Path(place)
        if path.is_file() and path.suffix.lower() not in IMAGE_ENDINGS:
            raise ValueError(
                f"{place} is no image; expected {', '.join(IMAGE_ENDINGS)} (several gaze files are given "
                "with commas between them)"
            )
        inside = {path.name: path} if path.is_file() else image_files(path)
        for name, file in inside.items():
            key = name if name not in found else str(file)
            found[key] = file.resolve()
    return found


def _ids_of(files: dict[str, Path]) -> dict[str, str]:
    """Return an id for every image: the shortest of three that is distinct for all."""
    for make in (lambda name: Path(name).stem, lambda name: Path(name).with_suffix("").as_posix(), str):
        ids = {name: str(make(name)) for name in files}
        if len(set(ids.values())) == len(ids):
            break
    return ids


def _add_gaze(
    entries: dict[str, Entry],
    sources: Sequence[RawGaze],
    names: Names,
    joined: Joined,
    table: str | Path | None,
) -> None:
    """Give every image the scanpaths of its name in the gaze files and folders."""
    found: dict[str, dict[tuple[Path, str], list[tuple[Hashable, RawScanpath]]]] = {}
    for raw in sources:
        rules: Counter[str] = Counter()
        images: set[str] = set()
        lost: dict[str, None] = {}
        for key, one in raw.scanpaths.items():
            wanted = str(image_of(key))
            image, rule = names.find(wanted), names.rule_of(wanted)
            if image is None or rule is None:
                lost[wanted] = None
                continue
            rules["exact id" if wanted == entries[image].id else rule] += 1
            images.add(image)
            place = raw.came_from[key].resolve(), wanted
            found.setdefault(image, {}).setdefault(place, []).append((key, one))
        how = "; ".join(f"{count:,} by {rule}" for rule, count in rules.most_common())
        joined.words.append(
            f"{raw.place}: {rules.total():,} of {len(raw.scanpaths):,} scanpaths joined with "
            f"{len(images):,} images{f' ({how})' if how else ''}"
        )
        joined.gaze_without_image += list(lost)
        joined.words += [f"warning: {raw.place}: {one}" for one in raw.report.unread_warnings]
        joined.words += lacking(list(lost), f"names in {raw.place} without an image", near(lost, names))
    if any(len(places) > 1 for places in found.values()):
        _put_together(entries, found, joined, table)
        return
    for image, places in found.items():
        file, wanted = next(iter(places))
        spelled = "" if wanted == entries[image].id else wanted
        entries[image] = replace(entries[image], gaze=file, gaze_name=spelled)


def _put_together(
    entries: dict[str, Entry],
    found: dict[str, dict[tuple[Path, str], list[tuple[Hashable, RawScanpath]]]],
    joined: Joined,
    table: str | Path | None,
) -> None:
    """Write the gaze of all files as one table of fixations if that of an image is in several files."""
    if table is None:
        image = next(image for image, places in found.items() if len(places) > 1)
        several = " and ".join(file.name for file, _ in list(found[image])[:2])
        raise ValueError(f"gaze of image {entries[image].id!r} is in {several}; expected one file, or table=")
    _refuse_overwriting([Path(table)], "gaze", {file for places in found.values() for file, _ in places})
    paths: dict[Hashable, Any] = {}
    for image, places in found.items():
        for (file, _), scanpaths in places.items():
            for key, one in scanpaths:
                path = one.path.copy()
                if one.unit != "px":
                    if one.frame is None:
                        raise fault(file, None, "has fractions of an unknown screen; expected screen_size")
                    path[:, :2] *= one.frame
                reader = str(key[1]) if isinstance(key, tuple) else file.stem
                name = entries[image].id, reader
                if name in paths:
                    name = entries[image].id, f"{reader} ({file.stem})"
                if len(path):
                    paths[name] = path
        entries[image] = replace(entries[image], gaze=Path(table).resolve())
    write_table(Scanpaths.from_list(paths.values(), ids=paths), table)
    joined.words.append(f"wrote {table}: {len(paths):,} scanpaths of several files, x and y in px, s")


def _placed(entry: Entry, options: GazeOptions) -> Entry:
    """Return a row with the image box and screen size that the options give."""
    screen, box = options.screen_size, options.image_box
    if entry.gaze is None or (screen is None and options.placement is None and box is None):
        return entry
    if options.placement is not None:
        size = image_size(entry.image)
        screen = size if options.placement == "native" else screen
        if screen is not None:
            box = place_image(options.placement, size, screen)
    return replace(entry, screen_size=screen, image_box=box)


def with_splits(manifest: Manifest, seed: int = 0) -> Manifest:
    """Return a manifest split 70, 10 and 20 % by seed, stratified by class; rows of a group stay together."""
    splits = split_by_group(
        [entry.label for entry in manifest.entries],
        groups_of(manifest.entries),
        fractions={"train": 0.7, "val": 0.1, "test": 0.2},
        seed=seed,
    )
    pairs = zip(manifest.entries, splits, strict=True)
    return Manifest(tuple(replace(entry, split=split) for entry, split in pairs))
