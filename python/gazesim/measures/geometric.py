"""Distances of fixations in pixels: DTW, Fréchet, Hausdorff, Mannan, Eyenalysis."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from .._errors import choice
from ..schemes import DTW, Eyenalysis, Frechet, Hausdorff, Mannan
from .compute import Array, agreed_rows, lengths_of, rows_of, value_of, values_of


class WarpedDistance(NamedTuple):
    """What :func:`dtw_distance` returns: two (n, m) float64 arrays."""

    #: Sum of the distances along the cheapest path, in px.
    cost: Array
    #: Number of cells of that path, of equally cheap ones of the shortest.
    path_length: Array


def dtw_distance(
    gazes: Any, other: Any = None, *, n_threads: int | None = None, progress: bool = False
) -> WarpedDistance:
    """Return the dynamic-time-warping distance of every pair of scanpaths.

    DTW = min over paths of Σ d_ij along the path, where d_ij is the Euclidean distance of fixations i and j
    in px and a path leads from the first pair to the last with steps (1, 1), (1, 0) and (0, 1). Range:
    0 (equal places) upwards. Equal to traj-dist, similaritymeasures and an exact fastdtw; dtaidistance's
    ``dtw_ndim`` is another measure, √(min Σ d²), and EyeFeatures 2.0.2 sums squares along a table whose
    border it overwrites.

    Parameters
    ----------
    gazes, other
        Scanpaths, as for :func:`gazesim.affinity`; at most 8,192 fixations each.
    n_threads, progress
        As for :func:`gazesim.affinity`.

    Returns
    -------
    WarpedDistance
        ``cost`` in px and ``path_length`` in cells, each (n, m) float64: ``[i, j]`` compares
        ``gazes[i]`` with ``other[j]``. NaN where a scanpath has no fixation.

    Raises
    ------
    ValueError, TypeError
        For malformed gaze.

    Examples
    --------
    >>> import gazesim
    >>> a, b = [[0, 0, 0.2], [50, 0, 0.3]], [[0, 6, 0.2], [50, 8, 0.3], [50, 0, 0.1]]
    >>> cost, cells = gazesim.dtw_distance([a], [b])
    >>> cost, cells
    (array([[14.]]), array([[3.]]))
    """
    rows, cols = rows_of(DTW(), gazes, other)
    values = values_of(DTW().compiled_measure(), rows, cols, count=2, n_threads=n_threads, progress=progress)
    return WarpedDistance(np.ascontiguousarray(values[..., 0]), np.ascontiguousarray(values[..., 1]))


def frechet_distance(
    gazes: Any,
    other: Any = None,
    *,
    n_threads: int | None = None,
    out: Array | None = None,
    progress: bool = False,
) -> Array:
    """Return the discrete Fréchet distance of every pair of scanpaths in px, (n, m) float64.

    Eiter and Mannila 1994: min over paths of max d_ij along the path, with distances, paths, parameters, NaN
    and errors as for :func:`dtw_distance`. Range: 0 upwards. EyeFeatures 2.0.2 returns its square. ``out`` as
    for :func:`scanmatch`.

    Examples
    --------
    >>> import gazesim
    >>> gazesim.frechet_distance([[[0, 0, 0.2], [50, 0, 0.3]]], [[[0, 6, 0.2], [50, 8, 0.3]]])
    array([[8.]])
    """
    rows, cols = rows_of(Frechet(), gazes, other)
    run: dict[str, Any] = {"n_threads": n_threads, "out": out, "progress": progress}
    return value_of(Frechet().compiled_measure(), rows, cols, **run)


def hausdorff_distance(
    gazes: Any,
    other: Any = None,
    *,
    n_threads: int | None = None,
    out: Array | None = None,
    progress: bool = False,
) -> Array:
    """Return the Hausdorff distance of every pair of scanpaths in px, (n, m) float64.

    max(maxᵢ minⱼ d_ij, maxⱼ minᵢ d_ij), d_ij as for :func:`dtw_distance`, with its parameters, NaN and
    errors; the larger of both of SciPy's ``directed_hausdorff``. Range: 0 upwards. traj-dist measures to the
    segments between fixations instead. EyeFeatures 2.0.2 shuffles the caller's rows on the way. ``out`` as
    for :func:`scanmatch`.

    Examples
    --------
    >>> import gazesim
    >>> gazesim.hausdorff_distance([[[0, 0, 0.2], [50, 0, 0.3]]], [[[50, 8, 0.2], [0, 6, 0.3]]])
    array([[8.]])
    """
    rows, cols = rows_of(Hausdorff(), gazes, other)
    run: dict[str, Any] = {"n_threads": n_threads, "out": out, "progress": progress}
    return value_of(Hausdorff().compiled_measure(), rows, cols, **run)


def mannan_distance(
    gazes: Any,
    other: Any = None,
    *,
    screen_size: tuple[float, float] | None = None,
    n_threads: int | None = None,
    out: Array | None = None,
    progress: bool = False,
) -> Array:
    """Return the Mannan distance D of every pair of scanpaths, (n, m) float64.

    Mannan, Ruddock and Wooding 1995: D² = (m·Σᵢ minⱼ d²ᵢⱼ + n·Σⱼ minᵢ d²ᵢⱼ) / (2·n·m·(W² + H²)). Range: 0 to
    1 for gaze on the screen. The classic similarity index, 100·(1 - D/D_r), divides by the distance D_r of
    random scanpaths of the same lengths, and so changes from call to call; divide by that of your own seeded
    scanpaths. The other parameters, NaN and errors as for :func:`dtw_distance`, ``out`` as for
    :func:`scanmatch`.

    Parameters
    ----------
    screen_size
        (W, H) in pixels; default: that of the scanpaths.

    Examples
    --------
    >>> import gazesim
    >>> a, b = [[10, 10, 0.2], [50, 10, 0.3]], [[50, 16, 0.2], [10, 16, 0.3]]
    >>> gazesim.mannan_distance([a], [b], screen_size=(80, 60)).round(3)
    array([[0.06]])
    """
    agreed, rows, cols = agreed_rows(Mannan(screen_size), gazes, other)
    run: dict[str, Any] = {"n_threads": n_threads, "out": out, "progress": progress}
    return value_of(agreed.compiled_measure(), rows, cols, **run)


def eyenalysis(
    gazes: Any,
    other: Any = None,
    *,
    duration_px_per_s: float = 0.0,
    squared: bool = False,
    denominator: str = "max",
    n_threads: int | None = None,
    out: Array | None = None,
    progress: bool = False,
) -> Array:
    """Return the Eyenalysis distance of every pair of scanpaths, (n, m) float64.

    Mathôt, Cristino, Gilchrist and Theeuwes 2012: (Σᵢ minⱼ d_ij + Σⱼ minᵢ d_ij) / max(n, m), in px. Range: 0
    (the same places) upwards. EyeFeatures 2.0.2 squares d. The other parameters, NaN and errors as for
    :func:`dtw_distance`, ``out`` as for :func:`scanmatch`.

    Parameters
    ----------
    duration_px_per_s
        How many pixels a difference of one second in duration counts as in d; 0 leaves durations out. For
        z-scored dimensions, scale x, y and duration before.
    squared
        Whether d is the squared distance.
    denominator
        ``"max"``: max(n, m), as printed above; ``"sum"``: n + m, the mean over all fixations.

    Examples
    --------
    >>> import gazesim
    >>> a, b = [[10, 10, 0.2], [50, 10, 0.3]], [[50, 16, 0.2], [10, 16, 0.3]]
    >>> gazesim.eyenalysis([a], [b]), gazesim.eyenalysis([a], [b], denominator="sum")
    (array([[12.]]), array([[6.]]))
    """
    choice("denominator", denominator, ("max", "sum"))
    scheme = Eyenalysis(duration_px_per_s=duration_px_per_s, squared=squared)
    rows, cols = rows_of(scheme, gazes, other)
    run: dict[str, Any] = {"n_threads": n_threads, "out": out, "progress": progress}
    sums = value_of(scheme.compiled_measure(), rows, cols, **run)
    n, m = lengths_of(rows, cols)
    with np.errstate(invalid="ignore"):  # NaN where both are empty
        sums /= np.maximum(n, m) if denominator == "max" else n + m
    return sums
