"""What a configuration says of gaze: which scheme, from what, and which pairs become positives."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

import torch

from ..._errors import describe, integer, number
from ...torch.distributed import gather_ids_at, world_size
from ...torch.ids import Ids, id_codes
from ...torch.pairs import PairMask
from ...torch.weighting import require_rule, temperature_for

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
        "moments" (default), "multimatch", "dhash" or "tima".
    params
        Parameters of the scheme, by name.
    cache
        A folder of :class:`gazesim.AffinityCache`, in place of a scheme: the cache has its own. Default:
        affinities are computed from the gaze of the training images, when they are asked for.
    threshold, confidence
        As in :class:`gazesim.torch.PairMask`: numbers, or a :class:`Ramp` over epochs.
    top_k, quantile, weighting, temperature, unknown
        As in :class:`gazesim.torch.PairMask`. One of ``threshold``, ``top_k`` and ``quantile`` has to be
        chosen: ``gazesim inspect`` shows how many positives each gives.

    Raises
    ------
    ValueError
        Without a rule, for a scheme or its parameters beside a cache, and for a temperature that the
        weighting does not use.

    Examples
    --------
    >>> from gazesim.train import PairSettings
    >>> mask = PairSettings(threshold=0.5).mask(([[1.0, 0.6], [0.6, 1.0]], ["a", "b"]))
    >>> mask(["b", "a"]).int().tolist()
    [[1, 1], [1, 1]]
    """

    scheme: str | None = None
    params: dict[str, Any] = field(default_factory=dict)
    cache: str | None = None
    threshold: float | Ramp | None = None
    top_k: int | None = None
    quantile: float | None = None
    confidence: float | Ramp = 1.0
    weighting: str = "binary"
    unknown: str = "self"
    temperature: float | None = None

    def __post_init__(self) -> None:
        for name, value in (("scheme", self.scheme), ("params", self.params)):
            if self.cache is not None and value:
                raise ValueError(
                    f"{name} is {describe(value)} beside the cache {self.cache}, which was made by a scheme "
                    f"and parameters of its own; expected no {name}, or no cache"
                )
        temperature_for(self.weighting, self.temperature)
        require_rule(self.threshold, self.top_k, self.quantile, self.weighting)

    def mask(self, source: Any) -> PairMask:
        """Return the PairMask over a source of affinities."""
        return PairMask(
            source,
            threshold=self.threshold,
            confidence=self.confidence,
            top_k=self.top_k,
            quantile=self.quantile,
            weighting=self.weighting,
            temperature=self.temperature,
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
        return self.mask(ask(self.scheme or "moments", cache=self.cache, **self.params))


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
    """Count the positives without an image's weight with itself, wherever and however often it occurs."""
    if weights.is_floating_point():  # in soft targets an image's own weight is not 1
        same = rows.to(columns.device)[:, None] == columns
        return Weighed(weights, 1 + weights.masked_fill(same.to(weights.device), 0).sum() / len(rows))
    known = rows.to(columns.device).sort().values
    itself = torch.searchsorted(known, columns, right=True) - torch.searchsorted(known, columns)
    others = (weights.sum() - itself.sum().to(weights.device)) / len(rows)
    return Weighed(weights, 1 + others)
