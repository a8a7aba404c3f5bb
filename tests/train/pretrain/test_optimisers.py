"""Optimisers and learning-rate schedules, against torch's own."""

from __future__ import annotations

import math

import pytest

pytest.importorskip("gazesim.train")

import torch
from torch import nn

from gazesim.train import OptimizerSettings


def net():
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.Flatten(), nn.Linear(2, 3))


def course(settings, steps, epochs=10):
    optimizer = settings.optimizer(net())
    scheduler = settings.scheduler(optimizer, steps, steps / epochs)
    rates = []
    for _ in range(steps):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return rates


@pytest.mark.parametrize("final_share", [0.0, 0.1])
def test_cosine_equals_torch(final_share):
    rates = course(OptimizerSettings(learning_rate=0.2, final_share=final_share), 30)
    optimizer = torch.optim.SGD(net().parameters(), 0.2)
    theirs = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 30, eta_min=0.2 * final_share)
    for rate in rates:
        assert rate == pytest.approx(optimizer.param_groups[0]["lr"])
        optimizer.step()
        theirs.step()


def test_warm_up_rises_in_a_line_and_the_cosine_takes_the_rest():
    rates = course(OptimizerSettings(learning_rate=0.2, warmup_epochs=2), 50)
    assert rates[:10] == pytest.approx([0.02 * step for step in range(1, 11)])
    assert rates[10:] == pytest.approx([0.1 * (1 + math.cos(math.pi * step / 40)) for step in range(40)])


def test_constant_stays():
    rates = course(OptimizerSettings(learning_rate=0.2, schedule="constant", warmup_epochs=1), 40)
    assert rates == pytest.approx([0.05, 0.1, 0.15] + [0.2] * 37)


@pytest.mark.parametrize("decay_all", [False, True])
def test_biases_and_norms_are_spared(decay_all):
    module = net()
    module[0].weight.requires_grad_(False)
    settings = OptimizerSettings(weight_decay=0.3, decay_all=decay_all)
    groups = settings.optimizer(module).param_groups
    shapes = {group["weight_decay"]: [tuple(p.shape) for p in group["params"]] for group in groups}
    if decay_all:
        assert {decay: len(found) for decay, found in shapes.items()} == {0.3: 6 - 1}
    else:
        assert shapes[0.3] == [(3, 2)]
        assert len(shapes[0.0]) == 4


@pytest.mark.parametrize(
    ("name", "kind"), [("adam", "Adam"), ("adamw", "AdamW"), ("sgd", "SGD"), ("lars", "LARS")]
)
def test_names(name, kind):
    own = {"betas": (0.8, 0.9)} if name.startswith("adam") else {"momentum": 0.8}
    optimizer = OptimizerSettings(name=name, learning_rate=0.3, **own).optimizer(net())
    assert type(optimizer).__name__ == kind
    assert {key: optimizer.param_groups[0][key] for key in own} == own
    assert optimizer.param_groups[1]["lr"] == 0.3


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"name": "adam", "momentum": 0.8}, "momentum is 0.8, which adam has no use for"),
        ({"name": "lars", "betas": (0.9, 0.9)}, r"betas is \(0.9, 0.9\), which lars has no use for"),
        ({"schedule": "constant", "final_share": 0.1}, "final_share is 0.1, which the schedule"),
    ],
)
def test_settings_without_effect_are_refused(given, message):
    with pytest.raises(ValueError, match=message):
        OptimizerSettings(**given)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"name": "adm"}, r'optimizer is .adm.*did you mean "adam"'),
        ({"schedule": "cosin"}, r'did you mean "cosine"'),
        ({"learning_rate": -1.0}, "learning_rate is -1.0; expected a finite number of at least 0"),
        ({"final_share": 2.0}, "final_share is 2.0"),
        ({"betas": (0.9, 1.0)}, r"betas is \(0.9, 1.0\); expected two numbers below 1"),
    ],
)
def test_mistakes_are_named(options, message):
    with pytest.raises(ValueError, match=message):
        OptimizerSettings(**options)


def test_a_course_needs_an_end():
    settings = OptimizerSettings()
    optimizer = settings.optimizer(net())
    with pytest.raises(ValueError, match="expected max_epochs or max_steps"):
        settings.scheduler(optimizer, math.inf, 5)
    with pytest.raises(
        ValueError, match="warmup_epochs is 3, which are 15 steps of a training of 10; expected"
    ):
        OptimizerSettings(warmup_epochs=3).scheduler(optimizer, 10, 5)
    with pytest.raises(ValueError, match="warmup_epochs is 3 but the length of an epoch is not known"):
        OptimizerSettings(warmup_epochs=3).scheduler(optimizer, 10, math.inf)
