"""The frameworks BYOL, SimSiam, MoCo v2, SimCLR, and gaze alone. Heads are lightly's.

Each is a module with a backbone that returns the loss of a batch and updates its momentum encoder or
queue after each step of the optimiser. The positives decide whether gaze is used.
"""

from __future__ import annotations

import copy
import warnings
from dataclasses import dataclass

import torch
from lightly.models.modules import heads
from lightly.models.utils import batch_shuffle, batch_unshuffle, deactivate_requires_grad, update_momentum
from torch import nn

from ..._errors import choice
from ...torch import CosinePairLoss, GazeQueue, InfoNCEPairLoss, NTXentPairLoss
from ...torch.distributed import gather_at, world_size
from ...torch.ids import Ids
from .gaze_head import GazeHead
from .pairing import PairWeights, Positives
from .settings import FRAMEWORKS, QUEUE_SIZE, TEMPERATURE, HeadSettings, MoCoSettings

__all__ = ["Framework", "Step", "make_framework"]


@dataclass(frozen=True)
class Step:
    """The loss of a batch, its features, embeddings and pair weights."""

    loss: torch.Tensor
    #: (N, D) of the backbone, first view.
    features: torch.Tensor
    #: (N, dim) of the projector, first view.
    embeddings: torch.Tensor
    #: W over the columns that can be positive.
    pair_weights: PairWeights
    #: The loss of the predicted gaze before weighting; weighted, it is part of ``loss``.
    gaze_loss: torch.Tensor | None = None
    #: With ``balance="gradient"``: at this weight its gradient is as long as the framework's.
    gaze_scale: torch.Tensor | None = None


class Framework(nn.Module):
    """Base class of the frameworks."""

    backbone: nn.Module
    gaze_head: GazeHead | None

    def __init__(self) -> None:
        super().__init__()
        self.gaze_head = None

    def step(self, x0: torch.Tensor, x1: torch.Tensor, ids: Ids, positives: Positives) -> Step:
        """Return the loss of a batch of two views."""
        raise NotImplementedError

    def after_step(self, momentum: float) -> None:
        """Update momentum encoder and queue after a step of the optimiser."""


class BYOL(Framework):
    """BYOL (Grill et al., 2020): predict the momentum encoder's projection of the other view."""

    def __init__(self, backbone: nn.Module, features: int, sizes: HeadSettings) -> None:
        super().__init__()
        hidden, dim = sizes.hidden or 4096, sizes.dim or 256
        self.backbone = backbone
        self.projector = sizes.with_final_norm(heads.BYOLProjectionHead(features, hidden, dim), dim)
        self.predictor = heads.BYOLPredictionHead(dim, sizes.predictor_hidden or 4096, dim)
        self.target = _frozen(backbone, self.projector)
        self.loss = CosinePairLoss(gather_distributed=True)

    def step(self, x0: torch.Tensor, x1: torch.Tensor, ids: Ids, positives: Positives) -> Step:
        """Return the average of both directions."""
        h0, h1 = self.backbone(x0), self.backbone(x1)
        z0, z1 = self.projector(h0), self.projector(h1)
        with torch.no_grad():
            t0, t1 = self.target(x0), self.target(x1)
        pair_weights = positives.within(ids, x0.device)
        first = self.loss(self.predictor(z0), t1, pair_weights.weights)
        second = self.loss(self.predictor(z1), t0, pair_weights.weights)
        return Step((first + second) / 2, h0, z0, pair_weights)

    def after_step(self, momentum: float) -> None:
        """Update the momentum encoder."""
        _update_target(self.target, self.backbone, self.projector, momentum)


class SimSiam(Framework):
    """SimSiam (Chen and He, 2021): BYOL without a momentum encoder."""

    def __init__(self, backbone: nn.Module, features: int, sizes: HeadSettings) -> None:
        super().__init__()
        hidden, dim = sizes.hidden or 2048, sizes.dim or 2048
        self.backbone = backbone
        self.projector = heads.SimSiamProjectionHead(features, hidden, dim)
        self.predictor = heads.SimSiamPredictionHead(dim, sizes.predictor_hidden or 512, dim)
        self.loss = CosinePairLoss(gather_distributed=True)

    def step(self, x0: torch.Tensor, x1: torch.Tensor, ids: Ids, positives: Positives) -> Step:
        """Return the average of both directions."""
        h0, h1 = self.backbone(x0), self.backbone(x1)
        z0, z1 = self.projector(h0), self.projector(h1)
        pair_weights = positives.within(ids, x0.device)
        first = self.loss(self.predictor(z0), z1, pair_weights.weights)
        second = self.loss(self.predictor(z1), z0, pair_weights.weights)
        return Step((first + second) / 2, h0, z0, pair_weights)


