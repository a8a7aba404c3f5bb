"""kill -9 at random moments and at every single file operation: nothing half-written is ever visible."""

from __future__ import annotations

import os
import shutil
import signal
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from caches import contents, gaze, left_over, run_and_kill
from gazesim import AffinityCache
from gazesim.cache import plan as planning

pytestmark = [
    pytest.mark.filterwarnings("ignore::gazesim.InvalidGazeWarning"),
    pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning"),
    pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork"),
]

#: What a build does to files, as the interpreter reports it.
STEPS = {"os.rename", "os.mkdir", "os.remove", "os.rmdir", "open"}


def die_at_step(number: int) -> None:
    """Kill this process at its ``number``-th file operation from now."""
    seen = 0

    def hook(event: str, _: object) -> None:
        nonlocal seen
        if event in STEPS:
            seen += 1
            if seen == number:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(hook)


@pytest.mark.parametrize("kind", [{}, {"threshold": 0.8}, {"top_k": 3}], ids=str)
def test_twenty_random_kills_leave_the_bytes_of_an_uninterrupted_build(tmp_path, monkeypatch, kind) -> None:
    monkeypatch.setattr(planning, "BLOCK_PAIRS", 300)
    paths = gaze(120, seed=6)
    started = time.perf_counter()
    expected = contents(AffinityCache.build(tmp_path / "whole", paths, **kind).path)
    usual = time.perf_counter() - started
    rng = np.random.default_rng(7)
    kills = finished = 0
    path = tmp_path / "c"
    while kills < 20 or not finished:
        assert kills + finished < 100
        delay = rng.uniform(0, usual / 2)
        wait = wait_for if kills >= 20 else lambda _, delay=delay: time.sleep(delay)
        kills += run_and_kill(lambda: AffinityCache.build(path, paths, n_threads=2, **kind), wait)
        if path.exists():
            assert contents(path) == expected
            AffinityCache.build(path, paths, **kind)  # clears up what is beside it
            assert left_over(path) == ["whole"]
            finished += 1
            shutil.rmtree(path)


def test_a_kill_at_every_step_of_a_build(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(planning, "BLOCK_PAIRS", 40)
    paths = gaze(12, seed=8)
    expected = contents(AffinityCache.build(tmp_path / "whole", paths).path)
    for step in range(1, 500):
        path = tmp_path / f"{step}" / "c"
        killed = run_and_kill(
            lambda path=path, step=step: (die_at_step(step), AffinityCache.build(path, paths)), wait_for
        )
        if path.exists():
            assert contents(path) == expected
        assert contents(AffinityCache.build(path, paths).path) == expected
        assert left_over(path) == []
        if not killed:
            assert step > 40
            return
    pytest.fail("the build never ended")


def test_a_kill_at_every_step_of_an_append(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(planning, "BLOCK_PAIRS", 40)
    ids = [f"i{n}" for n in range(12)]
    both = gaze(12, seed=8, ids=ids)
    old, new = both[:8], both[8:]
    before = contents(AffinityCache.build(tmp_path / "old", old).path)
    after = contents(AffinityCache.build(tmp_path / "new", both).path)
    for step in range(1, 500):
        path = tmp_path / f"{step}" / "c"
        path.parent.mkdir()
        shutil.copytree(tmp_path / "old", path)
        killed = run_and_kill(
            lambda path=path, step=step: (die_at_step(step), AffinityCache.open(path).append(new)), wait_for
        )
        cache = AffinityCache.open(path)
        assert contents(path) == (before if len(cache) == 8 else after)
        _ = cache.append(new) if len(cache) == 8 else AffinityCache.build(path, both)
        assert contents(path) == after
        assert left_over(path) == []
        if not killed:
            assert step > 40
            return
    pytest.fail("the append never ended")


def test_an_append_after_one_that_was_killed_while_it_tidied_up(tmp_path: Path) -> None:
    both = gaze(6, ids=list("abcdef"))
    cache = AffinityCache.build(tmp_path / "c", both[:4])
    (tmp_path / ".c.building").mkdir()
    shutil.copytree(cache.path, tmp_path / ".c.building" / "replaced")
    assert len(cache.append(both[4:])) == 6
    assert left_over(cache.path) == []


def test_a_kill_at_every_step_of_an_append_through_a_link(tmp_path: Path) -> None:
    both = gaze(9, ids=list("abcdefghi"))
    AffinityCache.build(tmp_path / "old", both[:6])
    after = contents(AffinityCache.build(tmp_path / "new", both).path)
    for step in range(1, 500):
        folder, link = tmp_path / f"{step}" / "disk" / "c", tmp_path / f"{step}" / "c"
        shutil.copytree(tmp_path / "old", folder)
        link.symlink_to(Path("disk", "c"))
        killed = run_and_kill(
            lambda link=link, step=step: (die_at_step(step), AffinityCache.open(link).append(both[6:])),
            wait_for,
        )
        cache = AffinityCache.open(link)
        _ = cache.append(both[6:]) if len(cache) == 6 else AffinityCache.build(link, both)
        assert link.is_symlink()
        assert contents(folder) == after
        assert left_over(folder) == []
        assert left_over(link) == ["disk"]
        if not killed:
            assert step > 20
            return
    pytest.fail("the append never ended")


def wait_for(pid: int) -> None:
    """Wait until a child has ended, without collecting its status."""
    os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
