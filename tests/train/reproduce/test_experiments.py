"""The experiments as data: rows and columns, configurations of every cell, and what the verb says of them."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

pytest.importorskip("gazesim.train")

import yaml

from gazesim.cli import main
from gazesim.commands import reproduce_plan
from gazesim.commands.configuration import flat
from gazesim.commands.reproduce_plan import Asked, not_as_published, plan
from gazesim.commands.reproduce_run import run_cells
from gazesim.train.evaluation.settings import FineTuneSettings, GradientProbeSettings
from gazesim.train.reproduce import published
from gazesim.train.reproduce.experiments import EXPERIMENTS, experiment, names
from gazesim.train.reproduce.layout import Score, csv_of, curves_of, table_of
from gazesim.train.reproduce.smoke import smoke_experiment


def asked(tmp_path, **options):
    return Asked(tmp_path, given={"data": {"folder": str(tmp_path)}}, **options)


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_rows_have_names_of_their_own(name):
    found = experiment(name)
    keys = [line.key for line in found.lines]
    assert len(set(keys)) == len(keys)
    assert all(len(line.labels) == len(found.head) for line in found.lines)
    assert found.place
    assert found.layout


@pytest.mark.parametrize("name", EXPERIMENTS)
@pytest.mark.parametrize("scale", ["full", "smoke"])
def test_every_cell_is_a_configuration_that_pretrain_takes(name, scale, tmp_path):
    """Planning checks every option; cells have files and pre-trainings of their own."""
    found = experiment(name)
    if scale == "smoke":
        found = smoke_experiment(found)
    cells = plan(found, asked(tmp_path, scale=scale))
    assert len({cell.result for cell in cells}) == len(cells)
    kinds = {"finetune": FineTuneSettings, "gradient_probe": GradientProbeSettings}
    kinds[found.protocol](**found.settings)
    for cell in cells:
        if found.folds is not None:
            assert (cell.plain["data"]["folds"], cell.plain["data"]["fold"]) == (found.folds, cell.fold)
    if scale == "full":  # at small scale all backbones are one, and rows may share a pre-training
        trained = [cell.folder for cell in cells if cell.line.config is not None]
        assert len(set(trained)) == len(trained)


def test_the_rows_of_mcgips_first_table(tmp_path):
    found = experiment("mcgip-table-1")
    cells = plan(found, asked(tmp_path))
    assert len(cells) == 3 * 3 * 2 * 5
    chosen = {cell.line.key: cell.plain["model"] for cell in cells if cell.fold == 0}
    sequence = chosen["ResNet-50, MoCo + McGIP, sequence"]
    assert (sequence["backbone"], sequence["framework"]) == ("resnet50", "moco")
    assert sequence["pairs"]["scheme"] == "multimatch"
    assert sequence["pairs"]["params"]["alignment"] == "per_dimension"
    assert "alpha" not in sequence["pairs"]["params"]
    queue = {"own_keys": "positive", "positive_keys": "queue"}  # equation 4: labels [1, W] over the queue
    assert queue.items() <= sequence["moco"].items()
    heatmap = chosen["ResNet-101, SimSiam + McGIP, heatmap"]
    assert (heatmap["backbone"], heatmap["pairs"]["scheme"]) == ("resnet101", "moments")
    assert chosen["ResNet-18, BYOL"]["pairs"] is None
    assert found.settings == {
        "optimiser": "adam",
        "learning_rate": 2e-5,
        "weight_decay": 0.0,
        "epochs": 10,
        "min_steps": 0,
    }
    assert experiment("mcgip-table-2").settings["epochs"] == 20


def test_the_rows_of_gzpt_are_its_released_files(tmp_path):
    """max_epochs, samples_per_gpu, hidden units, momentum and p of each file, copied by hand."""
    cells = plan(experiment("gzpt"), asked(tmp_path))
    assert len(cells) == 6 * 2 * 5
    found = {}
    for cell in cells:
        model, data, trainer = (cell.plain[section] for section in ("model", "data", "trainer"))
        pairs = model["pairs"]
        if pairs is not None:
            assert (pairs["scheme"], pairs["threshold"]) == ("tima", 0.95)
            assert model["optimizer"]["betas"] == (0.9, 0.95)
            assert model["optimizer"]["warmup_epochs"] == 40
            found[cell.line.key] = (
                trainer["max_epochs"],
                data["batch_size"],
                model["heads"]["hidden"],
                model["momentum"],
                pairs["confidence"],
            )
        assert model["weights"] == "imagenet"
    assert found == {
        "ResNet-18, BYOL + GzPT": (300, 32, 1024, 0.99, 0.5),
        "ResNet-50, BYOL + GzPT": (400, 32, 4096, 0.99, 0.5),
        "ResNet-101, BYOL + GzPT": (400, 16, 4096, 0.99, 0.5),
        "ResNet-50, SimSiam + GzPT": (200, 32, 4096, 0.0, 0.5),
        "ResNet-101, SimSiam + GzPT": (300, 16, 4096, 0.0, 0.5),
        "ResNet-50, MoCo + GzPT": (300, 16, 2048, 0.999, 1.0),
    }
    curve = [cell for cell in plan(experiment("gzpt-confidence"), asked(tmp_path)) if cell.fold == 0]
    assert [cell.plain["model"]["pairs"]["confidence"] for cell in curve] == [0.1, 0.3, 0.5, 0.7, 0.9]
    assert [cell.line.x for cell in curve] == [0.1, 0.3, 0.5, 0.7, 0.9]


def test_a_row_keeps_the_published_values_but_its_own(tmp_path):
    """Of every option that a line does not set, the configuration's value is what is trained with."""
    own = {"data.preset", "data.folds", "data.fold", "model.weights"}
    for name in ("mcgip-table-1", "mcgip-table-2", "gca-table-2", "gzpt"):
        for cell in plan(experiment(name), asked(tmp_path)):
            values = dict(flat(cell.plain))
            stated = published.config_values(str(cell.line.config))
            for option, one in stated.items():
                is_set = any(option == key or option.startswith(f"{key}.") for key in cell.line.options)
                if not is_set and option not in own:
                    assert values[option] == one.value, (name, cell.title, option)


