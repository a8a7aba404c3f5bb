"""Scanpath measures as evaluation scripts write them: a table filled cell by cell in Python.

Written from the definitions; these are the baselines of measures that papers report from copied scripts.
"""

from __future__ import annotations

from typing import Any

import numpy as np

Gaze = Any


def labels(gaze: Gaze, screen: tuple[int, int], grid: tuple[int, int]) -> list[tuple[int, int]]:
    """Return the grid cell of every fixation."""
    cells = []
    for x, y, _ in gaze:
        column = min(max(int(x * grid[0] // screen[0]), 0), grid[0] - 1)
        row = min(max(int(y * grid[1] // screen[1]), 0), grid[1] - 1)
        cells.append((column, row))
    return cells


def scanmatch(a: Gaze, b: Gaze, screen: tuple[int, int], bin_s: float = 0.0) -> float:
    """Return ScanMatch on 12 x 8 cells with a threshold of 3.5 and no gap penalty."""
    s, t = labels(a, screen, (12, 8)), labels(b, screen, (12, 8))
    if bin_s:
        s, t = repeated(s, a, bin_s), repeated(t, b, bin_s)
    score = np.zeros((len(s) + 1, len(t) + 1))
    for i in range(len(s)):
        for j in range(len(t)):
            far = np.sqrt((s[i][0] - t[j][0]) ** 2 + (s[i][1] - t[j][1]) ** 2)
            score[i + 1, j + 1] = max(score[i, j] + 3.5 - far, score[i, j + 1], score[i + 1, j])
    return float(score[-1, -1]) / (3.5 * max(len(s), len(t)))


def repeated(cells: list[Any], gaze: Gaze, bin_s: float) -> list[Any]:
    """Return every cell once per temporal bin of its fixation."""
    return [
        cell
        for cell, (*_, seconds) in zip(cells, gaze, strict=True)
        for _ in range(int(np.floor(round(seconds / bin_s, 9) + 0.5)))
    ]


def string_edit(a: Gaze, b: Gaze, screen: tuple[int, int]) -> float:
    """Return the Levenshtein distance on 5 x 5 cells."""
    s, t = labels(a, screen, (5, 5)), labels(b, screen, (5, 5))
    edits = np.zeros((len(s) + 1, len(t) + 1))
    edits[:, 0], edits[0] = np.arange(len(s) + 1), np.arange(len(t) + 1)
    for i in range(len(s)):
        for j in range(len(t)):
            cost = 0 if s[i] == t[j] else 1
            edits[i + 1, j + 1] = min(edits[i, j] + cost, edits[i, j + 1] + 1, edits[i + 1, j] + 1)
    return float(edits[-1, -1])


def sequence_score(a: Gaze, b: Gaze, screen: tuple[int, int]) -> float:
    """Return Needleman-Wunsch with match 1, mismatch 0 and gap 0 on 5 x 5 cells."""
    s, t = labels(a, screen, (5, 5)), labels(b, screen, (5, 5))
    score = np.zeros((len(s) + 1, len(t) + 1))
    for i in range(len(s)):
        for j in range(len(t)):
            match = 1 if s[i] == t[j] else 0
            score[i + 1, j + 1] = max(score[i, j] + match, score[i, j + 1], score[i + 1, j])
    return float(score[-1, -1]) / max(len(s), len(t))


def stde(a: Gaze, b: Gaze, screen: tuple[int, int]) -> float:
    """Return the scaled time-delay embedding of b, with a as the reference."""
    reference, simulated = a[:, :2] / max(screen), b[:, :2] / max(screen)
    values = []
    for k in range(1, min(len(a), len(b)) + 1):
        nearest = []
        for start in range(len(simulated) - k + 1):
            far = [
                np.linalg.norm(reference[first : first + k] - simulated[start : start + k])
                for first in range(len(reference) - k + 1)
            ]
            nearest.append(min(far) / k)
        values.append(np.exp(-np.mean(nearest)))
    return float(np.mean(values))


def recurrence(a: Gaze, b: Gaze, radius: float) -> float:
    """Return the recurrence rate in percent."""
    count = min(len(a), len(b))
    near = 0
    for i in range(count):
        for j in range(count):
            near += np.sqrt((a[i, 0] - b[j, 0]) ** 2 + (a[i, 1] - b[j, 1]) ** 2) <= radius
    return 100.0 * float(near) / count**2


def scasim(a: Gaze, b: Gaze, geometry: Any) -> float:
    """Return the edited seconds."""
    unit = np.array(geometry.size_cm) / np.array(geometry.size_px) / geometry.distance_cm
    rays = [
        np.column_stack([(gaze[:, :2] - np.array(geometry.size_px) / 2) * unit, np.ones(len(gaze))])
        for gaze in (a, b)
    ]
    cost = np.zeros((len(a) + 1, len(b) + 1))
    cost[1:, 0], cost[0, 1:] = np.cumsum(a[:, 2]), np.cumsum(b[:, 2])
    for i in range(len(a)):
        for j in range(len(b)):
            u, v = rays[0][i], rays[1][j]
            near = 0.83 ** np.degrees(np.arctan2(np.linalg.norm(np.cross(u, v)), u @ v))
            s, t = a[i, 2], b[j, 2]
            change = abs(s - t) * near + (s + t) * (1 - near)
            cost[i + 1, j + 1] = min(cost[i, j] + change, cost[i, j + 1] + s, cost[i + 1, j] + t)
    return float(cost[-1, -1])
