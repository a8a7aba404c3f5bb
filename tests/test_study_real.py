"""The study on real images, without its images: scales, networks, report; and the forms of MoCo's loss."""

from __future__ import annotations

import dataclasses
import importlib
import json
import re
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
    settings = module("real_settings").SCALES["kvasir"][scale]
    assert json.loads(json.dumps(settings.record)) == known
    cells = (REPO / "benchmarks/results/study" / folder / "cells").iterdir()
    assert {json.loads(cell.read_text())["settings"] for cell in cells} == {settings.hash}
    assert (REPO / "benchmarks/results/study" / folder / "PREDICTIONS.md").is_file()


@pytest.mark.parametrize("scale", ["cpu", "cpu96"])
def test_cells_cover_the_same_share_of_an_image_at_any_size(scale: str) -> None:
    torch = pytest.importorskip("torch")
    cell = pytest.importorskip("benchmarks.study.real_cell")
    settings = module("real_settings").SCALES["kvasir"][scale]
    net = cell.network(settings)
    images = torch.zeros(1, 1, settings.size, settings.size)
    assert net.feature_maps(images).shape == (1, 96, 8, 8)
    assert settings.sigma_px / settings.size == 3 / 64


@pytest.mark.parametrize("data", ["kvasir", "cub", "osie"])
def test_on_a_card_networks_are_those_of_the_library(data: str) -> None:
    torch = pytest.importorskip("torch")
    cell, settings = pytest.importorskip("benchmarks.study.real_cell"), module("real_settings")
    gpu = settings.SCALES[data]["gpu"]
    assert cell.network(gpu)(torch.zeros(1, 1, gpu.size, gpu.size)).shape == (1, 512)
    assert settings.USUAL[data] in settings.SCALES[data]


def put(cells: Any, method: str, seed: int, dice: float) -> None:
    arm = module("real_arms").RealArm(method)
    scores = {f"{name}_{share}": dice for name in ("dice", "auroc", "iou") for share in (1, 10, 100)}
    cells.put(arm, seed, {**scores, "loss": 1.0, "seconds": 1.0, "commit": "0", "device": "cpu"})


def test_report_of_several_seeds(tmp_path: Path) -> None:
    report, statistics = module("real_report"), module("statistics")
    cells = module("cells").Cells(tmp_path, module("real_settings").SCALES["kvasir"]["cpu96"])
    rng = np.random.default_rng(0)
    dice = {method: rng.normal(at, 0.02, 5) for method, at in zip(METHODS, (0.3, 0.5, 0.32), strict=True)}
    for method, values in dice.items():
        for seed, one in enumerate(values.tolist(), start=21):
            put(cells, method, seed, one)
    assert report.write(cells, "kvasir") == "kvasir.csv, kvasir.md and kvasir.png"
    text = (tmp_path / "kvasir.md").read_text()
    gains = [(dice["gaze"] - dice[other]).tolist() for other in ("simclr", "gaze-other")]
    low, high = statistics.paired(gains[0]).t
    assert (
        f"| gaze target alone | SimCLR | 5 | {np.mean(gains[0]):+.3f} ({low:+.3f} to {high:+.3f}) |" in text
    )
    corrected = statistics.holm([statistics.p_value(one) for one in gains])
    assert all(f"| {one:.2g} |\n" in text for one in corrected)
    assert "Seeds 21, 22, 23, 24, 25, 15 cells" in text


