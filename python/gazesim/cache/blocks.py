"""The file of one block of a build: its path, whether it is complete, writing and reading."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from . import store
from .plan import Block, Plan
from .selection import Entries


def block_path(folder: Path, plan: Plan, block: Block) -> Path:
    """Return the path of a block's file."""
    return folder / f"block-{block.index:06d}.{'npy' if plan.selection is None else 'npz'}"


def has_block(folder: Path, plan: Plan, block: Block) -> bool:
    """Return whether a block is finished."""
    path = block_path(folder, plan, block)
    if not path.is_file():
        return False
    shape = (block.end - block.start, len(plan) - block.first)
    header = store.npy_header(shape, np.dtype(np.float32))
    return plan.selection is not None or path.stat().st_size == len(header) + 4 * shape[0] * shape[1]


def write_block(folder: Path, plan: Plan, block: Block, part: NDArray[np.float32]) -> None:
    """Write the affinities of a block, or the selected entries of them, to its file."""
    chunks: Sequence[bytes | memoryview]
    if plan.selection is None:
        chunks = [store.npy_header(part.shape, part.dtype), part.data]
    else:
        rows, columns, data = plan.selection.entries(part, block.start, block.first)
        chunks = [store.npz_bytes({"rows": rows, "columns": columns, "data": data})]
    with store.replacing(block_path(folder, plan, block)) as file:
        for chunk in chunks:
            file.write(chunk)


def read_dense(folder: Path, plan: Plan, block: Block) -> NDArray[np.float32]:
    """Return a block of a dense matrix, mapped into memory."""
    shape = (block.end - block.start, len(plan) - block.first)
    header = store.npy_header(shape, np.dtype(np.float32))
    return np.asarray(np.memmap(block_path(folder, plan, block), np.dtype("<f4"), "r", len(header), shape))


def read_entries(folder: Path, plan: Plan, block: Block) -> Entries:
    """Return the selected entries of a block."""
    path = block_path(folder, plan, block)
    arrays = store.read_npz(path)
    store.expect(path, arrays, {"rows": "int64", "columns": "int64", "data": "float32"})
    return arrays["rows"], arrays["columns"], arrays["data"]
