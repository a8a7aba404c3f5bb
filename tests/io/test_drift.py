"""Drift: offsets given as numbers, in a table or by the file's validation, and the lines printed on them."""

from __future__ import annotations

import csv

import numpy as np
import pytest

from gazesim import read_scanpaths
from gazesim.cli import main
from gazesim.io.drift import validation_offset
from gazesim.io.sources import Source
from gazesim.reading.options import GazeOptions
from gazesim.reading.raw import read_raw
from gazesim.reading.source import read_placed

HEAD = "image_id,x,y,duration\n"
ASC = """MSG\t100 DISPLAY_COORDS 0 0 1279 1023
MSG\t100 !CAL VALIDATION HV5 L LEFT  POOR ERROR 2.1 avg. 3.0 max  OFFSET 2.0 deg. 99.0,99.0 pix.
MSG\t100 VALIDATE L POINT 0  LEFT  at 640,512  OFFSET 2.10 deg.  99.0,99.0 pix.
MSG\t200 !CAL VALIDATION HV5 LR LEFT  GOOD ERROR 0.27 avg. 0.83 max  OFFSET 0.11 deg. 3.7,2.4 pix.
MSG\t200 !CAL VALIDATION HV5 LR RIGHT GOOD ERROR 0.27 avg. 0.83 max  OFFSET 0.11 deg. 3.7,2.4 pix.
MSG\t200 VALIDATE LR POINT 0  LEFT  at 640,512  OFFSET 0.19 deg.  7.0,1.0 pix.
MSG\t200 VALIDATE LR 4POINT 0  RIGHT  at 640,512  OFFSET 0.19 deg.  20.0,30.0 pix.
MSG\t200 VALIDATE LR POINT 1  LEFT  at 640,159  OFFSET 0.12 deg.  4.0,-3.0 pix.
MSG\t300 TRIALID 1
EFIX L   400\t600\t200\t  140.0\t  132.0\t    791
EFIX L   700\t900\t200\t  640.0\t  500.0\t    791
MSG\t901 !CAL VALIDATION HV5 L LEFT  GOOD ERROR 0.27 avg. 0.83 max  OFFSET 0.11 deg. 50.0,50.0 pix.
MSG\t901 VALIDATE L POINT 0  LEFT  at 640,512  OFFSET 0.19 deg.  50.0,50.0 pix.
MSG\t902 TRIAL_RESULT 0
"""


@pytest.fixture
def table(tmp_path):
    file = tmp_path / "anna.csv"
    file.write_text(f"{HEAD}a,100,50,0.2\na,110,60,0.3\n")
    return file


def first(place, **options):
    return next(iter(read_raw(place, GazeOptions(**options)).scanpaths.values())).path


def test_a_given_offset_is_subtracted_and_told(table, capsys):
    np.testing.assert_allclose(first(table, offset="12,-8")[:, :2], [[88, 58], [98, 68]])
    np.testing.assert_allclose(first(table, offset="12,-8")[:, 2], [0.2, 0.3])
    lines = []
    read_placed(table, GazeOptions(offset="12,-8", screen_size=(200, 100)), say=lines.append)
    assert "drift 12,-8 px (given) subtracted from 1 of 1 scanpaths" in lines[0]
    assert len(lines) == 1


def test_a_table_has_an_offset_per_recording(table, tmp_path):
    (tmp_path / "gaze").mkdir()
    for name, x in (("anna", 100), ("bert", 200), ("cleo", 300)):
        (tmp_path / "gaze" / f"{name}.csv").write_text(f"{HEAD}{name},{x},50,0.2\n")
    offsets = tmp_path / "offsets.csv"
    offsets.write_text("recording,dx,dy\nanna,10,1\nbert.csv,-20,2\n")
    raw = read_raw(tmp_path / "gaze", GazeOptions(offset=str(offsets)))
    found = {key: one.path[0, :2].tolist() for key, one in raw.scanpaths.items()}
    assert found == {"anna": [90, 49], "bert": [220, 48], "cleo": [300, 50]}
    assert any("10,1 -20,2 px" in note and "from 2 of 3 scanpaths" in note for note in raw.report.notes)
    offsets.write_text("recording,dx,dy\nanna,10,1\nanna,1,1\n")
    with pytest.raises(ValueError, match=r"offsets.csv, line 3: names the recording 'anna' again"):
        first(table, offset=str(offsets))
    offsets.write_text("recording,dx,dy\nbert,10,1\n")
    with pytest.raises(ValueError, match=r"says nothing of its recordings, such as 'anna.csv'"):
        first(table, offset=str(offsets))


def test_readers_have_offsets_too(tmp_path):
    file, offsets = tmp_path / "all.csv", tmp_path / "offsets.csv"
    file.write_text("image_id,reader_id,x,y,duration\na,anna,100,50,0.2\na,bert,100,50,0.2\n")
    offsets.write_text("recording,dx,dy\nbert,10,0\n")
    raw = read_raw(file, GazeOptions(offset=str(offsets)))
    assert {key[1]: one.path[0, 0] for key, one in raw.scanpaths.items()} == {"anna": 100, "bert": 90}


