"""Approximate neighbours: the same for every number of threads, and against the dense matrix."""

from __future__ import annotations

import numpy as np
import pytest

import gazesim
from gazesim import _core
from gazesim.schemes.descent import MAX_ROUNDS, Descent

SCREEN = (800, 600)
SCHEMES = ["multimatch", "dtw", "string_edit", "tima", "moments", "dhash", "recurrence"]
PARAMETERS = {"recurrence": {"radius_px": 64.0}}


def gazes_for(scheme, count=700):
    """Return gazes in a few groups, with some on which the scheme is undefined."""
    rng = np.random.default_rng(count)
    if scheme in ("moments", "dhash"):
        maps = rng.random((count, 12, 12)) ** 3
        maps[::50] = 0
        return gazesim.Moments().features(maps) if scheme == "moments" else gazesim.DHash().features(maps)
    centres = rng.random((8, 12, 2)) * SCREEN
    paths = []
    for k in range(count):
        length = 0 if k % 50 == 0 else int(rng.integers(3, 12))
        places = np.clip(centres[k % 8, :length] + rng.normal(0, 40, (length, 2)), 0, SCREEN)
        paths.append(np.column_stack([places, 0.2 + 0.1 * rng.random(length)]))
    made = gazesim.schemes.scheme_from(scheme, PARAMETERS.get(scheme, {}))
    return made.features(gazesim.Scanpaths.from_list(paths, screen_size=SCREEN))


def search(features, **how):
    return features.neighbors(**{"method": "nn-descent", "top_k": 5, "graph_k": 9, "errors": "ignore", **how})


def arrays_of(found):
    return found.indptr.tobytes(), found.indices.tobytes(), found.data.tobytes(), repr(found.info)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_one_two_and_five_threads_find_the_same_bytes(scheme):
    features = gazes_for(scheme)
    first = search(features, n_threads=1)
    for threads in (2, 5):
        assert arrays_of(search(features, n_threads=threads)) == arrays_of(first)
    one, other = (search(features, seed=seed, graph_k=5) for seed in (1, 2))
    # Seeds tell graphs apart where neither has found everything.
    assert arrays_of(one)[:3] != arrays_of(other)[:3] or one.info["recall"] == other.info["recall"] == 1


@pytest.mark.parametrize("scheme", SCHEMES)
def test_what_is_found_is_of_the_matrix_and_the_recall_is_what_is_counted(scheme):
    features = gazes_for(scheme)
    matrix = features.affinity(errors="ignore")
    np.fill_diagonal(matrix, 0)
    found = search(features)
    rows = np.repeat(np.arange(len(features)), np.diff(found.indptr))
    assert np.array_equal(matrix[rows, found.indices], found.data)
    assert (found.data > 0).all()
    assert np.diff(found.indptr).max() <= 5
    assert found.has_sorted_indices
    # With fewer gazes than queries, the recall is no estimate.
    least = np.sort(matrix, axis=1)[:, -5]
    there = np.minimum((matrix > 0).sum(axis=1), 5)
    hits = found.data >= np.maximum(least, np.finfo(np.float32).tiny)[rows]
    assert found.info["queries"] == len(features)
    assert found.info["recall"] == pytest.approx(hits.sum() / there.sum(), abs=1e-12)
    assert found.info["recall"] > 0.8
    assert 1 <= found.info["rounds"] <= MAX_ROUNDS


def test_a_graph_of_everything_is_exact():
    features = gazes_for("dtw", 25)
    found = search(features, graph_k=24)
    exact = features.neighbors(top_k=5, errors="ignore")
    assert (found != exact).nnz == 0
    assert found.info["recall"] == 1.0
    assert exact.info == {"method": "exact", "recall": 1.0}


@pytest.mark.parametrize("scheme", ["multimatch", "dhash"])
def test_few_gazes_are_compared_all_with_all(scheme):
    features = gazes_for(scheme, 800)
    heard = []
    how = {
        "names": np.arange(800, dtype=np.uint32),
        "threshold": 1e-6,
        "top_k": 5,
        "descent": Descent(10).search(1),
        "n_threads": 2,
        "progress": heard.append,
    }
    *found, info = features.scheme.find_neighbors(features, how)
    *exact, _ = features.scheme.find_neighbors(features, {**how, "descent": None, "progress": None})
    assert all(np.array_equal(one, other) for one, other in zip(found, exact, strict=True))
    assert info == (1.0, 800, 0)
    assert all(0 <= done <= 800 * (MAX_ROUNDS + 2) for done in heard)
    # One more, and a graph is made.
    assert search(gazes_for(scheme, 808), graph_k=10).info["rounds"] > 0


def test_a_threshold_is_kept():
    features = gazes_for("dtw")
    found = search(features, threshold=0.9)
    assert 0 < found.nnz < search(features).nnz
    assert found.data.min() >= np.float32(0.9)


@pytest.mark.parametrize("count", [0, 1, 2, 3])
def test_few_gazes(count):
    maps = np.random.default_rng(0).random((count, 8, 8))
    found = gazesim.neighbors(maps, scheme="moments", method="nn-descent", top_k=2)
    assert found.shape == (count, count)
    assert found.nnz == count * min(2, max(0, count - 1))


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ({"top_k": None, "threshold": 0.5}, "top_k is missing"),
        ({"top_k": 20}, "top_k is 20; expected at most graph_k=9"),
        ({"method": "annoy"}, "method"),
        ({"graph_k": 0}, "graph_k"),
        ({"seed": -1}, "seed"),
    ],
)
def test_what_does_not_fit_is_refused(how, message):
    with pytest.raises(ValueError, match=message):
        search(gazes_for("moments", 60), **how)


def test_ctrl_c_ends_the_search_and_progress_ends_at_its_total():
    features = gazes_for("multimatch", 3000)
    heard = []

    def stop(done):
        heard.append(done)
        raise KeyboardInterrupt

    how = {
        "names": np.arange(3000, dtype=np.uint32),
        "threshold": 1e-6,
        "top_k": 5,
        "descent": Descent(20).search(1000),
        "n_threads": 2,
        "progress": stop,
    }
    with pytest.raises(KeyboardInterrupt):
        features.scheme.find_neighbors(features, how)
    assert len(heard) == 1
    heard.clear()
    features.scheme.find_neighbors(features, {**how, "progress": heard.append})
    assert heard == sorted(heard)
    assert heard[-1] <= (MAX_ROUNDS + 2) * 3000


def test_core_refuses_what_python_would_not_pass():
    values = np.random.default_rng(0).random((4, 2))
    how = {"names": np.arange(4, dtype=np.uint32), "threshold": 0.1, "n_threads": 1, "progress": None}
    for top_k, said in ((None, "top_k is None"), (9, "at most graph_k = 3")):
        descent = Descent(3).search(1)
        with pytest.raises(ValueError, match=said):
            _core.moments_neighbors(values, {**how, "top_k": top_k, "descent": descent}, alpha=0.5)
