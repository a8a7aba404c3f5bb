"""Helpers of the presets: find images by name or stem, and read the tables of data sets."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from ....io.tables import Row, Source, Table, fault

#: Endings of image files, in the order in which they are looked for.
ENDINGS = (".dcm", ".png", ".jpg", ".jpeg", ".JPG", ".PNG", ".tif", ".tiff", ".npy")


def mimic_image(images: Path, path: str, name: str) -> Path | None:
    """Return the file of an image of MIMIC-CXR: below its path, any tail of it, or by name alone."""
    parts = Path(path).with_suffix("").parts
    tails = [str(Path(*parts[at:])) for at in range(len(parts))]
    return find_file(images, [*tails, name, f"images/{name}"])


def read_table(root: Path, names: Iterable[str], columns: tuple[str, ...], hint: str) -> Table:
    for name in names:
        if (root / name).is_file():
            return Table(Source(root / name), columns)
    raise FileNotFoundError(f"{root} has no {' or '.join(names)}; {hint}")


def images_by_stem(folder: Path) -> dict[str, Path]:
    """Return the images of a folder by stem."""
    if not folder.is_dir():
        raise FileNotFoundError(f"there is no folder {folder}; expected images in it")
    return {file.stem: file for file in sorted(folder.iterdir()) if file.suffix in ENDINGS}


def find_file(folder: Path, stems: Iterable[str], endings: tuple[str, ...] = ENDINGS) -> Path | None:
    for stem in stems:
        for ending in endings:
            file = folder / f"{stem}{ending}"
            if file.is_file():
                return file
    return None


def missing_image(table: Table, row: Row, name: str, images: Path) -> ValueError:
    return fault(table.path, row.line, f"names the image {name!r}; expected it below {images}")
