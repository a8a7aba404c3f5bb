"""Alignments of fixations: ScanMatch, string edit distance, sequence score, scasim."""

from __future__ import annotations

from typing import Any

import numpy as np

from .._errors import choice
from ..affinity import features_of
from ..geometry import ScreenGeometry
from ..schemes import ScanMatch, Scasim, StringEdit
from ..schemes.features import matrix
from ..schemes.string_edit import renumbered
from .compute import Array, agreed_rows, lengths_of, value_of, values_of


def scanmatch(
    gazes: Any,
    other: Any = None,
    *,
    screen_size: tuple[float, float] | None = None,
    grid: tuple[int, int] = (12, 8),
    threshold_cells: float = 3.5,
    gap: float = 0.0,
    temporal_bin_s: float = 0.0,
    rounding: str = "half_away",
    n_threads: int | None = None,
    out: Array | None = None,
    progress: bool = False,
) -> Array:
    """Return the ScanMatch similarity of every pair of scanpaths, (n, m) float64.

    Cristino, Mathôt, Theeuwes and Gilchrist 2010, as the authors' MATLAB toolbox defines it: the score of the
    best global alignment of grid cells (same cell: ``threshold_cells``, less by the distance in cells; gaps:
    ``gap`` each, at the borders too) over threshold_cells·max(n, m). Range: [0, 1] with ``gap=0``, below
    0 possible with a negative one; 1 for equal sequences. With a negative gap the common Python port
    (GazeParser, HAT, GazeSearch) differs: its borders are one gap off, and it takes the largest score of the
    table. With time, ports differ in ``rounding``: NumPy's is ``"half_even"``, Gazeformer's ``"down"``.

    Parameters
    ----------
    gazes, other
        Scanpaths, as for :func:`gazesim.affinity`.
    screen_size, grid, threshold_cells, gap, temporal_bin_s, rounding
        As for :class:`ScanMatch`.
    n_threads, progress
        As for :func:`gazesim.affinity`.
    out
        A C-contiguous (n, m) float64 array to write to; returned.

    Returns
    -------
    ndarray
        ``[i, j]`` compares ``gazes[i]`` with ``other[j]``; NaN where a scanpath has no fixation, or none that
        lasts a temporal bin.

    Raises
    ------
    ValueError, TypeError
        For malformed gaze or parameters.

    Examples
    --------
    >>> import gazesim
    >>> a, b = [[10, 10, 0.2], [50, 10, 0.3]], [[10, 10, 0.2], [60, 10, 0.1]]
    >>> gazesim.scanmatch([a], [b], screen_size=(120, 80)).round(3)
    array([[0.857]])
    """
    scheme = ScanMatch(screen_size, grid, threshold_cells, gap, temporal_bin_s, rounding)
    agreed, rows, cols = agreed_rows(scheme, gazes, other)
    run: dict[str, Any] = {"n_threads": n_threads, "out": out, "progress": progress}
    return value_of(agreed.compiled_measure(), rows, cols, **run)


def string_edit_distance(
    gazes: Any,
    other: Any = None,
    *,
    screen_size: tuple[float, float] | None = None,
    grid: tuple[int, int] | None = (5, 5),
    n_threads: int | None = None,
    out: Array | None = None,
    progress: bool = False,
) -> Array:
    """Return the string edit distance (SED) of every pair of scanpaths, (n, m) float64.

    The Levenshtein distance of grid cells, each insertion, deletion and substitution counting 1, not
    normalised: the SED of scanpath-prediction papers with ``grid=(5, 5)``. Range: 0 to max(n, m), lower is
    more similar; the distance to a scanpath without a fixation is the length of the other. Released code
    uses cells of ``width // 5`` pixels, so that the last column spills into the next row where 5 does not
    divide the width; the current FixaTons uses 4 x 4 cells and transpositions.
    With ``grid=None`` and lists of labels, the FED and SemFED of Gazeformer (clusters, classes).

    Parameters
    ----------
    gazes, other
        Scanpaths, as for :func:`gazesim.affinity`, or with ``grid=None`` labels, as for :class:`StringEdit`.
    screen_size, grid
        As for :class:`StringEdit`.
    n_threads, out, progress
        As for :func:`scanmatch`.

    Examples
    --------
    >>> import gazesim
    >>> gazesim.string_edit_distance(["ABBC"], ["ABC", "CBA", ""], grid=None)
    array([[1., 3., 4.]])
    """
    scheme = StringEdit("levenshtein", screen_size, grid)
    edits, n, m = edited(scheme, gazes, other, n_threads, out, progress)
    # The compiled measure knows no empty sequence: all labels of the other one are inserted.
    np.copyto(edits, np.maximum(n, m), where=(n == 0) | (m == 0))
    return edits


