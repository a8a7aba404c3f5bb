"""Gaze similarity for contrastive learning and scanpath research."""

import importlib as _importlib
from typing import TYPE_CHECKING as _TYPE_CHECKING
from typing import Any as _Any

from ._core import __version__
from .affinity import affinity, dhash, hu_moments, multimatch, neighbors
from .geometry import AssumedScreenWarning
from .heatmaps import render_heatmap
from .scanpaths import Scanpaths
from .schemes import TIMA, DHash, Grouping, Moments, MultiMatch, Scheme
from .schemes.features import Features, InvalidGazeWarning

if _TYPE_CHECKING:
    from . import cache as cache
    from . import io as io
    from . import phantom, reference, views
    from . import torch as torch
    from . import train as train
    from .cache import AffinityCache
    from .fixations import detect_fixations
    from .geometry import Screen, ScreenGeometry
    from .io import read_scanpaths

# Imported when they are first asked for: together they would double the time of `import gazesim`,
# which every DataLoader worker pays. Those from nowhere are modules; torch and train need their extras.
_LATER = {
    "AffinityCache": "cache",
    "Screen": "geometry",
    "ScreenGeometry": "geometry",
    "cache": "",
    "detect_fixations": "fixations",
    "io": "",
    "phantom": "",
    "read_scanpaths": "io",
    "reference": "",
    "torch": "",
    "train": "",
    "views": "",
}

__all__ = [
    "TIMA",
    "AffinityCache",
    "AssumedScreenWarning",
    "DHash",
    "Features",
    "Grouping",
    "InvalidGazeWarning",
    "Moments",
    "MultiMatch",
    "Scanpaths",
    "Scheme",
    "Screen",
    "ScreenGeometry",
    "__version__",
    "affinity",
    "detect_fixations",
    "dhash",
    "hu_moments",
    "multimatch",
    "neighbors",
    "phantom",
    "read_scanpaths",
    "reference",
    "render_heatmap",
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
        # An extra that is not installed: hasattr() and help() go on, and the message says what to do.
        raise AttributeError(str(error)) from error
    found = getattr(module, name) if source else module
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *_LATER})
