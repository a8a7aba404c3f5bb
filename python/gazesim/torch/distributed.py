"""Communication between ranks: embeddings with their gradients, ids, and small sums.

Without ``torch.distributed``, or with one rank, every function returns its argument. All ranks have to
call the functions in the same order. If a rank ends, the others fail with a message; for a rank that
hangs, the ``timeout`` of ``init_process_group`` decides.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import torch
import torch.distributed as dist

from .ids import Ids, id_codes

__all__ = ["gather", "gather_ids"]


def world_size() -> int:
    """Return the number of ranks; 1 without torch.distributed."""
    return dist.get_world_size() if dist.is_available() and dist.is_initialized() else 1


def rank() -> int:
    """Return this process's rank; 0 without torch.distributed."""
    return dist.get_rank() if world_size() > 1 else 0


def gather(tensor: torch.Tensor) -> torch.Tensor:
    """Return the rows of all ranks in the order of ranks.

    Gradients flow back: a rank's rows get the sum of their gradients from the losses of all ranks.
    DistributedDataParallel averages gradients over ranks, so training minimises the mean of the ranks'
    losses, whether every rank computes the same loss or its share. Ranks may have different numbers of
    rows: (N, ...) becomes (all, ...).

    Examples
    --------
    >>> import torch
    >>> from gazesim.torch import gather
    >>> gather(torch.eye(2)).shape  # one rank; (4, 2) on each of two
    torch.Size([2, 2])
    """
    return gather_at(tensor)[0]


def gather_ids(ids: Ids) -> torch.Tensor:
    """Return the codes (:func:`id_codes`) of all ranks' ids, (all,) int64, in the order of :func:`gather`.

    Examples
    --------
    >>> from gazesim.torch import PairMask, gather_ids
    >>> mask = PairMask(([[1.0, 0.9], [0.9, 1.0]], ["a", "b"]), top_k=1)
    >>> mask(["a"], gather_ids(["a"])).shape  # one rank; (1, 2) where another gives its "b"
    torch.Size([1, 1])
    """
    return gather_ids_at(ids)[0]


def gather_ids_at(ids: Ids) -> tuple[torch.Tensor, int]:
    """Return :func:`gather_ids`, and the place in it of this rank's first id."""
    codes = id_codes(ids)
    if world_size() == 1:
        return codes, 0
    gathered, start = gather_at(codes.to(_device()))
    return gathered.to(codes.device), start


def gather_at(tensor: torch.Tensor) -> tuple[torch.Tensor, int]:
    """Return :func:`gather` of the tensor, and the place in it of this rank's first row."""
    if world_size() == 1:
        return tensor, 0
    with _explained("gathering a batch"):
        counts = torch.zeros(world_size(), dtype=torch.int64, device=_device())
        counts[dist.get_rank()] = len(tensor)
        dist.all_reduce(counts)
        sizes = counts.tolist()
        gathered: torch.Tensor = _Gather.apply(tensor, sizes)
    return gathered, sum(sizes[: dist.get_rank()])


def total(value: torch.Tensor) -> torch.Tensor:
    """Return the sum of a value over all ranks, without its gradient."""
    if world_size() == 1:
        return value
    summed = value.detach().clone()
    with _explained("adding up a loss"):
        dist.all_reduce(summed)
    return summed


def agree(value: int) -> int:
    """Return the value of rank 0."""
    if world_size() == 1:
        return value
    shared = torch.tensor(value, device=_device())
    with _explained("agreeing on the draw of pairs"):
        dist.broadcast(shared, src=0)
        return int(shared)


class _Gather(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, tensor: torch.Tensor, sizes: list[int]) -> torch.Tensor:
        ctx.sizes = sizes
        # Backends need blocks of equal size, so shorter ones are padded.
        block = tensor.new_zeros((max(sizes), *tensor.shape[1:]))
        block[: len(tensor)] = tensor
        blocks = [torch.empty_like(block) for _ in sizes]
        dist.all_gather(blocks, block)
        return torch.cat([block[:size] for block, size in zip(blocks, sizes, strict=True)])

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> tuple[torch.Tensor, None]:
        summed = gradients[0].contiguous().clone()
        with _explained("adding up the gradients of a batch"):
            dist.all_reduce(summed)
        start = sum(ctx.sizes[: dist.get_rank()])
        return summed[start : start + ctx.sizes[dist.get_rank()]], None


def _device() -> torch.device:
    """Return the device on which the backend communicates small tensors."""
    return torch.device("cpu" if "gloo" in str(dist.get_backend()) else "cuda")


@contextlib.contextmanager
def _explained(doing: str) -> Iterator[None]:
    """Add to an error what was being done, and that another rank is the likely cause."""
    try:
        yield
    except (RuntimeError, dist.DistError) as error:
        raise RuntimeError(
            f"rank {dist.get_rank()} of {world_size()} failed {doing}: {error}; "
            "another rank has ended or does not answer, its own output says why"
        ) from error
