"""The labels of ``gazesim inspect``: matched by the rules of ``gazesim manifest``, and counted."""

from __future__ import annotations

import zipfile

import pytest

from gazesim.commands.labels import read_labels


def written(tmp_path, text):
    file = tmp_path / "labels.csv"
    file.write_text(text)
    return file


def test_the_table_of_a_manifest_is_read_by_its_columns(tmp_path):
    file = written(tmp_path, "patient,file,class,split\np1,a.png,benign,train\np2,set/B.png,malignant,test\n")
    found, words = read_labels(file, ["a", "b", "c"])
    assert found == {"a": "benign", "b": "malignant"}
    assert "2 of 3 ids have a class, from column 'class'" in words[0]
    assert "1 by without extension; 1 by in any case of letters" in words[0]
    assert words[1:] == ["  1 ids without a row: 'c'"]


def test_without_a_header_the_class_is_last(tmp_path):
    found, words = read_labels(written(tmp_path, "a,x\nb,y\n"), ["a", "b"])
    assert found == {"a": "x", "b": "y"}
    assert words == [
        f"{tmp_path / 'labels.csv'}: 2 of 2 ids have a class, from the last column (rows: 2 by exact id)"
    ]


def test_what_does_not_match_is_counted_with_near_misses(tmp_path):
    file = written(tmp_path, "id;label\nimage_01;x\nimage_1l;y\nother;z\n")
    found, words = read_labels(file, ["image_01", "image_11"])
    assert found == {"image_01": "x"}
    assert (
        words[1]
        == "  2 names without an image in the cache: 'image_1l', 'other'; 'image_1l' is nearly 'image_11'"
    )
    assert words[2] == "  1 ids without a row: 'image_11'"


def test_a_name_that_fits_two_images_fits_none(tmp_path):
    file = written(tmp_path, "id,label\na,x\nleft/b,y\n")
    found, words = read_labels(file, ["left/a.png", "right/a.png", "left/b.png"])
    assert found == {"left/b.png": "y"}
    assert "1 names without an image in the cache: 'a'" in words[1]


def test_readers_have_the_class_of_their_image_or_their_own(tmp_path):
    ids = [("a", "r1"), ("a", "r2"), ("b", "r1")]
    found, _ = read_labels(written(tmp_path, "id,label\nA.png,x\nb,y\n"), ids)
    assert found == {("a", "r1"): "x", ("a", "r2"): "x", ("b", "r1"): "y"}
    found, _ = read_labels(written(tmp_path, "a,r1,x\na,r2,y\nb,z\n"), ids)
    assert found == {("a", "r1"): "x", ("a", "r2"): "y", ("b", "r1"): "z"}


def test_numbers_match_as_text(tmp_path):
    assert read_labels(written(tmp_path, "image_id\tgrade\n0\tx\n1\t\n"), [0, 1])[0] == {0: "x"}


@pytest.mark.parametrize(
    "text", ["a,x\nb,\nc,x\n,\n", "id,label\na,x\nb, \nc,x\n", "a,r1,x\nb,r1,\nc,r1,x\n"]
)
def test_an_empty_label_is_no_label(tmp_path, text):
    ids = [(name, "r1") for name in "abc"]
    found, words = read_labels(written(tmp_path, text), ids)
    assert found == {("a", "r1"): "x", ("c", "r1"): "x"}
    assert "2 of 3 ids have a class" in words[0]
    assert words[1:] == ["""  1 ids whose row has no class: "('b', 'r1')\""""]


def test_a_row_without_a_class_does_not_hide_another(tmp_path):
    found, words = read_labels(written(tmp_path, "a,\na,x\nb,\n"), ["a", "b", "c"])
    assert found == {"a": "x"}
    assert words[1:] == ["  1 ids whose row has no class: 'b'", "  1 ids without a row: 'c'"]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-8-sig"])
@pytest.mark.parametrize("text", ["id,label\nä,x\nb,y\n", "ä;x\r\nb;y\r\n", "\nä\tx\nb\ty\n"])
def test_labels_are_read_in_the_encodings_of_gaze_tables(tmp_path, text, encoding):
    file = tmp_path / "labels.csv"
    file.write_bytes(text.encode(encoding))
    assert read_labels(file, ["ä", "b"])[0] == {"ä": "x", "b": "y"}


def test_a_table_in_a_zip_and_cells_in_quotes(tmp_path):
    file = tmp_path / "labels.zip"
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("labels.csv", 'id,label\n"a, b","x\ny"\n" c ", z \n')
    assert read_labels(file, ["a, b", "c"])[0] == {"a, b": "x\ny", "c": "z"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("id,label\na,x\na.png,y\n", "line 3: says 'y' of image 'a', but 'x' was said before"),
        ("a,\nb,\n", "none of its 0 rows with a class names an image"),
        ("a\0,x\n", r"labels\.csv: holds binary data; expected text"),
        ("id,label\nz,x\n", "none of its 1 rows names an image of the cache, such as 'a'"),
        ("id,patient,label\na,p\n", "line 2: has fewer columns than the header; expected 3"),
    ],
)
def test_bad_tables(tmp_path, text, message):
    with pytest.raises(ValueError, match=message):
        read_labels(written(tmp_path, text), ["a", "b"])
