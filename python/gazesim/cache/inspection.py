"""Inspect a cache for training: how many positives a threshold gives, and how pure they are."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._errors import integer, number
from . import AffinityCache
from .selection import ALMOST_ALL, QUANTILE_IMAGES, evenly_spaced, threshold_at, valid_pairs

__all__ = ["Inspection", "inspect_cache"]

#: Extra positives per row: training on phantoms improved from FEW to MANY; WANTED is proposed.
FEW, WANTED, MANY = 2, 4, 8
#: The threshold of the papers.
PUBLISHED = 0.7
#: Extras per row below which a threshold passes almost no pair.
ALMOST_NONE = 0.5
THRESHOLDS = 400
#: Purity is not reported for fewer pairs than this.
TOO_FEW = 40
STRIPS, NEIGHBORS = 4, 5


@dataclass(frozen=True)
class Inspection:
    """The numbers of ``gazesim inspect``, over all pairs of different images of a sample.

    ``extras[k]`` is the mean number of extra positives of a valid row of a batch at ``thresholds[k]``, and
    ``purity[k]`` the share of positive pairs with equal labels.
    """

    cache: AffinityCache
    batch_size: int
    #: Positions of the sample in the cache, and its (m, m) affinities.
    sample: NDArray[np.int64]
    matrix: NDArray[np.float32]
    #: Affinities of the pairs whose first image is valid, ascending; 0 for dropped pairs.
    pairs: NDArray[np.float32]
    thresholds: NDArray[np.float64]
    extras: NDArray[np.float64]
    purity: NDArray[np.float64] | None
    labels: Mapping[Hashable, Any] | None
    #: Purity of random pairs.
    chance: float
    invalid: tuple[Hashable, ...]

    def extras_at(self, threshold: float) -> float:
        """Return the extra positives per row of a batch at a threshold."""
        return (self.batch_size - 1) * self.share_at(threshold)

    def share_at(self, threshold: float) -> float:
        """Return the share of pairs whose affinity reaches a threshold."""
        below = np.searchsorted(self.pairs, np.float32(threshold), "left")
        return float(len(self.pairs) - below) / max(1, len(self.pairs))

    def threshold_for(self, extras: float) -> float:
        """Return the affinity that, as a threshold, gives nearest to ``extras`` extra positives per row."""
        if not len(self.pairs):
            return 1.0
        share = min(1.0, extras / max(1, self.batch_size - 1))
        at = min(int(np.ceil(len(self.pairs) * (1 - share))), len(self.pairs) - 1)
        beyond = min(int(np.searchsorted(self.pairs, self.pairs[at], "right")), len(self.pairs) - 1)
        choices = (float(self.pairs[at]), float(self.pairs[beyond]))  # tied pairs pass a threshold together
        return min(choices, key=lambda threshold: abs(self.share_at(threshold) - share))

    def threshold_at(self, quantile: float) -> float:
        """Return the threshold that a cache or a PairMask with this ``quantile`` has."""
        low = number("quantile", quantile, low=0.0, high=1.0)
        return threshold_at(valid_pairs(self.matrix, self.cache.valid[self.sample]), low)

    def quantile_of(self, threshold: float) -> float:
        """Return the ``quantile`` of a threshold: the share of the pairs of valid images below it."""
        pairs = valid_pairs(self.matrix, self.cache.valid[self.sample])
        below = int(np.searchsorted(pairs, np.float32(threshold), "left"))
        return min(below / max(1, len(pairs) - 1), 1.0)

    @property
    def proposal(self) -> float:
        """The threshold that gives 4 extra positives per row."""
        return self.threshold_for(WANTED)

    def purity_at(self, threshold: float) -> float | None:
        """Return the purity at a threshold, or None without labels."""
        if self.purity is None:
            return None
        known = np.isfinite(self.purity)
        return (
            float(np.interp(threshold, self.thresholds[known], self.purity[known])) if known.any() else None
        )

    def is_chance(self, threshold: float) -> bool:
        """Whether the purity at a threshold is no higher than that of random pairs.

        It must exceed that by two standard errors of a share of as many pairs, each counted once.
        """
        purity = self.purity_at(threshold)
        if purity is None:
            return False
        pairs = max(1.0, self.share_at(threshold) * len(self.pairs) / 2)
        return purity <= self.chance + 2 * float(np.sqrt(self.chance * (1 - self.chance) / pairs))


def inspect_cache(
    cache: AffinityCache, *, batch_size: int = 128, labels: Mapping[Hashable, Any] | None = None
) -> Inspection:
    """Count the positives that the affinities of a cache give in batches of ``batch_size``.

    ``labels`` maps ids to classes; images without one are left out of the purity.
    """
    size = integer("batch_size", batch_size, low=2, high=2**31)
    if len(cache) < 2:
        raise ValueError(f"{cache.path} holds {len(cache)} images; expected at least 2 to compare")
    sample = evenly_spaced(len(cache), QUANTILE_IMAGES)
    count = len(sample)
    names = [cache.ids[at] for at in sample]
    matrix = cache.block(names)
    matrix = np.maximum(matrix, matrix.T)  # with top_k, a pair is positive if either row keeps it
    valid = np.diagonal(matrix) > 0
    rows, columns = np.nonzero(valid[:, None] & ~np.eye(count, dtype=bool))
    values = matrix[rows, columns]
    order = np.argsort(values, kind="stable")
    pairs = values[order]
    kept = pairs[pairs > 0]
    low = float(kept[0]) if len(kept) else 0.0
    thresholds = np.unique(np.append(np.linspace(low, 1, THRESHOLDS), PUBLISHED if low < PUBLISHED else 1.0))
    first = np.searchsorted(pairs, thresholds.astype(np.float32), "left")
    extras = (size - 1) * (len(pairs) - first) / max(1, len(pairs))
    purity, chance = None, 0.0
    if labels is not None:
        purity, chance = _purity([labels.get(name) for name in names], rows[order], columns[order], first)
    found = tuple(cache.ids[at] for at in np.flatnonzero(~cache.valid))
    return Inspection(cache, size, sample, matrix, pairs, thresholds, extras, purity, labels, chance, found)


def _purity(
    labels: Sequence[Any], rows: NDArray[np.int64], columns: NDArray[np.int64], first: NDArray[np.int64]
) -> tuple[NDArray[np.float64], float]:
    """Return the share of equal labels among the pairs from each position ``first`` on, and among all."""
    known = np.array([label is not None for label in labels])
    codes = np.unique(
        np.array(["" if label is None else str(label) for label in labels]), return_inverse=True
    )[1]
    both = known[rows] & known[columns]
    same = both & (codes[rows] == codes[columns])
    counted = np.append(np.cumsum(both[::-1])[::-1], 0)[first]
    equal = np.append(np.cumsum(same[::-1])[::-1], 0)[first]
    purity = np.where(counted >= TOO_FEW, equal / np.maximum(counted, 1), np.nan)
    return purity, float(same.sum() / max(1, both.sum()))


def nearest(cache: AffinityCache, position: int, count: int) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Return the positions of the images most similar to one, nearest first, and their affinities."""
    if cache.selection is None:
        values = np.array(cache.matrix[position])
    else:
        values = np.asarray(cache.matrix[[position]].toarray())[0]
    values[position] = -1
    chosen = np.argsort(-values, kind="stable")[:count]
    chosen = chosen[values[chosen] > 0]
    return chosen, values[chosen]


