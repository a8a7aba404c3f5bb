"""The gaze target whose gradient is as long as that of the framework's loss."""

from __future__ import annotations

from dataclasses import replace

import pytest

pytest.importorskip("gazesim.train")

import torch
from torch import nn

from gazesim.train import Backbone, Contrastive, GazeTargetSettings, HeadSettings, ViewMaps
from gazesim.train.pretrain.gaze_balance import gradient_scale, loss_factor
from train.loops import FRAMEWORKS, fit, small
from train.pretrain.test_gaze_target_training import data_of, some_batch

BALANCED = GazeTargetSettings(weight=1.0, balance="gradient")


def in_double(batch):
    x0, x1, ids, maps = batch
    return x0.double(), x1.double(), ids, ViewMaps(maps.first.double(), maps.second.double(), maps.valid)


def gradients_at(stage, model, batch):
    """The gradients of a step's loss at the outputs of a stage, as one vector; and the step."""
    kept = []

    def keep(_, __, output):
        if output.requires_grad:
            output.retain_grad()
            kept.append(output)
            return output.clone()  # the next layer may change it in place
        return None

    handle = model.backbone.get_submodule(stage).register_forward_hook(keep)
    step = model.step(batch)
    handle.remove()
    step.loss.backward()
    return torch.cat([one.grad.flatten() for one in kept]), step


@pytest.mark.parametrize("framework", FRAMEWORKS)
@pytest.mark.parametrize("stage", ["maps", "maps.2", "maps.0.1"])
def test_both_gradients_have_equal_norms_at_the_stage(framework, stage):
    batch = in_double(some_batch(valid=[True, False] * 4))
    plain, _ = gradients_at(stage, small(framework).double(), batch)
    target = replace(BALANCED, stage=stage)
    both, step = gradients_at(stage, small(framework, gaze_target=target).double(), batch)
    twice, _ = gradients_at(stage, small(framework, gaze_target=replace(target, weight=2.0)).double(), batch)
    # MoCo's second view has no gradient; the other frameworks' two views are one vector.
    assert len(plain) == len(both) == (1 if framework == "moco" else 2) * step_cells(stage)
    assert float((both - plain).norm()) == pytest.approx(float(plain.norm()), rel=1e-9)
    assert float((twice - plain).norm()) == pytest.approx(2 * float(plain.norm()), rel=1e-9)
    fixed = GazeTargetSettings(weight=float(step.gaze_scale), stage=stage)
    same, _ = gradients_at(stage, small(framework, gaze_target=fixed).double(), batch)
    torch.testing.assert_close(both, same, rtol=1e-9, atol=0)


def step_cells(stage):
    """Numbers of a stage of resnet10-narrow for 8 images of 32 pixels."""
    channels, side = {"maps": (128, 2), "maps.2": (32, 8), "maps.0.1": (16, 16)}[stage]
    return 8 * channels * side * side


def test_nothing_learns_through_the_scale():
    """The weights' gradients are those of a fixed weight of the same value."""
    batch = in_double(some_batch())
    model = small("simclr", gaze_target=BALANCED).double()
    step = model.step(batch)
    assert not step.gaze_scale.requires_grad
    step.loss.backward()
    fixed = small("simclr", gaze_target=GazeTargetSettings(weight=float(step.gaze_scale))).double()
    fixed.step(batch).loss.backward()
    for mine, theirs in zip(model.parameters(), fixed.parameters(), strict=True):
        torch.testing.assert_close(mine.grad, theirs.grad, rtol=1e-9, atol=1e-15)


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_without_any_gaze_a_step_is_that_of_the_plain_framework(framework):
    batch = some_batch(valid=[False] * 8)
    plain, model = small(framework), small(framework, gaze_target=BALANCED)
    expected, step = plain.step(batch[:3]), model.step(batch)
    assert step.loss.equal(expected.loss)
    assert float(step.gaze_scale) == 0
    expected.loss.backward()
    step.loss.backward()
    found = dict(model.named_parameters())
    assert all(one.grad is None or one.grad.equal(found[name].grad) for name, one in plain.named_parameters())
    assert all(one.grad.eq(0).all() for one in model.gaze_head.parameters())


