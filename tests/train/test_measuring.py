"""A call that measures leaves the module as it was, the random generators too, also after an error."""

from __future__ import annotations

import random

import numpy as np
import pytest

pytest.importorskip("gazesim.train")

import torch
from torch import nn

from gazesim.train import (
    ArraySamples,
    FineTuneSettings,
    GazePredictor,
    affinity_map,
    embed,
    fine_tune,
    linear_probe,
    plot_affinity_maps,
    predict_gaze,
)
from gazesim.train.evaluation.fine_tune import Classifier
from gazesim.train.measuring import measuring, unchanged
from gazesim.train.pretrain.monitor import CollapseMonitor
from train.loops import fit, make_study, small


class Frozen(nn.BatchNorm2d):
    """Never in training mode, as detectors keep their norms."""

    def train(self, mode=True):
        return super().train(False)


class Nasty(nn.Module):
    """Mixed modes, frozen parts, hooks, random numbers, and buffers that a forward pass changes or adds."""

    def __init__(self, dtype=torch.float32):
        super().__init__()
        self.maps = nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), Frozen(4), nn.Dropout(0.5))
        self.extra = nn.BatchNorm2d(4, track_running_stats=False)
        self.register_buffer("calls", torch.zeros(()))
        self.register_buffer("replaced", torch.zeros(2), persistent=False)
        self.register_buffer("nothing", None)
        self.to(dtype).train()
        self.maps[1].eval()
        self.maps[0].weight.requires_grad_(False)
        self.maps[0].bias.grad = torch.ones(4, dtype=dtype)
        self.seen = []
        self.maps[0].register_forward_hook(lambda *_: self.seen.append(1))
        self.maps[1].register_full_backward_hook(lambda *_: None)

    def forward(self, images):
        self.calls += 1
        self.replaced = self.replaced + 1
        self.register_buffer("late", torch.ones(1))
        for draw in (torch.rand, lambda n: np.random.rand(n), lambda _: random.random()):  # noqa: NPY002
            draw(1)
        self.maps[1].weight.requires_grad_(False)
        self.maps[3].register_forward_pre_hook(lambda *_: None)
        return self.extra(self.maps(images)).mean(dim=(2, 3))


def state(net):
    parts = list(net.modules())
    return {
        "modes": [part.training for part in parts],
        "parameters": [
            (name, id(one), one.requires_grad, one.dtype, one.device, one.detach().clone(), one.grad)
            for name, one in net.named_parameters()
        ],
        "buffers": [
            (name, id(one), one.dtype, None if one is None else one.clone())
            for part in parts
            for name, one in part._buffers.items()
            if one is not None
        ],
        "names": [(sorted(part._buffers), sorted(part._non_persistent_buffers_set)) for part in parts],
        "hooks": [
            {name: list(value.items()) for name, value in vars(part).items() if name.endswith("_hooks")}
            for part in parts
        ],
        "random": (torch.get_rng_state(), np.random.get_state(), random.getstate()),  # noqa: NPY002
    }


def same(one, two):
    if isinstance(one, torch.Tensor):
        return isinstance(two, torch.Tensor) and one.dtype == two.dtype and torch.equal(one, two)
    if isinstance(one, np.ndarray):
        return np.array_equal(one, two)
    if isinstance(one, dict):
        return one.keys() == two.keys() and all(same(one[key], two[key]) for key in one)
    if isinstance(one, (list, tuple)):
        return len(one) == len(two) and all(same(a, b) for a, b in zip(one, two, strict=True))
    return one == two


def assert_unchanged(net, measure):
    before = state(net)
    measure()
    after = state(net)
    for what, value in before.items():
        assert same(value, after[what]), what


def samples(count=12):
    rng = np.random.default_rng(0)
    return ArraySamples(rng.random((count, 12, 12)), [i % 2 for i in range(count)])


