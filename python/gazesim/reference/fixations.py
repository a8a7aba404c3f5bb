"""Fixations in raw gaze, from the definition (Salvucci and Goldberg, 2000)."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

#: Time stamps are trusted to the microsecond.
SLACK = 1e-6


def detect_fixations(
    samples: Any,
    *,
    method: str = "idt",
    unit: str = "px",
    geometry: Any = None,
    dispersion: float = 1.0,
    velocity: float = 20.0,
    minimum_duration: float = 0.1,
    max_gap: float = 0.0,
    velocity_window: float = 0.02,
) -> Array:
    """Return the (L, 3) fixations of one recording of x, y and time."""
    rows = np.asarray(samples, float).reshape(-1, 3)
    found: list[tuple[float, float, float]] = []
    for stretch in stretches(rows, max_gap):
        places = stretch[:, :2] if geometry is None else degrees(stretch[:, :2], geometry)
        if method == "idt":
            spans = by_dispersion(places, stretch[:, 2], dispersion, minimum_duration)
        else:
            spans = by_velocity(places, stretch[:, 2], velocity, velocity_window, minimum_duration)
        for first, last in spans:
            x, y = stretch[first : last + 1, :2].mean(axis=0)
            found.append((x, y, stretch[last, 2] - stretch[first, 2]))
    return np.array(found).reshape(-1, 3)


def stretches(rows: Array, max_gap: float) -> list[Array]:
    """Return the runs of samples without a gap; missing samples are left out."""
    intervals = sorted(np.diff(rows[:, 2]))
    usual = intervals[len(intervals) // 2] if intervals else 0.0
    gap = max(max_gap, 1.5 * usual) + SLACK
    there = rows[~np.isnan(rows[:, :2]).any(axis=1)]
    if not len(there):
        return []
    return np.split(there, np.flatnonzero(np.diff(there[:, 2]) > gap) + 1)


def degrees(points: Array, geometry: Any) -> Array:
    """Return the angles between points and the centre of the screen."""
    size_px, size_cm = np.array(geometry.size_px), np.array(geometry.size_cm)
    centimetres = (points - size_px / 2) * size_cm / size_px
    angles: Array = np.degrees(np.arctan2(centimetres, geometry.distance_cm))
    return angles


def by_dispersion(places: Array, times: Array, dispersion: float, minimum: float) -> list[tuple[int, int]]:
    """Return the first and last sample of every fixation."""
    spans = []
    start = 0
    while start < len(places):
        long_enough = np.flatnonzero(times[start:] - times[start] >= minimum - SLACK)
        if not len(long_enough):
            break
        last = start + int(long_enough[0])
        if extent(places[start : last + 1]) > dispersion:
            start += 1
            continue
        while last + 1 < len(places) and extent(places[start : last + 2]) <= dispersion:
            last += 1
        spans.append((start, last))
        start = last + 1
    return spans


def extent(places: Array) -> float:
    """Return the extent in x plus the extent in y."""
    return float((places.max(axis=0) - places.min(axis=0)).sum())


def by_velocity(
    places: Array, times: Array, velocity: float, window: float, minimum: float
) -> list[tuple[int, int]]:
    """Return the first and last sample of every fixation."""
    slow = [speed(places, times, index, window) < velocity for index in range(len(places))]
    spans = []
    first = 0
    while first < len(slow):
        last = first
        while last + 1 < len(slow) and slow[last + 1] == slow[first]:
            last += 1
        if slow[first] and times[last] - times[first] >= minimum - SLACK:
            spans.append((first, last))
        first = last + 1
    return spans


def speed(places: Array, times: Array, index: int, window: float) -> float:
    """Return the mean speed over the window centred on a sample: distance over time between its ends."""
    inside = np.flatnonzero(np.abs(times - times[index]) <= window / 2 + SLACK)
    low = max(min(inside[0], index - 1), 0)
    high = min(max(inside[-1], index + 1), len(places) - 1)
    way = math.hypot(*(places[high] - places[low]))
    if way == 0:
        return 0.0
    time = times[high] - times[low]
    return way / time if time > 0 else math.inf
