"""From gaze to affinity in one call."""

from __future__ import annotations

import dataclasses
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from . import _core
from ._errors import choice
from .geometry import AssumedScreenWarning
from .heatmaps import per_map, stacks, threads
from .scanpaths import Scanpaths
from .schemes import DHash, Grouping, MultiMatch, Scheme, refuse_other_screen, scheme_from, size_of
from .schemes.features import ERRORS, Features, caller_depth, matrix
from .schemes.pairs_bar import Bar

if TYPE_CHECKING:
    from scipy.sparse import csr_array

__all__ = ["affinity", "dhash", "hu_moments", "multimatch", "neighbors"]


def affinity(
    gazes: Any,
    other: Any = None,
    *,
    scheme: str | Scheme = "multimatch",
    n_threads: int | None = None,
    out: NDArray[np.float32] | None = None,
    progress: bool = False,
    errors: str = "warn",
    **params: Any,
) -> NDArray[np.float32]:
    """Return the affinity of every pair of gazes.

    Parameters
    ----------
    gazes
        Scanpaths, as a list of (L, 3) arrays of x, y (pixels) and duration (seconds), or
        :class:`Scanpaths`. For ``"moments"`` and ``"dhash"``: heatmaps, as an (n, H, W) array or a list of
        (H, W) arrays.
    other
        Gazes to compare with; default: ``gazes`` themselves. Where both are :class:`Scanpaths` and no
        size is given, they must not state different screen sizes.

        Plain arrays state no screen size. Without ``screen_size`` (``image_size`` of TIMA) it is taken
        from the largest x and y of the call, rounded up to whole pixels, or is (1, 1) where all lie in
        [0, 1]; an :class:`AssumedScreenWarning` says which. Features and caches outlive the call and
        need a stated size.
    scheme
        ``"multimatch"``, ``"moments"``, ``"dhash"``, ``"tima"``, ``"scanmatch"``, ``"string_edit"``,
        ``"dtw"``, ``"frechet"``, ``"hausdorff"``, ``"time_delay_embedding"``, ``"recurrence"``,
        ``"scasim"``, ``"mannan"``, ``"eyenalysis"``, or a scheme object such as
        ``MultiMatch(screen_size=(1920, 1080))``.
    n_threads
        Threads to use; default ``GAZESIM_NUM_THREADS``, then all available cores. The result does
        not depend on it.
    out
        C-contiguous float32 array of the result's shape to write to.
    progress
        Whether to show a progress bar on stderr.
    errors
        What to do about gazes on which the scheme is undefined: ``"warn"`` (their rows and columns
        are 0), ``"raise"`` or ``"ignore"``; and about a screen size that would have to be assumed.
    **params
        Parameters of the scheme, if it is given by name.

    Returns
    -------
    ndarray
        (n, n) or (n, m) float32; ``[i, j]`` compares ``gazes[i]`` with ``other[j]``. In [0, 1],
        symmetric bit for bit, 1 on the diagonal of valid gazes (for ``"recurrence"``, the diagonal is the
        recurrence rate of each scanpath with itself).

    Raises
    ------
    ValueError, TypeError
        For malformed input or parameters; the message names argument, sample, row and value.

    Examples
    --------
    >>> import gazesim
    >>> a = [[10, 10, 0.2], [50, 10, 0.3], [50, 40, 0.2]]
    >>> b = [[12, 11, 0.2], [50, 12, 0.3], [48, 44, 0.4]]
    >>> gazesim.affinity([a, b], scheme="multimatch", screen_size=(64, 48)).round(3)
    array([[1.   , 0.984],
           [0.984, 1.   ]], dtype=float32)
    """
    choice("errors", errors, ERRORS)
    chosen, gazes, other = with_screen(scheme_from(scheme, params), gazes, other, errors)
    rows, cols = features_of(chosen, gazes, other, n_threads)
    return rows.affinity(cols, n_threads=n_threads, out=out, progress=progress, errors=errors)


