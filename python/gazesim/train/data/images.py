"""Images and maps on disk: folders of pictures or arrays, by name."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Picture

from ...geometry import place_image
from .dicom import dicom_shape, is_dicom, read_dicom
from .image_sizes import image_files
from .pictures import file_bits, picture_shape, read_colours, read_picture

__all__ = [
    "Image",
    "ImageSource",
    "fitted",
    "image_shape",
    "image_sources",
    "read_image",
    "read_images",
    "resized",
    "shown_image",
    "unused_range",
    "write_map",
]

Image = NDArray[np.float32]


@dataclass(frozen=True)
class ImageSource:
    """An image on disk: a file of its own, or one of the images in an open .npy file (n, H, W)."""

    file: Path
    bits: int | None = None
    #: Its position in ``stack``.
    index: int = 0
    stack: NDArray[Any] | None = None

    def read(self) -> Image:
        """Return the image as :func:`read_image` does."""
        if self.stack is None:
            return read_image(self.file, self.bits)
        return _grey(self.stack[self.index], f"{self.file}[{self.index}]", self.bits)

    def digest(self) -> str:
        """Return a hash of the file, or of the image's pixels where the file holds several images."""
        if self.stack is None:
            with self.file.open("rb") as content:
                return hashlib.file_digest(content, "sha256").hexdigest()[:16]
        one = np.ascontiguousarray(self.stack[self.index])
        return hashlib.sha256(f"{one.dtype} {one.shape}".encode() + one.tobytes()).hexdigest()[:16]


def image_sources(path: str, bits: int | None = None) -> dict[str, ImageSource]:
    """Return the images of a folder with its subfolders, or of an .npy file (n, H, W), by name, unread.

    The name of a file is its path below the folder without the ending, such as ``left/a``.
    """
    source = Path(path)
    if source.is_file() and source.suffix == ".npy":
        stack = _array(source, mmap_mode="r")
        if stack.ndim != 3:
            raise ValueError(f"{path} has shape {stack.shape}; expected (n, H, W)")
        width = len(str(max(len(stack) - 1, 0)))
        return {f"{i:0{width}}": ImageSource(source, bits, i, stack) for i in range(len(stack))}
    if not source.is_dir():
        raise ValueError(f"{path} is neither a folder nor an .npy file; expected images")
    named: dict[str, ImageSource] = {}
    for relative, file in image_files(source).items():
        name = Path(relative).with_suffix("").as_posix()
        if name in named:
            raise ValueError(f"{path} holds two images named {name!r}; expected one")
        named[name] = ImageSource(file, bits)
    return named


def read_images(path: str) -> dict[str, Image]:
    """Return greyscale images by name, 8 and 16 bits scaled to [0, 1]; see :func:`image_sources`."""
    return {name: source.read() for name, source in image_sources(path).items()}


def read_image(file: Path, bits: int | None = None) -> Image:
    """Return a greyscale image in [0, 1] as a viewer shows it, because gaze was recorded on that.

    See :func:`~gazesim.train.data.pictures.read_picture` for pictures and
    :func:`~gazesim.train.data.dicom.read_dicom` for DICOM; arrays of 8 or 16 bits are divided by 255 or
    65,535. ``bits`` says how many of 16 bits the pixels of pictures and arrays use, 16 by default.
    """
    return _grey(_pixels(file, bits), str(file), bits)


def shown_image(file: Path) -> NDArray[Any]:
    """Return an image for pictures and reports: (H, W) grey in [0, 1], or (H, W, 3 or 4) with its colours."""
    if file.suffix == ".npy":
        array = _array(file)
        if array.ndim == 3 and array.shape[2] in (3, 4) and array.dtype == np.uint8:
            return array
    elif not is_dicom(file) and (colours := read_colours(file)) is not None:
        return colours
    return read_image(file)


def image_shape(file: Path) -> tuple[int, int]:
    """Return the (height, width) that :func:`read_image` returns, from the header where that is enough."""
    if file.suffix == ".npy":
        shape = _array(file, mmap_mode="r").shape
        if len(shape) != 2:
            raise ValueError(f"{file} has shape {shape}; expected (H, W)")
        return int(shape[0]), int(shape[1])
    if is_dicom(file):
        return dicom_shape(file)
    return picture_shape(file)


def unused_range(files: Sequence[Path], count: int = 16) -> str | None:
    """Return a warning if no image of 16 bits uses more than a quarter of its range, else None.

    Looks at up to ``count`` pictures and arrays of 16 bits, evenly spaced. DICOM files have windows instead.
    """
    wide = []
    for at in np.linspace(0, len(files) - 1, min(len(files), count)).round().astype(int).tolist():
        file = files[at]
        try:
            if file.suffix == ".npy":
                is_wide = _array(file, mmap_mode="r").dtype == np.uint16
            else:
                is_wide = not is_dicom(file) and file_bits(file) == 16
            if is_wide:
                wide.append(float(read_image(file).max()))
        except ValueError:
            continue  # the error is raised where the image is used
    if not wide or max(wide) > 0.25:
        return None
    bits = next(bits for bits in range(8, 17) if max(wide) * 65535 < 2**bits)
    return (
        f"no pixel of {len(wide)} images of 16 bits exceeds {max(wide):.1%} of the range, so they are nearly "
        f"black; expected bits={max(bits, 10)} if their camera writes {max(bits, 10)} bits (--data.bits)"
    )


def _array(file: Path, **options: Any) -> NDArray[Any]:
    try:
        array: NDArray[Any] = np.load(file, allow_pickle=False, **options)
    except (ValueError, EOFError):  # NumPy's own message advises to unpickle it
        raise ValueError(f"{file} holds no array of numbers; expected what numpy.save writes") from None
    return array


def _pixels(file: Path, bits: int | None) -> NDArray[Any]:
    if file.suffix == ".npy":
        return _array(file)
    if is_dicom(file):
        return read_dicom(file)
    return read_picture(file, bits)


def _grey(pixels: NDArray[Any], name: str, bits: int | None = None) -> Image:
    if pixels.ndim != 2 or not pixels.size:
        raise ValueError(f"{name} has shape {pixels.shape}; expected a greyscale image (H, W)")
    if pixels.dtype.kind not in "biuf":
        raise ValueError(f"{name} has dtype {pixels.dtype}; expected real numbers")
    top = {1: 255.0, 2: 2.0 ** (bits or 16) - 1}.get(pixels.dtype.itemsize, 1.0)
    if pixels.dtype.kind != "u":
        top = 1.0
    grey = pixels.astype(np.float32) / np.float32(top)
    if not np.isfinite(grey).all():
        raise ValueError(f"{name} holds NaN or infinite values; expected finite numbers")
    return grey


def resized(image: Image, shape: tuple[int, ...]) -> Image:
    """Return the image with another height and width, smoothed where it shrinks."""
    import torch
    from torch.nn import functional

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