@pytest.mark.parametrize(
    ("loss", "precision"), [("bce", "32-true"), ("kl", "bf16-mixed"), ("mse", "64-true"), ("nss", "32-true")]
)
def test_the_scale_is_logged(loss, precision):
    model = small("simclr", gaze_target=GazeTargetSettings(loss=loss, balance="gradient", start=1))
    metrics = fit(model, None, data_of(), max_epochs=2, precision=precision).callback_metrics
    assert 0 < float(metrics["gaze_scale"]) < float("inf")


def test_before_its_start_the_target_is_not_balanced():
    model = small("simclr", gaze_target=GazeTargetSettings(balance="gradient", start=1))
    assert "gaze_scale" not in fit(model, None, data_of(), max_epochs=1).callback_metrics


@pytest.mark.parametrize("kind", [torch.bfloat16, torch.float16])
def test_half_precision_has_about_the_same_scale(kind):
    batch, scales = some_batch(), []
    for is_half in (False, True):
        model = small("simclr", gaze_target=BALANCED)
        with torch.autocast("cpu", dtype=kind, enabled=is_half):
            step = model.step(batch)
        step.loss.backward()
        assert all(one.grad.isfinite().all() for one in model.parameters())
        scales.append(float(step.gaze_scale))
    assert scales[1] == pytest.approx(scales[0], rel=0.05)


def test_small_gradients_in_half_precision_do_not_vanish():
    """A GradScaler multiplies the loss so that gradients have values in float16; the scale does so, too."""
    x = torch.ones(4, dtype=torch.float16, requires_grad=True)
    loss, cost = 1e-9 * x.float().sum(), 1e-10 * x.float().sum()
    assert float(gradient_scale(loss, cost, [x])) == 0  # what would happen
    assert float(gradient_scale(loss, cost, [x], factor=2.0**20)) == pytest.approx(10, rel=0.01)


def test_the_factor_is_the_scale_of_the_grad_scaler():
    class Plugin:
        scaler = torch.amp.GradScaler("cpu", init_scale=128.0)

    class Trainer:
        precision_plugin = Plugin()

    assert loss_factor(Trainer()) == 128
    assert loss_factor(None) == 1


@pytest.mark.parametrize(
    ("of_loss", "of_cost"), [(1.0, float("inf")), (float("inf"), 1.0), (1.0, float("nan"))]
)
def test_what_overflows_is_not_hidden(of_loss, of_cost):
    x = torch.ones(2, requires_grad=True)
    assert not gradient_scale(of_loss * x.sum(), of_cost * x.sum(), [x]).isfinite()


def test_without_gradients_there_is_nothing_to_balance():
    model = small("simclr", gaze_target=BALANCED)
    with torch.no_grad():
        assert float(model.step(some_batch()).gaze_scale) == 1


class Aside(nn.Module):
    """Features that do not come from the stage that the head reads."""

    def __init__(self):
        super().__init__()
        self.used, self.aside = nn.Conv2d(1, 8, 4, stride=4), nn.Conv2d(1, 8, 4, stride=4)
        self.dim = 8

    def forward(self, images):
        self.aside(images)
        return self.used(images).mean(dim=(2, 3))


def frozen():
    return Backbone(nn.Conv2d(1, 8, 4, stride=4), 8).requires_grad_(False)


@pytest.mark.parametrize(("make", "stage"), [(Aside, "aside"), (frozen, "maps")])
def test_a_stage_without_a_gradient_is_named(make, stage):
    target = replace(BALANCED, stage=stage)
    model = Contrastive("simclr", make(), heads=HeadSettings(8, dim=8), gaze_target=target)
    with pytest.raises(ValueError, match=r"loss has no gradient at the output of gaze_target\.stage"):
        model.step(some_batch())
