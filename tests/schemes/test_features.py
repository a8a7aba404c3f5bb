"""Features: pickling, slicing, blocks, invalid gazes, outputs."""

from __future__ import annotations

import pickle
import warnings

import numpy as np
import pytest

import gazesim
from gazesim import _core
from strategies import measures_on

SCREEN = (64, 48)
SCHEMES = {
    "multimatch": gazesim.MultiMatch(screen_size=SCREEN),
    "tima": gazesim.TIMA(image_size=SCREEN, sigma_px=4),
    "moments": gazesim.Moments(),
    "dhash": gazesim.DHash(),
    "scanmatch": gazesim.ScanMatch(SCREEN),
    "string_edit": gazesim.StringEdit(screen_size=SCREEN),
    "dtw": gazesim.DTW(SCREEN),
    "frechet": gazesim.Frechet(SCREEN),
    "hausdorff": gazesim.Hausdorff(SCREEN),
    "time_delay_embedding": gazesim.TimeDelayEmbedding(SCREEN),
    "recurrence": gazesim.Recurrence(radius_px=12),
    "scasim": gazesim.Scasim(gazesim.ScreenGeometry(SCREEN, (32, 24), 60)),
    "mannan": gazesim.Mannan(SCREEN),
    "eyenalysis": gazesim.Eyenalysis(SCREEN),
}


@pytest.fixture(params=SCHEMES)
def features(request, rng):
    if request.param not in ("moments", "dhash"):
        gazes = [rng.random((rng.integers(3, 20), 3)) * (*SCREEN, 1) for _ in range(12)]
    else:
        gazes = rng.random((12, 10, 14)) ** 3
    return SCHEMES[request.param].features(gazes, ids=[f"image {k}" for k in range(12)])


def test_pickle(features):
    copy = pickle.loads(pickle.dumps(features))
    assert copy.scheme == features.scheme
    assert copy.ids == features.ids
    assert np.array_equal(copy.affinity(), features.affinity())


def test_values_in_any_memory_order(features):
    """Column by column, every other row of a larger array, and read-only."""
    values, order = features.values, features.offsets
    spread = np.repeat(values, 2, axis=0)[::2]
    fixed = values.copy()
    fixed.flags.writeable = False
    for other in (np.asfortranarray(values), np.ascontiguousarray(values.T).T, spread, fixed):
        again = gazesim.Features(features.scheme, other, order, ids=features.ids)
        assert np.array_equal(again.affinity(), features.affinity())
        assert (again.neighbors(top_k=3) != features.neighbors(top_k=3)).nnz == 0


def test_slices_masks_and_index_arrays(features):
    whole = features.affinity()
    chosen = [7, 2, -1]
    assert features[chosen].ids == ("image 7", "image 2", "image 11")
    for index in (chosen, np.array(chosen), slice(3, 9, 2), np.arange(12) % 2 == 0):
        positions = np.arange(12)[index]
        assert np.array_equal(features[index].affinity(), whole[np.ix_(positions, positions)])
    assert len(features[[]]) == 0
    assert features[[]].affinity().shape == (0, 0)
    assert features.affinity(features[[]]).shape == (12, 0)


@pytest.mark.parametrize("index", [[12], [-13], [0.5], ["image 1"], [[1, 2]], np.ones(3, bool)])
def test_bad_indices(features, index):
    with pytest.raises((IndexError, TypeError)):
        features[index]


def test_block_by_id(features):
    whole = features.affinity()
    block = features.block(["image 3", "image 0", "image 3"], ["image 5"])
    assert np.array_equal(block, whole[[3, 0, 3]][:, [5]])
    assert np.array_equal(features.block(["image 4", "image 2"]), whole[np.ix_([4, 2], [4, 2])])
    with pytest.raises(KeyError, match="no gaze has the id 'image 99'"):
        features.block(["image 99"])


def test_other_of_another_scheme():
    maps = np.ones((2, 4, 4))
    with pytest.raises(ValueError, match=r"other has the scheme Moments\(alpha=0.1"):
        gazesim.Moments().features(maps).affinity(gazesim.Moments(alpha=0.1).features(maps))
    with pytest.raises(TypeError, match="expected Features"):
        gazesim.Moments().features(maps).affinity(maps)


def test_repr_names_the_parameters(features):
    assert repr(features).startswith("Features(n=12, invalid=0, scheme=")
    assert repr(features.scheme) in repr(features)


