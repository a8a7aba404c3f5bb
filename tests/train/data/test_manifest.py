"""Manifests: what is read is what was written, and every mistake is named."""

from __future__ import annotations

import doctest
import importlib

import numpy as np
import pytest

pytest.importorskip("gazesim.train")

from gazesim.train import Entry, Manifest

HEADER = "id,image,label,split,gaze,heatmap,group,scanner\n"
ROWS = [
    "a,a.npy,benign,train,all.csv,,p1,GE\n",
    "b,sub/b.npy,malignant,train,all.csv#B,map.npy,p1,\n",
    'c,c.npy,"normal, really",test,,,p2,Siemens\n',
    "d,a.npy,,,odd#name.csv,,,\n",
]


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "sub").mkdir()
    for name in ("a.npy", "sub/b.npy", "map.npy"):
        np.save(tmp_path / name, np.zeros((32, 32), np.float32))
    np.save(tmp_path / "c.npy", np.ones((32, 32), np.float32))
    for name in ("all.csv", "odd#name.csv"):
        (tmp_path / name).write_text("image_id,x,y,duration\na,1,2,0.1\nB,3,4,0.2\n")
    (tmp_path / "manifest.csv").write_text(HEADER + "".join(ROWS))
    return tmp_path


def test_read(folder):
    manifest = Manifest.read(folder / "manifest.csv")
    first, second, third, last = manifest.entries
    assert (first.gaze, first.gaze_name, first.heatmap) == (folder / "all.csv", "", None)
    assert (second.gaze, second.gaze_name, second.heatmap) == (folder / "all.csv", "B", folder / "map.npy")
    assert second.image == folder / "sub" / "b.npy"
    assert third.label == "normal, really"
    assert (last.gaze, last.gaze_name, last.split, last.group) == (folder / "odd#name.csv", "", "", "")
    assert [entry.extra["scanner"] for entry in manifest.entries] == ["GE", "", "Siemens", ""]
    assert "with_gaze=3" in repr(manifest)


def test_written_elsewhere_and_read_again(folder):
    manifest = Manifest.read(folder / "manifest.csv")
    (folder / "other" / "place").mkdir(parents=True)
    target = folder / "other" / "place" / "new.csv"
    manifest.write(target)
    again = Manifest.read(target)
    for one, two in zip(manifest.entries, again.entries, strict=True):
        assert two.image.resolve() == one.image
        assert (two.gaze and two.gaze.resolve()) == one.gaze
        assert (one.id, one.label, one.split, one.gaze_name, one.group, one.extra) == (
            (two.id, two.label, two.split, two.gaze_name, two.group, two.extra)
        )
    assert not list(target.parent.glob("*.part"))


def test_separators_and_marks_of_spreadsheets(folder):
    text = "\ufeffid;image;label;split\r\na;a.npy;0;train\r\nb;sub/b.npy;4;test\r\n"
    (folder / "sheet.csv").write_text(text, encoding="utf-8")
    manifest = Manifest.read(folder / "sheet.csv")
    assert [(entry.id, entry.label, entry.split) for entry in manifest.entries] == [
        ("a", "0", "train"),
        ("b", "4", "test"),
    ]


BAD = [
    ("a,a.npy,benign,train", "b,a.npy,benign,train", r"line 3: column 'id' is 'b'; .* but line 2 has it"),
    ("c,c.npy", "c,gone.npy", r"line 4: column 'image' is 'gone.npy'; expected a file, but there is no "),
    ("all.csv#B", "gone.csv#B", r"line 3: column 'gaze' is 'gone.csv#B'; expected a file"),
    ("map.npy", "maps.npy", r"line 3: column 'heatmap' is 'maps.npy'; expected a file"),
    ('really",test', 'really",tset', r"line 4: column 'split' is 'tset'; .* \(did you mean \"test\"\?\)"),
    ("d,a.npy", ",a.npy", r"line 5: column 'id' is empty"),
    ("d,a.npy", "d,", r"line 5: column 'image' is empty"),
    ("test,,,p2", "test,,,p1", r"line 4: column 'split' is 'test'; expected 'train', in which line 2 has"),
    ("p1,GE", "p1,GE,more", r"line 2: has 9 cells; expected 8"),
    ("label,split", "labels,split", r"line 1: names a column 'labels' \(did you mean \"label\"\?\)"),
    ("group,scanner", "group,split", r"line 1: names the column 'split' twice"),
    ("id,image", "name,file", r"expected a header with the columns id, image"),
]


@pytest.mark.parametrize(("old", "new", "message"), BAD)
def test_mistakes_are_named(folder, old, new, message):
    file = folder / "manifest.csv"
    assert old in file.read_text()
    file.write_text(file.read_text().replace(old, new, 1))
    with pytest.raises(ValueError, match=message) as caught:
        Manifest.read(file)
    assert str(file) in str(caught.value)


def test_damaged_manifests_are_refused_in_words(folder, rng):
    """Random bytes lead to an error with the file's name, or to a manifest, and to nothing else."""
    file = folder / "manifest.csv"
    whole = file.read_bytes()
    refused = []
    for _ in range(300):
        damaged = bytearray(whole)
        for place in rng.integers(0, len(whole), rng.integers(1, 6)):
            damaged[place] = rng.choice(list(b',;"\n\x00\xff\t#a0'))
        file.write_bytes(damaged[: rng.integers(1, len(whole) + 1)])
        try:
            Manifest.read(file)
        except ValueError as error:
            refused.append(str(error))
    assert len(refused) > 100
    assert all("manifest.csv" in words for words in refused)


def test_labels_where_they_are_needed(folder):
    with pytest.raises(ValueError, match=r"line 5: column 'label' is empty"):
        Manifest.read(folder / "manifest.csv", labelled=True)


def test_no_file_no_rows(folder):
    with pytest.raises(FileNotFoundError, match=r"manifest is .*nowhere.csv', which is no file"):
        Manifest.read(folder / "nowhere.csv")
    (folder / "empty.csv").write_text(HEADER)
    with pytest.raises(ValueError, match=r"empty.csv: holds no image"):
        Manifest.read(folder / "empty.csv")
    with pytest.raises(ValueError, match=r"manifest: column 'id' is 'a'; .* but image 'a' has it"):
        Manifest([Entry("a", folder / "a.npy"), Entry("a", folder / "a.npy")])


@pytest.mark.parametrize("name", ["image_sizes", "manifest", "manifest_samples", "presets"])
def test_docstring_examples(name):
    result = doctest.testmod(importlib.import_module(f"gazesim.train.data.{name}"))
    assert result.attempted
    assert result.failed == 0
