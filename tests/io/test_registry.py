"""Formats and counts of the real files, and messages for all other files."""

from __future__ import annotations

import gzip
import shutil
import zipfile
from pathlib import Path

import numpy as np
import pytest

from gazesim import Scanpaths, read_scanpaths
from gazesim.io import find_fixations, read
from gazesim.reading.options import GazeOptions
from gazesim.reading.raw import read_raw

# path, format in the message, scanpaths, fixations: as SOURCE.txt of each folder says
REAL = [
    ("siim_cxr_gaze/cxr_gaze_data_125.json", "SIIM CXR-P", 125, 5286),
    ("siim_cxr_gaze", "SIIM CXR-P", 125, 5286),
    ("multimatch_studyforrest/fixvectors", "multimatch", 110, 3402),
    ("multimatch_studyforrest/fixvectors/segment_10_sub-19.tsv", "multimatch", 1, 28),
    ("multimatch_studyforrest/sp-46.csv", "multimatch", 1, 10),
    ("multimatch_studyforrest/remodnav_samples", "REMoDNaV", 2, 26),
    ("osie/fixations.mat", "OSIE", 10500, 98321),
    ("emdat_vendor_exports/TobiiV2_P61-Fixation-Data.tsv", "Tobii Studio", 1, 4664),
    ("emdat_vendor_exports/TobiiV2_P62-Fixation-Data.tsv", "Tobii Studio", 1, 1482),
    ("emdat_vendor_exports/Tobii4C_4Ctest_fixation.csv", "Tobii 4C", 1, 14),
    ("emdat_vendor_exports/SMI_SMI_Sample_67_Events.txt", "SMI BeGaze", 1, 5271),
    ("pymovements_examples/18sat_fixfinal.csv", "Data Viewer", 1, 112),
    ("pymovements_examples/eyelink_binocular_example.asc", "EyeLink", 1, 2),
    ("pymovements_examples/eyelink_monocular_example.asc", "EyeLink", 2, 2),
    ("pymovements_examples/eyelink_monocular_2khz_example.asc", "EyeLink", 2, 2),
    ("pymovements_examples/eyelink_monocular_no_dummy_example.asc", "EyeLink", 1, 2),
]


@pytest.mark.parametrize(("name", "title", "scanpaths", "fixations"), REAL)
def test_documented_counts_and_tidy_round_trip(shared, capsys, name, title, scanpaths, fixations):
    paths = read_scanpaths(shared / "data" / name)
    said = capsys.readouterr().err
    assert said.startswith("gazesim: ")
    assert title in said
    assert f"{scanpaths:,} scanpaths, {fixations:,} fixations" in said
    assert (len(paths), len(paths.values)) == (scanpaths, fixations)
    assert Scanpaths.from_table(paths.to_table(), screen_size=paths.screen_size) == paths


def test_unknown_file_is_refused(tmp_path):
    (tmp_path / "notes.txt").write_text("nothing to see\n")
    with pytest.raises(ValueError, match=r"notes\.txt: is of no known format"):
        read_scanpaths(tmp_path / "notes.txt")
    with pytest.raises(ValueError, match="holds 1 files, none of a known format; expected gaze files"):
        read_scanpaths(tmp_path)
    with pytest.raises(FileNotFoundError, match="does not exist"):
        read_scanpaths(tmp_path / "nothing")


#: Samples without events, of eight makers and layouts.
SAMPLES = [
    "emdat_vendor_exports/Tobii4C_4Ctest.csv",
    "pymovements_examples/binocular_example.csv",
    "pymovements_examples/didec_example.txt",
    "pymovements_examples/gazebase_example.csv",
    "pymovements_examples/hbn_example.csv",
    "pymovements_examples/judo1000_example.csv",
    "pymovements_examples/monocular_example.tsv",
    "pymovements_examples/potec_example.tsv",
]


@pytest.mark.parametrize("name", SAMPLES)
def test_a_folder_of_samples_says_what_their_file_says(name, shared, tmp_path):
    (tmp_path / "readme.txt").write_text("nothing to see\n")
    file = Path(shutil.copy(shared / "data" / name, tmp_path))
    with pytest.raises(ValueError, match="holds gaze samples without events") as alone:
        read_scanpaths(file, verbose=False)
    with pytest.raises(ValueError, match="holds 2 files, none of a known format; ") as inside:
        read_scanpaths(tmp_path, verbose=False)
    assert str(alone.value) in str(inside.value)
    assert "`gazesim fixations FILE` makes a table of them" in str(inside.value)


#: Read by nobody: a word-level table, frames in binary form, a line of JSON.
OTHER = ["copco_rm_dummy.csv", "monocular_example.feather", "binocular_example.feather", "test.jsonl"]