class SimCLR(Framework):
    """NT-Xent among the two views of all images of a batch."""

    def __init__(self, backbone: nn.Module, features: int, sizes: HeadSettings, temperature: float) -> None:
        super().__init__()
        hidden, dim = sizes.hidden or features, sizes.dim or 128
        self.backbone = backbone
        self.projector = sizes.with_final_norm(heads.SimCLRProjectionHead(features, hidden, dim), dim)
        self.loss = NTXentPairLoss(temperature, gather_distributed=True)

    def step(self, x0: torch.Tensor, x1: torch.Tensor, ids: Ids, positives: Positives) -> Step:
        """Return NT-Xent."""
        h0, h1 = self.backbone(x0), self.backbone(x1)
        z0, z1 = self.projector(h0), self.projector(h1)
        pair_weights = positives.within(ids, x0.device)
        return Step(self.loss(z0, z1, pair_weights.weights), h0, z0, pair_weights)


class GazeAlone(Framework):
    """The gaze target without a contrastive loss: only the gaze head has a loss."""

    def __init__(self, backbone: nn.Module) -> None:
        super().__init__()
        self.backbone = backbone

    def step(self, x0: torch.Tensor, x1: torch.Tensor, ids: Ids, positives: Positives) -> Step:
        """Run the backbone on both views, and return a loss of 0; embeddings are the features."""
        h0 = self.backbone(x0)
        self.backbone(x1)
        return Step(h0.new_zeros(()), h0, h0, PairWeights(None, None))


