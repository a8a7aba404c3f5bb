"""Two Dask workers, one of them killed on the way, give the bytes of one process."""

from __future__ import annotations

import os
import signal
import threading
import time
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from caches import contents, features, left_over
from gazesim import AffinityCache
from gazesim.cache import CacheError
from gazesim.cache import plan as planning
from gazesim.cache.dask import connect

#: Gazes of builds that run at the same time.
SIZES = (90, 120, 150)

distributed = pytest.importorskip("distributed")

#: Dask's own threads, sockets and event loops warn as they please.
pytestmark = [pytest.mark.filterwarnings("ignore"), pytest.mark.filterwarnings("ignore::ResourceWarning")]


@pytest.fixture(scope="module")
def cluster(tmp_path_factory) -> Iterator[Any]:
    """Two worker processes of one thread each."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with distributed.LocalCluster(
            n_workers=2,
            threads_per_worker=1,
            dashboard_address=None,
            memory_limit=0,
            silence_logs=50,
            local_directory=str(tmp_path_factory.mktemp("dask")),
        ) as running:
            yield running


@pytest.fixture
def client(cluster) -> Iterator[Any]:
    """Return a client of two living workers."""
    with distributed.Client(cluster) as client:
        client.wait_for_workers(2, timeout=30)
        yield client


@pytest.mark.parametrize("kind", [{}, {"top_k": 5}], ids=str)
def test_two_workers_compute_the_bytes_of_one_process(tmp_path: Path, monkeypatch, client, kind) -> None:
    monkeypatch.setattr(planning, "BLOCK_PAIRS", 2000)
    gazes = features(150)
    expected = contents(AffinityCache.build(tmp_path / "one", gazes, errors="ignore", **kind).path)
    cache = AffinityCache.build(tmp_path / "two", gazes, errors="ignore", client=client, **kind)
    assert contents(cache.path) == expected
    assert left_over(cache.path) == ["one"]


@pytest.mark.parametrize("casualties", [1, 2])
def test_killed_workers_change_nothing(tmp_path: Path, monkeypatch, client, casualties: int) -> None:
    """When both die at once, the features die with them and travel again."""
    monkeypatch.setattr(planning, "BLOCK_PAIRS", 2000)
    gazes = features(700)
    expected = contents(AffinityCache.build(tmp_path / "one", gazes, errors="ignore").path)
    victims = client.run(os.getpid)
    killed: list[int] = []

    def kill_when_blocks_arrive() -> None:
        folder = tmp_path / ".two.building"
        while not killed:
            if len(list(folder.glob("block-*.npy"))) >= 5:
                killed.extend(list(victims.values())[:casualties])
                for pid in killed:
                    os.kill(pid, signal.SIGKILL)
            time.sleep(0.002)

    thread = threading.Thread(target=kill_when_blocks_arrive, daemon=True)
    thread.start()
    cache = AffinityCache.build(tmp_path / "two", gazes, errors="ignore", client=client)
    thread.join(10)
    assert killed
    assert contents(cache.path) == expected
    assert left_over(cache.path) == ["one"]


def test_append_on_workers(tmp_path: Path, client) -> None:
    cache = AffinityCache.build(tmp_path / "c", features(20), errors="ignore")
    more = features(10, seed=1, ids=[f"new{i}" for i in range(10)])
    assert len(cache.append(more, errors="ignore", client=client)) == 30


def test_a_folder_that_workers_do_not_see_is_told(tmp_path: Path, monkeypatch, client) -> None:
    def elsewhere(_: Any) -> None:
        import gazesim.cache.dask as working

        working.write_block = lambda *_, **__: None  # writes to a disk of its own

    client.run(elsewhere, None)
    try:
        with pytest.raises(
            CacheError, match=r"a worker wrote block \d+ to a .* of its own; expected a folder"
        ):
            AffinityCache.build(tmp_path / "c", features(20), errors="ignore", client=client)
    finally:
        client.restart()
    assert not (tmp_path / "c").exists()


def test_no_scheduler_is_one_sentence() -> None:
    with pytest.raises(OSError, match=r"no Dask scheduler answers at tcp://127\.0\.0\.1:9"):
        connect("tcp://127.0.0.1:9", timeout="1s")


def test_two_builds_on_one_scheduler_do_not_meet(tmp_path: Path, monkeypatch, client) -> None:
    """Block 0 of one build is not block 0 of the other, to the scheduler either."""
    monkeypatch.setattr(planning, "BLOCK_PAIRS", 2000)
    expected = {
        n: contents(AffinityCache.build(tmp_path / f"{n}", features(n), errors="ignore").path) for n in SIZES
    }

    def build(count: int) -> None:
        gazes = features(count)
        AffinityCache.build(tmp_path / f"dask{count}", gazes, errors="ignore", client=client)

    together = [threading.Thread(target=build, args=(count,)) for count in SIZES]
    for thread in together:
        thread.start()
    for thread in together:
        thread.join()
    assert {n: contents(tmp_path / f"dask{n}") for n in SIZES} == expected
