"""Formats and counts of the real files, and messages for all other files."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from gazesim import Scanpaths, read_scanpaths

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
