"""AffinityCache against the plain matrix: every kind, every lookup, byte for byte however it was built."""

from __future__ import annotations

import json
import pickle
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import gazesim
from caches import SCREEN, contents, features, gaze, left_over
from gazesim import AffinityCache, DHash, Moments, MultiMatch, Scanpaths
from gazesim.cache import manifest as manifests
from gazesim.cache import plan as planning

pytestmark = pytest.mark.filterwarnings("ignore::gazesim.InvalidGazeWarning")

KEPT = [{}, {"threshold": 0.8}, {"top_k": 5}, {"quantile": 0.9}, {"top_k": 5, "threshold": 0.85}]


def kept(matrix, *, threshold=None, top_k=None, quantile=None):
    """Return the matrix with dropped pairs as 0: the definition, row by row."""
    own = np.arange(len(matrix))
    if quantile is not None:
        valid = np.flatnonzero(np.diagonal(matrix))
        pairs = matrix[np.ix_(valid, valid)][np.triu_indices(len(valid), 1)]
        threshold = np.sort(pairs)[int(np.ceil(quantile * (len(pairs) - 1)))] if len(pairs) else 1
    if threshold is not None:
        matrix = np.where((matrix >= np.float32(threshold)) | np.eye(len(matrix), dtype=bool), matrix, 0)
    if top_k is None:
        return matrix
    out = np.zeros_like(matrix)
    for row, values in enumerate(matrix):
        others = sorted(own[own != row], key=lambda column: (-values[column], column))[:top_k]
        out[row, others] = values[others]
    out[own, own] = matrix[own, own]
    return out


@pytest.mark.parametrize("kind", KEPT, ids=str)
@pytest.mark.parametrize("block_pairs", [1, 150, 10**9])
def test_every_kind_equals_the_matrix(tmp_path: Path, monkeypatch, kind, block_pairs) -> None:
    monkeypatch.setattr(planning, "BLOCK_PAIRS", block_pairs)
    paths = gaze(40)
    full = gazesim.affinity(paths)
    cache = AffinityCache.build(tmp_path / "c", paths, **kind)
    expected = kept(full, **kind)
    assert np.array_equal(cache.block(cache.ids), expected)
    rows, columns = [3, 3, 39, 0, 17], [39, 3, 0, 0, 8, 8]
    assert np.array_equal(cache.block(rows, columns), expected[np.ix_(rows, columns)])
    assert cache.block([], [1]).shape == (0, 1)
    assert cache.block([1], []).shape == (1, 0)
    assert cache.block(rows, columns).dtype == np.float32
    assert cache.block(rows).flags.writeable
    assert np.array_equal(cache.valid, np.diagonal(full) > 0)
    assert left_over(cache.path) == []


@pytest.mark.parametrize("kind", KEPT, ids=str)
def test_bytes_do_not_depend_on_threads_or_blocks(tmp_path: Path, monkeypatch, kind) -> None:
    paths = gaze(90, seed=1)
    first = contents(AffinityCache.build(tmp_path / "a", paths, n_threads=1, **kind).path)
    monkeypatch.setattr(planning, "BLOCK_PAIRS", 333)
    assert contents(AffinityCache.build(tmp_path / "b", paths, n_threads=3, **kind).path) == first


@given(st.data())
@settings(max_examples=40, deadline=None)
def test_gather_equals_numpy(tmp_path_factory, data) -> None:
    count = data.draw(st.integers(1, 12))
    path = tmp_path_factory.mktemp("gather") / "c"
    kind = data.draw(st.sampled_from(KEPT))
    names = [f"n{i}" for i in range(count)]
    cache = AffinityCache.build(path, gaze(count, seed=count, ids=names), **kind)
    whole = kept(gazesim.affinity(gaze(count, seed=count)), **kind)
    some = st.lists(st.integers(0, count - 1), max_size=20)
    rows, columns = data.draw(some), data.draw(some)
    block = cache.block([names[i] for i in rows], [names[i] for i in columns])
    assert np.array_equal(block, whole[np.ix_(rows, columns)])