def test_every_real_file_is_read_or_answered(shared):
    """No file of the shared data is forgotten by the tests of this folder."""
    read = {name for name, *_ in REAL}
    for path in sorted((shared / "data").glob("*/*")):
        name = path.relative_to(shared / "data").as_posix()
        if name in read or path.name in OTHER or path.is_dir() or path.stem in ("LICENSE", "SOURCE"):
            continue
        with pytest.raises(ValueError, match="holds gaze samples without events"):
            read_scanpaths(path)


@pytest.mark.parametrize("name", OTHER)
def test_other_files_are_refused(shared, name):
    with pytest.raises(ValueError, match=r"is of no known format|holds binary data"):
        read_scanpaths(shared / "data" / "pymovements_examples" / name)


def test_options_are_checked(shared):
    path = shared / "data" / "multimatch_studyforrest" / "sp-46.csv"
    with pytest.raises(ValueError, match=r'format is \'multimach\'; .* \(did you mean "multimatch"\?\)'):
        read_scanpaths(path, format="multimach")
    with pytest.raises(ValueError, match='time_unit is \'minutes\'; expected "s", "ms"'):
        read_scanpaths(path, time_unit="minutes")
    with pytest.raises(
        ValueError, match=r"sp-46\.csv: time_unit is \"samples\"; expected sampling_rate= in Hz"
    ):
        read_scanpaths(path, time_unit="samples")
    with pytest.raises(ValueError, match=r"sampling_rate is 50, but durations are in s; expected it with"):
        read_scanpaths(path, sampling_rate=50)
    with pytest.raises(
        ValueError, match=r'eye= is given, .* is multimatch; expected it with "eyelink" or "smi"'
    ):
        read_scanpaths(path, eye="left")
    with pytest.raises(FileNotFoundError, match=r"metadata is .*, which is no file"):
        read_scanpaths(path, metadata=path.parent)
    with pytest.raises(ValueError, match="off_image is 'cut'"):
        read_scanpaths(path, off_image="cut")
    with pytest.raises(ValueError, match=r"begins with .*; expected a header with the columns"):
        read_scanpaths(path, format="remodnav")


def test_units_can_be_overridden(shared, capsys):
    path = shared / "data" / "multimatch_studyforrest" / "sp-46.csv"
    plain = read_scanpaths(path, verbose=False).values
    scaled = read_scanpaths(path, time_unit="ms", coord_unit="percent", screen_size=(200, 50))
    assert scaled.screen_size == (200, 50)
    np.testing.assert_allclose(scaled.values, plain * (2, 0.5, 1e-3))
    said = capsys.readouterr().err
    assert "x, y percent -> px of 200 x 50 (as asked); duration ms -> s" in said


def test_points_outside_of_the_image(shared):
    path = shared / "data" / "siim_cxr_gaze"
    kept, clipped, dropped = (
        read_scanpaths(path, off_image=what, verbose=False).values for what in ("keep", "clip", "drop")
    )
    inside = ((kept[:, :2] >= 0) & (kept[:, :2] < 1024)).all(axis=1)
    np.testing.assert_array_equal(dropped, kept[inside])
    np.testing.assert_array_equal(clipped[inside], kept[inside])
    assert len(clipped) == len(kept)
    assert ((clipped[:, :2] >= 0) & (clipped[:, :2] < 1024)).all()


def test_a_folder_of_two_formats_asks_which(shared):
    with pytest.raises(ValueError, match=r"holds files of several formats: .*format= chooses"):
        read_scanpaths(shared / "data" / "emdat_vendor_exports")
    paths = read_scanpaths(shared / "data" / "emdat_vendor_exports", format="tobii_studio", verbose=False)
    assert len(paths) == 2


def test_distinct_ids_are_asked_for(tmp_path):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "gaze.csv").write_text("image_id,x,y,duration\nz,1,2,0.5\n")
    with pytest.raises(ValueError, match=r"b/gaze.csv: holds the scanpath 'z', as .*a/gaze.csv does"):
        read_scanpaths(tmp_path)


HEAD = "image_id,x,y,duration\n"


def folder_of_two(folder: Path) -> Path:
    """Write a folder of two gaze files and documents that hold no gaze."""
    (folder / "sub").mkdir(parents=True)
    (folder / "a.csv").write_text(f"{HEAD}a,100,200,0.2\n")
    (folder / "sub" / "b.csv").write_text(f"{HEAD}b,100,200,0.2\n")
    (folder / "README.txt").write_text("gaze of two images\n")
    (folder / "a.json").write_text('{"SamplingFrequency": 60}')
    (folder / "a.png").write_bytes(b"\x89PNG\r\n")
    return folder


