"""``gazesim evaluate``: from checkpoints and data to tables and pictures, as a user would."""

from __future__ import annotations

import csv
import json
import shutil
from importlib import resources

import numpy as np
import pytest

pytest.importorskip("torch")

import torch
from PIL import Image

from gazesim.cli import main
from gazesim.commands import evaluate as command
from gazesim.commands.evaluate_checkpoints import name_and_file
from gazesim.commands.evaluate_data import configured
from gazesim.commands.pretrain_checks import content_lines
from gazesim.train import GazeData, PhantomSettings, load_backbone
from gazesim.train.evaluation import protocols
from gazesim.train.evaluation.results import read_rows
from gazesim.train.reproduce.published import paper_configs
from report.studies import data_of

QUICK = ["--finetune.epochs", "1", "--finetune.min_steps", "0"]


def test_configuration_beside_the_checkpoint(runs, tmp_path, capsys):
    words = [str(runs / "plain"), f"mcgip={runs / 'gaze' / 'last.ckpt'}", "--baselines", "scratch"]
    report = tmp_path / "report.html"
    words += ["--html", str(report), "--map_points", "2", "--map_unseen"]
    assert main(["evaluate", *words, "--fractions", "0.2,1", *QUICK, "--out", str(tmp_path / "out")]) == 0
    captured = capsys.readouterr()
    assert captured.out.startswith("| protocol | labels | method | n | ACC ↑ | AUC ↑ | M-AUC ↑ |")
    assert "wrote results.csv, results.md, affinity_maps.png" in captured.err
    rows = read_rows(tmp_path / "out" / "results.csv")
    assert {row.method for row in rows} == {"plain", "mcgip", "scratch"}
    assert len(rows) == 3 * 2 * 2 * 3
    assert captured.out in (tmp_path / "out" / "results.md").read_text()
    with Image.open(tmp_path / "out" / "affinity_maps.png") as picture:
        assert picture.size[0] > 900
        assert picture.size[1] > 1500  # two rows of each of three images at least: a point and the unseen one
    shown = data_of(report)
    assert [table["protocol"] for table in shown["tables"]] == ["probe", "finetune"]
    assert all(table["methods"] == ["plain", "mcgip", "scratch"] for table in shown["tables"])
    assert shown["maps"].startswith("data:image/png;base64,")
    assert "default-src 'none'" in report.read_text()


def test_manifest_with_folds_and_more_methods_later(runs, manifest, tmp_path, capsys):
    options = ["--data", str(manifest), "--size", "32", "--folds", "2", "--fractions", "[1.0]"]
    options += ["--protocols", "probe", "--maps", "1", "--out", str(tmp_path)]
    assert main(["evaluate", str(runs / "plain"), *options]) == 0
    before = (tmp_path / "results.csv").read_text()
    assert main(["evaluate", str(runs / "plain"), str(runs / "gaze"), *options]) == 0
    after = (tmp_path / "results.csv").read_text()
    assert after.startswith(before)
    assert len(after.splitlines()) == 1 + 2 * 2 * 3
    assert (tmp_path / "affinity_maps.png").stat().st_size > 10_000


def test_results_of_other_images_are_refused(runs, manifest, tmp_path, capsys):
    """The same ids and labels with other pixels, or other bits, are not what the folder's scores are of."""
    other = tmp_path / "other"
    shutil.copytree(manifest.parent, other)
    options = ["--size", "32", "--folds", "2", "--fractions", "1", "--protocols", "knn", "--maps", "0"]
    options += ["--out", str(tmp_path / "out")]
    words = ["evaluate", str(runs / "plain"), *options, "--data"]
    assert main([*words, str(manifest)]) == 0
    assert main([*words, str(other / "manifest.csv")]) == 0  # copies
    with Image.open(other / "3.png") as image:
        inverted = Image.fromarray(255 - np.asarray(image))
    inverted.save(other / "3.png")
    capsys.readouterr()
    for more in ([str(other / "manifest.csv")], [str(manifest), "--bits", "12"]):
        assert main([*words, *more]) == 1
        assert "holds results with pixels 24 files, at most 16 bits, " in capsys.readouterr().err


