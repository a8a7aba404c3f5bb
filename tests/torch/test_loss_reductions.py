"""``reduction`` and ``positives`` of every loss, against loops in float64."""

from __future__ import annotations

import math

import pytest
import torch
from torch.nn import functional as F

from gazesim.torch import CosinePairLoss, GazeQueue, InfoNCEPairLoss, NTXentPairLoss

N, DIM, SLOTS = 5, 4, 8


def drawn(*shape, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, generator=generator, dtype=torch.float64)


def soft(*shape, seed=0):
    """Weights of which some are 0; row 1 has none."""
    draws = torch.rand(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    weights = torch.where(draws > 0.4, draws, 0.0)
    weights[1] = 0
    return weights


def reduced(rows, reduction):
    """The definition, from one list of (weight, loss of a pair) for each row."""
    if reduction == "pairs":
        pairs = [pair for row in rows for pair in row]
        return sum(w * value for w, value in pairs) / sum(w for w, _ in pairs)
    sums = [sum(w for w, _ in row) for row in rows]
    means = [
        sum(w * value for w, value in row) / total for row, total in zip(rows, sums, strict=True) if total > 0
    ]
    return sum(means) / len(means)


def cosine(a, b):
    dot = sum(float(x) * float(y) for x, y in zip(a, b, strict=True))
    return dot / math.sqrt(sum(float(x) ** 2 for x in a)) / math.sqrt(sum(float(x) ** 2 for x in b))


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("reduction", ["pairs", "rows"])
def test_cosine_is_the_loop(reduction, seed):
    p, z, weights = drawn(N, DIM, seed=seed), drawn(N, DIM, seed=seed + 9), soft(N, N, seed=seed)
    rows = [[(float(weights[i, j]), -cosine(p[i], z[j])) for j in range(N)] for i in range(N)]
    found = CosinePairLoss(reduction=reduction)(p, z, weights)
    assert float(found) == pytest.approx(reduced(rows, reduction), abs=1e-12)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("reduction", ["pairs", "rows"])
def test_ntxent_is_the_loop(reduction, seed):
    z0, z1, weights = drawn(N, DIM, seed=seed), drawn(N, DIM, seed=seed + 9), soft(N, N, seed=seed)
    both, rows = torch.cat([z0, z1]), []
    for i in range(2 * N):
        others = [j for j in range(2 * N) if j != i]
        logits = {j: cosine(both[i], both[j]) / 0.5 for j in others}
        whole = math.log(sum(math.exp(value) for value in logits.values()))
        rows.append([(float(weights[i % N, j % N]), whole - logits[j]) for j in others])
    found = NTXentPairLoss(0.5, reduction=reduction)(z0, z1, weights)
    assert float(found) == pytest.approx(reduced(rows, reduction), abs=1e-12)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("ignored", [False, True])
@pytest.mark.parametrize("reduction", ["pairs", "rows"])
@pytest.mark.parametrize("positives", ["outside", "inside"])
def test_infonce_is_the_loop(positives, reduction, ignored, seed):
    q, k, queue = (drawn(n, DIM, seed=seed + n) for n in (N, N, SLOTS))
    k = drawn(N, DIM, seed=seed + 40)
    weights = soft(N, SLOTS, seed=seed)
    ignore = torch.zeros(N, SLOTS, dtype=torch.bool)
    if ignored:
        ignore[0, :3] = ignore[2, 5] = True
    rows = []
    for i in range(N):
        kept = [j for j in range(SLOTS) if not ignore[i, j]]
        logits = [cosine(q[i], k[i]) / 0.2, *(cosine(q[i], queue[j]) / 0.2 for j in kept)]
        labels = [1.0, *(float(weights[i, j]) for j in kept)]
        share = [math.exp(value) / sum(map(math.exp, logits)) for value in logits]
        if positives == "inside":
            rows.append([(1.0, -math.log(sum(y * s for y, s in zip(labels, share, strict=True))))])
        else:
            rows.append([(y, -math.log(s)) for y, s in zip(labels, share, strict=True)])
    loss = InfoNCEPairLoss(0.2, positives=positives, reduction=reduction)
    found = loss(q, k, queue=queue, weights=weights, ignore=ignore if ignored else None)
    assert float(found) == pytest.approx(reduced(rows, reduction), abs=1e-12)


def test_one_positive_per_row_makes_all_forms_the_same():
    q, k, queue = drawn(N, DIM), drawn(N, DIM, seed=1), drawn(SLOTS, DIM, seed=2)
    plain = InfoNCEPairLoss()(q, k, queue=queue)
    for positives in ("outside", "inside"):
        for reduction in ("pairs", "rows"):
            loss = InfoNCEPairLoss(positives=positives, reduction=reduction)
            torch.testing.assert_close(loss(q, k, queue=queue, weights=torch.zeros(N, SLOTS)), plain)
    for kind in (CosinePairLoss, NTXentPairLoss):
        torch.testing.assert_close(kind(reduction="rows")(q, k), kind()(q, k))


@pytest.mark.parametrize("positives", ["outside", "inside"])
@pytest.mark.parametrize("reduction", ["pairs", "rows"])
def test_gradcheck_of_every_form(positives, reduction):
    q, k, queue = drawn(N, DIM).requires_grad_(), drawn(N, DIM, seed=1), drawn(SLOTS, DIM, seed=2)
    ignore = torch.zeros(N, SLOTS, dtype=torch.bool)
    ignore[3, 2] = True
    loss = InfoNCEPairLoss(positives=positives, reduction=reduction)
    weights = soft(N, SLOTS)
    assert torch.autograd.gradcheck(lambda a: loss(a, k, queue=queue, weights=weights, ignore=ignore), q)
    square = soft(N, N)
    assert torch.autograd.gradcheck(lambda a: NTXentPairLoss(reduction=reduction)(a, k, square), q)
    assert torch.autograd.gradcheck(lambda a: CosinePairLoss(reduction=reduction)(a, k, square), q)


def test_keys_left_out_are_as_if_they_were_not_there():
    q, k, queue = drawn(1, DIM), drawn(1, DIM, seed=1), drawn(SLOTS, DIM, seed=2)
    ignore = torch.arange(SLOTS)[None] < 3
    found = InfoNCEPairLoss()(q, k, queue=queue, weights=torch.ones(1, SLOTS), ignore=ignore)
    fewer = InfoNCEPairLoss()(q, k, queue=queue[3:], weights=torch.ones(1, SLOTS - 3))
    torch.testing.assert_close(found, fewer)


def test_own_keys_are_those_of_the_same_image():
    queue = GazeQueue(4, DIM)
    queue.enqueue(F.normalize(drawn(3, DIM), dim=1).float(), ["a", ("b", 1), "a"])
    assert queue.own_keys(["a", ("b", 1), "new"]).int().tolist() == [[1, 0, 1, 0], [0, 1, 0, 0], [0] * 4]
    assert not queue.own_keys(torch.tensor([-1])).any()
