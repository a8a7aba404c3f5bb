"""Scanpath measures in the literature's own numbers, scales and directions, for all pairs at once.

The schemes of :func:`gazesim.affinity` turn the same numbers into similarities in [0, 1].
"""

from __future__ import annotations

from .alignment import scanmatch, scasim, sequence_score, string_edit_distance
from .geometric import (
    WarpedDistance,
    dtw_distance,
    eyenalysis,
    frechet_distance,
    hausdorff_distance,
    mannan_distance,
)
from .succession import RecurrenceMeasures, recurrence, stde, tde

__all__ = [
    "RecurrenceMeasures",
    "WarpedDistance",
    "dtw_distance",
    "eyenalysis",
    "frechet_distance",
    "hausdorff_distance",
    "mannan_distance",
    "recurrence",
    "scanmatch",
    "scasim",
    "sequence_score",
    "stde",
    "string_edit_distance",
    "tde",
]
