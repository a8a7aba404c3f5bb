"""The frame of a scanpath and the image's box in it, from what the file and the user state."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..geometry import Box, Size, place_image, to_image
from .options import Stated
from .raw import RawScanpath

__all__ = ["Framed", "ScreenMissing", "framed"]

#: Sides in proportions that differ by less than this are taken as equal.
SAME_PROPORTION = 0.01


class ScreenMissing(ValueError):
    """The size of the screen or of the image is needed, and neither file nor user states it."""


@dataclass(frozen=True)
class Framed:
    """One scanpath in pixels of a frame (a screen, or an image), with the image's box in the frame."""

    path: NDArray[np.float64]
    frame: Size
    box: Box
    #: (width, height) of the image in its own pixels.
    image_size: Size
    #: Whether the image's size is known, rather than taken from the box.
    knows_image: bool
    #: Descriptions of how the frame and the box were found.
    frame_words: str
    box_words: str
    #: Why the placement may be wrong, or "".
    doubt: str = ""

    def on_image(self) -> NDArray[np.float64]:
        """Return the fixations in pixels of the image, (L, 3)."""
        return to_image(self.path, self.box, self.image_size)


def framed(raw: RawScanpath, stated: Stated, image_size: Size | None) -> Framed:
    """Return a scanpath in its frame; raise :class:`ScreenMissing` if a size that is needed is not stated."""
    screen, how = _screen(raw, stated)
    doubt = _other_screen(raw, stated)
    if stated.image_box is not None or stated.placement in ("fit", "stretch", "center"):
        if screen is None:
            wanted = "image_box" if stated.image_box is not None else f'placement "{stated.placement}"'
            raise ScreenMissing(f"screen_size is missing; expected it in pixels with {wanted}")
        if stated.image_box is not None:
            box, words = stated.image_box, "image in image_box"
        elif image_size is None:
            raise ValueError(
                f'placement is "{stated.placement}", but the size of the image is not known; expected the '
                "image file (--images FOLDER, or a manifest), or image_box"
            )
        else:
            placement = stated.placement
            assert placement is not None
            box, words = place_image(placement, image_size, screen), f"image placed by {placement}"
        return _made(raw, screen, box, image_size, how, words, doubt)
    if stated.placement == "native" or (raw.of_image and raw.unit == "fraction"):
        # x and y are pixels of the image; a gaze file that states another size has another resolution.
        frame = (
            raw.frame if raw.of_image and raw.unit == "px" and not raw.is_default else None
        ) or image_size
        if stated.placement is None and image_size is None:
            frame = screen
        if frame is None:
            frame = screen
        if frame is None:
            raise ScreenMissing(
                "the size of the image is not known; expected the image file, or screen_size in pixels"
            )
        words = 'image pixels (placement "native")' if stated.placement else "x, y refer to the image"
        named = "" if frame is not screen else how
        return _made(raw, frame, (0.0, 0.0, *frame), image_size, named, words, "")
    frame = raw.frame if raw.of_image and raw.frame is not None and not raw.is_default else screen
    if frame is None and raw.unit != "px":
        raise ScreenMissing(
            f"coordinates are in {raw.unit}; expected screen_size=(width, height) to convert them, "
            'or placement "native" where they are fractions of the image'
        )
    if frame is None:
        if image_size is None:
            raise ScreenMissing("screen_size is missing; expected it in pixels, or the image files")
        box = (0.0, 0.0, *image_size)
        words = "taken as image pixels (placement not stated)"
        return _made(raw, image_size, box, image_size, "", words, doubt)
    box = (0.0, 0.0, *frame)
    if image_size is None or image_size == frame:
        return _made(raw, frame, box, image_size, how, "", doubt)
    words = "x, y refer to the image"
    if not raw.of_image:
        words = "image over the whole screen (placement not stated)"
    if not _same_proportion(frame, image_size):
        doubt = doubt or (
            f"an image of {image_size[0]:g} x {image_size[1]:g} px is taken to fill "
            f"{frame[0]:g} x {frame[1]:g} px of other proportions; expected placement "
            '("fit", "center", "stretch" or "native") or image_box'
        )
    return _made(raw, frame, box, image_size, how, words, doubt)


def _screen(raw: RawScanpath, stated: Stated) -> tuple[Size | None, str]:
    """Return the screen, and a description of where its size comes from."""
    if stated.screen_size is not None and not (raw.of_image and raw.frame and not raw.is_default):
        return stated.screen_size, " (as asked)"
    if raw.frame is not None and raw.is_default:
        return raw.frame, " (default of this format; screen_size= overrides)"
    return stated.screen_size if raw.of_image and stated.screen_size else raw.frame, ""


def _other_screen(raw: RawScanpath, stated: Stated) -> str:
    """Return a warning if the stated screen contradicts the file's, else an empty text."""
    own, asked = raw.frame, stated.screen_size
    if None in (own, asked) or own == asked or raw.is_default or raw.of_image or raw.unit != "px":
        return ""
    assert own is not None
    assert asked is not None
    return (
        f"the file states a screen of {own[0]:g} x {own[1]:g} px, and screen_size is "
        f"{asked[0]:g} x {asked[1]:g}; expected one size, or none to take the file's"
    )


def _made(
    raw: RawScanpath, frame: Size, box: Box, image_size: Size | None, how: str, words: str, doubt: str
) -> Framed:
    path = raw.path
    if raw.unit != "px":
        path = path.copy()
        path[:, :2] *= frame
    knows = image_size is not None
    size = image_size if image_size is not None else (box[2] - box[0], box[3] - box[1])
    return Framed(path, frame, box, size, knows, f"{frame[0]:g} x {frame[1]:g}{how}", words, doubt)


def _same_proportion(one: Size, other: Size) -> bool:
    return abs(one[0] * other[1] / (one[1] * other[0]) - 1) <= SAME_PROPORTION
