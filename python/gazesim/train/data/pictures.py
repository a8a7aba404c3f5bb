"""Pictures (PNG, JPEG, TIFF, …) as greyscale in [0, 1], as an image viewer shows them."""

from __future__ import annotations

import contextlib
import io
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Picture
from PIL import ImageOps

__all__ = ["file_bits", "picture_bits", "picture_shape", "read_colours", "read_picture"]

#: EXIF and TIFF tags.
ORIENTATION, BITS_PER_SAMPLE, PHOTOMETRIC = 274, 258, 262
HEIGHT, STRIPS, ROWS_PER_STRIP = 257, 273, 278
#: Orientations that exchange height and width.
TURNED = (5, 6, 7, 8)
#: Formats whose second frame is a preview or another view, which no viewer shows first.
FIRST_FRAME_COUNTS = ("MPO",)
WHITE_IS_ZERO = 0


def read_picture(file: Path, bits: int | None = None) -> NDArray[np.float32]:
    """Return the picture (H, W), black 0 and white 1, turned and inverted as its tags ask for.

    Colours become their luminance. 8 bits are divided by 255; files of more bits by the largest number that
    their bits per sample can hold (4,095 for 12 bits), or that ``bits`` can hold: many cameras write 12 bits
    into files of 16. Floating-point numbers are taken as they are.

    Raises a ValueError that names the file for animated and multi-page files, for transparent pixels
    (the colour behind them is not in the file), and for files that cannot be read.
    """
    with _opened(file, whole=True) as picture:
        _refuse_frames(picture, file)
        _refuse_missing_rows(picture, file)
        inverted = _is_inverted(picture)
        held = picture_bits(picture)
        top = 2.0 ** (held if bits is None or held <= 8 else bits) - 1
        picture.load()  # first: Pillow turns TIFF files as it reads their pixels
        pixels = np.asarray(_grey(ImageOps.exif_transpose(picture), file))
    if pixels.dtype.kind == "f":
        grey = pixels.astype(np.float32)
    else:
        grey = (pixels.astype(np.float64) / top).astype(np.float32)
    return np.float32(1) - grey if inverted else grey


def read_colours(file: Path) -> NDArray[np.uint8] | None:
    """Return a picture with colours or transparency, (H, W, 3 or 4), turned as its tags ask; else None."""
    with _opened(file, whole=True) as picture:
        is_clear = picture.mode in ("LA", "La", "PA", "RGBA", "RGBa") or "transparency" in picture.info
        if not is_clear and (picture.mode in ("1", "L") or picture.mode.startswith(("I", "F"))):
            return None
        picture.load()
        shown = ImageOps.exif_transpose(picture).convert("RGBA" if is_clear else "RGB")
        return np.asarray(shown, np.uint8)


def picture_shape(file: Path) -> tuple[int, int]:
    """Return (height, width) as :func:`read_picture` returns it, from the header alone."""
    with _opened(file, whole=False) as picture:
        _refuse_frames(picture, file)
        width, height = picture.size
        # For TIFF files, Pillow already returns the turned size.
        turned = picture.format != "TIFF" and picture.getexif().get(ORIENTATION) in TURNED
    return (width, height) if turned else (height, width)


def file_bits(file: Path) -> int:
    """Return :func:`picture_bits` of a file, from its header alone."""
    with _opened(file, whole=False) as picture:
        return picture_bits(picture)


def picture_bits(picture: Any) -> int:
    """Return the bits per pixel and channel of an opened picture: those that its file names, else 8 or 16."""
    if picture.mode == "1":
        return 8  # becomes 0 and 255
    if not picture.mode.startswith("I"):
        return 8
    tags = getattr(picture, "tag_v2", None)
    bits = tags.get(BITS_PER_SAMPLE, (16,))[0] if tags is not None else 16
    return int(bits)


@contextlib.contextmanager
def _opened(file: Path, *, whole: bool) -> Iterator[Any]:
    """Open a picture; ``whole`` reads the file into memory first, which its pixels need.

    Pillow 13 maps uncompressed TIFF files with height and width exchanged where their orientation says so,
    and shows shifted rows.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of damaged tags beside the pixels, without the file's name
            with Picture.open(io.BytesIO(file.read_bytes()) if whole else file) as picture:
                yield picture
    except (Picture.DecompressionBombError, OSError, SyntaxError, EOFError) as error:
        # Pillow's words name the file only sometimes.
        raise ValueError(f"{file} cannot be read as an image: {error}") from None
    except ValueError as error:
        if str(file) in str(error):
            raise
        raise ValueError(f"{file} cannot be read as an image: {error}") from None


def _refuse_frames(picture: Any, file: Path) -> None:
    frames = getattr(picture, "n_frames", 1)
    if frames > 1 and picture.format not in FIRST_FRAME_COUNTS:
        raise ValueError(f"{file}: holds {frames} frames or pages; expected one image")


def _refuse_missing_rows(picture: Any, file: Path) -> None:
    """Refuse a TIFF file whose strips end before its last row: Pillow would leave the rest black."""
    tags = getattr(picture, "tag_v2", None)
    if tags is None or STRIPS not in tags:
        return
    height = int(tags[HEIGHT])
    rows = len(tags[STRIPS]) * int(tags.get(ROWS_PER_STRIP, height))
    if rows < height:
        raise ValueError(f"{file}: holds {rows} of {height} rows; expected all")


def _is_inverted(picture: Any) -> bool:
    """Return whether 0 is white and Pillow has not inverted it, as it does for TIFF files of up to 8 bits."""
    tags = getattr(picture, "tag_v2", None)
    if tags is None or not picture.mode.startswith(("I", "F")):
        return False
    return bool(tags.get(PHOTOMETRIC) == WHITE_IS_ZERO)


def _grey(picture: Any, file: Path) -> Any:
    if picture.mode.startswith(("I", "F")):
        return picture
    if picture.mode in ("LA", "La", "PA", "RGBA", "RGBa") or "transparency" in picture.info:
        picture = picture.convert("RGBA")
        see_through = float(np.mean(np.asarray(picture.getchannel("A")) < 255))
        if see_through:
            raise ValueError(
                f"{file}: {see_through:.0%} of its pixels are transparent; expected an opaque image, "
                "since the colour behind them is not in the file"
            )
        picture = picture.convert("RGB")
    if picture.mode == "CMYK":
        picture = picture.convert("RGB")
    try:
        return picture.convert("L")
    except ValueError:
        raise ValueError(f"{file}: has the colour mode {picture.mode}; expected grey or RGB") from None
