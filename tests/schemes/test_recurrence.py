"""Cross-recurrence against pyunicorn on random and real pairs, worked numbers, edge cases."""

from __future__ import annotations

import numpy as np
import pytest
from pyunicorn.timeseries import CrossRecurrencePlot

import gazesim
from pairs_of_scanpaths import P, Q, all_blocks, by_pairs, only

A = np.array(
    [(100, 100, 1), (110, 105, 1), (300, 300, 1), (500, 100, 1), (505, 110, 1), (100, 110, 1)], float
)
B = np.array([(102, 98, 1), (295, 310, 1), (500, 104, 1), (498, 100, 1), (101, 100, 1), (104, 103, 1)], float)

WORKED = [
    (A, B, 32, (350 / 9, 50, 500 / 7, 40 / 7)),
    (B, A, 32, (350 / 9, 50, 500 / 7, -40 / 7)),
    (P, Q, 64, (25, 100, 0, 0)),
]


@pytest.mark.parametrize("module", [gazesim, gazesim.reference], ids=["compiled", "twin"])
@pytest.mark.parametrize(("a", "b", "radius_px", "expected"), WORKED, ids=["A, B", "B, A", "P, Q"])
def test_worked_numbers(module, a, b, radius_px, expected):
    found = [only(values) for values in module.recurrence([a], [b], radius_px=radius_px)]
    assert found == pytest.approx(expected, abs=1e-9)
    affinity = module.affinity([a], [b], scheme="recurrence", radius_px=radius_px)
    assert only(affinity) == pytest.approx(expected[0] / 100, abs=1e-7)


def test_pyunicorn_on_random_and_real_pairs():
    def recurrences(a, b):
        count = min(len(a), len(b))
        plot = CrossRecurrencePlot(
            a[:count, :2], b[:count, :2], threshold=80.0, metric="euclidean", silence_level=2
        )
        return 100 * plot.recurrence_matrix().mean()

    for rows, cols, _ in all_blocks():
        ours = gazesim.recurrence(rows, cols, radius_px=80.0).rec
        np.testing.assert_allclose(ours, by_pairs(recurrences, rows, cols), rtol=0, atol=1e-9)


def test_the_twin_on_random_and_real_pairs():
    for rows, cols, _ in all_blocks():
        for min_line in (2, 4):
            params = {"radius_px": 100.0, "min_line": min_line}
            ours, twin = (
                module.recurrence(rows[:15], cols[:15], **params) for module in (gazesim, gazesim.reference)
            )
            for one, other in zip(ours, twin, strict=True):
                np.testing.assert_allclose(one, other, rtol=0, atol=1e-9)


def test_without_a_recurrence_all_but_the_rate_are_undefined():
    rec, det, lam, corm = gazesim.recurrence([P], [P + 5000], radius_px=64)
    assert only(rec) == 0
    assert all(np.isnan(only(values)) for values in (det, lam, corm))
    rec, det, lam, corm = gazesim.recurrence([P[:1]], [Q], radius_px=64)
    assert (only(rec), only(det), only(lam)) == (100, 0, 0)
    assert np.isnan(only(corm))
    assert np.isnan([only(v) for v in gazesim.recurrence([np.empty((0, 3))], [Q], radius_px=64)]).all()


def test_the_radius_itself_is_near():
    a, b = [[0, 0, 1]], [[3, 4, 1]]
    assert only(gazesim.recurrence([a], [b], radius_px=5).rec) == 100
    assert only(gazesim.recurrence([a], [b], radius_px=4.999999).rec) == 0


def test_the_radius_is_required():
    with pytest.raises(ValueError, match="radius_px is None; expected how near fixations must be"):
        gazesim.affinity([P], scheme="recurrence")


SEEN = gazesim.ScreenGeometry(size_px=(1024, 768), size_cm=(40, 28), distance_cm=57)


def test_a_radius_in_degrees_is_that_in_pixels_around_the_centre():
    """At 57 cm one degree is 0.99486293 cm: 25.468491 px across and 27.287669 px down."""
    in_px = 2 * (25.468491 + 27.287669) / 2
    params = {"radius_deg": 2, "geometry": SEEN}
    for module in (gazesim, gazesim.reference):
        found, expected = (module.recurrence([A], [B], **radius) for radius in (params, {"radius_px": in_px}))
        np.testing.assert_array_equal(found, expected)
        affinity = module.affinity([A], [B], scheme="recurrence", **params)
        assert only(affinity) == pytest.approx(only(expected[0]) / 100, abs=1e-7)
    for pixels, near in ((in_px - 1e-3, 100), (in_px + 1e-3, 0)):
        found = gazesim.recurrence([[[0, 0, 1]]], [[[pixels, 0, 1]]], **params)
        assert only(found.rec) == near


def test_a_radius_in_degrees_on_random_and_real_pairs():
    for rows, cols, size in all_blocks():
        geometry = gazesim.Screen(size, cm=(40, 40 * size[1] / size[0]), distance_cm=60)
        ours, twin = (
            module.recurrence(rows[:15], cols[:15], radius_deg=2.5, geometry=geometry)
            for module in (gazesim, gazesim.reference)
        )
        for one, other in zip(ours, twin, strict=True):
            np.testing.assert_allclose(one, other, rtol=0, atol=1e-9)


def test_the_screen_of_a_radius_in_degrees_is_one(tmp_path):
    """Screen, its old name and a mapping are one; a cache keeps it; another screen is refused."""
    fields = {"size_px": (1024, 768), "size_cm": [40, 28], "distance_cm": 57}
    schemes = [
        gazesim.Recurrence(radius_deg=2, geometry=geometry)
        for geometry in (SEEN, gazesim.Screen((1024, 768), (40, 28), 57), fields)
    ]
    assert schemes[0] == schemes[1] == schemes[2]
    assert schemes[0].screen_size == (1024, 768)
    cache = gazesim.AffinityCache.build(tmp_path / "cache", [A, B], ids=["a", "b"], scheme=schemes[0])
    assert gazesim.AffinityCache.open(tmp_path / "cache").scheme == schemes[0] == cache.scheme
    elsewhere = gazesim.Scanpaths.from_list([A], screen_size=(800, 600))
    with pytest.raises(ValueError, match=r"gazes has screen_size .* expected that of the geometry"):
        schemes[0].features(elsewhere)
    with pytest.raises(ValueError, match=r"has screen_size .* expected that of the geometry"):
        gazesim.recurrence(elsewhere, [B], radius_deg=2, geometry=SEEN)


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"radius_px": 9, "radius_deg": 2, "geometry": SEEN}, "radius_px is 9, with a radius_deg; expected"),
        ({"radius_deg": 2}, "geometry is None; expected a gazesim.ScreenGeometry"),
        ({"radius_deg": 2, "geometry": gazesim.Screen((10, 10))}, "geometry is Screen.*; expected"),
        ({"radius_deg": 0, "geometry": SEEN}, "radius_deg is 0; expected"),
        ({"radius_px": 9, "geometry": SEEN}, "geometry is .*; expected it with radius_deg only"),
        ({"radius_deg": 2, "geometry": SEEN, "screen_size": (10, 10)}, r"screen_size is \(10.0, 10.0\); exp"),
    ],
)
def test_a_radius_is_stated_once(params, message):
    with pytest.raises((ValueError, TypeError), match=message):
        gazesim.Recurrence(**params)
