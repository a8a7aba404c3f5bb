"""NumPy twins of the compiled functions: slow, simple, written to be read.

Each function computes the same as the compiled function of its name in ``gazesim``, from the definition
and without sharing code with it; ``geometry`` is the twin of ``gazesim.geometry``, and ``views.sample`` that
of ``sample_crop`` and ``sample_cutout``. The tests compare the two.

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
from . import dtw as _dtw
from . import eyenalysis as _eyenalysis
from . import frechet as _frechet
from . import geometry, views
from . import hausdorff as _hausdorff
from . import mannan as _mannan
from . import moments as _moments
from . import multimatch as _multimatch
from . import recurrence as _recurrence
from . import scanmatch as _scanmatch
from . import scasim as _scasim
from . import string_edit as _string_edit
from . import tima as _tima
from . import time_delay_embedding as _time_delay_embedding
from .dhash import dhash
from .dtw import dtw_distance, dtw_path_length
from .eyenalysis import eyenalysis
from .fixations import detect_fixations
from .frechet import frechet_distance
from .hausdorff import hausdorff_distance
from .heatmaps import render_heatmap, resize
from .mannan import mannan_distance
from .moments import hu_moments
from .multimatch import multimatch
from .recurrence import recurrence
from .scanmatch import scanmatch
from .scasim import scasim
from .string_edit import sequence_score, string_edit_distance
from .tima import dbscan_labels
from .time_delay_embedding import stde, tde

__all__ = [
    "affinity",
    "dbscan_labels",
    "detect_fixations",
    "dhash",
    "dtw_distance",
    "dtw_path_length",
    "eyenalysis",
    "frechet_distance",
    "geometry",
    "hausdorff_distance",
    "hu_moments",
    "mannan_distance",
    "multimatch",
    "neighbors",
    "recurrence",
    "render_heatmap",
    "resize",
    "scanmatch",
    "scasim",
    "sequence_score",
    "stde",
    "string_edit_distance",
    "tde",
    "views",
]

_SCHEMES = {
    "multimatch": _multimatch,
    "moments": _moments,
    "dhash": _dhash,
    "tima": _tima,
    "scanmatch": _scanmatch,
    "string_edit": _string_edit,
    "dtw": _dtw,
    "frechet": _frechet,
    "hausdorff": _hausdorff,
    "time_delay_embedding": _time_delay_embedding,
    "recurrence": _recurrence,
    "scasim": _scasim,
    "mannan": _mannan,
    "eyenalysis": _eyenalysis,
}


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
