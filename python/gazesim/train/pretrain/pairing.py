"""The weights of the positive pairs of a batch, from the gaze of a data module."""

from __future__ import annotations

import weakref
from typing import Any, NamedTuple, Protocol

import torch

from ...torch.distributed import gather_ids_at, world_size
from ...torch.ids import Ids, id_codes
from ...torch.pairs import PairMask
from .settings import PairSettings

__all__ = ["PairWeights", "Positives"]


class GazeData(Protocol):
    """A data module with gaze."""

    def gaze_source(self, scheme: str, cache: str | None = None, **params: Any) -> Any:
        """Return the source of affinities for a PairMask."""


class PairWeights(NamedTuple):
    """The weights W of a batch, and the mean weight per row."""

    #: None: every image is a positive only of itself.
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
        """Choose positives by the gaze of a data module, which is read once."""
        if self._data is None or self._data() is not data:
            self.mask = settings.mask_from(data)
            self._data = weakref.ref(data)

    def within(self, ids: Ids, device: torch.device) -> PairWeights:
        """Return W (N, N of all ranks)."""
        if self.mask is None:
            return PairWeights(None, None)
        own = id_codes(ids)
        if world_size() == 1:
            return _pair_weights(self.mask(ids, device=device), own, own)
        # The whole matrix, so that "the k most similar" refers to the whole batch.
        codes, start = gather_ids_at(own)
        return _pair_weights(self.mask(codes, device=device)[start : start + len(own)], own, codes)

    def against(self, ids: Ids, queued: torch.Tensor) -> PairWeights:
        """Return W (N, K) over the ids of a queue."""
        if self.mask is None:
            return PairWeights(None, None)
        return _pair_weights(self.mask(ids, queued), id_codes(ids), queued)


def _pair_weights(weights: torch.Tensor, rows: torch.Tensor, columns: torch.Tensor) -> PairWeights:
    """Return weights with the mean per row, in which the weights of an image with itself are left out."""
    if weights.is_floating_point():  # in soft targets an image's own weight is not 1
        same = rows.to(columns.device)[:, None] == columns
        return PairWeights(weights, 1 + weights.masked_fill(same.to(weights.device), 0).sum() / len(rows))
    known = rows.to(columns.device).sort().values
    itself = torch.searchsorted(known, columns, right=True) - torch.searchsorted(known, columns)
    others = (weights.sum() - itself.sum().to(weights.device)) / len(rows)
    return PairWeights(weights, 1 + others)
