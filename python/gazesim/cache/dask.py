"""Blocks of a cache on the workers of a Dask cluster.

The features are sent to every worker once; a worker computes a block and writes it into the folder of
the build, which every worker must reach under the same path. If a worker dies, others compute its blocks.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from .blocks import has_block, write_block
from .plan import Block, Plan
from .store import CacheError

__all__ = ["compute_blocks", "connect"]

#: Number of times that blocks are submitted again after the features were lost with a worker.
ATTEMPTS = 4


def connect(address: str, *, timeout: str = "15s") -> Any:
    """Return a client of the Dask scheduler at ``address``; if Dask is missing, raise ImportError."""
    try:
        from distributed import Client
    except ImportError:
        raise ImportError(
            'workers need Dask, which is not installed; expected: pip install "gazesim[dask]"'
        ) from None
    try:
        return Client(address, timeout=timeout)
    except (OSError, TimeoutError, ValueError) as error:
        raise OSError(f"no Dask scheduler answers at {address}: {error}") from None


def compute_blocks(
    client: Any, folder: Path, plan: Plan, blocks: Sequence[Block], n_threads: int | None
) -> Iterator[Block]:
    """Compute blocks on the workers of ``client``; yield each one when it is on the disk.

    Each block uses ``n_threads`` threads, by default one, because a worker runs as many blocks at
    once as it has threads.
    """
    left = list(blocks)
    for attempt in range(ATTEMPTS):
        for block in _one_round(client, folder, plan, left, n_threads or 1, last=attempt == ATTEMPTS - 1):
            left.remove(block)
            yield block
        if not left:
            return


def _one_round(
    client: Any, folder: Path, plan: Plan, blocks: Sequence[Block], n_threads: int, *, last: bool
) -> Iterator[Block]:
    from distributed import CancelledError, KilledWorker, as_completed

    everywhere = client.scatter(plan, broadcast=True)
    # Two builds may share a scheduler, which takes tasks of the same name for the same task.
    token = uuid.uuid4().hex
    names = [f"gazesim-block-{token}-{block.index}" for block in blocks]
    futures = client.map(
        _write,
        blocks,
        folder=str(folder),
        plan=everywhere,
        n_threads=n_threads,
        key=names,
        retries=3,
        pure=False,
    )
    block_of = dict(zip((future.key for future in futures), blocks, strict=True))
    try:
        for future in as_completed(futures):
            try:
                future.result()
            except (KilledWorker, CancelledError):  # the features died with a worker: next round
                if last:
                    raise
                continue
            yield _arrived(folder, plan, block_of[future.key])
    finally:
        client.cancel(futures)


def _write(block: Block, folder: str, plan: Plan, n_threads: int) -> None:
    target = Path(folder)
    if not target.is_dir():
        raise CacheError(f"a worker does not see {target}; expected a folder that every worker reaches")
    write_block(target, plan, block, plan.compute(block, n_threads=n_threads))


def _arrived(folder: Path, plan: Plan, block: Block) -> Block:
    if not has_block(folder, plan, block):
        raise CacheError(
            f"a worker wrote block {block.index} to a {folder} of its own; expected a folder that all share"
        )
    return block
