"""Agreement of readers: mean affinities of their gazes on the same image."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..cache import AffinityCache
from ..cache.selection import evenly_spaced

__all__ = ["Agreement", "reader_agreement"]

#: Largest number of images, evenly spaced, that are compared; each costs (readers per image)² affinities.
MOST_IMAGES = 500


@dataclass(frozen=True)
class Agreement:
    """Mean affinities of the gazes of readers; NaN where two readers share no image.

    Gazes on which the scheme is not defined are left out of the means.
    """

    readers: tuple[Hashable, ...]
    #: (R,) gazes of every reader in the cache, and how many of them are invalid.
    gazes: NDArray[np.int64]
    invalid: NDArray[np.int64]
    #: (R, R): ``[i, j]`` is the mean affinity of readers i and j on images that both have read.
    same_image: NDArray[np.float64]
    #: (R,): with all other readers on the same image, and with anybody's gaze on another image.
    with_others: NDArray[np.float64]
    on_other_images: NDArray[np.float64]
    #: How many images were compared.
    images: int


def reader_agreement(cache: AffinityCache) -> Agreement | None:
    """Return the agreement of readers, or None if ids are not (image_id, reader_id) of several readers.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> from gazesim import AffinityCache
    >>> from gazesim.report.agreement import reader_agreement
    >>> a = [[10, 10, 0.2], [50, 10, 0.3], [50, 40, 0.2]]
    >>> folder = pathlib.Path(tempfile.mkdtemp()) / "cache"
    >>> ids = [("x", "ann"), ("x", "bob"), ("y", "ann"), ("y", "bob")]
    >>> cache = AffinityCache.build(folder, [a, a, a[::-1], a[::-1]], ids=ids, screen_size=(64, 48))
    >>> found = reader_agreement(cache)
    >>> found.readers, found.with_others, found.on_other_images.round(2)
    (('ann', 'bob'), array([1., 1.]), array([0.75, 0.75]))
    """
    source = cache if cache.reduce is None else cache.features
    names = source.ids
    if not names or not all(isinstance(name, tuple) and len(name) == 2 for name in names):
        return None
    readers = tuple(dict.fromkeys(name[1] for name in names if isinstance(name, tuple)))
    if len(readers) < 2:
        return None
    number_of = {reader: number for number, reader in enumerate(readers)}
    reader_at = np.array([number_of[name[1]] for name in names if isinstance(name, tuple)], np.int64)
    gazes_of: dict[Hashable, list[int]] = {}
    for at, name in enumerate(names):
        assert isinstance(name, tuple)
        gazes_of.setdefault(name[0], []).append(at)
    groups = [np.array(at, np.int64) for at in gazes_of.values() if len(at) > 1]
    if not groups:
        return None
    groups = [groups[at] for at in evenly_spaced(len(groups), MOST_IMAGES)]
    count = len(readers)
    valid = np.asarray(source.valid)
    same, other = _Means((count, count)), _Means((count, count))
    for number, here in enumerate(groups):
        here = here[valid[here]]
        apart = reader_at[here][:, None] != reader_at[here]
        same.add(source.block_at(here), reader_at[here], reader_at[here], apart)
        if len(groups) > 1:
            there = groups[(number + 1) % len(groups)]
            there = there[valid[there]]
            everybody = np.ones((len(here), len(there)), bool)
            other.add(source.block_at(here, there), reader_at[here], reader_at[there], everybody)
    return Agreement(
        readers,
        np.bincount(reader_at, minlength=count),
        np.bincount(reader_at[~valid], minlength=count),
        same.of_pairs(),
        same.of_rows(),
        other.of_rows(),
        len(groups),
    )


class _Means:
    """Sums and counts of affinities for each pair of readers."""

    def __init__(self, shape: tuple[int, int]) -> None:
        self.sums, self.counts = np.zeros(shape), np.zeros(shape, np.int64)

    def add(
        self,
        block: NDArray[np.float32],
        rows: NDArray[np.int64],
        columns: NDArray[np.int64],
        chosen: NDArray[np.bool_],
    ) -> None:
        first, second = np.nonzero(chosen)
        np.add.at(self.sums, (rows[first], columns[second]), block[first, second])
        np.add.at(self.counts, (rows[first], columns[second]), 1)

    def of_pairs(self) -> NDArray[np.float64]:
        return _divided(self.sums, self.counts)

    def of_rows(self) -> NDArray[np.float64]:
        return _divided(self.sums.sum(axis=1), self.counts.sum(axis=1))


def _divided(sums: NDArray[np.float64], counts: NDArray[np.int64]) -> NDArray[np.float64]:
    means: NDArray[np.float64] = np.where(counts > 0, sums / np.maximum(counts, 1), np.nan)
    return means
