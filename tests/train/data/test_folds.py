"""A manifest per fold: test patients are never trained on, and evaluation uses the same folds."""

from __future__ import annotations

import csv

import numpy as np
import pytest

pytest.importorskip("gazesim.train")

from gazesim.cli import main
from gazesim.train import Entry, GazeData, Manifest, ManifestSamples
from gazesim.train.data.folds import with_fold
from gazesim.train.data.joining import with_splits
from gazesim.train.evaluation.divisions import divisions


@pytest.fixture
def manifest(tmp_path, rng):
    """Thirty images of fifteen patients, two of them without labels."""
    entries = []
    for i in range(30):
        file = tmp_path / f"{i:02}.npy"
        np.save(file, rng.random((16, 16)))
        label = "" if i in (3, 20) else "ab"[i % 4 == 0]
        entries.append(Entry(f"{i:02}", file, label, group=f"patient {i // 2}"))
    Manifest(entries).write(tmp_path / "manifest.csv")
    return Manifest.read(tmp_path / "manifest.csv")


def test_no_image_of_a_tested_patient_is_trained_on(manifest):
    tested = []
    for fold in range(5):
        found = with_fold(manifest, fold).entries
        test = {entry.group for entry in found if entry.split == "test"}
        train = {entry.group for entry in found if entry.split == "train"}
        assert not test & train
        assert all(entry.label for entry in found if entry.split == "test")
        tested += [entry.id for entry in found if entry.split == "test"]
    assert sorted(tested) == [entry.id for entry in manifest.entries if entry.label]  # each is tested on once


def test_training_sees_no_image_that_evaluation_tests_on(manifest):
    """Read from the ids: those of pre-training on a fold, and those that folds of evaluation test on."""
    path = str(manifest.path)
    whole = GazeData(manifest=path, size=16).samples()
    labelled = whole.take([i for i, label in enumerate(whole.labels) if label >= 0])
    for division in divisions(labelled, 5, 7, labelled.labels):
        tested = {labelled.ids[i] for i in division.test}
        data = GazeData(manifest=path, size=16, folds=5, fold=division.fold, split_seed=7)
        assert set(data.samples("test").ids) == tested
        assert not tested & set(data.samples("train").ids)


def lesions(folder, rng):
    """Two rows per image, as a table of lesions or of readers has, and no groups; two rows without label."""
    entries = []
    for i in range(24):
        file = folder / f"{i // 2:02}.npy"
        if i % 2 == 0:
            np.save(file, rng.random((16, 16)))
        entries.append(Entry(f"{i:02}", file, "" if i in (3, 20) else "ab"[i // 2 % 2]))
    Manifest(entries).write(folder / "lesions.csv")
    return Manifest.read(folder / "lesions.csv")


@pytest.mark.parametrize("seed", range(3))
def test_rows_of_one_file_stay_together(tmp_path, rng, seed):
    manifest = lesions(tmp_path, rng)
    samples = ManifestSamples(manifest, size=16)
    labelled = samples.take([i for i, label in enumerate(samples.labels) if label >= 0])
    for labels in (labelled.labels, None):
        for division in divisions(labelled, 3, seed, labels):
            test = {labelled.entries[i].image for i in division.test}
            assert not test & {labelled.entries[i].image for i in division.train}
    for division in divisions(labelled, 3, seed, labelled.labels):
        found = with_fold(manifest, division.fold, folds=3, seed=seed).entries
        tested = [entry for entry in found if entry.split == "test"]
        assert {entry.id for entry in tested} == {labelled.ids[i] for i in division.test}
        files = {entry.image for entry in tested}
        assert not files & {entry.image for entry in found if entry.split == "train"}


def test_a_random_split_keeps_rows_of_one_file_together(tmp_path, rng):
    found = with_splits(lesions(tmp_path, rng)).entries  # a Manifest refuses a file in two splits
    assert {entry.split for entry in found} == {"train", "val", "test"}


def test_the_command_writes_a_manifest_per_fold(manifest, tmp_path, capsys):
    with (tmp_path / "labels.csv").open("w", newline="") as file:
        rows = [(entry.id, entry.label, entry.group) for entry in manifest.entries]
        csv.writer(file).writerows([("id", "label", "group"), *rows])
    images = tmp_path / "images"
    images.mkdir()
    for entry in manifest.entries:
        entry.image.rename(images / entry.image.name)
    out = tmp_path / "all.csv"
    words = ["manifest", str(images), "--labels", str(tmp_path / "labels.csv"), "--out", str(out)]
    assert main([*words, "--folds", "3"]) == 0
    assert "wrote all-fold0.csv to -fold2, a manifest per fold" in capsys.readouterr().out
    tests = [
        {
            entry.id
            for entry in Manifest.read(tmp_path / f"all-fold{fold}.csv").entries
            if entry.split == "test"
        }
        for fold in range(3)
    ]
    assert len(set.union(*tests)) == sum(map(len, tests)) == 28
    assert main([*words, "--folds", "3", "--split"]) == 1


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--data.folds", "5"], "data: folds is 5 and fold is None; expected both or neither"),
        (["--data.folds", "5", "--data.fold", "5"], "data: fold is 5"),
        (["--data.images", "x"], "data: images is 'x' without preset"),
        (["--data.fractions", "0.8,0,0.2"], "without preset"),
    ],
)
def test_options_that_do_not_go_together(manifest, words, message, capsys):
    config = ["--config", "byol_mcgip", "--data.manifest", str(manifest.path)]
    assert main(["pretrain", *config, *words]) == 1
    assert message in capsys.readouterr().err


def test_fractions_of_a_preset(manifest, capsys):
    base = ["--config", "mcgip_inbreast", "--data.folder", str(manifest.path.parent)]
    assert main(["pretrain", *base, "--data.fractions", "0.8,0,0.3", "--out", "x"]) == 1
    assert "expected train, val, test with the sum 1" in capsys.readouterr().err
