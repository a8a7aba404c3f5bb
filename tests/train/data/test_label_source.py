"""Positives by label: the source, the mask that training makes of it, and what the command says."""

from __future__ import annotations

import re

import numpy as np
import pytest

pytest.importorskip("gazesim.train")

from gazesim.cli import main
from gazesim.torch import PairMask
from gazesim.train import ArraySamples, Entry, GazeData, Manifest, PairSettings
from gazesim.train.data.label_source import LabelSource

LABELS = ["cyst", "healthy", "", "cyst", "healthy", "caries"]


@pytest.fixture
def manifest(tmp_path, rng):
    entries = []
    for i, label in enumerate([*LABELS, "cyst"]):
        np.save(tmp_path / f"{i}.npy", rng.random((16, 16)))
        entries.append(Entry(str(i), tmp_path / f"{i}.npy", label, "test" if i == 6 else "train"))
    Manifest(entries).write(tmp_path / "manifest.csv")
    return tmp_path / "manifest.csv"


def test_images_of_one_class_are_positives(rng):
    samples = ArraySamples(rng.random((6, 8, 8)), [label or None for label in LABELS])
    source = LabelSource(samples)
    assert source.ids == ("0", "1", "3", "4", "5")  # the image without a label is unknown
    expected = np.equal.outer(*[[label for label in LABELS if label]] * 2)
    np.testing.assert_array_equal(source.block(source.ids), expected)
    np.testing.assert_array_equal(source.block_at([0, 2], [1, 3]), [[0, 0], [0, 0]])
    mask = PairMask(source, threshold=1.0)
    ids = [str(i) for i in range(6)]
    named = np.array([label or str(i) for i, label in enumerate(LABELS)])
    np.testing.assert_array_equal(mask(ids).numpy(), named[:, None] == named)


def test_training_takes_the_labels_of_its_own_images(manifest, capsys):
    data = GazeData(manifest=str(manifest), size=16)
    mask = PairSettings(scheme="labels").mask_from(data)
    assert mask.threshold == 1.0
    assert set(mask.ids) == {"0", "1", "3", "4", "5"}  # that of the test is no part of it
    assert mask(["0", "3", "5"]).int().tolist() == [[1, 1, 0], [1, 1, 0], [0, 0, 1]]
    assert "1 of 6 training images (2) have no label" in capsys.readouterr().err


def test_a_command_needs_no_python_for_it(manifest, tmp_path):
    words = ["pretrain", "--data.manifest", str(manifest), "--model.pairs.scheme", "labels"]
    words += ["--model.backbone", "resnet10-narrow", "--model.framework", "simclr", "--data.batch_size", "3"]
    words += ["--data.size", "16", "--trainer.max_epochs", "1", "--trainer.accelerator", "cpu"]
    words += ["--model.heads.hidden", "8", "--model.heads.dim", "4", "--trainer.log_every_n_steps", "1"]
    assert main([*words, "--out", str(tmp_path / "run")]) == 0
    assert (tmp_path / "run" / "last.ckpt").is_file()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--model.pairs.params.alpha", "0.5"], "params is .* beside labels, which have none"),
        (["--model.pairs.unknown", "raise"], r"1 of 6 training images \(2\) have no label; expected label"),
    ],
)
def test_what_does_not_go_together(manifest, tmp_path, words, message, capsys):
    base = ["pretrain", "--data.manifest", str(manifest), "--model.pairs.scheme", "labels", "--out", "x"]
    assert main([*base, "--data.batch_size", "2", *words]) == 1
    assert re.search(message, capsys.readouterr().err)


def test_no_label_is_told_at_once(tmp_path, rng, capsys):
    entries = []
    for i in range(4):
        np.save(tmp_path / f"{i}.npy", rng.random((16, 16)))
        entries.append(Entry(str(i), tmp_path / f"{i}.npy", "", "train"))
    Manifest(entries).write(tmp_path / "m.csv")
    words = ["pretrain", "--data.manifest", str(tmp_path / "m.csv"), "--model.pairs.scheme", "labels"]
    assert main([*words, "--data.batch_size", "2", "--out", "x"]) == 1
    assert "none of 4 training images" in capsys.readouterr().err
    with pytest.raises(ValueError, match="none of 4 training images has a label"):
        LabelSource(GazeData(manifest=str(tmp_path / "m.csv"), size=16).samples("train"))
    with pytest.raises(ValueError, match=r"needs the labels of the images; expected .* label_source\(\)"):
        PairSettings(scheme="labels").mask_from(object())
