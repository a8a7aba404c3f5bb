"""The TIMA configuration on McGIP's JSON: as many positives as the released convention makes of the same gaze."""

from __future__ import annotations

import itertools
import json

import numpy as np
import pytest

pytest.importorskip("gazesim.train")
cv2 = pytest.importorskip("cv2")

from PIL import Image
from sklearn.cluster import DBSCAN

from gazesim.commands.configuration import config_file, read_yaml, resolved
from gazesim.train import Entry, GazeData, Manifest

IMAGES, SIDE = 24, 800


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


def clusters(points, size_wh, eps, share):
    """Return the clusters of a gaze in the order of their first points, noise left out."""
    rows = np.column_stack([points / np.array(size_wh), np.arange(len(points)) / len(points)])
    labels = DBSCAN(eps=eps, min_samples=int(len(rows) * share) + 1).fit(rows).labels_
    return [points[labels == one] for one in dict.fromkeys(labels.tolist()) if one != -1]


def moments(points, size_wh, sigma_px):
    """Return the mass and the spread of a cluster's map on the canvas, made 32 x 32 by OpenCV."""
    width, height = size_wh
    across = np.exp(-((np.arange(width)[:, None] - points[:, 0]) ** 2) / (2 * sigma_px**2))
    down = np.exp(-((np.arange(height)[:, None] - points[:, 1]) ** 2) / (2 * sigma_px**2))
    whole = down @ across.T
    small = cv2.resize(whole / whole.max(), (32, 32))
    rows, columns = np.mgrid[:32, :32]
    mass = small.sum()
    middle = [(axis * small).sum() / mass for axis in (rows, columns)]
    spread = ((rows - middle[0]) ** 2 * small).sum() + ((columns - middle[1]) ** 2 * small).sum()
    return mass, spread / mass**2


def difference(a, b):
    return 0.0 if a == b else abs(a - b) / max(a, b)


def affinity(first, second, weight):
    """Return 1 − D / (cells of the path) of two sequences of moments by dynamic time warping."""
    cost = np.array(
        [
            [weight * difference(a[0], b[0]) + (1 - weight) * difference(a[1], b[1]) for b in second]
            for a in first
        ]
    )
    total = np.full((len(first) + 1, len(second) + 1), np.inf)
    total[0, 0] = 0
    for i, j in itertools.product(range(len(first)), range(len(second))):
        total[i + 1, j + 1] = cost[i, j] + min(total[i, j], total[i, j + 1], total[i + 1, j])
    i, j, cells = len(first), len(second), 1
    while (i, j) != (1, 1):
        before = [
            (total[i - 1, j - 1], i - 1, j - 1),
            (total[i - 1, j], i - 1, j),
            (total[i, j - 1], i, j - 1),
        ]
        _, i, j = min(before, key=lambda one: one[0])
        cells += 1
    return 1 - total[-1, -1] / cells


@pytest.mark.parametrize("name", ["gzpt_tima", "gzpt_tima_released"])
def test_as_many_pairs_pass_as_in_the_released_convention(name, gaze):
    manifest, samples = gaze
    config = read_yaml(config_file(name).read_text(encoding="utf-8"), name)
    for option in ("preset", "folder"):
        config["data"].pop(option, None)
    config["data"] |= {"manifest": str(manifest)}
    found, _ = resolved(config)
    given = {option: value for option, value in vars(found.data).items() if value is not None}
    assert given["size"] == 224  # gaze is compared in its own pixels, whatever images are resized to
    pairs = found.model.pairs
    source = GazeData(**given).gaze_source(pairs.scheme, **pairs.params)
    ours = source.block(source.ids)
    params = pairs.params
    features = [
        [moments(part, params["image_size"], params["sigma_px"]) for part in parts]
        for parts in (
            clusters(one, params["image_size"], params["eps"], params["min_samples"]) for one in samples
        )
    ]
    at = [int(name) for name in source.ids]
    upper = np.triu_indices(IMAGES, 1)
    direct = np.array(
        [affinity(features[at[i]], features[at[j]], params["weight_mass"]) for i, j in zip(*upper)]
    )
    np.testing.assert_allclose(ours[upper], direct, atol=0.02)
    for threshold in (0.5, 0.7, 0.8, 0.9, 0.95):
        share = np.mean(ours[upper] >= threshold)
        assert abs(share - np.mean(direct >= threshold)) <= 0.01, threshold
    # The threshold tells pairs apart: with a spread 3.6 times as wide (pixels of the resized image taken for
    # those of the gaze) more of them pass.
    wide = GazeData(**given).gaze_source(pairs.scheme, **{**params, "sigma_px": 18 * SIDE / 224})
    assert np.mean(wide.block(wide.ids)[upper] >= 0.7) > np.mean(ours[upper] >= 0.7) + 0.1
    mask = pairs.mask(source)
    mask.confidence = 1.0
    passed = mask(source.ids).numpy()[upper].mean()
    assert abs(passed - np.mean(direct >= pairs.threshold)) <= 0.01
