"""Tobii Pro Lab and Studio: rows of samples, each event once; units, encodings, decimal commas."""

from __future__ import annotations

import numpy as np
import pytest

from gazesim import read_scanpaths
from gazesim.io import read as read_file

PRO_LAB = [[400.5, 260.25, 0.233], [100, 50, 0.15]]


def test_every_event_counts_once_in_media_coordinates(read, capsys, fixtures):
    paths = read("prolab.tsv")
    assert paths.ids == (("knee 1.png", "P1"), ("knee 1.png", "P2"))
    np.testing.assert_array_equal(paths[0], PRO_LAB)
    assert paths.screen_size == (800, 600)
    read_scanpaths(fixtures / "prolab.tsv")
    said = capsys.readouterr().err
    assert "left out 1 fixations without a position, 1 fixations without a stimulus" in said
    assert "duration ms -> s" in said


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_encodings_and_line_ends(tmp_path, encoding, newline, fixtures):
    text = (fixtures / "prolab.tsv").read_text(encoding="utf-8-sig")
    (tmp_path / "export.tsv").write_bytes(text.replace("\n", newline).encode(encoding))
    np.testing.assert_array_equal(read_scanpaths(tmp_path / "export.tsv", verbose=False)[0], PRO_LAB)


def test_units_that_no_header_states(read):
    paths = read("prolab_unsuffixed.tsv")
    np.testing.assert_allclose(paths[0], [[962, 647, 0.233], [100, 200, 0.15]], rtol=1e-15)
    assert paths.screen_size == (1920, 1080)
    np.testing.assert_allclose(read("prolab_unsuffixed.tsv", time_unit="ms")[0][:, 2], [233, 150])


def test_studio(read):
    paths = read("studio.tsv")
    assert paths.ids == (("cxr.png", "P7"),)
    np.testing.assert_array_equal(paths[0], [[507, 447, 0.167], [600, 500, 0.65]])
    assert paths.screen_size == (1024, 1024)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            "400,5",
            "4x",
            r"prolab.tsv, line 4: column 'Fixation point X \[MCS px\]' is '4x'; expected a number",
        ),
        (
            "\t150\t4",
            "\t-150\t4",
            r"line 9: column 'Gaze event duration \[ms\]' is -150; expected at least 0",
        ),
        ("Gaze event duration [ms]", "Gaze event duration [h]", "is in h; expected ms"),
    ],
)
def test_bad_cells_are_named(edited, old, new, message):
    path = edited("prolab.tsv", old, new)
    with pytest.raises(ValueError, match=message):
        read_scanpaths(path, verbose=False)


def prolab(folder, fixtures, *changes):
    text = (fixtures / "prolab.tsv").read_text(encoding="utf-8-sig")
    for old, new in changes:
        assert text.count(old) >= 1
        text = text.replace(old, new)
    path = folder / "prolab.tsv"
    path.write_text(text)
    return path


def test_a_damaged_duration_leaves_no_fixation_behind(tmp_path, fixtures):
    path = prolab(tmp_path, fixtures, ("\t150\t4", "\tabc\t4"))
    with pytest.raises(ValueError, match=r"line 9: column 'Gaze event duration \[ms\]' is 'abc'; expected a"):
        read_scanpaths(path, verbose=False)
    found, report = read_file(path, on_bad_row="skip", verbose=False)
    assert found[0].tolist() == PRO_LAB[:1]
    assert report.left_out["damaged rows"] > 0
    assert report.rows == report.used + report.left_out.total() + report.others.total()
    assert report.used == report.fixations


def test_an_event_is_read_from_its_first_sound_row(tmp_path, fixtures):
    path = prolab(tmp_path, fixtures, ("400,5\t", "4x\t"))
    lines = path.read_text().splitlines(keepends=True)
    at = next(k for k, line in enumerate(lines) if "4x" in line)
    lines.insert(at + 1, lines[at].replace("4x", "400,5"))
    path.write_text("".join(lines))
    found, report = read_file(path, on_bad_row="skip", verbose=False)
    assert found[0].tolist() == PRO_LAB
    assert report.left_out["damaged rows"] >= 1


def test_an_empty_duration_is_counted(tmp_path, fixtures):
    found, report = read_file(prolab(tmp_path, fixtures, ("\t150\t4", "\t\t4")), verbose=False)
    assert found[0].tolist() == PRO_LAB[:1]
    assert report.left_out["fixations without a duration"] == 1
    assert report.used == report.fixations
