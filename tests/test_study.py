"""The phantom study: cells on disk, statistics, tables, and a small study from end to end."""

from __future__ import annotations

import csv
import dataclasses
import importlib
import json
import math
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from scipy import stats

from gazesim import views

REPO = Path(__file__).resolve().parent.parent


@pytest.fixture(autouse=True)
def _from_the_repository(monkeypatch: pytest.MonkeyPatch) -> None:
    """The study is no part of the package: it is imported from the root, as `python -m` does."""
    monkeypatch.syspath_prepend(str(REPO))


@pytest.fixture
def study(_from_the_repository: None) -> SimpleNamespace:
    """The modules of the study."""
    names = ("arms", "cells", "report", "run", "settings", "statistics")
    return SimpleNamespace(**{name: importlib.import_module(f"benchmarks.study.{name}") for name in names})


# --- statistics -----------------------------------------------------------------------------------


@pytest.mark.parametrize("count", [2, 5, 6, 30])
def test_intervals_equal_those_of_scipy(study: Any, rng: np.random.Generator, count: int) -> None:
    ours, theirs = rng.normal(0.8, 0.05, count), rng.normal(0.75, 0.08, count)
    found = study.statistics.paired((ours - theirs).tolist())
    low, high = stats.ttest_rel(ours, theirs).confidence_interval(0.95)
    assert found.t == pytest.approx((low, high), rel=1e-10)
    assert found.mean == pytest.approx((ours - theirs).mean())
    assert found.std == pytest.approx((ours - theirs).std(ddof=1))


@pytest.mark.parametrize("count", [5, 30])
def test_the_bootstrap_agrees_with_that_of_scipy(study: Any, rng: np.random.Generator, count: int) -> None:
    differences = rng.lognormal(-2, 1, count)
    found = study.statistics.paired(differences.tolist(), level=0.9)
    theirs = stats.bootstrap(
        (differences,), np.mean, confidence_level=0.9, method="percentile", n_resamples=50_000, rng=1
    ).confidence_interval
    assert found.bootstrap == pytest.approx((theirs.low, theirs.high), abs=0.02 * differences.std())


def test_p_values_equal_those_of_scipy(study: Any, rng: np.random.Generator) -> None:
    for count in (2, 5, 9):
        ours, theirs = rng.normal(0.8, 0.05, count), rng.normal(0.75, 0.08, count)
        known = stats.ttest_rel(ours, theirs).pvalue
        assert study.statistics.p_value((ours - theirs).tolist()) == pytest.approx(known, rel=1e-10)
    assert math.isnan(study.statistics.p_value([0.3]))
    assert study.statistics.p_value([0.0, 0.0]) == 1


def test_holm_corrects_for_the_number(study: Any) -> None:
    """The example of Holm's step-down by hand: 4, 3, 2 and 1 times, never below the one before."""
    found = study.statistics.holm([0.01, math.nan, 0.04, 0.03, 0.005])
    assert found[0] == pytest.approx(0.03)
    assert math.isnan(found[1])
    assert found[2:] == pytest.approx([0.06, 0.06, 0.02])
    assert study.statistics.holm([0.6, 0.9]) == [1.0, 1.0]


def test_few_seeds_leave_intervals_open(study: Any) -> None:
    assert math.isnan(study.statistics.paired([]).mean)
    one = study.statistics.paired([0.25])
    assert one.mean == 0.25
    assert math.isnan(one.t[0])
    assert math.isnan(one.bootstrap[1])


def test_intervals_cover_as_often_as_they_say(study: Any, rng: np.random.Generator) -> None:
    hits = {"t": 0, "bootstrap": 0}
    for differences in rng.normal(0.03, 0.05, (400, 5)):
        found = study.statistics.paired(differences.tolist())
        for name in hits:
            low, high = getattr(found, name)
            hits[name] += low <= 0.03 <= high
    assert 0.92 < hits["t"] / 400 < 0.98
    assert hits["bootstrap"] < hits["t"]  # as its docstring warns


# --- arms and settings ----------------------------------------------------------------------------


def test_every_framework_has_every_arm_and_its_control(study: Any) -> None:
    arms = study.arms.arms()
    assert len({arm.name for arm in arms}) == len(arms)
    everything = set(study.arms.CORE) | set(study.arms.REST)
    for framework in study.arms.FRAMEWORKS:
        methods = {arm.method for arm in arms if (arm.part, arm.framework) == ("D", framework)}
        assert methods == everything
    assert {arm.method for arm in study.arms.stages()[0]} == set(study.arms.CORE)
    swept = {arm.extras for arm in arms if (arm.framework, arm.method, arm.part) == ("byol", "moments", "D")}
    assert swept >= set(study.arms.SWEEP)
    for arm in arms:
        assert arm.plain in arms
        if arm.what.crop == "gaze" and "size-matched" in everything:
            assert study.arms.Arm(arm.part, arm.framework, "size-matched") in arms


