"""Damaged files: read correctly or refused in one sentence, quickly, and never with a stray error.

``GAZESIM_MUTATIONS=500`` damages every file 500 times; the default samples.
"""

from __future__ import annotations

import os
import random
import time
from pathlib import Path

import numpy as np
import pytest

from gazesim import Scanpaths, read_scanpaths
from gazesim.io import FORMATS, read

COUNT = int(os.environ.get("GAZESIM_MUTATIONS", "25"))

# path below the data folder, and the seconds that one reading may take
REAL = {
    "siim_cxr_gaze/cxr_gaze_data_125.json": 2.0,
    "multimatch_studyforrest/fixvectors/segment_10_sub-19.tsv": 1.0,
    "multimatch_studyforrest/sp-46.csv": 1.0,
    "multimatch_studyforrest/remodnav_samples/sub-01_task-movie_run-1_events.tsv": 1.0,
    "pymovements_examples/18sat_fixfinal.csv": 1.0,
    "pymovements_examples/eyelink_binocular_example.asc": 1.0,
    "pymovements_examples/eyelink_monocular_2khz_example.asc": 1.0,
    "emdat_vendor_exports/TobiiV2_P62-Fixation-Data.tsv": 1.0,
    "emdat_vendor_exports/TobiiV2_P61-Fixation-Data.tsv": 1.0,
    "emdat_vendor_exports/Tobii4C_4Ctest_fixation.csv": 1.0,
    "emdat_vendor_exports/SMI_SMI_Sample_67_Events.txt": 3.0,
    "osie/fixations.mat": 10.0,
}
SMALL = [
    "tidy.csv", "events.csv", "prolab.tsv", "prolab_unsuffixed.tsv", "studio.tsv", "trials.asc", "mcgip.json",
    "smi_trials.txt", "medseg.csv", "gazesearch.json", "cocosearch.json", "anna2021-9-17-15-3.csv",
    "egd_samples/eye_gaze.csv", "gazepoint/User 0_fixations.csv",
    "reflacx/main_data/P300R000001/fixations.csv", "model_output.json", "smi_statistics.txt",
    "pupil_cloud/fixations.csv", "pupil_cloud/enrichment/fixations.csv",
    "pupil_player/fixations_on_surface_Poster.csv", "Fixation_run2.txt",
]  # fmt: skip
#: One small recording of each kind that labs make.
CASES = sorted(path.name for path in (Path(__file__).parent / "fixtures" / "cases").iterdir())


def truncated(data: bytes, rng: random.Random) -> bytes:
    return data[: rng.randrange(len(data))]


def flipped(data: bytes, rng: random.Random) -> bytes:
    changed = bytearray(data)
    for _ in range(rng.choice([1, 3, 30])):
        changed[rng.randrange(len(changed))] = rng.randrange(256)
    return bytes(changed)


def noise(data: bytes, rng: random.Random) -> bytes:
    start = rng.randrange(len(data))
    return data[:start] + rng.randbytes(rng.choice([1, 100, 5000])) + data[start:]


def shuffled_columns(data: bytes, rng: random.Random) -> bytes:
    delimiter = max(b"\t,;", key=lambda mark: data[:4096].count(mark)).to_bytes(1, "big")
    order = list(range(60))
    rng.shuffle(order)
    lines = [line.split(delimiter) for line in data.split(b"\n")]
    return b"\n".join(delimiter.join(cells[i] for i in order if i < len(cells)) for cells in lines)


def wide_line(data: bytes, rng: random.Random) -> bytes:
    lines = data.split(b"\n")
    delimiter = rng.choice([b"\t", b",", b";", b" "])
    lines.insert(rng.randrange(len(lines)), delimiter.join([rng.choice([b"1", b""])] * 10**6))
    return b"\n".join(lines)


def dropped_lines(data: bytes, rng: random.Random) -> bytes:
    lines = data.split(b"\n")
    for _ in range(rng.choice([1, 5])):
        del lines[rng.randrange(len(lines))]
        lines = lines or [b""]
    return b"\n".join(lines)


def strange_cell(data: bytes, rng: random.Random) -> bytes:
    cells = data.split(delimiter := rng.choice([b"\t", b",", b" ", b"\n"]))
    cells[rng.randrange(len(cells))] = rng.choice(
        [
            b"",
            b"nan",
            b"inf",
            b"-inf",
            b"1e999",
            b"1_000",
            b"-5",
            b'"',
            b"x",
            b"0x10",
            b"9" * 5000,
            b"\xff",
            b"1,5",
            b".",
        ]
    )
    return delimiter.join(cells)


def recoded(data: bytes, rng: random.Random) -> bytes:
    text = data.decode("utf-8", errors="replace")
    return text.encode(rng.choice(["utf-16", "utf-16-le", "utf-16-be", "utf-8-sig", "utf-32"]))


def ends(data: bytes, rng: random.Random) -> bytes:
    return data.replace(b"\r\n", b"\n").replace(b"\n", rng.choice([b"\r", b"\r\n", b"\n\n", b""]))