def test_published_numbers_belong_to_rows():
    table = published._table()["tables"]
    for name, rows in table.items():
        found = experiment(name)
        assert set(rows) <= {line.key for line in found.lines}
        for numbers in rows.values():
            assert set(numbers) - {"place"} <= set(found.metrics)
            assert numbers["place"]
    assert set(published._table()["experiments"]) == set(EXPERIMENTS)


def test_the_table_has_the_papers_layout():
    found = experiment("gca-table-2")
    scores = [Score("crop, cutout", fold, 200, 1.0, "ACC", 0.5 + fold / 10) for fold in range(2)]
    lines = table_of(found, scores).splitlines()
    assert lines[0] == "| by gaze | ACC | ACC published | MAE | MAE published |"
    assert "| crop, cutout | 0.550 ± 0.071 | 0.5664 | not run | 0.636 |" in lines
    assert "| crop, cutout, mask | not run | 0.5966 | not run | 0.583 |" in lines
    assert "| mask | not run | not at hand | not run | not at hand |" in lines
    assert len(lines) == 2 + 8
    assert csv_of(found, scores).splitlines()[1] == '"crop, cutout",0,200,1.0,ACC,0.5,0.5664'


def test_curves_over_labels_and_epochs():
    labels = experiment("gca-figure-labels")
    scores = [Score("GCA", 0, 200, share, "ACC", 0.4) for share in labels.fractions]
    assert [x for x, _ in curves_of(labels, scores, 5778)["GCA"]] == [55, 288, 577, 1154, 5778]
    assert "| GCA | 55 labels | 0.400 | not at hand |" in table_of(labels, scores)
    epochs = experiment("mcgip-figure-5a")
    scores = [Score("BYOL", fold, epoch, 1.0, "ACC", 0.4) for fold in (0, 1) for epoch in epochs.epochs]
    assert [x for x, _ in curves_of(epochs, scores, 328)["BYOL"]] == [
        25,
        25,
        50,
        50,
        100,
        100,
        150,
        150,
        200,
        200,
    ]


def test_what_is_not_as_published_is_said(tmp_path):
    found = experiment("mcgip-table-1")

    def said(**options):
        wanted = asked(tmp_path, **options)
        return "\n".join(not_as_published(found, wanted, plan(found, wanted)))

    assert "random weights where the paper starts from those of ImageNet" in said(weights="none")
    assert "random weights" not in said()
    assert "chosen here, as the paper's are not at hand: data.batch_size, data.size" in said()
    assert "MultiMatch compares fixations" in said()
    assert "MultiMatch" not in said(only="ResNet-18")
    wanted = Asked(tmp_path, given={"trainer": {"max_epochs": 5}, "data": {"num_workers": 2}})
    assert "in place of published values: trainer.max_epochs" in "\n".join(
        not_as_published(found, wanted, plan(found, wanted))
    )
    table = experiment("gca-table-1")
    notes = not_as_published(table, asked(tmp_path), plan(table, asked(tmp_path)))
    assert any(note.startswith("searched augmentations is not run: the values") for note in notes)


