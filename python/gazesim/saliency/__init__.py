"""How well gaze maps agree with where people looked: the measures of the saliency field, without torch.

Two kinds of measure. :func:`cc`, :func:`kl` and :func:`sim` compare a predicted map with a map of gaze.
:func:`nss`, :func:`auc`, :func:`auc_judd`, :func:`shuffled_auc` and :func:`information_gain` compare a
predicted map with the fixations themselves. :func:`centre_bias` draws the baseline that a prediction has
to beat, :func:`leave_one_reader_out` the ceiling that it can hardly beat; :func:`mean_scores` averages
over images and says over how many.

Definitions follow Bylinskii et al. (TPAMI 41(3), 2019) and Kümmerer, Wallis and Bethge (PNAS 112(52),
2015). Where released codes differ, the default is the convention of pysaliency, and a parameter gives
the other one.

All functions take one map (H, W) and return one number, or n maps, as an (n, H, W) array or any sequence of
(H, W) arrays that may differ in size, and return an (n,) float64 array.

>>> import numpy as np
>>> from gazesim import saliency
>>> predicted = np.array([[0.1, 0.2], [0.3, 0.4]])
>>> saliency.auc(predicted, [[1.5, 1.5]])  # one fixation, in the pixel of column 1 and row 1
0.875
"""

from .baselines import DensityMaps, centre_bias, leave_one_reader_out
from .density_scores import cc, kl, sim
from .fixation_scores import auc, auc_judd, information_gain, nss, shuffled_auc
from .inputs import FixationsOutsideWarning, fixations_by_image
from .summary import MeanScore, UndefinedScoreWarning, mean_scores, scores

__all__ = [
    "DensityMaps",
    "FixationsOutsideWarning",
    "MeanScore",
    "UndefinedScoreWarning",
    "auc",
    "auc_judd",
    "cc",
    "centre_bias",
    "fixations_by_image",
    "information_gain",
    "kl",
    "leave_one_reader_out",
    "mean_scores",
    "nss",
    "scores",
    "shuffled_auc",
    "sim",
]
