"""PairMask: choose the positive pairs of a batch by the affinity of their readers' gaze."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from .._errors import choice, integer, number
from ..cache.selection import largest_in_rows
from ..ids import IdIndex, as_positions, listed
from ..pair_rules import require_rule, temperature_for
from . import distributed
from .ids import EMPTY, Codes, Ids, codes_of
from .sources import Bits, Floats, Positions, as_source, is_directed, reaches, read, stored_matrix
from .weighting import JUDGED_IMAGES, Judge, sampled_pairs, soft_targets, threshold_of

__all__ = ["PairMask", "indices_tuple"]

Schedule = float | Callable[[int], float]

UNKNOWN = ("self", "raise")


class PairMask:
    """The weights W of the pairs of a batch, looked up by sample id (McGIP, AAAI 2024).

    ``W[i, j]`` is 1 if the affinity of the two images is at least ``threshold`` and, with ``confidence``
    below 1, the pair is drawn; else 0. An image is always a positive of itself, wherever its id occurs. An
    affinity of 0 (gaze on which the scheme is undefined, pairs that a cache dropped) never makes a
    positive. One of ``threshold``, ``top_k`` and ``quantile`` is required: ``gazesim inspect`` shows how
    many positives each gives. A rule that passes more than 90 % of the pairs, or none, gives one warning.

    Parameters
    ----------
    source
        An AffinityCache, Features, a :class:`DenseSource` or the tuple (matrix, ids), or any
        :class:`gazesim.ids.Source`: ``ids`` and a symmetric ``block(ids_a, ids_b)``. In a matrix that is
        not symmetric, and in a cache of the ``top_k`` of every row, the larger of ``[i, j]`` and
        ``[j, i]`` counts.
    threshold
        The least affinity of positives; a number in [0, 1], or a function of the epoch that returns
        one. The papers' 0.7 passes nearly every pair of some schemes and data sets; ``top_k`` and
        ``quantile`` do not depend on the scheme.
    confidence
        The probability to keep a pair that passes: a number in [0, 1] or a function of the epoch.
        One draw for each unordered pair of images and call.
    top_k
        Keep, of the pairs that pass the threshold, those in which one is among the k most similar
        others of the other one within the batch; for two different lists of ids (a queue), the k
        most similar of every row. Of equal affinities the image that comes first in the source is
        kept.
    quantile
        In place of ``threshold``: that quantile of the affinities of valid pairs in the source,
        seen on at most 2,000 evenly spaced images. A cache and ``gazesim inspect`` have the same
        threshold at the same quantile.
    weighting
        ``"binary"``; ``"affinity"``: W holds the affinities of the pairs that pass; or ``"softmax"``,
        soft targets: row i of W is the softmax over j of affinity(i, j) / ``temperature``, over the
        pairs that pass and the image itself, whose affinity is 1. Rows then add up to 1 over the batch,
        W is not symmetric, and no rule has to be chosen: without one, all pairs with an affinity above
        0 take part. Against a queue, rows add up to 1 over its keys, or to 0 where none is related.
    temperature
        Of the softmax, above 0; default 0.1. Small ones give nearly all weight to the image itself, large
        ones give nearly equal weights to all pairs that pass.
    unknown
        Images without gaze in the source are positives of themselves only (``"self"``; one warning if
        a batch has no others), or an error (``"raise"``, KeyError).
    generator
        The generator of the draws; default: torch's global generator.

    Notes
    -----
    Under ``torch.distributed`` all ranks use the draw of rank 0, so every rank has to call the mask
    where ``confidence`` is below 1, as it has to call the gathers.

    Examples
    --------
    >>> import numpy as np
    >>> from gazesim.torch import PairMask
    >>> affinities = np.array([[1.0, 0.8, 0.1], [0.8, 1.0, 0.7], [0.1, 0.7, 1.0]])
    >>> mask = PairMask((affinities, ["a", "b", "c"]), threshold=0.7)
    >>> mask(["c", "a", "b", "new"]).int()
    tensor([[1, 0, 1, 0],
            [0, 1, 1, 0],
            [1, 1, 1, 0],
            [0, 0, 0, 1]], dtype=torch.int32)
    """

    def __init__(
        self,
        source: Any,
        *,
        threshold: Schedule | None = None,
        confidence: Schedule = 1.0,
        top_k: int | None = None,
        quantile: float | None = None,
        weighting: str = "binary",
        temperature: float | None = None,
        unknown: str = "self",
        generator: torch.Generator | None = None,
    ) -> None:
        self.source = as_source(source)
        self.top_k = None if top_k is None else integer("top_k", top_k, low=1, high=2**31 - 1)
        self.weighting = weighting
        self.temperature = temperature_for(weighting, temperature)
        self.unknown = choice("unknown", unknown, UNKNOWN)
        for name, value in (("threshold", threshold), ("confidence", confidence)):
            if value is not None and not callable(value):
                number(name, value, low=0.0, high=1.0)
        require_rule(threshold, top_k, quantile, weighting)
        self._has_warned = False
        self.generator = generator
        self._positions = Positions(self.source.ids)
        self._index = IdIndex(self.source.ids)
        if quantile is not None:
            threshold = threshold_of(self.source, quantile)
        self._schedules = {"threshold": 0.0 if threshold is None else threshold, "confidence": confidence}
        self._bits: Bits | None = None
        self.set_epoch(0)
        # Without a rule, all pairs take part in the softmax: nothing to warn of.
        self._judge = None if threshold is None and top_k is None else Judge()
        # A source of the user's own may be slow.
        if threshold is not None and not callable(threshold) and hasattr(self.source, "block_at"):
            assert self._judge is not None
            self._judge.data_set(sampled_pairs(self.source, JUDGED_IMAGES), self.threshold)

    @property
    def ids(self) -> tuple[Any, ...]:
        """The ids that the source knows."""
        return self.source.ids

    def block(self, ids_a: Ids, ids_b: Ids | None = None) -> NDArray[np.float32]:
        """Return W for two lists of ids as a float32 array, so that a PairMask can itself be a source."""
        weights: NDArray[np.float32] = self(ids_a, ids_b, device="cpu").numpy().astype(np.float32)
        return weights

    def block_at(self, rows: Any, cols: Any | None = None) -> NDArray[np.float32]:
        """Return W for positions in ``ids``, as :meth:`block` does for ids."""
        first = as_positions(rows, len(self.ids))
        second = None if cols is None else as_positions(cols, len(self.ids))
        names = [self.ids[position] for position in first]
        return self.block(names, None if second is None else [self.ids[position] for position in second])

    def set_epoch(self, epoch: int) -> None:
        """Set the epoch for the schedules of ``threshold`` and ``confidence``."""
        self.epoch = epoch
        self.threshold, self.confidence = (
            number(name, value(epoch) if callable(value) else value, low=0.0, high=1.0)
            for name, value in self._schedules.items()
        )

    def __call__(
        self, ids_a: Ids, ids_b: Ids | None = None, *, device: torch.device | str | None = None
    ) -> torch.Tensor:
        """Return W for the images ``ids_a`` (rows) and ``ids_b`` (columns; default: the same).

        Parameters
        ----------
        ids_a, ids_b
            Ids in a list or an array, or codes (:func:`id_codes`, ``GazeQueue.ids``); they may
            repeat. Empty places of a queue are never positives.
        device
            Where W is put; default: where the codes are, else the CPU.

        Returns
        -------
        Tensor
            (N, M) bool; float32 with ``weighting="affinity"`` or ``"softmax"``. Symmetric without
            ``ids_b``, except for the softmax.
        """
        if device is None:
            tensors = [ids.device for ids in (ids_b, ids_a) if isinstance(ids, torch.Tensor)]
            device = tensors[0] if tensors else "cpu"
        rows = self._side(ids_a)
        columns = rows if ids_b is None else self._side(ids_b)
        weights = self._weights(rows, columns)
        weights = columns.spread(rows.spread(weights, 0), 1)
        if self.temperature is not None:
            weights = soft_targets(weights, self.temperature)
        return torch.from_numpy(weights).to(device, non_blocking=True)

    def _weights(self, rows: _Side, columns: _Side) -> NDArray[Any]:
        """Return the weights of distinct rows and columns."""
        kind: Any = np.bool_ if self.weighting == "binary" else np.float32
        own = np.arange(len(rows.codes))
        if columns is not rows:
            own = _places(rows.codes, columns.codes)
        known = self._known_weights(rows, columns, own)
        if known.shape == (len(rows.codes), len(columns.codes)):
            weights: NDArray[Any] = known.astype(kind, copy=False)
        else:
            weights = np.zeros((len(rows.codes), len(columns.codes)), kind)
            weights[: known.shape[0], : known.shape[1]] = known
        here = np.flatnonzero((own >= 0) & (rows.codes != EMPTY))
        weights[here, own[here]] = 1
        return weights

    def _known_weights(self, rows: _Side, columns: _Side, own: NDArray[np.intp]) -> NDArray[Any]:
        """Return the weights of images that the source knows; those of equal images are set later.

        ``own[i]`` is the column of the same image as row i, -1 if there is none.
        """
        square = columns is rows
        first, second = rows.positions, columns.positions
        if self.top_k is None and self.weighting == "binary" and (bits := self._ready_bits()) is not None:
            passed = bits.block(first, second)
            affinities = None
        else:
            affinities = read(self.source, first, None if square else second)
            passed = reaches(affinities, self.threshold)
        if affinities is not None and self.top_k is not None:
            passed &= _nearest(affinities, first, second, self.top_k)
        if square:
            passed |= passed.T
        if self._judge is not None and (square or EMPTY not in columns.codes):
            self._judge_batch(passed, own[: len(passed)], square)
        if self.confidence < 1:
            self._draw(passed, rows, columns)
        if affinities is None or self.weighting == "binary":
            return passed
        if square:
            affinities = np.maximum(affinities, affinities.T)
        return np.where(passed, affinities, np.float32(0))

    def _judge_batch(self, passed: NDArray[np.bool_], own: NDArray[np.intp], square: bool) -> None:
        assert self._judge is not None
        here = np.flatnonzero((own >= 0) & (own < passed.shape[1]))
        others = np.count_nonzero(passed) - np.count_nonzero(passed[here, own[here]])
        count = passed.size - len(here)
        # A square has every pair twice.
        self._judge.batch(int(others) // (1 + square), count // (1 + square))

    def _ready_bits(self) -> Bits | None:
        if self._bits is None or self._bits.threshold != self.threshold:
            matrix = stored_matrix(self.source)
            if matrix is None or matrix.shape[0] > Bits.MOST:
                return None
            self._bits = Bits(matrix, self.threshold, is_directed(self.source))
        return self._bits

    def _draw(self, passed: NDArray[np.bool_], rows: _Side, columns: _Side) -> None:
        """Drop pairs in place, by a number computed from the key of the call and the two codes of a pair."""
        key = distributed.agree(int(torch.randint(2**63 - 1, (), generator=self.generator)))
        # An eighth of the time of np.nonzero(passed).
        at_row, at_column = np.divmod(np.flatnonzero(passed), max(passed.shape[1], 1))
        numbers = pair_numbers(key, rows.codes[at_row], columns.codes[at_column])
        passed[at_row, at_column] = numbers < self.confidence

    def _side(self, ids: Ids) -> _Side:
        if isinstance(ids, (torch.Tensor, np.ndarray)) and ids.dtype != object:
            codes = codes_of(ids)
            positions = self._positions(codes)
        else:
            ids = listed(ids)
            try:  # if all ids are known, none has to be hashed
                positions = np.fromiter(map(self._index.table.__getitem__, ids), np.int64, len(ids))
                codes = self._positions.codes(positions)
            except (KeyError, TypeError):
                codes = codes_of(ids)
                positions = self._positions(codes)
        if self.unknown == "raise":
            lost = np.flatnonzero((positions < 0) & (codes != EMPTY))
            if len(lost):
                name = _name(ids, int(lost[0]))
                raise KeyError(f"the source has no gaze with the id {name!r}{self._index.hint(name)}")
        side = _side(codes, positions, self._positions)
        if len(side.codes) > 1 and not len(side.positions) and not self._has_warned:
            self._warn_of_unknown(ids, len(codes))
        return side

    def _warn_of_unknown(self, ids: Ids, count: int) -> None:
        self._has_warned = True
        known = f"such as {self.source.ids[0]!r}" if len(self.source.ids) else "of which it has none"
        warnings.warn(
            f"none of {count} images, such as {_name(ids, 0)!r}, has gaze in the source, so that none is "
            f"a positive of another; expected ids of the source, {known}",
            stacklevel=4,
        )

    def __repr__(self) -> str:
        kept = f"threshold={self.threshold:g}, confidence={self.confidence:g}, top_k={self.top_k}"
        return f"PairMask(n={len(self._index)}, {kept}, weighting={self.weighting!r})"


@dataclass(frozen=True)
class _Side:
    """The distinct ids of rows or columns: those the source knows first, in its order."""

    codes: Codes
    positions: Codes  # of the known ones alone
    inverse: NDArray[np.intp] | None  # where each id of the batch is; None: the distinct ones as they are

    def spread(self, weights: NDArray[Any], axis: int) -> NDArray[Any]:
        """Return the weights expanded along ``axis`` to one entry for every id of the batch."""
        if self.inverse is None:
            return weights
        return np.take(weights, self.inverse, axis=axis, mode="clip")


def _side(codes: Codes, positions: Codes, source: Positions) -> _Side:
    is_known = positions >= 0
    everything = bool(is_known.all())
    known, place = _distinct(positions if everything else positions[is_known], len(source))
    if everything:
        names, inverse = source.codes(known), place
    else:
        others, other_place = np.unique(codes[~is_known], return_inverse=True)
        names = np.concatenate([source.codes(known), others])
        inverse = np.empty(len(codes), np.intp)
        inverse[is_known], inverse[~is_known] = place, len(known) + other_place
    are_distinct = len(names) == len(codes) and bool((inverse == np.arange(len(codes))).all())
    return _Side(names, known, None if are_distinct else inverse)


def _distinct(positions: Codes, count: int) -> tuple[Codes, NDArray[np.intp]]:
    """Return the distinct positions in order, and the index of each position in them, without sorting."""
    if 16 * len(positions) < count:
        return np.unique(positions, return_inverse=True)
    marked = np.zeros(count, np.bool_)
    marked[positions] = True
    return np.flatnonzero(marked), (np.cumsum(marked) - 1)[positions]


def _places(wanted: Codes, codes: Codes) -> NDArray[np.intp]:
    """Return the index of each wanted code in distinct codes, -1 if it is not there."""
    places = np.full(len(wanted), -1, np.intp)
    _, here, there = np.intersect1d(wanted, codes, assume_unique=True, return_indices=True)
    places[here] = there
    return places


def _nearest(affinities: Floats, rows: Codes, columns: Codes, count: int) -> NDArray[np.bool_]:
    """Return a mask of the ``count`` most similar others of each row."""
    others = np.where(rows[:, None] == columns, np.float32(0), affinities)
    nearest: NDArray[np.bool_] = largest_in_rows(others, count) & (others > 0)
    return nearest


def pair_numbers(key: int, first: Codes, second: Codes) -> NDArray[np.float64]:
    """Return a number in [0, 1) for every pair of codes, the same for [a, b] and [b, a].

    A hash of the key, the smaller and the larger code (SplitMix64), so a pair's number does not depend on
    its position in the batch nor on the other images.
    """
    low, high = np.minimum(first, second).view(np.uint64), np.maximum(first, second).view(np.uint64)
    mixed = _mixed(_mixed(low ^ np.uint64(key)) + high)
    numbers: NDArray[np.float64] = (mixed >> np.uint64(11)).astype(np.float64) * 2.0**-53
    return numbers


def _mixed(bits: NDArray[np.uint64]) -> NDArray[np.uint64]:
    bits = bits + np.uint64(0x9E3779B97F4A7C15)
    bits = (bits ^ (bits >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    bits = (bits ^ (bits >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return bits ^ (bits >> np.uint64(31))


def _name(ids: Ids, position: int) -> Any:
    name = ids[position] if isinstance(ids, (torch.Tensor, np.ndarray)) else list(ids)[position]
    return name.item() if isinstance(name, (torch.Tensor, np.generic)) else name


def indices_tuple(weights: torch.Tensor, *, views: int = 2) -> tuple[torch.Tensor, ...]:
    """Return W as the pairs that the losses of pytorch-metric-learning take.

    Parameters
    ----------
    weights
        (N, M); a pair with a weight above 0 is positive, any other negative.
    views
        How many views of the N images are stacked in the embeddings: ``loss(torch.cat([z0, z1]),
        indices_tuple=indices_tuple(W))``. No embedding is paired with itself. 0 stands for
        references apart: ``loss(q, ref_emb=k, indices_tuple=indices_tuple(W, views=0))``, W of any
        shape.

    Returns
    -------
    tuple of four Tensors
        anchors and their positives, anchors and their negatives, as int64 indices.

    Examples
    --------
    >>> import torch
    >>> from gazesim.torch import indices_tuple
    >>> [part.tolist() for part in indices_tuple(torch.eye(2))]
    [[0, 1, 2, 3], [2, 3, 0, 1], [0, 0, 1, 1, 2, 2, 3, 3], [1, 3, 0, 2, 1, 3, 0, 2]]
    """
    integer("views", views, low=0, high=1000)
    if weights.ndim != 2 or (views and weights.shape[0] != weights.shape[1]):
        shape = "(N, N)" if views else "(N, M)"
        raise ValueError(f"weights has shape {tuple(weights.shape)}; expected {shape}")
    positive = weights > 0
    negative = ~positive
    if views:
        positive, negative = positive.repeat(views, views), negative.repeat(views, views)
        positive.fill_diagonal_(False)
        negative.fill_diagonal_(False)
    return *positive.nonzero(as_tuple=True), *negative.nonzero(as_tuple=True)
