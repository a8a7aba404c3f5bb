"""The schemes: MultiMatch, Moments, DHash, TIMA and ten scanpath measures; a file each.

A scheme is a frozen dataclass of parameters, checked on construction. ``scheme.features(gazes)``
computes what is needed once per gaze; the features compute affinities.
"""

from __future__ import annotations

import dataclasses
from typing import Any

from .._errors import choice, did_you_mean
from .base import Scheme, refuse_other_screen, size_of
from .dhash import DHash
from .dtw import DTW
from .eyenalysis import Eyenalysis
from .frechet import Frechet
from .hausdorff import Hausdorff
from .mannan import Mannan
from .measure import ScanpathMeasure
from .moments import Moments
from .multimatch import Grouping, MultiMatch
from .recurrence import Recurrence
from .scanmatch import ScanMatch
from .scasim import Scasim
from .string_edit import StringEdit
from .tima import TIMA
from .time_delay_embedding import TimeDelayEmbedding

__all__ = [
    "DTW",
    "SCHEMES",
    "TIMA",
    "DHash",
    "Eyenalysis",
    "Frechet",
    "Grouping",
    "Hausdorff",
    "Mannan",
    "Moments",
    "MultiMatch",
    "Recurrence",
    "ScanMatch",
    "ScanpathMeasure",
    "Scasim",
    "Scheme",
    "StringEdit",
    "TimeDelayEmbedding",
    "refuse_other_screen",
    "scheme_from",
    "size_of",
]

SCHEMES: dict[str, type[Scheme]] = {
    "multimatch": MultiMatch,
    "moments": Moments,
    "dhash": DHash,
    "tima": TIMA,
    "scanmatch": ScanMatch,
    "string_edit": StringEdit,
    "dtw": DTW,
    "frechet": Frechet,
    "hausdorff": Hausdorff,
    "time_delay_embedding": TimeDelayEmbedding,
    "recurrence": Recurrence,
    "scasim": Scasim,
    "mannan": Mannan,
    "eyenalysis": Eyenalysis,
}


def scheme_from(scheme: Any, params: dict[str, Any]) -> Scheme:
    """Return the scheme with a name and parameters; a scheme object is returned as it is."""
    if isinstance(scheme, Scheme):
        if params:
            raise TypeError(
                f"{sorted(params)} given beside the scheme object {scheme!r}; expected one or the other"
            )
        return scheme
    kind = SCHEMES[choice("scheme", scheme, SCHEMES)]
    known = [field.name for field in dataclasses.fields(kind)]  # type: ignore[arg-type]
    for name in params:
        if name not in known:
            raise TypeError(
                f"{name!r} is not a parameter of scheme {scheme!r}; expected {', '.join(known)}"
                f"{did_you_mean(name, known)}"
            )
    return kind(**params)
