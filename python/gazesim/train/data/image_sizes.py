"""The size of image files, read from their headers and without torch."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ...geometry import Size
from .dicom import dicom_shape, is_dicom

__all__ = ["IMAGE_ENDINGS", "image_files", "image_size", "same_proportions", "stretched_map", "words_of_size"]

IMAGE_ENDINGS = (".npy", ".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp", ".dcm", ".dicom")


def image_size(file: Path) -> Size:
    """Return (width, height) in pixels as the image is shown, EXIF's orientation applied."""
    if file.suffix == ".npy":
        try:
            shape = np.load(file, allow_pickle=False, mmap_mode="r").shape
        except (ValueError, EOFError):  # NumPy's words would advise to unpickle it
            raise ValueError(f"{file} holds no array of numbers; expected what numpy.save writes") from None
        if len(shape) not in (2, 3):
            raise ValueError(f"{file} has shape {shape}; expected (H, W)")
        return float(shape[1]), float(shape[0])
    if is_dicom(file):
        height, width = dicom_shape(file)
        return float(width), float(height)
    try:
        from .pictures import picture_shape
    except ImportError as error:
        raise ImportError(
            f"the size of {file} is needed to place it, and Pillow reads it; "
            "expected: pip install 'gazesim[plot]'"
        ) from error
    height, width = picture_shape(file)
    return float(width), float(height)


def same_proportions(one: tuple[float, ...], other: tuple[float, ...]) -> bool:
    """Return whether two sizes may be of one image at two resolutions.

    Both are (width, height), or both (height, width). The sides of the smaller one may be off by a pixel.

    Examples
    --------
    >>> from gazesim.train.data.image_sizes import same_proportions
    >>> same_proportions((64, 48), (800, 600)), same_proportions((33, 25), (100, 75))
    (True, True)
    >>> same_proportions((48, 64), (800, 600))
    False
    """
    small, large = sorted((one, other), key=lambda size: size[0] * size[1])
    return abs(small[0] * large[1] - small[1] * large[0]) <= large[0] + large[1]


def words_of_size(size_wh: tuple[float, ...]) -> str:
    """Return (width, height) as text.

    Examples
    --------
    >>> from gazesim.train.data.image_sizes import words_of_size
    >>> words_of_size((800.0, 600.0))
    '800 x 600 pixels'
    """
    return f"{size_wh[0]:g} x {size_wh[1]:g} pixels"


def stretched_map(map_wh: tuple[float, ...], image_wh: tuple[float, ...]) -> str | None:
    """Return a sentence on a gaze map (width, height) of other proportions than its image, else None.

    A square map counts as squeezed, as views are. Raises ValueError if width and height are swapped.
    """
    if same_proportions(map_wh, image_wh) or map_wh[0] == map_wh[1]:
        return None
    sizes = f"has {words_of_size(map_wh)}, and the image {words_of_size(image_wh)}"
    if same_proportions(map_wh, image_wh[::-1]):
        raise ValueError(
            f"{sizes}: width and height are swapped; expected the image's proportions, or a square"
        )
    return f"{sizes}: the map is stretched over the image"


def image_files(folder: Path) -> dict[str, Path]:
    """Return the images of a folder and its subfolders by their path relative to it, in order."""
    if not folder.is_dir():
        raise ValueError(f"images is {str(folder)!r}, which is not a folder; expected a folder of images")
    found = {
        file.relative_to(folder).as_posix(): file
        for file in sorted(folder.rglob("*"))
        if file.suffix.lower() in IMAGE_ENDINGS
        and not any(part.startswith(".") for part in file.relative_to(folder).parts)
    }
    if not found:
        raise ValueError(f"{folder} holds no image; expected {', '.join(IMAGE_ENDINGS)}")
    return found
