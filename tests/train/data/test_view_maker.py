"""Views: torchvision's geometry and tones, gaze kept, controls of equal size, keys that decide."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import chisquare, ks_2samp

torch = pytest.importorskip("torch")
pytest.importorskip("gazesim.train")

from scipy.ndimage import gaussian_filter  # noqa: E402
from torchvision.transforms import v2  # noqa: E402
from torchvision.transforms.v2 import functional as F  # noqa: E402

from gazesim.phantom import phantom  # noqa: E402
from gazesim.torch import GazeMask  # noqa: E402
from gazesim.train import ArraySamples, Views, view_statistics  # noqa: E402
from gazesim.train.data.view_maker import blurred, hide, jittered, key_of  # noqa: E402
from gazesim.views import iou  # noqa: E402

#: Geometry alone, and nothing at all.
BARE = {"horizontal_flip": 0.0, "vertical_flip": 0.0, "jitter": 0.0, "blur_probability": 0.0}


@pytest.fixture(scope="module")
def data():
    return phantom(12, seed=4)


def pair(data, index):
    return torch.from_numpy(data.images[index][None]), torch.from_numpy(data.heatmaps[index])


@pytest.mark.parametrize("size", [32, 64, 100])
@pytest.mark.parametrize("crop", ["random", "gaze", "size-matched"])
def test_a_crop_is_torchvisions_crop_of_the_box(data, size, crop):
    make = Views(crop=crop, **BARE).maker(size)
    for index in range(12):
        image, gaze = pair(data, index)
        view, record = make.view_and_record(image, gaze, key=(0, index))
        x0, y0, x1, y1 = record.crop
        expected = F.resized_crop(image, y0, x0, y1 - y0, x1 - x0, [size, size], antialias=True)
        torch.testing.assert_close(view, expected)


def test_nothing_is_the_image_itself(data):
    image, gaze = pair(data, 0)
    view = Views(crop="none", **BARE).maker(64)(image, gaze, key=(0, 0))
    assert torch.equal(view, image)
    view.zero_()  # and a copy of it
    assert image.any()


def test_flips_move_image_and_map_together(data):
    """With a mask of the image's own brightest pixels, what is left are the same pixels, flipped."""
    image, _ = pair(data, 1)
    make = Views(**{**BARE, "horizontal_flip": 0.5, "vertical_flip": 0.5}, crop="none", mask_probability=1.0)
    kept = image * (image[0] >= image.flatten().sort().values[int(0.8 * image.numel())])
    seen = set()
    for key in range(40):
        view = make.maker(64)(image, image[0], key=(1, key))
        hits = [flips for flips in ((), (-1,), (-2,), (-1, -2)) if torch.equal(view, kept.flip(flips))]
        assert len(hits) == 1
        seen.add(hits[0])
    assert len(seen) == 4


def test_gaze_is_kept_and_holes_miss_it(data):
    views = Views(crop="gaze", cutout="gaze", cutout_probability=1.0, **BARE, fill=1.0)
    make = views.maker(64)
    for index in range(12):
        image, gaze = pair(data, index)
        for draw in range(10):
            view, record = make.view_and_record(image * 0.9, gaze, key=key_of(3, draw, index, 0))
            assert record.fallbacks == 0
            assert iou(gaze.numpy(), [record.crop])[0] >= 0.8
            x0, y0, x1, y1 = record.crop
            seen = F.resize(gaze[None, y0:y1, x0:x1], [64, 64], interpolation=v2.InterpolationMode.NEAREST)[0]
            assert iou(seen.numpy(), [record.hole], kind="cutout")[0] >= 0.9
            x0, y0, x1, y1 = record.hole
            assert (x1 - x0, y1 - y0) == (24, 24)
            assert (view[:, y0:y1, x0:x1] == 1).all()
            assert int((view == 1).sum()) == 24 * 24


