"""Appending computes new pairs only, and gives what a build of all gazes gives."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import gazesim
from caches import SCREEN, contents, features, gaze, left_over
from gazesim import AffinityCache, Scanpaths
from gazesim.cache import CacheError
from gazesim.cache import plan as planning

pytestmark = pytest.mark.filterwarnings("ignore::gazesim.InvalidGazeWarning")


def split(count: int, known: int, readers: int = 0) -> tuple[Scanpaths, Scanpaths, Scanpaths]:
    ids = (
        [(f"i{n // readers}", n % readers) for n in range(count)]
        if readers
        else [f"i{n}" for n in range(count)]
    )
    both = gaze(count, seed=4, ids=ids)
    return both, both[:known], both[known:]


@pytest.mark.parametrize(
    "kind",
    [{}, {"threshold": 0.8}, {"top_k": 4}, {"top_k": 4, "threshold": 0.8}, {"top_k": 4, "reduce": "mean"}],
    ids=str,
)
@pytest.mark.parametrize("block_pairs", [1, 100, 10**9])
def test_append_equals_a_build_of_everything(tmp_path: Path, monkeypatch, kind, block_pairs) -> None:
    both, old, new = split(45, 30, 3 if "reduce" in kind else 0)
    expected = contents(AffinityCache.build(tmp_path / "all", both, **kind).path)
    monkeypatch.setattr(planning, "BLOCK_PAIRS", block_pairs)
    before = AffinityCache.build(tmp_path / "c", old, **kind)
    was = before.block(before.ids)
    after = before.append(new)
    assert contents(after.path) == expected
    assert left_over(after.path) == ["all"]
    assert np.array_equal(before.block(before.ids), was)


def test_old_pairs_are_not_computed_again(tmp_path: Path, monkeypatch) -> None:
    _, old, new = split(50, 40)
    cache = AffinityCache.build(tmp_path / "c", old)
    compared = []
    original = gazesim.MultiMatch.fill_affinity

    def counting(self, rows, other, out, **run):
        compared.append(len(rows) * (len(rows) + 1) // 2 if other is None else len(rows) * len(other))
        original(self, rows, other, out, **run)

    monkeypatch.setattr(gazesim.MultiMatch, "fill_affinity", counting)
    cache.append(new)
    assert sum(compared) == 40 * 10 + 10 * 11 // 2


def test_a_quantile_keeps_its_threshold(tmp_path: Path) -> None:
    both, old, new = split(45, 30)
    cache = AffinityCache.build(tmp_path / "c", old, quantile=0.8)
    after = cache.append(new)
    assert after.selection == cache.selection
    full = gazesim.affinity(both)
    threshold = np.float32(cache.selection.threshold)
    assert np.array_equal(after.block(after.ids), np.where(full >= threshold, full, 0))


def test_known_images_and_other_schemes_are_refused(tmp_path: Path) -> None:
    cache = AffinityCache.build(tmp_path / "c", gaze(3, ids=["a", "b", "c"]))
    before = contents(cache.path)
    with pytest.raises(ValueError, match=r"ids\[1\] is 'b', which the cache holds already"):
        cache.append(gaze(2, ids=["z", "b"]))
    other = gazesim.MultiMatch(screen_size=(9, 9)).features(gaze(1, ids=["z"]))
    with pytest.raises(ValueError, match=r"gazes has the scheme .*; expected"):
        cache.append(other)
    readers = AffinityCache.build(tmp_path / "r", gaze(2, ids=[("a", 1), ("a", 2)]), reduce="max")
    with pytest.raises(ValueError, match=r"ids\[0\] is \('a', 3\), which the cache holds already"):
        readers.append(gaze(1, ids=[("a", 3)]))
    assert contents(cache.path) == before
    assert left_over(cache.path) == ["r"]


def test_a_cache_that_changed_meanwhile_is_not_overwritten(tmp_path: Path) -> None:
    first = AffinityCache.build(tmp_path / "c", gaze(5, ids=list("abcde")))
    again = AffinityCache.open(tmp_path / "c")
    first.append(gaze(1, ids=["f"]))
    with pytest.raises(CacheError, match="was changed after it was opened"):
        again.append(gaze(1, ids=["g"], seed=3))
    assert AffinityCache.open(tmp_path / "c").ids == tuple("abcdef")
    assert left_over(tmp_path / "c") == []


def test_features_can_be_appended(tmp_path: Path) -> None:
    cache = AffinityCache.build(tmp_path / "c", features(3))
    scheme = gazesim.MultiMatch(screen_size=SCREEN)
    assert len(cache.append(scheme.features(gaze(2, seed=9), ids=["x", "y"]))) == 5


def test_other_screens_and_other_maps_are_refused(tmp_path: Path, rng) -> None:
    _, old, new = split(6, 4)
    cache = AffinityCache.build(tmp_path / "paths", old)
    elsewhere = Scanpaths.from_list(new, screen_size=(SCREEN[0] + 1, SCREEN[1]))
    with pytest.raises(ValueError, match=r"gazes has screen_size .*, compared with gaze on"):
        cache.append(elsewhere)
    maps = AffinityCache.build(tmp_path / "maps", rng.random((3, 8, 8)), scheme="moments")
    with pytest.raises(ValueError, match=r"gazes has maps of \(4, 8\), compared with \(8, 8\)"):
        maps.append(rng.random((1, 4, 8)), ids=["new"])
    more = maps.append(rng.random((1, 8, 8)), ids=["new"])
    assert more.features.map_size_hw == (8, 8)
