"""Folders of gaze samples: which files are read, and which are named because they are not."""

from __future__ import annotations

import gzip
import json
import shutil
import zipfile
from pathlib import Path

import numpy as np
import pytest

from gazesim.cli import main
from gazesim.io import find_fixations

SCREEN = (800, 600)


def recording(path: Path, image: str = "a") -> Path:
    """Write two fixations of 0.5 s at 100 Hz."""
    rows = [f"{image},{k * 10},{160 if k < 50 else 640},{120 if k < 50 else 480}" for k in range(100)]
    path.write_text("\n".join(["image_id,time,x,y", *rows]) + "\n")
    return path


def bids(folder: Path, name: str) -> Path:
    rows = [f"{160 if k < 50 else 640}\t{120 if k < 50 else 480}" for k in range(100)]
    path = folder / f"{name}_physio.tsv.gz"
    path.write_bytes(gzip.compress("\n".join(rows).encode()))
    sidecar = {"Columns": ["x_coordinate", "y_coordinate"], "SamplingFrequency": 100}
    (folder / f"{name}_physio.json").write_text(json.dumps(sidecar))
    (folder / f"{name}_events.tsv").write_text(f"onset\tduration\tstim_file\n0\t2\t{name[-1]}.png\n")
    return path


def found_in(place: Path, **options: object) -> tuple[list[object], dict[str, str], list[str]]:
    found, report = find_fixations(place, screen_size=SCREEN, verbose=False, **options)
    for path in found:
        np.testing.assert_allclose(path[:, :2], [[160, 120], [640, 480]])
    return list(found.ids), {Path(file).name: why for file, why in report.unread.items()}, report.notes


def test_neighbours_of_samples_are_named_or_counted(tmp_path, fixtures):
    for name in "ab":
        recording(tmp_path / f"{name}.csv", name)
    (tmp_path / "README.txt").write_text("gaze of two images\n")
    (tmp_path / "empty.csv").write_text("")
    shutil.copy(fixtures / "tidy.csv", tmp_path)
    shutil.copy(fixtures / "trials.asc", tmp_path)  # events without samples
    (tmp_path / "notes.txt").write_text("ann,31\n")
    with zipfile.ZipFile(tmp_path / "images.zip", "w") as archive:
        archive.writestr("1.png", b"")
        archive.writestr("2.png", b"")
    ids, unread, notes = found_in(tmp_path)
    assert ids == ["a", "b"]
    assert unread == {
        "empty.csv": "is empty",
        "images.zip": "is a zip of 2 files (1.png, 2.png)",
        "notes.txt": "holds no gaze samples",
        "tidy.csv": "is of another format (tidy table)",
        "trials.asc": "holds no gaze samples",
    }
    aside = next(note for note in notes if note.startswith("left aside 5 files not read (empty.csv, "))
    assert aside.endswith("1 file without gaze (README.txt)")
    ids, unread, _ = found_in(tmp_path, columns="time=time,x=x,y=y,image=image_id")
    assert ids == ["a", "b"]
    assert set(unread) == {"empty.csv", "images.zip", "notes.txt", "tidy.csv", "trials.asc"}


def test_recordings_of_bids_have_sidecars_beside_them(tmp_path):
    for name in ("sub-01_task-a", "sub-02_task-b"):
        bids(tmp_path, name)
    (tmp_path / "participants.tsv").write_text("participant_id\tage\nsub-01\t31\n")
    (tmp_path / "sub-01_task-a_recording-pulse_physio.tsv").write_text("1.0\n2.0\n")
    pulse = {"Columns": ["cardiac"], "SamplingFrequency": 100}
    (tmp_path / "sub-01_task-a_recording-pulse_physio.json").write_text(json.dumps(pulse))
    recording(tmp_path / "rec.csv")
    ids, unread, notes = found_in(tmp_path)
    assert ids == [("a.png", "sub-01"), ("b.png", "sub-02")]
    assert unread == {
        "rec.csv": "is no _physio file of the BIDS data set",
        "sub-01_task-a_recording-pulse_physio.tsv": "holds no gaze samples",
    }
    assert any("6 files without gaze" in note for note in notes)


def test_samples_are_preferred_to_the_fixations_of_their_recording(tmp_path):
    rows = [f"a.png,{k / 100},{0.2 if k < 50 else 0.8},{0.2 if k < 50 else 0.8},0,0,1,1" for k in range(100)]
    text = "\n".join(["MEDIA_NAME,TIME(2021),FPOGX,FPOGY,FPOGS,FPOGD,FPOGID,FPOGV", *rows])
    for name in ("User 0_all_gaze.csv", "User 0_fixations.csv", "User 1_fixations.csv"):
        (tmp_path / name).write_text(text)
    ids, unread, notes = found_in(tmp_path)
    assert len(ids) == 1
    assert unread == {"User 1_fixations.csv": "holds fixations alone"}
    assert any("1 file of the same recordings (User 0_fixations.csv)" in note for note in notes)


def test_a_folder_without_samples_is_one_clear_error(tmp_path, fixtures, capsys):
    shutil.copy(fixtures / "tidy.csv", tmp_path)
    with pytest.raises(
        ValueError, match=r"holds 1 files, none of gaze samples; 1 file was not read: tidy\.csv is"
    ):
        find_fixations(tmp_path)
    (tmp_path / "tidy.csv").unlink()
    for verb in (["fixations", str(tmp_path), "--out", str(tmp_path / "out.csv")], ["look", str(tmp_path)]):
        assert main(verb) == 1
        said = "".join(capsys.readouterr())
        assert "holds no file that may hold gaze; expected files that end in .arrow, .asc, .csv" in said
        assert "IndexError" not in said


def test_look_takes_the_first_file_of_samples(tmp_path, capsys):
    (tmp_path / "README.txt").write_text("gaze of one image\n")
    recording(tmp_path / "rec.csv")
    assert main(["look", str(tmp_path)]) == 0
    said = "".join(capsys.readouterr())
    assert "recording     rec: 100 samples, 100 Hz" in said
    assert f"fixations {tmp_path} --out fixations.csv" in said


@pytest.mark.parametrize("ending", [".csv.gz", ".zip"])
def test_a_damaged_archive_is_refused(tmp_path, ending):
    recording(tmp_path / "a.csv")
    whole = gzip.compress((tmp_path / "a.csv").read_bytes())
    if ending == ".zip":
        whole = b"PK\3\4 damaged"
    (tmp_path / f"b{ending}").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ValueError, match=rf"b{ending}.* is damaged|b{ending}: is a damaged"):
        find_fixations(tmp_path)
