"""Patches: the boxes of a manifest, cut out of their images."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("gazesim.train")

from gazesim.train import ArraySamples, Entry, Manifest, ManifestSamples
from gazesim.train.evaluation.patches import PatchSamples


def patches(folder, boxes, groups=None, **options):
    image = np.zeros((40, 60))
    image[10:20, 30:50] = 1
    np.save(folder / "a.npy", image)
    entries = [
        Entry(f"p{i}", folder / "a.npy", "lesion", box=box, group="" if groups is None else groups[i])
        for i, box in enumerate(boxes)
    ]
    return PatchSamples(ManifestSamples(Manifest(entries), size=16, **options))


def test_a_patch_is_what_the_box_holds(tmp_path):
    found = patches(tmp_path, [(30, 10, 50, 20), (0, 0, 10, 10), (20, 10, 40, 20)], channels=3)
    assert found.image(0).shape == (3, 16, 16)
    assert float(found.image(0).min()) == pytest.approx(1)
    assert float(found.image(1).max()) == 0
    half = found.image(2)[0].numpy()
    np.testing.assert_allclose(half.mean(), 0.5, atol=0.02)
    assert half[:, :6].max() < 0.1 < 0.9 < half[:, 10:].min()


def test_a_box_over_the_edge_is_cut_off_and_one_beside_the_image_refused(tmp_path):
    found = patches(tmp_path, [(30, 10, 50, 20), (50, 30, 90, 70), (60, 0, 70, 10)])
    assert float(found.image(1).max()) == 0
    with pytest.raises(ValueError, match=r"column 'box' is '60,0,70,10', and .*a.npy has 60 x 40 pixels"):
        found.image(2)


def test_patches_of_an_image_stay_together_and_rows_without_box_are_told(tmp_path, capsys):
    found = patches(tmp_path, [(0, 0, 9, 9), None, (9, 9, 20, 20)])
    assert found.ids == ["p0", "p2"]
    assert len(set(found.groups)) == 1
    assert "1 of 3 rows have no box and are left out" in capsys.readouterr().err
    assert patches(tmp_path, [(0, 0, 9, 9), (9, 9, 20, 20)], ["x", "y"]).groups == ["x", "x"]
    assert found.take([1]).ids == ["p2"]
    with pytest.raises(ValueError, match="none of 2 images has a box"):
        PatchSamples(ArraySamples(np.zeros((2, 8, 8))))
