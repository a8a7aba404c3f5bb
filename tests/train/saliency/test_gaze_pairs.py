"""What the gaze-map predictor learns from and is scored on: whole groups, only images that have gaze."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("gazesim.train")

from gazesim.train import Manifest
from gazesim.train.saliency.gaze_pairs import GazePairs, pairs_of_files, pairs_of_manifest, pairs_of_phantom


def pairs(groups=None, splits=None, count=12):
    zeros = np.zeros((count, 8, 8), np.float32)
    return GazePairs([f"i{k}" for k in range(count)], zeros, zeros, None, groups, splits)


def test_without_groups_a_quarter_of_the_images_is_held_out():
    learned, unseen, how = pairs().divided()
    assert (len(learned), len(unseen), how) == (9, 3, "0.25 of the images")
    assert sorted([*learned.ids, *unseen.ids]) == sorted(pairs().ids)
    assert pairs().divided(seed=1)[1].ids != unseen.ids
    assert pairs().divided()[1].ids == unseen.ids


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("held_out", [0.25, 0.5, 0.75])
def test_groups_stay_whole(seed, held_out):
    groups = [f"p{k // 3}" for k in range(12)]
    learned, unseen, how = pairs(groups).divided(held_out, seed)
    assert not set(learned.groups) & set(unseen.groups)
    assert len(set(unseen.groups)) == round(4 * held_out)
    assert len(learned) + len(unseen) == 12
    assert how == f"{held_out:g} of the groups"


@pytest.mark.parametrize(
    ("splits", "held_out", "learned", "unseen"),
    [
        (["train"] * 6 + ["test"] * 6, None, range(6), range(6, 12)),
        (["train"] * 6 + ["val"] * 3 + ["test"] * 3, None, range(6), range(6, 12)),
        (["train"] * 6 + ["val"] * 6, None, range(6), range(6, 12)),
        (["train"] * 6 + ["test"] * 6, 0.5, None, None),
        (["train"] * 12, None, None, None),
        ([""] * 12, None, None, None),
    ],
)
def test_splits_decide_unless_a_share_is_asked_for(splits, held_out, learned, unseen):
    found = pairs(None, splits).divided(held_out)
    if learned is not None:
        assert [one.ids for one in found[:2]] == [[f"i{k}" for k in part] for part in (learned, unseen)]
        return
    seen = {one for one in splits if one != "test"}
    assert {*found[0].splits, *found[1].splits} == seen
    assert found[2].endswith("of the images")


@pytest.mark.parametrize(
    ("splits", "held_out", "message"),
    [
        (["test"] * 12, None, 'all 12 images with gaze are of the split test; expected "train"'),
        (["test"] * 12, 0.5, 'no image with gaze has the split "train"'),
        (None, 0.0, "held_out is 0.0, 0 of 12 images; expected some and not all"),
        (None, 1.0, "held_out is 1.0, 12 of 12 images; expected some and not all"),
    ],
)
def test_nothing_to_learn_from_is_refused(splits, held_out, message):
    with pytest.raises(ValueError, match=message):
        pairs(None, splits).divided(held_out)


@pytest.fixture
def written(tmp_path, rng):
    """Write images a to f, their maps and a gaze file; return a function that makes a manifest of rows."""
    for name in "abcdef":
        np.save(tmp_path / f"{name}.npy", rng.random((20, 30)).astype(np.float32))
        np.save(tmp_path / f"map_{name}.npy", rng.random((20, 30)).astype(np.float32))
    gaze = ["image_id,reader_id,x,y,duration"]
    gaze += [
        f"{name},{reader},{5 + k},{8},0.2" for name in "abc" for reader in ("r1", "r2") for k in range(2)
    ]
    gaze += ["d,r1,90,90,0.2"]  # off the image
    (tmp_path / "gaze.csv").write_text("\n".join(gaze))

    def make(*rows, columns="id,image,gaze,heatmap,split,group"):
        (tmp_path / "all.csv").write_text("\n".join([columns, *rows]))
        return Manifest.read(tmp_path / "all.csv")

    make.folder = tmp_path
    return make


@pytest.mark.parametrize("seed", range(4))
def test_rows_of_one_file_are_never_learned_from_and_held_out(written, seed):
    rows = [
        f"{name}{k},{name}.npy,,map_{name}.npy,,{'p' if name in 'ef' else ''}"
        for name in "abcdef"
        for k in "12"
    ]
    found = pairs_of_manifest(written(*rows, "c3,c.npy,,,,p"), size=16)
    for held_out in (0.25, 0.5):
        learned, unseen, how = found.divided(held_out, seed)
        assert not {name[0] for name in learned.ids} & {name[0] for name in unseen.ids}
        assert how == f"{held_out:g} of the groups"
        held = {name[0] for name in unseen.ids}
        assert len(held & {"c", "e", "f"}) in (0, 3)  # a row without a map connects c to the patient


@pytest.mark.filterwarnings("ignore::gazesim.reading.placed.PlacementWarning")
def test_what_is_left_out_is_said(written):
    said = []
    found = pairs_of_manifest(
        written(
            "a,a.npy,gaze.csv,,train,",
            "b,b.npy,gaze.csv,,,",  # no split
            "c,c.npy,gaze.csv#r1,,test,",
            "d,d.npy,gaze.csv,,train,",  # looked beside the image
            "e,e.npy,,map_e.npy,train,",
            "f,f.npy,,,train,",
        ),
        size=16,
        say=said.append,
    )
    assert found.ids == ["a", "c", "e"]
    assert [len(path) for path in found.fixations] == [4, 2, 0]
    np.testing.assert_allclose(found.fixations[0][0], [5 * 16 / 30, 8 * 16 / 20, 0.2])
    text = "\n".join(said)
    assert "1 images have gaze and no split, and are left out: 'b'" in text
    assert "1 images have no gaze on the image, and are left out: 'd'" in text
    assert "3 of 6 images have gaze to learn from or to be scored on, 1 of them as maps in column" in text
    assert text.endswith("; 1 have none")


def test_a_manifest_without_gaze_on_its_images_is_refused(written):
    with pytest.raises(ValueError, match="names no gaze for any of 1 images; expected gaze files or maps"):
        pairs_of_manifest(written("f,f.npy,,,,"))
    (written.folder / "map_f.npy").unlink()
    np.save(written.folder / "map_f.npy", np.zeros((20, 30), np.float32))
    with pytest.raises(ValueError, match="no image has gaze on it"):
        pairs_of_manifest(written("f,f.npy,,map_f.npy,,"), size=16)


def test_names_of_folders_have_to_match(written, tmp_path):
    images, maps = tmp_path / "images", tmp_path / "maps"
    for folder in (images, maps):
        (folder / "sub").mkdir(parents=True)
        np.save(folder / "sub" / "a.npy", np.ones((16, 16), np.float32))
    np.save(images / "b.npy", np.ones((16, 16), np.float32))
    said = []
    assert pairs_of_files(str(images), str(maps), None, size=16, say=said.append).ids == ["sub/a"]
    assert said == ["1 images have no map, and are left out: 'b'"]
    np.save(maps / "c.npy", np.ones((16, 16), np.float32))
    with pytest.raises(ValueError, match="images and maps differ in 2 names, such as 'b'"):
        pairs_of_files(str(images), str(maps), None, size=16)
    np.save(images / "other.npy", np.ones((16, 16)))
    (images / "other.npy").rename(images / "b.NPY")
    with pytest.raises(ValueError, match="holds two images named 'b'"):
        pairs_of_files(str(images), str(maps), None, size=16)


def test_maps_of_folders_with_other_proportions(tmp_path):
    images, maps = tmp_path / "images", tmp_path / "maps"
    for folder, shapes in ((images, [(20, 30)] * 3), (maps, [(20, 30), (16, 16), (10, 30)])):
        folder.mkdir()
        for name, shape in zip("abc", shapes, strict=True):
            np.save(folder / f"{name}.npy", np.ones(shape, np.float32))
    said = []
    assert len(pairs_of_files(str(images), str(maps), None, size=16, say=said.append)) == 3
    assert len(said) == 1
    assert "1 maps have other proportions than their images, such as 'c' has 30 x 10 pixels" in said[0]
    np.save(maps / "b.npy", np.ones((30, 20), np.float32))
    with pytest.raises(
        ValueError, match="maps: map 'b' has 20 x 30 pixels, and the image 30 x 20 pixels: width"
    ):
        pairs_of_files(str(images), str(maps), None, size=16)


def test_a_phantom_is_read_by_ten():
    found = pairs_of_phantom(3, size=32)
    assert len(found) == 3
    assert min(len(path) for path in found.fixations) >= 20
