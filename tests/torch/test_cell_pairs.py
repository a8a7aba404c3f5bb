"""Dense pairs: the loop, gradients, and which cells have none."""

from __future__ import annotations

import math

import pytest

pytest.importorskip("torchvision")

import torch
from torch.autograd import gradcheck

from gazesim.torch import CellPairLoss


def drawn(images=4, seed=0):
    draws = torch.Generator().manual_seed(seed)
    embeddings = torch.randn(images, 5, 2, 3, generator=draws, dtype=torch.float64)
    maps = torch.rand(images, 1, 8, 12, generator=draws, dtype=torch.float64) ** 3
    return embeddings, maps


def by_loop(embeddings, maps, valid, temperature, least):
    """The loss as the docstring states it, pair by pair."""
    images, _, height, width = embeddings.shape
    tall, wide = maps.shape[2] // height, maps.shape[3] // width
    cells = []
    for image in range(images):
        for row in range(height):
            for column in range(width):
                block = maps[image, 0, row * tall : (row + 1) * tall, column * wide : (column + 1) * wide]
                gaze = float(block.sum()) / block.numel()
                z = embeddings[image, :, row, column]
                z = [float(value) / math.sqrt(float((z * z).sum())) for value in z]
                if valid[image]:
                    cells.append((image, gaze if gaze >= least else 0.0, z))
    top = bottom = 0.0
    for image, gaze, z in cells:
        others = [
            (sum(a * b for a, b in zip(z, other, strict=True)) / temperature, mass)
            for owner, mass, other in cells
            if owner != image
        ]
        norm = math.log(sum(math.exp(logit) for logit, _ in others))
        for logit, mass in others:
            top += gaze * mass * (norm - logit)
            bottom += gaze * mass
    return top / bottom


@pytest.mark.parametrize("least", [0.0, 0.25])
def test_the_loss_equals_a_loop(least):
    embeddings, maps = drawn()
    valid = torch.tensor([True, True, False, True])
    found = CellPairLoss(0.3, min_gaze=least)(embeddings, maps, valid)
    assert float(found) == pytest.approx(by_loop(embeddings, maps, valid, 0.3, least), rel=1e-12)


def test_gradients_equal_differences():
    embeddings, maps = drawn(images=3)
    embeddings.requires_grad_()
    assert gradcheck(lambda z: CellPairLoss(0.5)(z, maps), (embeddings,))


def test_images_without_gaze_have_exactly_no_gradient():
    embeddings, maps = drawn(images=3)
    maps[1] = torch.nan
    embeddings.requires_grad_()
    CellPairLoss()(embeddings, maps, torch.tensor([True, False, True])).backward()
    assert embeddings.grad[1].eq(0).all()
    assert embeddings.grad[0].abs().sum() > 0


@pytest.mark.parametrize(
    ("looked_at", "valid"), [(0, None), (1, None), (2, [True, False]), (2, [False, False])]
)
def test_pairs_need_two_images_that_were_looked_at(looked_at, valid):
    embeddings, maps = drawn(images=2)
    maps[looked_at:] = 0
    embeddings.requires_grad_()
    loss = CellPairLoss()(embeddings, maps, None if valid is None else torch.tensor(valid))
    loss.backward()
    assert float(loss.detach()) == 0
    assert embeddings.grad.eq(0).all()


def test_a_step_pulls_looked_at_cells_together_and_the_others_away():
    embeddings, maps = drawn(images=2)
    maps = torch.zeros_like(maps)
    maps[:, :, :4, :4] = 1  # the first cell of both
    embeddings.requires_grad_()
    loss = CellPairLoss()
    loss(embeddings, maps).backward()
    moved = embeddings.detach() - 0.1 * embeddings.grad

    def alike(one, place):
        return float(torch.cosine_similarity(one.detach()[0, :, 0, 0], one.detach()[1, :, *place], dim=0))

    assert alike(moved, (0, 0)) > alike(embeddings, (0, 0))
    assert sum(alike(moved, (1, c)) for c in range(3)) < sum(alike(embeddings, (1, c)) for c in range(3))
    assert loss(moved, maps) < loss(embeddings, maps)


@pytest.mark.parametrize(
    ("options", "message"),
    [({"temperature": 0}, "temperature is 0; expected .* above 0"), ({"min_gaze": 2}, "min_gaze is 2")],
)
def test_settings_are_checked(options, message):
    with pytest.raises(ValueError, match=message):
        CellPairLoss(**options)


def test_shapes_are_checked():
    with pytest.raises(ValueError, match=r"embeddings has shape \(2, 5\); expected \(N, D, h, w\)"):
        CellPairLoss()(torch.zeros(2, 5), torch.zeros(2, 1, 4, 4))
