"""Fixations: against the twin, against pymovements, against exact numbers; and what is refused."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gazesim import ScreenGeometry, detect_fixations, reference
from gazesim.io import read_scanpaths
from strategies import examples

SCREEN = ScreenGeometry(size_px=(1280, 1024), size_cm=(38, 30.2), distance_cm=68)


def steps(rng, places, samples, rate, noise=0.0):
    """Return rows of x, y, time that stay at each place for some samples."""
    points = np.repeat(np.asarray(places, float), samples, axis=0)
    points += rng.normal(0, noise, points.shape) if noise else 0
    return np.column_stack([points, np.arange(len(points)) / rate])


@st.composite
def recordings(draw):
    """Recordings that jump, drift, tremble, lose samples and skip time."""
    rng = np.random.default_rng(draw(st.integers(0, 10**6)))
    rate = draw(st.sampled_from([60.0, 90.0, 250.0, 1000.0]))
    places = rng.uniform(0, 1000, (draw(st.integers(0, 6)), 2))
    samples = draw(st.integers(1, 90))
    rows = steps(rng, places.reshape(-1, 2), samples, rate, draw(st.sampled_from([0.0, 1.0, 8.0])))
    rows[rng.random(len(rows)) < draw(st.sampled_from([0.0, 0.01, 0.3])), draw(st.integers(0, 1))] = np.nan
    kept = rng.random(len(rows)) >= draw(st.sampled_from([0.0, 0.05]))
    return rows[kept]


@examples(120)
@given(
    recordings(),
    st.sampled_from(["idt", "ivt"]),
    st.sampled_from([0.0, 0.05, 0.1, 0.3]),
    st.sampled_from([0.0, 0.02, 0.2]),
    st.sampled_from([0.0, 0.005, 0.02, 0.1]),
    st.sampled_from([5.0, 30.0, 2000.0]),
    st.booleans(),
)
def test_equals_the_twin(rows, method, minimum, gap, window, threshold, degrees):
    limit = {"dispersion" if method == "idt" else "velocity": threshold / (30 if degrees else 1)}
    options = {"method": method, "minimum_duration": minimum, "max_gap": gap, "velocity_window": window}
    options |= {"geometry": SCREEN if degrees else None, **limit}
    found = detect_fixations(rows, **options)
    twin = reference.detect_fixations(rows, **options)
    assert found.shape == twin.shape, (found, twin)
    np.testing.assert_allclose(found, twin, rtol=1e-9, atol=1e-9)


@given(recordings(), st.sampled_from(["idt", "ivt"]))
def test_fixations_do_not_overlap_and_last_long_enough(rows, method):
    found = detect_fixations(rows, method=method, dispersion=30.0, velocity=500.0)
    assert (found[:, 2] >= 0.1 - 1e-6).all()
    assert found[:, 2].sum() <= (rows[-1, 2] - rows[0, 2] if len(rows) else 0) + 1e-9


def test_idt_equals_pymovements(rng):
    pm = pytest.importorskip("pymovements")
    # Outliers between places: pymovements counts the sample that ends a fixation to it.
    places = [[0, 0], [5, 5], [-3, 2], [4, -4]]
    rows = np.concatenate([np.repeat([place], 150, axis=0) for place in places]).astype(float)
    rows += rng.uniform(-0.1, 0.1, rows.shape)
    rows[150::150] = 50
    events = pm.events.idt(rows, timesteps=np.arange(len(rows)), minimum_duration=100).frame
    found = detect_fixations(rows, sampling_rate=1000, unit="deg")
    assert len(found) == len(events) == 4
    ends = np.array(events["duration"]) - [1, 1, 1, 0]
    np.testing.assert_allclose(found[:, 2] * 1000, ends)
    for place, mean in zip(places, found[:, :2], strict=True):
        np.testing.assert_allclose(mean, place, atol=0.05)


def test_ivt_equals_pymovements(rng):
    pm = pytest.importorskip("pymovements")
    rows = steps(rng, rng.uniform(-10, 10, (30, 2)), 200, 1000.0, noise=0.005)
    # pymovements takes velocities: central differences, as a window of two samples makes them.
    speeds = (rows[2:, :2] - rows[:-2, :2]) / 0.002
    speeds = np.vstack([(rows[1, :2] - rows[0, :2]) / 0.001, speeds, (rows[-1, :2] - rows[-2, :2]) / 0.001])
    events = pm.events.ivt(speeds, timesteps=np.arange(len(rows))).frame
    found = detect_fixations(rows, method="ivt", unit="deg", velocity_window=0.002)
    assert len(events) > 20
    np.testing.assert_allclose(found[:, 2] * 1000, events["duration"])
    assert len(found) == len(events)


def test_degrees_equal_pymovements(rng):
    pm = pytest.importorskip("pymovements")
    rows = steps(rng, rng.uniform(100, 900, (8, 2)), 150, 1000.0, noise=3.0)
    screen = pm.Experiment(1280, 1024, 38, 30.2, 68, "upper left", 1000)
    gaze = pm.gaze.from_numpy(time=np.arange(len(rows)), pixel=rows[:, :2].T, experiment=screen)
    gaze.pix2deg()
    degrees = np.array(gaze.samples["position"].to_list())
    in_px = detect_fixations(rows, geometry=SCREEN)
    in_deg = detect_fixations(np.column_stack([degrees, rows[:, 2]]), unit="deg")
    assert len(in_px) == len(in_deg) == 8
    np.testing.assert_array_equal(in_px[:, 2], in_deg[:, 2])


def test_exact_numbers():
    rows = np.column_stack([np.repeat([10.0, 200.0], 12), np.repeat([20.0, 40.0], 12), np.arange(24) / 100])
    expected = [[10, 20, 0.11], [200, 40, 0.11]]
    np.testing.assert_allclose(detect_fixations(rows, dispersion=5), expected)
    # A sample beside the jump is fast: eleven of twelve are left.
    faster = detect_fixations(rows, method="ivt", velocity=50)
    np.testing.assert_allclose(faster, [[10, 20, 0.1], [200, 40, 0.1]])


def test_several_recordings_and_threads(rng):
    several = [steps(rng, rng.uniform(0, 900, (20, 2)), 40, 250.0, 2.0) for _ in range(50)]
    one = detect_fixations(several, dispersion=40, ids=[f"r{i}" for i in range(50)], n_threads=1)
    many = detect_fixations(several, dispersion=40, ids=[f"r{i}" for i in range(50)], n_threads=4)
    assert one == many
    assert one.ids[3] == "r3"
    np.testing.assert_array_equal(one["r3"], detect_fixations(several[3], dispersion=40))


def test_real_samples_give_the_trackers_fixations(shared):
    """EyeLink's own parser found two fixations of the left eye in this excerpt; so does I-VT."""
    path = shared / "data" / "pymovements_examples" / "eyelink_binocular_example.asc"
    own = read_scanpaths(path, verbose=False).values
    lines = [line.split() for line in path.read_text().splitlines() if line[:1].isdigit()]
    number = {".": np.nan}
    samples = [[float(number.get(word, word)) for word in (x, y, time)] for time, x, y, *_ in lines]
    samples = np.array(samples) * (1, 1, 1e-3)
    screen = ScreenGeometry((1920, 1080), (53, 30), 93)
    found = detect_fixations(samples, method="ivt", geometry=screen)
    np.testing.assert_allclose(found[:, :2], own[:, :2], atol=0.5)
    np.testing.assert_allclose(found[:, 2], own[:, 2], atol=0.005)
    assert len(detect_fixations(samples, geometry=screen)) == 2