def test_invalid_gazes_warn_once_with_count_and_ids():
    gazes = [[[1, 1, 0.1]] * 2, [[1, 1, 0.1], [5, 5, 0.1], [9, 1, 0.1]], [[2, 2, 0.1]]]
    params = {"scheme": "multimatch", "screen_size": (10, 10)}
    with pytest.warns(gazesim.InvalidGazeWarning, match=r"2 of 3 gazes are invalid.*ids 0, 2$") as record:
        matrix = gazesim.affinity(gazes, **params)
    assert len(record) == 1
    assert record[0].filename == __file__
    assert matrix.tolist() == [[0, 0, 0], [0, 1, 0], [0, 0, 0]]
    with pytest.raises(ValueError, match="2 of 3 gazes are invalid"):
        gazesim.affinity(gazes, errors="raise", **params)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert np.array_equal(gazesim.affinity(gazes, errors="ignore", **params), matrix)
    five = gazesim.multimatch(gazes, screen_size=(10, 10))
    assert np.isnan(five[0]).all()
    assert not np.isnan(five[1, 1]).any()


@pytest.mark.parametrize(
    ("scheme", "gaze", "params"),
    [
        ("moments", np.zeros((1, 4, 4)), {}),
        ("dhash", np.ones((1, 12, 12)), {}),
        ("tima", [np.empty((0, 3))], {"image_size": (9, 9)}),
        ("multimatch", [np.empty((0, 3))], {"screen_size": (9, 9)}),
        *((scheme, [np.empty((0, 3))], params) for scheme, params in measures_on((9, 9)).items()),
        ("scasim", [[[1, 1, 0.0]]], measures_on((9, 9))["scasim"]),
        ("scanmatch", [[[1, 1, 0.02]]], {"screen_size": (9, 9), "temporal_bin_s": 0.05}),
    ],
)
def test_what_is_invalid_for_each_scheme(scheme, gaze, params):
    with pytest.warns(gazesim.InvalidGazeWarning, match="1 of 1"):
        assert gazesim.affinity(gaze, scheme=scheme, **params)[0, 0] == 0


def test_out_is_filled_in_place(features):
    out = np.full((12, 12), np.nan, np.float32)
    assert features.affinity(out=out) is out
    assert np.array_equal(out, features.affinity())


def test_out_may_be_a_memory_map(features, tmp_path):
    out = np.lib.format.open_memmap(tmp_path / "a.npy", "w+", np.float32, (12, 12))
    features.affinity(out=out)
    out.flush()
    assert np.array_equal(np.load(tmp_path / "a.npy"), features.affinity())


@pytest.mark.parametrize("factor", [[1e300, 1e-300], [0.1, 0.7]])
def test_weights_that_do_not_sum_to_one(factor):
    with pytest.raises(ValueError, match="expected a sum of 1"):
        gazesim.MultiMatch(weights=(*factor, 0, 0, 0))


def test_progress_reports_every_pair(features, capsys):
    features.affinity(progress=True)
    assert "78.0/78.0" in capsys.readouterr().err  # 12 · 13 / 2


def test_a_screen_size_stated_once_serves_both_sets(rng):
    gazes = [rng.random((5, 3)) * (*SCREEN, 1) for _ in range(3)]
    stated = gazesim.Scanpaths.from_list(gazes, screen_size=SCREEN)
    block = gazesim.affinity(stated, gazes)
    assert np.array_equal(block, gazesim.affinity(gazes, screen_size=SCREEN))


@pytest.mark.parametrize(
    ("scheme", "values", "offsets", "message"),
    [
        ("multimatch", np.full((3, 7), np.nan), [0, 1, 3], "values: sample 0, row 0, column 0 is nan"),
        (
            "multimatch",
            np.diag(np.full(7, np.inf)),
            [0, 0, 7],
            "sample 1, row 0, column 0 is inf; expected a f",
        ),
        (
            "tima",
            [[1, 1], [1, 1], [1, -2]],
            [0, 1, 1, 3],
            "values: sample 2, row 1, column 1 is -2; expected",
        ),
        (
            "moments",
            [[1, 1], [1, -1]],
            None,
            "sample 1, row 0, column 1 is -1; expected a finite number of at",
        ),
        ("moments", [[1, 1], [np.inf, 1]], None, "values: sample 1, row 0, column 0 is inf; expected"),
    ],
)
def test_odd_values_are_refused(scheme, values, offsets, message):
    offsets = None if offsets is None else np.array(offsets)
    with pytest.raises(ValueError, match=message):
        gazesim.Features(SCHEMES[scheme], np.array(values, float), offsets)


def test_made_features_compare_as_computed_ones(features):
    made = gazesim.Features(features.scheme, features.values, features.offsets)
    assert np.array_equal(made.affinity(), features.affinity())
    assert np.array_equal(made.valid, features.valid)


def test_alignment_ends_whatever_the_numbers(rng):
    """Not reached through checked features; the compiled function must end all the same."""
    values = rng.random((12, 7))
    values[5:] = np.nan
    out = np.empty((2, 2), np.float32)
    for alignment in ("joint", "per_dimension"):
        _core.multimatch_affinity(
            (values, np.array([0, 5, 12])),
            None,
            out,
            screen_size=(9, 9),
            weights=[0.2] * 5,
            alignment=alignment,
        )
        assert out[0, 0] == 1
