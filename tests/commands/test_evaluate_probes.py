"""``gazesim evaluate`` with every probe: masks, boxes and findings of a manifest, weights of others."""

from __future__ import annotations

import csv

import numpy as np
import pytest

pytest.importorskip("gazesim.train")

import torch
from PIL import Image

from gazesim.cli import main
from gazesim.train import make_backbone
from gazesim.train.evaluation.results import read_rows

IMAGES, SIZE = 24, 48
QUICK = ["--maps", "0", "--size", str(SIZE), "--finetune.epochs", "1", "--finetune.min_steps", "0"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Dark images with a bright lesion, a manifest with masks and findings, and one with boxes."""
    folder, rng = tmp_path_factory.mktemp("probes"), np.random.default_rng(5)
    rows, boxes = [], []
    for i in range(IMAGES):
        pixels = rng.normal(70, 12, (2 * SIZE, 3 * SIZE))
        x, y = rng.integers(0, 2 * SIZE), rng.integers(0, SIZE)
        mask = np.zeros(pixels.shape, bool)
        mask[y : y + SIZE, x : x + SIZE] = True
        pixels[mask] += 110
        Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(folder / f"{i}.png")
        Image.fromarray(255 * mask.astype(np.uint8)).save(folder / f"{i}-mask.png")
        split = "train" if i % 3 else "test"
        left = int(x < SIZE)
        mark = "" if i == 1 else f"{i}-mask.png"
        rows.append(
            [i, f"{i}.png", "large" if i % 2 else "small", split, mark, left, "" if i == 4 else i % 2]
        )
        other = (0 if x >= SIZE else 2 * SIZE, 0)
        boxes.append([f"{i}-lesion", f"{i}.png", "lesion", split, f"{x},{y},{x + SIZE},{y + SIZE}"])
        corner = f"{other[0]},{other[1]},{other[0] + SIZE},{other[1] + SIZE}"
        boxes.append([f"{i}-other", f"{i}.png", "background", split, corner])
    for name, header, lines in (
        ("images.csv", ["id", "image", "label", "split", "mask", "left", "odd"], rows),
        ("patches.csv", ["id", "image", "label", "split", "box"], boxes),
    ):
        with (folder / name).open("w", newline="") as file:
            csv.writer(file).writerows([header, *lines])
    torch.manual_seed(0)
    state = make_backbone("resnet10-narrow").maps.state_dict()
    torch.save({"state_dict": {f"module.{name}": value for name, value in state.items()}}, folder / "own.pt")
    return folder


def scores(out, **where):
    found = [row for row in read_rows(out / "results.csv") if vars(row) | where == vars(row)]
    return {row.metric: row.value for row in found}


def test_every_probe_also_for_weights_of_others(folder, tmp_path, capsys):
    words = [
        "evaluate",
        f"own={folder / 'own.pt'}",
        "--backbone",
        "resnet10-narrow",
        "--baselines",
        "scratch",
    ]
    words += ["--data", str(folder / "images.csv"), *QUICK, "--fractions", "0.5,1", "--findings", "left,odd"]
    words += ["--map_layer", "maps.2", "--out", str(tmp_path)]
    probes = "probe,knn,multi_label,segmentation,affinity"
    assert main([*words, "--protocols", probes]) == 0
    printed = capsys.readouterr()
    assert "1 of 24 data images have no mask and are left out" in printed.err
    metrics = {
        "probe": {"ACC", "AUC"},
        "knn": {"ACC", "AUC"},
        "multi_label": {"AUROC", "AP"},
        "segmentation": {"Dice", "IoU", "pixel AUROC"},
        "affinity": {"AUROC"},
    }
    for method in ("own", "scratch"):
        for protocol, names in metrics.items():
            found = scores(tmp_path, method=method, protocol=protocol, fraction=1.0)
            assert set(found) == names
            assert all(0 <= value <= 1 for value in found.values())
        # The lesion is bright: even random weights see it.
        assert scores(tmp_path, method=method, protocol="segmentation", fraction=1.0)["Dice"] > 0.6
        assert scores(tmp_path, method=method, protocol="segmentation", fraction=0.5)["Dice"] > 0.6
        assert scores(tmp_path, method=method, protocol="affinity", fraction=1.0)["AUROC"] > 0.7
    assert not scores(tmp_path, protocol="affinity", fraction=0.5)  # nothing is trained
    for line in ("| segmentation | 50 % | own | 1 |", "| affinity | 100 % | scratch | 1 |"):
        assert line in printed.out
        assert line in (tmp_path / "results.md").read_text()
    # The same folder takes another protocol later, but no other findings.
    before = (tmp_path / "results.csv").read_text()
    assert main([*words, "--protocols", f"{probes},finetune"]) == 0
    assert (tmp_path / "results.csv").read_text().startswith(before)
    words[words.index("left,odd")] = "left"
    assert main([*words, "--protocols", "multi_label"]) == 1
    assert "holds results of multi_label with" in capsys.readouterr().err


def test_patches_are_rows_of_boxes_and_folds_keep_images_whole(folder, tmp_path, capsys, monkeypatch):
    from gazesim.train.evaluation import protocols

    seen, real = [], protocols._CellScorer.probabilities

    def noted(self, cell, division):
        seen.append((self.tasks[cell.protocol].samples.groups, division))
        return real(self, cell, division)

    monkeypatch.setattr(protocols._CellScorer, "probabilities", noted)
    words = ["evaluate", "--baselines", "scratch", "--backbone", "resnet10-narrow", "--protocols", "patch"]
    words += ["--data", str(folder / "patches.csv"), "--fractions", "0.2,1", *QUICK, "--folds", "3"]
    assert main([*words, "--out", str(tmp_path)]) == 0
    rows = [row for row in read_rows(tmp_path / "results.csv") if row.metric == "AUC" and row.fraction == 1]
    assert len(rows) == 3
    assert all(row.value > 0.95 for row in rows)
    assert len(seen) == 6
    for groups, division in seen:
        assert not {groups[i] for i in division.train} & {groups[i] for i in division.test}


@pytest.mark.parametrize(
    ("data", "words", "message"),
    [
        ("images.csv", ["--protocols", "patch"], "none of 24 images has a box; expected a manifest with"),
        ("patches.csv", ["--protocols", "segmentation"], "none of 48 images has a mask"),
        ("patches.csv", ["--protocols", "affinity"], "none of 48 images has a mask"),
        ("images.csv", ["--protocols", "multi_label"], "multi_label and findings go together"),
        ("images.csv", ["--findings", "left"], "multi_label and findings go together"),
        (
            "images.csv",
            ["--protocols", "multi_label", "--findings", "lef"],
            'findings names \'lef\'; expected "left" or "odd" (did you mean "left"?)',
        ),
        ("images.csv", ["--protocols", "segment"], 'did you mean "segmentation"'),
        ("images.csv", ["--protocols", "knn", "--knn.k", "0"], "k is 0; expected a whole number"),
        ("images.csv", ["--protocols", "segmentation", "--map_layer", "layer9"], "layer is 'layer9'"),
    ],
)
def test_mistakes_get_one_sentence(data, words, message, folder, tmp_path, capsys):
    given = ["--baselines", "scratch", "--backbone", "resnet10-narrow", "--data", str(folder / data), *QUICK]
    assert main(["evaluate", *given, *words, "--out", str(tmp_path / "out")]) == 1
    assert message in capsys.readouterr().err.splitlines()[-1]


def test_a_finding_is_one_or_zero(folder, tmp_path, capsys):
    rows = list(csv.reader((folder / "images.csv").read_text().splitlines()))
    for row in rows[1:]:
        row[1], row[4] = str(folder / row[1]), ""
    rows[3][5] = "maybe"
    with (tmp_path / "m.csv").open("w", newline="") as file:
        csv.writer(file).writerows(rows)
    words = ["--baselines", "scratch", "--backbone", "resnet10-narrow", "--data", str(tmp_path / "m.csv")]
    words += ["--protocols", "multi_label", "--findings", "left", *QUICK]
    assert main(["evaluate", *words, "--out", str(tmp_path / "out")]) == 1
    printed = capsys.readouterr().err.splitlines()[-1]
    assert "m.csv, line 4: column 'left' is 'maybe'; expected 1, 0, or nothing" in printed
