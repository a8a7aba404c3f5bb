"""Four ways to learn from two views: BYOL, SimSiam, MoCo v2, SimCLR. Heads are lightly's.

Each is a module that has a backbone, says what a batch costs, and does something after each step of
the optimiser. With gaze or without is a matter of the positives that it asks for.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass

import torch
from lightly.models.modules import heads
from lightly.models.utils import batch_shuffle, batch_unshuffle, deactivate_requires_grad, update_momentum
from torch import nn

from ..._errors import choice
from ...torch import CosinePairLoss, GazeQueue, InfoNCEPairLoss, NTXentPairLoss
from ...torch.distributed import world_size
from ...torch.ids import Ids
from .pairing import Positives, Weighed
from .settings import FRAMEWORKS, QUEUE_SIZE, TEMPERATURE, HeadSettings

__all__ = ["Framework", "Step", "make_framework"]


@dataclass(frozen=True)
class Step:
    """What a batch costs, and what it looks like."""

    loss: torch.Tensor
    #: (N, D) of the backbone, first view.
    features: torch.Tensor
    #: (N, dim) of the projector, first view.
    embeddings: torch.Tensor
    weighed: Weighed


class Framework(nn.Module):
    """What the four have in common."""

    backbone: nn.Module

    def step(self, x0: torch.Tensor, x1: torch.Tensor, ids: Ids, positives: Positives) -> Step:
        """Return the loss of a batch of two views."""
        raise NotImplementedError

    def after_step(self, momentum: float) -> None:
        """Do what is due after a step of the optimiser."""


class BYOL(Framework):
    """Bootstrap your own latent: predict a slow copy's projection of the other view."""

    def __init__(self, backbone: nn.Module, features: int, sizes: HeadSettings) -> None:
        super().__init__()
        hidden, dim = sizes.hidden or 4096, sizes.dim or 256
        self.backbone = backbone
        self.projector = sizes.ended(heads.BYOLProjectionHead(features, hidden, dim), dim)
        self.predictor = heads.BYOLPredictionHead(dim, sizes.predictor_hidden or 4096, dim)
        self.target = _frozen(backbone, self.projector)
        self.loss = CosinePairLoss(gather_distributed=True)

    def step(self, x0: torch.Tensor, x1: torch.Tensor, ids: Ids, positives: Positives) -> Step:
        """Return the average of both directions."""
        h0, h1 = self.backbone(x0), self.backbone(x1)
        z0, z1 = self.projector(h0), self.projector(h1)
        with torch.no_grad():
            t0, t1 = self.target(x0), self.target(x1)
        weighed = positives.within(ids, x0.device)
        forth = self.loss(self.predictor(z0), t1, weighed.weights)
        back = self.loss(self.predictor(z1), t0, weighed.weights)
        return Step((forth + back) / 2, h0, z0, weighed)

    def after_step(self, momentum: float) -> None:
        """Move the slow copy."""
        _follow(self.target, self.backbone, self.projector, momentum)


class SimSiam(Framework):
    """BYOL without the slow copy."""

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
        weighed = positives.within(ids, x0.device)
        forth = self.loss(self.predictor(z0), z1, weighed.weights)
        back = self.loss(self.predictor(z1), z0, weighed.weights)
        return Step((forth + back) / 2, h0, z0, weighed)


class SimCLR(Framework):
    """NT-Xent among the two views of all images of a batch."""

    def __init__(self, backbone: nn.Module, features: int, sizes: HeadSettings, temperature: float) -> None:
        super().__init__()
        hidden, dim = sizes.hidden or features, sizes.dim or 128
        self.backbone = backbone
        self.projector = sizes.ended(heads.SimCLRProjectionHead(features, hidden, dim), dim)
        self.loss = NTXentPairLoss(temperature, gather_distributed=True)

    def step(self, x0: torch.Tensor, x1: torch.Tensor, ids: Ids, positives: Positives) -> Step:
        """Return NT-Xent."""
        h0, h1 = self.backbone(x0), self.backbone(x1)
        z0, z1 = self.projector(h0), self.projector(h1)
        weighed = positives.within(ids, x0.device)
        return Step(self.loss(z0, z1, weighed.weights), h0, z0, weighed)


class MoCo(Framework):
    """MoCo v2: a slow copy's keys, of this batch and of those before, in a queue."""

    def __init__(
        self,
        backbone: nn.Module,
        features: int,
        sizes: HeadSettings,
        temperature: float,
        queue_size: int,
    ) -> None:
        super().__init__()
        hidden, dim = sizes.hidden or features, sizes.dim or 128
        self.backbone = backbone
        self.projector = sizes.ended(heads.MoCoProjectionHead(features, hidden, dim), dim)
        self.target = _frozen(backbone, self.projector)
        self.queue = GazeQueue(queue_size, dim)
        self.loss = InfoNCEPairLoss(temperature, gather_distributed=True)
        self._waiting: list[tuple[torch.Tensor, Ids]] = []

    def step(self, x0: torch.Tensor, x1: torch.Tensor, ids: Ids, positives: Positives) -> Step:
        """Return InfoNCE over the queue."""
        h = self.backbone(x0)
        q = self.projector(h)
        k = self._keys(x1)
        weighed = positives.against(ids, self.queue.ids)
        loss = self.loss(q, k, queue=self.queue.keys, weights=weighed.weights)
        # Not yet in the queue: batches whose gradients add up to one step see the same queue.
        self._waiting.append((k, ids))
        return Step(loss, h, q, weighed)

    def after_step(self, momentum: float) -> None:
        """Put the keys into the queue, and move the slow copy."""
        for keys, ids in self._waiting:
            self.queue.enqueue(keys, ids)
        self._waiting.clear()
        _follow(self.target, self.backbone, self.projector, momentum)

    @torch.no_grad()
    def _keys(self, images: torch.Tensor) -> torch.Tensor:
        """Return keys; batch norms of several ranks must not tell which images belong together."""
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
) -> Framework:
    """Return a framework by name around a backbone that has ``.dim``."""
    choice("framework", name, FRAMEWORKS)
    features = int(backbone.dim)  # type: ignore[arg-type]
    temperature = TEMPERATURE.get(name, 0.2) if temperature is None else temperature
    if name == "byol":
        return BYOL(backbone, features, sizes)
    if name == "simsiam":
        return SimSiam(backbone, features, sizes)
    if name == "simclr":
        return SimCLR(backbone, features, sizes, temperature)
    return MoCo(backbone, features, sizes, temperature, queue_size or QUEUE_SIZE)


def _frozen(backbone: nn.Module, projector: nn.Module) -> nn.Sequential:
    """Return a copy without gradients."""
    copied = copy.deepcopy(nn.Sequential(backbone, projector))
    deactivate_requires_grad(copied)
    return copied


def _follow(target: nn.Sequential, backbone: nn.Module, projector: nn.Module, momentum: float) -> None:
    for slow, fast in zip(target, (backbone, projector), strict=True):
        if any(True for _ in fast.parameters()):
            update_momentum(fast, slow, m=momentum)


def _has_own_statistics(net: nn.Module) -> bool:
    norms = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)
    return any(isinstance(part, norms) for part in net.modules())
