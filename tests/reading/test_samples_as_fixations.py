"""Raw samples given as fixations: a warning names the command that finds fixations."""

from __future__ import annotations

import json

import numpy as np
import pytest

from gazesim import MultiMatch
from gazesim.cli import main
from gazesim.reading.raw_samples import sampling_rate_of, words_of_raw_samples
from gazesim.schemes import scheme_from
from real_gaze_files import largest


def mcgip(folder, rng, images=6):
    """Write McGIP's JSON of eight fixations of 15 samples on each image."""
    folder.mkdir()
    for i in range(images):
        centres = np.repeat(rng.uniform(30, 480, (8, 2)), 15, axis=0)
        gaze = (centres + rng.normal(0, 1, (120, 2))).round(2).tolist()
        (folder / f"i{i}.json").write_text(
            json.dumps({"gaze": gaze, "img": f"i{i}.png", "case": "1", "gt": 1})
        )
    return folder


def test_120_raw_samples_are_told_and_their_fixations_are_not(tmp_path, rng, capsys):
    raw, size = mcgip(tmp_path / "raw", rng), ["--screen_size", "512,512"]
    assert main(["affinity", str(raw), *size]) == 0
    told = capsys.readouterr().err
    assert f"warning: {raw} looks like raw samples (60 Hz: nearly all points last 16.67 ms)" in told
    assert f"multimatch compares fixations; expected fixations, as gazesim fixations {raw} --out" in told
    found = str(tmp_path / "fixations.csv")
    assert main(["fixations", str(raw), *size, "--out", found]) == 0
    capsys.readouterr()
    assert main(["affinity", found, *size]) == 0
    assert "raw samples" not in capsys.readouterr().err
    for scheme in ("tima", "moments"):
        assert main(["affinity", str(raw), *size, "--scheme", scheme]) == 0
        assert "looks like raw samples" not in capsys.readouterr().err


def test_training_tells_it_too(tmp_path, rng):
    pytest.importorskip("lightly")
    from gazesim.reading.raw_samples import RawSamplesWarning
    from gazesim.train import GazeData

    raw = mcgip(tmp_path / "raw", rng)
    lines = ["id,image,split,gaze"]
    for i in range(6):
        np.save(tmp_path / f"i{i}.npy", np.zeros((512, 512), np.uint8))
        lines.append(f"i{i},i{i}.npy,train,raw/i{i}.json#i{i}.png")
    (tmp_path / "m.csv").write_text("\n".join(lines))
    data = GazeData(manifest=str(tmp_path / "m.csv"), size=32)
    with pytest.warns(
        RawSamplesWarning, match=r"i0\.json looks like raw samples .* as gazesim fixations .*i0\.json"
    ):
        data.gaze_source("multimatch")
    data.gaze_source("moments")
    assert raw.is_dir()


@pytest.mark.parametrize("rate", [30, 60, 90, 250, 500, 1000])
def test_rates_of_trackers(rng, rate):
    clean = np.full(200, 1 / rate)
    stamps = np.diff(np.round(np.arange(201) * 1000 / rate)) / 1000  # time stamps in whole ms
    lost = np.where(rng.random(200) < 0.05, 5, 1) / rate  # and some samples lost
    for durations in (clean, stamps, lost):
        found = sampling_rate_of([np.column_stack([durations, durations, durations])])
        assert found == pytest.approx(rate, rel=0.1)


def test_fixations_are_not_samples(rng, studyforrest):
    assert sampling_rate_of(studyforrest) is None
    short = rng.lognormal(np.log(0.03), 0.4, 500)
    merged = rng.geometric(0.4, 500) / 60  # samples merged to runs, as in SIIM's files
    equal = np.full(500, 0.2)
    for durations in (short, merged, equal, np.full(40, 1 / 60), np.zeros(100)):
        assert sampling_rate_of([np.column_stack([durations, durations, durations])]) is None


@pytest.mark.parametrize("name", ["osie", "siim"])
def test_real_fixations_are_not_samples(name):
    from gazesim import read_scanpaths

    assert sampling_rate_of(read_scanpaths(largest(name), verbose=False)) is None


def test_schemes_of_trajectories_take_samples():
    samples = [np.column_stack([np.arange(120.0), np.arange(120.0), np.full(120, 1 / 60)])]
    assert words_of_raw_samples(MultiMatch(), samples, "gaze.json") is not None
    for name in ("tima", "dtw", "frechet", "hausdorff", "moments"):
        assert words_of_raw_samples(scheme_from(name, {}), samples, "gaze.json") is None