def test_arms_are_chosen_as_files_are(study: Any) -> None:
    groups = study.arms.chosen(["D-byol-g*"])
    assert {arm.framework for group in groups for arm in group} == {"byol"}
    with pytest.raises(ValueError, match="--arms is 'byol'"):
        study.arms.chosen(["byol"])


def test_settings_can_be_changed_by_name(study: Any) -> None:
    changed = study.settings.settings_for("gpu", ["backbone=resnet50", "size=224", "crop_scale=0.1,1"])
    assert (changed.backbone, changed.size, changed.crop_scale) == ("resnet50", 224, (0.1, 1))
    assert changed.hash != study.settings.SCALES["gpu"].hash
    for wrong in ("depth=3", "size", "size="):
        with pytest.raises(ValueError, match="--set is"):
            study.settings.settings_for("gpu", [wrong])


def test_seeds_that_settings_were_chosen_on_are_not_used(study: Any) -> None:
    assert len(study.settings.SEEDS) >= 5
    assert not set(study.settings.SEEDS) & {0, 1, 2}


# --- cells ----------------------------------------------------------------------------------------


def test_cells_of_other_settings_are_refused(study: Any, tmp_path: Path) -> None:
    settings = study.settings.SCALES["smoke"]
    cells = study.cells.Cells(tmp_path, settings)
    arm = study.arms.arms()[0]
    cells.put(arm, 11, {"probe_100": 0.5})
    assert study.cells.Cells(tmp_path, settings).has(arm, 11)
    with pytest.raises(ValueError, match="other settings \\(epochs 1 there, 2 now\\)"):
        study.cells.Cells(tmp_path, dataclasses.replace(settings, epochs=2))
    path = cells.path(arm, 11)
    path.write_text(json.dumps({**json.loads(path.read_text()), "settings": "other"}))
    with pytest.raises(ValueError, match=r"has the settings other; expected"):
        cells.read()


@pytest.mark.parametrize("damage", ["", "{", "[]", "{}"])
def test_damaged_cells_are_named(study: Any, tmp_path: Path, damage: str) -> None:
    cells = study.cells.Cells(tmp_path, study.settings.SCALES["smoke"])
    cells.path(study.arms.arms()[0], 1).write_text(damage)
    with pytest.raises(ValueError, match=r"seed1\.json is no cell"):
        cells.read()


