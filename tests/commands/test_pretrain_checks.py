"""What ``gazesim pretrain`` refuses before the first step, without torch: in one sentence each."""

from __future__ import annotations

import csv
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from gazesim import AffinityCache
from gazesim.cli import VERBS, main
from gazesim.commands.configuration import read_yaml, resolved
from gazesim.commands.pretrain import Start, configuration_of, prepared
from gazesim.commands.pretrain_checks import BACKBONES, FREE, differences

#: Pairs need a rule.
RULE = ("--model.pairs.top_k", "2")
TINY = "model: {backbone: resnet10-narrow}\ndata: {phantom: {n_train: 64, size: 32}, batch_size: 8}\n"


@pytest.fixture
def config(tmp_path):
    file = tmp_path / "tiny.yaml"
    file.write_text(TINY + "trainer: {max_epochs: 2, accelerator: cpu}\n")
    return file


def run_folder(words, folder):
    """Leave what a run with these words leaves: its configuration, and a checkpoint in name."""
    start = prepared(*resolved(configuration_of([*words, "--out", str(folder)])))
    folder.mkdir(exist_ok=True)
    (folder / "config.yaml").write_text(start.text)
    (folder / "last.ckpt").touch()
    return folder


def resume(words, folder, how="--resume") -> Start:
    return prepared(*resolved(configuration_of([*words, "--out", str(folder), how])))


def said(words, capsys) -> str:
    """Return the one line in which a command is refused."""
    assert main(["pretrain", *map(str, words)]) == 1
    printed = capsys.readouterr().err
    assert printed.count("\n") == 1
    assert printed.startswith("gazesim pretrain: ")
    return printed


# --- going on ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--data.batch_size", "16"], "data.batch_size is 16, and was 8"),
        (["--data.batch_size", "4"], "data.batch_size is 4, and was 8"),
        (["--trainer.devices", "2"], "trainer.devices is 2, and was 'auto'"),
        (["--trainer.accumulate_grad_batches", "2"], "trainer.accumulate_grad_batches is 2, and was 1"),
        (["--seed_everything", "7"], "seed_everything is 7, and was 0"),
        (["--data.size", "64"], "data.size is 64, and was None"),
        (["--data.views.crop", "gaze"], "data.views.crop is 'gaze', and was 'random'"),
        (["--data.phantom.n_train", "80"], "data.phantom.n_train is 80, and was 64"),
        (["--model.optimizer.learning_rate", "0.1"], "model.optimizer.learning_rate is 0.1, and was 0.001"),
        (["--model.pairs.top_k", "3"], "model.pairs.top_k is 3, and was None"),
        (["--trainer.gradient_clip_val", "1"], "trainer.gradient_clip_val is 1.0, and was None"),
        (["--trainer.precision", "bf16-mixed"], "trainer.precision is 'bf16-mixed', and was None"),
    ],
)
@pytest.mark.parametrize("how", ["--resume", "--resume=auto"])
def test_other_settings_are_refused_by_name(words, message, how, config, tmp_path, capsys):
    folder = run_folder(["--config", str(config)], tmp_path / "run")
    before = (folder / "config.yaml").read_bytes()
    printed = said(["--config", folder / "config.yaml", how, *words], capsys)
    assert "last.ckpt does not go on with these settings: " in printed
    assert message in printed
    assert printed.endswith(f"expected those of {folder / 'config.yaml'}\n")
    assert (folder / "config.yaml").read_bytes() == before


@pytest.mark.parametrize("how", ["--resume", "--resume=true", "--resume=auto"])
def test_equal_settings_go_on(how, config, tmp_path):
    folder = run_folder(["--config", str(config)], tmp_path / "run")
    for words in (["--config", str(config)], ["--config", str(folder / "config.yaml")]):
        start = resume(words, folder, how)
        assert start.is_resumed
        assert start.changes == ()