@pytest.mark.parametrize("kind", [{"threshold": 0.8}, {"top_k": 5}, {"threshold": 0.85, "top_k": 5}], ids=str)
def test_neighbours_are_those_of_the_function(tmp_path: Path, kind) -> None:
    paths = gaze(150, seed=4)
    found = gazesim.neighbors(paths, **kind).toarray()
    cache = AffinityCache.build(tmp_path / "c", paths, **kind)
    np.fill_diagonal(found, np.where(cache.valid, 1, 0))
    assert np.array_equal(cache.matrix.toarray(), found)


def test_schemes_come_back_as_they_were(tmp_path: Path) -> None:
    maps = np.random.default_rng(0).random((6, 12, 10))
    for number, scheme in enumerate([Moments(alpha=0.1, size=(5, 7)), DHash(hash_size=9, margin=0.0)]):
        cache = AffinityCache.build(tmp_path / f"{number}", maps, scheme=scheme, ids=list("abcdef"))
        assert cache.scheme == scheme
        assert np.array_equal(cache.block(list("abcdef")), gazesim.affinity(maps, scheme=scheme))
        assert np.array_equal(cache.features.affinity(), cache.matrix)
    scheme = MultiMatch(
        SCREEN, (0.1, 0.1, 0.1, 0.1, 0.6), gazesim.Grouping(3.0, 45.0, 0.1), "per_dimension", 2
    )
    cache = AffinityCache.build(tmp_path / "m", gaze(9), scheme=scheme)
    assert cache.scheme == scheme
    scheme = gazesim.TIMA(image_size=(64, 48), min_samples=2, sigma_px=4)
    cache = AffinityCache.build(tmp_path / "t", gaze(9), scheme=scheme)
    assert cache.scheme == scheme
    assert type(cache.scheme.min_samples) is int


ID = st.one_of(st.text(max_size=8), st.integers(), st.floats(allow_nan=False, allow_infinity=False))
IDS = st.lists(
    st.one_of(ID, st.tuples(ID, ID), st.tuples(ID, st.tuples(ID))), min_size=3, max_size=3, unique=True
)


@given(IDS)
@settings(max_examples=60, deadline=None)
def test_ids_round_trip_with_their_types(tmp_path_factory, ids) -> None:
    path = tmp_path_factory.mktemp("ids") / "c"
    cache = AffinityCache.build(path, gaze(3), ids=ids)
    assert cache.ids == tuple(ids)
    assert list(map(type, cache.ids)) == list(map(type, ids))
    assert np.array_equal(AffinityCache.open(path).block(ids[::-1]), cache.matrix[::-1, ::-1])


@pytest.mark.parametrize("bad", [None, True, b"x", frozenset("a"), ("a", None), float("nan"), float("inf")])
def test_other_ids_are_refused(tmp_path: Path, bad) -> None:
    with pytest.raises(TypeError, match=r"ids\[1\] is .*; expected a string, a finite number or a tuple"):
        AffinityCache.build(tmp_path / "c", gaze(2), ids=["a", bad])
    assert list(tmp_path.iterdir()) == []


def test_numpy_ids_become_plain(tmp_path: Path) -> None:
    ids = [(np.str_("a"), np.int64(1)), (np.str_("a"), np.int64(2))]
    cache = AffinityCache.build(tmp_path / "c", gaze(2), ids=ids)
    assert cache.ids == (("a", 1), ("a", 2))
    assert cache.block(ids).shape == (2, 2)


def test_unknown_ids_are_named(tmp_path: Path) -> None:
    cache = AffinityCache.build(tmp_path / "c", gaze(2, ids=["a", "b"]))
    with pytest.raises(KeyError, match="no gaze with the id 'z'"):
        cache.block(["a", "z"])
    with pytest.raises(KeyError, match=r"no gaze with the id \['a'\]"):
        cache.block(["a", ["a"]])
    with pytest.raises(TypeError, match="ids is 'ab'; expected several ids"):
        cache.block("ab")