def test_another_manifest_of_the_same_name_is_not_taken(runs, manifest, tmp_path, monkeypatch, capsys):
    run = tmp_path / "project" / "runs" / "plain"
    shutil.copytree(runs / "plain", run)
    shutil.copytree(manifest.parent, tmp_path / "project", dirs_exist_ok=True)
    (tmp_path / "other").mkdir()
    shutil.copy(tmp_path / "project" / "0.png", tmp_path / "other")
    (tmp_path / "other" / "manifest.csv").write_text("id,image\n0,0.png\n")
    noted = content_lines({"data": {"manifest": str(manifest)}})
    (run / "config.yaml").write_text(f"{noted}data: {{manifest: manifest.csv, size: 32, channels: 1}}\n")
    seen = []
    monkeypatch.setattr(protocols, "cross_validate", lambda _, samples, **__: seen.append(samples) or [])
    monkeypatch.chdir(tmp_path / "other")
    assert main(["evaluate", str(run), "--folds", "2", "--maps", "0"]) == 0
    assert len(seen[0]) == 24
    assert (
        f"data.manifest 'manifest.csv' is {tmp_path / 'project' / 'manifest.csv'}" in capsys.readouterr().err
    )


def test_baselines_alone_on_a_packaged_configuration(tmp_path, monkeypatch):
    asked = []
    monkeypatch.setattr(
        protocols, "cross_validate", lambda methods, samples, **_: asked.append(samples) or []
    )
    options = ["--data", "demo", "--baselines", "scratch", "--maps", "0", "--out", str(tmp_path)]
    assert main(["evaluate", *options]) == 0
    assert set(asked[0].splits) == {"train", "test"}
    assert asked[0].image(0).shape[0] == 3


def test_several_runs_share_a_row(runs, tmp_path, capsys):
    words = [f"net={runs / 'plain'}", f"net={runs / 'gaze'}", f"one={runs / 'plain'}", "--fractions", "1"]
    words += ["--protocols", "probe", "--probe.candidates", "[1.0]", "--maps", "0", "--out", str(tmp_path)]
    assert main(["evaluate", *words]) == 0
    rows = read_rows(tmp_path / "results.csv")
    scores = {(row.method, row.seed): row.value for row in rows if row.metric == "AUC"}
    assert set(scores) == {("net", 0), ("net", 1), ("one", 0), ("one", 1)}
    assert scores["net", 0] == scores["one", 0] == scores["one", 1] != scores["net", 1]
    before = (tmp_path / "results.csv").read_text()
    assert main(["evaluate", *words[:2], f"net={runs / 'third'}", *words[3:]]) == 0
    assert (tmp_path / "results.csv").read_text().startswith(before)
    assert "| probe | 100 % | net | 3 |" in capsys.readouterr().out


@pytest.fixture
def tufts(runs, tmp_path):
    """Checkpoints of pre-trainings on a preset: the last one with another split."""
    folder = tmp_path / "Tufts"
    (folder / "Radiographs").mkdir(parents=True)
    (folder / "Expert").mkdir()
    records = []
    for i in range(40):
        np.save(folder / "Radiographs" / f"{i}.npy", np.zeros((8, 8)))
        records.append({"External ID": f"{i}.JPG", "Label": {"objects": [{"title": "x"}] * (i % 2)}})
    (folder / "Expert" / "expert.json").write_text(json.dumps(records))
    for name, seed, more in (("s0", 0, ""), ("s1", 1, ""), ("other", 0, ", split_seed: 5")):
        shutil.copytree(runs / "plain", tmp_path / name)
        data = f"{{preset: tufts, folder: {folder}, size: 8, channels: 1{more}}}"
        (tmp_path / name / "config.yaml").write_text(f"seed_everything: {seed}\ndata: {data}\n")
    return folder


