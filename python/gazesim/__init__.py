"""Gaze similarity for contrastive learning and scanpath research."""

import importlib as _importlib
from typing import TYPE_CHECKING as _TYPE_CHECKING
from typing import Any as _Any

from ._core import __version__
from .affinity import affinity, dhash, hu_moments, multimatch, neighbors
from .geometry import AssumedScreenWarning
from .heatmaps import render_heatmap
from .scanpaths import Scanpaths
from .schemes import (
    DTW,
    TIMA,
    DHash,
    Eyenalysis,
    Frechet,
    Grouping,
    Hausdorff,
    Mannan,
    Moments,
    MultiMatch,
    Recurrence,
    ScanMatch,
    Scasim,
    Scheme,
    StringEdit,
    TimeDelayEmbedding,
)
from .schemes.features import Features, InvalidGazeWarning

if _TYPE_CHECKING:
    from . import cache as cache
    from . import compare as compare
    from . import io as io
    from . import measures as measures
    from . import phantom, reference, saliency, views
    from . import torch as torch
    from . import train as train
    from .cache import AffinityCache
    from .compare import compare_scanpaths
    from .fixations import detect_fixations
    from .geometry import Screen, ScreenGeometry
    from .measures import (
        dtw_distance,
        eyenalysis,
        frechet_distance,
        hausdorff_distance,
        mannan_distance,
        recurrence,
        scanmatch,
        scasim,
        sequence_score,
        stde,
        string_edit_distance,
        tde,
    )
    from .reading.scanpaths import read_scanpaths

# Imported on first use: together they would double the time of `import gazesim`, which every
# DataLoader worker pays. An empty value marks a submodule. `torch` and `train` need optional dependencies.
_LATER = {
    "AffinityCache": "cache",
    "Screen": "geometry",
    "ScreenGeometry": "geometry",
    "cache": "",
    "compare": "",
    "compare_scanpaths": "compare",
    "detect_fixations": "fixations",
    "dtw_distance": "measures",
    "eyenalysis": "measures",
    "frechet_distance": "measures",
    "hausdorff_distance": "measures",
    "io": "",
    "mannan_distance": "measures",
    "measures": "",
    "phantom": "",
    "read_scanpaths": "reading.scanpaths",
    "recurrence": "measures",
    "reference": "",
    "saliency": "",
    "scanmatch": "measures",
    "scasim": "measures",
    "sequence_score": "measures",
    "stde": "measures",
    "string_edit_distance": "measures",
    "tde": "measures",
    "torch": "",
    "train": "",
    "views": "",
}

__all__ = [
    "DTW",
    "TIMA",
    "AffinityCache",
    "AssumedScreenWarning",
    "DHash",
    "Eyenalysis",
    "Features",
    "Frechet",
    "Grouping",
    "Hausdorff",
    "InvalidGazeWarning",
    "Mannan",
    "Moments",
    "MultiMatch",
    "Recurrence",
    "ScanMatch",
    "Scanpaths",
    "Scasim",
    "Scheme",
    "Screen",
    "ScreenGeometry",
    "StringEdit",
    "TimeDelayEmbedding",
    "__version__",
    "affinity",
    "compare_scanpaths",
    "detect_fixations",
    "dhash",
    "dtw_distance",
    "eyenalysis",
    "frechet_distance",
    "hausdorff_distance",
    "hu_moments",
    "mannan_distance",
    "measures",
    "multimatch",
    "neighbors",
    "phantom",
    "read_scanpaths",
    "recurrence",
    "reference",
    "render_heatmap",
    "saliency",
    "scanmatch",
    "scasim",
    "sequence_score",
    "stde",
    "string_edit_distance",
    "tde",
    "views",
]


def __getattr__(name: str) -> _Any:
    if name not in _LATER:
        raise AttributeError(f"module 'gazesim' has no attribute {name!r}")
    source = _LATER[name]
    try:
        module = _importlib.import_module(f".{source or name}", __name__)
    except ImportError as error:
        if source:
            raise
        # An optional dependency is missing: hasattr() and help() go on; the message says what to install.
        raise AttributeError(str(error)) from error
    found = getattr(module, name) if source else module
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *_LATER})
