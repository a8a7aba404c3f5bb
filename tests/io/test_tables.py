"""Tidy tables and events of pymovements, as files and as frames."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gazesim import Scanpaths, read_scanpaths
from gazesim.io import write_table

NUMBERS = st.floats(-1e12, 1e12, allow_subnormal=True)


def test_tidy_rows_are_ordered_by_their_index(read):
    paths = read("tidy.csv")
    assert paths.ids == (("cxr_1", "anna"), ("cxr_2", "anna"), ("cxr_1", "ben"))
    np.testing.assert_array_equal(paths[0], [[10, 20, 0.25], [20.5, 30.25, 0.125]])


@given(
    st.lists(
        st.lists(st.tuples(NUMBERS, NUMBERS, st.floats(0, 1e6)), min_size=1, max_size=4),
        min_size=1,
        max_size=4,
    ),
    st.booleans(),
)
def test_a_written_table_is_read_back_without_loss(tmp_path_factory, gazes, readers):
    names = [(f"image, {i}", 'the "first"') if readers else f"image, {i}" for i in range(len(gazes))]
    paths = Scanpaths.from_list(gazes, ids=names)
    path = tmp_path_factory.mktemp("table") / "gaze.csv"
    write_table(paths, path)
    assert read_scanpaths(path, verbose=False) == paths


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_frames(read, library, fixtures):
    frames = pytest.importorskip(library)
    tidy = frames.DataFrame(
        {"image_id": ["a", "b", "a"], "x": [1, 2, 3], "y": [4, 5, 6], "duration": [0.1, 0.2, 0.3]}
    )
    np.testing.assert_array_equal(read_scanpaths(tidy, verbose=False)["a"], [[1, 4, 0.1], [3, 6, 0.3]])
    events = frames.read_csv(fixtures / "events.csv")
    assert read_scanpaths(events, verbose=False) == read("events.csv")


def test_pymovements_events(read):
    paths = read("events.csv")
    assert paths.ids == (("1", "s1"), ("2", "s1"))
    np.testing.assert_array_equal(paths[0], [[207.5, 381.25, 0.177], [391, 380.5, 0.195]])


def test_pymovements_frame_with_nested_location():
    pm = pytest.importorskip("pymovements")
    x = np.repeat([100.0, 500.0, 300.0], 200)
    places = np.array([x, x / 2])
    gaze = pm.gaze.from_numpy(time=np.arange(600), pixel=places, position=places)
    gaze.detect("idt", dispersion_threshold=5.0)
    gaze.compute_event_properties(("location", {"position_column": "pixel"}))
    paths = read_scanpaths(gaze.events, verbose=False)
    assert paths.ids == ("events",)
    np.testing.assert_allclose(paths[0][:, 0], [100, 500, 300], atol=3)


def test_other_frames_are_refused():
    with pytest.raises(ValueError, match=r"table has the columns \['x', 'y', 'time'\]; .*detect_fixations"):
        read_scanpaths({"x": [1], "y": [2], "time": [3]})
    with pytest.raises(TypeError, match="path is 3; expected a file, a folder or a frame"):
        read_scanpaths(3)
    with pytest.raises(ValueError, match="table, row 1: x is 'z'; expected real numbers"):
        read_scanpaths({"image_id": ["a", "a"], "x": [1, "z"], "y": [2, 3], "duration": [1, 1]})


def test_cells_in_quotes_may_span_lines(tmp_path):
    path = tmp_path / "gaze.csv"
    path.write_text('note,image_id,x,y,duration\n"first\nsecond ""quoted"", line",a,1,2,0.5\n,b,3,4,x\n')
    with pytest.raises(ValueError, match="line 4: column 'duration' is 'x'"):
        read_scanpaths(path)
    path.write_text(path.read_text().replace(",x\n", ",1\n"))
    np.testing.assert_array_equal(read_scanpaths(path, verbose=False).values, [[1, 2, 0.5], [3, 4, 1]])
    path.write_text(path.read_text().replace(",b,3", '"never closed,b,3'))
    with pytest.raises(ValueError, match="line 4: cannot be cut into cells"):
        read_scanpaths(path)


def test_a_scanpath_without_fixations_is_not_lost_in_silence(tmp_path):
    paths = Scanpaths.from_list([[[1, 2, 0.3]], np.empty((0, 3))], ids=["full", "empty"])
    with pytest.raises(ValueError, match="the scanpath 'empty' has no fixations"):
        write_table(paths, tmp_path / "gaze.csv")
    assert not (tmp_path / "gaze.csv").exists()


@pytest.mark.parametrize(
    ("ids", "message"),
    [
        ([1, "1"], r"the ids 1 and '1' are both written as '1'; expected ids that differ as text"),
        ([("a", 1), ("a", "1")], r"the ids \('a', 1\) and \('a', '1'\) are both written as 'a/1'"),
        (["a", "nan"], r"the id 'nan' cannot be read back from a table; expected text"),
        ([("a", "b"), ("c", "<NA>")], r"the id \('c', '<NA>'\) cannot be read back"),
        (["a\r\nb", "c"], r"the id 'a\\r\\nb' is read back as 'a\\nb' from a table"),
        (["a\rb", "c"], r"the id 'a\\rb' is read back as 'a\\nb'"),
        ([" a", "c"], r"the id ' a' is read back as 'a'"),
        ([("a", ""), ("b", "c")], r"the id \('a', ''\) cannot be read back"),
        (["a", "\ud800"], r"the id '\\ud800' cannot be read back"),
        (["a\0", "b"], r"the id 'a\\x00' cannot be read back"),
    ],
)
def test_ids_that_a_table_would_change_are_refused(tmp_path, ids, message):
    paths = Scanpaths.from_list([[[1, 2, 0.3]], [[4, 5, 0.6]]], ids=ids)
    with pytest.raises(ValueError, match=message):
        write_table(paths, tmp_path / "gaze.csv")
    assert not (tmp_path / "gaze.csv").exists()


@given(st.sets(st.text(max_size=6) | st.integers(-3, 3), min_size=1, max_size=4))
def test_ids_are_read_back_or_refused(tmp_path_factory, ids):
    names = sorted(ids, key=str)
    paths = Scanpaths.from_list([[[1, 2, 0.3]]] * len(names), ids=names)
    path = tmp_path_factory.mktemp("table") / "gaze.csv"
    try:
        write_table(paths, path)
    except ValueError:
        return
    assert read_scanpaths(path, verbose=False).ids == tuple(map(str, names))


NAMES = ["reader", "Reader", "participant", "subject_id", "observer", "READER_ID"]


@pytest.mark.parametrize("name", NAMES)
def test_readers_of_a_tidy_table_by_their_usual_names(tmp_path, name):
    rows = [("a", "anna", 1, 2, 0.1), ("a", "ben", 3, 4, 0.2), ("a", "anna", 5, 6, 0.3)]
    header = ("image_id", name, "x", "y", "duration")
    file = tmp_path / "gaze.csv"
    file.write_text("\n".join(",".join(map(str, row)) for row in (header, *rows)))
    table = {column: list(values) for column, values in zip(header, zip(*rows, strict=True), strict=True)}
    for paths in (
        read_scanpaths(file, verbose=False),
        read_scanpaths(table, verbose=False),
        read_scanpaths(table, on_bad_row="skip", verbose=False),
        Scanpaths.from_table(table),
    ):
        assert paths.ids == (("a", "anna"), ("a", "ben"))
        np.testing.assert_array_equal(paths[0], [[1, 2, 0.1], [5, 6, 0.3]])
    assert read_scanpaths(file, by=f"image_id,{name}", verbose=False).ids == ("a/anna", "a/ben")


def test_the_documented_column_of_readers_wins_and_others_are_told(tmp_path, capsys):
    file = tmp_path / "gaze.csv"
    file.write_text("image_id,reader,reader_id,x,y,duration\na,9,anna,1,2,0.1\na,9,ben,3,4,0.2\n")
    assert read_scanpaths(file, verbose=False).ids == (("a", "anna"), ("a", "ben"))
    file.write_text("image_id,reader,x,y,duration\na,anna,1,2,0.1\na,ben,3,4,0.2\n")
    read_scanpaths(file)
    assert "readers from 'reader'" in capsys.readouterr().err
    text = "image_id,Rater,x,y,duration\na,anna,1,2,0.1\na,ben,3,4,0.2\n"
    file.write_text(text)
    table = {"image_id": ["a"], "Rater": ["anna"], "x": [1], "y": [2], "duration": [0.1]}
    for place in (file, table):
        assert read_scanpaths(place).ids == ("a",)
        assert "column 'Rater' is not used: all rows of an image make one scanpath" in capsys.readouterr().err
    assert read_scanpaths(file, by="image_id,Rater").ids == ("a/anna", "a/ben")
    assert "not used" not in capsys.readouterr().err
