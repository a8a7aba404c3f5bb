"""``gazesim pretrain`` as a user runs it: configurations, logs, resuming, mistakes."""

from __future__ import annotations

import csv
import os
import re
import shutil
import signal
import subprocess
import sys

import pytest

pytest.importorskip("torch")

import torch
import yaml

from gazesim.cli import main
from gazesim.commands.configuration import packaged_configs
from gazesim.train import load_backbone
from gazesim.train.lightning_tools import MetricsFile
from runs import interrupted, state

#: MoCo with a queue, and pairs drawn by chance on a schedule: all that resuming could lose.
TINY = {
    "model": {
        "framework": "moco",
        "backbone": "resnet10-narrow",
        "queue_size": 48,
        "pairs": {"quantile": 0.8, "confidence": {"start": 0.9, "end": 0.5, "epochs": 3}},
        "heads": {"hidden": 16, "dim": 8, "projector_norm": True},
    },
    "data": {"phantom": {"n_train": 64, "n_test": 0, "size": 32}, "channels": 1, "batch_size": 16},
    "trainer": {"max_epochs": 6, "log_every_n_steps": 1, "accelerator": "cpu"},
}


@pytest.fixture(scope="module")
def config(tmp_path_factory):
    """A configuration file."""
    file = tmp_path_factory.mktemp("config") / "tiny.yaml"
    file.write_text(yaml.safe_dump(TINY))
    return file


@pytest.fixture(scope="module")
def uninterrupted(config, tmp_path_factory):
    """The folder of a whole training."""
    folder = tmp_path_factory.mktemp("runs") / "whole"
    assert main(["pretrain", "--config", str(config), "--out", str(folder)]) == 0
    return folder


def test_a_run_leaves_checkpoint_configuration_and_logs(uninterrupted):
    with (uninterrupted / "metrics.csv").open(newline="") as lines:
        rows = list(csv.DictReader(lines))
    steps = [int(row["step"]) for row in rows if row["loss"]]
    assert steps == list(range(24))
    epochs = [row for row in rows if row["loss_epoch"]]
    assert len(epochs) == 6
    assert all(float(row["embedding_std"]) > 0 and float(row["positives_per_row"]) > 1 for row in epochs)
    assert next((uninterrupted / "tensorboard").glob("events.*")).stat().st_size > 500
    assert load_backbone(uninterrupted)(torch.rand(2, 1, 32, 32)).shape == (2, 128)


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_a_resumed_training_equals_the_uninterrupted_one(config, uninterrupted, tmp_path, how, capsys):
    folder = tmp_path / "cut"
    code, said = interrupted(["--config", str(config)], folder, how)
    cut = torch.load(folder / "last.ckpt", weights_only=True)
    assert 4 <= cut["global_step"] < 24
    if how == signal.SIGINT:
        assert code == 130
        assert f"go on with: gazesim pretrain --config {folder / 'config.yaml'} --resume" in said
    assert main(["pretrain", "--config", str(folder / "config.yaml"), "--resume"]) == 0
    assert (folder / "metrics.csv").read_bytes() == (uninterrupted / "metrics.csv").read_bytes()
    mine, theirs = state(folder), state(uninterrupted)
    assert mine.keys() == theirs.keys()
    assert all(value.equal(theirs[name]) for name, value in mine.items())
    assert re.search(r"next: .*gazesim evaluate .*last\.ckpt", capsys.readouterr().err)


def test_print_config_describes_the_same_run(config, uninterrupted, tmp_path, capsys):
    words = ["--config", str(config), "--trainer.max_epochs", "1", "--print_config"]
    assert main(["pretrain", *words]) == 0
    printed = capsys.readouterr().out
    again = tmp_path / "printed.yaml"
    again.write_text(printed)
    assert (
        main(["pretrain", "--config", str(again), "--out", str(tmp_path / "run"), "--trainer.max_epochs=6"])
        == 0
    )
    assert (tmp_path / "run" / "metrics.csv").read_bytes() == (uninterrupted / "metrics.csv").read_bytes()
    kept = yaml.safe_load((tmp_path / "run" / "config.yaml").read_text())
    assert kept["model"]["pairs"]["confidence"] == {"start": 0.9, "end": 0.5, "epochs": 3}