def reduced(paths: Scanpaths, how: str):
    """Return image ids and the reduced matrix, pair by pair."""
    full = gazesim.affinity(paths, errors="ignore").astype(np.float64)
    valid = np.diagonal(full) > 0
    images = list(dict.fromkeys(image for image, _ in paths.ids))
    out = np.zeros((len(images),) * 2)
    for a, one in enumerate(images):
        for b, two in enumerate(images):
            mine = [p for p, name in enumerate(paths.ids) if name[0] == one and valid[p]]
            others = [p for p, name in enumerate(paths.ids) if name[0] == two and valid[p]]
            if mine and others:
                pairs = full[np.ix_(mine, others)]
                out[a, b] = 1.0 if a == b else pairs.mean() if how == "mean" else pairs.max()
    return images, out


@pytest.mark.parametrize("kind", KEPT[:3], ids=str)
@pytest.mark.parametrize("how", ["mean", "max"])
def test_readers_are_reduced_to_images(tmp_path: Path, monkeypatch, how, kind) -> None:
    rng = np.random.default_rng(2)
    names = [(f"image{i}", int(r)) for i in range(14) for r in range(rng.integers(1, 6))]
    paths = gaze(len(names), seed=3, ids=[names[at] for at in rng.permutation(len(names))])
    images, expected = reduced(paths, how)
    for block_pairs in (1, 200, 10**9):
        monkeypatch.setattr(planning, "BLOCK_PAIRS", block_pairs)
        cache = AffinityCache.build(tmp_path / f"{block_pairs}", paths, reduce=how, **kind)
        assert list(cache.ids) == images
        assert cache.reduce == how
        dense = cache.block(cache.ids)
        np.testing.assert_allclose(dense, kept(expected.astype(np.float32), **kind), atol=2e-7)
        if not kind:
            assert np.array_equal(dense, dense.T)
        assert contents(cache.path) == contents(tmp_path / "1")


def test_reduce_needs_readers(tmp_path: Path) -> None:
    with pytest.raises(
        ValueError, match=r"ids\[0\] is 'a'; with reduce='mean' expected \(image_id, reader_id\)"
    ):
        AffinityCache.build(tmp_path / "c", gaze(1, ids=["a"]), reduce="mean")
    with pytest.raises(ValueError, match='reduce is \'median\'; expected "mean" or "max"'):
        AffinityCache.build(tmp_path / "c", gaze(1, ids=["a"]), reduce="median")


@pytest.mark.parametrize("count", [0, 1, 2])
@pytest.mark.parametrize("kind", KEPT, ids=str)
def test_tiny_sets(tmp_path: Path, count: int, kind) -> None:
    cache = AffinityCache.build(tmp_path / "c", features(count), **kind)
    assert len(cache) == count
    assert cache.block(cache.ids).shape == (count, count)
    assert AffinityCache.open(cache.path).ids == cache.ids


def test_the_same_build_again_opens_and_another_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "c"
    before = contents(AffinityCache.build(path, gaze(12)).path)
    AffinityCache.build(path, gaze(12))
    assert contents(path) == before
    with pytest.raises(
        FileExistsError, match=r"holds another cache \(of other gazes or ids\); expected a new folder"
    ):
        AffinityCache.build(path, gaze(12, seed=5))
    with pytest.raises(FileExistsError, match=r"its selection is None, not \{'top_k': 3\}"):
        AffinityCache.build(path, gaze(12), top_k=3)
    assert contents(path) == before
    assert left_over(path) == []


