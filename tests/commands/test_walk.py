"""The walk of a new user, with commands only: from two trackers' recordings to a scored encoder."""

from __future__ import annotations

import json
import signal

import numpy as np
import pytest

pytest.importorskip("gazesim.train")

import torch

from gazesim.cli import main
from gazesim.train import Manifest
from gazesim.train.evaluation.results import read_rows
from runs import interrupted, state, trained_by_two
from screens import fixations_of, name_of, write_images, write_labels, write_samples

IMAGES, WITH_GAZE = 24, 18
SCREEN = ["--screen_size", "1920,1080"]
#: Without batch norms two processes compute what one does.
WITHOUT_NORMS = {
    "class_path": "torchvision.models.squeezenet1_1",
    "init_args": {"num_classes": 16, "dropout": 0.0},
}
TRAINING = [
    "--model.framework", "moco", "--model.queue_size", "16",
    "--model.heads.hidden", "16", "--model.heads.dim", "8", "--model.pairs.cache", "cache",
    "--model.pairs.top_k", "2", "--data.manifest", "maps/manifest.csv", "--data.size", "32",
    "--data.views.crop", "gaze", "--trainer.max_epochs", "2", "--trainer.accelerator", "cpu",
    "--trainer.log_every_n_steps", "1",
]  # fmt: skip
#: One probe with all labels is enough.
PROBE = ["--protocols", "probe", "--fractions", "1"]


@pytest.fixture
def run(capsys):
    """Return a function that runs a command and returns all that it says."""

    def run(*words):
        code = main([str(word) for word in words])
        told = capsys.readouterr()
        assert code == 0, told.err
        return told.out + told.err

    return run


def test_from_recordings_to_scores(tmp_path, rng, monkeypatch, run):
    monkeypatch.chdir(tmp_path)
    places = write_images("images", rng, IMAGES)
    looked = fixations_of(places, rng)
    shown = [name_of(i) for i in range(WITH_GAZE)]
    # Reader 1 has not seen the last two of them; a target that is no image was shown as well.
    looked = {key: at for key, at in looked.items() if key[0] in shown}
    for name in shown[-2:]:
        del looked[name, "reader1"]
    looked["left/case98.png", "reader0"] = looked[shown[0], "reader0"]
    exports = write_samples(tmp_path, looked, rng)
    write_labels("labels.csv", places)
    labels = (tmp_path / "labels.csv").read_text().replace(f"{name_of(23)},large", f"{name_of(23)},n/a")
    (tmp_path / "labels.csv").write_text(labels)

    told = run("fixations", *exports, *SCREEN, "--out", "fixations.csv")
    assert f"fixations of {2 * WITH_GAZE - 2 + 1} scanpaths" in told

    words = ["--gaze", "fixations.csv", "--labels", "labels.csv", *SCREEN, "--placement", "fit"]
    told = run("manifest", "images", *words, "--out", "manifest.csv")
    assert "1 names in fixations.csv without an image: 'left/case98.png'" in told
    assert f"{IMAGES - WITH_GAZE} images without gaze: " in told
    entries = {entry.id: entry for entry in Manifest.read("manifest.csv").entries}
    assert {entry.image_box for entry in entries.values() if entry.gaze} == {
        (150.0, 0.0, 1770.0, 1080.0),  # landscape, 3 to 2
        (600.0, 0.0, 1320.0, 1080.0),  # portrait
    }

    told = run("affinity", "manifest.csv", "--scheme", "multimatch", "--reduce", "mean", "--cache", "cache")
    assert "warning" not in told
    assert f"{IMAGES - WITH_GAZE} of {IMAGES} images have no gaze" in told
    assert "1 of 24 labels count as missing ('n/a' 1 times)" in told
    told = run("inspect", "cache")
    assert f"{WITH_GAZE} images" in told
    assert "threshold" in told

    quick = ["--size", "32", "--epochs", "4", "--features", "[4,4,8,8,8,4]", "--learning_rate", "5e-3"]
    told = run("predict-gaze", "fit", "model", "--manifest", "manifest.csv", *quick)
    assert f"{WITH_GAZE} of {IMAGES} images have gaze to learn from" in told
    assert f"{IMAGES - WITH_GAZE} have none" in told
    assert "(the split test)" in told
    told = run("predict-gaze", "run", "model", "manifest.csv", "maps")
    assert f"drawing maps of {IMAGES - WITH_GAZE} of {IMAGES} images" in told

    narrow = [*TRAINING, "--model.backbone", "resnet10-narrow", "--data.batch_size", "4"]
    told = run("pretrain", *narrow, "--out", "whole")
    train = [entry for entry in entries.values() if entry.split == "train"]
    blind = [entry.id for entry in train if entry.gaze is None]
    assert f"{len(blind)} of {len(train)} training images" in told  # have no affinities
    assert "next: " in told

    code, _ = interrupted(narrow, tmp_path / "cut", signal.SIGKILL)
    assert code == -signal.SIGKILL
    assert torch.load(tmp_path / "cut" / "last.ckpt", weights_only=True)["global_step"] < 8
    run("pretrain", "--config", "cut/config.yaml", "--resume", "auto")
    whole, cut = state(tmp_path / "whole"), state(tmp_path / "cut")
    assert whole.keys() == cut.keys()
    assert all(value.equal(cut[name]) for name, value in whole.items())
    metrics = (tmp_path / "whole" / "metrics.csv").read_bytes()
    assert (tmp_path / "cut" / "metrics.csv").read_bytes() == metrics

    plain = [*TRAINING, "--model.backbone", json.dumps(WITHOUT_NORMS)]
    plain += ["--trainer.precision", "64-true", "--data.batch_size"]
    run("pretrain", *plain, "4", "--out", "one")
    trained_by_two([*plain, "2"], tmp_path / "two")
    one, two = state(tmp_path / "one"), state(tmp_path / "two")
    assert one.keys() == two.keys()
    for name, value in one.items():
        if ".queue." in name:  # ranks put the keys of a batch into the queue in another order
            continue
        torch.testing.assert_close(two[name], value, rtol=1e-7, atol=1e-10, msg=name)

    told = run("evaluate", "whole/last.ckpt", "--data", "manifest.csv", "--out", "scores", *PROBE)
    assert "images: 32 x 32 pixels" in told
    scores = {row.metric: row.value for row in read_rows("scores/results.csv")}
    assert {"ACC", "AUC"} <= scores.keys()
    assert all(np.isfinite(value) for value in scores.values())
