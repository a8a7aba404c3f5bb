"""Small sets of gaze for the tests of the cache, and helpers that list the files of a build."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Hashable, Iterable
from pathlib import Path

import numpy as np

from gazesim import Features, MultiMatch, Scanpaths

SCREEN = (64.0, 48.0)


def gaze(count: int, *, seed: int = 0, ids: Iterable[Hashable] | None = None) -> Scanpaths:
    """Return random scanpaths of 1 to 8 fixations on a coarse grid: some are invalid, many tie."""
    rng = np.random.default_rng(seed)
    paths = [
        np.column_stack([rng.integers(0, 8, (length, 2)) * 6.0, rng.integers(1, 4, length) / 10])
        for length in rng.integers(1, 9, count)
    ]
    return Scanpaths.from_list(paths, ids=ids, screen_size=SCREEN)


def features(count: int, *, seed: int = 0, ids: Iterable[Hashable] | None = None) -> Features:
    """Return the MultiMatch features of :func:`gaze`."""
    return MultiMatch().features(gaze(count, seed=seed, ids=ids))


def contents(folder: Path) -> dict[str, bytes]:
    """Return every file of a folder."""
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def left_over(path: Path) -> list[str]:
    """Return the names of the files beside a cache."""
    return sorted(entry.name for entry in path.parent.iterdir() if entry != path)


def run_and_kill(work: Callable[[], object], wait: Callable[[int], None]) -> bool:
    """Run ``work`` in a forked child, ``wait(pid)``, kill -9 it; return whether it was still alive."""
    child = os.fork()
    if child == 0:
        status = 1
        try:
            work()
            status = 0
        finally:
            os._exit(status)
    wait(child)
    os.kill(child, signal.SIGKILL)  # a child that has ended is still there until it is waited for
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        return True
    assert os.WEXITSTATUS(status) == 0, "the child raised"
    return False
