"""Manifests as people write them: words for missing labels, patients, one image in two splits."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from PIL import Image as Picture

pytest.importorskip("gazesim.train")

from gazesim.train import Manifest

MISSING = [
    "nan",
    "NaN",
    "NAN",
    "-nan",
    "NaT",
    "NA",
    "na",
    "N/A",
    "n/a",
    "n.a.",
    "#N/A",
    "<NA>",
    "None",
    "none",
    "NULL",
    "null",
    "nil",
    "-",
    "--",
    "---",
    "–",
    "—",
    "?",
    "??",
    ".",
    "Missing",
]


PATIENT_COLUMNS = [
    *("patient", "Patient", "patient_id", "PatientID", "patient-id", "Patient ID"),
    *("subject", "participant_id", "StudyInstanceUID", "MRN"),
]


@pytest.fixture
def write(tmp_path, rng):
    """Write a manifest of one different picture per row; return its path."""

    def manifest(rows, columns="id,image,label,split", name="m.csv"):
        for k in range(len(rows)):
            Picture.fromarray(rng.integers(0, 256, (20, 20)).astype(np.uint8)).save(tmp_path / f"{k}.png")
        lines = [columns, *(row.replace("IMAGE", f"{k}.png") for k, row in enumerate(rows))]
        (tmp_path / name).write_text("\n".join(lines) + "\n")
        return tmp_path / name

    return manifest


@pytest.mark.parametrize("word", [*MISSING, " ? ", '"not available"'])
def test_words_for_a_missing_label_are_no_class(write, capsys, word):
    path = write(["a,IMAGE,benign,train", f"b,IMAGE,{word},train", "c,IMAGE,malignant,test"])
    manifest = Manifest.read(path)
    assert [entry.label for entry in manifest.entries] == ["benign", "", "malignant"]
    printed = capsys.readouterr().err
    assert "m.csv: 1 of 3 labels count as missing" in printed
    assert "missing_labels=() keeps such words as classes" in printed
    kept = Manifest.read(path, missing_labels=())
    assert kept.entries[1].label == word.strip('" ')
    with pytest.raises(ValueError, match=r"line 3.*column 'label' is .*; expected a value"):
        Manifest.read(path, labelled=True)


@pytest.mark.parametrize(
    "label", ["normal", "negative", "no", "unknown finding", "Nantes", "0", "none of these"]
)
def test_other_words_stay_classes(write, label):
    manifest = Manifest.read(write([f"a,IMAGE,{label},train"]))
    assert manifest.entries[0].label == label


def test_numbers_are_said_to_be_classes_and_grades(write, capsys):
    Manifest.read(write([f"{k},IMAGE,{k % 5},train" for k in range(10)]))
    assert "labels are 5 whole numbers, 0 to 4: taken as classes in the order" in capsys.readouterr().err
    Manifest.read(write(["a,IMAGE,grade 1,train", "b,IMAGE,2,train"]))
    assert "whole numbers" not in capsys.readouterr().err


@pytest.mark.parametrize("column", PATIENT_COLUMNS)
def test_patients_without_a_group_are_pointed_out(write, capsys, column):
    rows = ["a,IMAGE,x,train,7", "b,IMAGE,y,test,7"]
    Manifest.read(write(rows, f"id,image,label,split,{column}"))
    printed = capsys.readouterr().err
    assert f"column {column!r} may name patients, but no image has a group" in printed
    assert "data leakage" in printed
    grouped = ["a,IMAGE,x,train,7,7", "b,IMAGE,y,train,7,7"]
    Manifest.read(write(grouped, f"id,image,label,split,{column},group"))
    assert "may name patients" not in capsys.readouterr().err


@pytest.mark.parametrize("second", ["0.png", "./0.png", "sub/../0.png", "link.png"])
def test_one_file_in_two_splits_is_refused(write, tmp_path, second):
    path = write(["a,IMAGE,x,train", f"b,{second},x,test"])
    (tmp_path / "sub").mkdir()
    (tmp_path / "link.png").symlink_to(tmp_path / "0.png")
    with pytest.raises(
        ValueError, match=r"line 3.*column 'split' is 'test'; expected 'train', in which line 2"
    ):
        Manifest.read(path)


def test_one_file_twice_in_a_split_is_fine(write):
    assert len(Manifest.read(write(["a,IMAGE,x,train", "b,0.png,x,train", "c,0.png,x,"]))) == 3


@pytest.mark.parametrize("ending", ["png", "npy"])
def test_equal_pixels_in_two_splits_are_warned_of(tmp_path, rng, ending):
    def save(name, pixels):
        if ending == "npy":
            np.save(tmp_path / f"{name}.npy", pixels)
        else:
            Picture.fromarray(pixels).save(tmp_path / f"{name}.png")

    same, other = rng.integers(0, 256, (2, 40, 40)).astype(np.uint8)
    save("a", same), save("b", same), save("c", other)
    rows = [
        f"{name},{name}.{ending},x,{split}"
        for name, split in zip("abc", ("train", "test", "test"), strict=True)
    ]
    (tmp_path / "m.csv").write_text("\n".join(["id,image,label,split", *rows]) + "\n")
    with pytest.warns(UserWarning, match=r"same pixels.*: line 2 \(train\) and line 3 \(test\)$"):
        Manifest.read(tmp_path / "m.csv")
    save("b", other[::-1].copy())
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        Manifest.read(tmp_path / "m.csv")


def test_equal_middles_of_different_pictures_are_not_equal_pictures(tmp_path):
    """Files that differ outside of the two pieces that are compared first."""
    pixels = np.zeros((200, 400), np.uint8)
    np.save(tmp_path / "a.npy", pixels)
    pixels[0, 0] = 1
    np.save(tmp_path / "b.npy", pixels)
    (tmp_path / "m.csv").write_text("id,image,label,split\na,a.npy,x,train\nb,b.npy,x,test\n")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        Manifest.read(tmp_path / "m.csv")
