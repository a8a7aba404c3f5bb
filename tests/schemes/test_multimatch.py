"""MultiMatch against multimatch_gaze on real scanpaths, and against golden numbers."""

from __future__ import annotations

import importlib
import itertools
import json
import warnings

import multimatch_gaze
import numpy as np
import pytest
import scipy.io

import gazesim
from gazesim import _core
from real_gaze_files import largest
from strategies import NIGHTLY

TOLERANCE = 1e-9

# By name: in gazesim.reference the function hides the module.
twin = importlib.import_module("gazesim.reference.multimatch")


def oracle(a, b, screen_size, grouping):
    """Return multimatch_gaze's five similarities, or NaN where it crashes or declines."""
    columns = {"names": ("start_x", "start_y", "duration"), "formats": ("f8", "f8", "f8")}
    records = [to_record(gaze, columns) for gaze in (a, b)]
    thresholds = {}
    if grouping is not None:
        thresholds = {
            "grouping": True,
            "TDir": grouping.direction_deg,
            "TDur": grouping.duration,
            "TAmp": grouping.amplitude_px,
        }
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it divides by zero for still gaze
        try:
            return np.array(
                multimatch_gaze.docomparison(*records, screensize=screen_size, **thresholds), float
            )
        except (ValueError, IndexError):
            return np.full(5, np.nan)


def to_record(gaze, columns):
    record = np.empty(len(gaze), columns)
    for position, name in enumerate(columns["names"]):
        record[name] = gaze[:, position]
    return record


def assert_equals_oracle(gazes, pairs, screen_size, grouping):
    """Compare chosen pairs wherever the oracle returns numbers; return how many that were."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", gazesim.InvalidGazeWarning)
        ours = gazesim.multimatch(gazes, screen_size=screen_size, grouping=grouping)
    compared = 0
    for i, j in pairs:
        theirs = oracle(gazes[i], gazes[j], screen_size, grouping)
        known = np.isfinite(theirs)
        difference = np.abs(ours[i, j] - theirs)[known]
        assert not difference.size or difference.max() <= TOLERANCE, (i, j, ours[i, j], theirs)
        compared += known.all()
    return compared


@pytest.fixture(scope="module")
def chest():
    entries = json.loads(largest("siim").read_text())
    columns = ("gaze_x", "gaze_y", "time")
    return [np.column_stack([entry[name] for name in columns]) * [1024, 1024, 1 / 60] for entry in entries]


@pytest.fixture(scope="module")
def all_of_osie(shared):
    return osie_scanpaths(shared / "data" / "osie" / "fixations.mat")


def osie_scanpaths(path):
    """Return the scanpaths of OSIE's file, durations in ms as they are there."""
    images = scipy.io.loadmat(path, squeeze_me=True, struct_as_record=False)["fixations"]
    viewers = [viewer for image in images for viewer in image.subjects]
    columns = ("fix_x", "fix_y", "fix_duration")
    return [np.column_stack([np.atleast_1d(getattr(v, name)) for name in columns]) for v in viewers]


def sampled_pairs(count, size, seed):
    rng = np.random.default_rng(seed)
    return rng.integers(0, size, (count, 2)).tolist()


@pytest.mark.parametrize(
    "grouping",
    [None, gazesim.Grouping(amplitude_px=150, direction_deg=45, duration=0.3)],
    ids=["plain", "grouped"],
)
def test_studyforrest(studyforrest, grouping):
    assert len(studyforrest) == 110
    pairs = list(itertools.combinations_with_replacement(range(110), 2))
    # The package takes a minute for all pairs: every fourth by day, all at night.
    pairs = pairs if NIGHTLY else pairs[::4]
    # Grouped, it crashes on collinear saccades: in 645 of the 6,105 pairs.
    least = {6105: (6105, 5460), 1527: (1527, 1340)}[len(pairs)][grouping is not None]
    assert assert_equals_oracle(studyforrest, pairs, (1280, 720), grouping) >= least


@pytest.mark.parametrize(
    "grouping",
    [None, gazesim.Grouping(amplitude_px=120, direction_deg=45, duration=0.2)],
    ids=["plain", "grouped"],
)
def test_chest_x_rays(chest, grouping):
    pairs = sampled_pairs(500, len(chest), seed=1)
    assert assert_equals_oracle(chest, pairs, (1024, 1024), grouping) >= 450


