"""Caches of approximate neighbours."""

from __future__ import annotations

import numpy as np
import pytest

import gazesim
from gazesim import AffinityCache
from gazesim.cache import approximate
from gazesim.cache import build as building
from gazesim.cache.store import CacheError

HOW = {"scheme": "dtw", "screen_size": (100, 80), "top_k": 4, "method": "nn-descent", "graph_k": 10}


def gazes(count=120):
    rng = np.random.default_rng(0)
    return [rng.random((int(rng.integers(2, 9)), 3)) * (100, 80, 0.5) for _ in range(count)]


def test_a_cache_holds_what_neighbors_finds_and_the_diagonal(tmp_path):
    paths = gazes()
    cache = AffinityCache.build(tmp_path / "c", paths, **HOW)
    found = gazesim.neighbors(paths, **HOW).toarray()
    assert np.array_equal(cache.matrix.toarray() - np.eye(len(paths), dtype=np.float32), found)
    assert cache.selection.recall == pytest.approx(gazesim.neighbors(paths, **HOW).info["recall"], abs=1e-6)
    assert cache.selection.recall > 0.7
    assert (cache.selection.method, cache.selection.graph_k, cache.selection.seed) == ("nn-descent", 10, 0)
    cache.verify()


def test_the_same_call_opens_it_and_another_seed_does_not(tmp_path):
    first = AffinityCache.build(tmp_path / "c", gazes(), **HOW)
    before = (tmp_path / "c" / "neighbors.npz").stat().st_mtime_ns
    again = AffinityCache.build(tmp_path / "c", gazes(), **HOW)
    assert (tmp_path / "c" / "neighbors.npz").stat().st_mtime_ns == before
    assert again.selection == first.selection
    with pytest.raises(FileExistsError, match="seed"):
        AffinityCache.build(tmp_path / "c", gazes(), seed=1, **HOW)


def test_a_build_that_was_killed_begins_again(tmp_path, monkeypatch):
    whole = AffinityCache.build(tmp_path / "whole", gazes(), **HOW).matrix

    def killed(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(building, "install", killed)
    with pytest.raises(KeyboardInterrupt):
        AffinityCache.build(tmp_path / "c", gazes(), **HOW)
    assert not (tmp_path / "c").exists()
    monkeypatch.undo()
    assert (AffinityCache.build(tmp_path / "c", gazes(), n_threads=2, **HOW).matrix != whole).nnz == 0


def test_what_cannot_be_is_refused(tmp_path):
    ids = [(k // 2, k % 2) for k in range(120)]
    with pytest.raises(ValueError, match="reduce is given with method='nn-descent'"):
        AffinityCache.build(tmp_path / "c", gazes(), ids=ids, reduce="mean", **HOW)
    with pytest.raises(ValueError, match="top_k is missing"):
        AffinityCache.build(tmp_path / "c", gazes(), **{**HOW, "top_k": None})
    with pytest.raises(ValueError, match="quantile is given with method"):
        AffinityCache.build(tmp_path / "c", gazes(), quantile=0.9, **HOW)
    cache = AffinityCache.build(tmp_path / "c", gazes(), **HOW)
    with pytest.raises(ValueError, match="nothing can be appended"):
        cache.append(gazes(3), ids=["a", "b", "c"])


def test_a_killed_build_goes_on_after_its_last_round(tmp_path, monkeypatch):
    how = {**HOW, "graph_k": 6}
    paths = gazes(600)
    whole = AffinityCache.build(tmp_path / "whole", paths, **how)
    written = approximate.store.write

    def killed_after(rounds):
        def write(path, chunks):
            entry = written(path, chunks)
            if path.name == "graph.npz":
                kept.append(approximate.read_graph(path)[0])
                if len(kept) > rounds:
                    raise KeyboardInterrupt
            return entry

        return write

    seen = []
    for rounds in (0, 1):
        kept = []
        monkeypatch.setattr(approximate.store, "write", killed_after(rounds))
        with pytest.raises(KeyboardInterrupt):
            AffinityCache.build(tmp_path / "c", paths, n_threads=2, **how)
        monkeypatch.undo()
        seen.append(kept)
    assert seen == [[0], [1, 2]]
    cache = AffinityCache.build(tmp_path / "c", paths, **how)
    assert (cache.matrix != whole.matrix).nnz == 0
    assert cache.selection == whole.selection
    assert not (tmp_path / ".c.building").exists()


def test_a_damaged_graph_is_refused(tmp_path):
    path = tmp_path / "graph.npz"
    path.write_bytes(b"PK\x03\x04 not a whole archive")
    with pytest.raises(CacheError, match=r"graph\.npz is not a readable npz file"):
        approximate.read_graph(path)
    path.write_bytes(approximate.store.npz_bytes({"rounds": np.zeros(1, np.int64)}))
    with pytest.raises(CacheError, match="expected"):
        approximate.read_graph(path)