def test_a_value_follows_resume_with_a_space(config, tmp_path):
    words = ["--config", str(config), "--out", str(tmp_path / "new"), "--resume"]
    assert not prepared(*resolved(configuration_of([*words, "auto"]))).is_resumed
    with pytest.raises(Exception, match=r"holds no last\.ckpt; expected a training to resume"):
        prepared(*resolved(configuration_of([*words, "true"])))
    assert not prepared(*resolved(configuration_of([*words, "false"]))).is_resumed


def test_what_may_change_is_kept_with_both_values(config, tmp_path):
    folder = run_folder(["--config", str(config)], tmp_path / "run")
    start = resume(["--config", str(config), "--trainer.max_epochs=5", "--data.num_workers=2"], folder)
    assert set(start.changes) == {("trainer.max_epochs", 2, 5), ("data.num_workers", 0, 2)}
    assert {name for name, *_ in start.changes} <= FREE


def test_the_published_case(shared, tmp_path, capsys):
    case = shared / "cases" / "train_resume_other_batch" / "config.yaml"
    folder = run_folder(["--config", str(case)], tmp_path / "run")
    for words in (["--data.batch_size", "16"], ["--data.batch_size", "4"], ["--trainer.devices", "2"]):
        printed = said(["--config", case, "--out", folder, "--resume", *words], capsys)
        assert "does not go on with these settings" in printed
    assert resume(["--config", str(case)], folder).is_resumed


# --- data -------------------------------------------------------------------------------------------


def manifest(folder: Path, rows, columns="id,image,split,gaze,heatmap"):
    folder.mkdir(exist_ok=True)
    file = folder / "all.csv"
    with file.open("w", newline="") as lines:
        lines.write(columns + "\n")
        csv.writer(lines).writerows(rows)
    for name in {cell for row in rows for cell in (row[1], row[3], row[4]) if cell}:
        (folder / name).touch()
    return file


def rows(count, split="train", gaze="", heatmap=""):
    return [[f"i{k}", f"{k}.png", split, gaze, heatmap] for k in range(count)]


def cache(folder: Path, ids):
    matrix = np.eye(len(ids), dtype=np.float32)
    AffinityCache.from_matrix(folder, matrix, ids=ids)
    return folder


@pytest.mark.parametrize(
    ("images", "words", "message"),
    [
        (rows(8, split="test"), [], 'none of 8 images has the split "train", only test'),
        (rows(8, split=""), [], 'none of 8 images has the split "train", only (empty)'),
        (rows(8), ["--data.batch_size", "1"], "data.batch_size is 1; expected at least 2"),
        (rows(8), ["--data.batch_size", "16"], "data.batch_size is 16, and there are 8 training images"),
        (
            rows(8, heatmap="m.png"),
            ["--model.pairs.scheme", "multimatch", *RULE],
            "model.pairs.scheme is 'multimatch', which compares scanpaths, and none of 8 training images",
        ),
        (
            rows(8, heatmap="m.png"),
            ["--model.pairs.scheme", "tima", *RULE],
            "(8 have gaze maps); expected column",
        ),
        (rows(8), ["--model.pairs.top_k", "2"], "which compares heatmaps, and none of 8 training images"),
        (
            [*rows(8, gaze="g.csv"), *[["a", "a.png", "train", "", ""], ["b", "b.png", "train", "", ""]]],
            ["--model.pairs.unknown", "raise", *RULE],
            "model.pairs.unknown is 'raise', and 2 of 10 training images (a, b) have no gaze to look up",
        ),
        (rows(8), ["--data.preset", "tufts"], "expected one of manifest, preset or phantom"),
        (rows(8), ["--model.framework", "simclr", "--model.heads.predictor_hidden", "8"], "heads.predictor_"),
        (rows(8), ["--model.dim", "8"], "dim is 8 beside the backbone 'resnet18'"),
        (rows(8), ["--model.backbone", "resnet19"], 'did you mean "resnet18"'),
        (rows(8), ["--model.framework", "simsiam", "--model.momentum", "0.9"], "momentum is 0.9, which"),
        (rows(8), ["--model.pairs.scheme", "moment", *RULE], 'did you mean "moments"'),
        (
            rows(8),
            ["--model.pairs.params", '{"alfa": 1}', *RULE],
            "'alfa' is not a parameter of",
        ),
        (rows(8), ["--model.optimizer.schedule", "cosin"], 'did you mean "cosine"'),
        (rows(8), ["--data.views.jitter", "2"], "data.views: jitter is 2.0"),
        (rows(8), ["--trainer.max_epoch", "3"], "Option 'trainer.max_epoch' is not accepted (did you"),
        (rows(8), ["--seed_everything=-1"], "seed_everything is -1; expected a whole number"),
        (rows(8), ["--resume=maybe"], "resume is 'maybe'; expected \"auto\" or true or false"),
    ],
)
def test_what_cannot_take_a_step_is_refused(images, words, message, tmp_path, capsys):
    file = manifest(tmp_path / "files", images)
    printed = said(
        ["--data.manifest", file, "--data.batch_size", "4", "--out", tmp_path / "out", *words], capsys
    )
    assert message in printed
    assert not (tmp_path / "out").exists()


