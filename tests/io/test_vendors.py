"""SMI, Gazepoint, Data Viewer, Tobii Studio lists and Tobii 4C events."""

from __future__ import annotations

import shutil

import numpy as np
import pytest

from gazesim import read_scanpaths
from gazesim.io import read as read_file


def test_smi_trials_are_named_by_their_images(read):
    paths = read("smi_trials.txt")
    assert paths.ids == (("cxr_1.jpg", "S3"), ("cxr_2.jpg", "S3"))
    np.testing.assert_array_equal(paths.values, [[10.5, 20.5, 0.2], [30, 40, 0.25]])
    np.testing.assert_array_equal(read("smi_trials.txt", eye="right").values, [[12.5, 22.5, 0.2]])


def test_smi_real_file(shared, read):
    paths = read(shared / "data" / "emdat_vendor_exports" / "SMI_SMI_Sample_67_Events.txt")
    assert len(paths.values) == 5271
    np.testing.assert_allclose(paths[0][0], [951.83, 791.40, 0.241786])


def test_smi_bad_rows(edited):
    with pytest.raises(ValueError, match="line 9: column 'Duration' is 'x'; expected a number"):
        read_scanpaths(edited("smi_trials.txt", "\t200000\t10.5", "\tx\t10.5"))
    with pytest.raises(ValueError, match="line 6: names no column 'Duration'"):
        read_scanpaths(edited("smi_trials.txt", "Duration", "Dauer"))


def test_gazepoint_fixations_win_over_samples(read):
    paths = read("gazepoint")
    assert paths.ids == (("NewMedia0", "User 0"), ("NewMedia1", "User 0"))
    np.testing.assert_allclose(paths[0], [[960, 540, 0.2], [480, 810, 0.3]])


def test_data_viewer(shared, read):
    paths = read(shared / "data" / "pymovements_examples" / "18sat_fixfinal.csv")
    assert paths.ids == (("1", "msd001"),)
    np.testing.assert_array_equal(paths[0][:2], [[59.8, 125.4, 0.022], [348.7, 182.0, 0.026]])
    assert len(paths.values) == 112


def test_data_viewer_with_fractions(read, capsys):
    paths = read("medseg.csv", screen_size=(100, 100))
    np.testing.assert_allclose(paths["polyp_1"], [[50, 25, 0.25], [102, 50, 0.1]])
    np.testing.assert_allclose(read("medseg.csv")["polyp_1"][0], [400, 100, 0.25])


def test_tobii_studio_lists(shared, read):
    folder = shared / "data" / "emdat_vendor_exports"
    paths = read(folder / "TobiiV2_P62-Fixation-Data.tsv")
    assert paths.ids == (("Rec 62", "P106"),)
    np.testing.assert_array_equal(paths[0][0], [550, 453, 0.55])
    assert paths.screen_size == (1280, 1024)
    everything, inside, clipped = (
        len(read(folder / "TobiiV2_P61-Fixation-Data.tsv", off_image=what).values)
        for what in ("keep", "drop", "clip")
    )
    assert everything == 4664
    assert inside < clipped <= everything  # points at -1, -1 are nowhere; others move to the border


def test_tobii_4c_events(shared, read):
    paths = read(
        shared / "data" / "emdat_vendor_exports" / "Tobii4C_4Ctest_fixation.csv", screen_size=(100, 100)
    )
    assert len(paths.values) == 14
    np.testing.assert_allclose(paths[0][0], [49.35627119696659, 43.35193504457889, 0.24])


def test_samples_of_gazepoint_are_read_where_their_fixations_are_missing(tmp_path, fixtures):
    """``User 0`` has both, ``User 3`` has fixations alone, the others samples alone."""
    folder = fixtures / "gazepoint"
    (tmp_path / "again").mkdir()
    for name in ("User 0", "User 1", "again/User 2"):
        shutil.copy(folder / "User 0_all_gaze.csv", tmp_path / f"{name}_all_gaze.csv")
    for name in ("User 0", "User 3"):
        shutil.copy(folder / "User 0_fixations.csv", tmp_path / f"{name}_fixations.csv")
    found, report = read_file(tmp_path, verbose=False)
    assert {key[1] for key in found.ids} == {f"User {number}" for number in range(4)}
    assert report.files == 4
    assert "left aside 1 file of the same recordings (User 0_all_gaze.csv)" in report.notes
