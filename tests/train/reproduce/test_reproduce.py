"""``gazesim reproduce NAME --scale smoke`` on the data sets in their owners' layout, end to end."""

from __future__ import annotations

import csv
import json
import re
from collections import Counter
from pathlib import Path

import pytest
import yaml

pytest.importorskip("gazesim.train")

from PIL import Image

from gazesim.cli import main
from gazesim.train import Contrastive
from gazesim.train.reproduce import timing
from gazesim.train.reproduce.experiments import EXPERIMENTS, GROUPS, experiment
from strategies import NIGHTLY
from train.reproduce.owners import inbreast, oai, tufts

#: A row of each experiment by day; at night all.
ROWS = {
    "mcgip-table-1": "ResNet-50, BYOL + McGIP",
    "mcgip-table-2": "ResNet-101, SimSiam + McGIP",
    "mcgip-table-3": "MoCo + McGIP",
    "mcgip-table-4": "MoCo, label",
    "mcgip-figure-4": "BYOL",
    "mcgip-figure-5a": "SimSiam + McGIP",
    "mcgip-figure-5b": "t = 0.9",
    "gca-table-1": "from scratch",
    "gca-table-2": "crop, cutout, mask",
    "gca-figure-labels": "GCA",
    "gzpt": "ResNet-18, BYOL + GzPT",
    "gzpt-confidence": "p = 0.3",
}
#: The papers' thresholds pass all pairs of small data, or none: told, and no fault of the code.
pytestmark = [
    pytest.mark.filterwarnings("ignore:.*pairs of different images"),
    pytest.mark.filterwarnings("ignore:.*of all pairs are positive"),
    pytest.mark.filterwarnings("ignore:gaze makes no positive pair"),
]


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """The three data sets."""
    folder = tmp_path_factory.mktemp("owners")
    makers = {"inbreast": inbreast, "tufts": tufts, "oai": oai}
    return {name: make(folder / name) for name, make in makers.items()}


@pytest.fixture(scope="module")
def out(tmp_path_factory):
    """The folder of all experiments: pre-trainings in it are shared."""
    return tmp_path_factory.mktemp("papers")


def words_of(name, folders, out, *more):
    folder = folders[experiment(name).preset]
    return ["reproduce", name, "--data.folder", str(folder), "--scale", "smoke", "--out", str(out), *more]


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_every_experiment_runs_end_to_end(name, folders, out, capsys):
    only = [] if NIGHTLY else ["--only", ROWS[name]]
    assert main(words_of(name, folders, out, *only)) == 0
    found, shown = experiment(name), capsys.readouterr()
    table = [line for line in shown.out.splitlines() if line.startswith("|")]
    head = [cell.strip() for cell in table[0].strip("|").split("|")]
    assert head[: len(found.head)] == list(found.head)
    assert [one for one in head if one in found.metrics] == list(found.metrics)
    for line in found.lines:  # every row of the paper, those that were not run included
        assert any(row.startswith(f"| {' | '.join(line.labels)} |") for row in table), line.key
    ran = [row for row in table[2:] if "not run" not in row]
    assert ran if NIGHTLY else any(ROWS[name].split(", ")[-1] in row for row in ran)
    assert "--scale smoke: a tiny network" in shown.out
    assert (out / name / "table.md").read_text().splitlines()[2] == table[0]
    if found.kind != "table":
        with Image.open(out / name / "figure.png") as picture:
            assert min(picture.size) > 300


def test_the_published_number_stands_beside_ours(folders, out, capsys):
    """After the run above nothing is left to do: the table is printed again at once."""
    assert main(words_of("gca-table-2", folders, out, "--only", "crop, cutout, mask")) == 0
    shown = capsys.readouterr()
    assert "1 of 1 cells are done already" in shown.err
    assert "gazesim pretrain" not in shown.err
    row = next(line for line in shown.out.splitlines() if line.startswith("| crop, cutout, mask |"))
    assert row.split("|")[3].strip() == "0.5966"
    assert 0 <= float(row.split("|")[2]) <= 1


