"""DHash: where a heatmap rises from left to right."""

from __future__ import annotations

import dataclasses
from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from .. import _core
from .._errors import choice, integer, number
from ..heatmaps import per_map, stacks, threads
from .base import Csr, Scheme
from .features import Features


@dataclass(frozen=True)
class DHash(Scheme):
    """dHash: where the gaze falls off, as bits, for structured images (McGIP).

    The map is shrunk to ``hash_size`` rows and one column more; a bit says whether a cell exceeds
    the one to its right. The affinity is the cosine of the bit vectors, ``|a∧b| / √(|a||b|)``.

    Parameters
    ----------
    hash_size
        Rows and columns of bits, 1 to 64.
    axis
        ``"row"`` compares left with right, ``"column"`` upper with lower.
    interpolation
        ``"area"`` (the paper's "filters out high frequencies") or ``"bilinear"`` (the released
        code). 8-bit maps are rounded to whole grey levels after either, as image libraries do.
    margin
        A difference counts when it exceeds this share of the map's maximum, by default one grey
        level. With 0 the tails of float maps set bits and mislead.

    Examples
    --------
    >>> import numpy as np
    >>> from gazesim import DHash
    >>> ramp = np.tile(np.arange(32.0), (32, 1))
    >>> DHash().features([ramp[:, ::-1], ramp[:, ::-1] ** 2]).affinity()
    array([[1., 1.],
           [1., 1.]], dtype=float32)
    """

    hash_size: int = 8
    axis: str = "row"
    interpolation: str = "area"
    margin: float = 1 / 255

    takes: ClassVar[str] = "heatmaps"
    invalid_reason: ClassVar[str] = "hash without a set bit"

    def __post_init__(self) -> None:
        self._set_fields(
            hash_size=integer("hash_size", self.hash_size, low=1, high=64),
            axis=choice("axis", self.axis, ("row", "column")),
            interpolation=choice("interpolation", self.interpolation, ("area", "bilinear")),
            margin=number("margin", self.margin, low=0.0, high=1.0),
        )

    def features(
        self,
        gazes: Any,
        *,
        ids: Iterable[Hashable] | None = None,
        argument: str = "gazes",
        n_threads: int | None = None,
    ) -> Features:
        """Return the hashes of heatmaps, (n, H, W) or a list of (H, W) of any sizes, as words of 64 bits.

        Bits are in row-major order, the first in the least significant bit of the first word. Hashes
        without a set bit are kept, as invalid. Parameters and errors as for :meth:`Scheme.features`.

        Examples
        --------
        >>> import numpy as np
        >>> from gazesim import DHash
        >>> ramp = np.tile(np.arange(32.0), (32, 1))
        >>> features = DHash().features([ramp[:, ::-1], ramp], ids=["a", "b"])
        >>> features.values.shape, features.valid
        ((2, 1), array([ True, False]))
        """
        empty = np.empty((0, -(-self.hash_size * self.hash_size // 64)), np.uint64)
        runs = stacks(gazes, argument)
        params = {**dataclasses.asdict(self), "n_threads": threads(n_threads)}
        values = per_map(argument, runs, _core.dhash_features, empty, **params)
        return Features.trusted(self, values, None, ids)

    def fill_affinity(
        self, rows: Features, other: Features | None, out: NDArray[np.float32], **run: Any
    ) -> None:
        _core.dhash_affinity(rows.values, None if other is None else other.values, out, **run)

    def find_neighbors(self, features: Features, search: dict[str, Any]) -> Csr:
        return _core.dhash_neighbors(features.values, search)

    def sort_key(self, features: Features) -> NDArray[Any]:
        set_bits = np.unpackbits(features.values.view(np.uint8), axis=1).sum(axis=1)
        return np.asarray(set_bits)
