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


@pytest.mark.parametrize(
    ("words", "named"),
    [
        ("--gaze f3.csv --labels labels.csv --out f3.csv", "out would overwrite f3.csv, which gaze names"),
        (
            "--gaze gaze --labels labels.csv --out gaze/f.csv",
            "out would overwrite gaze/f.csv, which gaze names",
        ),
        ("--labels labels.csv --out labels.csv", "out would overwrite labels.csv, which labels names"),
        ("--labels linked.csv --out labels.csv", "out would overwrite labels.csv, which labels names"),
        ("--labels m-fold1.csv --folds 2 --out m.csv", "overwrite m-fold1.csv, which labels names"),
        ("--gaze f3.csv,m.gaze.csv --out m.csv", "out would overwrite m.gaze.csv, which gaze names"),
        ("--out a/x.png", "out would overwrite a/x.png, which images names"),
    ],
)
def test_no_input_is_overwritten(folder, capsys, words, named):
    (folder / "gaze").mkdir()
    for name in ("f3.csv", "m.gaze.csv", "gaze/f.csv"):
        (folder / name).write_text(GAZE + "x,1,2,0.1\ny,3,4,0.2\n")
    for name in ("labels.csv", "m-fold1.csv"):
        (folder / name).write_text("image,label\nx,benign\ny,malignant\n")
    (folder / "linked.csv").symlink_to("labels.csv")
    before = {file: file.read_bytes() for file in folder.rglob("*") if file.is_file()}
    assert main(["manifest", "a", *words.split()]) == 1
    assert named in capsys.readouterr().err
    assert {file: file.read_bytes() for file in folder.rglob("*") if file.is_file()} == before


def test_a_table_of_gaze_that_is_only_read_and_an_old_manifest_are_no_obstacle(folder, capsys):
    (folder / "m.gaze.csv").write_text(GAZE + "x,1,2,0.1\n")
    for _ in range(2):
        assert main(["manifest", "a", "--gaze", ".", "--out", "m.csv"]) == 0
    assert Manifest.read("m.csv").entries[0].gaze.samefile("m.gaze.csv")


def test_further_columns_of_labels_are_kept(folder, capsys):
    (folder / "tables").mkdir()
    (folder / "tables/m.png").write_bytes((folder / "a/x.png").read_bytes())
    text = 'image,label,Mask,box,opacity,gaze\nx,benign,m.png,"1,2,30,40",0.5,q.csv\ny,benign,,,,\n'
    (folder / "tables/labels.csv").write_text(text)
    assert main(["manifest", "a", "--labels", "tables/labels.csv", "--out", "m.csv"]) == 0
    printed = capsys.readouterr().out
    assert "2 images found by 'image', label from 'label', kept 'Mask', 'box', 'opacity'" in printed
    assert "not kept, as the manifest has its own: 'gaze'" in printed
    first, second = Manifest.read("m.csv").entries
    assert first.mask is not None
    assert first.mask.samefile(folder / "tables/m.png")
    assert (first.box, first.extra, second.mask) == ((1, 2, 30, 40), {"opacity": "0.5"}, None)
    (folder / "tables/labels.csv").write_text(text + "x,benign,m.png,,0.7,\n")
    assert main(["manifest", "a", "--labels", "tables/labels.csv", "--out", "m.csv"]) == 0
    assert "'opacity' differ between rows of 1 images; the first row with a value" in capsys.readouterr().out
    (folder / "tables/labels.csv").write_text(text.replace("m.png", "q.png"))
    with pytest.raises(ValueError, match=r"labels.csv, line 2: column 'mask' is 'q.png'; expected a file"):
        join([folder / "a"], labels=folder / "tables/labels.csv")


@pytest.mark.parametrize(
    ("first", "second", "splits", "said"),
    [
        ("training", "TEST", ("train", "test"), "splits: 'training' is train, 'TEST' is test"),
        ("Valid", "dev", ("val", "val"), "splits: 'Valid' is val, 'dev' is val"),
        ("Validation", "testing", ("val", "test"), "splits: 'Validation' is val, 'testing' is test"),
        ("Train", "NA", ("train", ""), "splits: 'Train' is train, 'NA' is none"),
    ],
)
def test_usual_words_for_splits(folder, first, second, splits, said):
    (folder / "labels.csv").write_text(f"image,label,set\nx,benign,{first}\ny,benign,{second}\n")
    joined = join([folder / "a"], labels=folder / "labels.csv")
    assert tuple(entry.split for entry in joined.manifest.entries) == splits
    assert said in joined.words
    joined.manifest.write("m.csv")
    assert tuple(entry.split for entry in Manifest.read("m.csv").entries) == splits


def test_other_words_for_splits_are_refused_unless_images_are_split_anew(folder, capsys):
    (folder / "labels.csv").write_text("image,label,set\nx,benign,train\ny,benign,held\n")
    assert main(["manifest", "a", "--labels", "labels.csv", "--out", "m.csv"]) == 1
    assert (
        "labels.csv, line 3: column 'set' is 'held'; expected \"train\", \"val\"" in capsys.readouterr().err
    )
    assert not (folder / "m.csv").exists()
    assert main(["manifest", "a", "--labels", "labels.csv", "--split", "--out", "m.csv"]) == 0
    assert [entry.extra["set"] for entry in Manifest.read("m.csv").entries] == ["train", "held"]
    words = ["--split", "--split_column", "set"]
    assert main(["manifest", "a", "--labels", "labels.csv", *words]) == 1
    assert "split and split_column are both given" in capsys.readouterr().err