def sequence_score(
    gazes: Any,
    other: Any = None,
    *,
    screen_size: tuple[float, float] | None = None,
    grid: tuple[int, int] | None = (5, 5),
    n_threads: int | None = None,
    out: Array | None = None,
    progress: bool = False,
) -> Array:
    """Return the sequence score of every pair of scanpaths, (n, m) float64.

    Needleman-Wunsch with match 1, mismatch 0 and gap 0 over max(n, m), which is the length of the longest
    common subsequence over max(n, m) (COCO-Search18, Gazeformer, HAT). Range: [0, 1]; NaN where a sequence is
    empty. The papers label fixations by clusters of all human fixations on the image: give such labels with
    ``grid=None``; a grid compares gaze on different images, too. Parameters as for
    :func:`string_edit_distance`.

    Examples
    --------
    >>> import gazesim
    >>> gazesim.sequence_score([[3, 2, 0, 1, 5]], [[3, 2, 0, 1]], grid=None)
    array([[0.8]])
    """
    common, n, m = edited(StringEdit("lcs", screen_size, grid), gazes, other, n_threads, out, progress)
    common /= np.maximum(np.maximum(n, m), 1)
    return common


def edited(
    scheme: StringEdit, gazes: Any, other: Any, n_threads: int | None, out: Array | None, progress: bool
) -> tuple[Array, Array, Array]:
    """Return the edits or common labels of every pair, and the lengths of both sides."""
    rows, cols = features_of(scheme, gazes, other, n_threads)
    sets = (rows,) if cols is None else (rows, cols)
    pairs, alphabet = renumbered(*sets)
    measure = {**scheme.compiled_measure(), "alphabet": alphabet}
    run: dict[str, Any] = {"n_threads": n_threads, "out": out, "progress": progress}
    values = value_of(measure, pairs[0], pairs[-1], **run)
    n, m = (np.diff(offsets).astype(float) for _, offsets in (pairs[0], pairs[-1]))
    return values, n[:, None], m[None]


def scasim(
    gazes: Any,
    other: Any = None,
    *,
    geometry: ScreenGeometry,
    modulator: float = 0.83,
    normalise: str | None = None,
    n_threads: int | None = None,
    out: Array | None = None,
    progress: bool = False,
) -> Array:
    """Return the scasim dissimilarity of every pair of scanpaths in seconds, (n, m) float64.

    Von der Malsburg and Vasishth 2011: the least cost of turning one scanpath into the other, where deleting
    or inserting a fixation costs its duration, and replacing one of a seconds by one of b seconds at an angle
    of φ degrees costs ``|a - b|·μ^φ + (a + b)·(1 - μ^φ)``. Range: 0 to the duration of both scanpaths. The
    released C code takes an arccosine of numbers just above 1 and then forbids the replacement, so its costs
    are too high for many pairs that share a place; and a fixation exactly at the centre is 0/0 there.

    Parameters
    ----------
    gazes, other
        Scanpaths, as for :func:`gazesim.affinity`.
    geometry, modulator
        As for :class:`Scasim`.
    normalise
        None for seconds; ``"fixations"`` divides by n + m, ``"durations"`` by the duration of both.
    n_threads, out, progress
        As for :func:`scanmatch`.

    Returns
    -------
    ndarray
        NaN where a scanpath has no fixation, or none that lasts any time.

    Examples
    --------
    >>> import gazesim
    >>> screen = gazesim.ScreenGeometry(size_px=(1024, 768), size_cm=(34, 25.5), distance_cm=60)
    >>> a, b = [[100, 100, 0.2], [500, 100, 0.3]], [[100, 100, 0.2], [500, 100, 0.4]]
    >>> gazesim.scasim([a], [b], geometry=screen).round(3)
    array([[0.1]])
    """
    if normalise is not None:
        choice("normalise", normalise, ("fixations", "durations"))
    agreed, rows, cols = agreed_rows(Scasim(geometry, modulator), gazes, other)
    if normalise != "durations":
        run: dict[str, Any] = {"n_threads": n_threads, "out": out, "progress": progress}
        seconds = value_of(agreed.compiled_measure(), rows, cols, count=2, **run)
        if normalise == "fixations":
            n, m = lengths_of(rows, cols)
            seconds /= np.maximum(n + m, 1)
        return seconds
    values = values_of(agreed.compiled_measure(), rows, cols, count=2, n_threads=n_threads, progress=progress)
    result = matrix(out, values.shape[:2], values.dtype)
    return np.divide(values[..., 0], values[..., 1], out=result)
