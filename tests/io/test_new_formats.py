"""Pupil Labs, BeGaze statistics, output of scanpath models, packed files, frames, and any other table."""

from __future__ import annotations

import gzip
import zipfile

import numpy as np
import pytest

from gazesim import Scanpaths, read_scanpaths
from gazesim.io import read


def test_pupil_cloud(fixtures):
    plain = read(fixtures / "pupil_cloud" / "fixations.csv", verbose=False)
    assert plain.scanpaths.ids == (("pupil_cloud", "r1"),)
    np.testing.assert_array_equal(plain.scanpaths[0], [[812.5, 600.25, 0.2], [900, 610, 0.25]])
    assert any("moving scene camera" in warning for warning in plain.report.warnings)
    mapped = read(fixtures / "pupil_cloud" / "enrichment" / "fixations.csv", verbose=False)
    assert mapped.scanpaths.ids == (("enrichment", "r1"), ("enrichment", "r2"))
    np.testing.assert_array_equal(mapped.scanpaths.values, [[120.5, 60.25, 0.2], [130, 70, 0.3]])
    assert mapped.report.left_out == {"fixations that are not on the image": 1}
    assert not mapped.report.warnings


def test_pupil_player(fixtures):
    folder = fixtures / "pupil_player"
    surface = read(folder / "fixations_on_surface_Poster.csv", screen_size=(800, 400), verbose=False)
    assert surface.scanpaths.ids == ("Poster",)
    np.testing.assert_allclose(surface.scanpaths[0], [[200, 100, 0.2205]])
    assert surface.report.others == {"rows that repeat a fixation": 1}
    with pytest.raises(ValueError, match="coordinates are in fraction; expected screen_size="):
        read_scanpaths(folder / "fixations_on_surface_Poster.csv")
    scene = read_scanpaths(folder / "fixations.csv", verbose=False)
    np.testing.assert_allclose(scene["pupil_player"], [[320, 180, 0.2205]])


def test_event_statistics_of_begaze(read):
    paths = read("smi_statistics.txt")
    assert paths.ids == (("a.jpg (trial Trial001)", "P1"), ("a.jpg (trial Trial002)", "P1"))
    np.testing.assert_array_equal(paths.values, [[500.5, 400, 0.2], [100, 90, 0.25]])
    both = read("smi_statistics.txt", eye="average")
    np.testing.assert_allclose(both[0], [[503.5, 401, 0.197]])


def test_output_of_scanpath_models(read, fixtures, capsys):
    paths = read("model_output.json")
    assert paths.ids == (("b.jpg", "scanpath 1"), ("b.jpg", "scanpath 2"), ("c.jpg", "scanpath 1"))
    np.testing.assert_array_equal(paths[0], [[10, 20, 0.25], [200.5, 100, 0.25]])
    read_scanpaths(fixtures / "model_output.json")
    said = capsys.readouterr().err
    assert "no T, so every fixation counts 0.25 s" in said
    assert "3 entries have no subject" in said


def test_null_is_a_missing_value(tmp_path):
    path = tmp_path / "gaze.json"
    path.write_text(
        '[{"name": "a", "subject": 1, "X": [1, null, 5, -9], "Y": [2, 3, 6, -9], "T": [0.2, 0.3, null, 0.1]}]'
    )
    reading = read(path, missing=(-9, -9), verbose=False)
    np.testing.assert_array_equal(reading.scanpaths[0], [[1, 2, 0.2]])
    assert reading.report.left_out == {"fixations without a position": 2, "fixations without a duration": 1}
    assert reading.report.rows == 4
    path.write_text(path.read_text()[:-1] + ', {"name": "b", "subject": 1, "X": ["z"], "Y": [1], "T": [1]}]')
    reading = read(path, on_bad_row="skip", verbose=False)
    assert reading.report.left_out["damaged entries"] == 1
    with pytest.raises(ValueError, match=r"entry 1 .*'z'; expected a finite number"):
        read(path)


def test_a_folder_with_other_archives(tmp_path, fixtures):
    (tmp_path / "a.csv").write_bytes((fixtures / "tidy.csv").read_bytes())
    with zipfile.ZipFile(tmp_path / "b.zip", "w") as archive:
        archive.writestr("1.png", b"")
        archive.writestr("2.png", b"")
    assert len(read_scanpaths(tmp_path, verbose=False)) == 3
    (tmp_path / "b.zip").write_bytes(b"PK\3\4 damaged")
    with pytest.raises(ValueError, match=r"b\.zip: is a damaged zip file"):
        read_scanpaths(tmp_path, verbose=False)


