"""Gaze in PyTorch training loops. Needs torch and torchvision (``pip install gazesim[torch]``)."""

try:
    import torch as _torch
    import torchvision as _torchvision
except ImportError as error:
    raise ImportError(
        f"gazesim.torch needs torch and torchvision ({error}): pip install 'gazesim[torch]'"
    ) from error

from .cell_pairs import CellPairLoss
from .distributed import gather, gather_ids
from .gaze_target import GazeTargetLoss
from .ids import id_codes
from .losses import CosinePairLoss, InfoNCEPairLoss, NTXentPairLoss
from .pairs import PairMask, indices_tuple
from .queue import GazeQueue
from .sources import DenseSource
from .transforms import GazeCrop, GazeCutout, GazeMask
from .wrappers import GazeTransformd, TwoViews

__all__ = [
    "CellPairLoss",
    "CosinePairLoss",
    "DenseSource",
    "GazeCrop",
    "GazeCutout",
    "GazeMask",
    "GazeQueue",
    "GazeTargetLoss",
    "GazeTransformd",
    "InfoNCEPairLoss",
    "NTXentPairLoss",
    "PairMask",
    "TwoViews",
    "gather",
    "gather_ids",
    "id_codes",
    "indices_tuple",
]

del _torch, _torchvision
