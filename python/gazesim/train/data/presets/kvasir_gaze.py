"""Kvasir-SEG (Jha et al., 2020): polyps and their masks, with the gaze of GazeMedSeg (Zhong et al., 2024)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from ....io.tables import Source, Table, fault
from ..manifest import Entry
from .layout import find_file, images_by_stem

GAZE = "kvasir_fixation.csv"
#: The files of Kvasir-SEG's official split; published results are those on its val.
SPLITS = ("train", "val")


def kvasir_gaze(root: Path, images: Path) -> Iterator[Entry]:
    """Yield every image with its mask; those that GazeMedSeg leaves out have no gaze."""
    gaze = _beside(root, GAZE)
    if gaze is None:
        raise FileNotFoundError(
            f"neither {root} nor a folder beside it has {GAZE}; expected GazeMedSeg's gaze"
        )
    names = {Path(row.text("IMAGE")).stem: row.text("IMAGE") for row in Table(Source(gaze), ("IMAGE",))}
    splits = _splits(root)
    pictures = images_by_stem(images / "images")
    for stem in splits:
        if stem not in pictures:
            raise fault(root, None, f"has no image {stem!r} of its split; expected it in {images / 'images'}")
    for stem, image in pictures.items():
        yield Entry(
            stem,
            image,
            split=splits.get(stem, ""),
            gaze=gaze if stem in names else None,
            gaze_name=names.get(stem, ""),
            mask=find_file(root / "masks", [stem]),
        )


def _splits(root: Path) -> dict[str, str]:
    """Return the split of every image that train.txt and val.txt name."""
    found: dict[str, str] = {}
    for split in SPLITS:
        file = _beside(root, f"{split}.txt")
        for line in [] if file is None else file.read_text(encoding="utf-8").split():
            if found.setdefault(Path(line).stem, split) != split:
                raise fault(root, None, f"has {line!r} in train.txt and in val.txt; expected one of them")
    return found


def _beside(root: Path, name: str) -> Path | None:
    """Return a file in the data set's folder, in a folder in it, above it, or beside it."""
    places = (root, *sorted(root.iterdir()), root.parent, *sorted(root.parent.iterdir()))
    return next((place / name for place in places if (place / name).is_file()), None)
