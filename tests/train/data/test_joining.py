"""Manifests made by the verb: what is joined by which rule, what nearly was, and where images stood."""

from __future__ import annotations

import doctest

import numpy as np
import pytest
from PIL import Image as Picture

pytest.importorskip("gazesim.train")

from gazesim.cli import main
from gazesim.train import Manifest, ManifestSamples
from gazesim.train.data import joining
from gazesim.train.data.joining import join

GAZE = "image_id,x,y,duration\n"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name, size in (("a/x.png", (64, 96)), ("a/y.png", (64, 96)), ("b/x.png", (80, 60))):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        Picture.fromarray(np.zeros(size[::-1], np.uint8)).save(tmp_path / name)
    return tmp_path


def test_ids_are_the_shortest_that_are_distinct(folder):
    assert [entry.id for entry in join([folder / "a"]).manifest.entries] == ["x", "y"]
    assert [entry.id for entry in join([folder]).manifest.entries] == ["a/x", "a/y", "b/x"]


def test_rules_near_misses_and_what_is_left(folder):
    (folder / "gaze.csv").write_text(GAZE + "x,1,2,0.1\nY.JPG,3,4,0.2\nxy.png,3,4,0.2\nzebra,3,4,0.2\n")
    joined = join([folder / "a"], [folder / "gaze.csv"])
    words = "\n".join(joined.words)
    assert "2 of 4 scanpaths joined with 2 images (1 by exact id; 1 by in any case of letters)" in words
    assert "2 names in" in words
    assert "'xy.png' is nearly 'y.png'" in words or "'xy.png' is nearly 'x.png'" in words
    assert joined.gaze_without_image == ["xy.png", "zebra"]
    first, second = joined.manifest.entries
    assert (first.gaze_name, second.gaze_name) == ("", "Y.JPG")


def test_a_name_that_fits_two_images_fits_none(folder):
    (folder / "gaze.csv").write_text(GAZE + "x,1,2,0.1\na/y.png,3,4,0.2\n")
    joined = join([folder], [folder / "gaze.csv"])
    assert joined.gaze_without_image == ["x"]
    assert joined.images_without_gaze == ["a/x", "b/x"]


def test_gaze_files_of_a_folder_that_are_not_read_are_named(folder):
    (folder / "gaze").mkdir()
    (folder / "gaze" / "x.csv").write_text(GAZE + "x,1,2,0.1\n")
    (folder / "gaze" / "y.csv").write_text("")
    joined = join([folder / "a"], [folder / "gaze"])
    assert f"warning: {folder / 'gaze'}: 1 file was not read: y.csv is empty" in joined.words


def test_labels_groups_and_splits(folder):
    (folder / "labels.csv").write_text("file;class;patient;split\nx.png;benign;p1;train\nq.png;benign;p2;\n")
    joined = join([folder / "a"], labels=folder / "labels.csv")
    first, second = joined.manifest.entries
    assert (first.label, first.group, first.split) == ("benign", "p1", "train")
    assert (second.label, second.group) == ("", "")
    assert joined.rows_without_image == ["q.png"]
    assert any("1 images without a row in" in words for words in joined.words)
    with pytest.raises(ValueError, match=r"label_column is 'clas', and .* \(did you mean \"class\"\?\)"):
        join([folder / "a"], labels=folder / "labels.csv", label_column="clas")
    (folder / "labels.csv").write_text("file,class\nx.png,benign\nx.jpg,malignant\n")
    with pytest.raises(ValueError, match=r"line 3: says \('malignant',\) of 'x.jpg', but said \('benign',\)"):
        join([folder / "a"], labels=folder / "labels.csv")


def test_the_manifest_says_where_every_image_stood(folder, capsys):
    (folder / "gaze.csv").write_text(GAZE + "a/x,64,96,0.1\nb/x,40,30,0.2\n")
    words = ["--gaze", "gaze.csv", "--screen_size", "192,108", "--placement", "fit", "--out", "m.csv"]
    assert main(["manifest", ".", *words]) == 0
    printed = capsys.readouterr()
    assert "3 images" in printed.out
    assert "1 images without gaze: 'a/y'" in printed.out
    assert "wrote m.csv: 3 images, 2 with gaze" in printed.err
    first, second, third = Manifest.read("m.csv").entries
    assert first.image_box == (60, 0, 132, 108)
    assert first.screen_size == third.screen_size == (192, 108)
    assert third.image_box == (24, 0, 168, 108)
    assert second.image_box is None
    samples = ManifestSamples(Manifest.read("m.csv"), size=32)
    np.testing.assert_allclose(samples.scanpath(0), [[(64 - 60) * 32 / 72, 96 * 32 / 108, 0.1]])


