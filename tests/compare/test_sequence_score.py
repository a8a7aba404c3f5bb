"""The sequence score: the worked example, scikit-learn's labels, clusters of the right image."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.cluster import MeanShift

import gazesim
from gazesim import compare_scanpaths
from gazesim.compare.sequence_score import cluster_centres

P = np.array([[100, 100, 0.2], [500, 120, 0.3], [800, 400, 0.15], [510, 650, 0.25], [120, 600, 0.4]])
Q = np.array([[110, 130, 0.25], [480, 100, 0.2], [790, 380, 0.3], [500, 640, 0.1]])
R = np.array(
    [
        *((105, 115), (495, 110), (805, 390), (505, 645), (110, 130)),
        *((480, 100), (790, 380), (500, 640), (130, 590), (900, 700)),
    ],
    float,
)


@pytest.mark.parametrize(("bandwidth", "clusters"), [(60.0, 6), (None, 4)])
def test_worked_example(bandwidth, clusters):
    """Ten reference points; P = 3 2 0 1 5 and Q = 3 2 0 1 in six clusters: four of five."""
    centres = cluster_centres(R, bandwidth)
    assert len(centres) == clusters
    labels = [((one[:, None, :2] - centres) ** 2).sum(axis=2).argmin(axis=1).tolist() for one in (P, Q)]
    assert labels[0][:4] == labels[1]
    assert gazesim.sequence_score(labels[:1], labels[1:], grid=None) == 0.8


def test_labels_are_those_of_scikit_learn(rng):
    points = rng.random((80, 2)) * 300
    model = MeanShift(bandwidth=60).fit(points)
    centres = cluster_centres(points, 60)
    nearest = ((points[:, None] - centres) ** 2).sum(axis=2).argmin(axis=1)
    np.testing.assert_array_equal(nearest, model.labels_)


def test_clusters_are_those_of_all_humans_on_the_image():
    """Two places on image a, one on image b; the prediction visits both places of a in the wrong order."""
    here, there = [10, 10, 0.2], [90, 90, 0.2]
    human = {"a": [[here, there, here], [here, here, there]], "b": [[here], [here]]}
    predicted = {"a": [[there, here, here]], "b": [[there, there]]}
    score = {"sequence_score": {"bandwidth_px": 20.0}}
    table = compare_scanpaths(predicted, human, measures=score, screen_size=(100, 100))
    a, b, _ = table
    assert a["mean"] == pytest.approx(2 / 3)
    assert a["best"] == pytest.approx(2 / 3)
    # On b there is one cluster, to which everything belongs: one of two.
    assert b["mean"] == 0.5
    # The floor of a uses the cluster of b: one label, so one of three; that of b the clusters of a.
    assert a["shuffled_mean"] == pytest.approx(1 / 3)
    assert b["shuffled_mean"] == pytest.approx(1 / 3)


def test_fixations_on_one_point():
    human = {"a": [[[5, 5, 0.2]] * 3, [[5, 5, 0.2]] * 2]}
    table = compare_scanpaths(human, human, measures="sequence_score", screen_size=(10, 10))
    assert table["mean"][0] == pytest.approx((1 + 1 + 2 / 3 + 2 / 3) / 4)


@pytest.mark.parametrize("bandwidth", [0, -1, "wide", np.nan])
def test_bad_bandwidth(bandwidth):
    human = {"a": [[[5, 5, 0.2]] * 3]}
    with pytest.raises((ValueError, TypeError), match="bandwidth_px is"):
        compare_scanpaths(
            human, human, measures={"sequence_score": {"bandwidth_px": bandwidth}}, screen_size=(10, 10)
        )
