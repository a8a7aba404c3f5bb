"""Measures of a predicted map against fixations: NSS, AUC, AUC-Judd, shuffled AUC, information gain."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.integrate import trapezoid  # np.trapezoid needs NumPy 2

from .._errors import choice, integer, number
from .density_scores import Scores, is_constant, scaled
from .inputs import Fixated, Map, MapSeries, PooledFixations, fixations_of, report_outside, same_count

__all__ = ["auc", "auc_judd", "information_gain", "nss", "shuffled_auc"]

Values = NDArray[np.float64]


def nss(
    predicted: Any,
    fixations: Any,
    *,
    count: str = "fixations",
    constant_map: str = "zero",
    outside: str = "warn",
) -> Scores:
    """Return the normalised scanpath saliency: the mean standard score of the map where people looked.

    Parameters
    ----------
    predicted
        A map (H, W), or n of them.
    fixations
        One scanpath per map, (L, 2) or (L, 3), x and y in pixels of the map first; or boolean masks of
        the fixated pixels.
    count
        ``"fixations"`` counts each fixation, as pysaliency does; ``"pixels"`` counts each fixated pixel
        once, as the MIT benchmark's code does.
    constant_map
        The score of a constant map: ``"zero"`` as pysaliency has it, or ``"nan"``.
    outside
        What to do about fixations outside of their map, which never count: ``"warn"``,
        ``"ignore"`` or ``"raise"``.

    Returns
    -------
    float or (n,) float64
        0 is chance, more is better; NaN for an image without fixations.

    Examples
    --------
    >>> from gazesim.saliency import nss
    >>> round(nss([[4, 3], [2, 1]], [[0.5, 0.5, 0.2]]), 6)
    1.341641
    """
    choice("count", count, ("fixations", "pixels"))
    choice("constant_map", constant_map, ("zero", "nan"))

    def score(p: Map, at: Fixated) -> float:
        values = _at(scaled(p), at, count)
        if not len(values):
            return float("nan")
        if is_constant(p):
            return 0.0 if constant_map == "zero" else float("nan")
        p = scaled(p)
        return float((values.mean() - p.mean()) / p.std())

    return _scores(score, predicted, fixations, outside)


def auc(
    predicted: Any,
    fixations: Any,
    *,
    negatives: str = "all",
    count: str = "fixations",
    outside: str = "warn",
) -> Scores:
    """Return the unbiased area under the ROC curve of fixations against pixels, ties counting ½.

    The probability that the map is higher at a fixation than at a pixel (Mann and Whitney), computed
    from ranks, so without thresholds and without jitter. This is the AUC of pysaliency and of the
    Tübingen benchmark; for a map of few levels it differs from the AUC of Judd's code, which jitters.

    Parameters
    ----------
    predicted, fixations, outside
        As for :func:`nss`.
    negatives
        ``"all"`` pixels of the map (pysaliency's "uniform"), or the ``"unfixated"`` ones alone.
    count
        ``"fixations"`` or ``"pixels"``, as for :func:`nss`.

    Returns
    -------
    float or (n,) float64
        In [0, 1]; ½ is chance. NaN for an image without fixations or without negatives.

    Examples
    --------
    >>> from gazesim.saliency import auc
    >>> auc([[1, 1], [2, 3]], [[0.5, 1.5, 0.2]])  # above two pixels, equal to itself
    0.625
    """
    choice("negatives", negatives, ("all", "unfixated"))
    choice("count", count, ("fixations", "pixels"))

    def score(p: Map, at: Fixated) -> float:
        others = p.ravel() if negatives == "all" else _elsewhere(p, at)
        return mann_whitney(_at(p, at, count), others)

    return _scores(score, predicted, fixations, outside)


def auc_judd(predicted: Any, fixations: Any, *, outside: str = "warn") -> Scores:
    """Return AUC-Judd: the area under hits against false alarms, thresholds at fixated pixels alone.

    At each threshold, hits are the fixated pixels that reach it, false alarms the other pixels that do;
    the curve is joined by straight lines (Judd et al., 2009; Bylinskii et al., 2019). Each fixated
    pixel counts once, and the map is not jittered. Because the curve has no points below the lowest
    fixated value, AUC-Judd exceeds the true area (:func:`auc`) by up to 1 / (2 · fixated pixels).

    Parameters
    ----------
    predicted, fixations, outside
        As for :func:`nss`.

    Returns
    -------
    float or (n,) float64
        In [0, 1]. NaN for an image on which nothing or everything is fixated.

    Examples
    --------
    >>> from gazesim.saliency import auc_judd
    >>> auc_judd([[4, 3], [2, 1]], [[0.5, 0.5, 0.2]])
    1.0
    """

    def score(p: Map, at: Fixated) -> float:
        hits, misses = np.sort(_at(p, at, "pixels")), np.sort(_elsewhere(p, at))
        if not len(hits) or not len(misses):
            return float("nan")
        thresholds = np.unique(hits)[::-1]
        false_alarms, found = _reaching(misses, thresholds), _reaching(hits, thresholds)
        return float(trapezoid(np.r_[0.0, found, 1.0], np.r_[0.0, false_alarms, 1.0]))

    return _scores(score, predicted, fixations, outside)


def shuffled_auc(
    predicted: Any,
    fixations: Any,
    *,
    splits: int | None = None,
    images_per_split: int = 10,
    step: float = 0.1,
    seed: int = 0,
    outside: str = "warn",
) -> NDArray[np.float64]:
    """Return the shuffled AUC (sAUC): fixations on an image against fixations on all other images.

    A map of nothing but the centre bias scores ½ (Tatler, Baddeley and Gilchrist, 2005; Zhang et al.,
    2008). The default is pysaliency's: all fixations of all other images, scaled by the ratio of the image
    sizes and truncated to pixels, are the negatives, ties count ½.

    Parameters
    ----------
    predicted
        At least 2 maps.
    fixations, outside
        As for :func:`nss`.
    splits
        None for the above. A number for Borji's variant, as the MIT benchmark uses it with 100: in each
        split as many negatives as the image has fixations are drawn from ``images_per_split`` other
        images; the map is scaled to [0, 1] and the curve has thresholds ``step`` apart.
    images_per_split, step, seed
        Parameters of Borji's variant.

    Returns
    -------
    (n,) float64
        In [0, 1]; ½ is chance. NaN for an image without fixations.

    Examples
    --------
    >>> import numpy as np
    >>> from gazesim.saliency import shuffled_auc
    >>> left, right = np.array([[1.0, 0.0]]), np.array([[0.0, 1.0]])
    >>> shuffled_auc([left, right], [[[0.5, 0.5, 0.1]], [[1.5, 0.5, 0.1]]])
    array([1., 1.])
    """
    maps = MapSeries("predicted", predicted)
    if maps.single or len(maps) < 2:
        raise ValueError("predicted is one map; expected at least 2: negatives are fixations of other images")
    if splits is not None:
        integer("splits", splits, low=1, high=10**6)
        integer("images_per_split", images_per_split, low=1, high=10**9)
        number("step", step, low=0.0, high=1.0, open_low=True)
    find = fixations_of(maps, fixations, outside)
    shapes = [p.shape for p in maps]  # maps are drawn again below: all of them need not fit into memory
    found = [find(sample, shape) for sample, shape in enumerate(shapes)]
    report_outside(found, outside)
    pooled = PooledFixations(found, [(width, height) for height, width in shapes])
    random = np.random.default_rng(seed)
    values = np.full(len(shapes), np.nan)
    for sample, (p, at) in enumerate(zip(maps, found, strict=True)):
        elsewhere = p[pooled.pixels_in((p.shape[1], p.shape[0]))]
        positives = _at(p, at, "fixations")
        if splits is None:
            values[sample] = mann_whitney(positives, elsewhere[pooled.owner != sample])
        elif len(positives):
            others = [elsewhere[pooled.owner == other] for other in range(len(shapes)) if other != sample]
            values[sample] = _borji(p, positives, others, splits, images_per_split, step, random)
    return values


def information_gain(
    predicted: Any,
    fixations: Any,
    baseline: Any = "uniform",
    *,
    epsilon: float = 0.0,
    outside: str = "warn",
) -> Scores:
    """Return the information gain over a baseline, in bits per fixation.

    IG = mean over fixations of log2 p(f) − log2 b(f), p and b the densities of the prediction and of the
    baseline (Kümmerer, Wallis and Bethge, 2015). Both are scaled to the sum 1.

    Parameters
    ----------
    predicted
        A density (H, W), or n of them, of at least 0.
    fixations, outside
        As for :func:`nss`.
    baseline
        ``"uniform"``, or maps of the same shapes, such as those of :func:`centre_bias`.
    epsilon
        Added to p and b. 0 as in pysaliency, or 2.2204e-16 as in the code of the MIT benchmark.

    Returns
    -------
    float or (n,) float64
        0 is as good as the baseline, more is better. −inf where a fixation fell where p is 0, and NaN
        where b is 0 as well or the image has no fixations: :func:`mean_scores` counts and names these.

    Examples
    --------
    >>> from gazesim.saliency import information_gain
    >>> information_gain([[0.5, 0.25], [0.125, 0.125]], [[0.5, 0.5, 0.2]])
    1.0
    """
    number("epsilon", epsilon, low=0.0)
    maps = MapSeries("predicted", predicted, low=0.0)
    others: MapSeries | None = None
    if isinstance(baseline, str):
        choice("baseline", baseline, ("uniform",))
    else:
        others = MapSeries("baseline", baseline, low=0.0)
        same_count(maps, "baseline", len(others))
    find = fixations_of(maps, fixations, outside)
    found, values = [], []
    given = iter(others) if others is not None else None
    for sample, p in enumerate(maps):
        b = np.ones(p.shape) if given is None else next(given)
        if b.shape != p.shape:
            raise ValueError(
                f"baseline has a map of shape {b.shape}, predicted one of shape {p.shape} for the same "
                "image; expected equal shapes"
            )
        at = find(sample, p.shape)
        found.append(at)
        values.append(_gain(p, b, at, epsilon))
    report_outside(found, outside)
    return values[0] if maps.single else np.array(values)


def mann_whitney(positives: Values, negatives: Values) -> float:
    """Return the probability that a positive exceeds a negative, ties counting ½; NaN if either is empty."""
    if not len(positives) or not len(negatives):
        return float("nan")
    ordered = np.sort(negatives)
    below = np.searchsorted(ordered, positives, side="left").sum()
    at_most = np.searchsorted(ordered, positives, side="right").sum()
    return float((below + at_most) / (2 * len(positives) * len(negatives)))


def _scores(score: Callable[[Map, Fixated], float], predicted: Any, fixations: Any, outside: str) -> Scores:
    maps = MapSeries("predicted", predicted)
    find = fixations_of(maps, fixations, outside)
    found, values = [], []
    for sample, p in enumerate(maps):
        found.append(find(sample, p.shape))
        values.append(score(p, found[-1]))
    report_outside(found, outside, stacklevel=4)
    return values[0] if maps.single else np.array(values, np.float64)


def _at(p: Map, at: Fixated, count: str) -> Values:
    rows, columns = at.pixels() if count == "pixels" else (at.rows, at.columns)
    values: Values = p[rows, columns]
    return values


def _elsewhere(p: Map, at: Fixated) -> Values:
    unfixated = np.ones(p.shape, bool)
    unfixated[at.rows, at.columns] = False
    values: Values = p[unfixated]
    return values


def _reaching(ordered: Values, thresholds: Values) -> Values:
    """Return the share of the sorted values that are at least each threshold."""
    shares: Values = (len(ordered) - np.searchsorted(ordered, thresholds, side="left")) / len(ordered)
    return shares


def _gain(p: Map, b: Map, at: Fixated, epsilon: float) -> float:
    if not len(at.rows):
        return float("nan")
    with np.errstate(divide="ignore", invalid="ignore"):
        bits = [np.log2(one[at.rows, at.columns] / one.sum() + epsilon) for one in (p, b)]
        return float((bits[0] - bits[1]).mean())


def _borji(
    p: Map,
    positives: Values,
    others: list[Values],
    splits: int,
    images_per_split: int,
    step: float,
    random: np.random.Generator,
) -> float:
    """Return the mean AUC over random splits of negatives, thresholds at whole steps (Borji et al., 2013)."""
    low, span = p.min(), np.ptp(p)
    scale = 1.0 if span == 0 else span
    hits = np.sort((positives - low) / scale)
    areas = []
    for _ in range(splits):
        chosen = random.permutation(len(others))[:images_per_split]
        pool = np.concatenate([others[position] for position in chosen])
        if not len(pool):
            continue
        drawn = random.choice(pool, min(len(positives), len(pool)), replace=False)
        misses = np.sort((drawn - low) / scale)
        highest = max(hits[-1], misses[-1])
        thresholds = np.arange(0.0, highest + step / 2, step)[::-1]
        found, false_alarms = _reaching(hits, thresholds), _reaching(misses, thresholds)
        areas.append(trapezoid(np.r_[0.0, found, 1.0], np.r_[0.0, false_alarms, 1.0]))
    return float(np.mean(areas)) if areas else float("nan")