def test_controls_have_the_sizes_and_not_the_places(data):
    """Crop sizes of the control are those that gaze gives; what they keep of it is what chance gives."""
    samples = ArraySamples(data.images, heatmaps=data.heatmaps).take(list(range(12)) * 40)
    statistics = {
        crop: view_statistics(samples, Views(crop=crop, crop_scale=(0.2, 0.6), **BARE), 64, count=480)
        for crop in ("random", "gaze", "size-matched")
    }
    assert statistics["gaze"]["accepted"] == 1
    assert statistics["size-matched"]["crop_area"] == statistics["gaze"]["crop_area"]  # draw by draw
    assert statistics["size-matched"]["accepted"] < 0.6
    assert statistics["random"]["accepted"] < 0.6
    image, gaze = torch.zeros(1, 64, 64), torch.zeros(64, 64)
    gaze[40:48, 10:18] = 1
    # Places of the control are uniform: the left edges of crops fill what room there is.
    make = Views(crop="size-matched", crop_scale=(0.3, 0.3), crop_ratio=(1.0, 1.0), **BARE).maker(64)
    edges = [make.view_and_record(image, gaze, key=(8, i))[1].crop[:2] for i in range(800)]
    for axis in zip(*edges, strict=True):
        assert chisquare(np.histogram(axis, 5, (0, 30))[0]).pvalue > 1e-4


def test_holes_of_the_control(data):
    image, gaze = pair(data, 2)
    views = Views(crop="none", cutout="size-matched", cutout_probability=1.0, **BARE)
    boxes = [views.maker(64).view_and_record(image, gaze, key=(0, i))[1].hole for i in range(300)]
    assert {(x1 - x0, y1 - y0) for x0, y0, x1, y1 in boxes} == {(24, 24)}
    assert iou(gaze.numpy(), boxes, kind="cutout").min() < 0.9
    plain = Views(crop="none", cutout="random", cutout_probability=1.0, **BARE).maker(64)
    others = [plain.view_and_record(image, None, key=(0, i))[1].hole[0] for i in range(300)]
    assert ks_2samp([box[0] for box in boxes], others).pvalue > 1e-4


def test_sizes_are_torchvisions(data):
    image, _ = pair(data, 0)
    make = Views(crop="random", crop_scale=(0.1, 1.0), crop_ratio=(0.5, 2.0), **BARE).maker(64)
    theirs = v2.RandomResizedCrop(64, scale=(0.1, 1.0), ratio=(0.5, 2.0))
    torch.manual_seed(2)
    ours, expected = [], []
    for key in range(2000):
        x0, y0, x1, y1 = make.view_and_record(image, key=(5, key))[1].crop
        ours.append((x1 - x0, y1 - y0, x0, y0))
        box = theirs.make_params([image])
        expected.append((box["width"], box["height"], box["left"], box["top"]))
    for one, two in zip(zip(*ours, strict=True), zip(*expected, strict=True), strict=True):
        assert ks_2samp(one, two).pvalue > 1e-4


@pytest.mark.parametrize("shape", [(20, 90), (90, 20)])
def test_an_image_too_long_for_any_ratio(shape):
    """torchvision's way out is the largest box in the middle."""
    image = torch.rand(1, *shape)
    crop = {"crop_scale": (1.0, 1.0), "crop_ratio": (1.0, 1.2)}
    x0, y0, x1, y1 = Views(**crop, **BARE).maker(16).view_and_record(image, key=(0, 0))[1].crop
    torch.manual_seed(0)
    box = v2.RandomResizedCrop(16, scale=(1.0, 1.0), ratio=(1.0, 1.2)).make_params([image])
    assert (y0, x0, y1 - y0, x1 - x0) == (box["top"], box["left"], box["height"], box["width"])


def test_tones_are_torchvisions(data):
    image, _ = pair(data, 3)
    image = 0.3 + 0.2 * image  # nothing is clipped on the way
    expected = F.adjust_contrast(F.adjust_brightness(image, 1.3), 0.7)
    pixels = image.numpy().copy()
    jittered(pixels, 1.3, 0.7)
    torch.testing.assert_close(torch.from_numpy(pixels), expected)
    jittered(pixels, 40.0, 1.0)
    assert pixels.max() == 1


@pytest.mark.parametrize("sigma", [0.4, 1.0, 2.5])
def test_blur_is_scipys_and_torchvisions(data, sigma):
    image, _ = pair(data, 4)
    radius = int(np.ceil(3 * sigma))
    width = 2 * radius + 1
    ours = blurred(image.numpy(), sigma)
    theirs = F.gaussian_blur(image, [width, width], [sigma, sigma])
    torch.testing.assert_close(torch.from_numpy(ours), theirs)
    expected = gaussian_filter(image[0].double().numpy(), sigma, mode="mirror", truncate=radius / sigma)
    np.testing.assert_allclose(ours[0], expected, atol=1e-5)
    np.testing.assert_allclose(blurred(image.numpy(), 1e-3), image)
    assert blurred(np.ones((1, 4, 4), np.float32), 8.0).shape == (1, 4, 4)


