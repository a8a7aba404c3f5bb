"""Fixations in succession: time-delay embedding and cross-recurrence."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from .._errors import choice, integer
from ..geometry import Screen
from ..schemes import Recurrence, TimeDelayEmbedding
from .compute import Array, agreed_rows, rows_of, value_of, values_of


def tde(
    gazes: Any,
    other: Any = None,
    *,
    k: int,
    norm: str = "l2",
    reduction: str = "mean",
    n_threads: int | None = None,
    out: Array | None = None,
    progress: bool = False,
) -> Array:
    """Return the time-delay embedding distance TDE_k of every pair of scanpaths in px, (n, m) float64.

    Wang et al. 2011: for every window of k successive fixations of ``other[j]`` (the simulated scanpath), the
    distance to the nearest window of ``gazes[i]`` (the reference), divided by k; the mean of these, or their
    maximum. **Not symmetric.** Range: 0 upwards. NaN where a scanpath has fewer than k fixations.

    Parameters
    ----------
    gazes, other
        Scanpaths, as for :func:`gazesim.affinity`; at most 1,024 fixations each.
    k
        Fixations in a window, at least 1.
    norm
        ``"l2"``: √Σ|a - b|² (FixaTons, STDEDscanpath); ``"sum"``: Σ|a - b| (the copy in chenxy99/Scanpaths
        and HAT). pyscanpath leaves out the last fixation of each window.
    reduction
        ``"mean"``, or ``"max"`` (FixaTons' "Hausdorff").
    n_threads, out, progress
        As for :func:`scanmatch`.

    Examples
    --------
    >>> import gazesim
    >>> a, b = [[0, 0, 0.2], [50, 0, 0.3]], [[0, 6, 0.2], [50, 8, 0.3]]
    >>> gazesim.tde([a], [b], k=2), gazesim.tde([a], [b], k=1, reduction="max")
    (array([[5.]]), array([[8.]]))
    """
    size = integer("k", k, low=1, high=2**31)
    windows = choice("reduction", reduction, ("mean", "max"))
    scheme = TimeDelayEmbedding(norm=norm)
    rows, cols = rows_of(scheme, gazes, other)
    measure = {**scheme.compiled_measure(), "windows": windows, "k": size}
    run: dict[str, Any] = {"n_threads": n_threads, "out": out, "progress": progress}
    return value_of(measure, rows, cols, count=2, **run)


def stde(
    gazes: Any,
    other: Any = None,
    *,
    screen_size: tuple[float, float] | None = None,
    norm: str = "l2",
    n_threads: int | None = None,
    out: Array | None = None,
    progress: bool = False,
) -> Array:
    """Return the scaled time-delay embedding similarity of every pair of scanpaths, (n, m) float64.

    STDE (FixaTons): the mean of e^-TDE_k over k = 1 to min(n, m), with coordinates divided by the longer side
    of the screen. ``gazes[i]`` is the reference, ``other[j]`` the simulated scanpath; **not symmetric**.
    Range: above 0 to 1, 1 for equal places. Published STDE columns use ``norm="sum"``. Parameters as for
    :func:`tde`, NaN where a scanpath has no fixation.

    Parameters
    ----------
    screen_size
        (width, height) in pixels; default: that of the scanpaths.

    Examples
    --------
    >>> import gazesim
    >>> a, b = [[0, 0, 0.2], [50, 0, 0.3]], [[0, 6, 0.2], [50, 8, 0.3]]
    >>> gazesim.stde([a], [b], screen_size=(80, 60)).round(3)
    array([[0.928]])
    """
    agreed, rows, cols = agreed_rows(TimeDelayEmbedding(screen_size, norm), gazes, other)
    run: dict[str, Any] = {"n_threads": n_threads, "out": out, "progress": progress}
    return value_of(agreed.compiled_measure(), rows, cols, count=2, **run)


class RecurrenceMeasures(NamedTuple):
    """What :func:`recurrence` returns: four (n, m) float64 arrays, in percent."""

    #: Recurrence rate: pairs of fixations that are near each other.
    rec: Array
    #: Determinism: recurrences that lie on diagonal lines.
    det: Array
    #: Laminarity: recurrences that lie on horizontal or vertical lines.
    lam: Array
    #: Centre of recurrence mass: above 0 where ``other`` is later.
    corm: Array


def recurrence(
    gazes: Any,
    other: Any = None,
    *,
    radius_px: float | None = None,
    min_line: int = 2,
    radius_deg: float | None = None,
    geometry: Screen | None = None,
    n_threads: int | None = None,
    progress: bool = False,
) -> RecurrenceMeasures:
    """Return the cross-recurrence measures of every pair of scanpaths, in percent.

    Anderson, Anderson, Kingstone and Bischof 2015. Both scanpaths are cut to the length N of the shorter one;
    c_ij is 1 where fixations i and j are at most ``radius_px`` from each other, C = Σ c_ij, and a line is a
    run of at least ``min_line`` successive recurrences. REC = 100·C/N²; DET = 100·(points on diagonal lines,
    all diagonals)/C; LAM = 100·(points on horizontal + on vertical lines)/(2·C);
    CORM = 100·Σ (j - i)·c_ij / ((N - 1)·C), which changes its sign when both are swapped. Ranges: [0, 100],
    CORM [-100, 100]. Without a recurrence REC is 0 and the others NaN; CORM is NaN for N = 1.
    FixaTons counts points of whole diagonals and rows, contiguous or not; other ports use the upper triangle,
    as for auto-recurrence, or a strict <.

    Parameters
    ----------
    gazes, other
        Scanpaths, as for :func:`gazesim.affinity`.
    radius_px
        How near two fixations must be, in pixels.
    min_line
        How many successive recurrences make a line, at least 2.
    radius_deg, geometry
        The radius in degrees instead, and the screen that it is seen on: as for :class:`Recurrence`.
    n_threads, progress
        As for :func:`gazesim.affinity`.

    Returns
    -------
    RecurrenceMeasures
        ``rec``, ``det``, ``lam`` and ``corm``, each (n, m) float64; ``[i, j]`` compares ``gazes[i]`` with
        ``other[j]``.

    Examples
    --------
    >>> import gazesim
    >>> a, b = [[0, 0, 0.2], [50, 0, 0.3], [9, 9, 0.1]], [[0, 6, 0.2], [50, 8, 0.3], [99, 0, 0.1]]
    >>> found = gazesim.recurrence([a], [b], radius_px=10)
    >>> found.rec.round(1), found.det.round(1)
    (array([[33.3]]), array([[66.7]]))
    """
    scheme = Recurrence(radius_px, radius_deg=radius_deg, geometry=geometry)
    lines = integer("min_line", min_line, low=2, high=2**31)
    if scheme.geometry is None:
        rows, cols = rows_of(scheme, gazes, other)
    else:  # scanpaths must be those of its screen
        _, rows, cols = agreed_rows(scheme, gazes, other)
    measure = {"name": "recurrence_quantified", "radius_px": scheme.radius_in_px, "min_line": lines}
    values = values_of(measure, rows, cols, count=4, n_threads=n_threads, progress=progress)
    return RecurrenceMeasures(*(np.ascontiguousarray(values[..., value]) for value in range(4)))