def test_a_module_as_backbone(config, tmp_path):
    edited = yaml.safe_load(config.read_text())
    edited["model"] |= {"backbone": {"class_path": "torch.nn.Flatten"}, "dim": 32 * 32}
    (tmp_path / "flat.yaml").write_text(yaml.safe_dump(edited))
    words = ["--out", str(tmp_path / "run"), "--trainer.max_epochs", "1"]
    assert main(["pretrain", "--config", str(tmp_path / "flat.yaml"), *words]) == 0
    flat = load_backbone(tmp_path / "run", torch.nn.Flatten())
    assert flat(torch.rand(2, 1, 32, 32)).shape == (2, 1024)


def test_help_is_of_a_length_to_read(capsys):
    assert main(["pretrain", "--help"]) == 0
    messages = capsys.readouterr().out
    assert "--model.pairs" in messages
    assert "--resume" in messages
    assert len(messages.splitlines()) < 25
    assert main(["pretrain", "--help_all"]) == 0
    assert len(capsys.readouterr().out.splitlines()) < 450


# --- packaged configurations ----------------------------------------------------------------------


def test_packaged_configs_are_there():
    papers = {"mcgip_inbreast", "mcgip_tufts", "gca_oai", "gzpt_tima"}
    assert {"demo", "byol_mcgip"} | papers <= set(packaged_configs())


@pytest.mark.parametrize("name", packaged_configs())
def test_packaged_configs_parse(name, capsys):
    assert main(["pretrain", f"--config={name}.yaml", "--print_config"]) == 0
    parsed = yaml.safe_load(capsys.readouterr().out)
    assert parsed["out"] == f"runs/{name}"
    if name.endswith("_released"):  # tests/train/reproduce/test_published.py has all numbers
        return
    if name.startswith("mcgip"):
        assert parsed["model"]["optimizer"]["learning_rate"] == 2e-5
        assert parsed["model"]["pairs"]["threshold"] == 0.7
    assert (
        "threshold" in parsed["model"]["pairs"]
        if parsed["model"]["pairs"]
        else name in ("gca_oai", "gaze_target")
    )
    assert parsed["trainer"]["max_epochs"] == {"demo": 20, "gaze_target": 100}.get(name, 200)


def test_the_demo_runs(tmp_path, capsys):
    short = ["--trainer.max_epochs=1", "--data.phantom.n_train=64", "--data.phantom.n_test=0"]
    assert main(["pretrain", "--config", "demo", "--out", str(tmp_path / "demo"), *short]) == 0
    assert (tmp_path / "demo" / "last.ckpt").is_file()


