"""All measures of every image, and their means with the number of images."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .._errors import UndefinedScoreWarning
from .density_scores import cc, kl, sim
from .fixation_scores import auc, auc_judd, information_gain, nss, shuffled_auc
from .inputs import MapSeries

__all__ = ["MeanScore", "UndefinedScoreWarning", "mean_scores", "scores"]


class MeanScore(NamedTuple):
    """The mean of a score, and the number of images that it averages.

    Examples
    --------
    >>> from gazesim.saliency import mean_scores
    >>> mean_scores({"CC": [0.25, 0.75]})["CC"].images
    2
    """

    #: Mean over the images on which the score is a finite number; NaN if there is none.
    mean: float
    #: Images that the mean is over.
    images: int
    #: Images on which the score is NaN or infinite; they are not in the mean.
    left_out: int


def scores(
    predicted: Any,
    true: Any = None,
    fixations: Any = None,
    *,
    centre: Any = None,
    outside: str = "warn",
) -> dict[str, NDArray[np.float64]]:
    """Return all measures that can be computed from the given data, for every image.

    Parameters
    ----------
    predicted
        n maps, (n, H, W) or a sequence of (H, W), of at least 0.
    true
        Maps of gaze of the same shapes, for CC, KL and SIM.
    fixations
        One scanpath per map, for NSS, AUC, AUC-Judd and IG (over the uniform density), and from 2
        maps on sAUC.
    centre
        Densities such as those of :func:`centre_bias`, for IG-centre, the information gain over them.
    outside
        As for :func:`nss`.

    Returns
    -------
    dict
        An (n,) float64 array for each measure. Higher is better, except for KL.

    Examples
    --------
    >>> import numpy as np
    >>> from gazesim.saliency import scores
    >>> maps = np.random.default_rng(0).random((2, 8, 8))
    >>> found = scores(maps, maps[::-1], [[[3, 4, 0.2]], [[6, 1, 0.3]]])
    >>> ", ".join(found)
    'CC, KL, SIM, NSS, AUC, AUC-Judd, IG, sAUC'
    """
    maps = MapSeries("predicted", predicted)
    if maps.single:
        raise ValueError("predicted is one map (H, W); expected (n, H, W) or a sequence of (H, W)")
    if true is None and fixations is None:
        raise ValueError("true and fixations are missing; expected at least one of them")
    if centre is not None and fixations is None:
        raise ValueError("centre is given without fixations; expected fixations beside it")
    found: dict[str, Any] = {}
    if true is not None:
        found |= {"CC": cc(predicted, true), "KL": kl(predicted, true), "SIM": sim(predicted, true)}
    if fixations is not None:
        found["NSS"] = nss(predicted, fixations, outside=outside)
        # Fixations outside were reported once.
        quietly = "ignore" if outside == "warn" else outside
        found["AUC"] = auc(predicted, fixations, outside=quietly)
        found["AUC-Judd"] = auc_judd(predicted, fixations, outside=quietly)
        found["IG"] = information_gain(predicted, fixations, outside=quietly)
        if centre is not None:
            found["IG-centre"] = information_gain(predicted, fixations, centre, outside=quietly)
        if len(maps) > 1:
            found["sAUC"] = shuffled_auc(predicted, fixations, outside=quietly)
    return found


def mean_scores(values: Mapping[str, Any]) -> dict[str, MeanScore]:
    """Return the mean of each score over the images on which it is a finite number.

    An :class:`UndefinedScoreWarning` says how many images were left out of which mean, and the first
    of them.

    Parameters
    ----------
    values
        By name an (n,) array, a score per image, such as :func:`scores` returns.

    Examples
    --------
    >>> from gazesim.saliency import mean_scores
    >>> mean_scores({"CC": [0.5, 0.7]})
    {'CC': MeanScore(mean=0.6, images=2, left_out=0)}
    """
    means, left_out = {}, []
    for name, each in values.items():
        numbers = np.atleast_1d(np.asarray(each, np.float64))
        finite = np.isfinite(numbers)
        mean = float(numbers[finite].mean()) if finite.any() else float("nan")
        means[name] = MeanScore(mean, int(finite.sum()), int((~finite).sum()))
        if not finite.all():
            first = int(np.argmin(finite))
            left_out.append(
                f"{name} on {np.sum(~finite)} of {len(numbers)} (the first: {first}, {numbers[first]})"
            )
    if left_out:
        warnings.warn(
            f"without a finite value, and left out of the mean: {', '.join(left_out)}",
            UndefinedScoreWarning,
            stacklevel=2,
        )
    return means