def test_no_image_of_a_test_is_seen_in_its_pretraining(folders, tmp_path, monkeypatch, capsys):
    """The ids of every batch that training takes, against those that the cell of the fold tests on."""
    seen, real = [], Contrastive.training_step

    def watched(self, batch, *more):
        seen[-1].update(batch[2])
        return real(self, batch, *more)

    monkeypatch.setattr(Contrastive, "training_step", watched)
    start = Contrastive.on_fit_start if hasattr(Contrastive, "on_fit_start") else None

    def begins(self, *more):
        seen.append(set())
        return start(self, *more) if start else None

    monkeypatch.setattr(Contrastive, "on_fit_start", begins, raising=False)
    words = words_of("mcgip-table-4", folders, tmp_path, "--only", "BYOL, label")
    assert main(words) == 0
    cells = [json.loads(file.read_text()) for file in sorted((tmp_path / "mcgip-table-4/cells").iterdir())]
    assert [cell["fold"] for cell in cells] == [0, 1]
    assert len(seen) == 2
    tested = []
    for cell, ids in zip(cells, seen, strict=True):
        done = json.loads((tmp_path / "pretrained" / cell["pretrained"] / "done.json").read_text())
        assert ids
        assert ids <= set(done["train_ids"]) == set(cell["images"]["train"])
        assert not set(cell["images"]["test"]) & (ids | set(done["train_ids"]))
        patients = {name: int(name) // 2 for name in [*ids, *cell["images"]["test"]]}
        assert not {patients[name] for name in ids} & {patients[name] for name in cell["images"]["test"]}
        tested += cell["images"]["test"]
    assert len(tested) == len(set(tested)) == 24  # each image is tested on once

    # A cell whose file is missing is measured again; its pre-training, which is done, is not.
    file = next((tmp_path / "mcgip-table-4/cells").glob("*fold1*"))
    before = json.loads(file.read_text())["scores"]
    file.unlink()
    assert main(words) == 0
    assert len(seen) == 2
    assert json.loads(file.read_text())["scores"] == before
    # One that was killed while pre-training goes on from its checkpoint.
    (tmp_path / "pretrained" / cells[1]["pretrained"] / "done.json").unlink()
    file.unlink()
    assert main(words) == 0
    assert "cell 1 of 1: BYOL, label, fold 1" in capsys.readouterr().err
    assert json.loads(file.read_text())["scores"] == before


def test_sequence_rows_compare_fixations(folders, out, capsys):
    """McGIP's JSON holds raw samples: the row of ResNet-50 has their fixations, found once for all cells."""
    if not (out / "data").exists():
        assert main(words_of("mcgip-table-1", folders, out, "--only", ROWS["mcgip-table-1"])) == 0
    with (out / "data" / "inbreast-fixations.csv").open(newline="") as lines:
        rows = list(csv.DictReader(lines))
    counts = Counter(row["image_id"] for row in rows)
    assert len(counts) == 24
    assert set(counts.values()) <= {3, 4, 5}  # four places were looked at, 80 samples
    for folder in (out / "pretrained").glob("byol-*-multimatch-*"):
        config = yaml.safe_load((folder / "config.yaml").read_text())
        assert Path(config["data"]["manifest"]).name == "inbreast-fixations-manifest.csv"
        assert config["data"]["preset"] is None
    for folder in (out / "pretrained").glob("byol-*-plain-*"):
        assert yaml.safe_load((folder / "config.yaml").read_text())["data"]["manifest"] is None


def test_a_dry_run_tells_hours(folders, tmp_path, capsys):
    words = words_of("mcgip-table-4", folders, tmp_path, "--dry_run", "--only", "BYOL")
    assert main(words) == 0
    shown = capsys.readouterr().out
    assert (
        "6 cells, 0 done; 6 pre-trainings, 0 done; 12 training images each (counted in the folder)" in shown
    )
    assert "| 6 | byol | resnet10-narrow | 32 | 4 | 2 |" in shown
    assert "hours here" in shown
    assert not (tmp_path / "pretrained").exists()


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_a_dry_run_at_full_scale(name, folders, tmp_path, monkeypatch, capsys):
    """Cells, epochs and hours of every experiment as published, if a step takes 3.6 s per image."""
    monkeypatch.setattr("gazesim.train.reproduce.timing.seconds_per_image", lambda *_: 3.6)
    found = experiment(name)
    words = ["reproduce", name, "--dry_run", "--out", str(tmp_path)]
    assert main([*words, "--data.folder", str(folders[found.preset]), "--data.batch_size", "4"]) == 0
    shown = capsys.readouterr()
    lines = [line for line in found.lines if line.needs is None]
    trained = {(line.config, str(dict(line.options))) for line in lines if line.config is not None}
    counted = re.search(r"(\d+) cells, 0 done; (\d+) pre-trainings, 0 done; (\d+) training", shown.out)
    cells, pretrainings, images = map(int, counted.groups())
    assert (cells, pretrainings) == (len(lines) * found.runs, len(trained) * found.runs)
    rows = [line.strip("|").split("|") for line in shown.out.splitlines() if re.match(r"\| \d", line)]
    assert sum(int(row[0]) for row in rows) == pretrainings
    for number, _, backbone, size, batch, epochs, seconds, hours in rows:
        assert backbone.strip() in ("resnet18", "resnet50", "resnet101")
        assert (int(size), int(batch), float(seconds)) == (224, 4, 3.6)
        assert int(epochs) >= 200
        steps = images // 4 * int(epochs) * int(number)
        assert float(hours.replace(",", "")) == pytest.approx(4 * 3.6 / 3600 * steps, rel=0.06)
    total, pretraining = re.search(r"about ([\d.,]+) hours here: ([\d.,]+) of", shown.out).groups()
    spent = sum(float(row[-1].replace(",", "")) for row in rows)
    assert float(pretraining.replace(",", "")) == pytest.approx(spent, rel=0.06)
    assert float(total.replace(",", "")) > float(pretraining.replace(",", "")) * 0.94
    assert f"timing a step of {rows[0][1].strip()}" in shown.err
    assert "not as published:" in shown.out
    assert "training images; expected at most" not in shown.out
    assert not list(tmp_path.iterdir())
    # The published batch is larger than the small data set.
    assert main([*words, "--data.folder", str(folders[found.preset])]) == 0
    assert f"there are {images} training images; expected at most {images}" in capsys.readouterr().out


def test_a_step_that_takes_long_is_timed_once(monkeypatch):
    steps = []
    monkeypatch.setattr(timing, "SLOW_S", 0.0)
    monkeypatch.setattr(Contrastive, "on_train_batch_start", lambda *_: steps.append(1), raising=False)
    kind = ("simsiam", "resnet10-narrow", 32, 3, "32-true")
    assert timing.seconds_per_image(*kind) > 0
    assert len(steps) == 1
    assert timing.seconds_per_image(*kind) > 0  # kept: an experiment of several parts times it once
    assert len(steps) == 1


def test_groups_are_their_parts():
    assert {part for parts in GROUPS.values() for part in parts} <= set(EXPERIMENTS)
    assert set(ROWS) == set(EXPERIMENTS)
