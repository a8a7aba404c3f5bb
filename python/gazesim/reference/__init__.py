"""NumPy twins of the compiled functions: slow, plain, written to be read.

Each function computes what its compiled namesake in ``gazesim`` computes, from the definition and
without sharing code with it; ``geometry`` is the twin of ``gazesim.geometry``, and ``views.sample`` that
of ``sample_crop`` and ``sample_cutout``. The tests hold the two against each other.

>>> import numpy as np, gazesim
>>> maps = np.random.default_rng(0).random((3, 16, 16))
>>> slow, fast = (a(maps, scheme="moments") for a in (gazesim.reference.affinity, gazesim.affinity))
>>> np.allclose(slow, fast, atol=1e-7)
True
"""

from typing import Any as _Any

import numpy as _np
from numpy.typing import NDArray as _NDArray

from . import dhash as _dhash
from . import geometry, views
from . import moments as _moments
from . import multimatch as _multimatch
from . import tima as _tima
from .dhash import dhash
from .fixations import detect_fixations
from .heatmaps import render_heatmap, resize
from .moments import hu_moments
from .multimatch import multimatch
from .tima import dbscan_labels

__all__ = [
    "affinity",
    "dbscan_labels",
    "detect_fixations",
    "dhash",
    "geometry",
    "hu_moments",
    "multimatch",
    "neighbors",
    "render_heatmap",
    "resize",
    "views",
]

_SCHEMES = {"multimatch": _multimatch, "moments": _moments, "dhash": _dhash, "tima": _tima}


def affinity(
    gazes: _Any, other: _Any = None, *, scheme: str = "multimatch", **params: _Any
) -> _NDArray[_np.float32]:
    """Return the (n, m) affinities of every pair, as :func:`gazesim.affinity` does."""
    matrix: _NDArray[_np.float32] = _SCHEMES[scheme].affinity(gazes, other, **params)
    return matrix


def neighbors(
    gazes: _Any,
    *,
    scheme: str = "multimatch",
    threshold: float | None = None,
    top_k: int | None = None,
    **params: _Any,
) -> _Any:
    """Return the (n, n) csr_array of neighbours, as :func:`gazesim.neighbors` does, from the whole matrix."""
    from scipy.sparse import csr_array

    matrix = affinity(gazes, scheme=scheme, **params)
    least = _np.float32(threshold or 0)
    kept = _np.zeros_like(matrix)
    for i, row in enumerate(matrix):
        others = [j for j in range(len(row)) if j != i and row[j] > 0 and row[j] >= least]
        nearest = sorted(others, key=lambda j: -row[j])[:top_k]  # stable: of equals, the first
        kept[i, nearest] = row[nearest]
    return csr_array(kept)