def neighbors(
    gazes: Any,
    *,
    scheme: str | Scheme = "multimatch",
    threshold: float | None = None,
    top_k: int | None = None,
    method: str = "exact",
    graph_k: int = 40,
    seed: int = 0,
    n_threads: int | None = None,
    progress: bool = False,
    errors: str = "warn",
    **params: Any,
) -> csr_array:
    """Return the most similar other gazes of every gaze, without storing the full matrix.

    Memory grows with the number of neighbours, not with the square of the number of gazes. Moments and
    dHash skip pairs whose affinity cannot reach the threshold or exceed the neighbours found so far; the
    result is still exact.

    For very many gazes, ``method="nn-descent"`` (Dong, Moses, Li 2011) compares each gaze only with the
    neighbours of its neighbours. It also finds the neighbours of 1,000 gazes exactly and reports its recall
    on them. Up to ``8 * graph_k**2`` gazes (12,800 by default), where that is cheaper, it compares all pairs,
    and the result is exact.

    Parameters
    ----------
    gazes, scheme, n_threads, progress, errors, **params
        As for :func:`affinity`.
    threshold
        The smallest affinity of a neighbour, above 0 and at most 1.
    top_k
        Largest number of neighbours of each gaze, the most similar first; among equally similar ones,
        those that come first in ``gazes``.
    method
        ``"exact"``, or ``"nn-descent"``, which needs ``top_k``.
    graph_k
        Neighbours of each gaze in the graph of nn-descent, at least ``top_k``. More give a higher recall
        and take longer; memory grows with n · ``graph_k``.
    seed
        Seed of nn-descent's random choices. The result depends on it, not on the number of threads.

    Returns
    -------
    scipy.sparse.csr_array
        (n, n) float32; ``[i, j]`` is the affinity of ``gazes[i]`` with its neighbour ``gazes[j]``,
        equal to ``affinity(gazes)[i, j]``. A gaze is not its own neighbour, and affinities of 0 are
        not stored. Symmetric without ``top_k``; with it, ``[i, j]`` may be there and ``[j, i]`` not.
        Its attribute ``info`` is a dict with ``method`` and ``recall`` (1 for the exact search). nn-descent
        adds ``queries`` (the number of gazes on which the recall was estimated; an equally similar gaze
        counts as found), ``rounds`` (0 if all pairs were compared), ``graph_k`` and ``seed``. Arrays computed
        from it have no ``info``.

    Raises
    ------
    ValueError, TypeError
        As :func:`affinity`, and if neither ``threshold`` nor ``top_k`` is given.

    Examples
    --------
    >>> import numpy as np, gazesim
    >>> maps = np.random.default_rng(0).random((100, 16, 16)) ** 3
    >>> nearest = gazesim.neighbors(maps, scheme="moments", top_k=5)
    >>> nearest.shape, nearest.nnz
    ((100, 100), 500)
    >>> nearest.info
    {'method': 'exact', 'recall': 1.0}
    """
    choice("errors", errors, ERRORS)
    chosen, gazes, _ = with_screen(scheme_from(scheme, params), gazes, None, errors)
    features = chosen.features(gazes, n_threads=n_threads)
    return features.neighbors(
        threshold=threshold,
        top_k=top_k,
        method=method,
        graph_k=graph_k,
        seed=seed,
        n_threads=n_threads,
        progress=progress,
        errors=errors,
    )


def features_of(
    scheme: Scheme, gazes: Any, other: Any, n_threads: int | None
) -> tuple[Features, Features | None]:
    """Return the features of both sets; the second inherits a screen size that only the first states."""
    rows = scheme.features(gazes, n_threads=n_threads)
    if other is None:
        return rows, None
    if size_of(scheme) is None:  # else the caller has stated it for both
        refuse_other_screen(rows.scheme, other, "other")
    return rows, rows.scheme.features(other, argument="other", n_threads=n_threads)


def with_screen(scheme: Scheme, gazes: Any, other: Any, errors: str) -> tuple[Scheme, Any, Any]:
    """Return the scheme and the gazes; where plain arrays state no screen size, assume one for the scheme."""
    field = next((name for name in ("screen_size", "image_size") if hasattr(scheme, name)), None)
    needed = scheme.takes == "scanpaths" and scheme.needs_screen_size and size_of(scheme) is None
    if not needed or field is None or isinstance(gazes, Scanpaths):
        return scheme, gazes, other
    rows = Scanpaths.from_list(gazes)
    if isinstance(other, Scanpaths):
        size = other.screen_size
        if size is None:
            return scheme, rows, other  # Scanpaths without a size are refused, as everywhere
        return dataclasses.replace(scheme, **{field: size}), rows, other  # type: ignore[type-var]
    cols = None if other is None else Scanpaths.from_list(other, argument="other")
    size = _extent([rows.values] if cols is None else [rows.values, cols.values])
    expected = f"expected {field}=(width, height) in pixels, or gazesim.Scanpaths with screen_size"
    if errors == "raise":
        raise ValueError(f"{field} is missing; {expected}")
    if errors == "warn":
        taken = f"{field} is missing: assumed {size}, the extent of the gazes of this call"
        warnings.warn(f"{taken}; {expected}", AssumedScreenWarning, stacklevel=caller_depth())
    return dataclasses.replace(scheme, **{field: size}), rows, cols  # type: ignore[type-var]


