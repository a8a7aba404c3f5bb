"""Gaze files as a manifest names them: the readings of one image, as shares of its width and height."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ...io.recording import Options
from ...io.registry import FORMATS, sources_of
from ...io.tables import fault, quoted

__all__ = ["GazeFiles", "Reading"]


@dataclass(frozen=True)
class Reading:
    """One reader's fixations."""

    #: (L, 3): x, y in pixels, seconds.
    path: NDArray[np.float64]
    #: (width, height) that x and y refer to, or None: pixels of the image file.
    size: tuple[float, float] | None

    def scaled(self, width: float, height: float, native: tuple[float, float]) -> NDArray[np.float64]:
        """Return the fixations on an image that was resized to this, from ``native`` if not known."""
        own = self.size or native
        path: NDArray[np.float64] = self.path * np.array([width / own[0], height / own[1], 1.0])
        return path


class GazeFiles:
    """Every gaze file is read once, when it is first asked for."""

    def __init__(self) -> None:
        self._files: dict[Path, dict[Hashable, Reading]] = {}

    def readings(self, file: Path, image: str, name: str = "") -> list[Reading]:
        """Return the readings of an image in a file, in their order.

        That is the scanpath called ``name`` if one is given; else the one of the image, or those of
        its readers; else the only one there is.
        """
        known = self._read(file)
        wanted = name or image
        for key in (wanted, *(((image, name),) if name else ())):
            if key in known:
                return [known[key]]
        same = [
            one
            for key, one in known.items()
            if isinstance(key, tuple) and (key[0] == wanted or (name and key[-1] == name))
        ]
        if same:
            return same
        if len(known) == 1 and not name:
            return list(known.values())
        some = ", ".join(quoted(key) for key in list(known)[:3])
        raise fault(file, None, f"holds no scanpath {wanted!r} but {len(known)}, such as {some or 'none'}")

    def _read(self, file: Path) -> dict[Hashable, Reading]:
        if file not in self._files:
            name, sources = sources_of(file, None)
            found: dict[Hashable, Reading] = {}
            for source in sources:
                recording = FORMATS[name].read(source, Options())
                paths, _ = recording.converted(Options())
                for key, path in paths.items():
                    found[_text(key)] = Reading(path, recording.size_of(key, Options()))
            self._files[file] = found
        return self._files[file]


def _text(key: Hashable) -> Hashable:
    """Return a key with names as text: a manifest holds nothing else."""
    return tuple(map(str, key)) if isinstance(key, tuple) else str(key)
