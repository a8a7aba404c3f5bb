"""MultiMatch: scanpaths as sequences of saccades, aligned and compared in five dimensions."""

from __future__ import annotations

import dataclasses
from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from .. import _core
from .._errors import choice, describe, integer, number, numbers, screen
from ..scanpaths import Scanpaths
from .base import Csr, Scheme, agreed_size, ragged
from .features import Features


@dataclass(frozen=True)
class Grouping:
    """Simplification of scanpaths before MultiMatch (Dewhurst et al. 2012).

    Consecutive saccades become one where the angle between them is below ``direction_deg`` and the
    fixation between them is shorter than ``duration``, or where a saccade is shorter than
    ``amplitude_px`` and one of its fixations shorter than ``duration``; repeated until the number
    of fixations stops changing. ``duration`` is in the unit of the scanpaths, which is seconds for
    everything that gazesim reads.

    Examples
    --------
    >>> from gazesim import Grouping
    >>> Grouping(amplitude_px=160, direction_deg=45, duration=0.3)
    Grouping(amplitude_px=160.0, direction_deg=45.0, duration=0.3)
    """

    amplitude_px: float
    direction_deg: float
    duration: float

    def __post_init__(self) -> None:
        for name in ("amplitude_px", "direction_deg", "duration"):
            high = 180.0 if name == "direction_deg" else np.inf
            object.__setattr__(self, name, number(name, getattr(self, name), low=0.0, high=high))


@dataclass(frozen=True)
class MultiMatch(Scheme):
    """MultiMatch: scanpaths as saccade vectors, aligned, compared in five dimensions.

    Jarodzka et al. 2010; Dewhurst et al. 2012; used by McGIP (AAAI 2024) for unstructured images.
    The five similarities (shape, direction, length, position, duration) equal those of
    multimatch_gaze; the affinity is their weighted mean, clipped to [0, 1].

    Parameters
    ----------
    screen_size
        (width, height) in pixels; default: that of the scanpaths.
    weights
        Five weights that sum to 1. The papers state none; McGIP's code used
        (0.1, 0.1, 0.1, 0.1, 0.6).
    grouping
        Simplification first, or None.
    alignment
        ``"joint"``: one path, cheapest in shape, and the median difference along it (Dewhurst).
        ``"per_dimension"``: for each dimension its own cheapest path and the mean along it (McGIP).
    min_fixations
        Scanpaths with fewer are invalid; at least 2.

    Examples
    --------
    >>> from gazesim import MultiMatch
    >>> a = [[10, 10, 0.2], [50, 10, 0.3], [50, 40, 0.2]]
    >>> b = [[12, 11, 0.2], [50, 12, 0.3], [48, 44, 0.4]]
    >>> MultiMatch(screen_size=(64, 48)).features([a, b]).affinity().round(3)
    array([[1.   , 0.984],
           [0.984, 1.   ]], dtype=float32)
    """

    screen_size: tuple[float, float] | None = None
    weights: tuple[float, float, float, float, float] = (0.2, 0.2, 0.2, 0.2, 0.2)
    grouping: Grouping | None = None
    alignment: str = "joint"
    min_fixations: int = 3

    takes: ClassVar[str] = "scanpaths"
    invalid_reason: ClassVar[str] = "fewer than min_fixations fixations"
    lowest_value: ClassVar[float | None] = None  # vectors point anywhere

    def __post_init__(self) -> None:
        weights = numbers("weights", self.weights, 5)
        if abs(sum(weights) - 1) > 1e-6:
            raise ValueError(
                f"weights is {self.weights}, which sums to {sum(weights):g}; expected a sum of 1"
            )
        if self.grouping is not None and not isinstance(self.grouping, Grouping):
            raise TypeError(f"grouping is {describe(self.grouping)}; expected a gazesim.Grouping or None")
        self._set_fields(
            screen_size=screen("screen_size", self.screen_size),
            weights=weights,
            alignment=choice("alignment", self.alignment, ("joint", "per_dimension")),
            min_fixations=integer("min_fixations", self.min_fixations, low=2, high=2**31),
        )

    def features(
        self,
        gazes: Any,
        *,
        ids: Iterable[Hashable] | None = None,
        argument: str = "gazes",
        n_threads: int | None = None,
    ) -> Features:
        """Return the saccade vectors of scanpaths: a list of (L, 3) arrays or :class:`Scanpaths`.

        At most 8,192 fixations each: an alignment keeps one direction per pair of saccades.
        Each row holds dx, dy, length, angle, and x, y and duration of the fixation where the vector
        starts. Scanpaths of fewer than ``min_fixations`` are kept, as invalid. Parameters and errors as
        for :meth:`Scheme.features`; a screen size is needed, here or on the :class:`Scanpaths`.

        Examples
        --------
        >>> from gazesim import MultiMatch
        >>> paths = [[[10, 10, 0.2], [50, 10, 0.3], [50, 40, 0.2]], [[12, 11, 0.2]]]
        >>> features = MultiMatch(screen_size=(64, 48)).features(paths, ids=["image 7", "image 9"])
        >>> features.ids, features.valid
        (('image 7', 'image 9'), array([ True, False]))
        """
        paths = Scanpaths.from_list(gazes, argument=argument)
        scheme = dataclasses.replace(self, screen_size=agreed_size(self.screen_size, paths, "screen_size"))
        values, offsets = _core.multimatch_features(
            (paths.values, paths.offsets),
            min_fixations=self.min_fixations,
            grouping=self.grouping,
            argument=argument,
        )
        return Features.trusted(scheme, values, offsets, paths.ids if ids is None else ids)

    def fill_affinity(
        self, rows: Features, other: Features | None, out: NDArray[np.float32], **run: Any
    ) -> None:
        _core.multimatch_affinity(
            ragged(rows),
            None if other is None else ragged(other),
            out,
            screen_size=self.screen_size,
            weights=self.weights,
            alignment=self.alignment,
            **run,
        )

    def find_neighbors(self, features: Features, search: dict[str, Any]) -> Csr:
        return _core.multimatch_neighbors(
            ragged(features),
            search,
            screen_size=self.screen_size,
            weights=self.weights,
            alignment=self.alignment,
        )

    def fill_dimensions(
        self, rows: Features, other: Features | None, out: NDArray[np.float64], **run: Any
    ) -> None:
        _core.multimatch_dimensions(
            ragged(rows),
            None if other is None else ragged(other),
            out,
            screen_size=self.screen_size,
            alignment=self.alignment,
            **run,
        )
