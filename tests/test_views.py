"""Views: shares against masks, samplers against their twin and against enumeration, malformed input."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy.stats import chi2_contingency, chisquare

from gazesim.phantom import phantom
from gazesim.reference import views as twin
from gazesim.views import Sampler, accept, iou, sample_crop, sample_cutout

EVERYTHING = {"scale": (0.1, 1.0), "ratio": (0.5, 2.0)}

gaze_maps = hnp.arrays(
    st.sampled_from([np.float32, np.float64, np.uint8]),
    hnp.array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=14),
    elements=st.integers(0, 9) | st.just(0),
)
some_boxes = hnp.arrays(np.int64, st.tuples(st.integers(0, 6), st.just(4)), elements=st.integers(-4, 18))
kinds = st.sampled_from(["crop", "cutout"])
weightings = st.sampled_from(["support", "mass"])
seeds = st.integers(0, 2**32)


@given(gaze_maps, some_boxes, kinds, weightings, st.sampled_from([0.0, 0.1, 0.5]))
def test_iou_equals_the_twin(gaze_map, boxes, kind, weighting, support):
    parameters = {"kind": kind, "weighting": weighting, "support": support}
    ours = iou(gaze_map, boxes, **parameters)
    np.testing.assert_array_equal(ours, twin.iou(gaze_map, boxes, **parameters))
    np.testing.assert_array_equal(accept(gaze_map, boxes, min_iou=0.6, **parameters), ours >= 0.6)


@pytest.mark.parametrize("kind", ["crop", "cutout"])
@pytest.mark.parametrize("weighting", ["support", "mass"])
def test_iou_equals_naive_masks_on_phantom_gaze(kind, weighting, rng):
    """10,000 pairs for each kind and weighting; single precision, so sums are correctly rounded."""
    maps = phantom(100, seed=3).heatmaps
    boxes = np.concatenate([rng.integers(-8, 48, (100, 100, 2)), rng.integers(8, 80, (100, 100, 2))], axis=2)
    ours = iou(maps, boxes, kind=kind, weighting=weighting)
    for gaze, corners, shares in zip(maps.astype(np.float64), boxes, ours, strict=True):
        counted = gaze if weighting == "mass" else (gaze > 0.1 * gaze.max()).astype(float)
        for (x0, y0, x1, y1), given_share in zip(corners, shares, strict=True):
            kept = np.zeros(gaze.shape, bool)
            kept[max(y0, 0) : max(y1, 0), max(x0, 0) : max(x1, 0)] = True
            kept = kept if kind == "crop" else ~kept
            naive = counted[kept].sum() / counted.sum()
            assert given_share == pytest.approx(naive, abs=0 if weighting == "support" else 1e-12)


def test_mass_is_correctly_rounded():
    maps = phantom(4, seed=5).heatmaps
    boxes = [[5, 5, 40, 50], [0, 0, 64, 64], [63, 63, 64, 64]]
    for gaze in maps:
        np.testing.assert_array_equal(
            iou(gaze, boxes, weighting="mass"), twin.iou(gaze, boxes, weighting="mass")
        )


def test_edge_cases_are_defined():
    one_pixel = np.ones((1, 1))
    assert iou(one_pixel, [[0, 0, 1, 1], [0, 0, 0, 1], [5, 5, 9, 9], [1, 1, 0, 0]]).tolist() == [1, 0, 0, 0]
    assert iou(one_pixel, [[0, 0, 1, 1], [0, 0, 0, 1]], kind="cutout").tolist() == [0, 1]
    assert iou(np.zeros((3, 3)), [[0, 0, 1, 1], [2, 2, 2, 2]]).tolist() == [1, 1]
    assert iou(np.ones((3, 3)), []).shape == (0,)
    assert iou(np.ones((0, 3, 3)), np.empty((0, 5, 4), int)).shape == (0, 5)
    assert iou(np.ones((2, 3, 3)), np.empty((2, 0, 4), int)).shape == (2, 0)
    far = np.iinfo(np.int64)
    assert iou(np.ones((3, 3)), [[far.min, far.min, far.max, far.max]]).tolist() == [1]


@pytest.mark.parametrize("dtype", [bool, np.uint8, np.int64, np.float16, np.float32, np.float64])
def test_any_number_type(dtype):
    gaze_map = np.zeros((6, 8), dtype)
    gaze_map[2:4, 2:6] = 1
    for weighting in ("support", "mass"):
        assert iou(gaze_map, [[0, 0, 4, 8]], weighting=weighting).tolist() == [0.5]
        assert iou(gaze_map[:, ::-1], [[0, 0, 5, 8]], weighting=weighting).tolist() == [0.75]
    assert not sample_crop(gaze_map, seed=0).empty


def test_threads_do_not_change_the_answer(rng):
    maps = rng.random((40, 96, 96))
    boxes = rng.integers(0, 97, (40, 200, 4))
    np.testing.assert_array_equal(iou(maps, boxes, n_threads=1), iou(maps, boxes, n_threads=4))


@given(gaze_maps, kinds, weightings, st.sampled_from([0.0, 0.5, 0.8, 0.95, 1.0]), seeds)
def test_samplers_equal_the_twin(gaze_map, kind, weighting, min_iou, seed):
    """From the same numbers, both draw the same boxes."""
    n_holes = 2 if kind == "cutout" else 1
    for method in ("exact", "rejection"):
        rule = {"kind": kind, "min_iou": min_iou, "weighting": weighting, "method": method, "max_tries": 20}
        rule |= EVERYTHING
        expected = twin.sample(
            gaze_map, iter(np.random.default_rng(seed).random(20000).tolist()), n_holes=n_holes, **rule
        )
        view = Sampler(boxes=n_holes, **rule).draw(gaze_map, np.random.default_rng(seed).random)
        if expected is None:
            assert view.fallback
        else:
            assert (list(view.boxes), view.iou, view.fallback) == (*expected, False)


def fixed_size(kind, gaze_map, width, height):
    """Return a sampler whose every box has this size."""
    if kind == "cutout":
        return Sampler("cutout", 0.9, (0.1, 0.2), (1.0, 1.0), size=(height, width))
    share, ratio = width * height / gaze_map.size, width / height
    return Sampler("crop", 0.8, (share, share), (ratio, ratio))


@pytest.mark.parametrize("kind", ["crop", "cutout"])
def test_exact_is_uniform_over_enumerated_places(kind, rng):
    """Chi-square over 50 maps; the smallest p-value is bounded for all of them together."""
    smallest = 1.0
    for _ in range(50):
        gaze_map = np.where(rng.random((9, 10)) < 0.25, rng.random((9, 10)), 0) * (np.arange(10) < 6)
        width, height = (7, 7) if kind == "crop" else (4, 3)
        sampler = fixed_size(kind, gaze_map, width, height)
        places = twin.admissible(twin.weights(gaze_map), (width, height), kind, sampler.min_iou)
        boxes = [sampler.draw(gaze_map, rng.random).box for _ in range(60 * max(len(places), 1))]
        if not places:
            assert all(box in {(0, 0, 10, 9), (0, 0, 0, 0)} for box in boxes)
            continue
        counts = [boxes.count(place) for place in places]
        assert sum(counts) == len(boxes)  # nothing inadmissible
        smallest = min(smallest, chisquare(counts).pvalue if len(places) > 1 else 1.0)
    assert smallest > 1e-4


@pytest.mark.parametrize("kind", ["crop", "cutout"])
def test_exact_and_rejection_agree_given_the_size(kind, rng):
    gaze_map = np.zeros((12, 12))
    gaze_map[3:8, 4:9] = rng.random((5, 5))
    exact = fixed_size(kind, gaze_map, 7, 7) if kind == "crop" else fixed_size(kind, gaze_map, 4, 4)
    rejection = Sampler(exact.kind, exact.min_iou, exact.scale, exact.ratio, exact.size, method="rejection")
    drawn = [[sampler.draw(gaze_map, rng.random).box for _ in range(4000)] for sampler in (exact, rejection)]
    places = sorted(set(drawn[0]) | set(drawn[1]))
    table = [[boxes.count(place) for place in places] for boxes in drawn]
    assert chi2_contingency(table).pvalue > 1e-4


def test_no_view_under_the_bound_and_no_give_ups(rng):
    """A sample of what benchmarks/views.py does 100,000 times."""
    data = phantom(50, seed=11)
    crop = Sampler("crop", 0.8, (0.08, 1.0), (3 / 4, 4 / 3))
    cutout = Sampler("cutout", 0.9, (0.02, 0.3), (0.5, 2.0), weighting="mass")
    for index in range(2000):
        gaze = data.heatmaps[index % 50]
        for sampler in (crop, cutout):
            view = sampler.draw(gaze, rng.random)
            assert not view.fallback
            kept = twin.iou(gaze, [view.box], kind=view.kind, weighting=sampler.weighting)[0]
            assert view.iou == kept >= sampler.min_iou


@pytest.mark.parametrize(("scale", "ratio"), [((0.05, 0.15), (0.5, 2.0)), ((0.2, 0.21), (0.9, 1.1))])
def test_the_rarest_size_is_found(scale, ratio):
    """Only the widest size that can be drawn at all holds the gaze; one more pixel and none does."""
    image = (20, 16)
    widest = max(width for width, _ in twin.drawable(image, scale, ratio, steps=1000))
    gaze_map = np.zeros(image[::-1])
    gaze_map[7, 1 : 1 + widest] = 1
    for seed in range(20):
        view = sample_crop(gaze_map, scale=scale, ratio=ratio, min_iou=1.0, seed=seed)
        assert not view.fallback
        assert view.iou == 1.0
        assert view.box[2] - view.box[0] == widest
    gaze_map[7, 1 + widest] = 1
    whole = sample_crop(gaze_map, scale=scale, ratio=ratio, min_iou=1.0, seed=0)
    assert whole.fallback
    assert (whole.box, whole.iou) == ((0, 0, 20, 16), 1.0)
    best = sample_crop(gaze_map, scale=scale, ratio=ratio, min_iou=1.0, fallback="best", seed=0)
    assert best.fallback
    assert best.iou == pytest.approx(widest / (widest + 1))


@pytest.mark.parametrize("kind", ["crop", "cutout"])
def test_the_last_resort_equals_the_twin(kind):
    """Few sizes have a place, so that 64 draws miss them: then both choose by the same numbers."""
    rng = np.random.default_rng(3)
    reached = failed = 0
    for seed in range(150):
        height, width = rng.integers(2, 7, 2)
        gaze_map = (rng.random((height, width)) < rng.choice([0.1, 0.3, 0.8])).astype(float)
        scale, ratio = sorted(rng.uniform(0.02, 1, 2)), np.exp(sorted(rng.uniform(-1, 1, 2)))
        rule = {"kind": kind, "min_iou": float(rng.choice([0.5, 0.8, 0.95, 1])), "scale": tuple(scale)}
        rule["ratio"] = tuple(ratio)
        view = Sampler(**rule, fallback="best").draw(gaze_map, np.random.default_rng(seed).random)
        if view.tries < 64:
            continue
        numbers = iter(np.random.default_rng(seed).random(4000).tolist())
        expected = twin.sample(gaze_map, numbers, **rule)
        if expected is None:
            assert view.fallback
            failed += 1
        else:
            assert (list(view.boxes), view.iou, view.fallback) == (*expected, False)
            reached += view.tries > 64
    assert reached >= 3
    assert failed >= 10


@pytest.mark.parametrize(("scale", "ratio"), [((0.02, 0.33), (0.656, 0.799)), ((0.29, 0.9), (0.5, 2.0))])
def test_all_sizes_are_those_that_are_drawn(scale, ratio):
    for image in ((2, 2), (3, 5)):
        listed = twin.all_sizes(image, scale, ratio, "crop")
        assert twin.drawable(image, scale, ratio, steps=200) == set(listed)


def test_the_size_for_when_nothing_fits_is_among_the_last_resort():
    """Sides below half a pixel round to 0; where ten draws do, torchvision takes all 2 x 2 pixels."""
    for seed in range(20):
        view = sample_crop(np.ones((2, 2)), scale=(0.02, 0.33), ratio=(0.656, 0.799), min_iou=1.0, seed=seed)
        assert (view.box, view.fallback) == ((0, 0, 2, 2), False)


@given(
    st.integers(1, 30), st.integers(1, 30), st.floats(0.01, 1), st.floats(0.01, 1), st.floats(0.2, 5), seeds
)
def test_sizes_equal_the_twin(width, height, low, high, ratio, seed):
    """On a map without gaze every place is admissible, so the size alone is drawn."""
    scale, bounds = (min(low, high), max(low, high)), (min(1.0, ratio), max(1.0, ratio))
    view = sample_crop(np.zeros((height, width)), scale=scale, ratio=bounds, seed=seed)
    x0, y0, x1, y1 = view.box
    stream = np.random.default_rng(seed)
    numbers = iter(np.concatenate([stream.random(16), stream.random(16), stream.random(32)]).tolist())
    assert (x1 - x0, y1 - y0) == twin.draw_size((width, height), scale, bounds, numbers.__next__)
    assert view.empty
    assert not view.fallback


def test_holes_share_the_budget():
    gaze_map = np.ones((20, 20))
    for seed in range(50):
        view = sample_cutout(gaze_map, size=6, n_holes=3, min_iou=0.8, seed=seed)
        kept = ~np.any([twin.mask(gaze_map.shape, box) for box in view.boxes], axis=0)
        assert view.iou == kept.mean() >= 0.8
    none = sample_cutout(gaze_map, size=9, n_holes=2, min_iou=0.8, seed=0)
    assert (none.boxes, none.fallback) == (((0, 0, 0, 0),) * 2, True)


def test_fallbacks_say_so():
    gaze_map = np.ones((10, 10))
    small = {"scale": (0.1, 0.2), "ratio": (1.0, 1.0), "seed": 0}
    for method in ("exact", "rejection"):
        whole = sample_crop(gaze_map, method=method, **small)
        assert (whole.box, whole.iou, whole.fallback) == ((0, 0, 10, 10), 1.0, True)
        best = sample_crop(gaze_map, method=method, fallback="best", **small)
        assert best.fallback
        assert best.iou < 0.8
    none = sample_cutout(gaze_map, size=9, seed=0)
    assert (none.box, none.iou, none.fallback) == ((0, 0, 0, 0), 1.0, True)


@pytest.mark.parametrize(
    ("gaze_map", "message"),
    [
        (np.full((3, 3), np.nan), "gaze_map: sample 0, row 0, column 0 is NaN"),
        (-np.ones((3, 3)), "gaze_map: sample 0, row 0, column 0 is -1"),
        (np.ones((2, 3, 3)), r"gaze_map has shape \(2, 3, 3\); expected \(H, W\)"),
        (np.ones((0, 3)), "gaze_map is a map of 0 x 3 pixels"),
        (np.ones((3, 3), complex), "gaze_map has dtype complex128"),
        ("map.png", "gaze_map has dtype"),
    ],
)
def test_bad_maps_are_named(gaze_map, message):
    with pytest.raises((ValueError, TypeError), match=message):
        sample_crop(gaze_map)


@pytest.mark.parametrize(
    ("boxes", "message"),
    [
        ([[0, 0, 1]], r"boxes has shape \(1, 3\); expected \(k, 4\)"),
        ([0, 0, 1, 1], r"boxes has shape \(4,\); expected \(k, 4\)"),
        (
            [[0, 0, 1, 1], [0.5, 0, 1, 1]],
            r"dtype float64; expected whole numbers of pixels, and box 1 has x0 = 0\.5",
        ),
        ([[0, 0, 1, np.nan]], "box 0 has y1 = nan"),
        ([[0, 0, np.inf, 1]], "box 0 has x1 = inf"),
        ([[True, False, True, True]], "boxes has dtype bool; expected whole numbers of pixels"),
        ([[0, 0, 1, 1j]], "boxes has dtype complex128"),
        (np.zeros((2, 1, 4), int), r"expected \(k, 4\)"),
    ],
)
def test_bad_boxes_are_named(boxes, message):
    with pytest.raises((ValueError, TypeError), match=message):
        iou(np.ones((3, 3)), boxes)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"scale": (0.5, 0.1)}, "scale is .* expected 0 < smallest <= largest <= 1"),
        ({"scale": (0.0, 1.0)}, "scale is"),
        ({"ratio": 1}, "ratio is 1; expected 2 numbers"),
        ({"min_iou": 1.2}, "min_iou is 1.2"),
        ({"support": 1.0}, "support is 1"),
        ({"method": "exakt"}, 'did you mean "exact"'),
        ({"fallback": "none"}, 'expected "whole" or "best"'),
        ({"max_tries": 0}, "max_tries is 0"),
        ({"weighting": "masse"}, 'did you mean "mass"'),
    ],
)
def test_bad_parameters_are_named(parameters, message):
    with pytest.raises((ValueError, TypeError), match=message):
        sample_crop(np.ones((3, 3)), **parameters)


@pytest.mark.parametrize("size", [0, 11, (2, 11), (2, 3, 4), 2.5])
def test_bad_cutout_sizes_are_named(size):
    with pytest.raises((ValueError, TypeError), match="size"):
        sample_cutout(np.ones((10, 10)), size=size)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, ">f4"])
def test_whole_valued_floats_are_boxes(dtype, rng):
    """torchvision's boxes are floats."""
    gaze_map = rng.random((20, 30))
    boxes = rng.integers(-5, 40, (50, 4))
    np.testing.assert_array_equal(iou(gaze_map, boxes.astype(dtype)), iou(gaze_map, boxes))
    stack, several = gaze_map[None], boxes.astype(float)[None]
    several[0, 7, 2] = 1.25
    with pytest.raises(ValueError, match=r"and image 0, box 7 has x1 = 1\.25"):
        iou(stack, several)


@given(
    st.tuples(st.integers(1, 60), st.integers(1, 60)),
    st.tuples(st.floats(0.01, 1), st.floats(0.01, 1)).map(sorted),
    st.tuples(st.floats(0.2, 5), st.floats(0.2, 5)).map(sorted),
    seeds,
)
def test_a_crop_anywhere_is_its_twin(size_wh, scale, ratio, seed):
    sampler = Sampler("crop", min_iou=0.8, scale=tuple(scale), ratio=tuple(ratio))
    box = sampler.draw_anywhere(size_wh, np.random.default_rng(seed).random)
    expected = twin.random_crop(size_wh, np.random.default_rng(seed).random(22), tuple(scale), tuple(ratio))
    assert box == expected
    assert 0 <= box[0] < box[2] <= size_wh[0]
    assert 0 <= box[1] < box[3] <= size_wh[1]
