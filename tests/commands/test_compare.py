"""``gazesim compare`` on files, as a user would call it."""

from __future__ import annotations

import csv
import json

import numpy as np
import pytest

import gazesim
from gazesim import Scanpaths, compare_scanpaths, read_scanpaths
from gazesim.cli import main
from gazesim.io import write_table


@pytest.fixture
def files(rng, tmp_path):
    def write(name, readers, spread):
        ids = [(f"image {i}", f"{reader}") for i in range(5) for reader in range(readers)]
        gazes = [
            np.column_stack([rng.normal(20 + 10 * int(image[-1]), spread, (6, 2)), rng.random(6) + 0.1])
            for image, _ in ids
        ]
        write_table(Scanpaths.from_list(gazes, ids=ids), tmp_path / name)
        return str(tmp_path / name)

    return write("predicted.csv", 1, 6), write("human.csv", 3, 3)


def test_table_and_picture(files, tmp_path, capsys):
    out, plot = tmp_path / "table.csv", tmp_path / "plot.png"
    words = ["--out", str(out), "--plot", str(plot), "--screen_size", "80,80", "--shuffles", "2"]
    assert main(["compare", *files, *words]) == 0
    printed = capsys.readouterr()
    assert "multimatch_position               ↑  5" in printed.out
    assert "string_edit_distance" in printed.out
    assert "compared 5 predicted with 15 human scanpaths" in printed.err
    assert plot.read_bytes().startswith(b"\x89PNG")
    with out.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    sets = [read_scanpaths(file, screen_size=(80, 80), verbose=False) for file in files]
    expected = compare_scanpaths(*sets, shuffles=2)
    assert [row["measure"] for row in rows] == list(expected["measure"])
    for name in ("mean", "best_high", "human_best", "shuffled_mean"):
        np.testing.assert_array_equal([float(row[name] or "nan") for row in rows], expected[name])
    assert sorted(path.suffix for path in tmp_path.iterdir()) == [".csv", ".csv", ".csv", ".png"]


def test_pairs(files, tmp_path, capsys):
    out = tmp_path / "pairs.csv"
    words = ["--measures", "dtw_distance, frechet_distance", "--rows", "pair", "--out", str(out)]
    assert main(["compare", *files, *words, "--screen_size", "80,80"]) == 0
    assert len(out.read_text().splitlines()) == 1 + 2 * 15
    assert capsys.readouterr().out == ""


def test_what_is_left_out_is_one_line(files, tmp_path, capsys):
    gaze = read_scanpaths(files[1], screen_size=(80, 80), verbose=False)
    write_table(gaze[[name for name in gaze.ids if name[0] != "image 3"]], tmp_path / "fewer.csv")
    words = ["--screen_size", "80,80", "--measures", "multimatch", "--rows", "all"]
    assert main(["compare", files[0], str(tmp_path / "fewer.csv"), *words]) == 0
    printed = capsys.readouterr().err
    assert (
        "1 of 5 images have predicted, but no human scanpaths, such as 'image 3'; they are left out\n"
        in printed
    )
    assert "Warning" not in printed


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--measures", "multimach"], 'did you mean "multimatch"'),
        (["--parameters", '{"stde": {}}', "--measures", "multimatch"], "--parameters names 'stde'"),
        (["--rows", "pair", "--plot", "x.png"], "--plot is given with --rows pair"),
        (["--out", "no/such/folder/x.csv"], "lies in a folder that does not exist"),
        (["--measures", "recurrence"], "has no radius_px, which has no default"),
    ],
)
def test_mistakes_are_one_line(files, words, message, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(["compare", *files, "--screen_size", "80,80", *words]) == 1
    assert message in capsys.readouterr().err


def test_parameters(files, capsys):
    words = ["--measures", "recurrence", "--parameters", '{"recurrence": {"radius_px": 10}}', "--rows", "all"]
    assert main(["compare", *files, "--screen_size", "80,80", *words]) == 0
    assert "recurrence_det" in capsys.readouterr().out


def test_model_output_without_subjects_and_times(rng, tmp_path, capsys):
    """As scanpath models write it: a JSON list of name, X and Y, several scanpaths per image."""
    names = [f"{number:012d}.jpg" for number in range(4)]
    size = np.array([1680, 1050])

    def record(name, **more):
        x, y = (rng.random((2, 7)) * size[:, None]).round(1).tolist()
        return {"name": name, "X": x, "Y": y, **more}

    def times():
        return (rng.random(7) * 300 + 100).round().tolist()

    predicted = [record(name) for name in names for _ in range(2)]
    human = [record(name, subject=s, T=times(), length=7) for name in names for s in (1, 2, 3)]
    files = [tmp_path / "predicted.json", tmp_path / "human.json"]
    for file, records in zip(files, (predicted, human), strict=True):
        file.write_text(json.dumps(records))
    out = tmp_path / "table.csv"
    measures = (
        "multimatch, scanmatch, scanmatch_with_duration, string_edit_distance, sequence_score, stde, scasim"
    )
    words = ["--measures", measures, "--out", str(out), "--shuffles", "2"]
    words += ["--parameters", '{"sequence_score": {"bandwidth_px": 300}, "scasim": {"geometry": '
              '{"size_px": [1680, 1050], "size_cm": [47, 30], "distance_cm": 60}}}']  # fmt: skip
    assert main(["compare", *map(str, files), *words]) == 0
    told = capsys.readouterr()
    assert "8 entries have no subject; the scanpaths of an image are numbered" in told.err
    assert "no T, so every fixation counts 0.25 s" in told.err
    assert "compared 8 predicted with 12 human scanpaths" in told.err
    with out.open(newline="", encoding="utf-8") as file:
        rows = {row["measure"]: row for row in csv.DictReader(file) if row["level"] == "all"}
    # What needs durations is left out, and said to be.
    assert "multimatch_position" in rows
    assert "multimatch_duration" not in rows
    assert "scanmatch_with_duration" not in rows
    assert "scasim" not in rows
    assert "scanmatch_with_duration" in told.err
    # The numbers are those of the records, pair by pair.
    paths = [
        {name: [np.c_[r["X"], r["Y"], np.ones(7)] for r in records if r["name"] == name] for name in names}
        for records in (predicted, human)
    ]
    expected = [
        gazesim.stde(paths[1][name], paths[0][name], screen_size=tuple(size), norm="sum").mean()
        for name in names
    ]
    assert float(rows["stde"]["mean"]) == pytest.approx(np.mean(expected), abs=1e-9)
