"""The size of image files, read from their headers and without torch."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ...geometry import Size
from .dicom import dicom_shape, is_dicom

__all__ = ["IMAGE_ENDINGS", "image_files", "image_size"]

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
