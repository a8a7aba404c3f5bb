"""ScanMatch: global alignment of fixations on a grid."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from .._errors import choice, number, screen
from ..scanpaths import Scanpaths
from .base import Pair
from .measure import ScanpathMeasure, cells_of, grid_shape, refuse_long


@dataclass(frozen=True)
class ScanMatch(ScanpathMeasure):
    """ScanMatch (Cristino, Mathôt, Theeuwes and Gilchrist 2010): global alignment of grid cells.

    Each fixation becomes a cell of a grid over the screen; points outside take the border cell. Two cells
    at a distance of d cells score ``threshold_cells`` - d, a cell without a counterpart scores ``gap``; the
    affinity is the best score of a Needleman-Wunsch alignment over threshold_cells·max(n, m), clipped to
    [0, 1]. Raw numbers: :func:`gazesim.scanmatch`.

    Parameters
    ----------
    screen_size
        (width, height) in pixels; default: that of the scanpaths.
    grid
        (columns, rows) of the grid.
    threshold_cells
        Score of the same cell, above 0, in cells. The toolbox recommends 2·(standard deviation of saccade
        amplitudes in px) / (width / columns).
    gap
        Score of a cell without a counterpart, at most 0.
    temporal_bin_s
        A cell is repeated once per so many seconds of its fixation; 0 counts every fixation once.
        Scanpaths are at most 8,192 bins long.
    rounding
        How a fixation's last, incomplete bin counts: ``"half_away"`` from half a bin on (MATLAB's
        ``round``), ``"half_even"`` (NumPy's), or ``"down"``, not at all (as Gazeformer's ``int``). Shares
        are rounded to nine decimals first, so that 0.15 s are 1.5 bins of 0.1 s.

    Examples
    --------
    >>> from gazesim import ScanMatch
    >>> a, b = [[10, 10, 0.2], [50, 10, 0.3]], [[10, 10, 0.2], [60, 10, 0.1]]
    >>> ScanMatch(screen_size=(120, 80)).features([a, b]).affinity().round(3)
    array([[1.   , 0.857],
           [0.857, 1.   ]], dtype=float32)
    """

    screen_size: tuple[float, float] | None = None
    grid: tuple[int, int] = (12, 8)
    threshold_cells: float = 3.5
    gap: float = 0.0
    temporal_bin_s: float = 0.0
    rounding: str = "half_away"

    invalid_reason: ClassVar[str] = "no fixation, or none that lasts a temporal bin"
    lowest_value: ClassVar[float | None] = 0.0

    def __post_init__(self) -> None:
        self._set_fields(
            screen_size=screen("screen_size", self.screen_size),
            grid=grid_shape("grid", self.grid),
            threshold_cells=number("threshold_cells", self.threshold_cells, low=0.0, high=1e6, open_low=True),
            gap=number("gap", self.gap, low=-1e6, high=0.0),
            temporal_bin_s=number("temporal_bin_s", self.temporal_bin_s, low=0.0),
            rounding=choice("rounding", self.rounding, ("half_away", "half_even", "down")),
        )

    def feature_rows(self, paths: Scanpaths, argument: str) -> Pair:
        refuse_long(paths.offsets, argument, self.most_fixations)
        assert self.screen_size is not None
        cells = cells_of(paths.values, self.screen_size, self.grid)
        if self.temporal_bin_s == 0:
            return cells, paths.offsets
        bins = self._bins(paths.values[:, 2])
        ends = np.concatenate([[0.0], np.cumsum(np.minimum(bins, 1e9))])[paths.offsets]
        lengths = np.diff(ends)
        if len(lengths) and lengths.max() > self.most_fixations:
            sample = int(np.argmax(lengths > self.most_fixations))
            raise ValueError(
                f"{argument}: sample {sample} has {lengths[sample]:.0f} temporal bins or more; expected at "
                f"most {self.most_fixations}, with a larger temporal_bin_s or durations in seconds"
            )
        return cells.repeat(bins.astype(np.int64), axis=0), ends.astype(np.int64)

    def _bins(self, durations_s: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return how many temporal bins each fixation lasts."""
        bins = np.round(np.minimum(durations_s / self.temporal_bin_s, 1e9), 9)
        if self.rounding == "half_even":
            return np.round(bins)
        whole: NDArray[np.float64] = np.floor(bins + (0.5 if self.rounding == "half_away" else 0.0))
        return whole

    def compiled_measure(self) -> dict[str, Any]:
        return {"name": "scanmatch", "threshold": self.threshold_cells, "gap": self.gap}