MUTATIONS = [
    truncated, flipped, noise, shuffled_columns, wide_line, dropped_lines, strange_cell, recoded, ends,
]  # fmt: skip


def check(path: Path, seconds: float, what: str, format: str | None = None) -> None:
    """Read a damaged file."""
    started = time.process_time()
    try:
        paths, report = read(path, format=format, verbose=False)
    except ValueError as error:
        problem = str(error)
    else:
        problem = f"{path}"
        assert isinstance(paths, Scanpaths)
        assert np.isfinite(paths.values).all()
        assert (paths.values[:, 2] >= 0).all()
        others = report.left_out.total() + report.others.total()
        assert report.rows == report.used + others, (what, report)
        assert min([*report.left_out.values(), *report.others.values(), report.used], default=0) >= 0, what
    assert str(path) in problem, (what, problem)
    assert "\n" not in problem, (what, problem)
    assert len(problem) < 700, (what, problem)
    assert time.process_time() - started < seconds, what


def damage(original: Path, folder: Path, count: int, seconds: float) -> None:
    """Read ``count`` damaged copies of a file."""
    data = original.read_bytes()
    copy = folder / original.name
    for seed in range(count):
        rng = random.Random(f"{original.name} {seed}")
        mutation = MUTATIONS[seed % len(MUTATIONS)]
        copy.write_bytes(mutation(data, rng))
        check(copy, seconds, f"{original.name}, {mutation.__name__}, seed {seed}")


@pytest.mark.parametrize("name", REAL)
def test_damaged_real_files(shared, tmp_path, name):
    count = COUNT if REAL[name] < 3 or COUNT > 25 else len(MUTATIONS)
    damage(shared / "data" / name, tmp_path, count, REAL[name])


@pytest.mark.parametrize("name", SMALL)
def test_damaged_small_files(fixtures, tmp_path, name):
    damage(fixtures / name, tmp_path, 3 * COUNT, 1.0)


@pytest.mark.parametrize("name", CASES)
def test_damaged_recordings(fixtures, tmp_path, name):
    damage(fixtures / "cases" / name, tmp_path, 3 * COUNT, 1.0)


@pytest.mark.parametrize("name", CASES)
def test_a_lost_line_is_never_lost_in_silence(fixtures, tmp_path, name):
    """Every row of the file is used, left out for a reason, or something else; counted by hand."""
    lines = (fixtures / "cases" / name).read_bytes().split(b"\n")
    for seed in range(COUNT):
        rng = random.Random(f"{name} {seed}")
        kept = [line for line in lines if rng.random() < 0.9]
        path = tmp_path / name
        path.write_bytes(b"\n".join(kept))
        try:
            report = read(path, verbose=False, on_bad_row="skip").report
        except ValueError:
            continue
        filled = [line for line in kept if line.strip()]
        if report.format == "eyelink":
            assert report.rows == b"\n".join(kept).rstrip(b"\n").count(b"\n") + 1, (name, seed)
        elif report.format != "smi":
            assert report.rows == len(filled) - 1, (name, seed)


def test_nothing_is_there(tmp_path):
    (tmp_path / "empty.csv").touch()
    with pytest.raises(ValueError, match=r"empty\.csv: is empty; expected gaze"):
        read_scanpaths(tmp_path / "empty.csv")
    with pytest.raises(ValueError, match="holds 1 files, none of a known format"):
        read_scanpaths(tmp_path)


def test_deep_json_is_refused(tmp_path):
    path = tmp_path / "deep.json"
    path.write_text('[{"gaze_x": 1, "gaze_y": 1, "time": ' + "[" * 200_000)
    with pytest.raises(ValueError, match=r"deep\.json"):
        read_scanpaths(path)


@pytest.mark.parametrize("format", FORMATS)
def test_the_wrong_format_is_refused(fixtures, format):
    for path in sorted(fixtures.rglob("*")):
        if path.is_file():
            check(path, 1.0, f"{path.name} as {format}", format=format)


@pytest.mark.parametrize(
    ("name", "old"),
    [
        ("prolab.tsv", "Gaze event duration"),
        ("studio.tsv", "GazeEventDuration"),
        ("smi_trials.txt", "Message: "),
        ("smi_trials.txt", "Subject:"),
        ("trials.asc", "TRIALID "),
        ("trials.asc", "IMGLOAD "),
        ("anna2021-9-17-15-3.csv", "9063823L"),
        ("cocosearch.json", "000000400966"),
        ("reflacx/main_data/P300R000001/fixations.csv", "pupil"),
    ],
)
@pytest.mark.parametrize("filling", [" ", "a ", "# Message: ", "[", ".a", "x:", "!V "])
def test_no_pattern_takes_quadratic_time(edited, name, old, filling):
    path = edited(name, old, old + filling * (500_000 // len(filling)))
    check(path, 2.0, f"{name}, {filling!r}")