def test_files_of_a_folder_that_are_not_read_are_named(tmp_path, capsys):
    place = folder_of_two(tmp_path / "gaze")
    found, report = read(place)
    assert found.ids == ("a", "b")
    assert report.warnings == []
    assert "left aside 2 files without gaze (README.txt, a.json)" in capsys.readouterr().err
    (place / "empty.csv").write_text("")
    (place / "sub" / "plain.csv").write_text("c,100,word,0.2\n")
    (place / "header.csv").write_text(HEAD)
    (place / "old.csv").symlink_to(tmp_path / "deleted.csv")
    (place / "raw.csv").write_text("time,x,y\n1,2,3\n")
    with zipfile.ZipFile(place / "z.zip", "w") as archive:
        archive.writestr("a.csv", HEAD)
        archive.writestr("b.csv", HEAD)
    found, report = read(place)
    assert found.ids == ("a", "b")
    assert {Path(file).name: why for file, why in report.unread.items()} == {
        "empty.csv": "is empty",
        "header.csv": "holds no fixation",
        "old.csv": "is a link to a file that does not exist",
        "plain.csv": "is of no known format",
        "raw.csv": "holds samples without fixations",
        "z.zip": "is a zip of 2 files (a.csv, b.csv)",
    }
    said = capsys.readouterr().err
    assert "left aside 6 files not read (empty.csv, old.csv, raw.csv, sub/plain.csv, ...), 2 files w" in said
    assert "warning: " in said
    assert "6 files were not read: empty.csv is empty, old.csv is a link to a file that does not" in said
    raw = read_raw(place, GazeOptions())
    assert raw.report.unread == report.unread
    assert raw.report.warnings == report.warnings
    assert next(note for note in report.notes if "left aside" in note) in raw.report.notes


@pytest.mark.parametrize("ending", [".csv.gz", ".zip"])
def test_a_damaged_archive_of_a_folder_is_refused(tmp_path, ending):
    place = folder_of_two(tmp_path / "gaze")
    text = (HEAD + "".join(f"c{k},{k * 7919 % 1000},{k},0.2\n" for k in range(500))).encode()
    whole = gzip.compress(text)
    if ending == ".zip":
        with zipfile.ZipFile(tmp_path / "whole.zip", "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("c.csv", text)
        whole = (tmp_path / "whole.zip").read_bytes()
    (place / f"c{ending}").write_bytes(whole[: len(whole) // 2])
    for reads in (read, lambda path: read_raw(path, GazeOptions())):
        with pytest.raises(ValueError, match=rf"c{ending}: is a damaged (gz|zip) file"):
            reads(place)


def test_links_to_folders_are_followed_once(tmp_path):
    place, elsewhere = folder_of_two(tmp_path / "gaze"), tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "c.csv").write_text(f"{HEAD}c,1,2,0.2\n")
    (elsewhere / "back").symlink_to(place, target_is_directory=True)
    (place / "linked").symlink_to(elsewhere, target_is_directory=True)
    (place / "again").symlink_to(place / "sub", target_is_directory=True)
    (place / "sub" / "up").symlink_to(tmp_path, target_is_directory=True)
    found = read_scanpaths(place, verbose=False)
    assert found.ids == ("a", "c", "b")


def test_a_binary_recording_without_its_export_is_named(tmp_path, fixtures):
    shutil.copy(fixtures / "trials.asc", tmp_path / "one.asc")
    (tmp_path / "one.edf").write_bytes(b"SR_RESEARCH\0\1")
    assert read(tmp_path, verbose=False).report.warnings == []
    (tmp_path / "two.edf").write_bytes(b"SR_RESEARCH\0\1")
    report = read(tmp_path, verbose=False).report
    assert report.warnings == ["1 file was not read: two.edf is a binary EyeLink EDF file"]


def test_files_of_another_format_than_the_one_asked_for_are_named(shared):
    place = shared / "data" / "emdat_vendor_exports"
    report = read(place, format="tobii_studio", verbose=False).report
    assert (
        report.unread[str(place / "SMI_SMI_Sample_67_Events.txt")]
        == "is of another format (SMI BeGaze events)"
    )


@pytest.mark.parametrize("kind", ["file", "folder"])
def test_named_columns_of_a_folder(tmp_path, kind):
    for name in "ab":
        (tmp_path / f"{name}.csv").write_text(f"gx,gy,dur,stim\n1,2,300,{name}\n")
    (tmp_path / "ages.csv").write_text("reader,age\nann,31\n")
    columns = "x=gx,y=gy,duration=dur,image=stim"
    place = tmp_path if kind == "folder" else tmp_path / "a.csv"
    found, report = read(place, columns=columns, time_unit="ms", verbose=False)
    assert found.ids == (("a", "b") if kind == "folder" else ("a",))
    ages = {str(tmp_path / "ages.csv"): "lacks the columns that are named"}
    assert report.unread == (ages if kind == "folder" else {})


def test_an_empty_folder_is_one_clear_error(tmp_path):
    (tmp_path / "a.png").write_bytes(b"")
    for reads in (read, lambda path: read_raw(path, GazeOptions()), find_fixations):
        with pytest.raises(ValueError, match=r"holds no file that may hold gaze; expected files that end in"):
            reads(tmp_path)