def text(found: Inspection) -> str:
    """Return the summary that ``gazesim inspect`` prints."""
    cache = found.cache
    size = sum(path.stat().st_size for path in cache.path.iterdir())
    selection = None if cache.selection is None else cache.selection.to_json()
    kept = "all pairs" if selection is None else f"pairs by {selection}, {cache.matrix.nnz:,} kept"
    readers = "" if cache.reduce is None else f", {cache.reduce} over readers"
    lines = [
        f"{cache.path}: {_counted(cache.ids)}, {kept}{readers}, {size / 1e6:,.1f} MB",
        f"scheme: {'imported' if cache.scheme is None else cache.scheme}",
        f"geometry: {'not known' if cache.placement is None else cache.placement.words()}",
        _invalid_line(found),
    ]
    if found.batch_size > len(cache):
        lines.append(
            f"batches of {found.batch_size} are assumed, and there are only {len(cache):,}: expected "
            "--batch_size with that of the training"
        )
    if len(found.sample) < len(cache):
        lines.append(f"looked at the pairs of {len(found.sample):,} evenly spaced images")
    seen = found.pairs[found.pairs > 0]
    if not len(seen):
        return "\n".join([*lines, "no pair of images has an affinity above 0: there is nothing to threshold"])
    marks = ", ".join(f"{q:g} % {np.quantile(seen, q / 100):.3f}" for q in (1, 5, 50, 95, 99))
    lines += [f"affinity of {'kept ' * (selection is not None)}pairs: {marks}, highest {seen[-1]:.3f}", ""]
    return "\n".join([*lines, *_table(found), "", *_proposal(found)])


