"""The gaze of a manifest: files are read once, every image is placed, all on one canvas."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...geometry import Size
from ...io.tables import fault, quoted
from ...reading.frames import Framed
from ...reading.options import GazeOptions, Stated
from ...reading.placed import PlacedGaze, Spread, on_canvas, spread_of, warn_of_placement
from ...reading.raw import RawGaze, RawScanpath, read_raw
from ...reading.source import line_of, place_raw, warn_of
from .image_sizes import image_size
from .manifest import Entry

__all__ = ["GazeFiles", "ManifestGaze"]

#: Up to this many gaze files have a line each on stderr; more share one line.
LINES_OF_FILES = 3

LineWriter = Callable[[str], None]


@dataclass(frozen=True)
class Known:
    """The scanpaths of a file by their ids as text, and by the image that they are of."""

    all: dict[Hashable, RawScanpath]
    of_image: dict[Hashable, list[Hashable]]

    @classmethod
    def of(cls, raw: RawGaze) -> Known:
        """Return the scanpaths of a file, looked up once: a manifest asks for every one of its images."""
        found = {_text(key): one for key, one in raw.scanpaths.items()}
        of_image: dict[Hashable, list[Hashable]] = {}
        for key in found:
            of_image.setdefault(_image(key), []).append(key)
        return cls(found, of_image)

    def readers(self, image: Hashable) -> list[tuple[Any, ...]]:
        """Return the ids of an image's scanpaths that tell readers apart, in their order."""
        return [key for key in self.of_image.get(image, []) if isinstance(key, tuple)]


class GazeFiles:
    """A cache of gaze files: each is read once, on first use."""

    def __init__(self, options: GazeOptions | None = None) -> None:
        self.options = options or GazeOptions()
        self._files: dict[Path, RawGaze] = {}
        self._known: dict[Path, Known] = {}

    def read(self, file: Path) -> RawGaze:
        """Return the scanpaths of a file."""
        if file not in self._files:
            self._files[file] = read_raw(file, self.options)
            self._known[file] = Known.of(self._files[file])
        return self._files[file]

    def readings(
        self, file: Path, image: str, name: str = "", *, reader: str = "", alone: bool = False
    ) -> list[tuple[Hashable, RawScanpath]]:
        """Return the scanpaths of an image in a file with their ids, in their order.

        That is the scanpath called ``name`` if one is given: an id of the file, or a reader of the image; of
        a file that has gaze on one image alone, a reader whatever the image is called there. Without a name
        it is the scanpath of the image, or those of its readers, or of ``reader``; else, for the one row
        that names a file (``alone``), its only scanpath.
        """
        self.read(file)
        known, found = self._known[file], self._known[file].all
        wanted = name or image
        if wanted in found and not reader:
            return [(wanted, found[wanted])]
        if name and (image, name) in found and reader in ("", name):
            return [((image, name), found[image, name])]
        same = [key for key in known.readers(wanted) if not reader or key[-1] == reader]
        if same:
            return [(key, found[key]) for key in same]
        if name and len(known.of_image) == 1:
            of_reader = [key for key in known.readers(next(iter(known.of_image))) if key[-1] == name]
            if len(of_reader) == 1 and reader in ("", name):
                return [(of_reader[0], found[of_reader[0]])]
        if len(found) == 1 and not name and not reader and alone:
            return list(found.items())
        of = f" of the reader {reader!r}" if reader else ""
        some = ", ".join(quoted(key) for key in list(found)[:3])
        more = "; one scanpath serves another image only where a single row names its file"
        raise fault(
            file,
            None,
            f"holds no scanpath {wanted!r}{of} but {len(found)}, such as {some or 'none'}"
            + (more if len(found) == 1 and not name and not reader else ""),
        )


