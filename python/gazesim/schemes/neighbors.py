"""The nearest neighbours of features, for arguments that were checked."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..heatmaps import threads
from .descent import MAX_ROUNDS, QUERIES, Descent, Kept, search_info
from .pairs_bar import Bar

if TYPE_CHECKING:
    from scipy.sparse import csr_array

    from .features import Features


def find_neighbors(
    features: Features,
    threshold: float,
    top_k: int | None,
    descent: Descent | None,
    *,
    n_threads: int | None,
    progress: bool,
    kept: Kept | None = None,
) -> csr_array:
    """Return the neighbours of every gaze, approximately with ``descent``; see :func:`gazesim.neighbors`."""
    from scipy.sparse import csr_array  # here, because it doubles the time of `import gazesim`

    count = len(features)
    order = np.argsort(features.scheme.sort_key(features), kind="stable")
    steps = None if descent is None else (MAX_ROUNDS + 2) * count
    with Bar(progress, count, count, symmetric=True, steps=steps) as advance:
        search = {
            "names": order.astype(np.uint32),
            # An affinity of 0 is no neighbour, so the smallest positive number stands for none.
            "threshold": max(threshold, float(np.finfo(np.float32).tiny)),
            "top_k": top_k,
            "descent": None if descent is None else descent.search(QUERIES, kept),
            "n_threads": threads(n_threads),
            "progress": advance,
        }
        offsets, columns, values, info = features.scheme.find_neighbors(features.take(order), search)
    found = csr_array((values, columns, offsets), shape=(count, count))
    found.info = search_info(info, descent)
    return found