def _extent(parts: list[NDArray[np.float64]]) -> tuple[int, int]:
    """Return the largest x and y, rounded up; (1, 1) if all lie in [0, 1] or there is no fixation."""
    points = np.concatenate(parts)[:, :2]
    if not len(points) or (points.min() >= 0 and points.max() <= 1):
        return 1, 1
    width, height = (max(1, int(np.ceil(side))) for side in points.max(axis=0))
    return width, height


def multimatch(
    gazes: Any,
    other: Any = None,
    *,
    screen_size: tuple[float, float] | None = None,
    grouping: Grouping | None = None,
    alignment: str = "joint",
    min_fixations: int = 3,
    n_threads: int | None = None,
    out: NDArray[np.float64] | None = None,
    progress: bool = False,
) -> NDArray[np.float64]:
    """Return the five MultiMatch similarities of every pair of scanpaths.

    Equal to ``multimatch_gaze.docomparison`` to 1e-9 wherever that returns numbers. Parameters are
    those of :class:`MultiMatch` and :func:`affinity`.

    Returns
    -------
    ndarray
        (n, m, 5) float64; ``[i, j]`` holds shape, direction, length, position and duration of
        ``gazes[i]`` against ``other[j]``. NaN where a scanpath is invalid (fewer than
        ``min_fixations`` fixations). Position, length and shape fall below 0 for gaze far outside
        of the screen.

    Examples
    --------
    >>> import gazesim
    >>> a = [[10, 10, 0.2], [50, 10, 0.3], [50, 40, 0.2]]
    >>> b = [[12, 11, 0.2], [50, 12, 0.3], [48, 44, 0.4]]
    >>> gazesim.multimatch([a], [b], screen_size=(64, 48)).round(3)
    array([[[0.984, 0.986, 0.975, 0.974, 1.   ]]])
    """
    given = MultiMatch(
        screen_size=screen_size, grouping=grouping, alignment=alignment, min_fixations=min_fixations
    )
    scheme, gazes, other = with_screen(given, gazes, other, "warn")
    rows, cols = features_of(scheme, gazes, other, n_threads)
    result = matrix(out, (len(rows), len(rows if cols is None else cols), 5), np.dtype(np.float64))
    agreed = rows.scheme
    assert isinstance(agreed, MultiMatch)
    with Bar(progress, len(rows), result.shape[1], cols is None) as advance:
        agreed.fill_dimensions(rows, cols, result, n_threads=threads(n_threads), progress=advance)
    return result


def hu_moments(heatmaps: Any, *, n_threads: int | None = None) -> NDArray[np.float64]:
    """Return the seven Hu invariants of every heatmap (Hu 1962).

    Parameters
    ----------
    heatmaps
        (n, H, W) or a list of (H, W), finite and non-negative, of any numeric type.
    n_threads
        Threads to use; default ``GAZESIM_NUM_THREADS``, then all available cores.

    Returns
    -------
    ndarray
        (n, 7) float64, as ``cv2.HuMoments(cv2.moments(map))``; NaN for a map without mass.

    Examples
    --------
    >>> import numpy as np, gazesim
    >>> gazesim.hu_moments(np.ones((1, 4, 4)))[0, 0].round(6)
    np.float64(0.15625)
    """
    runs = stacks(heatmaps, "heatmaps")
    empty = np.empty((0, 7))
    return per_map("heatmaps", runs, _core.hu_moments, empty, n_threads=threads(n_threads))


def dhash(
    heatmaps: Any,
    *,
    hash_size: int = 8,
    axis: str = "row",
    interpolation: str = "area",
    margin: float = 1 / 255,
    n_threads: int | None = None,
) -> NDArray[np.uint64]:
    """Return the difference hash of every heatmap; parameters as for :class:`DHash` and :func:`affinity`.

    Returns
    -------
    ndarray
        (n,) uint64 for ``hash_size`` up to 8, else (n, words) uint64. Bits are in row-major order,
        the first in the least significant bit of the first word.

    Examples
    --------
    >>> import numpy as np, gazesim
    >>> falling = np.tile(np.arange(32.0)[::-1], (32, 1))
    >>> hex(gazesim.dhash([falling])[0])
    '0xffffffffffffffff'
    """
    scheme = DHash(hash_size=hash_size, axis=axis, interpolation=interpolation, margin=margin)
    values: NDArray[np.uint64] = scheme.features(heatmaps, argument="heatmaps", n_threads=n_threads).values
    return values[:, 0] if values.shape[1] == 1 else values
