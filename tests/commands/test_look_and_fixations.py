"""``gazesim look`` and ``gazesim fixations``."""

from __future__ import annotations

import numpy as np
import pytest

from gazesim import read_scanpaths
from gazesim.cli import main


def samples(folder, name="rec.csv", images=("a.png", "b.png")):
    """Write a recording of two images at 100 Hz, with two fixations of 0.3 s on each."""
    rows = ["image_id,time,x,y"]
    for number, image in enumerate(images):
        for k in range(60):
            x = 200 + 300 * (k >= 30)
            rows.append(f"{image},{(number * 60 + k) * 10},{x},{x / 2}")
    (folder / name).write_text("\n".join(rows))
    return folder / name


def test_look_explains_a_file(fixtures, capsys, tmp_path):
    path = fixtures / "cases" / "dataviewer_both_eyes.txt"
    assert main(["look", str(path), "--eye", "right", "--plot", str(tmp_path / "p.png")]) == 0
    said = "".join(capsys.readouterr())
    for words in (
        "format        dataviewer: Data Viewer fixation report (detected)",
        "columns       RECORDING_SESSION_LABEL, TRIAL_INDEX, EYE_USED",
        "eyes          left 2, right 2",
        "time          ms; the median fixation lasts 0.2 s",
        "units         plausible",
        "rows          4: 2 used, 2 left out, 0 others",
        "left out      2 fixations of the left eye",
        f"affinity {path} --eye right",
    ):
        assert words in said
    assert (tmp_path / "p.png").stat().st_size > 1000


def test_look_warns_of_units(tmp_path, capsys):
    path = tmp_path / "gaze.csv"
    path.write_text("image_id,x,y,duration\na,100,200,180\na,300,400,220\n")
    assert main(["look", str(path)]) == 0
    said = "".join(capsys.readouterr())
    assert "units         unlikely, see below" in said
    assert 'durations look like ms: time_unit="ms"' in said


def test_look_explains_samples_and_says_what_reads_them(tmp_path, capsys):
    path = samples(tmp_path)
    assert main(["look", str(path)]) == 0
    said = "".join(capsys.readouterr())
    assert "recording     rec: 120 samples, 100 Hz" in said
    assert "images        2: a.png, b.png" in said
    assert f"fixations {path} --out fixations.csv" in said


def test_look_at_what_is_no_gaze(tmp_path, capsys):
    (tmp_path / "notes.txt").write_text("nothing to see\n")
    assert main(["look", str(tmp_path / "notes.txt")]) == 1
    assert "is of no known format" in capsys.readouterr().err
    assert main(["look", str(tmp_path / "nothing")]) == 1
    assert "does not exist" in capsys.readouterr().err


def test_fixations_make_a_table_that_is_read_back(tmp_path, capsys):
    path, out, plot = samples(tmp_path), tmp_path / "out.csv", tmp_path / "out.png"
    arguments = ["--out", str(out), "--plot", str(plot), "--screen_size", "1920,1080"]
    assert main(["fixations", str(path), *arguments]) == 0
    said = capsys.readouterr()
    assert "gaze samples" in said.err
    assert "a.png" in said.out
    assert "wrote" in said.out
    paths = read_scanpaths(out, verbose=False)
    assert paths.ids == ("a.png", "b.png")
    np.testing.assert_allclose(paths.values[:, :2], [[200, 100], [500, 250]] * 2, atol=1)
    assert plot.stat().st_size > 1000
    assert sorted(file.name for file in tmp_path.iterdir()) == ["out.csv", "out.png", "rec.csv"]


def test_several_exports(tmp_path, capsys):
    one, two = samples(tmp_path, "ann.csv"), samples(tmp_path, "ben.csv")
    out = tmp_path / "out.csv"
    assert main(["fixations", str(one), str(two), "--out", str(out), "--screen_size", "1920,1080"]) == 0
    capsys.readouterr()
    assert set(read_scanpaths(out, verbose=False).ids) == {
        ("a.png", "ann"), ("b.png", "ann"), ("a.png", "ben"), ("b.png", "ben"),
    }  # fmt: skip


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--minimum_duration", "5"], "no fixation was found"),
        (["--method", "hmm"], "method is 'hmm'; expected"),
        (["--out", "nowhere/out.csv"], "is in a folder that does not exist"),
        (["--columns", "time=t,x=x,y=y"], "holds no gaze samples"),
    ],
)
def test_bad_options_leave_no_file(tmp_path, capsys, monkeypatch, arguments, words):
    monkeypatch.chdir(tmp_path)
    path = samples(tmp_path)
    text = path.read_text().replace(",200,", ",201,", 1)
    path.write_text(text)
    status = main(["fixations", str(path), "--screen_size", "1920,1080", *arguments])
    said = capsys.readouterr().err
    assert status == 1
    assert words in said
    assert [file.name for file in tmp_path.iterdir()] == ["rec.csv"]
