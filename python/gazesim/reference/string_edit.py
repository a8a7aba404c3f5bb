"""String edit distance (Levenshtein) and sequence score (LCS) of labelled fixations, from the definitions."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .distances import Array, all_pairs, as_affinity, as_scanpaths, cells


def labels_of(gazes: Any, screen_size: Any, grid: Any) -> list[list[Any]]:
    """Return the labels of every gaze: the given ones, or its grid cells."""
    if grid is None:
        return [list(labels) for labels in gazes]
    return [list(zip(*map(list, cells(g, screen_size, grid)), strict=True)) for g in as_scanpaths(gazes)]


def levenshtein(a: list[Any], b: list[Any]) -> int:
    """Return the least number of insertions, deletions and substitutions."""
    before = list(range(len(b) + 1))
    for i, label in enumerate(a):
        row = [i + 1]
        for j, other in enumerate(b):
            row.append(min(before[j] + (label != other), before[j + 1] + 1, row[j] + 1))
        before = row
    return before[-1]


def longest_common(a: list[Any], b: list[Any]) -> int:
    """Return the length of the longest common subsequence."""
    before = [0] * (len(b) + 1)
    for label in a:
        row = [0]
        for j, other in enumerate(b):
            row.append(before[j] + 1 if label == other else max(before[j + 1], row[j]))
        before = row
    return before[-1]


def string_edit_distance(
    gazes: Any, other: Any = None, *, screen_size: Any = None, grid: Any = (5, 5)
) -> Array:
    """Return the Levenshtein distance of every pair; to an empty sequence it is the other's length."""
    rows = labels_of(gazes, screen_size, grid)
    cols = rows if other is None else labels_of(other, screen_size, grid)
    pairs = [[levenshtein(a, b) for b in cols] for a in rows]
    return np.array(pairs, float).reshape(len(rows), len(cols))


def sequence_score(gazes: Any, other: Any = None, *, screen_size: Any = None, grid: Any = (5, 5)) -> Array:
    """Return LCS / max(n, m) of every pair; NaN where a sequence is empty."""

    def score(a: list[Any], b: list[Any]) -> float:
        return longest_common(a, b) / max(len(a), len(b))

    return all_pairs(gazes, other, score, np.nan, lambda some: labels_of(some, screen_size, grid))


def affinity(
    gazes: Any, other: Any = None, *, kind: str = "levenshtein", screen_size: Any = None, grid: Any = (5, 5)
) -> NDArray[np.float32]:
    """Return 1 - distance / max(n, m), or the sequence score; 0 where a sequence is empty."""
    if kind == "lcs":
        return as_affinity(sequence_score(gazes, other, screen_size=screen_size, grid=grid))

    def alike(a: list[Any], b: list[Any]) -> float:
        return 1 - levenshtein(a, b) / max(len(a), len(b))

    return as_affinity(all_pairs(gazes, other, alike, 0.0, lambda some: labels_of(some, screen_size, grid)))
