"""Pairs of scanpaths for the measures: worked examples, and blocks of random and of real pairs."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

import gazesim
from real_gaze_files import PARTS, largest

SCREEN = (1024, 768)

#: Worked example: x, y in px, duration in s.
P = np.array(
    [(100, 100, 0.20), (500, 120, 0.30), (800, 400, 0.15), (510, 650, 0.25), (120, 600, 0.40)], float
)
Q = np.array([(110, 130, 0.25), (480, 100, 0.20), (790, 380, 0.30), (500, 640, 0.10)], float)

_read: dict[str, Any] = {}

Block = tuple[list[Any], list[Any], tuple[float, float]]


def random_block(side: int = 45, longest: int = 30) -> Block:
    """Return rows, columns and the screen: ``side`` x ``side`` pairs of 1 to ``longest`` fixations."""
    rng = np.random.default_rng(14)

    def some() -> list[Any]:
        return [rng.random((rng.integers(1, longest + 1), 3)) * (*SCREEN, 0.6) for _ in range(side)]

    return some(), some(), SCREEN


def real_blocks(side: int = 26) -> Iterator[Block]:
    """Yield a block of OSIE, studyforrest and chest X-rays each: 26 x 26 pairs, 11 x 10 of 21 X-rays."""
    for number, name in enumerate(PARTS):
        if name not in _read:
            _read[name] = gazesim.read_scanpaths(largest(name), verbose=False)
        paths = _read[name]
        count = min(2 * side, len(paths))
        chosen = np.random.default_rng(number).choice(len(paths), count, replace=False)
        gazes = [paths.values[paths.offsets[k] : paths.offsets[k + 1]] for k in chosen]
        half = (count + 1) // 2
        yield gazes[:half], gazes[half:], paths.screen_size


def all_blocks() -> list[Block]:
    """Return 2,025 random and up to 2,028 real pairs."""
    return [random_block(), *real_blocks()]


def by_pairs(oracle: Callable[[Any, Any], float], rows: list[Any], cols: list[Any]) -> Any:
    """Return what the oracle says of every pair, (n, m)."""
    return np.array([[oracle(a, b) for b in cols] for a in rows])


def cells_of(gaze: Any, screen_size: Any, grid: tuple[int, int]) -> Any:
    """Return the number of the grid cell of every fixation, computed one by one."""
    cells = []
    for x, y, _ in gaze.tolist():
        column = min(max(math.floor(x * grid[0] / screen_size[0]), 0), grid[0] - 1)
        row = min(max(math.floor(y * grid[1] / screen_size[1]), 0), grid[1] - 1)
        cells.append(column + grid[0] * row)
    return np.array(cells, int)


def only(matrix: Any) -> float:
    """Return the number of a matrix of one pair."""
    assert matrix.shape == (1, 1)
    return float(matrix[0, 0])
