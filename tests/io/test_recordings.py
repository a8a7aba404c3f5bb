"""Recordings as labs make them: several images in one file, eyes that change, markers, glasses."""

from __future__ import annotations

import numpy as np
import pytest

from gazesim import read_scanpaths
from gazesim.io import read

#: file, expected scanpaths, words that must be said
CASES = [
    ("dataviewer_both_eyes.txt", {("1", "P01"): [[100.5, 200, 0.21], [400, 220, 0.19]]}, "left eye"),
    (
        "eyelink_display_coords.asc",
        {("block 1", ""): [[100, 200, 0.2]], ("block 2", ""): [[500, 600, 0.2]]},
        "px of 1920 x 1080",
    ),
    (
        "eyelink_eye_switch.asc",
        {
            ("a.png", ""): [[100, 200, 0.2], [400, 200, 0.2]],
            ("b.png", ""): [[500, 600, 0.2], [700, 600, 0.2]],
        },
        "left 1, right 1",
    ),
    ("eyelink_missing_end.asc", {("1", ""): [[100, 200, 0.2]], ("2", ""): [[300, 200, 0.2]]}, "2 scanpaths"),
    (
        "eyelink_trials_in_one_recording.asc",
        {("a.png", ""): [[100, 200, 0.2]], ("b.png", ""): [[500, 600, 0.2], [550, 610, 0.11]]},
        "2 scanpaths",
    ),
    (
        "gazepoint_user_markers.tsv",
        {("0", ""): [[979.2, 540, 0.03], [384, 540, 0.05]]},
        "USER holds 2 markers, such as 'START_TRIAL 1' (by= splits)",
    ),
    (
        "pymovements_nan_location.csv",
        {"1": [[100, 200, 0.2], [300, 250, 0.18]]},
        "left out 1 fixations without a position",
    ),
    (
        "smi_eye_switch.txt",
        {
            ("pic.jpg (trial 1)", "S1"): [[996.68, 569.56, 0.159096]],
            ("pic.jpg (trial 2)", "S1"): [[996.68, 569.56, 0.159096]],
        },
        "left 1, right 1",
    ),
    (
        "tobii_empty_stimulus.tsv",
        {("tobii_empty_stimulus", "P1"): [[300, 400, 0.2], [500, 400, 0.18]]},
        "is empty, so the image is named by the file",
    ),
    ("tobii_glasses_mapped.tsv", {("snap", "P1"): [[1213, 735, 0.922]]}, "not of the scene camera"),
]


@pytest.mark.parametrize(("name", "expected", "words"), CASES)
def test_cases(fixtures, capsys, name, expected, words):
    paths = read_scanpaths(fixtures / "cases" / name)
    stem = name.partition(".")[0]
    wanted = {
        key if isinstance(key, str) else (key[0], key[1] or stem): rows for key, rows in expected.items()
    }
    assert paths.ids == tuple(wanted)
    for key, rows in wanted.items():
        np.testing.assert_allclose(paths[key], rows, rtol=1e-12)
    assert words in capsys.readouterr().err


@pytest.mark.parametrize("name", [name for name, _, _ in CASES])
def test_every_row_is_accounted_for(fixtures, name):
    report = read(fixtures / "cases" / name, verbose=False).report
    assert report.rows == report.used + report.left_out.total() + report.others.total()
    text = (fixtures / "cases" / name).read_text()
    lines = len(text.splitlines()) if report.format in ("eyelink",) else None
    assert lines is None or report.rows == lines


def test_head_referenced_angles_are_refused(fixtures):
    with pytest.raises(ValueError, match=r"line 9: is in HREF coordinates .*; expected GAZE"):
        read_scanpaths(fixtures / "cases" / "eyelink_href.asc")


def test_the_other_eye_of_a_report(fixtures):
    path = fixtures / "cases" / "dataviewer_both_eyes.txt"
    right = read_scanpaths(path, eye="right", verbose=False)
    np.testing.assert_array_equal(right["1", "P01"], [[103.5, 201, 0.208], [402, 221, 0.192]])
    mean = read_scanpaths(path, eye="average", verbose=False)
    np.testing.assert_allclose(mean["1", "P01"], [[102, 200.5, 0.209], [401, 220.5, 0.191]])
    best = read_scanpaths(path, eye="best", verbose=False)
    assert len(best["1", "P01"]) == 2