def test_packed_files(fixtures, tmp_path, read):
    text = (fixtures / "trials.asc").read_bytes()
    (tmp_path / "trials.asc.gz").write_bytes(gzip.compress(text))
    with zipfile.ZipFile(tmp_path / "export.zip", "w") as archive:
        archive.writestr("folder/trials.asc", text)
    for name in ("trials.asc.gz", "export.zip"):
        assert read(tmp_path / name) == read("trials.asc")
    with zipfile.ZipFile(tmp_path / "export.zip", "a") as archive:
        archive.writestr("other.asc", text)
    with pytest.raises(ValueError, match=r"export\.zip: is a zip of 2 files .*; expected one"):
        read(tmp_path / "export.zip")
    data = gzip.compress(text)
    (tmp_path / "trials.asc.gz").write_bytes(data[: len(data) // 2])
    with pytest.raises(ValueError, match=r"trials\.asc\.gz.*damaged"):
        read(tmp_path / "trials.asc.gz")
    (tmp_path / "trials.asc.gz").write_bytes(data[:20])
    with pytest.raises(ValueError, match=r"trials\.asc\.gz.*damaged"):
        read(tmp_path / "trials.asc.gz")


def test_binary_recordings_are_refused_with_the_command(tmp_path):
    (tmp_path / "s1.edf").write_bytes(b"SR_RESEARCH_COMBINED_FILE\0\1\2")
    with pytest.raises(ValueError, match=r"s1\.edf: is a binary EyeLink EDF file; .* edf2asc s1\.edf"):
        read_scanpaths(tmp_path / "s1.edf")


@pytest.mark.parametrize("ending", ["parquet", "feather"])
def test_frames_in_files(tmp_path, ending):
    frames = pytest.importorskip("pandas")
    tidy = frames.DataFrame(
        {"image_id": ["a", "a"], "x": [1.5, np.nan], "y": [2, 3], "duration": [0.25, 0.5]}
    )
    path = tmp_path / f"gaze.{ending}"
    getattr(tidy, f"to_{ending}")(path)
    reading = read(path, verbose=False)
    np.testing.assert_array_equal(reading.scanpaths["a"], [[1.5, 2, 0.25]])
    assert reading.report.left_out == {"fixations without a position": 1}
    other = frames.DataFrame({"stim": ["b"], "gx": [10], "gy": [20], "dur": [300]})
    getattr(other, f"to_{ending}")(path)
    found = read_scanpaths(path, columns="x=gx,y=gy,duration=dur,image=stim", time_unit="ms", verbose=False)
    np.testing.assert_array_equal(found["b"], [[10, 20, 0.3]])
    with pytest.raises(ValueError, match=rf"gaze\.{ending}: .* columns='x=gx,y=gy,duration=dur,image=stim'"):
        read_scanpaths(path)
    data = path.read_bytes()
    path.write_bytes(data[:12] + b"\0" * 40)
    with pytest.raises(ValueError, match=rf"gaze\.{ending}: is damaged"):
        read_scanpaths(path)


def test_any_table_with_its_columns_named(tmp_path, capsys):
    path = tmp_path / "lab.csv"
    path.write_text(
        "stim;viewer;gx;gy;dur;note\na;p1;10,5;20;200;x\na;p1;.;.;100;\nb;p1;30;40;;\nb;p2;50;60;180;\n"
    )
    columns = "x=gx,y=gy,duration=dur,image=stim,reader=viewer"
    reading = read(path, columns=columns, time_unit="ms", verbose=False)
    assert reading.scanpaths.ids == (("a", "p1"), ("b", "p2"))
    np.testing.assert_array_equal(reading.scanpaths.values, [[10.5, 20, 0.2], [50, 60, 0.18]])
    left = {"fixations without a position": 1, "fixations without a duration": 1}
    assert reading.report.left_out == left
    assert read_scanpaths(path, columns=columns) == reading.scanpaths
    assert "'dur' has the median 190, so it is in ms" in capsys.readouterr().err
    with pytest.raises(ValueError, match=r"--columns \"x=gx,y=gy,duration=dur,image=stim,reader=viewer\""):
        read_scanpaths(path)
    with pytest.raises(ValueError, match="columns names the role 'xx'; expected"):
        read_scanpaths(path, columns="xx=gx,y=gy")
    with pytest.raises(ValueError, match="columns gives no column for y"):
        read_scanpaths(path, columns="x=gx,duration=dur")
    with pytest.raises(ValueError, match="expected a header with the columns gz, gy, dur"):
        read_scanpaths(path, columns={"x": "gz", "y": "gy", "duration": "dur"})
    path.write_text("x,y,begin,finish\n1,2,0.5,0.75\n3,4,0.9,1.2\n")
    paths = read_scanpaths(path, columns="x=x,y=y,start=begin,end=finish", verbose=False)
    np.testing.assert_allclose(paths["lab"], [[1, 2, 0.25], [3, 4, 0.3]])


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"time_unit": "s"}, 'durations look like ms: time_unit="ms"'),
        ({"time_unit": "us"}, 'durations look like ms: time_unit="ms"'),
        ({"time_unit": "ms", "screen_size": (100, 100)}, "of the fixations lie outside of 100 x 100 px"),
        ({"time_unit": "ms", "coord_unit": "fraction", "screen_size": (800, 600)}, 'coord_unit="px"'),
    ],
)
def test_unlikely_units_are_warned_of(read, fixtures, capsys, options, words):
    read_scanpaths(fixtures / "events.csv", **options)
    said = capsys.readouterr().err
    assert "warning: " in said
    assert words in said


def test_fractions_taken_as_pixels(tmp_path, capsys):
    path = tmp_path / "gaze.csv"
    path.write_text("image_id,x,y,duration\na,0.5,0.25,0.2\na,0.75,0.5,0.3\n")
    read_scanpaths(path)
    assert 'they look like fractions: coord_unit="fraction"' in capsys.readouterr().err
    path.write_text("image_id,x,y,duration\na,500,250,0.2\na,750,500,0.3\n")
    read_scanpaths(path)
    assert "warning" not in capsys.readouterr().err


def test_nothing_left_is_an_error(tmp_path):
    path = tmp_path / "gaze.csv"
    path.write_text("image_id,x,y,duration\na,,,0.2\n")
    with pytest.raises(ValueError, match="no fixation is left: left out 1 fixations without a position"):
        read_scanpaths(path)


@pytest.mark.parametrize("nothing", [None, float("nan"), np.float64("nan"), ""])
def test_an_image_without_a_name_is_refused(nothing):
    table = {"image_id": ["a", nothing], "x": [1, 2], "y": [3, 4], "duration": [0.1, 0.2]}
    with pytest.raises(ValueError, match="image_id"):
        read_scanpaths(table, verbose=False)
    with pytest.raises(ValueError, match="image_id"):
        Scanpaths.from_table(table)
