"""Masks in files: of the proportions of their images, and of one region."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("gazesim.train")

from PIL import Image

from gazesim.train import Entry, Manifest, ManifestSamples
from gazesim.train.evaluation.mask_files import masks_of
from gazesim.train.evaluation.patches import PatchSamples


def masked(folder, mask, size_hw=(60, 80), name="mask.png", **entry):
    """Samples of one image in a file, with a mask in another."""
    np.save(folder / "a.npy", np.zeros(size_hw))
    file = folder / name
    if name.endswith("npy"):
        np.save(file, mask)
    else:
        Image.fromarray(np.asarray(mask, np.uint8)).save(file)
    return ManifestSamples(Manifest([Entry("a", folder / "a.npy", mask=file, line=2, **entry)]), size=32)


@pytest.mark.parametrize("size_hw", [(60, 80), (30, 40), (48, 64), (600, 800), (31, 40), (61, 80)])
def test_masks_of_the_images_proportions_keep_their_place(tmp_path, size_hw):
    mask = np.zeros(size_hw, np.uint8)
    mask[: size_hw[0] // 2, : size_hw[1] // 2] = 1
    found = masks_of(masked(tmp_path, mask))[0]
    np.testing.assert_array_equal(found[:15, :15], True)
    assert found.sum() == pytest.approx(256, abs=20)


@pytest.mark.parametrize("size_hw", [(80, 60), (60, 60), (60, 84)])
@pytest.mark.parametrize("entry", [{}, {"box": (10.0, 10.0, 40.0, 50.0)}])
def test_masks_of_another_shape_are_refused(tmp_path, size_hw, entry):
    sizes = f"has {size_hw[1]} x {size_hw[0]} pixels, and the image 80 x 60 pixels"
    with pytest.raises(ValueError, match=rf"line 2: image 'a', column 'mask': .*mask.png {sizes}; expected"):
        masks_of(masked(tmp_path, np.eye(*size_hw), **entry))


def test_a_mask_of_a_patch_has_the_shape_of_the_box(tmp_path):
    mask = np.zeros((40, 30), np.uint8)
    mask[:20] = 1
    samples = PatchSamples(masked(tmp_path, mask, box=(10.0, 10.0, 40.0, 50.0)))
    np.testing.assert_array_equal(masks_of(samples)[0], np.arange(32)[:, None] < np.full(32, 16))
    samples = PatchSamples(masked(tmp_path, np.eye(60, 80), box=(10.0, 10.0, 40.0, 50.0)))
    with pytest.raises(ValueError, match=r"has 80 x 60 pixels, and the image 30 x 40 pixels"):
        masks_of(samples)


@pytest.mark.parametrize("name", ["mask.png", "mask.npy", "mask.tif"])
@pytest.mark.parametrize("values", [(0, 1, 3), (0, 2, 3), (1, 2, 3), (0, *range(10, 20))])
@pytest.mark.parametrize("dtype", [np.uint8, np.int64])
def test_masks_with_a_number_per_lesion_are_refused(tmp_path, name, values, dtype):
    mask = np.full((60, 80), values[0], dtype)
    for i, value in enumerate(values[1:]):
        mask[5:9, 6 * i : 6 * i + 2 + 2 * (i % 2)] = value
    listed = ", ".join(map(str, values))
    with pytest.raises(ValueError, match=rf"line 2: image 'a', .*{name} holds the values {listed}; expected"):
        masks_of(masked(tmp_path, mask, name=name))


@pytest.mark.parametrize("method", [Image.BILINEAR, Image.BICUBIC, Image.LANCZOS, Image.BOX])
@pytest.mark.parametrize("side", [30, 45, 60, 120, 240])
def test_anti_aliased_masks_of_few_levels_count(tmp_path, method, side):
    mask = np.zeros((60, 60), np.uint8)
    mask[11:34, 21:46] = 255
    file = np.asarray(Image.fromarray(mask).resize((side, side), method))
    found = masks_of(masked(tmp_path, file, (60, 60)))[0]
    assert found.mean() == pytest.approx((mask > 0).mean(), abs=0.02)
