"""The measures that :func:`gazesim.compare_scanpaths` knows, in the conventions that papers report."""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import measures as raw
from .._errors import choice, describe, did_you_mean
from ..affinity import multimatch as multimatch_similarities
from .sequence_score import sequence_score

__all__ = ["DEFAULT_MEASURES", "MEASURES", "Measure", "PairSet", "measures_from"]

Scanpath = NDArray[np.float64]
Matrix = NDArray[np.float64]


@dataclass(frozen=True)
class PairSet:
    """Scanpaths whose pairs a measure compares: every one of ``rows`` with every one of ``columns``.

    Examples
    --------
    >>> import numpy as np
    >>> from gazesim.compare import PairSet
    >>> path = np.array([[10.0, 10.0, 0.2]])
    >>> PairSet([path], [path, path], (64, 48)).shape
    (1, 2)
    """

    #: (L, 3) arrays of x and y in pixels and duration in seconds.
    rows: Sequence[Scanpath]
    columns: Sequence[Scanpath]
    #: (width, height) in pixels.
    screen_size: tuple[float, float]
    #: For measures that need the other human scanpaths on an image: for each image that columns
    #: belong to, the columns, a key, and all human fixations on it, (K, 3).
    images: Sequence[tuple[slice, Any, Scanpath]] = ()
    #: Kept by a measure from one image to the next, such as clusters by the key of the image.
    memory: dict[Any, Any] = field(default_factory=dict)

    @property
    def shape(self) -> tuple[int, int]:
        """The shape of a matrix of all pairs."""
        return len(self.rows), len(self.columns)


@dataclass(frozen=True)
class Measure:
    """A measure of scanpaths, as :func:`gazesim.compare_scanpaths` calls it.

    Parameters
    ----------
    compute
        Takes a :class:`PairSet` and the measure's parameters by keyword; returns an (n, m) float64
        matrix, or several by name. Rows are predicted (or human) scanpaths, columns human ones; NaN
        marks a pair on which the measure is undefined.
    higher_is_better
        False for a distance.
    outputs
        Names in the table of the several matrices; empty for one matrix.
    needs_durations
        Names of the outputs that are left out where a set of scanpaths has no durations; True for
        all.
    undefined
        When a pair is undefined, in words.

    Examples
    --------
    A measure of your own, the difference of lengths:

    >>> import numpy as np
    >>> from gazesim import compare_scanpaths
    >>> from gazesim.compare import Measure
    >>> def length_difference(pairs):
    ...     lengths = [np.array([len(path) for path in paths]) for paths in (pairs.rows, pairs.columns)]
    ...     return np.abs(lengths[0][:, None] - lengths[1]).astype(float)
    >>> human = {"a": [[[1, 2, 0.2]], [[1, 2, 0.2], [5, 5, 0.1]]]}
    >>> table = compare_scanpaths(
    ...     {"a": [[[3, 4, 0.2]]]},
    ...     human,
    ...     measures={"length_difference": Measure(length_difference, higher_is_better=False)},
    ...     screen_size=(64, 48),
    ... )
    >>> table["mean"][0], table["best"][0]
    (np.float64(0.5), np.float64(0.0))
    """

    compute: Callable[..., Matrix | Mapping[str, Matrix]]
    higher_is_better: bool = True
    outputs: tuple[str, ...] = ()
    needs_durations: bool | tuple[str, ...] = False
    undefined: str = "where a scanpath is empty"
    params: Mapping[str, Any] = field(default_factory=dict)

    def matrices(self, pairs: PairSet) -> dict[str, Matrix]:
        """Return one (n, m) matrix for each output; the only output of a measure has the name ""."""
        if 0 in pairs.shape:
            return {name: np.empty(pairs.shape) for name in self.outputs or ("",)}
        found = self.compute(pairs, **self.params)
        named = found if isinstance(found, Mapping) else {"": found}
        matrices = {name: np.asarray(matrix, np.float64) for name, matrix in named.items()}
        if tuple(matrices) != (self.outputs or ("",)):
            raise ValueError(
                f"measure {describe(self.compute)} returned {list(matrices)}; expected {list(self.outputs)}"
            )
        for name, matrix in matrices.items():
            if matrix.shape != pairs.shape:
                raise ValueError(
                    f"measure {describe(self.compute)} returned {name or 'a matrix'} of shape "
                    f"{matrix.shape}; expected one number for every pair, {pairs.shape}"
                )
        return matrices

    def outputs_without_durations(self) -> tuple[str, ...]:
        """Return the outputs that are defined where scanpaths have no durations."""
        outputs = self.outputs or ("",)
        if isinstance(self.needs_durations, bool):
            return () if self.needs_durations else outputs
        return tuple(name for name in outputs if name not in self.needs_durations)


DIMENSIONS = ("shape", "direction", "length", "position", "duration")


def multimatch(pairs: PairSet, *, grouping: Any = None, alignment: str = "joint") -> dict[str, Matrix]:
    """Return the five similarities, their mean, and the mean of the four that need no durations."""
    found = multimatch_similarities(
        pairs.rows, pairs.columns, screen_size=pairs.screen_size, grouping=grouping, alignment=alignment
    )
    matrices = {name: found[:, :, k] for k, name in enumerate(DIMENSIONS)}
    return {**matrices, "mean": found.mean(axis=2), "mean_without_duration": found[:, :, :4].mean(axis=2)}