def test_a_preset_is_split_as_for_pretraining(tufts, tmp_path, monkeypatch):
    seen = []
    monkeypatch.setattr(
        protocols, "cross_validate", lambda _, samples, **__: seen.append(samples.splits) or []
    )

    def splits(*names, **options):
        command.run([str(tmp_path / name) for name in names], maps=0, **options)
        return seen[-1]

    again = {"preset": "tufts", "folder": str(tufts)}
    assert splits("s0", "s1") == splits("s1") == splits("s1", **again)
    assert splits("other") == splits("other", **again) != splits("s0")
    splits("s0", "other", folds=2)  # nothing is tested on by its split
    for names, options, wrong in (
        (("s0", "other"), {}, "other/config.yaml has split_seed 5 for tufts, and images are split with 0"),
        (("other", "s0"), again, "s0/config.yaml has split_seed 0 for tufts, and images are split with 5"),
        (("s1",), {"data": str(tmp_path / "other" / "config.yaml")}, "s1/config.yaml has split_seed 0"),
    ):
        with pytest.raises(ValueError, match=wrong):
            splits(*names, **options)


@pytest.mark.parametrize("name", [one for one in paper_configs() if one.startswith("mcgip")])
def test_the_commands_in_packaged_configurations(name, monkeypatch):
    file = resources.files("gazesim.train").joinpath("configs", f"{name}.yaml")
    text = file.read_text(encoding="utf-8").replace("\\\n#", "")
    words = next(line for line in text.splitlines() if "gazesim evaluate" in line).split()[2:]
    asked = {}
    monkeypatch.setattr(command, "named_checkpoints", lambda files: asked.update(files=files) or {})
    monkeypatch.setattr(command, "_check_files", lambda *_: None)
    monkeypatch.setattr(command, "_methods", lambda *_: ({}, 1))
    monkeypatch.setattr(command, "data_of", lambda *_: GazeData(phantom=PhantomSettings(n_train=2, n_test=1)))
    monkeypatch.setattr(protocols, "cross_validate", lambda *_, **given: asked.update(given) or [])
    assert main(["evaluate", *words[1:], "--maps", "0"]) == 0
    assert asked["files"] == [f"runs/{name}"]
    assert asked["finetune"].min_steps == 0
    assert (asked["finetune"].optimiser, asked["finetune"].learning_rate) == ("adam", 2e-5)
    assert asked["folds"] == 5
    assert (asked["finetune"].epochs == 10) == (asked["finetune"].horizontal_flip > 0)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["{runs}/nowhere"], "nowhere does not exist; expected a checkpoint"),
        (["{runs}/nonsense.ckpt"], "is not a checkpoint"),
        (["{runs}/plain", "{runs}/plain/last.ckpt"], "are both named 'plain'; expected NAME=FILE"),
        (["{runs}/plain", "{runs}/colour"], "different numbers of channels: plain 1, colour 3"),
        (["scratch={runs}/plain", "--baselines", "scratch"], "is named like the baseline 'scratch'"),
        (["x={runs}/plain", "x={runs}/gaze", "--seeds", "0"], "2 files are named 'x', and seeds is [0]"),
        (["x={runs}/plain", "x={runs}/plain"], "is given twice as 'x'"),
        (["plain={runs}/gaze", "{runs}/plain"], "are both named 'plain'; expected NAME=FILE"),
        (["x={runs}/plain", "x={runs}/colour"], "different numbers of channels: x 1, x 3"),
        (["{runs}/plain", "--seeds", "[]"], "seeds is empty"),
        ([], "no checkpoint is given; expected some, or --baselines scratch"),
        (["--baselines", "scratch"], "data is missing; expected --data"),
        (["--baselines", "scrach", "--data", "x.yaml"], 'did you mean "scratch"'),
        (["{runs}/plain", "--data", "nowhere"], "data is 'nowhere', which does not exist"),
        (["{runs}/plain", "--data", "nowhere.csv"], "nowhere.csv"),
        (
            ["{runs}/plain", "--data", "x.csv", "--preset", "tufts"],
            "preset and data ('x.csv') are both given",
        ),
        (["{runs}/plain", "--fractions", "0.1,half"], "fractions is '0.1,half'; expected numbers"),
        (["{runs}/plain", "--seeds", "1.5"], "seeds is '1.5'; expected numbers"),
        (["{runs}/plain", "--protocols", "prob"], 'did you mean "probe"'),
        (["{runs}/plain", "--device", "gpu"], 'device is \'gpu\'; expected "auto", "cpu" or "cuda"'),
        (["{runs}/plain", "--html", "{runs}/nowhere/report.html"], "is in a folder that does not exist"),
        (["{runs}/plain", "--map_layer", "layer9", "--protocols", "probe"], "layer is 'layer9'"),
    ],
)
def test_mistakes_get_one_sentence(words, message, runs, tmp_path, capsys):
    given = [word.format(runs=runs) for word in words]
    assert main(["evaluate", *given, "--out", str(tmp_path / "out")]) == 1
    printed = capsys.readouterr().err.splitlines()[-1]
    assert printed.startswith("gazesim evaluate: ")
    assert message in printed
    assert not (tmp_path / "out").exists()


