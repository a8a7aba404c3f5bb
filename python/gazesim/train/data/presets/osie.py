"""OSIE (Xu et al., 2014): 700 photographs that 15 observers looked at for three seconds each."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from ....io.osie import read
from ....io.recording import Options
from ....io.tables import Source
from ..manifest import Entry
from .layout import images_by_stem


def osie(root: Path, images: Path) -> Iterator[Entry]:
    """Yield every photograph with the gaze of all its observers; OSIE has no classes."""
    gaze = root / "data" / "eye" / "fixations.mat"
    if not gaze.is_file():
        raise FileNotFoundError(
            f"{root} has no data/eye/fixations.mat; expected OSIE as its repository has it"
        )
    pictures = root / "data" / "stimuli"
    stimuli = images_by_stem(pictures if pictures.is_dir() and images == root else images)
    names = {
        Path(str(key[0])).stem: str(key[0])
        for key in read(Source(gaze), Options()).rows
        if isinstance(key, tuple)
    }
    for stem, image in stimuli.items():
        yield Entry(stem, image, gaze=gaze if stem in names else None, gaze_name=names.get(stem, ""))
