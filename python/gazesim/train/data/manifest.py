"""Manifests: a CSV that lists images with their labels and gaze files."""

from __future__ import annotations

import csv
import os
import re
import warnings
from collections import Counter
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..._errors import did_you_mean, one_of, screen
from ..._progress import tell
from ...geometry import Box, Size, checked_box
from ...io.tables import Source, Table, fault, quoted
from .groups import shared_files_note
from .manifest_checks import (
    MISSING_LABELS,
    equal_images_note,
    label_note,
    patient_note,
    repeated_files,
    without_missing_labels,
)
from .splits import SPLITS

__all__ = ["Entry", "Manifest"]

COLUMNS = ("id", "image", "label", "split", "gaze", "heatmap", "group")
#: Written only where some row has them.
OPTIONAL = ("reader", "image_box", "screen_size", "mask", "box")
NEEDED = ("id", "image")


@dataclass(frozen=True)
class Entry:
    """One image of a manifest.

    Parameters
    ----------
    id
        Its name, distinct within a manifest; pairs are looked up by it.
    image
        A PNG, JPEG, TIFF, .npy or DICOM file.
    label
        Its class, by name or as a grade; "" where it is not known.
    split
        "train", "val", "test" or "".
    gaze, gaze_name
        A file that :func:`gazesim.read_scanpaths` reads, or None, and the name of the scanpath in it,
        if that is not ``id``.
    heatmap
        An image or .npy file of the gaze map, or None; counts before ``gaze`` where a map is needed.
    group
        The patient: a group never crosses a split or a fold; "": the image file is a group of its own.
    extra
        Further columns of the row, by name.
    line
        Its line in the file, for messages.
    reader
        The one reader in ``gaze`` that counts; "" for all.
    image_box, screen_size
        The place of the image: (x0, y0, x1, y1) on a screen of (width, height), both in screen pixels; None
        takes the options of the data.
    mask, box
        For evaluation: an image or .npy file that marks a region, and a region (x0, y0, x1, y1) in
        pixels of the image; or None.

    Examples
    --------
    >>> from pathlib import Path
    >>> from gazesim.train import Entry, Manifest
    >>> entries = [Entry("a", Path("a.png"), "benign", "train", group="patient 1"), Entry("b", Path("b.png"))]
    >>> Manifest(entries).entries[0].label
    'benign'
    """

    id: str
    image: Path
    label: str = ""
    split: str = ""
    gaze: Path | None = None
    gaze_name: str = ""
    heatmap: Path | None = None
    group: str = ""
    extra: Mapping[str, str] = field(default_factory=dict)
    line: int | None = None
    reader: str = ""
    image_box: Box | None = None
    screen_size: Size | None = None
    mask: Path | None = None
    box: Box | None = None