# --- mistakes -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], 'config is missing; expected --config FILE, or "byol_mcgip"'),
        (["--config", "dmo"], "config is 'dmo', which is no file; expected a path, or \"byol_mcgip\""),
        (["--config", "dmo"], '(did you mean "demo"?)'),
        (["--config", "{config}", "--model.framework", "byl"], 'did you mean "byol"'),
        (["--config", "{config}", "--model.framwork", "byol"], 'did you mean "framework"'),
        (
            ["--config", "{config}", "--model.pairs.top_q", "3"],
            "Option 'model.pairs.top_q' is not accepted (did you mean",
        ),
        (
            ["--config", "{config}", "--model.pairs.threshold", "x"],
            "model.pairs.threshold is 'x'; expected a number",
        ),
        (["--config", "{config}", "--model.pairs.scheme", "momens"], 'did you mean "moments"'),
        (["--config", "{config}", "--trainer.max_epochs", "-1"], "expected max_epochs or max_steps"),
        (["--config", "{config}", "--data.phantom", "null"], "expected one of manifest, preset or phantom"),
        (["--config", "{config}", "--data.batch_size", "100"], "batch_size is 100"),
        (["--config", "{config}", "--resume"], "holds no last.ckpt; expected a training to resume"),
        (["--config", "{config}", "--trainer.fast_dev_run=-1"], "trainer is not what Lightning takes: "),
        (
            ["--config", "{config}", "--trainer.enable_checkpointing", "false"],
            "enable_checkpointing is False",
        ),
        (
            ["--config", "{config}", "--trainer.limit_train_batches", "0"],
            "limit_train_batches is 0; expected",
        ),
        (
            ["--config", "{config}", "--seed_everything", "false"],
            "train: seed_everything is False; expected a",
        ),
        (["--config", "{config}", "--seed_everything=-3"], "train: seed_everything is -3; expected a whole"),
        (
            ["--config", "{config}", "--model.framework", "byol"],
            "queue_size is 48, which byol has no use for",
        ),
    ],
)
def test_mistakes_get_one_sentence(words, message, config, tmp_path, capsys):
    words = [word.format(config=config) for word in words]
    out = ["--out", str(tmp_path)] if words else []
    assert main(["pretrain", *words, *out]) == 1
    messages = [line for line in capsys.readouterr().err.splitlines() if line.startswith("gazesim")]
    assert len(messages) == 1
    assert message in messages[0]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("model: {framework: byol", "Problems parsing config"),
        ("modl: {framework: byol}", "Option 'modl.framework' is not accepted (did you mean \"model\"?)"),
        ("model: {optimizer: {learning_rte: 1}}", 'did you mean "learning_rate"'),
        ("model: {optimizer: {name: adamx}}", "optimizer is 'adamx'; expected \"adam\""),
        ("trainer: {max_epoch: 3}", 'did you mean "max_epochs"'),
        ("data: {views: {crop: gze}}", "data.views.crop is 'gze'"),
    ],
)
def test_mistakes_in_files_get_one_sentence(text, message, tmp_path, capsys):
    (tmp_path / "bad.yaml").write_text(text)
    assert main(["pretrain", "--config", str(tmp_path / "bad.yaml"), "--out", str(tmp_path / "out")]) == 1
    messages = capsys.readouterr().err.strip().splitlines()
    assert message in messages[-1]
    assert not (tmp_path / "out").exists()


def test_a_training_is_not_overwritten(config, uninterrupted, capsys):
    before = (uninterrupted / "last.ckpt").read_bytes()
    assert main(["pretrain", "--config", str(config), "--out", str(uninterrupted)]) == 1
    assert "holds a training already; expected --resume, or another --out" in capsys.readouterr().err
    assert (uninterrupted / "last.ckpt").read_bytes() == before


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            ["--model.heads.dim", "16"],
            "does not go on with these settings: model.heads.dim is 16, and was 8;",
        ),
        (
            ["--model.optimizer.decay_all", "true"],
            "model.optimizer.decay_all is True, and was False; expected those of",
        ),
    ],
)
def test_a_resumed_training_needs_its_settings(uninterrupted, tmp_path, words, message, capsys):
    folder = tmp_path / "run"
    shutil.copytree(uninterrupted, folder)
    before = (folder / "config.yaml").read_bytes()
    start = ["pretrain", "--config", str(folder / "config.yaml"), "--out", str(folder), "--resume"]
    assert main([*start, "--trainer.max_epochs", "7", *words]) == 1
    messages = [line for line in capsys.readouterr().err.splitlines() if line.startswith("gazesim")]
    assert len(messages) == 1
    assert message in messages[0]
    assert (folder / "config.yaml").read_bytes() == before