def _counted(ids: Sequence[Hashable]) -> str:
    """Return the number of images as text; for ids (image, reader) also those of readers and scanpaths."""
    pairs = [name for name in ids if isinstance(name, tuple) and len(name) == 2]
    if len(pairs) < len(ids):
        return f"{len(ids):,} images"
    images, readers = ({name[at] for name in pairs} for at in (0, 1))
    return f"{len(images):,} images, {len(readers):,} readers, {len(ids):,} scanpaths"


def _invalid_line(found: Inspection) -> str:
    if not found.invalid:
        return "invalid gazes: none"
    names = ", ".join(repr(name) for name in found.invalid[:30])
    more = f", and {len(found.invalid) - 30:,} more" if len(found.invalid) > 30 else ""
    share = len(found.invalid) / len(found.cache)
    return f"invalid gazes: {len(found.invalid):,} ({share:.2%}), never positive: {names}{more}"


def _table(found: Inspection) -> list[str]:
    heading = "" if found.purity is None else "  purity"
    lines = [
        f"in batches of {found.batch_size}:",
        f"  threshold  extra positives per row  pairs that pass{heading}",
    ]
    wanted: dict[float, str] = {PUBLISHED: "the papers' threshold"}
    for wished in (64, 28, 16, MANY, WANTED, FEW, 1):
        threshold = found.threshold_for(wished)
        if wished < found.batch_size - 1 and threshold > 0:
            wanted.setdefault(threshold, "proposed" if wished == WANTED else "")
    for threshold, why in sorted(wanted.items()):
        extras, share = found.extras_at(threshold), found.share_at(threshold)
        note = f"{why}{_warning(found, extras)}"
        purity = found.purity_at(threshold)
        pure = "" if purity is None else f"  {purity:6.1%}"
        lines.append(f"  {threshold:9.4f}  {extras:23.2f}  {share:15.2%}{pure}  {note}".rstrip())
    if found.purity is not None:
        lines.append(f"  purity of random pairs: {found.chance:.1%}")
    return lines


def _warning(found: Inspection, extras: float) -> str:
    if extras > ALMOST_ALL * (found.batch_size - 1):
        return ": almost all pairs pass"
    return ": almost none passes" if extras < ALMOST_NONE else ""


def _proposal(found: Inspection) -> list[str]:
    threshold = found.proposal
    extras = found.extras_at(threshold)
    if found.is_chance(threshold):
        return [
            f"no threshold is proposed: at {threshold:.4f}, which adds {extras:.1f} positives to every row, "
            f"{found.purity_at(threshold):.1%} of them share a label, no more than by chance "
            f"({found.chance:.1%}). Another scheme, or other parameters, may follow the labels."
        ]
    low, high = found.threshold_for(MANY), found.threshold_for(FEW)
    lines = [
        f"proposed: threshold={threshold:.4f}, the {found.quantile_of(threshold):.2%} quantile of the pairs",
        f"  It adds {extras:.1f} positives to every row of a batch of {found.batch_size}. {FEW} to {MANY} "
        f"({low:.4f} to {high:.4f}) helped on phantoms, 28 and more let representations collapse, and fewer "
        "change little. A larger batch needs a higher threshold.",
    ]
    if extras < FEW and found.cache.selection is not None:
        lines.append(
            "  The cache kept too few pairs for more: build it with a lower threshold or a larger top_k."
        )
    pure = found.purity_at(threshold)
    if pure is not None:
        lines.append(f"  {pure:.1%} of these positives share a label ({found.chance:.1%} by chance).")
    return lines