@pytest.mark.parametrize(
    ("samples", "options", "message"),
    [
        ([[0, 0, 1], [0, 0, 0.5]], {}, "samples: sample 0, row 1, time is 0.5; expected no earlier time"),
        ([[0, 0, 0], [np.inf, 0, 1]], {}, "row 1, x is inf; expected a finite number, or NaN"),
        ([[0, 0, np.nan]], {}, "row 0, time is NaN; expected a finite number of seconds"),
        ([[0, 0]], {}, "holds x and y alone; expected sampling_rate"),
        ([[0, 0, 0]], {"sampling_rate": 60}, "holds time, and sampling_rate is 60"),
        ([[0, 0, 0, 0]], {}, r"has shape \(1, 4\); expected"),
        (
            [[0, 0, 0]],
            {"dispersion": None},
            r"dispersion is missing, and samples are in px; expected geometry",
        ),
        ([[0, 0, 0]], {"unit": "deg", "geometry": SCREEN}, "in degrees already"),
        ([[0, 0, 0]], {"method": "idv"}, 'method is \'idv\'; expected "idt" or "ivt"'),
        ([[0, 0, 0]], {"minimum_duration": -1}, "minimum_duration is -1"),
        ([[0, 0, 0]], {"dispersion": 0}, "dispersion is 0; expected a finite number above 0"),
    ],
)
def test_malformed_input_is_named(samples, options, message):
    with pytest.raises(ValueError, match=message):
        detect_fixations(samples, **({"dispersion": 1.0} | options))


def test_degenerate_recordings():
    assert detect_fixations(np.empty((0, 3)), dispersion=1.0).shape == (0, 3)
    assert detect_fixations(np.full((9, 3), [np.nan, 0, 0]), dispersion=1.0).shape == (0, 3)
    assert len(detect_fixations([], dispersion=1.0)) == 0
    with pytest.raises(TypeError, match=r"geometry is 3; expected a gazesim.Screen"):
        detect_fixations([[0, 0, 0]], geometry=3)
    with pytest.raises(ValueError, match="distance_cm is 0; expected a finite number above 0"):
        ScreenGeometry((1, 1), (1, 1), 0)


def test_ids_of_one_recording_are_refused():
    with pytest.raises(ValueError, match=r"ids is \['a'\], but samples is one recording"):
        detect_fixations(np.zeros((60, 2)), sampling_rate=60, dispersion=4, ids=["a"])
