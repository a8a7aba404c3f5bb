"""Images and maps on disk: folders of pictures or arrays, by name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image as Picture
from torch.nn import functional

from ...geometry import place_image
from .dicom import dicom_shape, is_dicom, read_dicom

__all__ = ["Image", "fitted", "image_shape", "read_image", "read_images", "resized", "write_map"]

Image = NDArray[np.float32]

SUFFIXES = (".npy", ".png", ".jpg", ".jpeg", ".tif", ".tiff", ".dcm", ".dicom")


def read_images(path: str) -> dict[str, Image]:
    """Return greyscale images by name, 8 and 16 bits scaled to [0, 1]."""
    source = Path(path)
    if source.is_file() and source.suffix == ".npy":
        stack = _array(source)
        if stack.ndim != 3:
            raise ValueError(f"{path} has shape {stack.shape}; expected (n, H, W)")
        width = len(str(max(len(stack) - 1, 0)))
        return {f"{i:0{width}}": _grey(image, f"{path}[{i}]") for i, image in enumerate(stack)}
    if not source.is_dir():
        raise ValueError(f"{path} is neither a folder nor an .npy file; expected images")
    files = sorted(file for file in source.iterdir() if file.suffix.lower() in SUFFIXES)
    if not files:
        raise ValueError(f"{path} holds no image; expected {', '.join(SUFFIXES)}")
    named: dict[str, Image] = {}
    for file in files:
        if file.stem in named:
            raise ValueError(f"{path} holds two images named {file.stem!r}; expected one")
        named[file.stem] = read_image(file)
    return named


def read_image(file: Path) -> Image:
    """Return one greyscale image, 8 and 16 bits scaled to [0, 1], DICOM as a viewer shows it."""
    return _grey(_pixels(file), str(file))


def image_shape(file: Path) -> tuple[int, int]:
    """Return (height, width) of a file, from its header where that is enough."""
    if file.suffix == ".npy":
        shape = _array(file, mmap_mode="r").shape
        if len(shape) != 2:
            raise ValueError(f"{file} has shape {shape}; expected (H, W)")
        return int(shape[0]), int(shape[1])
    if is_dicom(file):
        return dicom_shape(file)
    try:
        with Picture.open(file) as picture:
            return picture.height, picture.width
    except OSError as error:
        raise ValueError(f"{file} cannot be read as an image: {error}") from None


def _array(file: Path, **options: Any) -> NDArray[Any]:
    try:
        array: NDArray[Any] = np.load(file, allow_pickle=False, **options)
    except (ValueError, EOFError):  # NumPy's words would advise to unpickle it
        raise ValueError(f"{file} holds no array of numbers; expected what numpy.save writes") from None
    return array


def _pixels(file: Path) -> NDArray[Any]:
    if file.suffix == ".npy":
        return _array(file)
    if is_dicom(file):
        return read_dicom(file)
    try:
        with Picture.open(file) as picture:
            wide = picture.mode.startswith(("I", "F"))
            pixels = np.asarray(picture if wide else picture.convert("L"))
            # Older versions of Pillow hold 16 bits in 32.
            return pixels.astype(np.uint16) if picture.mode == "I" and picture.format == "PNG" else pixels
    except (OSError, SyntaxError) as error:  # Pillow's words name the file only sometimes
        raise ValueError(f"{file} cannot be read as an image: {error}") from None


def _grey(pixels: NDArray[Any], name: str) -> Image:
    if pixels.ndim != 2 or not pixels.size:
        raise ValueError(f"{name} has shape {pixels.shape}; expected a greyscale image (H, W)")
    if pixels.dtype.kind not in "biuf":
        raise ValueError(f"{name} has dtype {pixels.dtype}; expected real numbers")
    top = {1: 255.0, 2: 65535.0}.get(pixels.dtype.itemsize, 1.0) if pixels.dtype.kind == "u" else 1.0
    grey = pixels.astype(np.float32) / np.float32(top)
    if not np.isfinite(grey).all():
        raise ValueError(f"{name} holds NaN or infinite values; expected finite numbers")
    return grey


def resized(image: Image, shape: tuple[int, ...]) -> Image:
    """Return the image with another height and width, smoothed where it shrinks."""
    if image.shape == shape:
        return image
    pixels = torch.from_numpy(np.ascontiguousarray(image))[None, None]
    new = functional.interpolate(pixels, size=list(shape), mode="bilinear", antialias=True)
    result: Image = new[0, 0].numpy()
    return result


def fitted(image: Image, size: tuple[int, int]) -> Image:
    """Return the image as large as ``size`` (width, height) allows, centred, with its own proportions."""
    width, height = size
    if image.shape == (height, width):
        return image
    left, top, right, bottom = map(round, place_image("fit", image.shape[::-1], size))
    result: Image = np.zeros((height, width), np.float32)
    result[top:bottom, left:right] = np.clip(resized(image, (bottom - top, right - left)), 0, None)
    return result


def write_map(path: Path, gaze: Image) -> None:
    """Write a map in [0, 1], whole or not at all."""
    partial = path.with_name(f"{path.name}.part")
    with partial.open("wb") as file:
        if path.suffix == ".npy":
            np.save(file, gaze, allow_pickle=False)
        else:
            Picture.fromarray(np.round(gaze * 255).astype(np.uint8)).save(file, "PNG")
    partial.replace(path)