def relabelled(manifest, folder, change):
    rows = list(csv.reader(manifest.read_text().splitlines()))
    for row in rows[1:]:
        row[1], row[2] = str(manifest.parent / row[1]), change(row[2])
    file = folder / "manifest.csv"
    with file.open("w", newline="") as target:
        csv.writer(target).writerows(rows)
    return str(file)


@pytest.mark.parametrize(
    ("change", "options", "message"),
    [
        (lambda label: "", ["--folds", "2"], "none of 24 images has a label"),
        (lambda label: "normal", ["--folds", "2"], "the labels hold 1 class (normal); expected two"),
        (
            lambda label: label,
            [],
            'no labelled image is in split "train"; expected some, or folds, such as 5',
        ),
        (lambda label: label, ["--folds", "20"], "folds is 20, and there are 12 groups"),
        (lambda label: label, ["--folds", "2", "--ordinal"], "ordinal is True and a class is 'benign'"),
    ],
)
def test_unsuitable_labels_get_one_sentence(change, options, message, runs, manifest, tmp_path, capsys):
    data = relabelled(manifest, tmp_path, change)
    words = [str(runs / "plain"), "--data", data, "--size", "32", *options, "--out", str(tmp_path / "out")]
    assert main(["evaluate", *words]) == 1
    printed = capsys.readouterr().err.splitlines()[-1]
    assert message in printed


def test_a_configuration_has_to_hold_data(runs, tmp_path, capsys):
    file = tmp_path / "config.yaml"
    for text, message in (
        ("model: {}\n", "has no section data"),
        ("nonsense\n", "has no section data"),
        ("data: [", "is not YAML"),
        ("data: {phantom: {n_train: 8}, sise: 32}\n", "sise"),
    ):
        file.write_text(text)
        assert main(["evaluate", str(runs / "plain"), "--data", str(file), "--out", str(tmp_path)]) == 1
        printed = capsys.readouterr().err
        assert message in printed
        assert printed.count("\n") == 1


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ("runs/byol.v2", "byol.v2"),
        ("runs/byol/last.ckpt", "byol"),
        ("runs/byol/checkpoints/last.ckpt", "byol"),
        ("elsewhere/moco.ckpt", "moco"),
        ("mcgip=elsewhere/moco.ckpt", "mcgip"),
    ],
)
def test_names_tell_what_was_trained(given, name):
    assert name_and_file(given)[0] == name


def test_a_file_may_have_the_name_that_lightning_gives(tmp_path):
    file = tmp_path / "epoch=3-step=12.ckpt"
    file.touch()
    assert name_and_file(str(file)) == ("epoch=3-step=12", str(file))


def test_the_data_are_those_of_pretraining(runs):
    data = configured(str(runs / "plain" / "config.yaml"), None, 1)
    assert (data.seed, data.size, data.channels) == (3, 32, 1)
    assert configured("demo", 48, 3).size == 48


