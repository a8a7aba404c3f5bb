"""Comparing answers, then times: peer and gazesim take turns, so that a busy machine slows both."""

from __future__ import annotations

import math
import os
import statistics
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

import peers
from gazesim import _core

THREADS = (1, 2)
#: What this processor has, the slowest first; all are measured in one run.
LEVELS = tuple(_core.simd_levels())


class Disagreement(Exception):
    """A peer and gazesim give different answers; nothing is timed then."""


@dataclass(frozen=True)
class Effort:
    """How long to measure."""

    rounds: int
    #: What is faster is repeated until one measurement takes this long.
    seconds: float


@dataclass(frozen=True)
class Case:
    """One thing that a peer and gazesim both do."""

    what: str
    peer: str
    #: What a unit is: a pair, a map, ...
    unit: str
    size: int
    size_name: str
    #: Returns the peer's answers, gazesim's, and the difference that rounding explains.
    answers: Callable[[], tuple[Any, Any, float]]
    run_peer: Callable[[], Any]
    peer_units: int
    run_ours: Callable[[int], Any]
    our_units: int
    #: Whether the peer can use two threads.
    peer_threads: bool = False


@dataclass
class Spread:
    """The smallest, the middle and the largest of what the rounds gave."""

    least: float
    median: float
    most: float

    @classmethod
    def of(cls, numbers: list[float]) -> Spread:
        return cls(min(numbers), statistics.median(numbers), max(numbers))


@dataclass
class Row:
    """What came out; seconds are per unit, keys are numbers of threads."""

    what: str
    peer: str
    unit: str
    size: int
    size_name: str
    peer_seconds: float = 0.0
    our_seconds: dict[int, float] = field(default_factory=dict)
    ratios: dict[int, Spread] = field(default_factory=dict)
    #: The ratios at each level of GAZESIM_SIMD; those above are of the best.
    at_level: dict[str, dict[int, Spread]] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def verify(case: Case) -> None:
    """Raise :class:`Disagreement`, naming what differs, unless both give the same answers."""
    theirs, ours, tolerance = case.answers()
    theirs, ours = np.asarray(theirs, float), np.asarray(ours, float)
    where = f"{case.what}, {case.size_name} = {case.size}"
    if theirs.shape != ours.shape or not theirs.size:
        raise Disagreement(f"{where}: {case.peer} gives shape {theirs.shape}, gazesim {ours.shape}")
    excess = np.where(np.isfinite(theirs) & np.isfinite(ours), np.abs(theirs - ours), np.inf)
    worst = np.unravel_index(excess.argmax(), excess.shape)
    if excess[worst] > tolerance:
        place = tuple(int(k) for k in worst)
        raise Disagreement(
            f"{where}: at {place} {case.peer} gives {theirs[worst]!r}, gazesim {ours[worst]!r}; "
            f"they may differ by {tolerance:g}"
        )


def alternate(runs: dict[Any, tuple[int, str, Callable[[], Any]]], effort: Effort) -> dict[Any, list[float]]:
    """Return the seconds per call of every run (threads, level, callable), one number per round."""
    given = os.environ.get("GAZESIM_SIMD")
    try:
        return in_rounds(runs, effort)
    finally:
        os.environ.pop("GAZESIM_SIMD")
        if given is not None:
            os.environ["GAZESIM_SIMD"] = given


def in_rounds(runs: dict[Any, tuple[int, str, Callable[[], Any]]], effort: Effort) -> dict[Any, list[float]]:
    """Do what :func:`alternate` says; leaves the last level set."""
    repeats = {}
    for name, (threads, level, run) in runs.items():
        use(threads, level)
        once(run, 1)  # first calls import, allocate and compile
        repeats[name] = max(1, math.ceil(effort.seconds / once(run, 1)))
    times: dict[Any, list[float]] = {name: [] for name in runs}
    for number in range(effort.rounds):
        turn = list(runs.items())
        for name, (threads, level, run) in turn if number % 2 else turn[::-1]:
            use(threads, level)
            times[name].append(once(run, repeats[name]))
    return times


def use(threads: int, level: str) -> None:
    """Let the peers use so many threads, and gazesim at most that level."""
    peers.use_threads(threads)
    os.environ["GAZESIM_SIMD"] = level


def once(run: Callable[[], Any], repeats: int) -> float:
    """Return the seconds per call."""
    start = time.perf_counter()
    for _ in range(repeats):
        run()
    return (time.perf_counter() - start) / repeats


def measure(case: Case, effort: Effort) -> Row:
    """Compare the answers, then the times."""
    verify(case)
    best = LEVELS[-1]
    runs: dict[Any, tuple[int, str, Callable[[], Any]]] = {("peer", 1): (1, best, case.run_peer)}
    if case.peer_threads:
        runs["peer", 2] = (2, best, case.run_peer)
    for threads in THREADS:
        for level in LEVELS:
            ours = (threads, level, lambda threads=threads: case.run_ours(threads))
            runs["ours", threads, level] = ours
    times = alternate(runs, effort)
    row = Row(case.what, case.peer, case.unit, case.size, case.size_name)
    row.peer_seconds = statistics.median(times["peer", 1]) / case.peer_units
    for threads in THREADS:
        theirs = times.get(("peer", threads), times["peer", 1])
        scale = case.our_units / case.peer_units
        for level in LEVELS:
            pairs = zip(theirs, times["ours", threads, level], strict=True)
            spread = Spread.of([a / b * scale for a, b in pairs])
            row.at_level.setdefault(level, {})[threads] = spread
        row.our_seconds[threads] = statistics.median(times["ours", threads, best]) / case.our_units
        row.ratios[threads] = row.at_level[best][threads]
    return row
