"""GazeQueue against a list of keys and ids, and through a checkpoint."""

from __future__ import annotations

from collections import deque

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from gazesim.torch import GazeQueue, InfoNCEPairLoss, PairMask, id_codes

DIM = 3


def batches(sizes, seed=0):
    generator, first = torch.Generator().manual_seed(seed), 0
    for size in sizes:
        yield torch.randn(size, DIM, generator=generator), [f"image{first + i}" for i in range(size)]
        first += size


@pytest.mark.parametrize("sizes", [[2, 2], [4, 4, 4, 4], [3] * 7, [1] * 12, [10, 10], [8], [25, 3], [0, 4]])
def test_the_queue_is_the_last_keys(sizes):
    queue, expected = GazeQueue(10, DIM), deque(maxlen=10)
    for keys, ids in batches(sizes):
        queue.enqueue(keys, ids)
        expected.extend(zip(id_codes(ids).tolist(), F.normalize(keys, dim=1), strict=True))
        assert len(queue) == len(expected)
        found = dict(zip(queue.ids.tolist(), queue.keys, strict=True))
        assert sorted(code for code in queue.ids.tolist() if code != -1) == sorted(c for c, _ in expected)
        for code, key in expected:
            torch.testing.assert_close(found[code], key)


def test_a_new_queue_is_empty_unit_vectors_and_no_positives():
    queue = GazeQueue(16, DIM)
    torch.testing.assert_close(queue.keys.norm(dim=1), torch.ones(16))
    mask = PairMask((np.ones((4, 4)), range(4)), top_k=3)
    assert len(queue) == 0
    assert not mask([0, 1], queue.ids).any()
    queue.enqueue(torch.randn(2, DIM), [2, 9])
    weights = mask([0, 2, 9], queue.ids)
    assert weights[:, :2].tolist() == [[True, False], [True, False], [False, True]]
    assert not weights[:, 2:].any()


def test_the_oldest_keys_leave_and_ids_with_them():
    """Positives of a key that has left are gone, one by one."""
    queue, mask = GazeQueue(4, DIM), PairMask((np.eye(9), range(9)), top_k=1)
    for step in range(6):
        queue.enqueue(torch.full((1, DIM), float(step + 1)), [step])
        assert int(mask([0], queue.ids).sum()) == (step < 4)


def test_state_goes_through_a_safe_checkpoint(tmp_path):
    queue, restored = GazeQueue(6, DIM), GazeQueue(6, DIM, seed=1)
    first, second = batches([4, 4])
    queue.enqueue(*first)
    torch.save(queue.state_dict(), tmp_path / "state.pt")
    restored.load_state_dict(torch.load(tmp_path / "state.pt", weights_only=True))
    for one in (queue, restored):
        one.enqueue(*second)
    for name, value in queue.state_dict().items():
        assert restored.state_dict()[name].equal(value), name


def test_enqueueing_before_backward_is_safe():
    queue, q = GazeQueue(6, DIM), torch.randn(2, DIM, requires_grad=True)
    keys, ids = next(batches([2]))
    loss = InfoNCEPairLoss()(q, keys, queue=queue.keys)
    (before,) = torch.autograd.grad(loss, q, retain_graph=True)
    queue.enqueue(keys, ids)
    loss.backward()
    assert q.grad.equal(before)


def test_half_precision_keys_and_a_module_in_half():
    queue = GazeQueue(6, DIM)
    queue.enqueue(torch.ones(2, DIM, dtype=torch.bfloat16), ["a", "b"])
    torch.testing.assert_close(queue.keys[:2], torch.full((2, DIM), DIM**-0.5))
    assert queue.half().ids.dtype == torch.int64


def test_bad_input():
    with pytest.raises(ValueError, match="size is 0"):
        GazeQueue(0, DIM)
    queue = GazeQueue(4, DIM)
    with pytest.raises(ValueError, match=r"keys has shape \(2, 4\); expected \(N, 3\)"):
        queue.enqueue(torch.ones(2, 4), [0, 1])
    with pytest.raises(ValueError, match="ids has 1 entries; expected one for each of the 2 keys"):
        queue.enqueue(torch.ones(2, DIM), [0])
    assert len(queue) == 0