def test_a_cell_killed_while_written_is_missing(
    study: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cells = study.cells.Cells(tmp_path, study.settings.SCALES["smoke"])
    arm = study.arms.arms()[0]

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as broken:
        broken.setattr(Path, "replace", killed)
        with pytest.raises(KeyboardInterrupt):
            cells.put(arm, 11, {"probe_100": 0.5})
    assert not cells.has(arm, 11)
    assert cells.read() == []
    assert study.run.missing([[arm]], [11], cells) == [(arm, 11)]


def test_what_is_to_do_goes_seed_by_seed_within_a_group(study: Any, tmp_path: Path) -> None:
    cells = study.cells.Cells(tmp_path, study.settings.SCALES["smoke"])
    groups = study.arms.stages()
    first, second = groups[0][:2]
    cells.put(second, 11, {})
    tasks = study.run.missing([[first, second], [groups[1][0]]], [11, 12], cells)
    assert tasks == [(first, 11), (first, 12), (second, 12), (groups[1][0], 11), (groups[1][0], 12)]


# --- the report -----------------------------------------------------------------------------------


@pytest.fixture
def synthetic(study: Any, tmp_path: Path) -> Any:
    """Cells with scores that are known: plain .5 + seed / 1000, moments .1 above, GCA .2, control .05."""
    cells = study.cells.Cells(tmp_path, study.settings.SCALES["smoke"])
    gains = {"plain": 0.0, "moments": 0.1, "gca": 0.2, "size-matched": 0.05}
    for seed in (11, 12, 13):
        for part, framework in (("D", "simclr"), ("S", "byol")):
            for method, gain in gains.items():
                put(study, cells, study.arms.arm(part, framework, method), seed, gain * (seed - 10) / 2)
        for extras in (1, 16):
            put(study, cells, study.arms.arm("D", "simclr", "moments", extras), seed, extras / 100)
    return cells


def put(study: Any, cells: Any, arm: Any, seed: int, gain: float) -> None:
    score = 0.5 + seed / 1000 + gain
    scores = dict.fromkeys(study.report.SCORES, score)
    health = {"std": 0.8, "positives": 1.0 + arm.extras, "purity": 0.5 if arm.extras else None}
    cells.put(arm, seed, {**scores, **health, "seconds": 1.0, "commit": "abc", "device": "cpu"})


def test_the_report_tells_means_and_paired_differences(study: Any, synthetic: Any) -> None:
    study.report.write(synthetic)
    text = (synthetic.folder / "study.md").read_text()
    lines = {line.split("|")[1].strip(): line.split("|") for line in text.splitlines() if "|" in line}
    # GCA: .2 × (seed − 10) / 2 above plain: .1, .2, .3; the mean is 20 points, t(2) × 10 / √3 = 24.8.
    assert "+20.0 (-4.8 to +44.8; +10.0 to +30.0)" in text
    assert "synthetic images with simulated gaze (a phantom)" in text
    assert lines["+ GCA crop and cutout"][3].strip() == "71.2 ± 10.1"
    assert lines["plain"][6].strip() == ""
    # The control: gains .025, .05, .075, so GCA is 15 points above it.
    section = text[text.index("## GCA against the control") :]
    assert "| D | SimCLR | +15.0 (" in section
    assert "| S | BYOL | +15.0 (" in section
    ablation = text[text.index("## Threshold ablation") :]
    assert [line.split("|")[1].strip() for line in ablation.splitlines() if line.startswith("| ")][1:] == [
        "---",
        "0",
        "1",
        "4",
        "16",
    ]


def test_the_csv_has_a_line_for_every_cell(study: Any, synthetic: Any) -> None:
    study.report.write(synthetic)
    with open(synthetic.folder / "study.csv", encoding="utf-8") as file:
        lines = list(csv.DictReader(file))
    assert len(lines) == len(synthetic.read()) == 30
    assert tuple(lines[0]) == study.report.COLUMNS
    one = next(line for line in lines if (line["method"], line["part"], line["seed"]) == ("gca", "D", "12"))
    assert float(one["probe_100"]) == pytest.approx(0.712)
    assert one["purity"] == ""


def test_the_report_draws_pictures(study: Any, synthetic: Any) -> None:
    study.report.write(synthetic)
    for name in ("differences.png", "ablation.png"):
        assert (synthetic.folder / name).read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("seeds", [(), (11,)])
def test_a_study_hardly_begun_has_a_report(study: Any, tmp_path: Path, seeds: tuple[int, ...]) -> None:
    cells = study.cells.Cells(tmp_path, study.settings.SCALES["smoke"])
    for seed in seeds:
        put(study, cells, study.arms.arm("D", "simclr", "moments"), seed, 0.1)
        put(study, cells, study.arms.arm("D", "moco", "gca"), seed, 0.1)
    study.report.write(cells)
    text = (tmp_path / "study.md").read_text()
    assert f"({2 * len(seeds)} cells)" in text
    assert "nan" not in text


# --- from end to end ------------------------------------------------------------------------------


@pytest.fixture
def one_thread() -> Iterator[None]:
    """Threads of torch that wait for each other in tiny steps take most of the time on a busy machine."""
    torch = pytest.importorskip("torch")
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.mark.usefixtures("one_thread")
def test_a_small_study_from_end_to_end_goes_on_where_it_was(
    study: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("gazesim.train")
    smoke = ["--scale", "smoke", "--out", str(tmp_path), "--seeds", "11"]
    assert study.run.main([*smoke, "--arms", "D-simclr-plain"]) == 0
    first = tmp_path / "cells" / "D-simclr-plain-seed11.json"
    untouched = first.read_bytes(), first.stat().st_mtime_ns
    assert study.run.main([*smoke, "--arms", "D-simclr-plain", "D-moco-both"]) == 0
    assert (first.read_bytes(), first.stat().st_mtime_ns) == untouched
    plain, both = (
        json.loads((tmp_path / "cells" / f"{name}-seed11.json").read_text())
        for name in ("D-simclr-plain", "D-moco-both")
    )
    for cell in (plain, both):
        assert all(0 <= cell[name] <= 1 for name in study.report.SCORES)
        assert all(math.isfinite(cell[name]) and cell[name] >= 0 for name in ("loss", "std", "seconds"))
    assert plain["positives"] == 1
    assert 3.5 < both["positives"] < 6  # itself, and 4 of a queue of 16 on average
    assert 0 < both["purity"] < 1
    assert "+ GCA + McGIP, moments" in (tmp_path / "study.md").read_text()
    capsys.readouterr()
    assert study.run.main([*smoke, "--list"]) == 0
    assert "1 of 1  D-moco-both" in capsys.readouterr().out
    with pytest.raises(SystemExit, match="2"):
        study.run.main([*smoke, "--set", "epochs=2"])
    assert "other settings (epochs 1 there, 2 now)" in capsys.readouterr().err


@pytest.mark.usefixtures("one_thread")
def test_equal_seeds_give_equal_cells(study: Any) -> None:
    cell = pytest.importorskip("benchmarks.study.cell")
    settings, arm = study.settings.SCALES["smoke"], study.arms.arm("D", "byol", "truth")
    first, again = (cell.run_cell(arm, 11, settings) for _ in range(2))
    for name in (*study.report.SCORES, "loss", "std", "positives"):
        assert first[name] == again[name]


def test_two_processes_run_cells_and_tell_what_fails(tmp_path: Path) -> None:
    """More images in a batch than there are pass the study's own checks, but no training."""
    words = ["--scale", "smoke", "--jobs", "2", "--out", str(tmp_path), "--seeds", "11"]
    words += ["--arms", "D-byol-plain", "--set", "batch_size=64"]
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.study", *words],
        cwd=REPO,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 1
    assert "D-byol-plain, seed 11 failed" in done.stderr
    assert "batch_size is 64" in done.stderr
    assert not list((tmp_path / "cells").iterdir())


@pytest.mark.skipif(
    not Path("/proc/self/task").is_dir(), reason="needs Linux to see the children of a process"
)
def test_a_killed_run_leaves_no_process(tmp_path: Path) -> None:
    words = ["--scale", "smoke", "--jobs", "2", "--out", str(tmp_path), "--seeds", "11", "12"]
    with subprocess.Popen(
        [sys.executable, "-m", "benchmarks.study", *words], cwd=REPO, stderr=subprocess.DEVNULL
    ) as run:
        listed = Path(f"/proc/{run.pid}/task/{run.pid}/children")
        until(lambda: len(listed.read_text().split()) >= 3)  # two workers, and Python's tracker
        started = listed.read_text().split()
        run.kill()
    until(lambda: not any(alive(pid) for pid in started))


def until(done: Callable[[], bool], seconds: float = 120) -> None:
    """Wait; fail if it takes too long."""
    end = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < end
        time.sleep(0.1)


def alive(pid: str) -> bool:
    """Return whether a process runs (and is no zombie that nobody has asked for)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.parametrize("framework", ["byol", "moco"])
def test_positives_by_label_are_as_many_and_pure(study: Any, framework: str) -> None:
    cell = pytest.importorskip("benchmarks.study.cell")
    settings = dataclasses.replace(study.settings.SCALES["smoke"], n_train=96, batch_size=32, queue=32)
    arm = study.arms.arm("D", framework, "truth")
    data = cell.phantom_data(arm, 11, settings)
    found = cell.positives(arm, settings, data, cell.mask_of(arm, settings, data))
    assert found["purity"] == 1
    assert found["positives"] - 1 == pytest.approx(arm.extras, rel=0.2)


def test_the_control_has_the_sizes_of_gazes_crops_elsewhere(study: Any) -> None:
    cell = pytest.importorskip("benchmarks.study.cell")
    settings = study.settings.SCALES["smoke"]
    crops: dict[str, Any] = {}
    for method in ("plain", "gca", "size-matched"):
        data = cell.phantom_data(study.arms.arm("D", "byol", method), 11, settings)
        samples, make = data.samples("train"), data.views.maker(settings.size)
        made = [
            make.view_and_record(samples.image(i), samples.gaze_map(i), key=(11, i))
            for i in range(len(samples))
        ]
        crops[method] = np.array([record.crop for _, record in made])
    for i, box in enumerate(crops["gca"]):
        gaze = samples.gaze_map(i)
        if gaze is not None:
            kept = views.iou(gaze.numpy(), [box], support=settings.support)
            assert kept >= settings.min_iou_crop
    sizes = {method: boxes[:, 2:] - boxes[:, :2] for method, boxes in crops.items()}
    assert (sizes["gca"] == sizes["size-matched"]).all()
    assert (crops["gca"] != crops["size-matched"]).any()
    assert sizes["gca"].prod(axis=1).mean() > sizes["plain"].prod(axis=1).mean()
