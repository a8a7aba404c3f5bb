"""The study on real images, without its images: scales, networks, report; and the forms of MoCo's loss."""

from __future__ import annotations

import dataclasses
import importlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from conftest import REPO

METHODS = ("simclr", "gaze", "gaze-other")


@pytest.fixture(autouse=True)
def _from_the_repository(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(REPO))


def module(name: str) -> Any:
    return importlib.import_module(f"benchmarks.study.{name}")


@pytest.mark.parametrize("scale", ["cpu", "cpu96"])
def test_committed_settings_are_those_of_the_scale(scale: str) -> None:
    """A study that was begun goes on with its settings, which were committed before its first cell."""
    folder = {"cpu": "kvasir", "cpu96": "kvasir-cpu96"}[scale]
    known = json.loads((REPO / "benchmarks/results/study" / folder / "settings.json").read_text())
    now = dataclasses.asdict(module("kvasir_arms").KVASIR_SCALES[scale])
    assert json.loads(json.dumps(now)) == known
    assert (REPO / "benchmarks/results/study" / folder / "PREDICTIONS.md").is_file()


@pytest.mark.parametrize("scale", ["cpu", "cpu96"])
def test_cells_cover_the_same_share_of_an_image_at_any_size(scale: str) -> None:
    torch = pytest.importorskip("torch")
    cell, arms = pytest.importorskip("benchmarks.study.kvasir_cell"), module("kvasir_arms")
    settings = arms.KVASIR_SCALES[scale]
    net = cell.network(settings)
    images = torch.zeros(1, 1, settings.size, settings.size)
    assert net.feature_maps(images).shape == (1, 96, 8, 8)
    assert settings.sigma_px / settings.size == 3 / 64


def put(cells: Any, method: str, seed: int, dice: float) -> None:
    arm = module("kvasir_arms").KvasirArm(method)
    scores = {f"{name}_{share}": dice for name in ("dice", "auroc", "iou") for share in (1, 10, 100)}
    cells.put(arm, seed, {**scores, "loss": 1.0, "seconds": 1.0, "commit": "0", "device": "cpu"})


def test_report_of_several_seeds(tmp_path: Path) -> None:
    arms, report, statistics = module("kvasir_arms"), module("kvasir_report"), module("statistics")
    cells = module("cells").Cells(tmp_path, arms.KVASIR_SCALES["cpu96"])
    rng = np.random.default_rng(0)
    dice = {method: rng.normal(at, 0.02, 5) for method, at in zip(METHODS, (0.3, 0.5, 0.32), strict=True)}
    for method, values in dice.items():
        for seed, one in enumerate(values.tolist(), start=21):
            put(cells, method, seed, one)
    report.write(cells)
    text = (tmp_path / "kvasir.md").read_text()
    gains = [(dice["gaze"] - dice[other]).tolist() for other in ("simclr", "gaze-other")]
    low, high = statistics.paired(gains[0]).t
    assert (
        f"| gaze target alone | SimCLR | 5 | {np.mean(gains[0]):+.3f} ({low:+.3f} to {high:+.3f}) |" in text
    )
    corrected = statistics.holm([statistics.p_value(one) for one in gains])
    assert all(f"| {one:.2g} |\n" in text for one in corrected)
    assert "Seeds 21, 22, 23, 24, 25, 15 cells" in text


def test_a_scale_of_other_images_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        module("run").main(["--scale", "cpu96", "--list"])
    assert "--scale is 'cpu96'; expected smoke or cpu or gpu for phantom" in capsys.readouterr().err


def test_forms_of_moco_from_end_to_end(tmp_path: Path) -> None:
    pytest.importorskip("gazesim.train")
    words = ["--scale", "smoke", "--seeds", "0", "--out", str(tmp_path), "--forms", "plain", "batch"]
    assert module("moco").main(words) == 0
    cells = {path.stem: json.loads(path.read_text()) for path in (tmp_path / "cells").iterdir()}
    assert set(cells) == {"moco-plain-seed0", "moco-batch-seed0"}
    assert cells["moco-plain-seed0"]["positives"] == 1
    assert cells["moco-batch-seed0"]["purity"] == 1  # by label
    assert 3 < cells["moco-batch-seed0"]["positives"] < 7
    assert "| batch | 1 |" in (tmp_path / "moco.md").read_text()