@pytest.mark.parametrize(
    "grouping",
    [None, gazesim.Grouping(amplitude_px=100, direction_deg=45, duration=250)],
    ids=["plain", "grouped"],
)
def test_osie(osie_20_images, grouping):
    gazes = osie_scanpaths(osie_20_images)
    assert assert_equals_oracle(gazes, sampled_pairs(1000, len(gazes), seed=3), (800, 600), grouping) >= 900


@pytest.mark.parametrize(
    "grouping",
    [None, gazesim.Grouping(amplitude_px=100, direction_deg=45, duration=250)],
    ids=["plain", "grouped"],
)
def test_all_of_osie(all_of_osie, grouping):
    chosen = np.random.default_rng(2).choice(len(all_of_osie), 400, replace=False)
    pairs = sampled_pairs(1000, 400, seed=3)
    assert assert_equals_oracle([all_of_osie[i] for i in chosen], pairs, (800, 600), grouping) >= 900


def similarities(rows, cols, screen_size, scalar):
    """Return the five similarities of features, from the lanes or pair by pair."""
    out = np.empty((len(rows), len(cols), 5))
    pairs = [(features.values, features.offsets) for features in (rows, cols)]
    _core.multimatch_dimensions(*pairs, out, screen_size=screen_size, alignment="joint", scalar=scalar)
    return out


def assert_lanes_equal_scalar(gazes, screen_size):
    for grouping in (None, gazesim.Grouping(amplitude_px=100, direction_deg=45, duration=0.3)):
        features = gazesim.MultiMatch(screen_size, grouping=grouping).features(gazes)
        cols = features[:150]  # of OSIE 1,500 x 150 pairs, all of the others
        lanes, scalar = (similarities(features, cols, screen_size, engine) for engine in (False, True))
        assert lanes.size == 5 * len(features) * len(cols)
        np.testing.assert_array_equal(lanes, scalar)


def test_lanes_equal_the_scalar_engine_on_films(studyforrest):
    assert_lanes_equal_scalar(studyforrest, (1280, 720))


def test_lanes_equal_the_scalar_engine_on_photographs(osie_20_images):
    assert_lanes_equal_scalar(osie_scanpaths(osie_20_images), (800, 600))


def test_lanes_equal_the_scalar_engine_on_chest_x_rays(chest):
    assert_lanes_equal_scalar(chest, (1024, 1024))


def test_lanes_equal_the_scalar_engine_on_all_of_osie(all_of_osie):
    assert_lanes_equal_scalar(all_of_osie[::7], (800, 600))


def golden_scanpath(s):
    n = [9, 7, 12][s]
    k = np.arange(n)
    x = 300 + 40 * s + 55 * k + ((29 * k**2 + 13 * s * k) % 220)
    y = 200 + 30 * s + ((47 * k + 17 * s * k**2) % 300)
    return np.column_stack([x, y, 20 + ((37 * k + 11 * s) % 160)]).astype(float)


def test_golden_similarities(golden):
    scanpaths = [golden_scanpath(s) for s in range(3)]
    weights = golden["multimatch"]["weights_of_weighted"]
    assert len(golden["multimatch"]["results"]) == 9
    for result in golden["multimatch"]["results"]:
        cfg, i, j = result["cfg"], result["i"], result["j"]
        grouping = gazesim.Grouping(cfg["TAmp"], cfg["TDir"], cfg["TDur"]) if cfg["grouping"] else None
        params = {"screen_size": cfg["screensize"], "grouping": grouping}
        five = gazesim.multimatch([scanpaths[i]], [scanpaths[j]], **params)[0, 0]
        np.testing.assert_allclose(five, result["sim5"], rtol=0, atol=TOLERANCE)
        one = gazesim.affinity([scanpaths[i]], [scanpaths[j]], weights=weights, **params)[0, 0]
        assert one == pytest.approx(result["weighted"], abs=1e-7)  # float32


