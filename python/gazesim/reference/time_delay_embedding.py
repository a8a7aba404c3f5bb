"""Time-delay embedding (Wang et al. 2011) and its scaled form STDE (FixaTons), from the definitions."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .distances import Array, all_pairs, as_affinity


def embed(reference: Array, simulated: Array, k: int, norm: str, reduction: str) -> float:
    """Return TDE_k: the distances of windows of ``simulated`` to the nearest window of ``reference``."""
    nearest = []
    for start in range(len(simulated) - k + 1):
        window = simulated[start : start + k, :2]
        far = []
        for first in range(len(reference) - k + 1):
            squares = ((reference[first : first + k, :2] - window) ** 2).sum(axis=1)
            far.append(np.sqrt(squares.sum()) if norm == "l2" else np.sqrt(squares).sum())
        nearest.append(min(far) / k)
    return float(np.mean(nearest) if reduction == "mean" else np.max(nearest))


def tde(gazes: Any, other: Any = None, *, k: int, norm: str = "l2", reduction: str = "mean") -> Array:
    """Return TDE_k in px of every pair, ``gazes`` being the reference; NaN where one is shorter than k."""

    def compare(a: Array, b: Array) -> float:
        return embed(a, b, k, norm, reduction) if k <= min(len(a), len(b)) else np.nan

    return all_pairs(gazes, other, compare, np.nan)


def stde(gazes: Any, other: Any = None, *, screen_size: Any, norm: str = "l2") -> Array:
    """Return STDE of every pair, ``gazes`` being the reference."""
    side = max(screen_size)

    def compare(a: Array, b: Array) -> float:
        lengths = range(1, min(len(a), len(b)) + 1)
        return float(np.mean([np.exp(-embed(a / side, b / side, k, norm, "mean")) for k in lengths]))

    return all_pairs(gazes, other, compare, np.nan)


def affinity(gazes: Any, other: Any = None, *, screen_size: Any, norm: str = "l2") -> NDArray[np.float32]:
    """Return the mean of STDE in both directions."""
    forth = stde(gazes, other, screen_size=screen_size, norm=norm)
    back = stde(gazes if other is None else other, gazes, screen_size=screen_size, norm=norm).T
    return as_affinity((forth + back) / 2)