def test_the_validation_before_the_first_fixation_counts(tmp_path):
    file = tmp_path / "trial.asc"
    file.write_text(ASC)
    np.testing.assert_allclose(first(file, offset="validation")[:, :2], [[134.5, 133], [634.5, 501]])
    assert validation_offset(Source(file), None) == (5.5, -1.0)
    assert validation_offset(Source(file), "right") == (20.0, 30.0)
    assert validation_offset(Source(file), "average") == pytest.approx((31 / 3, 28 / 3))
    plain = tmp_path / "plain.asc"
    plain.write_text("\n".join(line for line in ASC.splitlines() if "VALID" not in line))
    with pytest.raises(ValueError, match="says nothing of its recordings"):
        first(plain, offset="validation")


def test_a_real_validation(shared):
    file = shared / "data" / "pymovements_examples" / "eyelink_monocular_example.asc"
    found = validation_offset(Source(file), None)
    # Targets count alike here; the tracker's own mean of 3.7,2.4 px weighs the middle more.
    assert found == pytest.approx((12.6 / 9, 18.0 / 9))


@pytest.mark.parametrize("given", ["12", "a,b", "1,2,3", "nowhere.csv"])
def test_what_is_no_offset_is_refused(table, given):
    with pytest.raises(ValueError, match=r"offset is .*; expected dx,dy"):
        first(table, offset=given)


@pytest.mark.parametrize("offset", ["12,-8", (12, -8), [12.0, -8.0]])
@pytest.mark.parametrize("place", [{}, {"placement": "native", "image_size": (200, 100)}])
def test_read_scanpaths_takes_it(table, place, offset, capsys):
    found = read_scanpaths(table, offset=offset, screen_size=(200, 100), **place)
    np.testing.assert_allclose(found["a"], [[88, 58, 0.2], [98, 68, 0.3]])
    assert "drift 12,-8 px (given) subtracted from 1 of 1 scanpaths" in capsys.readouterr().err


def test_read_scanpaths_takes_tables_and_validations(table, tmp_path, capsys):
    offsets = tmp_path / "offsets.csv"
    offsets.write_text("recording,dx,dy\nanna,10,1\n")
    assert read_scanpaths(table, offset=offsets)["a"][0, :2].tolist() == [90, 49]
    assert f"drift 10,1 px ({offsets})" in capsys.readouterr().err
    offsets.write_text("recording,dx,dy\nbert,10,1\n")
    with pytest.raises(ValueError, match=r"says nothing of its recordings, such as 'anna.csv'"):
        read_scanpaths(table, offset=offsets)
    trial = tmp_path / "trial.asc"
    trial.write_text(ASC)
    found = read_scanpaths(trial, offset="validation", verbose=False)
    np.testing.assert_allclose(found[0][:, :2], [[134.5, 133], [634.5, 501]])
    frame = {"image_id": ["a"], "x": [100.0], "y": [50.0], "duration": [0.2]}
    assert read_scanpaths(frame, offset=(12, -8), verbose=False)["a"].tolist() == [[88, 58, 0.2]]
    with pytest.raises(ValueError, match=r"offset is 'validation', which says nothing"):
        read_scanpaths(frame, offset="validation", verbose=False)


@pytest.mark.parametrize(("unit", "scale"), [("percent", 100), ("fraction", 1), ("px", 200)])
def test_an_offset_is_in_the_unit_of_the_file(unit, scale, tmp_path):
    """A tenth of the width, in percent, as a fraction and in pixels of a screen of 200 x 200."""
    file = tmp_path / "gaze.csv"
    file.write_text(f"{HEAD}a,{0.5 * scale},{0.5 * scale},0.2\na,{0.6 * scale},{0.5 * scale},0.2\n")
    options = {"coord_unit": unit, "offset": f"{0.1 * scale},0", "screen_size": (200, 200)}
    expected = [[80, 100], [100, 100]]
    np.testing.assert_allclose(read_scanpaths(file, **options, verbose=False)["a"][:, :2], expected)
    np.testing.assert_allclose(read_placed(file, GazeOptions(**options)).paths["a"][:, :2], expected)


@pytest.mark.parametrize("given", ["12", (1, 2, 3), (1, "a"), 5, (1, float("nan"))])
def test_read_scanpaths_refuses_what_is_no_offset(table, given):
    with pytest.raises(ValueError, match=r"offset is .*; expected dx,dy"):
        read_scanpaths(table, offset=given)


def test_the_command_takes_it(tmp_path, capsys):
    file = tmp_path / "two.csv"
    with file.open("w", newline="") as lines:
        rows = [(name, x, x, 0.2) for name in "ab" for x in (40, 60, 80)]
        csv.writer(lines).writerows([("image_id", "x", "y", "duration"), *rows])
    words = ["affinity", str(file), "--screen_size", "200,200", "--scheme", "multimatch"]
    assert main([*words, "--offset", "5,5", "--out", str(tmp_path / "a.npy"), "--plot", "null"]) == 0
    assert "drift 5,5 px (given) subtracted from 2 of 2 scanpaths" in capsys.readouterr().err
