"""Folders of predicted gaze maps: calls add to them, and a map keeps its image and its predictor."""

from __future__ import annotations

import csv
import io
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from ..._errors import choice
from ..data.images import Image, write_map

__all__ = ["FORMATS", "MapFolder"]

FORMATS = ("npy", "png")
IDS, RECORD = "ids.txt", "maps.csv"
COLUMNS = ("id", "format", "image_sha256", "model_sha256")


class Origin(NamedTuple):
    """What a map was drawn from, the columns of maps.csv after the id."""

    format: str
    image: str
    model: str


class MapFolder:
    """A folder with a gaze map per image, ids.txt with the ids of all of them, and maps.csv.

    maps.csv says for every map its file format, and the hashes of the image and of the predictor that it was
    drawn from. A map that exists is kept; a map with the same id but another image or predictor is refused.
    A map is written whole or not at all, so that an interrupted call can be repeated.

    Parameters
    ----------
    folder
        Created if it does not exist.
    model
        A hash of the predictor.
    format
        "npy" (float32) or "png" (8 bits).

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> import numpy as np
    >>> from gazesim.train.saliency.map_folder import MapFolder
    >>> with TemporaryDirectory() as place:
    ...     folder = MapFolder(place, model="1f")
    ...     folder.add("left/a", "2e", np.ones((4, 4), np.float32))
    ...     folder.write_ids()
    ...     folder.holds("left/a", "2e"), folder.path_of("left/a").name, folder.ids
    (True, 'a.npy', ['left/a'])
    """

    def __init__(self, folder: str | Path, *, model: str, format: str = "npy") -> None:
        self.folder = Path(folder)
        self.model = model
        self.format = choice("format", format, FORMATS)
        self.folder.mkdir(parents=True, exist_ok=True)
        self._origins = self._read()
        self._without_origin = self._unrecorded()

    @property
    def ids(self) -> list[str]:
        """The ids of all maps, in the order in which they were drawn."""
        return [*self._without_origin, *self._origins]

    def path_of(self, name: str) -> Path:
        """Return the file of the map of an id; an id such as ``set/a`` has its map in a subfolder."""
        parts = PurePosixPath(name).parts
        if not parts or name.startswith("/") or any(part in ("..", ".") for part in parts) or "\n" in name:
            raise ValueError(
                f"id {name!r} is no name for a file below {self.folder}; expected a path without .."
            )
        return self.folder / f"{name}.{self.format}"

    def holds(self, name: str, image: str) -> bool:
        """Return whether the map of an image exists; raise ValueError if its id belongs to another map."""
        if name in self._without_origin:
            raise ValueError(
                f"{self.folder} holds a map of {name!r}, and {RECORD} does not say of which image; "
                "expected another folder"
            )
        before = self._origins.get(name)
        if before is None:
            return False
        now = Origin(self.format, image, self.model)
        if before != now:
            what = next(
                f"{word} {old[:12]}, and now {new[:12]}"
                for word, old, new in zip(("format", "image", "predictor"), before, now, strict=True)
                if old != new
            )
            raise ValueError(
                f"{self.folder} holds a map of {name!r} already, drawn with {what}; expected another folder"
            )
        return self.path_of(name).is_file()

    def add(self, name: str, image: str, gaze: Image) -> None:
        """Write the map of an image, and then its row."""
        file = self.path_of(name)
        file.parent.mkdir(parents=True, exist_ok=True)
        write_map(file, gaze)
        row = Origin(self.format, image, self.model)
        if self._origins.get(name) != row:
            with (self.folder / RECORD).open("a", newline="", encoding="utf-8") as record:
                record.write(_line(name, *row))
            self._origins[name] = row

    def write_ids(self) -> None:
        """Write ids.txt, whole or not at all: an id per line, in the order in which maps were drawn."""
        self._origins = self._read()  # other processes may draw into the same folder
        partial = self.folder / f"{IDS}.part"
        partial.write_text("".join(f"{name}\n" for name in self.ids), encoding="utf-8")
        partial.replace(self.folder / IDS)

    def _read(self) -> dict[str, Origin]:
        """Return the rows of maps.csv; remove a last line that was cut short."""
        file = self.folder / RECORD
        if not file.is_file():
            file.write_text(_line(*COLUMNS), encoding="utf-8")
            return {}
        with file.open(newline="", encoding="utf-8") as record:
            text = record.read()
        whole = text[: text.rfind("\n") + 1]
        if whole != text:
            file.write_text(whole or _line(*COLUMNS), encoding="utf-8")
        rows = list(csv.reader(io.StringIO(whole)))
        if (rows and tuple(rows[0]) != COLUMNS) or any(len(row) != len(COLUMNS) for row in rows):
            raise ValueError(f"{file} is no record of maps; expected the columns {', '.join(COLUMNS)}")
        return {name: Origin(*more) for name, *more in rows[1:]}

    def _unrecorded(self) -> list[str]:
        """Return the ids in ids.txt that maps.csv lacks."""
        file = self.folder / IDS
        if not file.is_file():
            return []
        names = file.read_text(encoding="utf-8").splitlines()
        return [name for name in names if name not in self._origins]


def _line(*cells: str) -> str:
    line = io.StringIO()
    csv.writer(line, lineterminator="\n").writerow(cells)
    return line.getvalue()
