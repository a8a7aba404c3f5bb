"""``gazesim affinity`` on real gaze, and what it says when it cannot."""

from __future__ import annotations

import json

import numpy as np
import pytest

import gazesim
from gazesim import Moments
from gazesim.cli import main
from gazesim.commands.affinity import write
from real_gaze_files import REAL
from strategies import MEASURES


@pytest.mark.parametrize(
    ("file", "count", "says"),
    [
        ("siim_21_images.json", 21, "fraction -> px of 1024 x 1024"),
        ("studyforrest", 110, "px of 1280 x 720"),
    ],
)
def test_real_gaze(tmp_path, capsys, file, count, says):
    out, plot = tmp_path / "A.npy", tmp_path / "A.png"
    path = str(REAL / file)
    assert main(["affinity", path, "--scheme", "multimatch", "--out", str(out), "--plot", str(plot)]) == 0
    matrix = np.load(out, allow_pickle=False)
    assert matrix.shape == (count, count)
    assert matrix.dtype == np.float32
    assert (np.diag(matrix) == 1).all()
    assert len((tmp_path / "A.ids.txt").read_text().splitlines()) == count
    assert plot.read_bytes().startswith(b"\x89PNG")
    printed = capsys.readouterr()
    assert says in printed.err
    assert printed.out == ""
    assert sorted(p.name for p in tmp_path.iterdir()) == ["A.ids.txt", "A.npy", "A.png"]


def test_osie_has_invalid_scanpaths_and_a_progress_bar(shared, tmp_path, capsys):
    # All 10,500 scanpaths take half a minute and 441 MB; the time warping of TIMA is quick enough.
    path = str(shared / "data" / "osie" / "fixations.mat")
    out = str(tmp_path / "A.npy")
    assert main(["affinity", path, "--scheme", "tima", "--sigma_px", "3", "--out", out]) == 0
    printed = capsys.readouterr().err
    assert "10,500 scanpaths, 98,321 fixations" in printed
    assert "duration ms -> s" in printed
    assert "55.1M/55.1M" in printed
    assert np.load(out, mmap_mode="r").shape == (10_500, 10_500)


@pytest.mark.parametrize("scheme", ["moments", "dhash", "tima"])
def test_other_schemes_on_scanpaths(tmp_path, capsys, scheme):
    path = str(REAL / "studyforrest")
    out = tmp_path / "A.npy"
    assert main(["affinity", path, "--scheme", scheme, "--out", str(out), "--sigma_px", "20"]) == 0
    matrix = np.load(out)
    assert matrix.shape == (110, 110)
    assert ("drawing 110 heatmaps of 1280 x 720" in capsys.readouterr().err) == (scheme != "tima")


@pytest.mark.parametrize("scheme", MEASURES)
def test_scanpath_measures(tmp_path, scheme):
    path = str(REAL / "studyforrest")
    screen = {"size_px": [1280, 720], "size_cm": [26.5, 14.9], "distance_cm": 63}
    own = {"recurrence": {"radius_px": 64}, "scasim": {"geometry": screen}}.get(scheme, {})
    out, cache = tmp_path / "A.npy", tmp_path / "cache"
    command = ["affinity", path, "--scheme", scheme, "--parameters", json.dumps(own), "--out", str(out)]
    assert main([*command, "--cache", str(cache)]) == 0
    matrix = np.load(out)
    assert matrix.shape == (110, 110)
    opened = gazesim.AffinityCache.open(cache)
    assert np.array_equal(opened.matrix, matrix)
    assert opened.scheme.screen_size == (1280, 720)
    gazes = gazesim.read_scanpaths(path, verbose=False)
    assert np.array_equal(matrix, gazesim.affinity(gazes, scheme=scheme, **own))


def test_heatmaps_from_a_file(rng, tmp_path, capsys):
    np.save(tmp_path / "maps.npy", rng.random((5, 12, 12)))
    command = [
        "affinity",
        str(tmp_path / "maps.npy"),
        "--scheme",
        "moments",
        "--parameters",
        '{"alpha": 0.2}',
    ]
    assert main(command) == 0
    assert "Moments(alpha=0.2" in capsys.readouterr().err


