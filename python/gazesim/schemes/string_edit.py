"""StringEdit: Levenshtein distance or longest common subsequence of labelled fixations."""

from __future__ import annotations

import hashlib
from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from numbers import Integral
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from .. import _core
from .._errors import choice, describe, screen
from ..scanpaths import Scanpaths
from .base import Csr, Pair
from .features import Features
from .measure import ScanpathMeasure, cells_of, grid_shape, refuse_long


@dataclass(frozen=True)
class StringEdit(ScanpathMeasure):
    """String edit similarity or sequence score: fixations as labels, compared in their order.

    Labels are the cells of a grid over the screen (points outside take the border cell), or with
    ``grid=None`` the caller's own: areas of interest, clusters, classes of a segmentation.
    ``"levenshtein"``: 1 - (insertions, deletions and substitutions) / max(n, m), all at a cost of 1 and
    without transpositions. ``"lcs"``: the longest common subsequence / max(n, m), which is the sequence
    score of COCO-Search18 (Needleman-Wunsch with match 1, mismatch 0, gap 0).
    Raw numbers: :func:`gazesim.string_edit_distance`, :func:`gazesim.sequence_score`.

    Parameters
    ----------
    kind
        ``"levenshtein"`` or ``"lcs"``.
    screen_size
        (width, height) in pixels; default: that of the scanpaths. Not used with labels.
    grid
        (columns, rows) of the grid; None where gazes are labels: a string, whose characters are the labels,
        or a list of strings or whole numbers for each gaze.

    Examples
    --------
    >>> from gazesim import StringEdit
    >>> StringEdit(grid=None).features(["ABBC", "ABC"]).affinity()
    array([[1.  , 0.75],
           [0.75, 1.  ]], dtype=float32)
    >>> a, b = [[10, 10, 0.2], [50, 10, 0.3]], [[10, 10, 0.2], [90, 10, 0.1]]
    >>> StringEdit(screen_size=(100, 100)).features([a, b]).affinity()
    array([[1. , 0.5],
           [0.5, 1. ]], dtype=float32)
    """

    kind: str = "levenshtein"
    screen_size: tuple[float, float] | None = None
    grid: tuple[int, int] | None = (5, 5)

    lowest_value: ClassVar[float | None] = 0.0

    def __post_init__(self) -> None:
        self._set_fields(
            kind=choice("kind", self.kind, ("levenshtein", "lcs")),
            screen_size=screen("screen_size", self.screen_size),
            grid=None if self.grid is None else grid_shape("grid", self.grid),
        )

    @property
    def needs_screen_size(self) -> bool:
        """Whether fixations are labelled by a grid over the screen; the caller's labels need none."""
        return self.grid is not None

    def features(
        self,
        gazes: Any,
        *,
        ids: Iterable[Hashable] | None = None,
        argument: str = "gazes",
        n_threads: int | None = None,
    ) -> Features:
        """Return the labels of scanpaths, or with ``grid=None`` the given labels, as numbers.

        Labels are numbers in one column: a grid cell is column + columns·row; a given label becomes a number
        that depends only on the label. At most 8,192 labels per gaze. Gaze without a label is kept, as
        invalid. Parameters and errors as for :meth:`Scheme.features`.

        Examples
        --------
        >>> from gazesim import StringEdit
        >>> StringEdit(grid=None).features([["nose", "eye"], []], ids=["a", "b"]).valid
        array([ True, False])
        """
        if self.grid is not None:
            return super().features(gazes, ids=ids, argument=argument, n_threads=n_threads)
        values, offsets = labels_as_numbers(gazes, argument)
        refuse_long(offsets, argument, self.most_fixations)
        return Features.trusted(self, values, offsets, ids)

    def feature_rows(self, paths: Scanpaths, argument: str) -> Pair:
        refuse_long(paths.offsets, argument, self.most_fixations)
        assert self.screen_size is not None
        assert self.grid is not None
        cells = cells_of(paths.values, self.screen_size, self.grid)
        return cells[:, :1] + self.grid[0] * cells[:, 1:], paths.offsets

    def compiled_measure(self) -> dict[str, Any]:
        return {"name": "string_edit", "kind": self.kind}

    def fill_affinity(
        self, rows: Features, other: Features | None, out: NDArray[np.float32], **run: Any
    ) -> None:
        pairs, alphabet = renumbered(*(features for features in (rows, other) if features is not None))
        cols = None if other is None else pairs[1]
        _core.measure_affinity(
            pairs[0], cols, out, measure={**self.compiled_measure(), "alphabet": alphabet}, **run
        )

    def find_neighbors(self, features: Features, search: dict[str, Any]) -> Csr:
        (pair,), alphabet = renumbered(features)
        return _core.measure_neighbors(
            pair, search, measure={**self.compiled_measure(), "alphabet": alphabet}
        )


def renumbered(*sets: Features) -> tuple[list[Pair], int]:
    """Return the labels of all sets renumbered from 0, and the number of different labels."""
    together = np.concatenate([features.values[:, 0] for features in sets])
    known, numbers = np.unique(together, return_inverse=True)
    pairs: list[Pair] = []
    start = 0
    for features in sets:
        assert features.offsets is not None
        stop = start + len(features.values)
        pairs.append((numbers[start:stop, None].astype(np.float64), features.offsets))
        start = stop
    return pairs, len(known)


def labels_as_numbers(gazes: Any, argument: str) -> Pair:
    """Return every label as a number below 2^48 that depends only on the label."""
    if isinstance(gazes, (str, bytes, Scanpaths)) or not isinstance(gazes, Iterable):
        raise TypeError(
            f"{argument} is {describe(gazes)}; expected a list of strings or of lists of labels, or a grid"
        )
    known: dict[tuple[bool, Any], float] = {}
    values: list[float] = []
    offsets = [0]
    for sample, labels in enumerate(gazes):
        if isinstance(labels, bytes) or not isinstance(labels, Iterable):
            raise TypeError(
                f"{argument}: sample {sample} is {describe(labels)}; expected a string or a list of labels"
            )
        for row, label in enumerate(labels):
            whole = isinstance(label, Integral) and not isinstance(label, bool)
            if not whole and not isinstance(label, str):
                raise TypeError(
                    f"{argument}: sample {sample}, row {row} is {describe(label)}; expected a string or a "
                    "whole number as the label"
                )
            key = (whole, int(label) if whole else str(label))
            if key not in known:
                digest = hashlib.blake2b(repr(key).encode(), digest_size=6).digest()
                known[key] = float(int.from_bytes(digest, "little"))
            values.append(known[key])
        offsets.append(len(values))
    return np.array(values, np.float64).reshape(-1, 1), np.array(offsets, np.int64)
