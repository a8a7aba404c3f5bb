"""The cells of a study on disk: one JSON file each, there as a whole or not at all."""

from __future__ import annotations

import dataclasses
import json
import os
from pathlib import Path
from typing import Any

from .arms import Arm
from .settings import Settings, differences

SETTINGS = "settings.json"


class Cells:
    """A folder of finished cells, all with the same settings.

    Opening it writes the settings, or refuses those that differ from what is there.
    """

    def __init__(self, folder: Path, settings: Settings) -> None:
        self.folder, self.settings = folder, settings
        (folder / "cells").mkdir(parents=True, exist_ok=True)
        record = folder / SETTINGS
        now = json.loads(json.dumps(settings.record))
        if record.is_file():
            before = json.loads(record.read_text())
            if before != now:
                raise ValueError(
                    f"{folder} holds a study with other settings ({differences(now, before)}); "
                    "expected the same settings or another --out"
                )
        else:
            write(record, now)

    def path(self, arm: Arm, seed: int) -> Path:
        """Return where a cell is, once it is."""
        return self.folder / "cells" / f"{arm.name}-seed{seed}.json"

    def has(self, arm: Arm, seed: int) -> bool:
        """Return whether a cell is finished."""
        return self.path(arm, seed).is_file()

    def put(self, arm: Arm, seed: int, result: dict[str, Any]) -> None:
        """Write a finished cell."""
        known = {"arm": dataclasses.asdict(arm), "seed": seed, "settings": self.settings.hash}
        write(self.path(arm, seed), {**known, **result})

    def read(self) -> list[dict[str, Any]]:
        """Return all finished cells, checked."""
        found = []
        for path in sorted((self.folder / "cells").glob("*.json")):
            try:
                cell = json.loads(path.read_text())
                theirs = cell["settings"]
            except (ValueError, KeyError, TypeError) as error:
                raise ValueError(f"{path} is no cell ({error!r}); delete it, and it is run again") from None
            if theirs != self.settings.hash:
                raise ValueError(
                    f"{path} has the settings {theirs}; expected {self.settings.hash}, "
                    "like all cells of one study"
                )
            found.append(cell)
        return found


def write(path: Path, content: Any) -> None:
    """Write JSON under another name first, so that a kill leaves no half of it."""
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    partial.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    partial.replace(path)
