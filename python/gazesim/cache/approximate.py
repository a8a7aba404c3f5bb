"""Caches of approximate neighbours: computed as a whole, because nn-descent works on all rows together.

After every round the graph is kept in the hidden folder of the build, so a killed build loses one round.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..schemes.descent import Descent, Graph, Kept
from ..schemes.features import Features
from ..schemes.neighbors import find_neighbors
from . import store
from .plan import Plan

#: Number of gazes per block when affinities of gazes with themselves are computed.
TOGETHER = 64

#: The graph after the last finished round.
GRAPH_FILE = "graph.npz"


def approximate(plan: Plan, folder: Path, *, n_threads: int | None, progress: bool) -> tuple[Any, Plan]:
    """Compute the matrix of a plan by nn-descent; return it and the plan with the recall in its selection.

    Goes on with the graph that an earlier call has left in ``folder``; the result is the same.
    """
    from scipy.sparse import diags_array

    selection = plan.selection
    assert selection is not None
    found = find_neighbors(
        plan.features,
        selection.threshold or 0.0,
        selection.top_k,
        Descent(selection.graph_k or 0, selection.seed or 0),
        n_threads=n_threads,
        progress=progress,
        kept=kept_in(folder / GRAPH_FILE),
    )
    recall = found.info["recall"]
    known = None if np.isnan(recall) else round(recall, 6)
    matrix = (found + diags_array(own_affinities(plan.features, n_threads), format="csr")).tocsr()
    matrix.eliminate_zeros()
    return matrix, dataclasses.replace(plan, selection=dataclasses.replace(selection, recall=known))


def kept_in(path: Path) -> Kept:
    """Return the graph in a file, and what writes it there; the file appears with its whole content."""

    def keep(rounds: int, positions: NDArray[np.uint32], values: NDArray[np.float32]) -> None:
        arrays: dict[str, NDArray[Any]] = {
            "rounds": np.array([rounds], np.int64),
            "positions": positions,
            "values": values,
        }
        store.write(path, [store.npz_bytes(arrays)])

    return Kept(read_graph(path) if path.exists() else None, keep)


def read_graph(path: Path) -> Graph:
    """Return the graph in a file; raise CacheError if the file holds something else."""
    arrays = store.read_npz(path)
    store.expect(path, arrays, {"rounds": "int64", "positions": "uint32", "values": "float32"})
    return int(arrays["rounds"][0]), arrays["positions"], arrays["values"]


def own_affinities(features: Features, n_threads: int | None) -> Any:
    """Return the affinity of every gaze with itself, (n,)."""
    own = np.zeros(len(features), np.float32)
    for start in range(0, len(features), TOGETHER):
        some = features[start : start + TOGETHER]
        own[start : start + TOGETHER] = some.affinity(n_threads=n_threads, errors="ignore").diagonal()
    return own
