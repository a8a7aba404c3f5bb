"""All measures at once, and means that say over how many images they are."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

from gazesim import saliency


def test_every_measure_that_the_data_allow(rng):
    maps = rng.random((3, 8, 9))
    paths = [rng.random((4, 3)) * [9, 8, 1] for _ in maps]
    assert list(saliency.scores(maps, maps)) == ["CC", "KL", "SIM"]
    bias = saliency.centre_bias(paths, size_wh=(9, 8))
    found = saliency.scores(maps, maps[::-1], paths, centre=bias)
    names = ["CC", "KL", "SIM", "NSS", "AUC", "AUC-Judd", "IG", "IG-centre", "sAUC"]
    assert list(found) == names
    assert all(values.shape == (3,) for values in found.values())
    np.testing.assert_array_equal(found["IG-centre"], saliency.information_gain(maps, paths, bias))
    assert "sAUC" not in saliency.scores(maps[:1], None, paths[:1])


def test_fixations_outside_are_reported_once():
    with pytest.warns(saliency.FixationsOutsideWarning) as caught:
        saliency.scores([np.eye(3) + 1], None, [[[1, 1], [9, 9]]])
    assert len(caught) == 1


def test_means_leave_out_what_is_not_finite_and_say_so():
    values = {"CC": [0.5, 0.7], "IG": np.array([1.0, -np.inf, 2.0]), "NSS": [np.nan]}
    message = r"IG on 1 of 3 \(the first: 1, -inf\), NSS on 1 of 1 \(the first: 0, nan\)"
    with pytest.warns(saliency.UndefinedScoreWarning, match=message):
        means = saliency.mean_scores(values)
    assert means["CC"] == (pytest.approx(0.6), 2, 0)
    assert means["IG"] == (1.5, 2, 1)
    assert np.isnan(means["NSS"].mean)
    assert means["NSS"][1:] == (0, 1)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        saliency.mean_scores({"CC": [0.5]})


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((np.eye(3), np.eye(3)), r"predicted is one map \(H, W\)"),
        (([np.eye(3)],), "true and fixations are missing"),
        (([np.eye(3)], [np.eye(3)], None), "centre is given without fixations"),
    ],
)
def test_mistakes_are_named(arguments, message):
    options = {"centre": [np.eye(3)]} if "centre" in message else {}
    with pytest.raises(ValueError, match=message):
        saliency.scores(*arguments, **options)
