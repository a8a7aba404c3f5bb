"""Caches of approximate neighbours: computed as a whole, because nn-descent works on all rows together."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from ..schemes.features import Features
from .plan import Plan

#: Number of gazes per block when affinities of gazes with themselves are computed.
TOGETHER = 64


def approximate(plan: Plan, *, n_threads: int | None, progress: bool) -> tuple[Any, Plan]:
    """Compute the matrix of a plan by nn-descent; return it and the plan with the recall in its selection."""
    from scipy.sparse import diags_array

    selection = plan.selection
    assert selection is not None
    assert selection.method is not None
    found = plan.features.neighbors(
        threshold=selection.threshold or None,
        top_k=selection.top_k,
        method=selection.method,
        graph_k=selection.graph_k or 0,
        seed=selection.seed or 0,
        n_threads=n_threads,
        progress=progress,
        errors="ignore",
    )
    recall = found.info["recall"]
    known = None if np.isnan(recall) else round(recall, 6)
    matrix = (found + diags_array(own_affinities(plan.features, n_threads), format="csr")).tocsr()
    matrix.eliminate_zeros()
    return matrix, dataclasses.replace(plan, selection=dataclasses.replace(selection, recall=known))


def own_affinities(features: Features, n_threads: int | None) -> Any:
    """Return the affinity of every gaze with itself, (n,)."""
    own = np.zeros(len(features), np.float32)
    for start in range(0, len(features), TOGETHER):
        some = features[start : start + TOGETHER]
        own[start : start + TOGETHER] = some.affinity(n_threads=n_threads, errors="ignore").diagonal()
    return own