@pytest.mark.parametrize("drop", [0.0, 0.5, 0.8, 1.0])
def test_masks_are_those_of_gaze_mask(data, drop):
    for index in range(12):
        image, gaze = pair(data, index)
        view = image.numpy().copy()
        assert hide(view, gaze.numpy(), drop, 0.25)
        np.testing.assert_array_equal(view, GazeMask(drop, fill=0.25)(image, gaze)[0])
    assert not hide(view, np.zeros((64, 64), np.float32), drop, 0.0)


def test_probabilities(data):
    """Over many keys, each step happens as often as it should."""
    image, gaze = pair(data, 5)
    views = Views(crop="none", cutout="random", cutout_probability=0.3, mask_probability=0.6, **BARE)
    make = views.maker(64)
    records = [make.view_and_record(image, gaze, key=(0, i))[1] for i in range(1000)]
    assert np.mean([one.hole is not None for one in records]) == pytest.approx(0.3, abs=0.05)
    assert np.mean([one.masked for one in records]) == pytest.approx(0.6, abs=0.05)


def test_keys_decide(data):
    image, gaze = pair(data, 6)
    make = Views(crop="gaze", cutout="gaze", mask_probability=0.5).maker(64)
    views = {
        key: make(image, gaze, key=key)
        for key in {key_of(s, e, i, v) for s in (0, 9) for e in (0, 1) for i in (0, 1) for v in (0, 1)}
    }
    assert len(views) == 16
    for key, view in views.items():
        assert torch.equal(view, make(image, gaze, key=key))
        assert sum(torch.equal(view, other) for other in views.values()) == 1
    assert key_of(2**63 - 1, 10**6, 10**7, 1) != key_of(2**63 - 1, 10**6, 10**7, 0)


def test_the_image_is_left_alone(data):
    image, gaze = pair(data, 7)
    before = image.clone(), gaze.clone()
    make = Views(crop="none", cutout="gaze", cutout_probability=1.0, mask_probability=1.0, mean=0.5).maker(64)
    for key in range(20):
        make(image, gaze, key=(0, key))
    assert torch.equal(image, before[0])
    assert torch.equal(gaze, before[1])


def test_normalisation_comes_last(data):
    image, _ = pair(data, 8)
    plain = Views().maker(64)(image, key=(0, 3))
    torch.testing.assert_close(Views(mean=0.5, std=0.25).maker(64)(image, key=(0, 3)), (plain - 0.5) / 0.25)


def test_without_gaze_everything_is_accepted(data):
    image, _ = pair(data, 9)
    views = Views(crop="gaze", cutout="gaze", cutout_probability=1.0, mask_probability=1.0)
    view, record = views.maker(64).view_and_record(image, None, key=(0, 0))
    assert view.shape == (1, 64, 64)
    assert record.fallbacks == 0
    assert not record.masked
    statistics = view_statistics(ArraySamples(data.images), views, 64)
    assert statistics["without_gaze"] == statistics["images"] == 12
    assert np.isnan(statistics["accepted"])


BAD = [
    ({"crop": "gazes"}, r"crop is 'gazes'; .* \(did you mean \"gaze\"\?\)"),
    ({"cutout": "all"}, "cutout is 'all'"),
    ({"crop_scale": (0.5, 0.2)}, "scale is"),
    ({"crop_min_iou": 1.5}, "min_iou is 1.5"),
    ({"cutout_side": 0.0}, "cutout_side is 0"),
    ({"mask_probability": -0.1}, "mask_probability is -0.1"),
    ({"blur_sigma_px": (2.0, 1.0)}, "blur_sigma_px is"),
    ({"std": 0.0}, "std is 0"),
    ({"support": 1.0}, "support is 1"),
    ({"method": "guess"}, "method is 'guess'"),
]


@pytest.mark.parametrize(("arguments", "message"), BAD)
def test_bad_settings_are_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        Views(**arguments)


def test_a_map_of_another_size_is_named(data):
    image, _ = pair(data, 0)
    with pytest.raises(ValueError, match=r"gaze_map has shape \(32, 32\), the image \(1, 64, 64\)"):
        Views(crop="gaze").maker(64)(image, torch.ones(32, 32), key=(0, 0))