def test_a_cache_by_reader_is_pointed_out(tmp_path, capsys):
    file = manifest(tmp_path / "files", rows(4))
    by_reader = cache(tmp_path / "cache", [(f"i{k}", reader) for k in range(4) for reader in "ab"])
    words = ["--data.manifest", file, "--data.batch_size", "2", "--model.pairs.cache", by_reader, *RULE]
    printed = said(words, capsys)
    assert (
        "holds affinities of (image, reader), such as ('i0', 'a'), and training looks for images" in printed
    )
    assert "--reduce mean" in printed


def test_a_cache_of_other_images_is_pointed_out(tmp_path, capsys):
    file = manifest(tmp_path / "files", rows(4))
    other = cache(tmp_path / "cache", ["x", "y"])
    words = ["--data.manifest", file, "--data.batch_size", "2", "--model.pairs.cache", other, *RULE]
    assert "all 4 training images have no entry in" in said(words, capsys)


def test_another_content_of_the_manifest_is_noticed(tmp_path, capsys):
    file = manifest(tmp_path / "files", rows(4))
    words = ["--data.manifest", str(file), "--data.batch_size", "2"]
    folder = run_folder(words, tmp_path / "run")
    assert resume(words, folder).changes == ()
    moved = manifest(tmp_path / "moved", rows(4))
    assert resume(["--data.manifest", str(moved), *words[2:]], folder).is_resumed
    manifest(tmp_path / "files", rows(5))
    printed = said([*words, "--out", folder, "--resume"], capsys)
    assert "the content of data.manifest is" in printed


def another_cache(folder, ids):
    """Write a cache of the same ids with other affinities."""
    shutil.rmtree(folder)
    matrix = np.eye(len(ids), dtype=np.float32)
    matrix[0, 1] = matrix[1, 0] = 0.5
    AffinityCache.from_matrix(folder, matrix, ids=ids)


def test_another_content_of_the_cache_is_noticed(tmp_path, capsys):
    file, ids = manifest(tmp_path / "files", rows(4)), [f"i{k}" for k in range(4)]
    place = cache(tmp_path / "cache", ids)
    words = ["--data.manifest", str(file), "--data.batch_size", "2", "--model.pairs.cache", str(place), *RULE]
    folder = run_folder(words, tmp_path / "run")
    assert resume(words, folder).changes == ()
    shutil.copytree(place, tmp_path / "copy")
    copied = [str(tmp_path / "copy") if word == str(place) else word for word in words]
    assert resume(copied, folder).is_resumed
    shutil.rmtree(place)
    cache(place, ids)  # built again to the same affinities
    assert resume(words, folder).changes == ()
    another_cache(place, ids)
    for how in ("--resume", "--resume=auto"):
        printed = said([*words, "--out", folder, how], capsys)
        assert "the content of model.pairs.cache is" in printed
    assert "does not go on with these settings" in printed


