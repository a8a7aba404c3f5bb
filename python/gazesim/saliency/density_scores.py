"""Measures of a predicted map against a map of gaze: CC, KL, SIM."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._errors import choice, number
from .inputs import Map, MapSeries, per_map, same_number, same_shape

__all__ = ["cc", "density", "kl", "sim"]

#: Keeps the logarithm finite; the value of the published code (MIT and Tübingen benchmarks).
EPSILON = float(np.finfo(np.float64).eps)

Scores = float | NDArray[np.float64]


def cc(predicted: Any, true: Any, *, constant_map: str = "zero") -> Scores:
    """Return Pearson's correlation coefficient of a predicted and a true map.

    Parameters
    ----------
    predicted, true
        A map (H, W), or n of them; the same shape for both.
    constant_map
        The score of a constant prediction, for which the coefficient is 0/0: ``"zero"`` as
        pysaliency has it, or ``"nan"``. A constant *true* map has the score NaN in any case.

    Returns
    -------
    float or (n,) float64
        In [−1, 1]; 1 is best.

    Examples
    --------
    >>> from gazesim.saliency import cc
    >>> round(cc([[4, 3], [2, 1]], [[1, 2], [3, 4]]), 12)
    -1.0
    """
    choice("constant_map", constant_map, ("zero", "nan"))

    def score(p: Map, q: Map) -> float:
        same_shape(maps, others, p, q)
        if is_constant(q) or is_constant(p):
            return 0.0 if constant_map == "zero" and not is_constant(q) else float("nan")
        p, q = (scaled(one - one.mean()) for one in (scaled(p), scaled(q)))
        return float((p * q).sum() / np.sqrt((p**2).sum() * (q**2).sum()))

    maps, others = MapSeries("predicted", predicted), MapSeries("true", true)
    same_number(maps, others)
    return per_map(score, maps, others)  # type: ignore[no-any-return]


def kl(predicted: Any, true: Any, *, empty_map: str = "uniform", epsilon: float = EPSILON) -> Scores:
    """Return the Kullback-Leibler divergence of the true from the predicted density, in nats.

    Σ q log(ε + q / (ε + p)), p the predicted and q the true map, each scaled to the sum 1 (Bylinskii et
    al., 2019). A map with negative values is first moved up so that its minimum is 0.

    Parameters
    ----------
    predicted, true
        A map (H, W), or n of them; the same shape for both.
    empty_map
        What a map without mass counts as: ``"uniform"`` as pysaliency has it, or ``"zeros"``.
    epsilon
        ε; the default, 2.22e-16, is that of the MIT and Tübingen benchmarks.

    Returns
    -------
    float or (n,) float64
        0 is best; at most −log ε, which is 36.

    Examples
    --------
    >>> from gazesim.saliency import kl
    >>> round(kl([[4, 3], [2, 1]], [[1, 2], [3, 4]]), 6)
    0.456435
    """
    choice("empty_map", empty_map, ("uniform", "zeros"))
    number("epsilon", epsilon, low=0.0, open_low=True)

    def score(p: Map, q: Map) -> float:
        same_shape(maps, others, p, q)
        p, q = density(p, empty_map), density(q, empty_map)
        return float((q * np.log(epsilon + q / (epsilon + p))).sum())

    maps, others = MapSeries("predicted", predicted), MapSeries("true", true)
    same_number(maps, others)
    return per_map(score, maps, others)  # type: ignore[no-any-return]


def sim(predicted: Any, true: Any, *, empty_map: str = "uniform") -> Scores:
    """Return the histogram intersection Σ min(p, q) of two maps, each scaled to the sum 1.

    Parameters
    ----------
    predicted, true
        A map (H, W), or n of them; the same shape for both. A map with negative values is first moved
        up so that its minimum is 0.
    empty_map
        What a map without mass counts as: ``"uniform"`` as pysaliency has it, or ``"zeros"``.

    Returns
    -------
    float or (n,) float64
        In [0, 1]; 1 is best.

    Examples
    --------
    >>> from gazesim.saliency import sim
    >>> round(sim([[4, 3], [2, 1]], [[1, 2], [3, 4]]), 12)
    0.6
    """
    choice("empty_map", empty_map, ("uniform", "zeros"))

    def score(p: Map, q: Map) -> float:
        same_shape(maps, others, p, q)
        return float(np.minimum(density(p, empty_map), density(q, empty_map)).sum())

    maps, others = MapSeries("predicted", predicted), MapSeries("true", true)
    same_number(maps, others)
    return per_map(score, maps, others)  # type: ignore[no-any-return]


def density(pixels: Map, empty_map: str = "uniform") -> Map:
    """Return a map scaled to the sum 1, first moved up to the minimum 0 where it has negative values."""
    lowest = pixels.min()
    if lowest < 0:
        pixels = pixels - lowest
    total = pixels.sum()
    if total == 0:
        return np.full(pixels.shape, 1 / pixels.size if empty_map == "uniform" else 0.0)
    scaled: Map = pixels / total
    return scaled


def is_constant(pixels: Map) -> bool:
    """Return whether all pixels are equal; a standard deviation of 0 can be hidden by rounding."""
    return bool(pixels.min() == pixels.max())


def scaled(pixels: Map) -> Map:
    """Return the map divided by a power of two, so that its largest number is about 1.

    That rounds nothing, and squares neither vanish nor overflow.
    """
    largest = float(np.abs(pixels).max())
    return np.ldexp(pixels, -int(np.frexp(largest)[1]))
