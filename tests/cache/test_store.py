"""One build at a time, messages for full disks, reproducible bytes."""

from __future__ import annotations

import errno
import os
import shutil
from collections import namedtuple
from pathlib import Path

import numpy as np
import pytest

from caches import contents, gaze, left_over, run_and_kill
from gazesim import AffinityCache
from gazesim.cache import plan as planning
from gazesim.cache import store

pytestmark = [
    pytest.mark.filterwarnings("ignore::gazesim.InvalidGazeWarning"),
    pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning"),
]
needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")


def test_a_second_builder_is_refused(tmp_path: Path) -> None:
    with (
        store.FolderLock(tmp_path / ".c.building"),
        pytest.raises(
            BlockingIOError, match=r"another process is building in .*; expected one builder at a time"
        ),
    ):
        AffinityCache.build(tmp_path / "c", gaze(3))
    assert len(AffinityCache.build(tmp_path / "c", gaze(3))) == 3


@needs_fork
def test_the_lock_of_a_killed_builder_is_free(tmp_path: Path) -> None:
    ready, writer = os.pipe()

    def hold() -> None:
        with store.FolderLock(tmp_path / ".c.building"):
            os.write(writer, b"x")
            os.read(os.pipe()[0], 1)  # for ever

    def refused(_: int) -> None:
        os.read(ready, 1)
        with pytest.raises(BlockingIOError):
            AffinityCache.build(tmp_path / "c", gaze(3))

    assert run_and_kill(hold, refused)
    AffinityCache.build(tmp_path / "c", gaze(3))
    assert left_over(tmp_path / "c") == []


@pytest.mark.parametrize("code", [errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS])
def test_a_file_system_without_locks_is_told_apart_and_there_is_a_way_on(
    tmp_path: Path, monkeypatch, code
) -> None:
    def refused(*_: object) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(store, "_lock", refused)
    with pytest.raises(OSError, match=r"gives no locks \(.*\).*local disk.*GAZESIM_UNLOCKED=1") as raised:
        AffinityCache.build(tmp_path / "c", gaze(3))
    assert not isinstance(raised.value, BlockingIOError)
    monkeypatch.setenv("GAZESIM_UNLOCKED", "1")
    assert len(AffinityCache.build(tmp_path / "c", gaze(3))) == 3


@pytest.mark.parametrize("code", [errno.EWOULDBLOCK, errno.EAGAIN, errno.EACCES])
def test_a_taken_lock_means_another_builder(tmp_path: Path, monkeypatch, code) -> None:
    def refused(*_: object) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(store, "_lock", refused)
    with pytest.raises(BlockingIOError, match="another process is building"):
        AffinityCache.build(tmp_path / "c", gaze(3))


def test_other_errors_of_a_lock_are_what_they_are(tmp_path: Path, monkeypatch) -> None:
    def refused(*_: object) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(store, "_lock", refused)
    with pytest.raises(OSError, match="Input/output error"):
        AffinityCache.build(tmp_path / "c", gaze(3))


def test_shared_locks_let_each_other_in(tmp_path: Path) -> None:
    folder = tmp_path / "w"
    with (
        store.FolderLock(folder, shared=True),
        store.FolderLock(folder, shared=True),
        pytest.raises(BlockingIOError),
        store.FolderLock(folder),
    ):
        pass


def test_a_lock_in_a_folder_that_is_removed_meanwhile_does_not_count(tmp_path: Path, monkeypatch) -> None:
    """Between opening the lock and locking it, the builder who held it finished and cleared up."""
    folder, original = tmp_path / "w", store._lock

    def lock_after_the_other_cleared_up(file, shared) -> None:
        monkeypatch.setattr(store, "_lock", original)
        shutil.rmtree(folder)
        original(file, shared)

    monkeypatch.setattr(store, "_lock", lock_after_the_other_cleared_up)
    with store.FolderLock(folder):
        assert (folder / "lock").exists()
        with pytest.raises(BlockingIOError), store.FolderLock(folder):
            pass


def test_a_small_disk_is_told_before_the_work_starts(tmp_path: Path, monkeypatch) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(10**6, 10**6 - 2000, 2000))
    for kind in ({}, {"top_k": 5}, {"threshold": 0.5}):
        with pytest.raises(OSError, match=r"the disk of .* has 2 kB free; the cache needs \d+ kB"):
            AffinityCache.build(tmp_path / "c", gaze(60), **kind)
        assert list(tmp_path.iterdir()) == []


@needs_fork
@pytest.mark.parametrize("kind", [{}, {"threshold": 0.5}], ids=str)
@pytest.mark.parametrize("limit", [500, 3_000, 9_000, 30_000])
def test_a_full_disk_is_one_sentence_and_the_build_goes_on_later(tmp_path, monkeypatch, kind, limit) -> None:
    import resource

    monkeypatch.setattr(planning, "BLOCK_PAIRS", 1000)
    paths = gaze(100, seed=2)
    expected = contents(AffinityCache.build(tmp_path / "whole", paths, **kind).path)

    def build_in_too_little_space() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
        sentence = r"^the limit on the size of files of .* is exhausted; finished blocks are kept: make room"
        with pytest.raises(OSError, match=sentence):
            AffinityCache.build(tmp_path / "c", paths, **kind)
        assert not (tmp_path / "c").exists()
        assert not list(tmp_path.rglob("*.tmp"))

    assert not run_and_kill(
        build_in_too_little_space, lambda pid: os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
    )
    assert contents(AffinityCache.build(tmp_path / "c", paths, **kind).path) == expected
    assert left_over(tmp_path / "c") == ["whole"]


def test_an_interrupted_write_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "f"
    path.write_bytes(b"old")

    def interrupted() -> None:
        with store.replacing(path) as file:
            file.write(b"new")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert contents(tmp_path) == {"f": b"old"}


@pytest.mark.parametrize("shape", [(0,), (3,), (2, 5), (0, 0), (100_000, 100_000)])
def test_headers_are_those_that_numpy_reads(tmp_path: Path, shape) -> None:
    header = store.npy_header(shape, np.dtype(np.float32))
    (tmp_path / "a.npy").write_bytes(header)
    with (tmp_path / "a.npy").open("rb") as file:
        assert np.lib.format.read_magic(file) == (1, 0)
        assert np.lib.format.read_array_header_1_0(file) == (shape, False, np.dtype(np.float32))
        assert file.tell() == len(header)
        assert len(header) % 64 == 0


def test_npz_has_no_dates_and_numpy_reads_it(tmp_path: Path) -> None:
    arrays = {"a": np.arange(6.0).reshape(2, 3), "b": np.empty(0, np.int64)}
    data = store.npz_bytes(arrays)
    assert data == store.npz_bytes({name: array.copy(order="F") for name, array in arrays.items()})
    (tmp_path / "a.npz").write_bytes(data)
    with np.load(tmp_path / "a.npz", allow_pickle=False) as archive:
        assert {name: archive[name].tolist() for name in archive.files} == {
            name: array.tolist() for name, array in arrays.items()
        }


def test_fingerprints_tell_files_apart(tmp_path: Path) -> None:
    path = tmp_path / "f"
    rng = np.random.default_rng(0)
    data = rng.bytes(store.SLICES * store.SLICE * 3)
    path.write_bytes(data)
    seen = {store.fingerprint(path)}
    for changed in (data[:-1], data + b"\0", data[:-1] + b"\0", b"\0" + data[1:], rng.bytes(len(data))):
        path.write_bytes(changed)
        seen.add(store.fingerprint(path))
    assert len(seen) == 6
