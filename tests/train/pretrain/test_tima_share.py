"""The TIMA configuration on McGIP's JSON: as many positives as in the released convention."""

from __future__ import annotations

import dataclasses
import itertools
import json

import cv2
import numpy as np
import pytest

pytest.importorskip("gazesim.train")

from PIL import Image
from sklearn.cluster import DBSCAN

from gazesim.commands.configuration import config_file, read_yaml, resolved
from gazesim.train import Entry, GazeData, Manifest
from gazesim.train.reproduce.published import config_values

IMAGES, SIDE = 48, 800


@pytest.fixture(scope="module")
def gaze(tmp_path_factory):
    """Raw samples in images of 800 pixels, at 60 Hz, as McGIP's JSON has them; and a manifest of them."""
    folder, rng = tmp_path_factory.mktemp("mcgip"), np.random.default_rng(11)
    entries, samples = [], []
    blank = Image.fromarray(np.zeros((SIDE, SIDE), np.uint8))
    for i in range(IMAGES):
        places = rng.uniform(60, SIDE - 60, (rng.integers(2, 7), 2))
        counts = rng.integers(15, 60, len(places))
        parts = [place + rng.normal(0, 12, (n, 2)) for place, n in zip(places, counts, strict=True)]
        points = np.concatenate(parts).clip(0, SIDE - 1).round(1)
        samples.append(points)
        blank.save(folder / f"{i}.png")
        held = {"gaze": points.tolist(), "img": f"{i}.png"}
        (folder / f"{i}.json").write_text(json.dumps(held))
        entries.append(Entry(str(i), folder / f"{i}.png", "ab"[i % 2], "train", gaze=folder / f"{i}.json"))
    Manifest(entries).write(folder / "manifest.csv")
    return folder / "manifest.csv", samples


def clusters(points, params):
    """Return the clusters of a gaze in the order of their first points, noise left out."""
    rows = np.column_stack([points / np.array(params["image_size"]), np.arange(len(points)) / len(points)])
    least = int(len(rows) * params["min_samples"]) + 1
    labels = DBSCAN(eps=params["eps"], min_samples=least).fit(rows).labels_
    return [points[labels == one] for one in dict.fromkeys(labels.tolist()) if one != -1]


def moments(points, size_wh, sigma_px):
    """Return mass and spread of a cluster's map as the released code draws it, made 32 x 32 by OpenCV.

    Every sample is a Gaussian of whole pixels, cut off at three standard deviations; a map has 8 bits.
    """
    width, height = size_wh
    x, y = np.floor(points).T
    apart = [np.arange(side)[:, None] - at for side, at in ((width, x), (height, y))]
    across, down = (np.exp(-(d**2) / (2 * sigma_px**2)) * (np.abs(d) <= 3 * sigma_px) for d in apart)
    whole = down @ across.T
    small = cv2.resize((255 * whole / whole.max()).astype(np.uint8), (32, 32)).astype(np.float64)
    rows, columns = np.mgrid[:32, :32]
    mass = small.sum()
    middle = [(axis * small).sum() / mass for axis in (rows, columns)]
    spread = ((rows - middle[0]) ** 2 * small).sum() + ((columns - middle[1]) ** 2 * small).sum()
    return mass, spread / mass**2


def difference(a, b):
    return 0.0 if a == b else abs(a - b) / max(a, b)


def affinity(first, second, weight):
    """Return 1 − D / (cells of the path) of two sequences of moments by dynamic time warping."""
    weights = (weight, 1 - weight)
    total = np.full((len(first) + 1, len(second) + 1), np.inf)
    total[0, 0] = 0
    for i, j in itertools.product(range(len(first)), range(len(second))):
        cost = sum(w * difference(first[i][k], second[j][k]) for k, w in enumerate(weights))
        total[i + 1, j + 1] = cost + min(total[i, j], total[i, j + 1], total[i + 1, j])
    i, j, cells = len(first), len(second), 1
    while (i, j) != (1, 1):
        i, j = min(((i - 1, j - 1), (i - 1, j), (i, j - 1)), key=lambda at: total[at])
        cells += 1
    return 1 - total[-1, -1] / cells


@pytest.fixture(scope="module")
def direct(gaze):
    """The affinities of all pairs in the released convention."""
    params = {name: one.value for name, one in config_values("gzpt_tima").items()}
    get = {name.rpartition(".")[2]: value for name, value in params.items() if ".params." in name}
    features = [
        [moments(part, get["image_size"], get["sigma_px"]) for part in clusters(one, get)] for one in gaze[1]
    ]
    return [affinity(a, b, get["weight_mass"]) for a, b in itertools.combinations(features, 2)]


@pytest.mark.parametrize("name", ["gzpt_tima", "gzpt_tima_released"])
def test_as_many_pairs_pass_as_in_the_released_convention(name, gaze, direct):
    config = read_yaml(config_file(name).read_text(encoding="utf-8"), name)
    for option in ("preset", "folder"):
        config["data"].pop(option, None)
    config["data"] |= {"manifest": str(gaze[0])}
    found, _ = resolved(config)
    given = {option: value for option, value in vars(found.data).items() if value is not None}
    assert given["size"] == 224  # gaze is compared in its own pixels, whatever images are resized to
    pairs, expected = found.model.pairs, np.array(direct)
    source = GazeData(**given).gaze_source(pairs.scheme, **pairs.params)
    assert source.ids == tuple(str(i) for i in range(IMAGES))
    upper = np.triu_indices(IMAGES, 1)
    ours = source.block(source.ids)[upper]
    np.testing.assert_allclose(ours, expected, atol=0.03)
    for threshold in (0.5, 0.7, 0.8, 0.9, 0.95):
        assert abs(np.mean(ours >= threshold) - np.mean(expected >= threshold)) <= 0.01, threshold
    mask = dataclasses.replace(pairs, confidence=1.0).mask(source)
    assert abs(mask(source.ids).numpy()[upper].mean() - np.mean(expected >= pairs.threshold)) <= 0.01


def test_pixels_of_resized_images_would_pass_more(gaze, direct):
    """18 px of an image of 224 are 64 px of one of 800: the clusters of all gazes become alike."""
    data = GazeData(manifest=str(gaze[0]))
    params = {"image_size": (1920, 1080), "sigma_px": 18 * SIDE / 224}
    source = data.gaze_source("tima", **params)
    wide = source.block(source.ids)[np.triu_indices(IMAGES, 1)]
    assert np.mean(wide >= 0.7) > np.mean(np.array(direct) >= 0.7) + 0.1