class MoCo(Framework):
    """MoCo v2 (Chen et al., 2020): InfoNCE with a queue of keys of the momentum encoder."""

    def __init__(
        self,
        backbone: nn.Module,
        features: int,
        sizes: HeadSettings,
        temperature: float,
        queue_size: int,
        settings: MoCoSettings,
    ) -> None:
        super().__init__()
        hidden, dim = sizes.hidden or features, sizes.dim or 128
        self.backbone = backbone
        self.projector = sizes.with_final_norm(heads.MoCoProjectionHead(features, hidden, dim), dim)
        self.target = _frozen(backbone, self.projector)
        self.queue = GazeQueue(queue_size, dim)
        self.settings = settings
        self.loss = InfoNCEPairLoss(
            temperature,
            positives=settings.positives,
            reduction=settings.reduction,
            gather_distributed=True,
        )
        self._waiting: list[tuple[torch.Tensor, Ids]] = []
        self._has_warned = False

    def step(self, x0: torch.Tensor, x1: torch.Tensor, ids: Ids, positives: Positives) -> Step:
        """Return InfoNCE over the queue, and over the batch where its keys are positives."""
        h = self.backbone(x0)
        q = self.projector(h)
        k = self._keys(x1)
        settings = self.settings.resolved(has_pairs=positives.mask is not None)
        pair_weights, ignore = self._against_queue(ids, positives, settings.own_keys)
        keys, weights = self.queue.keys, pair_weights.weights
        if settings.positive_keys != "queue":
            pair_weights, keys, ignore = self._with_batch(k, ids, positives, pair_weights, ignore)
            weights = pair_weights.weights
        loss = self.loss(q, k, queue=keys, weights=weights, ignore=ignore)
        if torch.is_grad_enabled():
            # Enqueued after the step: all batches whose gradients are accumulated see the same queue.
            self._wait(k, ids)
        if settings.positive_keys == "batch" and weights is not None:
            # Told of the batch alone: beside a long queue of negatives any share of positives would be small.
            pair_weights = pair_weights._replace(weights=weights[:, : len(keys) - len(self.queue.keys)])
        return Step(loss, h, q, pair_weights)

    def _against_queue(
        self, ids: Ids, positives: Positives, own_keys: str | None
    ) -> tuple[PairWeights, torch.Tensor | None]:
        """Return W over the queue, and a mask of keys that are left out of the softmax."""
        pair_weights = positives.against(ids, self.queue.ids)
        own, weights = self.queue.own_keys(ids), pair_weights.weights
        if own_keys == "mask":
            return pair_weights, own
        if own_keys == "negative":
            return pair_weights if weights is None else pair_weights._replace(
                weights=weights.masked_fill(own, 0)
            ), None
        filled = own if weights is None else weights.masked_fill(own & (weights == 0), 1)
        return pair_weights._replace(weights=filled), None

    def _with_batch(
        self,
        k: torch.Tensor,
        ids: Ids,
        positives: Positives,
        queued: PairWeights,
        ignore: torch.Tensor | None,
    ) -> tuple[PairWeights, torch.Tensor, torch.Tensor]:
        """Return W over the keys of batch and queue, these keys, and a mask of those that are left out."""
        keys, start = gather_at(k)
        batch = positives.within(ids, k.device)
        assert batch.weights is not None
        assert queued.weights is not None
        own = torch.zeros_like(batch.weights, dtype=torch.bool)
        rows = torch.arange(len(k), device=own.device)
        own[rows, rows + start] = True  # an image's own key is there already, as k
        beyond = queued.weights
        if self.settings.positive_keys != "both":
            beyond = torch.zeros_like(beyond)
        left_out = torch.zeros_like(beyond, dtype=torch.bool) if ignore is None else ignore
        weights = torch.cat([batch.weights.masked_fill(own, 0), beyond.to(own.device)], dim=1)
        per_row = batch.per_row
        if self.settings.positive_keys == "both":
            assert per_row is not None
            assert queued.per_row is not None
            per_row = per_row + queued.per_row - 1
        everything = torch.cat([keys.to(self.queue.keys), self.queue.keys])
        ignore = torch.cat([own, left_out.to(own.device)], dim=1)
        return PairWeights(weights, per_row), everything, ignore

    def _wait(self, keys: torch.Tensor, ids: Ids) -> None:
        self._waiting.append((keys.detach(), ids))
        batch = max(1, len(self._waiting[0][0]) * world_size())
        most = len(self.queue.keys) // batch + 2
        if len(self._waiting) > most:  # the queue would lose the oldest ones at once
            del self._waiting[:-most]
            if not self._has_warned:
                self._has_warned = True
                warnings.warn(
                    f"the keys of {most} batches wait for after_step(), more than the queue of "
                    f"{len(self.queue.keys)} holds, and the oldest are dropped; expected after_step() after "
                    "each step of the optimiser, or a longer queue",
                    stacklevel=2,
                )

    def after_step(self, momentum: float) -> None:
        """Enqueue the keys and update the momentum encoder."""
        for keys, ids in self._waiting:
            self.queue.enqueue(keys, ids)
        self._waiting.clear()
        _update_target(self.target, self.backbone, self.projector, momentum)

    @torch.no_grad()
    def _keys(self, images: torch.Tensor) -> torch.Tensor:
        """Return keys; images are shuffled over ranks, so that batch norm leaks no information on pairs."""
        if world_size() == 1 or not _has_own_statistics(self.target):
            keys: torch.Tensor = self.target(images)
            return keys
        shuffled, order = batch_shuffle(images, distributed=True)
        unshuffled: torch.Tensor = batch_unshuffle(self.target(shuffled), order, distributed=True)
        return unshuffled


def make_framework(
    name: str,
    backbone: nn.Module,
    sizes: HeadSettings,
    temperature: float | None,
    queue_size: int | None,
    moco: MoCoSettings | None = None,
) -> Framework:
    """Return a framework by name around a backbone that has ``.dim``."""
    choice("framework", name, FRAMEWORKS)
    features = int(backbone.dim)  # type: ignore[arg-type]
    temperature = TEMPERATURE.get(name, 0.2) if temperature is None else temperature
    if name == "gaze":
        return GazeAlone(backbone)
    if name == "byol":
        return BYOL(backbone, features, sizes)
    if name == "simsiam":
        return SimSiam(backbone, features, sizes)
    if name == "simclr":
        return SimCLR(backbone, features, sizes, temperature)
    return MoCo(backbone, features, sizes, temperature, queue_size or QUEUE_SIZE, moco or MoCoSettings())


def _frozen(backbone: nn.Module, projector: nn.Module) -> nn.Sequential:
    """Return a copy without gradients."""
    copied = copy.deepcopy(nn.Sequential(backbone, projector))
    deactivate_requires_grad(copied)
    return copied


def _update_target(target: nn.Sequential, backbone: nn.Module, projector: nn.Module, momentum: float) -> None:
    for slow, fast in zip(target, (backbone, projector), strict=True):
        if any(True for _ in fast.parameters()):
            update_momentum(fast, slow, m=momentum)


def _has_own_statistics(net: nn.Module) -> bool:
    norms = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)
    return any(isinstance(part, norms) for part in net.modules())
