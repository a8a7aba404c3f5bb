"""What a configuration says of gaze: which scheme, from what, and which pairs become positives."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

import torch

from ..._errors import integer, number
from ...torch.distributed import gather_ids_at, world_size
from ...torch.ids import Ids, id_codes
from ...torch.pairs import PairMask

__all__ = ["PairSettings", "Ramp"]


@dataclass(frozen=True)
class Ramp:
    """A number that changes linearly over epochs, and then stays.

    Parameters
    ----------
    start, end
        Its value in epoch 0, and from epoch ``epochs`` on.
    epochs
        At least 1.

    Examples
    --------
    >>> from gazesim.train import Ramp
    >>> [Ramp(0.9, 0.7, epochs=2)(epoch) for epoch in (0, 1, 5)]
    [0.9, 0.8, 0.7]
    """

    start: float
    end: float
    epochs: int

    def __post_init__(self) -> None:
        number("start", self.start, low=0.0, high=1.0)
        number("end", self.end, low=0.0, high=1.0)
        integer("epochs", self.epochs, low=1, high=10**9)

    def __call__(self, epoch: int) -> float:
        """Return the value in an epoch."""
        share = min(epoch / self.epochs, 1.0)
        return (1 - share) * self.start + share * self.end


class GazeData(Protocol):
    """What is asked of a data module."""

    def gaze_source(self, scheme: str, cache: str | None = None, **params: Any) -> Any:
        """Return what a PairMask looks affinities up in."""


@dataclass(frozen=True)
class PairSettings:
    """Positive pairs by gaze (McGIP): the affinity scheme and the choice of pairs.

    Parameters
    ----------
    scheme
        "moments", "multimatch", "dhash" or "tima".
    params
        Parameters of the scheme, by name.
    cache
        A folder of :class:`gazesim.AffinityCache`; default: affinities are computed from the gaze of
        the training images, when they are asked for.
    threshold, confidence
        As in :class:`gazesim.torch.PairMask`: numbers, or a :class:`Ramp` over epochs.
    top_k, quantile, weighting, unknown
        As in :class:`gazesim.torch.PairMask`.

    Examples
    --------
    >>> from gazesim.train import PairSettings
    >>> mask = PairSettings(threshold=0.5).mask(([[1.0, 0.6], [0.6, 1.0]], ["a", "b"]))
    >>> mask(["b", "a"]).int().tolist()
    [[1, 1], [1, 1]]
    """

    scheme: str = "moments"
    params: dict[str, Any] = field(default_factory=dict)
    cache: str | None = None
    threshold: float | Ramp | None = 0.7
    top_k: int | None = None
    quantile: float | None = None
    confidence: float | Ramp = 1.0
    weighting: str = "binary"
    unknown: str = "self"

    def mask(self, source: Any) -> PairMask:
        """Return the PairMask over a source of affinities."""
        return PairMask(
            source,
            threshold=self.threshold,
            confidence=self.confidence,
            top_k=self.top_k,
            quantile=self.quantile,
            weighting=self.weighting,
            unknown=self.unknown,
        )

    def mask_from(self, data: Any) -> PairMask:
        """Return the PairMask over the gaze of a data module."""
        ask: Callable[..., Any] | None = getattr(data, "gaze_source", None)
        if ask is None:
            raise ValueError(
                "pairs needs the gaze of the images; expected a data module with gaze_source(), such as "
                "gazesim.train.GazeData, or a PairMask as pairs"
            )
        return self.mask(ask(self.scheme, cache=self.cache, **self.params))


class Weighed(NamedTuple):
    """The weights of a batch, and what they come to."""

    #: None: every image is a positive of itself alone.
    weights: torch.Tensor | None
    #: The mean over rows: the image's own other view, and the weights of other images.
    per_row: torch.Tensor | None


class Positives:
    """The weights W of a batch, on this rank, against the batch of all ranks or against a queue."""

    def __init__(self, mask: PairMask | None) -> None:
        self.mask = mask
        self._data: weakref.ref[Any] | None = None

    def __getstate__(self) -> dict[str, Any]:
        return {"mask": self.mask, "_data": None}

    def take(self, settings: PairSettings, data: Any) -> None:
        """Pick by the gaze of a data module, which is asked once."""
        if self._data is None or self._data() is not data:
            self.mask = settings.mask_from(data)
            self._data = weakref.ref(data)

    def within(self, ids: Ids, device: torch.device) -> Weighed:
        """Return W (N, N of all ranks)."""
        if self.mask is None:
            return Weighed(None, None)
        own = id_codes(ids)
        if world_size() == 1:
            return _weighed(self.mask(ids, device=device), own, own)
        # The whole matrix, so that "the k most similar" is a question to the whole batch.
        codes, start = gather_ids_at(own)
        return _weighed(self.mask(codes, device=device)[start : start + len(own)], own, codes)

    def against(self, ids: Ids, queued: torch.Tensor) -> Weighed:
        """Return W (N, K) over the ids of a queue."""
        if self.mask is None:
            return Weighed(None, None)
        return _weighed(self.mask(ids, queued), id_codes(ids), queued)


def _weighed(weights: torch.Tensor, rows: torch.Tensor, columns: torch.Tensor) -> Weighed:
    """Count the positives; the weight of an image with itself is 1, wherever and however often it occurs."""
    known = rows.to(columns.device).sort().values
    itself = torch.searchsorted(known, columns, right=True) - torch.searchsorted(known, columns)
    others = (weights.sum() - itself.sum().to(weights.device)) / len(rows)
    return Weighed(weights, 1 + others)