def test_a_folder_of_something_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "chapter.txt").write_text("x")
    with pytest.raises(FileExistsError, match="exists and is not a cache"):
        AffinityCache.build(tmp_path / "thesis", gaze(3))
    assert contents(tmp_path / "thesis") == {"chapter.txt": b"x"}
    (tmp_path / "empty").mkdir()
    assert len(AffinityCache.build(tmp_path / "empty", gaze(3))) == 3


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ({"threshold": 0.5, "quantile": 0.3}, "threshold and quantile are both given; expected at most one"),
        ({"top_k": 0}, "top_k is 0; expected a whole number from 1"),
        ({"quantile": 1.5}, "quantile is 1.5; expected a finite number"),
        ({"threshold": 70}, "threshold is 70; expected a finite number of at least 0 and at most 1"),
        ({"threshold": -0.5}, "threshold is -0.5; expected a finite number"),
        ({"wieghts": 3}, "'wieghts' is not a parameter"),
        ({"errors": "never"}, 'errors is \'never\'; expected "warn", "raise" or "ignore"'),
    ],
)
def test_bad_parameters_leave_nothing_behind(tmp_path: Path, kind, message) -> None:
    with pytest.raises((ValueError, TypeError), match=message):
        AffinityCache.build(tmp_path / "c", gaze(4), **kind)
    assert list(tmp_path.iterdir()) == []


def test_invalid_gazes_warn_once_or_raise(tmp_path: Path) -> None:
    with pytest.warns(gazesim.InvalidGazeWarning, match="gazes are invalid") as seen:
        AffinityCache.build(tmp_path / "c", gaze(20))
    assert len(seen) == 1
    assert seen[0].filename == __file__
    with pytest.raises(ValueError, match="gazes are invalid"):
        AffinityCache.build(tmp_path / "d", gaze(20), errors="raise")


def test_a_cache_pickles_as_its_path(tmp_path: Path) -> None:
    cache = AffinityCache.build(tmp_path / "c", gaze(30))
    data = pickle.dumps(cache)
    assert len(data) < 500
    assert np.array_equal(pickle.loads(data).matrix, cache.matrix)
    assert "n=30" in repr(cache)


def test_manifest_says_what_the_design_lists(tmp_path: Path) -> None:
    manifest = json.loads((AffinityCache.build(tmp_path / "c", gaze(3)).path / "manifest.json").read_text())
    assert manifest["version"] == 2
    assert manifest["geometry"] is None
    assert manifest["dtype"] == "float32"
    assert manifest["library"] == gazesim.__version__
    assert manifest["scheme"]["name"] == "multimatch"
    assert manifest["ids"] == [0, 1, 2]
    assert len(manifest["inputs"]) == 64
    assert set(manifest["files"]) == {"affinity.npy", "features.npz"}


def test_progress_goes_to_stderr(tmp_path: Path, capsys) -> None:
    AffinityCache.build(tmp_path / "c", gaze(60), progress=True)
    out, err = capsys.readouterr()
    assert out == ""
    assert "100%" in err
    assert "pairs/s" in err


# --- releases -------------------------------------------------------------------------------------


def test_a_cache_of_another_release_is_the_same_cache(tmp_path: Path, monkeypatch) -> None:
    """What counts is the version of the format: the same call opens it, and adds to it."""
    monkeypatch.setattr(manifests, "__version__", "0.0.1")
    first = AffinityCache.build(tmp_path / "c", gaze(5), errors="ignore")
    monkeypatch.setattr(manifests, "__version__", "0.0.2")
    again = AffinityCache.build(tmp_path / "c", gaze(5), errors="ignore")
    assert np.array_equal(again.matrix, first.matrix)
    grown = again.append(gaze(2), ids=["x", "y"], errors="ignore")
    assert len(grown) == 7


def test_a_build_of_another_release_is_gone_on_with(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(manifests, "__version__", "0.0.1")
    for number in (1, 2):
        AffinityCache.build_share(tmp_path / "c", gaze(5), share=(number, 2), errors="ignore")
        monkeypatch.setattr(manifests, "__version__", "0.0.2")
    assert len(AffinityCache.merge(tmp_path / "c")) == 5
