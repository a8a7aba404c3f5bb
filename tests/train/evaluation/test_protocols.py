"""Probe, fine-tuning and their comparison in folds, on small phantoms."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

pytest.importorskip("gazesim.train")

import torch
from torch import nn

from gazesim.train import (
    ArraySamples,
    FineTuneSettings,
    ProbeSettings,
    cross_validate,
    fine_tune,
    linear_probe,
    make_backbone,
)
from gazesim.train.evaluation import protocols as module
from gazesim.train.evaluation.results import read_rows

QUICK = FineTuneSettings(epochs=1, min_steps=0, batch_size=8)


class Pixels(nn.Module):
    """Mean and spread of an image: features of which classes below are a function."""

    def __init__(self):
        super().__init__()
        self.unused = nn.Parameter(torch.ones(1))

    def forward(self, images):
        return torch.stack([images.mean(dim=(1, 2, 3)), images.std(dim=(1, 2, 3))], dim=1) * self.unused


def samples(count=60, classes=("benign", "malignant", "normal"), **options):
    rng = np.random.default_rng(3)
    targets = np.arange(count) % len(classes)
    images = np.clip(0.25 * (targets + 1)[:, None, None] + rng.normal(0, 0.02, (count, 8, 8)), 0, 1)
    return ArraySamples(images, [classes[target] for target in targets], **options)


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(0)
    return make_backbone("resnet10-narrow", channels=1)


def test_probe_reads_classes_out_of_features():
    data = samples()
    train, test = data.take(range(40)), data.take(range(40, 60))
    found = linear_probe(Pixels(), train, test, fractions=(0.1, 1.0))
    assert list(found) == [0.1, 1.0]
    assert found[1.0] == {"ACC": 1.0, "AUC": 1.0, "M-AUC": 1.0}
    swapped = ArraySamples(
        torch.stack([test.image(i)[0] for i in range(20)]).numpy(),
        [(label + 1) % 3 for label in test.labels],
        class_names=test.class_names,
    )
    assert linear_probe(Pixels(), train, swapped)[1.0]["ACC"] == 0


def test_images_without_label_are_left_out():
    data = samples()
    data.labels[5] = data.labels[50] = -1
    seen = linear_probe(Pixels(), data.take(range(40)), data.take(range(40, 60)), val=data.take(range(30)))
    assert seen[1.0]["ACC"] == 1


def test_fine_tuning_scores_every_share(network):
    data = samples(24, ("0", "1", "4"))
    found = fine_tune(
        network,
        data.take(range(18)),
        data.take(range(18, 24)),
        fractions=(0.2, 1),
        settings=QUICK,
        ordinal=True,
    )
    assert [list(scores) for scores in found.values()] == [["ACC", "AUC", "MAE"]] * 2


def test_every_cell_once(network, tmp_path):
    rows = cross_validate(
        {"net": network, "pixels": Pixels()},
        samples(30),
        folds=2,
        seeds=(0, 1),
        fractions=(0.2, 1.0),
        probe=ProbeSettings(l2=1e-3),
        finetune=QUICK,
        out=tmp_path,
        progress=False,
    )
    cells = {row.cell for row in rows}
    assert len(cells) == 2 * 2 * 2 * 2 * 2
    assert len(rows) == 3 * len(cells)
    assert read_rows(tmp_path / "results.csv") == rows
    assert (tmp_path / "results.md").read_text().count("\n| ") == 8
    perfect = [
        row.value for row in rows if (row.method, row.protocol, row.fraction) == ("pixels", "probe", 1.0)
    ]
    assert perfect == [1.0] * len(perfect)


def test_a_killed_run_goes_on(network, tmp_path, monkeypatch):
    options = {"folds": 3, "protocols": ["probe", "finetune"], "fractions": [1.0], "finetune": QUICK}
    options |= {"progress": False}
    whole = cross_validate({"net": network}, samples(24), **options)
    real, calls = module.classification_scores, []

    def stops(*args, **kwargs):
        calls.append(1)
        if len(calls) == 4:
            raise KeyboardInterrupt
        return real(*args, **kwargs)

    monkeypatch.setattr(module, "classification_scores", stops)
    with pytest.raises(KeyboardInterrupt):
        cross_validate({"net": network}, samples(24), out=tmp_path, **options)
    assert len(read_rows(tmp_path / "results.csv")) == 9
    (tmp_path / "results.csv.part").write_text("torn")
    monkeypatch.setattr(module, "classification_scores", lambda *a, **k: calls.append(1) or real(*a, **k))
    assert cross_validate({"net": network}, samples(24), out=tmp_path, **options) == whole
    assert len(calls) == 4 + 3
    assert cross_validate({"net": network}, samples(24), out=tmp_path, **options) == whole
    assert len(calls) == 4 + 3


def test_a_folder_keeps_to_its_data_and_weights(tmp_path):
    options = {"folds": 2, "protocols": ["probe"], "fractions": [1.0], "out": tmp_path, "progress": False}
    cross_validate({"net": Pixels()}, samples(24), **options)
    with pytest.raises(ValueError, match=r"holds results with data 24 images of 3 classes.*, not 30 images"):
        cross_validate({"net": Pixels()}, samples(30), **options)
    other = Pixels()
    other.unused.data += 1
    with pytest.raises(ValueError, match="another method named 'net'"):
        cross_validate({"net": other}, samples(24), **options)
    rows = cross_validate({"other": other}, samples(24), **options)
    assert {row.method for row in rows} == {"other"}
    assert {row.method for row in read_rows(tmp_path / "results.csv")} == {"net", "other"}


def test_a_folder_goes_on_after_changes_without_effect(network, tmp_path):
    """Memory and workers, and settings of a protocol that has no results there."""
    options = {"folds": 2, "fractions": [1.0], "out": tmp_path, "progress": False}
    probed = cross_validate({"net": network}, samples(24), protocols=["probe"], **options)
    options["finetune"] = dataclasses.replace(QUICK, epochs=QUICK.epochs + 1)
    small = ProbeSettings(batch_size=7)
    assert (
        cross_validate({"net": network}, samples(24), protocols=["probe"], probe=small, **options) == probed
    )
    tuned = cross_validate({"net": network}, samples(24), protocols=["finetune"], **options)
    options["finetune"] = dataclasses.replace(options["finetune"], num_workers=1)
    assert cross_validate({"net": network}, samples(24), protocols=["finetune"], **options) == tuned
    with pytest.raises(ValueError, match=r"holds results of finetune with .*expected equal settings"):
        cross_validate(
            {"net": network}, samples(24), protocols=["finetune"], **{**options, "finetune": QUICK}
        )
    with pytest.raises(ValueError, match=r"holds results of probe with .*'l2': 1.0"):
        cross_validate(
            {"net": network}, samples(24), protocols=["probe"], probe=ProbeSettings(l2=2.0), **options
        )


def test_patients_are_never_parted(monkeypatch):
    seen = []
    real = module._CellScorer.probabilities

    def noted(self, cell, division):
        seen.append(division)
        return real(self, cell, division)

    monkeypatch.setattr(module._CellScorer, "probabilities", noted)
    patients = [str(i // 4) for i in range(60)]
    cross_validate(
        {"net": Pixels()},
        samples(groups=patients),
        folds=5,
        protocols=["probe"],
        fractions=[1.0],
        progress=False,
    )
    assert len(seen) == 5
    for division in seen:
        assert not {patients[i] for i in division.train} & {patients[i] for i in division.test}


def test_own_splits_and_validation(monkeypatch):
    splits = ["train"] * 30 + ["val"] * 10 + ["test"] * 15 + [""] * 5
    chosen = []
    real = module.fit_probe

    def noted(features, targets, classes, settings, validation):
        fitted = real(features, targets, classes, settings, validation)
        chosen.append((len(targets), len(validation[1]), fitted.l2))
        return fitted

    monkeypatch.setattr(module, "fit_probe", noted)
    options = {"folds": None, "protocols": ["probe"], "fractions": [1.0], "progress": False}
    rows = cross_validate({"net": Pixels()}, samples(splits=splits), **options)
    assert {row.fold for row in rows} == {0}
    ((trained, validated, l2),) = chosen
    assert (trained, validated, l2) == (30, 10, 0.01)  # classes are apart: the weakest penalty


def validated(monkeypatch):
    """Return the validation labels by which every penalty is chosen, as they come."""
    seen, real = [], module.fit_probe

    def noted(features, targets, classes, settings, validation):
        seen.append(validation[1].tolist())
        return real(features, targets, classes, settings, validation)

    monkeypatch.setattr(module, "fit_probe", noted)
    return seen


def test_the_penalty_is_chosen_by_the_same_share_of_labels(monkeypatch):
    seen = validated(monkeypatch)
    splits = ["train"] * 30 + ["val"] * 30 + ["test"] * 15
    data = samples(75, splits=splits)
    options = {"folds": None, "protocols": ["probe"], "fractions": [0.01, 0.5, 1.0], "progress": False}
    cross_validate({"net": Pixels()}, data, **options)
    parts = [
        data.take([i for i, one in enumerate(splits) if one == part]) for part in ("train", "test", "val")
    ]
    linear_probe(Pixels(), parts[0], parts[1], val=parts[2], fractions=[0.01, 0.5, 1.0])
    assert [len(labels) for labels in seen] == 2 * [3, 15, 30]
    assert all(set(labels) == {0, 1, 2} for labels in seen)


def test_several_runs_of_one_method(tmp_path):
    def run(scale):
        net = Pixels()
        net.unused.data *= scale
        return net

    options = {"folds": 2, "protocols": ["probe"], "fractions": [1.0], "out": tmp_path, "progress": False}
    options["probe"] = ProbeSettings(l2=1e-3)
    runs = {4: run(1.0), 7: run(0.0)}
    rows = cross_validate({"net": runs}, samples(24), seeds=(4, 7), **options)
    accuracy = {row.seed: row.value for row in rows if row.metric == "ACC"}
    assert accuracy[4] == 1 > accuracy[7]  # the second run's features are all 0
    more = cross_validate({"net": {**runs, 9: run(2.0)}}, samples(24), seeds=(4, 7, 9), **options)
    assert rows == [row for row in more if row.seed != 9]
    with pytest.raises(ValueError, match="another method named 'net'"):
        cross_validate({"net": {4: run(3.0)}}, samples(24), seeds=(4,), **options)
    with pytest.raises(ValueError, match=r"seeds holds 5, but method 'net' has networks for \[4, 7\]"):
        cross_validate({"net": runs}, samples(24), seeds=(4, 5), **options)
    with pytest.raises(TypeError, match="a method is 'resnet18'; expected a network"):
        cross_validate({"other": {0: "resnet18"}}, samples(24), **options)


def test_arrays_of_seeds_and_shares():
    options = {"folds": 2, "protocols": np.array(["probe"]), "progress": False}
    rows = cross_validate(
        {"net": Pixels()}, samples(24), seeds=np.arange(2), fractions=np.array([0.5, 1.0]), **options
    )
    assert rows == cross_validate(
        {"net": Pixels()}, samples(24), seeds=(0, 1), fractions=(0.5, 1.0), **options
    )
    assert {(row.seed, row.fraction) for row in rows} == {(s, f) for s in (0, 1) for f in (0.5, 1.0)}
    with pytest.raises(ValueError, match="seeds is empty"):
        cross_validate({"net": Pixels()}, samples(24), seeds=np.arange(0), **options)
    assert len(ProbeSettings(candidates=np.logspace(-1, 1, 3)).candidates) == 3


def test_methods_may_depend_on_the_seed():
    made = []

    def scratch(seed):
        made.append(seed)
        return Pixels()

    cross_validate(
        {"scratch": scratch}, samples(24), folds=2, seeds=(3, 4), protocols=["probe"], progress=False
    )
    assert sorted(set(made)) == [0, 3, 4]  # 0 for the fingerprint


@pytest.mark.parametrize(
    ("change", "options", "message"),
    [
        ({"classes": ("a",)}, {}, r"the labels hold 1 class \(a\)"),
        ({}, {"folds": None}, 'no labelled image is in split "train"; expected some, or folds'),
        ({"count": 3}, {"folds": 4}, "folds is 4, and there are 3 samples"),
        ({"count": 4, "classes": ("a", "a", "a", "b")}, {"folds": 4}, "the images to train on are all 'a'"),
        ({}, {"protocols": ["prob"]}, 'protocols is .prob.*did you mean "probe"'),
        ({}, {"fractions": []}, "fractions is empty"),
        ({}, {"fractions": [1.5]}, "fractions is 1.5"),
        ({}, {"positive": "malign"}, 'did you mean "malignant"'),
        ({}, {"ordinal": True}, "a class is 'benign'"),
    ],
)
def test_mistakes_are_named(change, options, message):
    with pytest.raises(ValueError, match=message):
        cross_validate({"net": Pixels()}, samples(**change), progress=False, **options)


def test_other_mistakes_are_named():
    data = samples(6)
    data.labels = [-1] * 6
    with pytest.raises(ValueError, match="none of 6 images has a label"):
        cross_validate({"net": Pixels()}, data)
    with pytest.raises(TypeError, match=r"a method is 'resnet18'; expected a network"):
        cross_validate({"net": "resnet18"}, samples())
    for arguments, name in (((data.take([]), samples()), "train"), ((samples(), data.take([])), "test")):
        with pytest.raises(ValueError, match=f"{name}: none of 0 images has a label"):
            linear_probe(Pixels(), *arguments)
        with pytest.raises(ValueError, match=f"{name}: none of 0 images has a label"):
            fine_tune(Pixels(), *arguments)
    assert linear_probe(Pixels(), samples(), samples(), val=data.take([]))[1.0]["ACC"] == 1
    with pytest.raises(ValueError, match=r"classes are .*expected equal ones in training and test"):
        linear_probe(Pixels(), samples(), samples(classes=("a", "b")))
