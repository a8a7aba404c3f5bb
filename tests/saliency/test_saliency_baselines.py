"""Centre bias and leave-one-reader-out: against the twin, and never with what they leave out."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gazesim import Scanpaths, saliency
from gazesim.reference import saliency as twin
from real_gaze_files import largest

SIZE = (9, 7)
pixels = st.lists(st.tuples(st.integers(0, 6), st.integers(0, 8)), min_size=1, max_size=4)


def scanpath(found):
    return np.array([[column + 0.5, row + 0.25, 0.2] for row, column in found])


@given(
    st.lists(pixels, min_size=2, max_size=4), st.sampled_from([0.6, 1.7, 5.0]), st.sampled_from([0.0, 0.1])
)
def test_equal_to_the_twin(found, sigma_px, uniform_share):
    options = {"sigma_px": sigma_px, "uniform_share": uniform_share}
    paths = [scanpath(one) for one in found]
    ids = [("a", reader) for reader in range(len(found))]
    readers = Scanpaths.from_list(paths, ids=ids, screen_size=SIZE)
    bias = saliency.centre_bias(paths, size_wh=SIZE, **options)
    others = saliency.leave_one_reader_out(readers, **options)
    for i in range(len(found)):
        rest = [pixel for j, one in enumerate(found) if j != i for pixel in one]
        expected = twin.smooth_density(rest, (7, 9), sigma_px, uniform_share)
        np.testing.assert_allclose(bias[i], expected, atol=1e-12)
        np.testing.assert_allclose(others[i], expected, atol=1e-12)


def test_an_image_never_sees_its_own_fixations(rng):
    paths = [rng.random((5, 3)) * [40, 30, 1] for _ in range(4)]
    before = saliency.centre_bias(paths, size_wh=(40, 30))[1]
    paths[1] = rng.random((9, 3)) * [40, 30, 1]
    np.testing.assert_array_equal(saliency.centre_bias(paths, size_wh=(40, 30))[1], before)


def test_images_of_different_sizes():
    """The fixation at three quarters of the other image."""
    maps = saliency.centre_bias([[[30, 15]], [[2, 2]]], size_wh=[(40, 20), (80, 8)], sigma_px=1)
    assert [one.shape for one in maps] == [(20, 40), (8, 80)]
    assert np.unravel_index(maps[1].argmax(), (8, 80)) == (6, 60)
    assert np.unravel_index(maps[0].argmax(), (20, 40)) == (5, 1)


def test_maps_are_densities_drawn_again_when_asked(rng):
    paths = [rng.random((5, 3)) * [40, 30, 1] for _ in range(3)]
    maps = saliency.centre_bias(paths, size_wh=(40, 30))
    assert repr(maps) == "DensityMaps(n=3)"
    assert np.stack(maps).shape == (3, 30, 40)
    np.testing.assert_allclose(np.stack(maps).sum(axis=(1, 2)), 1)
    np.testing.assert_array_equal(maps[-1], maps[1:][-1])
    with pytest.raises(IndexError):
        maps[3]
    scores = saliency.information_gain(maps, paths, maps)
    np.testing.assert_allclose(scores, 0, atol=1e-12)


def test_readers_predict_each_other_better_than_the_centre_does(rng):
    centres = rng.random((6, 2)) * [60, 40]
    ids = [(image, reader) for image in range(6) for reader in range(3)]
    gazes = [np.column_stack([rng.normal(centres[i], 3, (10, 2)), np.ones(10)]) for i, _ in ids]
    paths = Scanpaths.from_list(gazes, ids=ids, screen_size=(60, 40))
    images = saliency.fixations_by_image(paths)
    assert [len(one) for one in images.values()] == [30] * 6
    bias = saliency.centre_bias(list(images.values()), size_wh=(60, 40))
    per_reader = [bias[i] for i, _ in ids]
    ceiling = saliency.nss(saliency.leave_one_reader_out(paths), paths, outside="ignore")
    floor = saliency.nss(per_reader, paths, outside="ignore")
    assert ceiling.mean() > floor.mean() + 1
    gain = saliency.information_gain(
        saliency.leave_one_reader_out(paths), paths, per_reader, outside="ignore"
    )
    assert gain.mean() > 1


def test_without_fixations_elsewhere_the_density_is_uniform():
    maps = saliency.centre_bias([[[1, 1]], np.empty((0, 3))], size_wh=(4, 3))
    np.testing.assert_allclose(maps[0], 1 / 12)


@pytest.mark.parametrize(
    ("fixations", "options", "message"),
    [
        ([[[1, 1]]], {"size_wh": (4, 4)}, "fixations has 1 image; expected at least 2"),
        ([[[1, 1]]] * 2, {"size_wh": [(4, 4)] * 3}, "size_wh has 3 entries"),
        ([[[1, 1]]] * 2, {"size_wh": (4.5, 4)}, "size_wh is"),
        ([[[1, 1]]] * 2, {"size_wh": (4, 4), "sigma_px": 0}, "sigma_px is 0"),
        ([[[1, 1]]] * 2, {"size_wh": (4, 4), "uniform_share": 2}, "uniform_share is 2"),
        ([[[1, np.nan]]] * 2, {"size_wh": (4, 4)}, r"fixations\[0\]: row 0, column 1 is nan"),
        ("gaze", {"size_wh": (4, 4)}, "fixations is 'gaze'"),
    ],
)
def test_bad_input_of_the_centre_bias_is_named(fixations, options, message):
    with pytest.raises((ValueError, TypeError), match=message):
        saliency.centre_bias(fixations, **options)


def test_bad_readers_are_named():
    gazes = [[[1, 1, 0.1]]] * 3
    paths = Scanpaths.from_list(gazes, ids=[("a", 1), ("a", 2), ("b", 1)], screen_size=(4, 4))
    with pytest.raises(ValueError, match="1 of 2 images have one reader, such as 'b'"):
        saliency.leave_one_reader_out(paths)
    with pytest.raises(ValueError, match="size_wh is missing"):
        saliency.leave_one_reader_out(Scanpaths.from_list(gazes))
    with pytest.raises(TypeError, match=r"expected gazesim\.Scanpaths with ids"):
        saliency.leave_one_reader_out(gazes)


def test_real_readers():
    """On OSIE, other readers predict a reader best; the centre bias beats chance but not its shuffled AUC."""
    from gazesim import read_scanpaths

    paths = read_scanpaths(largest("osie"), verbose=False)
    images = sorted({image for image, _ in paths.ids})[:20]
    names = [name for name in paths.ids if name[0] in images]
    quarter = [paths[name] / (4, 4, 1) for name in names]  # maps of few pixels are quick
    chosen = Scanpaths.from_list(quarter, ids=names, screen_size=(200, 150))
    together = [saliency.fixations_by_image(chosen)[image] for image in images]
    bias = saliency.centre_bias(together, size_wh=(200, 150), sigma_px=12.5)
    of_centre = saliency.scores(bias, None, together, outside="ignore")
    assert of_centre["AUC"].mean() > 0.65
    assert abs(of_centre["sAUC"].mean() - 0.5) < 0.07
    one = chosen[[name for name in chosen.ids if name[0] == images[0]]]
    ceiling = saliency.nss(saliency.leave_one_reader_out(one), one, outside="ignore").mean()
    centre = saliency.nss([bias[0]] * len(one), one, outside="ignore").mean()
    assert ceiling > centre + 0.5