def test_a_longer_training_says_how_the_learning_rate_goes_on(uninterrupted, tmp_path, capsys):
    folder = tmp_path / "run"
    shutil.copytree(uninterrupted, folder)
    words = ["pretrain", "--config", str(folder / "config.yaml"), "--out", str(folder), "--resume"]
    assert main([*words, "--trainer.max_epochs", "8"]) == 0
    said = capsys.readouterr().err
    assert "the learning rate was 0 at step 24; its schedule has another end now" in said
    with (folder / "changes.csv").open(newline="") as lines:
        (row,) = csv.DictReader(lines)
    assert row == {"epoch": "6", "step": "24", "option": "trainer.max_epochs", "before": "6", "after": "8"}
    assert yaml.safe_load((folder / "config.yaml").read_text())["trainer"]["max_epochs"] == 8
    assert torch.load(folder / "last.ckpt", weights_only=True)["global_step"] == 32
    assert main(words) == 0
    assert "nothing was left to train; expected a larger --trainer.max_epochs" in capsys.readouterr().err


def test_half_precision_on_a_cpu_is_said(config, tmp_path, capsys):
    words = ["--out", str(tmp_path / "run"), "--trainer.max_epochs=1", "--trainer.precision=16-mixed"]
    assert main(["pretrain", "--config", str(config), *words]) == 0
    assert "precision is 16-mixed, which a CPU has not: it trains with bf16-mixed" in capsys.readouterr().err


def test_only_files_that_exist_are_said_to_be_written(config, tmp_path, capsys):
    words = ["--out", str(tmp_path / "run"), "--trainer.fast_dev_run", "true", "--seed_everything", "true"]
    words += ["--model.pairs", "null"]
    assert main(["pretrain", "--config", str(config), *words]) == 0
    messages = [line for line in capsys.readouterr().err.splitlines() if "wrote" in line or "next" in line]
    assert messages == [f"gazesim pretrain: wrote {tmp_path / 'run' / 'config.yaml'}"]
    kept = yaml.safe_load((tmp_path / "run" / "config.yaml").read_text())
    assert kept["seed_everything"] == int(os.environ["PL_GLOBAL_SEED"])


def test_a_checkpoint_of_ones_own_beside_the_last_one(config, tmp_path):
    edited = yaml.safe_load(config.read_text())
    own = {
        "class_path": "lightning.pytorch.callbacks.ModelCheckpoint",
        "init_args": {"dirpath": str(tmp_path)},
    }
    edited["trainer"] |= {"callbacks": [own], "max_epochs": 1}
    (tmp_path / "own.yaml").write_text(yaml.safe_dump(edited))
    assert main(["pretrain", "--config", str(tmp_path / "own.yaml"), "--out", str(tmp_path / "run")]) == 0
    assert (tmp_path / "run" / "last.ckpt").is_file()
    assert (tmp_path / "epoch=0-step=4.ckpt").is_file()


def test_without_the_extra_it_says_what_to_install():
    program = (
        "import sys; sys.modules['lightly'] = None; from gazesim.cli import main; "
        "sys.exit(main(['pretrain', '--config', 'demo']))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "expected: pip install 'gazesim[train]'" in done.stderr


# --- metrics.csv ----------------------------------------------------------------------------------


def test_metrics_are_continued_at_a_step(tmp_path):
    first = MetricsFile(tmp_path)
    for step in range(4):
        first.log_metrics({"loss": step / 8, "epoch": 0}, step)
    first.log_metrics({"extra": 2.0, "epoch": 0}, 4)
    with (tmp_path / "metrics.csv").open("a") as file:
        file.write("0,5")  # a row that was cut short
    second = MetricsFile(tmp_path, from_step=3)
    second.log_metrics({"loss": 9.0, "epoch": 1}, 3)
    with (tmp_path / "metrics.csv").open(newline="") as lines:
        rows = list(csv.DictReader(lines))
    assert [(row["step"], row["loss"]) for row in rows] == [
        ("0", "0.0"),
        ("1", "0.125"),
        ("2", "0.25"),
        ("3", "9.0"),
    ]
    third = MetricsFile(tmp_path)
    third.log_metrics({"loss": 1.0}, 0)
    assert (tmp_path / "metrics.csv").read_text().split() == ["epoch,step,loss", ",0,1.0"]