def test_size_and_normalisation_are_those_of_pretraining(runs, manifest, tmp_path, monkeypatch, capsys):
    folder = tmp_path / "scaled"
    shutil.copytree(runs / "plain", folder)
    text = (
        (folder / "config.yaml")
        .read_text()
        .replace("batch_size: 8", "batch_size: 8\n  views: {mean: 0.5, std: 0.25}")
    )
    (folder / "config.yaml").write_text(text)
    seen = {}

    def note(methods, samples, **_):
        seen.update(methods=methods, samples=samples)
        return []

    monkeypatch.setattr(protocols, "cross_validate", note)
    words = [str(folder), str(runs / "plain"), "--data", str(manifest), "--folds", "2", "--maps", "0"]
    assert main(["evaluate", *words, "--out", str(tmp_path / "out")]) == 0
    said = capsys.readouterr().err
    assert "images: 32 x 32 pixels, 1 channel, pixels (pixel − 0) / 1; (pixel − 0.5) / 0.25" in said
    assert f"as pre-trained: {folder / 'config.yaml'}" in said
    x = seen["samples"].image(0)[None]
    assert x.shape == (1, 1, 32, 32)
    scaled, plain = seen["methods"]["scaled"], seen["methods"]["plain"]
    with torch.no_grad():
        torch.testing.assert_close(scaled(x), plain((x - 0.5) / 0.25))
    assert main(["evaluate", *words, "--size", "48", "--out", str(tmp_path / "out")]) == 0
    assert seen["samples"].image(0).shape == (1, 48, 48)


def test_gaze_of_a_manifest_is_read_as_for_pretraining(runs, manifest, tmp_path, monkeypatch, capsys):
    run = tmp_path / "gazed"
    shutil.copytree(runs / "plain", run)
    data = f"{{manifest: {manifest}, size: 32, channels: 1, sigma_share: 0.1, "
    data += "gaze: {screen_size: [800, 600], placement: fit}}"
    (run / "config.yaml").write_text(f"data: {data}\n")
    seen = []
    monkeypatch.setattr(protocols, "cross_validate", lambda _, samples, **__: seen.append(samples) or [])
    words = ["evaluate", str(run), str(runs / "plain"), "--folds", "2", "--maps", "0"]
    for more in ([], ["--data", str(manifest)]):
        assert main([*words, *more]) == 0
        said = capsys.readouterr().err
        options = "screen_size (800.0, 600.0), placement fit, sigma_share 0.1"
        assert f"gaze: {options} (as pre-trained: {run / 'config.yaml'})" in said
        assert (
            f"{runs / 'plain' / 'config.yaml'} was pre-trained with other options of gaze: the defaults"
            in said
        )
    own, given = seen
    assert own.gaze.options == given.gaze.options
    assert own.sigma_share == given.sigma_share == 0.1


def test_weights_of_other_tools(runs, manifest, tmp_path, monkeypatch, capsys):
    seen = {}
    monkeypatch.setattr(protocols, "cross_validate", lambda methods, *_, **__: seen.update(methods) or [])
    mine = load_backbone(runs / "plain")
    state = {f"module.encoder_q.{name}": value for name, value in mine.maps.state_dict().items()}
    torch.save(
        {"state_dict": state | {"module.encoder_q.fc.weight": torch.zeros(2, 2)}}, tmp_path / "moco.pt"
    )
    words = [str(tmp_path / "moco.pt"), "--data", str(manifest), "--size", "32", "--folds=2", "--maps=0"]
    out = ["--out", str(tmp_path / "out")]
    assert main(["evaluate", *words, "--backbone", "resnet10-narrow", *out]) == 0
    x = torch.rand(2, 1, 32, 32)
    with torch.no_grad():
        torch.testing.assert_close(next(iter(seen.values()))(x), mine(x))
    capsys.readouterr()
    assert main(["evaluate", *words, *out]) == 1
    assert "is not a checkpoint of gazesim pretrain" in capsys.readouterr().err
    assert main(["evaluate", *words, "--backbone", "resnet10-narrow", "--prefix", "net.", *out]) == 1
    assert "prefix is 'net.', and no name in" in capsys.readouterr().err