@dataclass(frozen=True)
class Manifest:
    """The images of a data set.

    Parameters
    ----------
    entries
        In order, with distinct ids.
    path
        The file it was read from, if any.

    Notes
    -----
    The CSV has a header and one row per image. Paths are relative to the CSV, or absolute.

    ===========  ====================================================================================
    ``id``       distinct; needed
    ``image``    PNG, JPEG, TIFF, .npy or DICOM; needed
    ``label``    a class, by name or as a grade; empty: not known
    ``split``    ``train``, ``val``, ``test`` or empty
    ``gaze``     a gaze file, or a folder of them, of any format that ``gazesim.read_scanpaths`` reads.
                 The scanpath with the row's ``id`` counts, or those of all its readers; ``file#name``
                 takes the one called ``name``. The only scanpath of a file serves a row of another name if
                 no other row names the file; a line on stderr says so
    ``heatmap``  a gaze map, as an image or .npy, such as ``gazesim predict-gaze run`` writes; at any
                 resolution with the proportions of the image, or squeezed to a square
    ``group``    the patient: a group never crosses a split or a fold
    ===========  ====================================================================================

    Columns that may be left out:

    ===============  ================================================================================
    ``reader``       the one reader in the gaze file that counts; empty: all
    ``image_box``    the place of the image on the screen, ``x0,y0,x1,y1`` in screen pixels
    ``screen_size``  ``width,height`` of that screen in pixels
    ``mask``         for evaluation, an image or .npy of two values that marks a region, at any
                     resolution with the proportions of the image
    ``box``          for evaluation, a region ``x0,y0,x1,y1`` in pixels of the image
    ===============  ================================================================================

    A row may have neither ``gaze`` nor ``heatmap``. Other columns are kept. Rows that name one image file
    (a row per lesion, or per reader) stay together in splits and folds, as those of a group do.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> import numpy as np
    >>> from gazesim.train import Manifest
    >>> with TemporaryDirectory() as folder:
    ...     np.save(Path(folder) / "a.npy", np.zeros((32, 32)))
    ...     _ = (Path(folder) / "all.csv").write_text("id,image,label,split\\na,a.npy,benign,train\\n")
    ...     manifest = Manifest.read(Path(folder) / "all.csv")
    >>> manifest.entries[0].label, len(manifest)
    ('benign', 1)
    """

    entries: tuple[Entry, ...]
    path: Path | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "entries", tuple(self.entries))
        if not self.entries:
            raise fault(self.path or "manifest", None, "holds no image; expected one per row")
        self._check_ids()
        self._check_groups()
        self._check_files()

    def __len__(self) -> int:
        return len(self.entries)

    def __repr__(self) -> str:
        splits = Counter(entry.split or "no split" for entry in self.entries)
        gaze = sum(entry.gaze is not None or entry.heatmap is not None for entry in self.entries)
        return f"Manifest(n={len(self)}, with_gaze={gaze}, splits={dict(splits)}, path={self.path})"

    @classmethod
    def read(
        cls,
        path: str | os.PathLike[str],
        *,
        labelled: bool = False,
        missing_labels: Collection[str] = MISSING_LABELS,
    ) -> Manifest:
        """Read and check a CSV; all its files have to exist.

        ``labelled`` refuses rows without a label. Labels among ``missing_labels`` (``nan``, ``NA``, ``None``,
        ``-``, ``?`` and the like, in any case) count as missing; ``()`` keeps such words as classes. Lines on
        stderr report this, and warn of images of different splits with the same pixels.

        Errors raise a ValueError that names file, line, column and value.
        """
        file = Path(path)
        if not file.is_file():
            raise FileNotFoundError(f"manifest is {str(path)!r}, which is no file; expected a CSV")
        table = Table(Source(file), NEEDED)
        _check_columns(table)
        entries = []
        for row in table:
            cells = {name: row.optional(name) for name in (*COLUMNS, *OPTIONAL)}
            for name in NEEDED:
                if not cells[name]:
                    raise fault(file, row.line, f"column {name!r} is empty; expected a value")
            entries.append(_entry(table, row.line, cells, file, row.optional))
        known = without_missing_labels(entries, missing_labels)
        for entry, written in zip(known, entries, strict=True):
            if labelled and not entry.label:
                problem = f"is {quoted(written.label)}" if written.label else "is empty"
                raise fault(file, entry.line, f"column 'label' {problem}; expected a value")
        manifest = cls(known, file)
        for note in (
            label_note(entries, known),
            patient_note(table.columns, known),
            shared_files_note(known),
        ):
            if note:
                tell(f"{file}: {note}")
        if note := equal_images_note(known):
            warnings.warn(f"{file}: {note}", stacklevel=2)
        return manifest

    def write(self, path: str | os.PathLike[str]) -> None:
        """Write the CSV, whole or not at all; files below or beside its folder are named relative to it."""
        target = Path(path)
        used = [name for name in OPTIONAL if any(getattr(entry, name) for entry in self.entries)]
        more = list(dict.fromkeys(name for entry in self.entries for name in entry.extra))
        partial = target.with_name(f"{target.name}.part")
        with partial.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow([*COLUMNS, *used, *more])
            for entry in self.entries:
                gaze = _relative(entry.gaze, target) + (f"#{entry.gaze_name}" if entry.gaze_name else "")
                image, heatmap = _relative(entry.image, target), _relative(entry.heatmap, target)
                cells = [entry.id, image, entry.label, entry.split, gaze, heatmap, entry.group]
                cells += [_cell(getattr(entry, name), target) for name in used]
                writer.writerow([*cells, *(entry.extra.get(name, "") for name in more)])
        partial.replace(target)

    def _check_ids(self) -> None:
        seen: dict[str, Entry] = {}
        for entry in self.entries:
            if entry.id in seen:
                before = _where(seen[entry.id])
                raise self._fault(entry, "id", entry.id, f"a distinct id, but {before} has it")
            seen[entry.id] = entry

    def _check_groups(self) -> None:
        homes: dict[str, Entry] = {}
        for entry in self.entries:
            if not entry.group or not entry.split:
                continue
            first = homes.setdefault(entry.group, entry)
            if first.split != entry.split:
                raise self._fault(
                    entry,
                    "split",
                    entry.split,
                    f"{first.split!r}, in which {_where(first)} has the same group {entry.group!r}",
                )

    def _check_files(self) -> None:
        if (found := repeated_files(self.entries)) is not None:
            first, second = found
            expected = f"{first.split!r}, in which {_where(first)} has the same image {first.image}"
            raise self._fault(second, "split", second.split, expected)

    def _fault(self, entry: Entry, column: str, value: str, expected: str) -> ValueError:
        problem = f"column {column!r} is {quoted(value)}; expected {expected}"
        return fault(self.path or "manifest", entry.line, problem)


