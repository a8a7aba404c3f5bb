"""The work of the processes of test_torch_distributed.py: one rank each, on the CPU."""

from __future__ import annotations

import datetime
import os
import sys
import time
from pathlib import Path

import numpy as np
import torch
import torch.distributed as dist
from torch import nn
from torch.nn.parallel import DistributedDataParallel

from gazesim.torch import (
    CosinePairLoss,
    GazeQueue,
    InfoNCEPairLoss,
    NTXentPairLoss,
    PairMask,
    gather,
    gather_ids,
)

WORLD, STEPS, DIM, SLOTS = 2, 4, 6, 14
#: Rows of the batch of each rank; the last batch of an epoch may be uneven.
SHARES = {"even": (4, 4), "uneven": (5, 3)}


def relation():
    rng = np.random.default_rng(0)
    matrix = rng.random((20, 20))
    matrix = np.maximum(matrix, matrix.T)
    np.fill_diagonal(matrix, 1)
    return matrix, [f"image{i}" for i in range(20)]


def batch(step):
    """The whole batch: two views and ids, of which one has no gaze and one occurs twice."""
    generator = torch.Generator().manual_seed(step)
    views = torch.randn(2, 8, DIM, generator=generator, dtype=torch.float64)
    ids = [f"image{i}" for i in torch.randint(0, 20, (8,), generator=generator).tolist()]
    return views, [*ids[:6], "nobody", ids[0]]


def train(method, gathered, part):
    """Train a small net for some steps on a part of each batch; return losses, weights, queue."""
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(DIM, DIM), nn.Tanh(), nn.Linear(DIM, DIM)).double()
    model = DistributedDataParallel(net) if dist.is_initialized() else net
    # Ranks are seeded differently, as they are for augmentation; rank 0 is seeded as one process is.
    torch.manual_seed(100 + (dist.get_rank() if dist.is_initialized() else 0))
    mask = PairMask(relation(), threshold=0.6, confidence=0.5)
    queue = GazeQueue(SLOTS, DIM).double()
    step_loss = {"byol": byol, "simclr": simclr, "moco": moco}[method]
    optimizer = torch.optim.SGD(net.parameters(), 0.5)
    losses = []
    for step in range(STEPS):
        views, ids = batch(step)
        first, second = model(views[:, part].reshape(-1, DIM)).chunk(2)
        loss = step_loss(first, second, ids[part], mask, queue, gathered)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.detach())
    losses = torch.stack(losses)
    if gathered == "loss" and dist.is_initialized():
        dist.all_reduce(losses)
        losses /= WORLD
    return {"losses": losses, "weights": [p.detach() for p in net.parameters()], **queue.state_dict()}


def byol(p, z, ids, mask, queue, gathered):
    if gathered == "inputs":
        return CosinePairLoss()(gather(p), gather(z), mask(gather_ids(ids)))
    return CosinePairLoss(gather_distributed=True)(p, z, mask(ids, gather_ids(ids)))


def simclr(z0, z1, ids, mask, queue, gathered):
    if gathered == "inputs":
        return NTXentPairLoss()(gather(z0), gather(z1), mask(gather_ids(ids)))
    return NTXentPairLoss(gather_distributed=True)(z0, z1, mask(ids, gather_ids(ids)))


def moco(q, k, ids, mask, queue, gathered):
    k = k.detach()
    if gathered == "inputs":
        weights = mask(gather_ids(ids), queue.ids)
        loss = InfoNCEPairLoss()(gather(q), gather(k), queue=queue.keys, weights=weights)
    else:
        weights = mask(ids, queue.ids)
        loss = InfoNCEPairLoss(gather_distributed=True)(q, k, queue=queue.keys, weights=weights)
    queue.enqueue(k, ids)
    return loss


def plain(part):
    """Losses of a step without W on this rank's part."""
    views, _ = batch(0)
    first, second = views[:, part]
    losses = (CosinePairLoss, NTXentPairLoss)
    values = torch.stack([loss(gather_distributed=True)(first, second) for loss in losses])
    if dist.is_initialized():
        dist.all_reduce(values)
        values /= WORLD
    return values


def part_of(share, rank):
    start = sum(SHARES[share][:rank])
    return slice(start, start + SHARES[share][rank])


def all_trainings(rank):
    """Every method, every way to gather, even and uneven shares."""
    results = {"plain": plain(part_of("uneven", rank))}
    for method in ("byol", "simclr", "moco"):
        for gathered in ("inputs", "loss"):
            for share in SHARES:
                results[f"{method} {gathered} {share}"] = train(method, gathered, part_of(share, rank))
    return results


def main(task, rank, folder):
    torch.set_num_threads(1)
    dist.init_process_group(
        "gloo",
        init_method=f"file://{folder}/meeting",
        rank=rank,
        world_size=WORLD,
        timeout=datetime.timedelta(seconds=5 if task == "hang" else 600),
    )
    if task == "train":
        torch.save(all_trainings(rank), Path(folder) / f"rank{rank}.pt")
        dist.destroy_process_group()
    else:
        gather_ids(["a", "b"])  # both are there
        if rank == 1 and task == "die":
            os._exit(3)
        if rank == 1:
            time.sleep(60)
        gather_ids(["a", "b"])


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), sys.argv[3])
