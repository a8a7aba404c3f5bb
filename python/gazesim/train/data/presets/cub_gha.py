"""CUB-200-2011: birds of 200 species, with the gaze of CUB-GHA (Rong et al., 2021) in five runs per image."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from ....io.tables import Source, fault
from ..manifest import Entry
from .layout import find_file

RUNS = "data_5runs"


def cub_gha(root: Path, images: Path) -> Iterator[Entry]:
    """Yield every image with its species, and its segmentation as mask; some have no gaze."""
    gaze = _gaze_folder(root)
    files = _pairs(root / "images.txt")
    classes = _pairs(root / "classes.txt")
    labels = _pairs(root / "image_class_labels.txt")
    trains = _pairs(root / "train_test_split.txt")
    gazed_at = _gazed_at(gaze)
    for number, name in files.items():
        image = next((one for one in (images / "images" / name, images / name) if one.is_file()), None)
        if image is None:
            raise fault(
                root / "images.txt", None, f"names the image {name!r}; expected it below {images / 'images'}"
            )
        if number not in labels or labels[number] not in classes:
            raise fault(
                root / "image_class_labels.txt", None, f"has no class of image {number}; expected one each"
            )
        has_gaze = number in gazed_at
        yield Entry(
            number,
            image,
            classes[labels[number]].partition(".")[2] or classes[labels[number]],
            {"1": "train", "0": "test"}.get(trains.get(number, ""), ""),
            gaze=gaze if has_gaze else None,
            mask=find_file(root / "segmentations", [str(Path(name).with_suffix(""))])
            or find_file(root.parent / "segmentations", [str(Path(name).with_suffix(""))]),
        )


def _gaze_folder(root: Path) -> Path:
    """Return the folder with a file per run: in CUB's folder, above it, or in a folder beside it."""
    for place in (root, root.parent, *sorted(root.parent.iterdir())):
        if (place / RUNS).is_dir():
            return place / RUNS
    raise FileNotFoundError(f"neither {root} nor a folder beside it has {RUNS}; expected the gaze of CUB-GHA")


def _pairs(file: Path) -> dict[str, str]:
    """Return the rest of each line by its first word."""
    if not file.is_file():
        raise FileNotFoundError(f"{file.parent} has no {file.name}; expected CUB-200-2011")
    found = {}
    for line, words in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
        first, _, second = words.strip().partition(" ")
        if not second and words.strip():
            raise fault(file, line, f"is {words!r}; expected a number and what it stands for")
        if second:
            found[first] = second.strip()
    return found


def _gazed_at(folder: Path) -> set[str]:
    """Return the numbers of the images that have gaze in at least one run."""
    lines = (line for file in sorted(folder.glob("*.txt")) for _, line in Source(file).lines())
    return {line.partition(",")[0].strip() for line in lines}