def test_gaze_of_one_image_in_several_files(folder, capsys):
    for reader in ("anna", "ben"):
        (folder / f"{reader}.csv").write_text(GAZE + "x,1,2,0.1\nx,5,6,0.1\ny,3,4,0.2\n")
    with pytest.raises(ValueError, match=r"gaze of image 'x' is in anna.csv and ben.csv; expected one file"):
        join([folder / "a"], [folder / "anna.csv", folder / "ben.csv"])
    assert main(["manifest", "a", "--gaze", "anna.csv,ben.csv", "--out", "m.csv"]) == 0
    assert "wrote m.gaze.csv: 4 scanpaths of several files" in capsys.readouterr().out
    samples = ManifestSamples(Manifest.read("m.csv"), size=32)
    assert [one.reader for one in samples.fixations(0)] == ["anna", "ben"]
    np.testing.assert_array_equal(samples.fixations(0)[0].path, [[1, 2, 0.1], [5, 6, 0.1]])


def test_one_scanpath_serves_another_image_only_alone_and_aloud(folder):
    (folder / "one.csv").write_text(GAZE + "whatever,1,2,0.1\nwhatever,4,5,0.1\n")
    rows = "id,image,gaze\nx,a/x.png,one.csv\ny,a/y.png,\n"
    (folder / "m.csv").write_text(rows)
    samples = ManifestSamples(Manifest.read("m.csv"), size=32)
    assert len(samples.fixations(0)) == 1
    said: list[str] = []
    samples.gaze.tell(said.append, said.append)
    assert any("x takes the only scanpath of one.csv, which has another name" in line for line in said)
    (folder / "m.csv").write_text(rows.replace("y.png,", "y.png,one.csv"))
    samples = ManifestSamples(Manifest.read("m.csv"), size=32)
    with pytest.raises(ValueError, match="one scanpath serves another image only where a single row names"):
        samples.scanpath(0)


def test_columns_of_a_manifest(folder):
    (folder / "gaze.csv").write_text("image_id,reader_id,x,y,duration\nx,r1,10,20,0.1\nx,r2,20,40,0.2\n")
    header = "id,image,gaze,reader,image_box,screen_size,mask,box\n"
    (folder / "m.csv").write_text(header + 'x,a/x.png,gaze.csv,r2,"0,0,64,96",64x96,a/y.png,1 2 30 40\n')
    manifest = Manifest.read("m.csv")
    (entry,) = manifest.entries
    assert (entry.reader, entry.image_box, entry.screen_size) == ("r2", (0, 0, 64, 96), (64, 96))
    assert (entry.mask.name, entry.box) == ("y.png", (1, 2, 30, 40))
    manifest.write("again.csv")
    (again,) = Manifest.read("again.csv").entries
    assert (again.reader, again.image_box, again.box) == (entry.reader, entry.image_box, entry.box)
    assert [one.reader for one in ManifestSamples(manifest, size=32).fixations(0)] == ["r2"]
    for old, new, message in (
        ("0,0,64,96", "0,0,0,96", r"line 2: column 'image_box' is '0,0,0,96'; expected x0,y0,x1,y1"),
        ("64x96", "64", r"line 2: column 'screen_size' is '64'; expected width,height in pixels"),
        ("a/y.png,1", "a/q.png,1", r"line 2: column 'mask' is 'a/q.png'; expected a file"),
    ):
        (folder / "bad.csv").write_text((folder / "m.csv").read_text().replace(old, new))
        with pytest.raises(ValueError, match=message):
            Manifest.read("bad.csv")


def test_what_is_no_image_is_refused(folder, capsys):
    (folder / "gaze.csv").write_text(GAZE + "x,1,2,0.1\n")
    assert main(["manifest", "a", "gaze.csv"]) == 1
    assert "gaze.csv is no image; expected .npy" in capsys.readouterr().err
    assert not (folder / "manifest.csv").exists()


def test_docstring_examples():
    result = doctest.testmod(joining)
    assert result.attempted
    assert result.failed == 0
