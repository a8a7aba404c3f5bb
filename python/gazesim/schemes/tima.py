"""TIMA: the moments of the clusters of a gaze, in the order of time."""

from __future__ import annotations

import dataclasses
from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from .. import _core
from .._errors import integer, number
from ..heatmaps import MAX_SIGMA, pixel_size, threads
from ..scanpaths import Scanpaths
from .base import Csr, Scheme, agreed_size, ragged
from .features import Features


@dataclass(frozen=True)
class TIMA(Scheme):
    """TIMA: raw gaze as a sequence of clusters, compared by time warping (GzPT, IEEE TMI 2025).

    Points (x / W, y / H, t / L), with t the sample index, are clustered by DBSCAN; each cluster,
    in the order of first points, becomes a Gaussian map scaled to maximum 1 and resized to 32 × 32,
    of which the moments [μ00, φ1] are kept. Two sequences are aligned by dynamic time warping with
    the cost w·δ(μ00) + (1 − w)·δ(φ1); A = 1 − D / (number of cells on the path). Points outside of
    the image take part in the clustering but leave no mark on the maps; a cluster that leaves no mark on
    the small map (outside of the image, or narrower than the distance of its pixels) is dropped.

    Parameters
    ----------
    image_size
        (width, height) of the image in pixels; default: the screen size of the gaze.
    eps
        Radius of a neighbourhood, in shares of width, height and time.
    min_samples
        Neighbours, itself included, that make a core point: a float is a share s of the L points,
        ⌊s·L⌋ + 1; an int a count.
    sigma_px
        Standard deviation of the Gaussian in pixels.
    weight_mass
        w, the weight of δ(μ00).

    Examples
    --------
    >>> from gazesim import TIMA
    >>> dwell = [[10, 10, 0.02]] * 20 + [[50, 30, 0.02]] * 20
    >>> TIMA(image_size=(64, 48), sigma_px=4).features([dwell, dwell[::-1]]).affinity().round(2)
    array([[1.  , 0.99],
           [0.99, 1.  ]], dtype=float32)
    """

    image_size: tuple[int, int] | None = None
    eps: float = 0.2
    min_samples: float | int = 0.1
    sigma_px: float = 18.0
    weight_mass: float = 0.7

    takes: ClassVar[str] = "scanpaths"
    invalid_reason: ClassVar[str] = "no cluster in the image"

    def __post_init__(self) -> None:
        count = isinstance(self.min_samples, (int, np.integer)) and not isinstance(self.min_samples, bool)
        self._set_fields(
            image_size=None if self.image_size is None else pixel_size("image_size", self.image_size),
            eps=number("eps", self.eps, low=0.0, open_low=True),
            min_samples=integer("min_samples", self.min_samples, low=1, high=2**31)
            if count
            else number("min_samples", self.min_samples, low=0.0, high=1.0),
            sigma_px=number("sigma_px", self.sigma_px, low=0.0, high=MAX_SIGMA, open_low=True),
            weight_mass=number("weight_mass", self.weight_mass, low=0.0, high=1.0),
        )

    def features(
        self,
        gazes: Any,
        *,
        ids: Iterable[Hashable] | None = None,
        argument: str = "gazes",
        n_threads: int | None = None,
    ) -> Features:
        """Return the cluster moments of gaze: a list of (L, 3) arrays or :class:`Scanpaths`.

        Rows are samples in order; their duration is not used. Every sample is compared with every other
        of its sequence, at most 1,000,000 of them: 100,000 take some ten seconds, a million a quarter of
        an hour. Gaze without a cluster in the image is kept, as invalid. Parameters and errors as for
        :meth:`Scheme.features`; the size of the image is needed, here or on the :class:`Scanpaths`.

        Examples
        --------
        >>> from gazesim import TIMA
        >>> dwell = [[10, 10, 0.02]] * 20 + [[50, 30, 0.02]] * 20
        >>> features = TIMA(image_size=(64, 48), sigma_px=4).features([dwell], ids=["a"])
        >>> len(features.values)  # clusters
        2
        """
        paths = Scanpaths.from_list(gazes, argument=argument)
        size = pixel_size("image_size", agreed_size(self.image_size, paths, "image_size"))
        values, offsets = _core.tima_features(
            (paths.values, paths.offsets),
            image_size=size,
            eps=self.eps,
            sigma_px=self.sigma_px,
            min_samples=self.min_samples,
            argument=argument,
            n_threads=threads(n_threads),
        )
        scheme = dataclasses.replace(self, image_size=size)
        return Features.trusted(scheme, values, offsets, paths.ids if ids is None else ids)

    def fill_affinity(
        self, rows: Features, other: Features | None, out: NDArray[np.float32], **run: Any
    ) -> None:
        _core.tima_affinity(
            ragged(rows), None if other is None else ragged(other), out, weight_mass=self.weight_mass, **run
        )

    def find_neighbors(self, features: Features, search: dict[str, Any]) -> Csr:
        return _core.tima_neighbors(ragged(features), search, weight_mass=self.weight_mass)