def test_files_count_in_the_order_of_the_words(tmp_path):
    one, two = tmp_path / "one.yaml", tmp_path / "two.yaml"
    one.write_text("data: {batch_size: 4, size: 32}\nmodel: {optimizer: {learning_rate: 1e-2}}\n")
    two.write_text("data: {batch_size: 6}\n")
    words = ["--data.size", "48", "--config", str(one), f"--config={two}", "--model.optimizer.name", "sgd"]
    config = configuration_of(words)
    assert config["data"] == {"size": 32, "batch_size": 6}
    assert config["model"]["optimizer"] == {"learning_rate": 0.01, "name": "sgd"}
    assert configuration_of(["--model.pairs.threshold", "{start: 0.9, end: 0.5, epochs: 3}"]) == {
        "model": {"pairs": {"threshold": {"start": 0.9, "end": 0.5, "epochs": 3}}}
    }
    assert configuration_of(["--config", str(one), "--model.optimizer", "null"])["model"] == {
        "optimizer": None
    }


def test_numbers_of_files_are_numbers():
    read = read_yaml("[1e-3, 2.0e-5, 3, -.5, .inf, 'x', 1e3, true, 2026-01-02x]", "text")
    assert read[:4] == [0.001, 2e-5, 3, -0.5]
    assert read[4:] == [float("inf"), "x", 1000.0, True, "2026-01-02x"]


def test_differences_take_null_for_its_defaults(config, tmp_path):
    folder = run_folder(["--config", str(config)], tmp_path / "run")
    words = ["--config", str(config), "--model.optimizer.name", "adamw", "--out", str(folder)]
    assert differences(folder / "config.yaml", resolved(configuration_of(words))[1]) == []


def test_a_run_of_an_earlier_version_goes_on(config, tmp_path):
    """Its config.yaml lacks options that came later, which stand for their defaults."""
    words = ["--config", str(config), "--model.gaze_target.weight", "2"]
    folder = run_folder(words, tmp_path / "run")
    lines = (folder / "config.yaml").read_text().splitlines()
    later = ("    balance: ", "    min_concentration: ", "  gaze_pool: ", "    vertical_flip: ", "  bits: ")
    kept = [line for line in lines if not line.startswith(later)]
    assert len(kept) == len(lines) - len(later)
    (folder / "config.yaml").write_text("\n".join(kept) + "\n")
    assert resume(words, folder).changes == ()
    changed = resolved(configuration_of([*words, "--model.gaze_target.balance", "gradient"]))[1]
    assert ("model.gaze_target.balance", None, "gradient") in differences(folder / "config.yaml", changed)


# --- at once ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "words",
    [
        *([verb, "--help"] for verb in VERBS),
        ["pretrain", "--help_all"],
        ["pretrain", "--config", "demo", "--model.framework", "byl"],
        ["pretrain", "--config", "demo", "--print_config"],
        ["evaluate", "nowhere/last.ckpt"],
        ["predict-gaze", "fit", "out"],
    ],
    ids=" ".join,
)
def test_torch_is_not_among_the_imports(words):
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "gazesim", *words], capture_output=True, text=True
    )
    loaded = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines() if "import time" in line}
    assert "gazesim.cli" in loaded
    assert not {"torch", "lightning", "lightly", "monai", "matplotlib", "pandas"} & loaded
    if "--help" in words:
        assert not {"scipy.integrate", "scipy.optimize", "scipy.stats", "yaml"} & loaded


