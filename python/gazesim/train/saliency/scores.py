"""The scores of predicted gaze maps: CC, KL, SIM, NSS, AUC-Judd, as :mod:`gazesim.saliency` computes them.

Released codes differ in their conventions. These are the ones of the MIT benchmark's code, with which results
of this predictor have been reported: CC and NSS of a constant map are not defined, a map without mass counts
as zeros, and a fixated pixel counts once, however many fixations fell on it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ... import saliency

__all__ = ["auc_judd", "cc", "kl_divergence", "nss", "saliency_scores", "sim"]

Maps = NDArray[Any]
Scores = NDArray[np.float64]


def cc(predicted: Maps, true: Maps) -> Scores:
    """Return Pearson's correlation of each predicted map with its true one; NaN if one is constant."""
    return np.asarray(saliency.cc(predicted, true, constant_map="nan"))


def sim(predicted: Maps, true: Maps) -> Scores:
    """Return the histogram intersection of the maps, each scaled to the sum 1."""
    return np.asarray(saliency.sim(predicted, true, empty_map="zeros"))


def kl_divergence(predicted: Maps, true: Maps) -> Scores:
    """Return Σ q log(ε + q / (ε + p)), p the predicted and q the true density; 0 is best."""
    return np.asarray(saliency.kl(predicted, true, empty_map="zeros"))


def nss(predicted: Maps, fixated: NDArray[np.bool_]) -> Scores:
    """Return the mean standard score of the predicted map at fixated pixels (n, H, W)."""
    return np.asarray(saliency.nss(predicted, fixated, constant_map="nan"))


def auc_judd(predicted: Maps, fixated: NDArray[np.bool_]) -> Scores:
    """Return the area under the ROC curve, thresholds at the values of fixated pixels (n, H, W)."""
    return np.asarray(saliency.auc_judd(predicted, fixated))


def saliency_scores(
    predicted: Maps, true: Maps, scanpaths: Sequence[NDArray[np.float64]] | None = None
) -> dict[str, Scores]:
    """Return every metric of every map.

    Parameters
    ----------
    predicted, true
        (n, H, W), of at least 0.
    scanpaths
        One (L, 3) scanpath per map, x and y in its pixels, for NSS and AUC-Judd; fixations outside
        are ignored. Without scanpaths these two are missing.

    Returns
    -------
    dict
        By name (CC, KL, SIM, NSS, AUC-Judd) an (n,) float64 array, a score per map; NaN where a score
        is not defined, such as CC of a constant map. KL alone is best when it is 0.
        :func:`gazesim.saliency.mean_scores` averages them and counts those that are not defined.

    Examples
    --------
    >>> import numpy as np
    >>> from gazesim.train.saliency.scores import saliency_scores
    >>> maps = np.random.default_rng(0).random((2, 8, 8))
    >>> scores = saliency_scores(maps, maps[::-1])
    >>> list(scores), scores["CC"].shape
    (['CC', 'KL', 'SIM'], (2,))
    """
    if predicted.shape != true.shape or predicted.ndim != 3:
        raise ValueError(
            f"predicted has shape {predicted.shape}, true {true.shape}; expected (n, H, W) for both"
        )
    scores = {
        "CC": cc(predicted, true),
        "KL": kl_divergence(predicted, true),
        "SIM": sim(predicted, true),
    }
    if scanpaths is not None:
        if len(scanpaths) != len(predicted):
            raise ValueError(
                f"scanpaths has {len(scanpaths)} entries; expected one for each of {len(predicted)} maps"
            )
        options = {"constant_map": "nan", "count": "pixels", "outside": "ignore"}
        scores["NSS"] = np.asarray(saliency.nss(predicted, scanpaths, **options))
        scores["AUC-Judd"] = np.asarray(saliency.auc_judd(predicted, scanpaths, outside="ignore"))
    return scores
