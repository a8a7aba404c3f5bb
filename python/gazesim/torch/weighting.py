"""Soft targets of a PairMask, thresholds at quantiles, and warnings of rules that pass all pairs or none."""

from __future__ import annotations

import warnings

import numpy as np
from numpy.typing import NDArray

from .._errors import number
from ..cache.selection import ALMOST_ALL, QUANTILE_IMAGES, evenly_spaced, threshold_at, valid_pairs
from ..ids import Source, block_at

__all__ = ["Judge", "sampled_pairs", "soft_targets", "threshold_of"]

#: Number of images whose pairs are checked for a threshold that passes all of them or none.
JUDGED_IMAGES = 300
#: No warning for fewer pairs than this (those of four images): all or none may be positive by chance.
FEW_PAIRS = 6


def soft_targets(affinities: NDArray[np.float32], temperature: float) -> NDArray[np.float32]:
    """Return the softmax of each row's affinities / temperature, over the entries above 0.

    Rows add up to 1, those without an entry above 0 to 0.
    """
    logits = np.where(affinities > 0, affinities / np.float32(temperature), -np.inf)
    top = logits.max(axis=1, keepdims=True, initial=-np.inf)
    weights = np.exp(logits - np.where(np.isfinite(top), top, 0.0))
    total = weights.sum(axis=1, keepdims=True)
    targets: NDArray[np.float32] = np.divide(
        weights, total, out=np.zeros_like(weights), where=total > 0
    ).astype(np.float32)
    return targets


class Judge:
    """Warns once each of a rule that makes all pairs positive, and of one that makes none positive."""

    def __init__(self) -> None:
        self._warned: set[str] = set()

    def data_set(self, pairs: NDArray[np.float32], threshold: float) -> None:
        """Check the affinities of a sample of the data set, ascending."""
        least = max(np.float32(threshold), np.finfo(np.float32).tiny)
        passed = len(pairs) - int(np.searchsorted(pairs, least, "left"))
        self._judge(passed, len(pairs), f"the data set at threshold {threshold:g}")

    def batch(self, passed: int, count: int) -> None:
        """Check how many of the pairs of different images in a batch pass the rule."""
        self._judge(passed, count, "a batch")

    def _judge(self, passed: int, count: int, where: str) -> None:
        if count < FEW_PAIRS or 0 < passed < ALMOST_ALL * count:
            return
        kind = "all" if passed else "none"
        if kind in self._warned:
            return
        self._warned.add(kind)
        every = "every image" if passed == count else "almost every image"
        meaning = (
            f"{every} is a positive of every other" if passed else "only an image itself is its positive"
        )
        advice = "fewer" if passed else "more"
        warnings.warn(
            f"{passed:,} of {count:,} pairs of different images ({passed / count:.2%}) in {where} pass: "
            f"{meaning}; expected a threshold, top_k or quantile that passes {advice} "
            "(`gazesim inspect` shows positives against thresholds)",
            stacklevel=1,  # in training the caller is Lightning, whose own lines are muted
        )


def sampled_pairs(source: Source, images: int) -> NDArray[np.float32]:
    """Return the affinities of the pairs of at most so many valid images of a source, ascending."""
    at = evenly_spaced(len(source.ids), images)
    valid = getattr(source, "valid", None)
    return valid_pairs(block_at(source, at), None if valid is None else np.asarray(valid)[at])


def threshold_of(source: Source, quantile: float) -> float:
    """Return the threshold at a quantile of a source, as caches and inspections have it."""
    share = number("quantile", quantile, low=0.0, high=1.0)
    return threshold_at(sampled_pairs(source, QUANTILE_IMAGES), share)