def test_arms_with_holes_need_a_scale_that_has_them(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    main, words = module("run").main, ["--data", "kvasir", "--list", "--out", str(tmp_path)]
    assert main(words) == 0
    said = capsys.readouterr()
    assert "gca-crop" in said.out
    assert "gca-cutout" not in said.out
    assert "arms are left out: views of --scale cpu have no holes" in said.err
    with pytest.raises(SystemExit):
        main([*words, "--arms", "K-*-gca-cutout"])
    assert "--arms holds K-simclr-gca-cutout, and views of" in capsys.readouterr().err
    words[-1] += "-small"
    assert main([*words, "--scale", "small", "--arms", "K-simclr-gca-cutout"]) == 0
    assert "0 of 5  K-simclr-gca-cutout" in capsys.readouterr().out


def test_a_scale_of_other_images_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        module("run").main(["--scale", "cpu96", "--list"])
    assert "--scale is 'cpu96'; expected smoke or cpu or gpu for phantom" in capsys.readouterr().err


@pytest.mark.parametrize("data", ["kvasir", "cub", "osie"])
def test_every_data_set_has_the_arms_that_were_asked_for(data: str) -> None:
    arms = module("real_arms")
    groups = arms.stages(data)
    names = [one.method for group in groups for one in group]
    assert len(set(names)) == len(names)
    assert set(arms.METHODS) - set(names) == ({"masks"} if data == "cub" else set())
    views = {one.method for one in groups[1 if data == "kvasir" else 0]}
    best = arms.BEST[data]
    for framework in ("simclr", "byol"):
        assert {f"{framework}-{best}", f"{framework}-gca", f"{framework}-size-matched"} <= views
        others = {name for name in views if name.startswith(framework) and name.endswith("-other")}
        assert [arms.METHODS[one].scheme for one in others] == [best]
    with pytest.raises(ValueError, match="--arms is 'K'; expected names such as"):
        arms.real_chosen(data, ["K"])


def test_nobody_keeps_his_own_gaze() -> None:
    pytest.importorskip("gazesim.train")
    given = module("real_data").given_by([f"i{n}" for n in range(9)], seed=3)
    assert sorted(given.values()) == sorted(given)
    assert all(name != other for name, other in given.items())


# --- from end to end, on images that were made up -------------------------------------------------


@pytest.fixture
def source(request: pytest.FixtureRequest, tmp_path: Path, rng: np.random.Generator) -> Path:
    """A data set in the layout of the real ones: noise with a bright square, and gaze in the square."""
    image = pytest.importorskip("PIL.Image")
    folder = tmp_path / "source"
    for name in ("images", "masks"):
        (folder / name).mkdir(parents=True)
    names = [f"{i:02}" for i in range(24)]
    regions = np.zeros((len(names), 12, 48, 64), bool)
    columns = ["id", "image", "label", "split", "gaze", *(f"has_{what}" for what in ("text", "face"))]
    rows, gaze, patches = [",".join(columns)], ["image_id,reader_id,fixation_index,x,y,duration"], []
    for at, name in enumerate(names):
        x, y = rng.integers(4, (40, 28))
        pixels = rng.integers(0, 90, (48, 64), np.uint8)
        pixels[y : y + 16, x : x + 16] += 150
        mask = np.zeros((48, 64), np.uint8)
        mask[y : y + 16, x : x + 16] = 255
        regions[at, at % 2] = mask > 0
        image.fromarray(pixels).save(folder / "images" / f"{name}.png")
        image.fromarray(mask).save(folder / "masks" / f"{name}.png")
        split = "train" if at < 16 else "test"
        rows.append(f"{name},images/{name}.png,kind {at % 2},{split},fixations.csv,{at % 2},{1 - at % 2}")
        gaze += [
            f"{name},r{reader},{order},{x + rng.uniform(0, 16)},{y + rng.uniform(0, 16)},0.3"
            for reader in range(2)
            for order in range(4)
        ]
        patches += [f"{name},{x},{y},16,polyp", f"{name},0,0,16,background"]
    (folder / "manifest.csv").write_text("\n".join(rows) + "\n")
    (folder / "fixations.csv").write_text("\n".join(gaze) + "\n")
    (folder / "patches.csv").write_text("image_id,x,y,side,label\n" + "\n".join(patches) + "\n")
    labels = ["image_id,class_id", *(f"{name},{1 + at % 2}" for at, name in enumerate(names))]
    (folder / "labels.csv").write_text("\n".join(labels) + "\n")
    packed = np.packbits(regions.reshape(len(names), -1), axis=1)
    np.savez(folder / "attribute_maps_48x64.npz", packed=packed)
    return folder


def forget() -> None:
    """Empty what a process remembers of its data sets, which are those of another test here."""
    for name in ("gaze_maps", "affinities"):
        getattr(module("real_data"), name).cache_clear()


SMALL = ("size=32", "widths=8,8", "strides=2,1", "batch_size=8", "queue=8", "precision=32-true")


@pytest.mark.parametrize(
    ("data", "methods", "scores"),
    [
        (
            "kvasir",
            ["K-random", "K-gaze-10-sure", "K-masks", "K-simclr-both-other", "K-moco-gca-mean"],
            {"dice_10", "auroc_100", "patch_100", "knn_100"},
        ),
        (
            "cub",
            [
                "C-byol-multimatch",
                "C-moco-multimatch-one",
                "C-simclr-labels",
                "C-simclr-gaze-last",
                "C-byol-pool-30",
            ],
            {"probe_10", "probe_100", "knn_100"},
        ),
        (
            "osie",
            ["O-gaze-mean", "O-simsiam-size-matched", "O-simclr-soft", "O-simclr-gaze-even"],
            {"auroc_100", "seg_dice_100"},
        ),
    ],
)
def test_a_study_from_end_to_end(
    data: str,
    methods: list[str],
    scores: set[str],
    source: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pytest.importorskip("gazesim.train")
    monkeypatch.setenv("GAZESIM_STUDY_FOLDER", "")  # set back at the end
    forget()
    changes = [*SMALL, "fractions=0.5,1" if data == "osie" else "fractions=0.1,1", "cutout_probability=0.5"]
    changes += ["primary=dice_10"] if data == "kvasir" else []
    words = ["--data", data, "--scale", "smoke", "--set", *changes, "--seeds", "11"]
    out = tmp_path / "out"
    words += ["--folder", str(source), "--out", str(out), "--arms", *methods]
    assert module("run").main(words) == 0
    cells = {path.stem: json.loads(path.read_text()) for path in (out / "cells").iterdir()}
    assert set(cells) == {f"{name}-seed11" for name in methods}
    for cell in cells.values():
        assert scores <= set(cell)
        assert all(0 <= cell[name] <= 1 for name in scores)
        has_positives = module("real_arms").METHODS[cell["arm"]["method"]].scheme is not None
        assert (cell["positives"] > 1) == has_positives
        if cell["arm"]["method"].startswith("moco-multimatch"):
            assert 4 < cell["positives"] < 6  # itself and 4 of the batch, though the queue is longer
    labels = [module("real_arms").METHODS[name[2:]].label for name in methods]
    text = (out / f"{data}.md").read_text()
    assert all(f"| {label} | 1 |" in text for label in labels)


def test_facts_about_gaze_are_those_of_a_loop(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("gazesim.train")
    monkeypatch.setenv("GAZESIM_STUDY_FOLDER", str(source))
    facts = module("real_facts")
    forget()
    words = ["--data", "kvasir", "--folder", str(source), "--out", str(tmp_path)]
    assert facts.main(words) == 0
    lines = (tmp_path / "gaze.md").read_text().splitlines()
    table = {cells[1]: cells[2:-1] for cells in (re.split(r" ?\| ?", one) for one in lines) if len(cells) > 3}
    settings = module("real_settings").SCALES["kvasir"]["small"]
    matrix, ids = module("real_data").affinities("kvasir", "moments", settings)
    kinds = [int(name) % 2 for name in ids]
    nearest = [
        max((j for j in range(16) if j != i), key=lambda j, i=i: matrix[i, j]) for i in range(len(ids))
    ]
    same = np.mean([kinds[i] == kinds[j] for i, j in enumerate(nearest)])
    assert float(table["moments"][0]) == pytest.approx(same, abs=0.001)
    assert float(table["moments"][3]) == pytest.approx(7 / 15, abs=0.001)  # 8 of each kind
    assert float(table["area of the masks"][0]) == pytest.approx(16 * 16 / (48 * 64), abs=0.002)
    assert float(table["dwell time in the masks"][0]) > 0.98
    assert float(table["… with another image's gaze"][0]) < 0.5


def test_one_reader_is_the_first_of_each_image(source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("gazesim.train")
    monkeypatch.setenv("GAZESIM_STUDY_FOLDER", str(source))
    data = module("real_data")
    settings = module("real_settings").SCALES["cub"]["smoke"]
    forget()
    mean, ids = data.affinities("cub", "multimatch", settings)
    one, same = data.affinities("cub", "multimatch", settings, True)
    assert ids == same
    assert not np.allclose(mean, one)
    lines = (source / "fixations.csv").read_text().splitlines()
    (source / "fixations.csv").write_text("\n".join(line for line in lines if ",r1," not in line) + "\n")
    forget()
    alone, _ = data.affinities("cub", "multimatch", settings)
    np.testing.assert_array_equal(alone, one)


def test_gaze_of_another_image_moves_maps_and_affinities_alike(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("gazesim.train")
    monkeypatch.setenv("GAZESIM_STUDY_FOLDER", str(source))
    data, arms = module("real_data"), module("real_arms")
    settings = dataclasses.replace(module("real_settings").SCALES["cub"]["smoke"], size=32)
    forget()
    own, other = (arms.RealArm(f"simclr-{name}", "cub") for name in ("both", "both-other"))
    entries = data.entries_of("cub", tmp_path, settings)
    maps, taken = (data.maps_for(arm, entries, 5, settings) for arm in (own, other))
    train = [entry.id for entry in entries if entry.split == "train"]
    giver = data.given_by(train, 5)
    assert set(taken) == set(train)
    assert all(np.array_equal(taken[name], maps[giver[name]]) for name in maps)
    (matrix, ids), (moved, same_ids) = (data.affinities_for(arm, 5, settings) for arm in (own, other))
    assert ids == same_ids == train
    at = {name: i for i, name in enumerate(ids)}
    for i, name in enumerate(ids):
        for j, second in enumerate(ids):
            assert moved[i, j] == matrix[at[giver[name]], at[giver[second]]]


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
