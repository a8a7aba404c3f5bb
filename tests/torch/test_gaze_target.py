"""The gaze target: loops, gradients, images without gaze, and what is refused."""

from __future__ import annotations

import math

import pytest

pytest.importorskip("torchvision")

import torch
from torch.autograd import gradcheck

from gazesim.torch import GazeTargetLoss

KINDS = ("bce", "kl", "mse", "nss")


def drawn(images=4, cells=(3, 4), scale=5, seed=0):
    """Logits (N, 1, h, w) in float64, and maps (N, 1, scale h, scale w) with maximum 1."""
    draws = torch.Generator().manual_seed(seed)
    logits = torch.randn(images, 1, *cells, generator=draws, dtype=torch.float64)
    shape = images, 1, cells[0] * scale, cells[1] * scale
    maps = torch.rand(shape, generator=draws, dtype=torch.float64) ** 4
    return logits, maps / maps.amax(dim=(2, 3), keepdim=True)


def by_loop(kind, logits, maps, valid):
    """The loss as the docstring states it, number by number."""
    costs = []
    for image in range(len(logits)):
        if not valid[image]:
            continue
        height, width = logits.shape[2:]
        tall, wide = maps.shape[2] // height, maps.shape[3] // width
        seen, said = [], []
        for row in range(height):
            for column in range(width):
                block = [
                    float(maps[image, 0, row * tall + down, column * wide + across])
                    for down in range(tall)
                    for across in range(wide)
                ]
                seen.append(sum(block) / len(block))
                said.append(float(logits[image, 0, row, column]))
        count, mass = len(seen), sum(seen)
        share = [1 / (1 + math.exp(-x)) for x in said]
        if kind == "bce":
            terms = [-t * math.log(p) - (1 - t) * math.log(1 - p) for t, p in zip(seen, share, strict=True)]
            costs.append(sum(terms) / count)
        elif kind == "mse":
            costs.append(sum((p - t) ** 2 for t, p in zip(seen, share, strict=True)) / count)
        elif mass > 0:
            density = [t / mass for t in seen]
            if kind == "kl":
                norm = math.log(sum(math.exp(x) for x in said))
                costs.append(
                    sum(d * (math.log(d) - x + norm) for d, x in zip(density, said, strict=True) if d > 0)
                )
            else:
                mean = sum(said) / count
                std = math.sqrt(sum((x - mean) ** 2 for x in said) / count)
                costs.append(-sum(d * (x - mean) / std for d, x in zip(density, said, strict=True)))
    return sum(costs) / max(len(costs), 1)


@pytest.mark.parametrize("kind", KINDS)
def test_the_loss_equals_a_loop(kind):
    logits, maps = drawn()
    maps[2] = 0  # a view in which nobody looked anywhere
    maps[0, 0, :5] = 0
    valid = torch.tensor([True, False, True, True])
    found = GazeTargetLoss(kind)(logits, maps, valid)
    assert float(found) == pytest.approx(by_loop(kind, logits, maps, valid), rel=1e-12)


@pytest.mark.parametrize("kind", KINDS)
def test_gradients_equal_differences(kind):
    logits, maps = drawn(images=3)
    valid = torch.tensor([True, True, False])
    logits.requires_grad_()
    assert gradcheck(lambda x: GazeTargetLoss(kind)(x, maps, valid), (logits,))


@pytest.mark.parametrize("kind", KINDS)
def test_images_without_gaze_have_exactly_no_gradient_whatever_their_maps_hold(kind):
    logits, maps = drawn(images=3)
    maps[1] = torch.nan
    logits.requires_grad_()
    loss = GazeTargetLoss(kind)(logits, maps, torch.tensor([True, False, True]))
    loss.backward()
    assert loss.isfinite()
    assert logits.grad[1].eq(0).all()
    assert logits.grad[0].abs().sum() > 0
    # And they do not dilute the mean.
    alone = GazeTargetLoss(kind)(logits[[0, 2]], maps[[0, 2]])
    assert float(loss.detach()) == pytest.approx(float(alone.detach()), rel=1e-12)