def test_options_of_multimatch(capsys):
    path = str(REAL / "studyforrest")
    options = [
        "--weights",
        "[0.1,0.1,0.1,0.1,0.6]",
        "--grouping",
        "[150,45,0.3]",
        "--screen_size",
        "[640,480]",
    ]
    assert main(["affinity", path, *options]) == 0
    printed = capsys.readouterr().err
    assert "weights=(0.1, 0.1, 0.1, 0.1, 0.6)" in printed
    assert "Grouping(amplitude_px=150.0, direction_deg=45.0, duration=0.3)" in printed
    assert "screen_size=(640.0, 480.0)" in printed


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nowhere.json"], "nowhere.json"),
        (["nowhere.json", "--scheme", "multimach"], 'did you mean "multimatch"?'),
        (["nowhere.json", "--out", "no/such/folder/A.npy"], "lies in a folder that does not exist"),
    ],
)
def test_mistakes_are_one_line(arguments, message, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(["affinity", *arguments]) == 1
    printed = capsys.readouterr().err
    assert message in printed
    assert printed.count("\n") == 1


def test_gaze_is_read_as_asked(fixtures, capsys):
    path = str(fixtures / "tidy.csv")
    for option in ("--screen_size=[64,48]", "--screen_size=64,48"):
        words = ["--time_unit", "samples", "--sampling_rate", "50", "--off_image", "clip"]
        assert main(["affinity", path, "--scheme", "tima", option, *words]) == 0
        printed = capsys.readouterr().err
        assert "px of 64 x 48 (as asked); duration samples at 50 Hz" in printed
    assert main(["affinity", path, "--eye", "left"]) == 1
    assert "expected it with" in capsys.readouterr().err


@pytest.mark.parametrize("scheme", ["multimatch", "tima", "moments"])
def test_a_missing_screen_size_names_the_option(fixtures, capsys, scheme):
    assert main(["affinity", str(fixtures / "tidy.csv"), "--scheme", scheme]) == 1
    assert "expected --screen_size WIDTH,HEIGHT in pixels, such as 1920,1080" in capsys.readouterr().err


def test_the_scheme_may_have_the_screen_size(fixtures, capsys):
    size = '{"image_size": [64, 48]}'
    assert main(["affinity", str(fixtures / "tidy.csv"), "--scheme", "tima", "--parameters", size]) == 0
    assert "TIMA(image_size=(64, 48)" in capsys.readouterr().err


def test_heatmap_file_for_a_scanpath_scheme(rng, tmp_path, capsys):
    np.save(tmp_path / "maps.npy", rng.random((5, 12, 12)))
    assert main(["affinity", str(tmp_path / "maps.npy")]) == 1
    assert "holds heatmaps; expected a gaze file" in capsys.readouterr().err


@pytest.mark.parametrize("option", [["--sigma_px", "3"], ["--screen_size", "[9,9]"], ["--time_unit", "ms"]])
def test_options_that_do_not_apply_are_refused(rng, tmp_path, capsys, option):
    np.save(tmp_path / "maps.npy", rng.random((5, 12, 12)))
    assert main(["affinity", str(tmp_path / "maps.npy"), "--scheme", "moments", *option]) == 1
    assert f"{option[0]} is given, but" in capsys.readouterr().err
    if option[0] == "--sigma_px":
        assert main(["affinity", "nowhere.json", *option]) == 1
        assert "--sigma_px is given, but multimatch draws no map" in capsys.readouterr().err


def test_neither_file_is_half_written(rng, tmp_path):
    (tmp_path / "A.npy").write_bytes(b"old matrix")
    (tmp_path / "A.ids.txt").write_text("old ids")
    features = Moments().features(rng.random((2, 4, 4)), ids=["a", "not text \ud800"])
    with pytest.raises(UnicodeEncodeError):
        write(str(tmp_path / "A.npy"), features.affinity(), features)
    assert (tmp_path / "A.npy").read_bytes() == b"old matrix"
    assert (tmp_path / "A.ids.txt").read_text() == "old ids"


def test_threads_reach_the_features(rng, tmp_path, monkeypatch):
    np.save(tmp_path / "maps.npy", rng.random((5, 12, 12)))
    asked = []
    original = Moments.features

    def features(self, gazes, *, n_threads=None, **options):
        asked.append(n_threads)
        return original(self, gazes, n_threads=n_threads, **options)

    monkeypatch.setattr(Moments, "features", features)
    assert main(["affinity", str(tmp_path / "maps.npy"), "--scheme", "moments", "--n_threads", "1"]) == 0
    assert asked == [1]