def stde(pairs: PairSet, *, norm: str = "sum") -> Matrix:
    """Return STDE with the human scanpath as the reference and the predicted one as the simulation.

    ``norm="sum"`` is that of the published STDE columns; :func:`gazesim.stde` has the other one by default.
    """
    return raw.stde(pairs.columns, pairs.rows, screen_size=pairs.screen_size, norm=norm).T


def dtw_distance(pairs: PairSet) -> Matrix:
    """Return the cost of the cheapest path in px."""
    return raw.dtw_distance(pairs.rows, pairs.columns).cost


def recurrence(pairs: PairSet, *, radius_px: float, min_line: int = 2) -> dict[str, Matrix]:
    """Return REC, DET and LAM; CORM is signed, so neither end of it is the better one."""
    found = raw.recurrence(pairs.rows, pairs.columns, radius_px=radius_px, min_line=min_line)
    return {"rec": found.rec, "det": found.det, "lam": found.lam}


#: Parameters of the functions in gazesim.measures that the comparison sets itself.
OWN = ("gazes", "other", "screen_size", "n_threads", "out", "progress")


def pairwise(function: Callable[..., Matrix]) -> Callable[..., Matrix]:
    """Return a function of ``gazesim.measures`` as a function of a PairSet, with its parameters."""
    parameters = inspect.signature(function).parameters

    def compute(pairs: PairSet, **params: Any) -> Matrix:
        screen = {"screen_size": pairs.screen_size} if "screen_size" in parameters else {}
        return function(pairs.rows, pairs.columns, **screen, **params)

    first = inspect.Parameter("pairs", inspect.Parameter.POSITIONAL_ONLY)
    kept = [one for name, one in parameters.items() if name not in OWN]
    compute.__signature__ = inspect.Signature([first, *kept])  # type: ignore[attr-defined]
    compute.__name__ = function.__name__
    return compute


#: By name; the name and the parameters are what ``measures=`` takes.
MEASURES: dict[str, Measure] = {
    "multimatch": Measure(
        multimatch,
        outputs=(*DIMENSIONS, "mean", "mean_without_duration"),
        needs_durations=("duration", "mean"),
        undefined="where a scanpath has fewer than 3 fixations",
    ),
    "scanmatch": Measure(pairwise(raw.scanmatch)),
    "scanmatch_with_duration": Measure(
        pairwise(raw.scanmatch),
        needs_durations=True,
        undefined="where all fixations of a scanpath are shorter than half a temporal bin",
        params={"temporal_bin_s": 0.05},
    ),
    "string_edit_distance": Measure(pairwise(raw.string_edit_distance), higher_is_better=False),
    "sequence_score": Measure(sequence_score),
    "stde": Measure(stde),
    "dtw_distance": Measure(dtw_distance, higher_is_better=False),
    "frechet_distance": Measure(pairwise(raw.frechet_distance), higher_is_better=False),
    "hausdorff_distance": Measure(pairwise(raw.hausdorff_distance), higher_is_better=False),
    "mannan_distance": Measure(pairwise(raw.mannan_distance), higher_is_better=False),
    "eyenalysis": Measure(pairwise(raw.eyenalysis), higher_is_better=False),
    "recurrence": Measure(
        recurrence,
        outputs=("rec", "det", "lam"),
        undefined="where a scanpath is empty; DET and LAM also where no fixations recur",
    ),
    "scasim": Measure(pairwise(raw.scasim), higher_is_better=False, needs_durations=True),
}

#: What papers on scanpath prediction report (COCO-Search18, GazeSearch, CT-ScanGaze).
DEFAULT_MEASURES = ("multimatch", "scanmatch", "scanmatch_with_duration", "string_edit_distance", "stde")


def measures_from(measures: Any) -> dict[str, Measure]:
    """Return the measures by their names in the table.

    ``measures`` is a name, several names, or a mapping from a name in the table to parameters, to a
    measure's name and parameters, or to a :class:`Measure`.
    """
    if isinstance(measures, str):
        measures = [measures]
    if not isinstance(measures, Iterable):
        raise TypeError(
            f"measures is {describe(measures)}; expected names, or a mapping from names to parameters"
        )
    entries = measures.items() if isinstance(measures, Mapping) else [(name, {}) for name in measures]
    found: dict[str, Measure] = {}
    for label, asked in entries:
        if not isinstance(label, str) or label in found:
            raise ValueError(f"measures has the entry {describe(label)}; expected distinct names")
        found[label] = asked if isinstance(asked, Measure) else _known(label, asked)
    if not found:
        raise ValueError("measures is empty; expected at least one name")
    return found


def _known(label: str, asked: Any) -> Measure:
    if isinstance(asked, tuple) and len(asked) == 2 and isinstance(asked[0], str):
        name, params = asked
    else:
        name, params = label, asked
    choice("measures", name, MEASURES)
    if not isinstance(params, Mapping):
        raise TypeError(
            f"measures[{label!r}] is {describe(asked)}; expected parameters, (name, parameters) or a Measure"
        )
    measure = MEASURES[name]
    accepted = list(inspect.signature(measure.compute).parameters.values())[1:]
    known = [one.name for one in accepted]
    for given in params:
        if given not in known:
            raise TypeError(
                f"measures[{label!r}] has the parameter {given!r}; "
                f"expected {', '.join(known) or 'none'}{did_you_mean(given, known)}"
            )
    if missing := [one.name for one in accepted if one.default is one.empty and one.name not in params]:
        raise ValueError(
            f"measures[{label!r}] has no {missing[0]}, which has no default; "
            f"expected {{{label!r}: {{{missing[0]!r}: ...}}}}"
        )
    return dataclasses.replace(measure, params={**measure.params, **params})
