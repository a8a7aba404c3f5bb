"""Raw numbers of the compiled measures, for every pair of scanpaths."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import _core
from ..affinity import features_of
from ..heatmaps import threads
from ..scanpaths import Scanpaths
from ..schemes import ScanpathMeasure
from ..schemes.base import Pair, ragged
from ..schemes.features import matrix
from ..schemes.pairs_bar import Bar

Array = NDArray[np.float64]


def rows_of(scheme: ScanpathMeasure, gazes: Any, other: Any) -> tuple[Pair, Pair]:
    """Return the feature rows of both sets; raise ValueError if they state different screen sizes."""
    paths = Scanpaths.from_list(gazes)
    if other is None:
        rows = scheme.feature_rows(paths, "gazes")
        return rows, rows
    others = Scanpaths.from_list(other, argument="other")
    sizes = (paths.screen_size, others.screen_size)
    if None not in sizes and sizes[0] != sizes[1]:
        raise ValueError(
            f"other has screen_size {sizes[1]}, compared with gaze on {sizes[0]}; expected one size"
        )
    return scheme.feature_rows(paths, "gazes"), scheme.feature_rows(others, "other")


def agreed_rows(scheme: ScanpathMeasure, gazes: Any, other: Any) -> tuple[ScanpathMeasure, Pair, Pair]:
    """As :func:`rows_of`, for measures that need a screen size; also return the scheme with that size."""
    rows, cols = features_of(scheme, gazes, other, None)
    assert isinstance(rows.scheme, ScanpathMeasure)
    first = ragged(rows)
    return rows.scheme, first, first if cols is None else ragged(cols)


def values_of(
    measure: dict[str, Any], rows: Pair, cols: Pair, *, count: int, n_threads: int | None, progress: bool
) -> Array:
    """Return the ``count`` numbers of every pair, (n, m, count); NaN where a scanpath is empty."""
    values = np.empty((*pairs_of(rows, cols), count))
    fill(values, measure, rows, cols, n_threads, progress)
    return values


def value_of(
    measure: dict[str, Any],
    rows: Pair,
    cols: Pair,
    *,
    count: int = 1,
    out: Array | None,
    n_threads: int | None,
    progress: bool,
) -> Array:
    """Return the first of the ``count`` numbers of every pair, (n, m), in ``out`` if that is given."""
    result = matrix(out, pairs_of(rows, cols), np.dtype(np.float64))
    if count == 1:
        fill(result[..., None], measure, rows, cols, n_threads, progress)
    else:
        run: dict[str, Any] = {"n_threads": n_threads, "progress": progress}
        result[...] = values_of(measure, rows, cols, count=count, **run)[..., 0]
    return result


def fill(
    values: Array, measure: dict[str, Any], rows: Pair, cols: Pair, n_threads: int | None, progress: bool
) -> None:
    with Bar(progress, values.shape[0], values.shape[1], symmetric=False) as advance:
        _core.measure_values(
            rows, cols, values, measure=measure, n_threads=threads(n_threads), progress=advance
        )


def pairs_of(rows: Pair, cols: Pair) -> tuple[int, int]:
    return len(rows[1]) - 1, len(cols[1]) - 1


def lengths_of(rows: Pair, cols: Pair) -> tuple[Array, Array]:
    """Return the numbers of fixations of both sides, (n, 1) and (1, m)."""
    return np.diff(rows[1])[:, None].astype(float), np.diff(cols[1])[None].astype(float)