def test_golden_simplification(golden):
    scanpaths = [golden_scanpath(s) for s in range(3)]
    grouping = gazesim.Grouping(160, 45, 100)
    features = gazesim.MultiMatch((1920, 1080), grouping=grouping).features(scanpaths)
    for s, expected in enumerate(golden["multimatch"]["simplified"][1]):
        rows = features.values[features.offsets[s] : features.offsets[s + 1]]
        assert len(rows) == expected["n_sac"]
        for column, name in [(0, "lenx"), (1, "leny"), (4, "x"), (5, "y")]:
            np.testing.assert_allclose(rows[:, column], expected[name], rtol=0, atol=TOLERANCE)
        np.testing.assert_allclose(rows[:, 6], expected["dur"][: len(rows)], rtol=0, atol=TOLERANCE)


def test_golden_path(golden):
    cells, cost, _ = golden["multimatch"]["path_01"]
    a, b = (twin.prepare(golden_scanpath(s), None, 3) for s in (0, 1))
    matrix = twin.differences(a, b)[0]
    path = twin.cheapest_path(matrix)
    assert [list(cell) for cell in path] == cells
    assert sum(matrix[cell] for cell in path[1:]) == pytest.approx(cost, abs=TOLERANCE)


def test_cheapest_path_against_exhaustive_search(rng):
    for _ in range(50):
        cost = rng.random(rng.integers(1, 6, 2))
        cheapest = min(sum(cost[cell] for cell in path[1:]) for path in all_paths(*cost.shape))
        assert sum(cost[cell] for cell in twin.cheapest_path(cost)[1:]) == pytest.approx(cheapest)


def all_paths(rows, cols):
    def extend(path):
        i, j = path[-1]
        if (i, j) == (rows - 1, cols - 1):
            yield path
        for step in ((i + 1, j + 1), (i + 1, j), (i, j + 1)):
            if step[0] < rows and step[1] < cols:
                yield from extend([*path, step])

    return extend([(0, 0)])


@pytest.mark.parametrize(
    ("gaze", "vectors"),
    [
        pytest.param([[k * 10.0, 0.0, 0.1] for k in range(6)], 1, id="collinear"),
        pytest.param([[0, 0, 0.1], [1, 0, 0.1], [0, 1, 0.1]], 1, id="collapses to one vector"),
        pytest.param([[5, 5, 0.1]] * 4, 1, id="still"),
    ],
)
def test_grouping_where_multimatch_gaze_crashes(gaze, vectors):
    grouping = gazesim.Grouping(amplitude_px=200, direction_deg=45, duration=1)
    features = gazesim.MultiMatch((100, 100), grouping=grouping).features([gaze])
    assert len(features.values) == vectors
    assert features.affinity()[0, 0] == 1


def test_zero_durations_count_as_equal():
    gaze = [[0, 0, 0], [10, 0, 0], [10, 10, 0]]
    assert gazesim.multimatch([gaze], [gaze], screen_size=(20, 20))[0, 0, 4] == 1


def test_gaze_outside_of_the_screen_is_clipped_to_zero_affinity():
    near = [[0, 0, 0.1], [1, 0, 0.1], [2, 3, 0.1]]
    far = [[5000, 5000, 0.1], [5001, 5000, 0.1], [5002, 5003, 0.1]]
    params = {"screen_size": (10, 10)}
    assert gazesim.multimatch([near], [far], **params)[0, 0, 3] < 0
    assert gazesim.affinity([near], [far], weights=(0, 0, 0, 1, 0), **params)[0, 0] == 0


def test_per_dimension_of_a_hand_computed_pair():
    a = [[0, 0, 1], [4, 0, 1], [4, 4, 9]]
    b = [[0, 0, 1], [4, 0, 0.5], [4, 2, 9]]
    five = gazesim.multimatch([a], [b], screen_size=(30, 40), alignment="per_dimension")[0, 0]
    # Two vectors each, so the diagonal has two cells: mean difference (0 + d) / 2 over the diagonal 50.
    expected = [1 - (2 / 2) / 100, 1, 1 - (2 / 2) / 50, 1, 1 - (0.5 / 2)]
    np.testing.assert_allclose(five, expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("module", [gazesim, gazesim.reference], ids=["compiled", "twin"])
def test_a_zero_points_the_same_way_whatever_its_sign(module):
    """As np.round(-0.3) makes one."""
    plain, signed = np.array([[[0.0, 0.0, 0.2], [x, 0.0, 0.3], [5.0, 5.0, 0.1]] for x in (0.0, -0.0)])
    found = module.affinity([plain], [signed], scheme="multimatch", screen_size=(10, 10))
    assert float(found[0, 0]) == 1
