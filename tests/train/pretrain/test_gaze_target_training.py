"""Trainings with a gaze target: what they learn, resuming, workers, partial gaze, and what is refused."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest

pytest.importorskip("gazesim.train")

import torch
from torch import nn

from gazesim.torch import CellPairLoss
from gazesim.train import (
    ArraySamples,
    Backbone,
    Contrastive,
    GazeData,
    GazeTargetSettings,
    HeadSettings,
    PairSettings,
    PhantomSettings,
    ViewMaps,
    Views,
)
from train.loops import FRAMEWORKS, check_resumed_equals_whole, fit, plain_net, small

TARGET = GazeTargetSettings(weight=5.0)


def data_of(**options):
    phantom = PhantomSettings(n_train=64, n_test=0, size=32)
    return GazeData(phantom=phantom, channels=1, batch_size=16, size=32, **options)


def gaze_alone(**options):
    torch.manual_seed(0)
    return Contrastive("gaze", "resnet10-narrow", channels=1, **options)


def some_batch(count=8, valid=None, side=32):
    draws = torch.Generator().manual_seed(1)
    x0, x1 = torch.rand(2, count, 1, side, side, generator=draws)
    first, second = torch.rand(2, count, 1, side, side, generator=draws)
    seen = torch.ones(count, dtype=torch.bool) if valid is None else torch.tensor(valid)
    return x0, x1, [f"image{i}" for i in range(count)], ViewMaps(first, second, seen)


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_every_framework_trains_with_a_gaze_target(framework):
    model = small(framework, gaze_target=TARGET)
    before = model.gaze_head.head.weight.clone()
    metrics = fit(model, None, data_of(), max_epochs=2).callback_metrics
    assert np.isfinite(float(metrics["loss_epoch"]))
    assert "gaze_loss" in metrics
    assert not model.gaze_head.head.weight.equal(before)


@pytest.mark.parametrize("loss", ["bce", "kl", "mse", "nss", "cells"])
def test_gaze_alone_learns_to_predict_gaze(loss):
    model = gaze_alone(gaze_target=GazeTargetSettings(loss=loss, stage="maps.2"))
    data = data_of(views=Views(crop="none", jitter=0.0, blur_probability=0.0))
    data.carry_gaze_maps(0.0)
    batch = next(iter(data.train_dataloader()))
    before = float(model.eval().step(batch).gaze_loss.detach())
    fit(model, None, data, max_epochs=8)
    assert float(model.eval().step(batch).gaze_loss.detach()) < before - 0.02


def test_the_loss_is_that_of_the_framework_and_the_weighted_target():
    plain = small("simclr")
    model = small("simclr", gaze_target=GazeTargetSettings(weight=3.0))
    assert all(one.equal(model.state_dict()[name]) for name, one in plain.state_dict().items())
    batch = some_batch()
    contrast = float(plain.step(batch).loss.detach())
    step = model.step(batch)
    assert float(step.loss.detach()) == pytest.approx(contrast + 3 * float(step.gaze_loss.detach()), rel=1e-5)


def test_pairs_of_cells_are_those_of_the_loss():
    """Embeddings of the 1x1 convolution, first views among themselves and second views among themselves."""
    model = small("simclr", gaze_target=GazeTargetSettings(weight=3.0, loss="cells"))
    x0, x1, ids, maps = batch = some_batch(valid=[True] * 6 + [False] * 2)
    step = model.step(batch)
    costs = []
    for view, gaze in ((x0, maps.first), (x1, maps.second)):
        cells = model.gaze_head.head(small("simclr").backbone.feature_maps(view))
        assert cells.shape[1] == 64
        costs.append(float(CellPairLoss()(cells, gaze, maps.valid).detach()))
    assert float(step.gaze_loss.detach()) == pytest.approx(np.mean(costs), rel=1e-5)
    assert float(step.loss.detach()) == pytest.approx(
        float(small("simclr").step((x0, x1, ids)).loss.detach()) + 3 * np.mean(costs), rel=1e-5
    )
    with pytest.raises(ValueError, match="'cells', which predicts no maps; expected another loss"):
        model.gaze_logits(x0)


@pytest.mark.parametrize("loss", ["bce", "cells"])
def test_images_without_gaze_leave_the_target_without_any_gradient(loss):
    model = gaze_alone(gaze_target=GazeTargetSettings(loss=loss))
    model.step(some_batch(valid=[False] * 8)).loss.backward()
    assert all(one.grad is None or one.grad.eq(0).all() for one in model.parameters())
    assert model.gaze_head.head.weight.grad is not None  # so that ranks wait for nobody


def test_what_an_image_without_gaze_holds_makes_no_difference():
    """Without batch norms, through which images see each other."""
    net = nn.Sequential(nn.Conv2d(1, 8, 3, stride=4), nn.ReLU())
    model = Contrastive("gaze", Backbone(net, 8))
    x0, x1, ids, maps = some_batch(4, [True, False, True, True])
    model.step((x0, x1, ids, maps)).loss.backward()
    found = [one.grad.clone() for one in model.parameters()]
    model.zero_grad()
    x0, x1 = x0.clone(), x1.clone()
    x0[1], x1[1] = 0.0, 1.0
    maps.first[1] = torch.nan
    model.step((x0, x1, ids, maps)).loss.backward()
    assert all(one.grad.equal(two) for one, two in zip(model.parameters(), found, strict=True))


def test_the_weight_starts_and_rises():
    target = GazeTargetSettings(weight=8.0, start=2, ramp=3)
    assert [target.weight_at(epoch, "byol") for epoch in range(7)] == [0, 0, 2, 4, 6, 8, 8]
    assert GazeTargetSettings().weight_at(0, "gaze") == 1
    assert GazeTargetSettings().weight_at(0, "moco") == 1
    assert GazeTargetSettings(balance="fixed").weight_at(0, "moco") == 20
    assert GazeTargetSettings(balance="gradient").weight_at(0, "moco") == 1


@pytest.mark.parametrize(
    ("framework", "balance", "loss"),
    [
        ("gaze", "fixed", "bce"),
        ("gaze", "fixed", "cells"),
        ("moco", "fixed", "bce"),
        ("moco", "gradient", "bce"),
        ("moco", "gradient", "cells"),
    ],
)
@pytest.mark.parametrize("step", [1, 6])
def test_a_training_resumed_from_any_step_equals_the_whole_one(tmp_path, step, framework, balance, loss):
    def make():
        target = GazeTargetSettings(stage="0", ramp=2, balance=balance, loss=loss)
        heads = HeadSettings(64, dim=32) if framework == "moco" else None
        more = {"queue_size": 32} if framework == "moco" else {}
        return Contrastive(framework, plain_net(), heads=heads, gaze_target=target, **more)

    check_resumed_equals_whole(tmp_path, step, make, data_of)


def test_batches_do_not_depend_on_workers():
    found = []
    for workers in (0, 2):
        data = data_of(num_workers=workers, views=Views(crop="gaze"))
        data.carry_gaze_maps(0.0)
        found.append([(*batch[:2], *batch[3]) for batch in data.train_dataloader()])
    for one, two in zip(*found, strict=True):
        assert all(a.equal(b) for a, b in zip(one, two, strict=True))


def test_views_do_not_depend_on_whether_maps_are_asked_for():
    plain, asked = data_of(), data_of()
    asked.carry_gaze_maps(0.0)
    first, second = next(iter(plain.train_dataloader())), next(iter(asked.train_dataloader()))
    assert (len(first), len(second)) == (3, 4)
    assert first[0].equal(second[0])
    assert first[1].equal(second[1])
    asked.carry_gaze_maps(None)
    assert len(next(iter(asked.train_dataloader()))) == 3


class Arrays(PhantomSettings):
    """Arrays in the place of a phantom."""

    def samples(self, channels=1):
        return self.arrays


def arrays_of(images, maps, **options):
    settings = Arrays(n_train=len(images), n_test=0, size=images.shape[1])
    object.__setattr__(
        settings, "arrays", ArraySamples(images, heatmaps=maps, splits=["train"] * len(images))
    )
    return GazeData(phantom=settings, channels=1, batch_size=len(images), size=images.shape[1], **options)


def test_partial_gaze_and_flat_maps_are_told_and_do_not_count(capsys):
    images, maps = np.zeros((3, 32, 32)), np.zeros((3, 32, 32))
    maps[1], maps[2, 4:8, 4:8] = 0.5, 3.0
    data = arrays_of(images, maps)
    data.carry_gaze_maps(0.2)
    _, _, ids, found = next(iter(data.train_dataloader()))
    assert dict(zip(ids, found.valid.tolist(), strict=True)) == {"0": False, "1": False, "2": True}
    assert float(found.first.max()) <= 1
    said = capsys.readouterr().err
    assert "1 of 3 training images (0) have no gaze to learn from" in said
    assert "1 of 3 training images (1) have no gaze map as concentrated as 0.2" in said


def test_maps_are_looked_at_one_by_one(tmp_path):
    rows = []
    for i in range(60):
        np.save(tmp_path / f"{i}.npy", np.full((64, 64), 0.5, np.float32))
        np.save(tmp_path / f"map{i}.npy", np.pad(np.ones((8, 8), np.float32), 28))
        rows.append(f"i{i},{i}.npy,train,map{i}.npy")
    (tmp_path / "m.csv").write_text("\n".join(["id,image,split,heatmap", *rows]))
    data = GazeData(manifest=str(tmp_path / "m.csv"), size=256, batch_size=4, memory="uint8")
    train = data.samples("train")
    train.preload(progress=False)
    tracemalloc.start()
    data.carry_gaze_maps(0.2)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 8 * 256 * 256 * 4  # the bytes of 8 of 60 maps


def test_nothing_to_predict_is_an_error():
    data = arrays_of(np.zeros((2, 32, 32)), np.ones((2, 32, 32)))
    with pytest.raises(ValueError, match=r"all 2 training images have no gaze .* of concentration 0.5"):
        data.carry_gaze_maps(0.5)


def test_logits_have_the_cells_of_the_stage():
    model = gaze_alone(gaze_target=GazeTargetSettings(stage="maps.2"))
    assert model.gaze_logits(torch.rand(2, 1, 64, 64)).shape == (2, 1, 16, 16)
    with pytest.raises(ValueError, match="expected gaze_target, or the framework gaze"):
        small("simclr").gaze_logits(torch.rand(2, 1, 64, 64))


@pytest.mark.parametrize(
    ("framework", "options", "message"),
    [
        ("gaze", {"pairs": PairSettings(top_k=1)}, "pairs is given, which gaze has no use for"),
        ("gaze", {"heads": HeadSettings()}, "heads is given, which gaze has no use for"),
        ("gaze", {"temperature": 0.1}, "temperature is 0.1, which gaze has no use for"),
        ("gaze", {"gaze_target": GazeTargetSettings(start=2)}, "gaze_target.start is 2"),
        ("gaze", {"gaze_target": GazeTargetSettings(weight=0)}, "gaze_target.weight is 0"),
        (
            "gaze",
            {"gaze_target": GazeTargetSettings(balance="gradient")},
            "gaze_target.balance is 'gradient'",
        ),
        (
            "simclr",
            {"gaze_target": GazeTargetSettings(stage="maps.22")},
            r"stage is .maps.22., which the back",
        ),
    ],
)
def test_mistakes_are_named(framework, options, message):
    with pytest.raises(ValueError, match=message):
        Contrastive(framework, "resnet10-narrow", channels=1, **options)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"weight": -1.0}, "weight is -1.0"),
        ({"loss": "l2"}, "loss is 'l2'"),
        ({"start": -1}, "start is -1"),
        ({"min_concentration": 1.5}, "min_concentration is 1.5"),
        ({"balance": "norm"}, "balance is 'norm'"),
    ],
)
def test_settings_are_checked(options, message):
    with pytest.raises(ValueError, match=message):
        GazeTargetSettings(**options)


def test_a_batch_without_maps_is_named():
    with pytest.raises(ValueError, match="gaze_target needs the gaze maps of the views"):
        gaze_alone().step(some_batch()[:3])
