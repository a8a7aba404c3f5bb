"""The options for reading gaze, shared by commands, manifests and training."""

from __future__ import annotations

from dataclasses import dataclass

from .._errors import choice, number, numbers, screen
from ..geometry import PLACEMENTS, Box, Size, checked_box
from ..io.reading import options_from
from ..io.recording import Options

__all__ = ["GazeOptions"]


@dataclass(frozen=True)
class GazeOptions:
    """How gaze files are read, and where their images were on the screen.

    Parameters
    ----------
    format, time_unit, coord_unit, sampling_rate, eye, off_image, metadata
        As for :func:`gazesim.read_scanpaths`.
    by, missing, columns, on_bad_row, spanning
        As for :func:`gazesim.read_scanpaths`.
    screen_size
        (width, height) of the screen in pixels; default: what the file states.
    screen_cm, distance_cm
        (width, height) of the screen and its distance from the eye in centimetres: maps are then drawn
        with a standard deviation of ``sigma_deg``.
    placement
        Where every image was on the screen: ``"fit"``, ``"stretch"``, ``"center"`` or ``"native"``
        (x and y are pixels of the image already); see :func:`gazesim.geometry.place_image`.
    image_box
        (x0, y0, x1, y1) in screen pixels, instead of ``placement``.
    sigma_px, sigma_deg
        Standard deviation of the Gaussian that draws fixations as a map, in screen pixels or degrees;
        default: 1 degree where ``screen_cm`` and ``distance_cm`` are given, else 1/40 of the width.
    offset
        Drift to subtract, how far recorded gaze lies from where people looked: ``"dx,dy"`` in the unit of the
        file, a table with the columns recording, dx and dy, or ``"validation"``, the mean error of each
        EyeLink recording's validation.

    Examples
    --------
    >>> from gazesim.reading.options import GazeOptions
    >>> GazeOptions(screen_size=(1920, 1080), placement="fit").placement
    'fit'
    """

    format: str | None = None
    time_unit: str | None = None
    coord_unit: str | None = None
    screen_size: tuple[float, float] | None = None
    screen_cm: tuple[float, float] | None = None
    distance_cm: float | None = None
    placement: str | None = None
    image_box: tuple[float, float, float, float] | None = None
    sampling_rate: float | None = None
    eye: str | None = None
    off_image: str = "keep"
    metadata: str | None = None
    by: str | None = None
    missing: str | None = None
    columns: str | None = None
    on_bad_row: str = "raise"
    spanning: str = "start"
    sigma_px: float | None = None
    sigma_deg: float | None = None
    offset: str | None = None

    def __post_init__(self) -> None:
        _ = self.reading  # checks the options of read_scanpaths
        if self.placement is not None:
            choice("placement", self.placement, PLACEMENTS)
        set_ = object.__setattr__
        set_(self, "screen_size", screen("screen_size", self.screen_size))
        if self.image_box is not None:
            set_(self, "image_box", checked_box("image_box", self.image_box))
            if self.placement is not None:
                raise ValueError(
                    f"placement is {self.placement!r} and image_box is {self.image_box}; "
                    "expected one of the two"
                )
        if (self.screen_cm is None) != (self.distance_cm is None):
            raise ValueError(
                f"screen_cm is {self.screen_cm} and distance_cm is {self.distance_cm}; "
                "expected both or neither"
            )
        if self.screen_cm is not None:
            set_(self, "screen_cm", numbers("screen_cm", self.screen_cm, 2))
        for name in ("distance_cm", "sampling_rate", "sigma_px", "sigma_deg"):
            if getattr(self, name) is not None:
                set_(self, name, number(name, getattr(self, name), low=0.0, open_low=True))
        if self.sigma_px is not None and self.sigma_deg is not None:
            raise ValueError(
                f"sigma_px is {self.sigma_px} and sigma_deg is {self.sigma_deg}; expected one of the two"
            )
        if self.sigma_deg is not None and self.screen_cm is None:
            raise ValueError(
                f"sigma_deg is {self.sigma_deg}, but screen_cm and distance_cm are missing; expected both"
            )

    @property
    def reading(self) -> Options:
        """The options of :func:`gazesim.read_scanpaths`, checked."""
        return options_from(
            time_unit=self.time_unit,
            coord_unit=self.coord_unit,
            off_image=self.off_image,
            sampling_rate=self.sampling_rate,
            eye=self.eye,
            metadata=self.metadata,
            by=self.by,
            missing=self.missing,
            columns=self.columns,
            on_bad_row=self.on_bad_row,
            spanning=self.spanning,
            offset=self.offset,
        )

    @property
    def place(self) -> Stated:
        """The stated placement of the images."""
        return Stated(self.screen_size, self.placement, self.image_box)


@dataclass(frozen=True)
class Stated:
    """The placement of one image as a user states it; None takes what the file states."""

    screen_size: Size | None = None
    placement: str | None = None
    image_box: Box | None = None

    def over(self, other: Stated) -> Stated:
        """Return this placement, with fields that are None taken from ``other``."""
        place, box = self.placement, self.image_box
        if place is None and box is None:
            place, box = other.placement, other.image_box
        return Stated(self.screen_size or other.screen_size, place, box)
