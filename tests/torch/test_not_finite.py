"""Numbers that are not finite: losses of them are not finite either, and a queue takes no such key."""

from __future__ import annotations

import warnings

import pytest
import torch

from gazesim.torch import CosinePairLoss, GazeQueue, InfoNCEPairLoss, NTXentPairLoss

N, DIM, SLOTS = 6, 8, 9
BAD = {"nan": float("nan"), "inf": float("inf"), "-inf": float("-inf")}

#: Losses of two views, by name; their weights may be None.
LOSSES = {
    "cosine": lambda a, b, w, **o: CosinePairLoss(**o)(a, b, w),
    "ntxent": lambda a, b, w, **o: NTXentPairLoss(**o)(a, b, w),
    "infonce": lambda a, b, w, **o: InfoNCEPairLoss(**o)(a, b, queue=torch.randn(N, DIM), weights=w),
    "inside": lambda a, b, w, **o: InfoNCEPairLoss(positives="inside", **o)(
        a, b, queue=torch.randn(N, DIM), weights=w
    ),
}
WEIGHTS = {
    "none": None,
    "eye": torch.eye(N),
    "all": torch.ones(N, N),
    "bool": torch.eye(N, dtype=torch.bool),
    "row without": torch.eye(N) * (torch.arange(N) != 2)[:, None],
}


def spoilt(extent, value, dtype):
    """Return embeddings that are not finite in one cell, one row, or everywhere."""
    rows = torch.randn(N, DIM)
    if extent == "cell":
        rows[2, 3] = value
    elif extent == "row":
        rows[2] = value
    else:
        rows[:] = value
    return rows.to(dtype)


@pytest.mark.parametrize("value", BAD)
@pytest.mark.parametrize("extent", ["cell", "row", "all"])
@pytest.mark.parametrize("weights", WEIGHTS)
@pytest.mark.parametrize("name", LOSSES)
def test_embeddings_that_are_not_finite_show(name, weights, extent, value):
    good = torch.randn(N, DIM)
    for wanted in (False, True):
        for reduction in ("pairs", "rows"):
            bad = spoilt(extent, BAD[value], torch.float32).requires_grad_(wanted)
            assert not LOSSES[name](bad, good, WEIGHTS[weights], reduction=reduction).isfinite()
            # What nothing is compared with, the row of W without a weight, cannot show there.
            if not (name == "cosine" and weights == "row without"):
                assert not LOSSES[name](good.requires_grad_(wanted), bad, WEIGHTS[weights]).isfinite()


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
@pytest.mark.parametrize("autocast", [False, True])
@pytest.mark.parametrize("name", LOSSES)
def test_so_they_do_in_half_precision(name, autocast, dtype):
    bad, good = spoilt("row", BAD["nan"], dtype).requires_grad_(), torch.randn(N, DIM, dtype=dtype)
    overflow = (torch.full((N, DIM), 3e38) * 3e38).to(dtype).requires_grad_()
    with torch.autocast("cpu", torch.bfloat16, enabled=autocast):
        for rows in (bad, overflow):
            assert not LOSSES[name](rows, good, None).isfinite()


@pytest.mark.parametrize("name", LOSSES)
def test_rows_whose_length_overflows_show_as_well(name):
    """Finite numbers of 1e30 have a length of inf in float32; dividing by it would give zeros."""
    huge = torch.full((N, DIM), 1e30).requires_grad_()
    assert not LOSSES[name](huge, torch.randn(N, DIM), None).isfinite()


def test_a_key_in_the_queue_that_is_not_finite_shows():
    for value in BAD.values():
        queue = torch.randn(SLOTS, DIM)
        queue[4, 1] = value
        for positives in ("outside", "inside"):
            for weights in (None, torch.zeros(N, SLOTS), torch.ones(N, SLOTS)):
                loss = InfoNCEPairLoss(positives=positives)
                found = loss(torch.randn(N, DIM), torch.randn(N, DIM), queue=queue, weights=weights)
                assert not found.isfinite()


# --- the queue ------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
@pytest.mark.parametrize("value", BAD)
@pytest.mark.parametrize("extent", ["cell", "row", "all"])
def test_the_queue_takes_no_key_that_is_not_finite(extent, value, dtype):
    queue, losses = GazeQueue(16, DIM), []
    for step in range(8):
        q, k = torch.randn(N, DIM), torch.randn(N, DIM).to(dtype)
        losses.append(float(InfoNCEPairLoss()(q, k.float(), queue=queue.keys)))
        if step == 2:
            bad = spoilt(extent, BAD[value], dtype)
            odd = N if extent == "all" else 1
            with pytest.warns(UserWarning, match=f"{odd} of 6 keys are not finite and were not put"):
                queue.enqueue(bad, [f"bad{i}" for i in range(N)])
        else:
            queue.enqueue(k, [f"{step}-{i}" for i in range(N)])
        assert queue.keys.isfinite().all()
    assert all(loss == loss for loss in losses)


def test_the_place_of_such_a_key_keeps_the_old_one():
    queue = GazeQueue(4, DIM)
    queue.enqueue(torch.eye(4, DIM), ["a", "b", "c", "d"])
    new = torch.ones(3, DIM)
    new[1, 0] = float("nan")
    with pytest.warns(UserWarning, match="1 of 3 keys are not finite"):
        queue.enqueue(new, ["e", "f", "g"])
    assert queue.own_keys(["e", "b", "g", "d"]).int().equal(torch.eye(4, dtype=torch.int32))
    assert not queue.own_keys(["f"]).any()
    assert queue.keys[1].equal(torch.eye(4, DIM)[1])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        queue.enqueue(new, ["e", "f", "g"])  # warned already
    queue.enqueue(torch.ones(1, DIM), ["h"])
    assert queue.own_keys(["h"])[0].nonzero().tolist() == [[2]]


def test_a_queue_that_is_longer_than_the_data_set_is_told_of():
    queue = GazeQueue(64, DIM)
    for _ in range(7):
        queue.enqueue(torch.randn(8, DIM), range(8))
    with pytest.warns(UserWarning, match=r"64 places for 8 different images, .* 8 old keys of an image"):
        queue.enqueue(torch.randn(8, DIM), range(8))
    queue.enqueue(torch.randn(8, DIM), range(8))
    short = GazeQueue(64, DIM)
    for epoch in range(5):
        order = torch.randperm(70, generator=torch.Generator().manual_seed(epoch))
        for start in range(0, 70, 10):
            short.enqueue(torch.randn(10, DIM), order[start : start + 10])