def test_weights_in_files_go_to_their_backbones(tmp_path, capsys):
    files = [tmp_path / f"{name}-abc.pth" for name in ("resnet18", "resnet50")]
    for file in files:
        file.write_bytes(b"")
    from gazesim.commands.reproduce import _weights

    found = _weights(",".join(map(str, files)))
    assert set(found) == {"resnet18", "resnet50"}
    cells = plan(experiment("mcgip-table-1"), asked(tmp_path, weights=found, only="ResNet-50"))
    assert {cell.plain["model"]["weights"] for cell in cells} == {str(files[1])}
    words = ["reproduce", "mcgip-table-1", "--data.folder", str(tmp_path), "--weights", str(files[0])]
    assert main(words) == 1
    assert "weights has a file for resnet18, and none for resnet50" in capsys.readouterr().err


def test_searched_augmentations_are_a_row_once_they_are_given(tmp_path):
    file = tmp_path / "searched.yaml"
    file.write_text(yaml.safe_dump({"crop_scale": [0.5, 1.0], "jitter": 0.2}))
    cells = plan(experiment("gca-table-1"), asked(tmp_path, searched=str(file)))
    views = next(cell.plain["data"]["views"] for cell in cells if cell.line.key.startswith("searched"))
    assert (views["crop_scale"], views["jitter"], views["crop"]) == ((0.5, 1.0), 0.2, "random")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], r"NAME is missing; expected .*mcgip-table-1"),
        (["mcgip-table-9"], "'mcgip-table-9' is no experiment.*did you mean"),
        (["mcgip-table-1"], "data.folder is missing; expected the folder of inbreast"),
        (["mcgip-table-1", "--data.folder", "nowhere"], "data.folder is .*nowhere', which does not exist"),
        (["mcgip-table-1", "--data.folder", ".", "--only", "ViT"], "only is 'ViT', which no row"),
        (["mcgip-table-1", "--data.folder", ".", "--scale", "big"], "scale is 'big'"),
        (
            ["gca-table-1", "--data.folder", ".", "--data.preset", "tufts"],
            "data.preset is 'tufts'; expected oai",
        ),
        (["mcgip-table-1", "--data.folder", ".", "--data.folds", "3"], "experiments have folds of their own"),
        (["mcgip-table-1", "--data.folder", ".", "--config", "demo"], "'--config' is not accepted"),
        (["mcgip-table-1", "--data.folder", ".", "--weights", "a.pth"], "weights: a.pth does not exist"),
        (["gca-table-1", "--data.folder", ".", "--searched", "a.yaml"], "searched is 'a.yaml'"),
        (["mcgip-table-1", "--data.folder", ".", "--model.frames", "2"], "Option 'model.frames' is not"),
    ],
)
def test_mistakes_are_told_before_anything_runs(words, message, capsys, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    assert main(["reproduce", *words]) == 1
    assert re.search(message, capsys.readouterr().err)


def test_list_and_help_need_no_torch(capsys):
    assert main(["reproduce", "--list"]) == 0
    listed = capsys.readouterr().out
    assert all(name in listed for name in names())
    code = (
        "import sys; from gazesim.cli import main\n"
        "for words in (['--help'], ['--list'], ['--help_all']):\n"
        "    assert main(['reproduce', *words]) == 0\n"
        "assert 'torch' not in sys.modules and 'matplotlib' not in sys.modules"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "example: gazesim reproduce" in shown.stdout
    assert main(["reproduce", "--help"]) == 0
    assert len(capsys.readouterr().out.splitlines()) <= 25


def test_cells_belong_to_the_content_of_a_manifest(tmp_path, monkeypatch, capsys):
    """An edited manifest has cells of its own; files of versions that did not note the content count."""
    manifest = tmp_path / "m.csv"
    manifest.write_text("id,image,label\na,a.png,benign\n")
    wanted = Asked(tmp_path / "out", given={"data": {"manifest": str(manifest)}}, only="BYOL, label")
    table = experiment("mcgip-table-4")
    before = plan(table, wanted)
    assert not any(cell.is_of_unknown_manifest for cell in before)
    assert [cell.result for cell in plan(table, wanted)] == [cell.result for cell in before]
    manifest.write_text("id,image,label\na,a.png,malignant\n")
    edited = plan(table, wanted)
    for one, other in zip(before, edited, strict=True):
        assert one.result != other.result
        assert one.folder != other.folder
    with monkeypatch.context() as patch:  # as an earlier version named the files
        patch.setattr(reproduce_plan, "sha256", lambda _: None)
        old = plan(table, wanted)
    for cell in old:
        cell.folder.mkdir(parents=True)
        cell.result.parent.mkdir(parents=True, exist_ok=True)
        cell.result.write_text('{"scores": []}')
    again = plan(table, wanted)
    assert [(cell.folder, cell.result) for cell in again] == [(cell.folder, cell.result) for cell in old]
    assert run_cells(table, again) == []
    said = capsys.readouterr().err
    assert "5 of 5 cells were begun by a version that did not note the content of the manifest" in said