@pytest.mark.parametrize("kind", KINDS)
def test_a_batch_without_gaze_costs_nothing_and_keeps_the_graph(kind):
    logits, maps = drawn(images=2)
    logits.requires_grad_()
    loss = GazeTargetLoss(kind)(logits, maps, torch.zeros(2, dtype=torch.bool))
    loss.backward()
    assert float(loss.detach()) == 0
    assert logits.grad.eq(0).all()


@pytest.mark.parametrize("kind", KINDS)
def test_the_gaze_itself_is_better_than_its_mirror_image(kind):
    _, maps = drawn(images=2, cells=(4, 4), scale=4)
    maps[..., :8] *= 0.1
    cells = torch.nn.functional.adaptive_avg_pool2d(maps, (4, 4)).clamp(1e-6, 1 - 1e-6)
    logits = cells.log() if kind == "kl" else cells.logit()
    right, wrong = (GazeTargetLoss(kind)(one, maps) for one in (logits, logits.flip(-1)))
    assert right < wrong
    if kind in ("kl", "mse"):
        assert float(right) == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("kind", ["kl", "nss"])
def test_scores_of_densities_do_not_depend_on_the_scale_of_a_map(kind):
    logits, maps = drawn()
    loss = GazeTargetLoss(kind)
    assert float(loss(logits, 250 * maps)) == pytest.approx(float(loss(logits, maps)), rel=1e-12)


def test_equal_logits_have_a_finite_nss():
    logits, maps = torch.zeros(1, 1, 3, 4, requires_grad=True), drawn(images=1)[1]
    loss = GazeTargetLoss("nss")(logits, maps)
    loss.backward()
    assert float(loss.detach()) == 0
    assert logits.grad.isfinite().all()


def test_half_precision_is_summed_in_single():
    logits, maps = drawn()
    half = GazeTargetLoss()(logits.bfloat16(), maps.float())
    assert half.dtype == torch.float32
    assert float(half) == pytest.approx(float(GazeTargetLoss()(logits, maps)), rel=0.01)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"logits": torch.zeros(2, 3, 2, 2)}, r"logits has shape \(2, 3, 2, 2\); expected \(N, 1, h, w\)"),
        ({"logits": [0.0]}, r"logits is \[0.0\]; expected a tensor"),
        ({"gaze_maps": torch.zeros(3, 1, 4, 4)}, r"expected \(2, 1, H, W\), one map for each of 2 images"),
        ({"gaze_maps": torch.zeros(2, 1, 1, 4)}, "of at least as many rows and columns"),
        ({"valid": torch.ones(2)}, r"torch.float32; expected a bool tensor of shape \(2,\)"),
        ({"valid": torch.ones(3, dtype=torch.bool)}, r"expected a bool tensor of shape \(2,\)"),
        ({"gaze_maps": torch.full((2, 1, 4, 4), 255.0)}, "sample 0, row 0, column 0 is 255; .*from 0 to 1"),
        ({"gaze_maps": torch.full((2, 1, 4, 4), torch.nan)}, "is nan; expected a finite number"),
    ],
)
def test_mistakes_are_named(change, message):
    given = {"logits": torch.zeros(2, 1, 2, 2), "gaze_maps": torch.zeros(2, 1, 4, 4)} | change
    with pytest.raises((ValueError, TypeError), match=message):
        GazeTargetLoss()(**given)


def test_the_sample_is_that_of_the_batch():
    maps = torch.zeros(3, 1, 4, 4)
    maps[2, 0, 1, 3] = -1
    valid = torch.tensor([False, True, True])
    with pytest.raises(ValueError, match=r"sample 2, row 1, column 3 is -1; expected .* of at least 0"):
        GazeTargetLoss("kl")(torch.zeros(3, 1, 2, 2), maps, valid)


def test_unknown_kinds_are_refused():
    with pytest.raises(ValueError, match=r'kind is .bec.*did you mean "bce"'):
        GazeTargetLoss("bec")