class ManifestGaze:
    """The gaze of all images of a manifest.

    Parameters
    ----------
    entries
        The rows of the manifest.
    options
        How gaze files are read and where images stood, where a row says nothing else.
    path
        The manifest's file, for messages.
    """

    def __init__(
        self, entries: Sequence[Entry], options: GazeOptions | None = None, path: Path | None = None
    ) -> None:
        self.options = options or GazeOptions()
        self.path = path
        self._entries = {entry.id: entry for entry in entries}
        self._files = GazeFiles(self.options)
        self._rows_of = Counter(entry.gaze for entry in entries if entry.gaze is not None)
        self._sizes: dict[Path, Size] = {}
        self._framed: dict[str, dict[Hashable, Framed]] = {}
        self._placed: PlacedGaze | None = None
        self._positions: dict[str, list[int]] | None = None
        self._renamed: list[str] = []

    def framed(self, name: str) -> dict[Hashable, Framed]:
        """Return the scanpaths of an image by id, each in its own frame: none for an image without gaze."""
        if name not in self._framed:
            self._framed[name] = self._read(self._entries[name])
        return self._framed[name]

    def _read(self, entry: Entry) -> dict[Hashable, Framed]:
        if entry.gaze is None:
            return {}
        alone = self._rows_of[entry.gaze] == 1
        try:
            raw = self._files.read(entry.gaze)
            found = self._files.readings(
                entry.gaze, entry.id, entry.gaze_name, reader=entry.reader, alone=alone
            )
        except (ValueError, OSError) as error:
            raise self.fault(entry, "gaze", str(error)) from error
        if not entry.gaze_name and all(_image(key) != entry.id for key, _ in found):
            self._renamed.append(f"{entry.id} takes the only scanpath of {entry.gaze.name}")
        stated = Stated(entry.screen_size, None, entry.image_box).over(self.options.place)
        try:
            size = self.size_of(entry)
        except (ValueError, OSError) as error:
            raise self.fault(entry, "image", str(error)) from error
        try:
            return {
                (entry.id, key[-1]) if isinstance(key, tuple) else entry.id: place_raw(
                    raw, one, stated, size, self.options.off_image, str(key)
                )
                for key, one in found
            }
        except ValueError as error:
            raise self.fault(entry, "gaze", str(error)) from error

    def size_of(self, entry: Entry) -> Size:
        """Return (width, height) of the image file in pixels, from its header, which is read once."""
        if entry.image not in self._sizes:
            self._sizes[entry.image] = image_size(entry.image)
        return self._sizes[entry.image]

    def fault(self, entry: Entry, column: str, problem: str) -> ValueError:
        """Return an error that names the row of the manifest."""
        return fault(self.path or "manifest", entry.line, f"image {entry.id!r}, column {column!r}: {problem}")

    @property
    def placed(self) -> PlacedGaze:
        """The scanpaths of all images on one canvas.

        Ids are those of the images, or (image, reader) for all where any file tells readers apart.
        """
        if self._placed is None:
            found = [item for name in self._entries for item in self.framed(name).items()]
            several = any(isinstance(name, tuple) for name, _ in found)
            named = {
                (name, "") if several and not isinstance(name, tuple) else name: one for name, one in found
            }
            self._placed = on_canvas(named, self.options)
        return self._placed

    @property
    def spread(self) -> Spread:
        """The standard deviation of maps on the canvas of all images."""
        return self.placed.spread if len(self.placed.paths) else spread_of((1.0, 1.0), self.options)

    def positions(self) -> dict[str, list[int]]:
        """Return where the scanpaths of every image are in :attr:`placed`."""
        if self._positions is None:
            self._positions = {}
            for position, name in enumerate(self.placed.paths.ids):
                self._positions.setdefault(str(_image(name)), []).append(position)
        return self._positions

    def tell(self, say: LineWriter, warn: LineWriter = warn_of_placement) -> None:
        """Print a line on every gaze file, and warn of what looks wrong."""
        spread = self.placed.spread
        groups: dict[Path, list[Framed]] = {}
        for name, entry in self._entries.items():
            if entry.gaze is not None:
                groups.setdefault(entry.gaze, []).extend(self.framed(name).values())
        if len(groups) > LINES_OF_FILES:
            first = next(iter(groups))
            whole = [one for found in groups.values() for one in found]
            line = line_of(self._files.read(first), whole, spread, self.options)
            say(f"{len(groups):,} gaze files, of which the first is {line}")
            warn_of(self._files.read(first), whole, self.options.place, warn)
        else:
            for file, found in groups.items():
                raw = self._files.read(file)
                say(line_of(raw, found, spread, self.options))
                warn_of(raw, found, self.options.place, warn)
        if self._renamed:
            more = f" and {len(self._renamed) - 1:,} more" if len(self._renamed) > 1 else ""
            say(f"{self.path or 'manifest'}: {self._renamed[0]}, which has another name{more}")


def _image(key: Hashable) -> Hashable:
    return key[0] if isinstance(key, tuple) else key


def _text(key: Hashable) -> Hashable:
    """Return a key with names as text, as in a manifest."""
    return tuple(map(str, key)) if isinstance(key, tuple) else str(key)
