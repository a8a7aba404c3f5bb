"""Screens, degrees of visual angle, and where images stood."""

from __future__ import annotations

import pickle

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.ndimage import gaussian_filter

from gazesim import Screen, ScreenGeometry, reference, render_heatmap
from gazesim.geometry import PLACEMENTS, checked_box, on_image, place_image, to_image, to_screen

#: 2 * tan(0.5 degrees) * 57.29 cm is 1.0000 cm, and 10 px.
SCREEN = ScreenGeometry(size_px=(400, 300), size_cm=(40, 30), distance_cm=57.294)


def test_one_degree_is_a_centimetre_at_57_centimetres():
    assert SCREEN.px_per_degree == pytest.approx(10, rel=1e-4)


def test_heatmap_in_degrees_equals_scipy(rng):
    gaze = np.column_stack([rng.uniform(-5, 85, 40), rng.uniform(-5, 65, 40), rng.uniform(0, 1, 40)])
    counts = np.zeros((60, 80))
    for x, y, duration in gaze:
        if 0 <= x < 80 and 0 <= y < 60:
            counts[int(y), int(x)] += duration
    drawn = render_heatmap(gaze, size=(80, 60), sigma_deg=0.5, geometry=SCREEN)
    expected = gaussian_filter(counts, 0.5 * SCREEN.px_per_degree, mode="constant")
    np.testing.assert_allclose(drawn, expected, rtol=1e-10, atol=1e-14)
    twin = reference.render_heatmap(gaze, size=(80, 60), sigma_px=0.5 * SCREEN.px_per_degree)
    np.testing.assert_allclose(drawn, twin, rtol=1e-10, atol=1e-14)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "sigma_px is None and sigma_deg is None; expected one of the two"),
        ({"sigma_px": 3, "sigma_deg": 1}, "sigma_px is 3 and sigma_deg is 1; expected one of the two"),
        ({"sigma_deg": 1}, r"geometry is None; expected a gazesim\.Screen with sigma_deg"),
    ],
)
def test_one_unit_is_stated(options, message):
    with pytest.raises(TypeError, match=message):
        render_heatmap([[1, 2, 0.5]], size=(5, 5), **options)


# --- screens --------------------------------------------------------------------------------------


def test_the_old_name_is_a_screen():
    new = Screen((400, 300), cm=(40, 30), distance_cm=57.294)
    assert isinstance(SCREEN, Screen)
    assert SCREEN.px_per_degree == new.px_per_degree
    assert (SCREEN.size_px, SCREEN.size_cm) == (new.size_wh, new.cm) == ((400, 300), (40, 30))
    assert pickle.loads(pickle.dumps(SCREEN)).px_per_degree == SCREEN.px_per_degree
    with pytest.raises(ValueError, match=r"states no cm and distance_cm; expected both"):
        _ = Screen((400, 300)).px_per_degree
    with pytest.raises(ValueError, match=r"size_wh\[1\] is 0"):
        Screen((400, 0))
    with pytest.raises(ValueError, match=r"cm\[0\] is -1"):
        Screen((400, 300), cm=(-1, 2))


# --- placement ------------------------------------------------------------------------------------

sides = st.floats(1, 5000, allow_nan=False)
sizes = st.tuples(sides, sides)


@given(st.sampled_from(PLACEMENTS), sizes, sizes, st.integers(0, 2**32 - 1))
def test_placement_equals_its_twin(placement, image, screen, seed):
    if placement == "center" and (image[0] > screen[0] or image[1] > screen[1]):
        for place in (place_image, reference.geometry.place_image):
            with pytest.raises(ValueError, match="larger than"):
                place(placement, image, screen)
        return
    box = place_image(placement, image, screen)
    twin = reference.geometry.place_image(placement, image, screen)
    np.testing.assert_allclose(box, twin, rtol=1e-12, atol=1e-9)
    points = np.random.default_rng(seed).uniform(-0.2, 1.2, (20, 3)) * [*screen, 1]
    there = to_image(points, box, image)
    np.testing.assert_allclose(there, reference.geometry.to_image(points, box, image), rtol=1e-9, atol=1e-6)
    np.testing.assert_allclose(to_screen(there, box, image), points, rtol=1e-9, atol=1e-6)
    np.testing.assert_array_equal(there[:, 2], points[:, 2])
    np.testing.assert_array_equal(on_image(there, image), reference.geometry.on_image(there, image))


@given(sizes, sizes)
def test_fit_is_opencvs_letterbox(image, screen):
    """OpenCV's affine map of the corners, solved from three points, agrees with the formula."""
    box = place_image("fit", image, screen)
    corners = np.float32([[box[0], box[1]], [box[2], box[1]], [box[0], box[3]]])
    targets = np.float32([[0, 0], [image[0], 0], [0, image[1]]])
    matrix = cv2.getAffineTransform(corners, targets)
    middle = np.array([[screen[0] / 2, screen[1] / 2]])
    expected = matrix @ [*middle[0], 1]
    np.testing.assert_allclose(to_image(middle, box, image)[0], expected, rtol=2e-3, atol=0.5)
    assert box[2] - box[0] <= screen[0] + 1e-9
    assert box[3] - box[1] <= screen[1] + 1e-9


def test_worked_examples():
    box = place_image("fit", (1024, 1536), (1920, 1080))
    assert box == (600, 0, 1320, 1080)
    points = np.array([[600.0, 0.0], [960.0, 540.0], [599.9, 500.0]])
    there = to_image(points, box, (1024, 1536))
    np.testing.assert_array_equal(there[:2], [[0, 0], [512, 768]])
    assert on_image(there, (1024, 1536)).tolist() == [True, True, False]
    box = place_image("center", (640, 480), (1920, 1080))
    assert box == (640, 300, 1280, 780)
    np.testing.assert_array_equal(to_image(points[1:2], box, (640, 480)), [[320, 240]])
    assert place_image("center", (3, 3), (4, 4)) == (0.5, 0.5, 3.5, 3.5)
    assert place_image("native", (3, 3), (4, 4)) == (0, 0, 3, 3)
    assert place_image("stretch", (3, 3), (4, 4)) == (0, 0, 4, 4)


def test_the_same_box_moves_nothing():
    points = np.array([[0.1, 0.7, 0.3]])
    np.testing.assert_array_equal(to_image(points, (0, 0, 7, 11), (7, 11)), points)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: place_image("fits", (1, 1), (1, 1)), "placement is 'fits'.*did you mean \"fit\""),
        (lambda: place_image("fit", (1, 0), (1, 1)), r"image_size\[1\] is 0"),
        (lambda: place_image("center", (9, 1), (8, 8)), 'placement is "center", and the image of 9 x 1'),
        (lambda: checked_box("image_box", (0, 0, 0, 5)), r"image_box is .*; expected x0 < x1 and y0 < y1"),
        (lambda: checked_box("image_box", (0, 0, float("nan"), 5)), r"image_box\[2\] is nan"),
    ],
)
def test_bad_placements_are_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()
