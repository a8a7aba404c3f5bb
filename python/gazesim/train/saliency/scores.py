"""How well a predicted gaze map agrees with where people looked: CC, KL, SIM, NSS, AUC-Judd.

Definitions as in Bylinskii et al., "What Do Different Evaluation Metrics Tell Us About Saliency
Models?" (TPAMI 41(3), 2019).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.integrate import trapezoid  # np.trapezoid needs NumPy 2

__all__ = ["auc_judd", "cc", "kl_divergence", "nss", "saliency_scores", "sim"]

Maps = NDArray[Any]
Scores = NDArray[np.float64]

# Keeps the logarithm finite; the value of the published code.
EPSILON = np.finfo(np.float64).eps


def cc(predicted: Maps, true: Maps) -> Scores:
    """Return Pearson's correlation of each predicted map with its true one; NaN if one is constant."""
    p, q = _centred(predicted), _centred(true)
    with np.errstate(invalid="ignore", divide="ignore"):
        correlation: Scores = (p * q).sum(axis=1) / np.sqrt((p**2).sum(axis=1) * (q**2).sum(axis=1))
    return correlation


def sim(predicted: Maps, true: Maps) -> Scores:
    """Return the histogram intersection of the maps, each scaled to the sum 1."""
    overlap: Scores = np.minimum(_density(predicted), _density(true)).sum(axis=1)
    return overlap


def kl_divergence(predicted: Maps, true: Maps) -> Scores:
    """Return Σ q log(ε + q / (ε + p)), p the predicted and q the true density; 0 is best."""
    p, q = _density(predicted), _density(true)
    divergence: Scores = (q * np.log(EPSILON + q / (EPSILON + p))).sum(axis=1)
    return divergence


def nss(predicted: Maps, fixated: NDArray[np.bool_]) -> Scores:
    """Return the mean standard score of the predicted map at fixated pixels (n, H, W)."""
    p, at = _centred(predicted), _rows(fixated).astype(bool)
    with np.errstate(invalid="ignore", divide="ignore"):
        standard = p / p.std(axis=1, keepdims=True)
        scores: Scores = np.where(at, standard, 0).sum(axis=1) / at.sum(axis=1)
    return scores


def auc_judd(predicted: Maps, fixated: NDArray[np.bool_]) -> Scores:
    """Return the area under the curve of hits against false alarms.

    Thresholds are the predicted values at fixated pixels; at each, hits are the fixated pixels that
    reach it, false alarms the others that do. NaN where nothing or everything is fixated.
    """
    return np.array(
        [_auc(p, at) for p, at in zip(_rows(predicted), _rows(fixated).astype(bool), strict=True)]
    )


def _auc(predicted: Scores, fixated: NDArray[np.bool_]) -> float:
    hits, misses = np.sort(predicted[fixated]), np.sort(predicted[~fixated])
    if not len(hits) or not len(misses):
        return float("nan")
    thresholds = np.unique(hits)[::-1]

    def reaching(values: Scores) -> Scores:
        return (len(values) - np.searchsorted(values, thresholds, side="left")) / len(values)

    false_alarms = np.concatenate([[0.0], reaching(misses), [1.0]])
    return float(trapezoid(np.concatenate([[0.0], reaching(hits), [1.0]]), false_alarms))


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
        fixated = np.stack([fixated_pixels(path, predicted.shape[1:]) for path in scanpaths])
        scores |= {"NSS": nss(predicted, fixated), "AUC-Judd": auc_judd(predicted, fixated)}
    return scores


def fixated_pixels(scanpath: NDArray[np.float64], shape: Sequence[int]) -> NDArray[np.bool_]:
    """Return an (H, W) mask of the pixels that fixations of a scanpath fall on."""
    fixated = np.zeros(tuple(shape), bool)
    x, y = np.floor(scanpath[:, 0]).astype(np.int64), np.floor(scanpath[:, 1]).astype(np.int64)
    inside = (x >= 0) & (x < fixated.shape[1]) & (y >= 0) & (y < fixated.shape[0])
    fixated[y[inside], x[inside]] = True
    return fixated


def _rows(maps: Maps) -> Scores:
    return np.asarray(maps, np.float64).reshape(len(maps), -1)


def _centred(maps: Maps) -> Scores:
    rows = _rows(maps)
    centred: Scores = rows - rows.mean(axis=1, keepdims=True)
    return centred


def _density(maps: Maps) -> Scores:
    rows = _rows(maps)
    sums = rows.sum(axis=1, keepdims=True)
    density: Scores = rows / np.where(sums == 0, 1, sums)
    return density