def test_the_names_are_those_of_the_training_code():
    pytest.importorskip("torch")
    from inspect import signature

    from lightning import Trainer

    from gazesim.commands.pretrain_options import TRAINER, DataOptions, ModelOptions, TrainerOptions
    from gazesim.train import Contrastive, GazeData
    from gazesim.train.pretrain.backbones import backbone_names

    def names(kind):
        return set(signature(kind).parameters)

    assert sorted(BACKBONES) == sorted(backbone_names())
    assert names(ModelOptions) | {"channels"} == names(Contrastive)
    assert names(DataOptions) | {"transform"} == names(GazeData)
    assert names(TrainerOptions) | set(TRAINER) == names(Trainer)
    assert not names(TrainerOptions) & set(TRAINER)
    for mine, theirs in ((ModelOptions, Contrastive), (DataOptions, GazeData), (TrainerOptions, Trainer)):
        for name, parameter in signature(mine).parameters.items():
            default = signature(theirs).parameters[name].default
            if name not in ("seed", "views", "gaze", "strategy", "devices"):
                assert parameter.default == default, name


# --- gaze as the target -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--model.gaze_target.loss", "l2"], "loss is 'l2'"),
        (["--model.gaze_target.weight", "-1"], "weight is -1"),
        (["--model.gaze_target.balance", "norm"], "balance is 'norm'"),
        (
            ["--model.framework", "gaze", "--model.gaze_target.balance", "gradient"],
            "the framework gaze has no other loss to balance the target against; expected 'fixed'",
        ),
        (
            ["--model.framework", "gaze", "--model.pairs.top_k", "2"],
            "pairs is given, which gaze has no use for",
        ),
        (["--model.framework", "gaze", "--model.gaze_target.start", "3"], "gaze_target.start is 3"),
    ],
)
def test_settings_of_the_gaze_target_are_checked(words, message, config, capsys):
    assert message in said(["--config", config, *words], capsys)


def test_a_gaze_target_needs_gaze_in_the_manifest(tmp_path, capsys):
    np.save(tmp_path / "a.npy", np.zeros((32, 32)))
    rows = ["id,image,split", *(f"image{i},a.npy,train" for i in range(8))]
    (tmp_path / "all.csv").write_text("\n".join(rows) + "\n")
    words = ["--config", "gaze_target", "--data.manifest", tmp_path / "all.csv", "--data.batch_size", "8"]
    printed = said(words, capsys)
    assert "none of 8 training images" in printed
    assert "expected column gaze or heatmap" in printed


def test_gaze_pool_needs_gaze_in_the_manifest(tmp_path, capsys):
    np.save(tmp_path / "a.npy", np.zeros((32, 32)))
    rows = ["id,image,split", *(f"image{i},a.npy,train" for i in range(8))]
    (tmp_path / "all.csv").write_text("\n".join(rows) + "\n")
    words = ["--data.manifest", tmp_path / "all.csv", "--data.batch_size", "8", "--model.gaze_pool", "true"]
    printed = said(words, capsys)
    assert "model.gaze_pool needs gaze maps, and none of 8 training images" in printed


def test_gaze_pool_is_not_for_the_framework_gaze(config, capsys):
    words = ["--config", config, "--model.framework", "gaze", "--model.gaze_pool", "true"]
    assert "gaze_pool is True, and the framework gaze has no loss on features" in said(words, capsys)


def test_another_gaze_pool_is_another_training(config, tmp_path):
    folder = run_folder(["--config", str(config)], tmp_path / "run")
    with pytest.raises(Exception, match=r"model.gaze_pool is True, and was False"):
        resume(["--config", str(config), "--model.gaze_pool", "true"], folder)


def test_another_gaze_target_is_another_training(config, tmp_path):
    words = ["--config", str(config), "--model.gaze_target.weight", "2"]
    folder = run_folder(words, tmp_path / "run")
    changed = resume(words, folder)
    assert not changed.changes
    with pytest.raises(Exception, match=r"model.gaze_target.weight is 3.0, and was 2.0"):
        resume([*words, "--model.gaze_target.weight", "3"], folder)