QUICK = FineTuneSettings(epochs=1, min_steps=0, batch_size=6)
CALLS = {
    "embed": lambda net, folder: embed(net, samples(), batch_size=5),
    "linear_probe": lambda net, folder: linear_probe(net, samples(), samples()),
    "fine_tune": lambda net, folder: fine_tune(net, samples(), samples(), settings=QUICK),
    "affinity_map": lambda net, folder: affinity_map(net, samples().image(0), (3, 4)),
    "figure": lambda net, folder: plot_affinity_maps({"a": net}, samples(), [0, 1], folder / "a.png"),
}


@pytest.mark.parametrize("call", CALLS)
def test_a_nasty_module_is_left_as_it_was(call, tmp_path):
    net = Nasty()
    assert_unchanged(net, lambda: CALLS[call](net, tmp_path))
    assert net.seen  # it was asked


@pytest.mark.parametrize("call", ["embed", "affinity_map", "linear_probe"])
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float64])
def test_other_precisions(call, dtype, tmp_path):
    net = Nasty(dtype)
    assert_unchanged(net, lambda: CALLS[call](net, tmp_path))
    assert embed(net, samples()).dtype == torch.float32


@pytest.mark.parametrize("call", CALLS)
def test_errors_restore_as_well(call, tmp_path, monkeypatch):
    net = Nasty()
    real, calls = Nasty.forward, []

    def fails(self, images):
        real(self, images)
        calls.append(1)
        raise RuntimeError("out of memory")

    monkeypatch.setattr(Nasty, "forward", fails)

    def measure():
        with pytest.raises(RuntimeError, match="out of memory"):
            CALLS[call](net, tmp_path)

    assert_unchanged(net, measure)
    assert calls


def test_a_classifier_and_a_predictor_keep_their_mode():
    model = Classifier(Nasty(), 4, 2, QUICK, steps=1).train()
    assert_unchanged(model, lambda: model.probabilities(samples(), range(12)))
    predictor = GazePredictor((4,) * 6).train()
    predictor.net.requires_grad_(False)
    images = np.random.default_rng(0).random((3, 32, 32))
    assert_unchanged(predictor, lambda: predict_gaze(predictor, images))
    assert predictor.training


def test_casting_inside_is_undone():
    net = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3))

    def cast():
        with unchanged(net):
            net.half()
            net[0].weight.grad = torch.ones(3, 2, dtype=torch.half)

    assert_unchanged(net, cast)


def test_what_a_module_keeps_can_be_trained_with_later():
    """A table made while measuring must not be a tensor of inference mode."""

    class Positions(nn.Module):
        table = None

        def __init__(self):
            super().__init__()
            self.weight = nn.Parameter(torch.ones(1))

        def forward(self, images):
            if self.table is None:
                self.table = torch.ones(images.shape[1:])
            return (images * self.table * self.weight).flatten(1)

    net = Positions()
    embed(net, samples())
    net(torch.rand(2, 1, 12, 12)).sum().backward()
    assert net.weight.grad is not None


def test_measuring_within_a_half_precision_step():
    """The copies of weights that autocast keeps would have no gradient in the step around the call."""
    net = nn.Linear(4, 2)
    with torch.autocast("cpu", torch.bfloat16):
        with measuring(net):
            net(torch.rand(1, 4))
        loss = net(torch.rand(3, 4)).float().sum()
    loss.backward()
    assert net.weight.grad is not None


class Blind(CollapseMonitor):
    """Takes the monitor's place and looks at nothing."""

    on_train_batch_end = on_train_epoch_end = lambda *_: None


def test_a_monitor_changes_no_training():
    study = make_study(32)

    def trained(monitor):
        model = small("simsiam")
        fit(model, study, max_epochs=2, callbacks=[monitor])
        return [part.training for part in model.modules()], model.state_dict(), torch.get_rng_state()

    assert same(trained(CollapseMonitor(level=0.0)), trained(Blind()))
