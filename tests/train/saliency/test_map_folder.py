"""Folders of predicted maps: one list of ids that grows, and no map under another's name."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("gazesim.train")

from gazesim.train.saliency.map_folder import MapFolder

MAP = np.linspace(0, 1, 12, dtype=np.float32).reshape(3, 4)


def test_ids_are_kept_in_the_order_in_which_maps_were_drawn(tmp_path):
    for names in ("bc", "ad"):
        folder = MapFolder(tmp_path, model="m")
        for name in names:
            assert not folder.holds(name, "i")
            folder.add(name, "i", MAP)
        folder.write_ids()
    assert (tmp_path / "ids.txt").read_text() == "b\nc\na\nd\n"
    again = MapFolder(tmp_path, model="m")
    assert again.ids == list("bcad")
    assert all(again.holds(name, "i") for name in "abcd")
    np.testing.assert_array_equal(np.load(tmp_path / "a.npy"), MAP)


@pytest.mark.parametrize("name", ["../a", "a/../../b", "/etc/a", "a\nb", "", "."])
def test_a_map_stays_below_its_folder(name, tmp_path):
    with pytest.raises(ValueError, match="is no name for a file below"):
        MapFolder(tmp_path, model="m").add(name, "i", MAP)
    assert {file.name for file in tmp_path.iterdir()} == {"maps.csv"}


@pytest.mark.parametrize("name", ["a,b", 'say "a"', "left/a", "a.b", "ä b", "1.2.840.113"])
def test_any_other_name_comes_back(name, tmp_path):
    folder = MapFolder(tmp_path, model="m", format="png")
    folder.add(name, "i", MAP)
    folder.write_ids()
    again = MapFolder(tmp_path, model="m", format="png")
    assert again.ids == [name]
    assert again.holds(name, "i")
    assert again.path_of(name).is_file()


@pytest.mark.parametrize("cut", range(1, 12))
def test_a_row_that_was_cut_short_does_not_count(cut, tmp_path):
    folder = MapFolder(tmp_path, model="mmmm")
    folder.add("a", "iiii", MAP)
    folder.add("b", "iiii", MAP)
    record = tmp_path / "maps.csv"
    text = record.read_bytes()
    record.write_bytes(text[:-cut])
    again = MapFolder(tmp_path, model="mmmm")
    assert again.ids == ["a"]
    again.add("b", "iiii", MAP)
    assert record.read_bytes() == text


def test_a_lost_map_is_drawn_again_under_its_row(tmp_path):
    folder = MapFolder(tmp_path, model="m")
    folder.add("a", "i", MAP)
    record = (tmp_path / "maps.csv").read_bytes()
    (tmp_path / "a.npy").unlink()
    again = MapFolder(tmp_path, model="m")
    assert not again.holds("a", "i")
    again.add("a", "i", MAP)
    assert (tmp_path / "maps.csv").read_bytes() == record


def test_another_file_of_that_name_is_no_record(tmp_path):
    (tmp_path / "maps.csv").write_text("id,map\na,a.npy\n")
    with pytest.raises(ValueError, match=r"maps\.csv is no record of maps; expected the columns id, format"):
        MapFolder(tmp_path, model="m")
