"""Moments: the mass of a heatmap and how widely it is spread."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from .. import _core
from .._errors import number
from ..heatmaps import per_map, pixel_size, stacks, threads
from .base import Csr, Scheme
from .features import Features


@dataclass(frozen=True)
class Moments(Scheme):
    """Gaze moments: the mass of a heatmap and how widely it is spread (McGIP, eq. 2 and 3).

    A = α(1 − δ(μ00)) + (1 − α)(1 − δ(φ1)) with ``δ(a, b) = |a − b| / max(a, b)`` and
    φ1 = (μ20 + μ02) / μ00², in pixel units, summed in float64 whatever the type of the map.

    Parameters
    ----------
    alpha
        Weight of the mass, in [0, 1].
    size
        None for the native resolution, or (width, height) to resize to first (bilinear; 8-bit maps
        are rounded), as the released code does with (32, 32).

    Examples
    --------
    >>> import numpy as np
    >>> from gazesim import Moments
    >>> Moments(alpha=0.5).features(np.eye(4)[None].repeat(2, axis=0)).affinity()
    array([[1., 1.],
           [1., 1.]], dtype=float32)
    """

    alpha: float = 0.5
    size: tuple[int, int] | None = None

    takes: ClassVar[str] = "heatmaps"
    invalid_reason: ClassVar[str] = "heatmap without mass"

    def __post_init__(self) -> None:
        size = None if self.size is None else pixel_size("size", self.size)
        self._set_fields(alpha=number("alpha", self.alpha, low=0.0, high=1.0), size=size)

    def features(
        self,
        gazes: Any,
        *,
        ids: Iterable[Hashable] | None = None,
        argument: str = "gazes",
        n_threads: int | None = None,
    ) -> Features:
        """Return [μ00, φ1] of heatmaps: (n, H, W) or a list of (H, W).

        At native resolution all maps must have one size, because the moments are in pixels. Maps without
        mass are kept, as invalid. Parameters and errors as for :meth:`Scheme.features`.

        Examples
        --------
        >>> import numpy as np
        >>> from gazesim import Moments
        >>> Moments().features([np.eye(4), np.zeros((4, 4))], ids=["a", "b"]).values
        array([[4.   , 0.625],
               [0.   , 0.   ]])
        """
        runs = stacks(gazes, argument)
        sizes = sorted({run.shape[1:] for run in runs})
        if self.size is None and len(sizes) > 1:
            raise ValueError(
                f"{argument} has maps of different sizes {sizes[:3]}; "
                "expected one size, or Moments(size=(32, 32)) to resize them"
            )
        size = self.size and self.size[::-1]
        values = per_map(
            argument, runs, _core.moments_features, np.empty((0, 2)), size=size, n_threads=threads(n_threads)
        )
        native = sizes[0] if self.size is None and len(values) else None
        return Features.trusted(self, values, None, ids, native)

    def fill_affinity(
        self, rows: Features, other: Features | None, out: NDArray[np.float32], **run: Any
    ) -> None:
        _core.moments_affinity(
            rows.values, None if other is None else other.values, out, alpha=self.alpha, **run
        )

    def find_neighbors(self, features: Features, search: dict[str, Any]) -> Csr:
        return _core.moments_neighbors(features.values, search, alpha=self.alpha)

    def sort_key(self, features: Features) -> NDArray[Any]:
        mass: NDArray[Any] = features.values[:, 0]
        return mass