def _check_columns(table: Table) -> None:
    """Raise for a column whose name is similar to that of a missing one."""
    for name in table.columns:
        missing = [known for known in COLUMNS if known not in table]
        if name and name not in (*COLUMNS, *OPTIONAL) and (hint := did_you_mean(name.lower(), missing)):
            raise fault(table.path, table.header_line, f"names a column {name!r}{hint}")
    for name in (*COLUMNS, *OPTIONAL):
        if table.columns.count(name) > 1:
            problem = f"names the column {name!r} twice; expected distinct columns"
            raise fault(table.path, table.header_line, problem)


def _entry(
    table: Table, line: int, cells: dict[str, str], file: Path, optional: Callable[[str], str]
) -> Entry:
    if cells["split"] not in SPLITS:
        known = one_of(split for split in SPLITS if split)
        problem = f"column 'split' is {quoted(cells['split'])}; expected {known}, or nothing"
        raise fault(file, line, problem + did_you_mean(cells["split"], SPLITS[:3]))
    gaze, name = _gaze(file.parent, cells["gaze"])
    image = file.parent / cells["image"]
    _check_there(file, line, "image", cells["image"], image)
    if gaze is not None and not gaze.is_dir():
        _check_there(file, line, "gaze", cells["gaze"], gaze)
    return Entry(
        cells["id"],
        image,
        cells["label"],
        cells["split"],
        gaze,
        name,
        group=cells["group"],
        extra={name: optional(name) for name in table.columns if name and name not in (*COLUMNS, *OPTIONAL)},
        line=line,
        reader=cells["reader"],
        **checked_cells(file, line, cells),
    )


def checked_cells(file: Path, line: int, cells: Mapping[str, str]) -> dict[str, Any]:
    """Return the fields of an :class:`Entry` in cells that name maps, masks and boxes; None where empty.

    Files are relative to the folder of ``file``; missing columns have no field.
    """
    fields: dict[str, Any] = {}
    for column in ("heatmap", "mask"):
        if column in cells:
            fields[column] = file.parent / cells[column] if cells[column] else None
            if fields[column] is not None:
                _check_there(file, line, column, cells[column], fields[column])
    for column, check in (("image_box", checked_box), ("screen_size", screen), ("box", checked_box)):
        if column in cells:
            fields[column] = _numbers(file, line, cells, column, check)
    return fields


def _check_there(file: Path, line: int, column: str, cell: str, place: Path) -> None:
    if not place.is_file():
        problem = f"column {column!r} is {quoted(cell)}; expected a file, but there is no {place}"
        raise fault(file, line, problem)


def _numbers(
    file: Path, line: int, cells: Mapping[str, str], column: str, check: Callable[[str, Any], Any]
) -> Any:
    """Return the numbers of a cell such as ``0,0,640,480`` or ``1920x1080``, or None if it is empty."""
    if not cells[column]:
        return None
    parts = re.split(r"\s*[,;x×]\s*|\s+", cells[column].strip("[]() "))
    try:
        values = [float(part) for part in parts]
        return check(column, values)
    except (ValueError, TypeError):
        kind = "width,height" if column == "screen_size" else "x0,y0,x1,y1 with x0 < x1 and y0 < y1"
        problem = f"column {column!r} is {quoted(cells[column])}; expected {kind} in pixels"
        raise fault(file, line, problem) from None


def _cell(value: Any, target: Path) -> str:
    """Return the text of an optional cell."""
    if isinstance(value, Path):
        return _relative(value, target)
    return ",".join(f"{side:.17g}" for side in value) if isinstance(value, tuple) else value or ""


def _gaze(folder: Path, cell: str) -> tuple[Path | None, str]:
    """Return the file and the name after ``#``, unless ``#`` is part of the file name."""
    if not cell:
        return None, ""
    file, mark, name = cell.rpartition("#")
    if mark and not (folder / cell).is_file():
        return folder / file, name
    return folder / cell, ""


def _relative(file: Path | None, target: Path) -> str:
    if file is None:
        return ""
    try:
        return Path(os.path.relpath(file, target.parent)).as_posix()
    except ValueError:  # another drive
        return str(file.resolve())


def _where(entry: Entry) -> str:
    return f"image {entry.id!r}" if entry.line is None else f"line {entry.line}"
