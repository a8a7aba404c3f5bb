"""NSS, AUC, AUC-Judd, sAUC and IG: against twins, scikit-learn, pysaliency's conventions, and by hand."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from sklearn.metrics import roc_auc_score

from gazesim import Scanpaths, saliency
from gazesim.reference import saliency as twin

SHAPE = (5, 6)
maps = hnp.arrays(np.float64, (3, *SHAPE), elements=st.integers(0, 6))
pixels = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 5)), min_size=1, max_size=8)


def scanpath(found):
    """Return a scanpath in the middles of the pixels (row, column)."""
    return np.array([[column + 0.5, row + 0.5, 0.2] for row, column in found])


def mask(found):
    at = np.zeros(SHAPE, bool)
    at[tuple(np.transpose(found))] = True
    return at


@given(maps, st.lists(pixels, min_size=3, max_size=3))
def test_equal_to_the_twins(predicted, found):
    predicted[:, 4, 5] = 9  # no constant maps
    paths = [scanpath(one) for one in found]

    def twins(name, *more):
        parts = zip(predicted, *more, strict=True)
        return [getattr(twin, name)(*part) for part in parts]

    def same(ours, expected):
        np.testing.assert_allclose(ours, expected, atol=1e-12)

    masks = [mask(one) for one in found]
    same(saliency.nss(predicted, paths), twins("nss_of_fixations", found))
    same(saliency.nss(predicted, paths, count="pixels"), twins("nss", masks))
    same(saliency.nss(predicted, np.array(masks)), twins("nss", masks))
    same(saliency.auc(predicted, paths), twins("auc", found))
    same(saliency.auc_judd(predicted, paths), twins("auc_judd", masks))
    same(saliency.shuffled_auc(predicted, paths), twin.shuffled_auc(predicted, found))
    positive, baseline = predicted + 1, predicted[::-1] + 0.5
    expected = [twin.information_gain(*part) for part in zip(positive, found, baseline, strict=True)]
    same(saliency.information_gain(positive, paths, baseline), expected)


@given(maps, pixels)
def test_auc_is_that_of_scikit_learn(predicted, found):
    """Ties included: the maps have seven levels."""
    p, at = predicted[0], mask(found)
    ours = saliency.auc(p, scanpath(found), negatives="unfixated", count="pixels")
    assert ours == pytest.approx(roc_auc_score(at.ravel(), p.ravel()), abs=1e-12)
    # All pixels as negatives: the fixated pixels are on both sides.
    fixated = [p[one] for one in found]
    truth = np.r_[np.ones(len(found)), np.zeros(p.size)]
    expected = roc_auc_score(truth, np.r_[fixated, p.ravel()])
    assert saliency.auc(p, scanpath(found)) == pytest.approx(expected, abs=1e-12)


def test_auc_judd_exceeds_the_area_by_at_most_half_a_fixation(rng):
    predicted = rng.random((20, 32, 32))
    at = rng.random((20, 32, 32)) < 0.01
    area = saliency.auc(predicted, at, negatives="unfixated")
    excess = saliency.auc_judd(predicted, at) - area
    assert (excess >= -1e-12).all()
    assert (excess <= 1 / (2 * at.sum(axis=(1, 2))) + 1e-12).all()
    assert excess.max() > 1e-3


def test_by_hand():
    p, q = [[4, 3], [2, 1]], [[1, 2], [3, 4]]
    at = [[0.9, 0.1, 0.2]]
    assert saliency.nss(p, at) == pytest.approx((4 - 2.5) / np.sqrt(1.25))
    assert saliency.auc_judd(p, at) == 1.0
    # The lowest pixel is the only threshold, which everything reaches: the curve is the diagonal.
    assert saliency.auc_judd(q, at) == 0.5
    assert saliency.auc(p, at) == 3.5 / 4
    assert saliency.auc(p, at, negatives="unfixated") == 1
    assert saliency.information_gain(p, at) == pytest.approx(np.log2(0.4 / 0.25))
    assert saliency.information_gain(p, at, q) == pytest.approx(np.log2(4))


def test_ties_by_hand():
    """Fixated are a 3 and a 1; of the others one is 3, three are 2, two are 1 and one is 0."""
    p, at = [[1, 2, 2], [3, 3, 1], [2, 1, 0]], [[0.5, 1.5, 0.2], [0.5, 0.5, 0.2]]
    # Above or equal: of seven, the 3 exceeds six and ties with one, the 1 exceeds one and ties with two.
    assert saliency.auc(p, at, negatives="unfixated") == pytest.approx((6.5 + 2) / 14, abs=1e-15)
    # Against all pixels both tie with themselves, too, and the 3 exceeds the other one.
    assert saliency.auc(p, at) == pytest.approx((7 + 2 * 0.5 + 1 + 3 * 0.5) / 18, abs=1e-15)
    # Thresholds 3 and 1: (0, 0), (1/7, 1/2), (6/7, 1), (1, 1); 3/28 more than the true area.
    assert saliency.auc_judd(p, at) == pytest.approx(5 / 7, abs=1e-15)
    # Twice on the same pixel: once in Judd's, twice in the others.
    twice = [*at, [0.6, 1.6, 0.2]]
    assert saliency.auc_judd(p, twice) == pytest.approx(5 / 7, abs=1e-15)
    assert saliency.auc(p, twice, negatives="unfixated") == pytest.approx((2 * 6.5 + 2) / 21, abs=1e-15)


def test_shuffled_auc_by_hand_and_by_scikit_learn():
    """Ties count a half, and a pixel that two others looked at is a negative twice."""
    maps = [np.array([[1, 2, 2, 3]]), np.array([[5, 1, 1, 5]])]
    columns = [[3, 1], [2, 0, 0]]
    paths = [[[column + 0.5, 0.5] for column in one] for one in columns]
    found = saliency.shuffled_auc(maps, paths)
    # 3 exceeds 2, 1 and 1; 2 ties with 2, exceeds 1 and 1. 1 ties with 1; twice 5 ties with 5, exceeds 1.
    np.testing.assert_allclose(found, [5.5 / 6, 3.5 / 6], rtol=0, atol=1e-15)
    for own, p in enumerate(maps):
        values = np.r_[p[0, columns[own]], p[0, columns[1 - own]]]
        truth = np.repeat([1, 0], [len(columns[own]), len(columns[1 - own])])
        assert found[own] == pytest.approx(roc_auc_score(truth, values), abs=1e-15)


def test_fixations_or_pixels_are_counted():
    """Two fixations on the best pixel, one on the worst."""
    p = [[4, 3], [2, 1]]
    paths = [[0.1, 0.1, 0.2], [0.9, 0.9, 0.2], [1.5, 1.5, 0.2]]
    deviation = np.sqrt(1.25)
    assert saliency.nss(p, paths) == pytest.approx((1.5 + 1.5 - 1.5) / 3 / deviation)
    assert saliency.nss(p, paths, count="pixels") == pytest.approx(0)
    assert saliency.auc(p, paths) == pytest.approx((3.5 + 3.5 + 0.5) / 12)
    assert saliency.auc(p, paths, count="pixels") == pytest.approx(0.5)


def test_a_constant_map_is_at_chance_as_in_pysaliency_or_nan(rng):
    flat, at = np.full((6, 7), 0.1), [[1, 1, 0.2], [3, 3, 0.2]]
    assert saliency.nss(flat, at) == 0
    assert np.isnan(saliency.nss(flat, at, constant_map="nan"))
    assert saliency.auc(flat, at) == 0.5
    assert saliency.information_gain(flat, at) == pytest.approx(0)
    assert (saliency.shuffled_auc([flat, flat], [at, at]) == 0.5).all()


def test_without_fixations_there_is_no_score():
    p, nowhere = [np.eye(4), np.eye(4)], [np.empty((0, 3)), [[1, 1]]]
    for measure in ("nss", "auc", "auc_judd", "information_gain", "shuffled_auc"):
        found = getattr(saliency, measure)(p, nowhere)
        # The second image has a fixation; in sAUC it has no negatives.
        assert np.isnan(found).tolist() == [True, measure == "shuffled_auc"], measure
    assert np.isnan(saliency.auc_judd(np.eye(2), np.ones((2, 2), bool)))
    assert np.isnan(saliency.auc(np.eye(2), np.ones((2, 2), bool), negatives="unfixated"))


def test_borders_belong_to_the_image():
    """A map of 3 x 2: x in [0, 3), y in [0, 2)."""
    p = np.arange(6.0).reshape(2, 3)
    inside = [[0, 0], [2.999, 1.999]]
    assert saliency.auc(p, inside, outside="raise") == 0.5
    for point in ([3, 1], [1, 2], [-0.001, 1], [1, -0.001]):
        with pytest.raises(ValueError, match=r"1 of 1 fixations lie outside .* in entry 0"):
            saliency.auc(p, [point], outside="raise")


@pytest.mark.parametrize("measure", ["nss", "auc", "auc_judd", "information_gain", "shuffled_auc"])
def test_fixations_outside_are_counted_where_the_measure_is_called(measure):
    p = [np.eye(3) + 1, np.eye(3) + 1]
    paths = [[[1, 1, 0.2]], [[1, 2, 0.2], [4, 4, 0.2], [-1, 0, 0.1]]]
    with pytest.warns(
        saliency.FixationsOutsideWarning, match="2 of 4 .* entry 1; they are left out"
    ) as caught:
        found = getattr(saliency, measure)(p, paths)
    assert caught[0].filename == __file__
    expected = getattr(saliency, measure)(p, [paths[0], paths[1][:1]])
    np.testing.assert_array_equal(found, expected)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        np.testing.assert_array_equal(getattr(saliency, measure)(p, paths, outside="ignore"), expected)


def test_shuffled_auc_scales_fixations_of_other_images():
    """A map twice as large: (1.75, 0.5) of 2 x 1 becomes column 3 of 4 x 1, and is truncated."""
    small, large = np.array([[5.0, 1.0]]), np.array([[1.0, 1.0, 7.0, 9.0]])
    found = saliency.shuffled_auc([small, large], [[[1.75, 0.5]], [[2.5, 0.5]]])
    # Image 1 has 7 where it is looked at, 9 at the negative; image 0 has 1 at both.
    np.testing.assert_array_equal(found, [0.5, 0.0])


def test_positions_between_images_of_one_size_do_not_move():
    """29 / 49 * 49 is below 29 in floating point."""
    p = np.arange(49.0)[None]
    found = saliency.shuffled_auc([p, p], [[[28.5, 0.5]], [[29.0, 0.5]]])
    np.testing.assert_array_equal(found, [0, 1])


def test_borjis_shuffled_auc_nears_the_exact_one(rng):
    predicted = rng.random((12, 20, 20))
    paths = [rng.random((15, 3)) * [20, 20, 1] for _ in predicted]
    exact = saliency.shuffled_auc(predicted, paths)
    fine = saliency.shuffled_auc(predicted, paths, splits=200, images_per_split=11, step=0.001)
    np.testing.assert_allclose(fine, exact, atol=0.02)
    again = saliency.shuffled_auc(predicted, paths, splits=5, seed=3)
    np.testing.assert_array_equal(again, saliency.shuffled_auc(predicted, paths, splits=5, seed=3))
    assert not np.array_equal(again, saliency.shuffled_auc(predicted, paths, splits=5, seed=4))


def test_information_gain_is_infinite_where_the_density_is_zero():
    p, at = [[0.0, 1.0]], [[0.5, 0.5]]
    assert saliency.information_gain(p, at) == -np.inf
    assert np.isnan(saliency.information_gain(p, at, p))
    eps = 2.2204e-16
    assert saliency.information_gain(p, at, epsilon=eps) == pytest.approx(np.log2(eps) - np.log2(0.5))


def test_scanpaths_and_lists_are_the_same(rng):
    predicted = rng.random((3, 8, 9))
    gazes = [rng.random((n, 3)) * [9, 8, 1] for n in (1, 4, 2)]
    np.testing.assert_array_equal(
        saliency.auc(predicted, Scanpaths.from_list(gazes)), saliency.auc(predicted, gazes)
    )
    assert saliency.auc(predicted[0], gazes[0]) == saliency.auc(predicted, gazes)[0]


@pytest.mark.parametrize(
    ("predicted", "fixations", "message"),
    [
        (np.eye(3), [[0, 0, np.nan, 1]], r"fixations has shape \(1, 4\); expected \(L, 3\)"),
        (np.eye(3), [[np.nan, 0, 1]], "fixations: row 0, column 0 is nan"),
        ([np.eye(3)], [[[0, np.inf]]], r"fixations\[0\]: row 0, column 1 is inf"),
        ([np.eye(3)] * 2, [[[0, 0]]], "fixations has 1 entries; expected one for each of the 2 maps"),
        (np.eye(3), np.ones((2, 2), bool), r"fixations is a mask of shape \(2, 2\)"),
        (np.eye(3), "gaze.csv", "fixations is 'gaze.csv'"),
        (np.eye(3), [["a", "b"]], "fixations has dtype"),
    ],
)
def test_bad_fixations_are_named(predicted, fixations, message):
    with pytest.raises((ValueError, TypeError), match=message):
        saliency.auc(predicted, fixations)


@pytest.mark.parametrize(
    ("measure", "options", "message"),
    [
        ("auc", {"negatives": "al"}, 'did you mean "all"'),
        ("auc", {"count": "pixel"}, 'did you mean "pixels"'),
        ("nss", {"outside": "drop"}, "outside is 'drop'"),
        ("nss", {"constant_map": None}, "constant_map is None"),
        ("information_gain", {"epsilon": -1}, "epsilon is -1"),
        ("information_gain", {"baseline": "centre"}, "baseline is 'centre'"),
        ("information_gain", {"baseline": np.ones((2, 4, 4))}, r"baseline has a map of shape \(4, 4\)"),
        ("information_gain", {"baseline": -np.ones((2, 3, 3))}, r"baseline\[0\]: row 0, column 0 is -1"),
        ("shuffled_auc", {"splits": 0}, "splits is 0"),
        ("shuffled_auc", {"splits": 1, "step": 0}, "step is 0"),
    ],
)
def test_bad_options_are_named(measure, options, message):
    with pytest.raises((ValueError, TypeError), match=message):
        getattr(saliency, measure)([np.eye(3)] * 2, [[[1, 1]]] * 2, **options)


def test_shuffled_auc_needs_other_images():
    with pytest.raises(ValueError, match="predicted is one map; expected at least 2"):
        saliency.shuffled_auc(np.eye(3), [[1, 1]])
