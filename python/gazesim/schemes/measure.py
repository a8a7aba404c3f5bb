"""The base class of scanpath measures: rows of numbers per fixation, compared by one compiled driver."""

from __future__ import annotations

import dataclasses
import math
from abc import abstractmethod
from collections.abc import Hashable, Iterable, Mapping
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from .. import _core
from .._errors import describe, integer, numbers
from ..geometry import Screen, ScreenGeometry
from ..scanpaths import Scanpaths
from .base import Csr, Pair, Scheme, agreed_size, ragged
from .features import Features


class ScanpathMeasure(Scheme):
    """A scheme whose features are rows of numbers for each fixation. Subclasses are frozen dataclasses."""

    screen_size: tuple[float, float] | None

    takes: ClassVar[str] = "scanpaths"
    invalid_reason: ClassVar[str] = "no fixation"
    lowest_value: ClassVar[float | None] = None
    #: The longest scanpath, in fixations.
    most_fixations: ClassVar[int] = 8192

    def features(
        self,
        gazes: Any,
        *,
        ids: Iterable[Hashable] | None = None,
        argument: str = "gazes",
        n_threads: int | None = None,
    ) -> Features:
        """Return the rows that are compared, for a list of (L, 3) arrays or :class:`Scanpaths`.

        At most 8,192 fixations each, 1,024 for :class:`TimeDelayEmbedding`. Scanpaths without a fixation
        are kept, as invalid. Parameters and errors as for :meth:`Scheme.features`.

        Examples
        --------
        >>> from gazesim import DTW
        >>> features = DTW(screen_size=(64, 48)).features([[[10, 10, 0.2], [50, 10, 0.3]], [[9, 8, 0.1]]])
        >>> features.values.shape
        (3, 2)
        """
        paths = Scanpaths.from_list(gazes, argument=argument)
        agreed = self._with_screen_of(paths, argument)
        values, offsets = agreed.feature_rows(paths, argument)
        return Features.trusted(agreed, values, offsets, paths.ids if ids is None else ids)

    def _with_screen_of(self, paths: Scanpaths, argument: str) -> ScanpathMeasure:
        """Return this measure with its own screen size, or else that of the scanpaths."""
        size = agreed_size(self.screen_size, paths, "screen_size")
        return dataclasses.replace(self, screen_size=size)  # type: ignore[type-var]

    def feature_rows(self, paths: Scanpaths, argument: str) -> Pair:
        """Return the rows that are compared, by default x and y, and the offset of each scanpath."""
        refuse_long(paths.offsets, argument, self.most_fixations)
        return np.ascontiguousarray(paths.values[:, :2]), paths.offsets

    @abstractmethod
    def compiled_measure(self) -> dict[str, Any]:
        """Return the name and the parameters of the compiled measure."""

    def fill_affinity(
        self, rows: Features, other: Features | None, out: NDArray[np.float32], **run: Any
    ) -> None:
        cols = None if other is None else ragged(other)
        _core.measure_affinity(ragged(rows), cols, out, measure=self.compiled_measure(), **run)

    def find_neighbors(self, features: Features, search: dict[str, Any]) -> Csr:
        return _core.measure_neighbors(ragged(features), search, measure=self.compiled_measure())

    @property
    def _diagonal_px(self) -> float:
        return 1.0 if self.screen_size is None else math.hypot(*self.screen_size)


def geometry_of(value: Any) -> ScreenGeometry:
    """Return a screen with a size in cm and a distance: one with these, or a mapping of its fields."""
    if isinstance(value, Mapping):  # as parsed from a manifest or a command line
        # A cache's manifest has the names of Screen, a command line may have the old ones.
        old = {"size_wh": "size_px", "cm": "size_cm"}
        fields = {old.get(str(name), str(name)): side for name, side in value.items()}
        return ScreenGeometry(**fields)
    if not isinstance(value, Screen) or not value.has_degrees:
        raise TypeError(
            f"geometry is {describe(value)}; expected a gazesim.ScreenGeometry: size_px, size_cm and "
            "distance_cm of the screen"
        )
    # One class, so that measures with equal screens are equal.
    width, height, across, down, distance = value.measures
    return ScreenGeometry((width, height), (across, down), distance)


def refuse_long(offsets: NDArray[np.int64], argument: str, most: int) -> None:
    """Raise for a scanpath of more than ``most`` fixations."""
    lengths = np.diff(offsets)
    if len(lengths) and lengths.max() > most:
        sample = int(np.argmax(lengths > most))
        raise ValueError(
            f"{argument}: sample {sample} has {lengths[sample]} rows; expected at most {most} fixations "
            "(are these raw samples? detect fixations first)"
        )


def grid_shape(argument: str, value: Any) -> tuple[int, int]:
    """Return (columns, rows) of a grid over the screen."""
    columns, rows = numbers(argument, value, 2)
    sides = [int(side) if side == int(side) else side for side in (columns, rows)]
    checked = [integer(f"{argument}[{axis}]", side, low=1, high=1024) for axis, side in enumerate(sides)]
    return checked[0], checked[1]


def cells_of(
    points: NDArray[np.float64], screen_size: tuple[float, float], grid: tuple[int, int]
) -> NDArray[np.float64]:
    """Return (column, row) of the grid cell of every point, (L, 2); points outside take the border cell."""
    most = np.array(grid) - 1
    cells: NDArray[np.float64] = np.clip(np.floor(points[:, :2] * grid / screen_size), 0, most)
    return cells
