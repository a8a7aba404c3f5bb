"""Contrastive pre-training with gaze: one module for BYOL, MoCo v2, SimSiam and SimCLR."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import lightning
import torch
from torch import nn

from ..._errors import describe, integer, number
from ...torch.ids import Ids
from ...torch.pairs import PairMask
from ..lightning_tools import RandomStream
from .backbones import as_backbone
from .finite import FiniteLoss
from .frameworks import MOMENTUM, HeadSettings, MoCoSettings, Step, make_framework, refuse_useless
from .monitor import CollapseMonitor
from .optimisers import OptimizerSettings, momentum_at
from .pairing import PairSettings, Positives

__all__ = ["Contrastive"]

Batch = tuple[torch.Tensor, torch.Tensor, Ids]


class Contrastive(lightning.LightningModule):
    """Pre-train a backbone on two views of every image, with positives picked by gaze or without.

    Views are the data module's business: batches are ``(x0, x1, ids)``, two float32 tensors
    (N, C, H, W) and the ids of the N images. Mixed precision, accumulation of gradients and several
    devices are the Trainer's; losses, pairs and queue then span all devices.

    Parameters
    ----------
    framework
        "byol", "moco" (v2), "simsiam" or "simclr".
    backbone
        A name for :func:`make_backbone`, a torchvision ResNet, or any module from images to features
        (N, D).
    channels
        Of the images, for a backbone by name.
    weights
        Of a backbone by name at the start: None (random) or "imagenet".
    dim
        D of a backbone given as a module that has no attribute ``dim``.
    pairs
        Which images are positives of each other: :class:`PairSettings`, for which the data module
        gives the gaze, or a :class:`gazesim.torch.PairMask`. None: the plain framework.
    heads
        Sizes of projector and predictor.
    optimizer
        Optimiser and learning rate.
    temperature
        Of MoCo (default 0.2) and SimCLR (default 0.5).
    queue_size
        Keys in MoCo's queue (default 4096).
    momentum
        Of the slow copy in BYOL (default 0.996, rising to 1) and MoCo (default 0.999, constant).
    momentum_end
        What it has become at the end, along half a cosine; default: a given ``momentum`` stays.
    moco
        Which keys are MoCo's positives, and how several of them share a row's loss.

    Raises
    ------
    ValueError
        Where a temperature, momentum or queue is given that the framework has no use for.
        In training, where the loss of a step is not finite: the message names the step and what was
        not finite. With a GradScaler (16-mixed), which skips such steps and lowers its scale, after 16 of
        them in a row.

    Examples
    --------
    >>> import torch
    >>> from gazesim.train import Contrastive
    >>> model = Contrastive("simsiam", backbone="resnet10-narrow", channels=1)
    >>> model.backbone(torch.rand(2, 1, 64, 64)).shape
    torch.Size([2, 128])
    """

    def __init__(
        self,
        framework: str = "byol",
        backbone: str | nn.Module = "resnet18",
        *,
        channels: int = 3,
        weights: str | None = None,
        dim: int | None = None,
        pairs: PairSettings | PairMask | None = None,
        heads: HeadSettings | None = None,
        optimizer: OptimizerSettings | None = None,
        temperature: float | None = None,
        queue_size: int | None = None,
        momentum: float | None = None,
        momentum_end: float | None = None,
        moco: MoCoSettings | None = None,
    ) -> None:
        super().__init__()
        if pairs is not None and not isinstance(pairs, (PairSettings, PairMask)):
            raise TypeError(
                f"pairs is {describe(pairs)}; expected PairSettings, for which the data module gives the "
                "gaze, a gazesim.torch.PairMask over affinities of your own, or None"
            )
        if temperature is not None:
            number("temperature", temperature, low=0.0, open_low=True)
        if queue_size is not None:
            integer("queue_size", queue_size, low=1, high=2**31 - 1)
        self.momentum = _momentum(framework, momentum, momentum_end)
        refuse_useless(
            framework,
            temperature=temperature,
            queue_size=queue_size,
            momentum=momentum,
            momentum_end=momentum_end,
            moco=moco,
        )
        if moco is not None and moco.positive_keys != "queue" and pairs is None:
            raise ValueError(
                f"moco.positive_keys is {moco.positive_keys!r} without pairs, which make the positives; "
                'expected pairs, or "queue"'
            )
        net = as_backbone(backbone, channels, weights, dim)
        self.framework = make_framework(
            framework, net, heads or HeadSettings(), temperature, queue_size, moco
        )
        self.optimizer_settings = optimizer or OptimizerSettings()
        self.pairs = pairs
        self.positives = Positives(pairs if isinstance(pairs, PairMask) else None)
        self.random = RandomStream()
        self._finite = FiniteLoss()
        #: What a checkpoint says of the module: plain values, so that it loads with weights_only.
        self.about: dict[str, Any] = {
            "framework": framework,
            "backbone": backbone if isinstance(backbone, str) else None,
            "channels": channels,
            "dim": int(net.dim),  # type: ignore[arg-type]
            "pairs": asdict(pairs) if isinstance(pairs, PairSettings) else None,
        }

    @property
    def backbone(self) -> nn.Module:
        """The network from images to features (N, D)."""
        return self.framework.backbone

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Return the features (N, D) of images (N, C, H, W)."""
        features: torch.Tensor = self.backbone(images)
        return features

    def setup(self, stage: str) -> None:
        """Ask the data module for the gaze that the positives are picked by."""
        if stage == "fit" and isinstance(self.pairs, PairSettings):
            self.positives.take(self.pairs, getattr(self.trainer, "datamodule", None))

    def step(self, batch: Batch) -> Step:
        """Return the loss of a batch and what it was made of."""
        x0, x1, ids = _checked(batch)
        mask = self.positives.mask
        if mask is not None and self._trainer is not None and mask.epoch != self.current_epoch:
            mask.set_epoch(self.current_epoch)
        return self.framework.step(x0, x1, ids, self.positives)

    def training_step(self, batch: Batch, _: int = 0) -> dict[str, Any]:
        """Return the loss, and for callbacks the features, embeddings and weights of the batch."""
        step = self.step(batch)
        if self._trainer is not None:
            self._finite.check(self, step, batch)
            size = len(batch[0])
            self.log("loss", step.loss.detach(), sync_dist=True, batch_size=size)
            self.log("learning_rate", self.trainer.optimizers[0].param_groups[0]["lr"], batch_size=size)
        return {
            "loss": step.loss,
            # Lightning divides "loss" by the number of batches whose gradients add up.
            "batch_loss": step.loss.detach(),
            "features": step.features.detach(),
            "embeddings": step.embeddings.detach(),
            "weights": step.weighed.weights,
            "positives": step.weighed.per_row,
        }

    def configure_optimizers(self) -> Any:
        """Return the optimiser, and the course of its learning rate from step to step."""
        if self.trainer.limit_train_batches == 0:
            raise ValueError("limit_train_batches is 0; expected batches to train on")
        optimizer = self.optimizer_settings.optimizer(self.framework)
        scheduler = self.optimizer_settings.scheduler(optimizer, self._steps(), self._steps_per_epoch())
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": scheduler, "interval": "step"}}

    def _steps(self) -> float:
        """Return the steps of the whole training; Lightning says -1 where it does not know."""
        steps = self.trainer.estimated_stepping_batches
        return steps if steps >= 0 else math.inf

    def _steps_per_epoch(self) -> float:
        self.trainer.fit_loop.setup_data()  # only with max_steps alone it has not been done yet
        steps = self.trainer.num_training_batches / self.trainer.accumulate_grad_batches
        return math.ceil(steps) if math.isfinite(steps) else steps

    def optimizer_step(self, *args: Any, **kwargs: Any) -> None:
        """Update the weights, then what follows them: slow copy and queue."""
        super().optimizer_step(*args, **kwargs)
        self.framework.after_step(momentum_at(self.global_step, self._steps(), *self.momentum))

    def configure_callbacks(self) -> list[lightning.Callback]:
        """Watch for collapse; a monitor among the Trainer's callbacks takes its place."""
        own = any(isinstance(callback, CollapseMonitor) for callback in self.trainer.callbacks)  # type: ignore[attr-defined]
        return [] if own else [CollapseMonitor()]

    def on_train_start(self) -> None:
        """Warn of a queue that is longer than the data set."""
        queue, images = getattr(self.framework, "queue", None), self._images()
        if queue is not None and images is not None:
            fate = {"mask": "are left out", "negative": "are its negatives"}
            moco = self.framework.settings
            own = moco.own_keys or ("positive" if self.positives.mask is not None else "negative")
            queue.tell_longer_than(images, fate.get(str(own), "count as its positives"))

    def _images(self) -> int | None:
        """Return how many images an epoch has, where that is known."""
        data = getattr(self.trainer.train_dataloader, "dataset", None)
        return len(data) if hasattr(data, "__len__") else None

    def on_train_batch_start(self, *_: Any) -> None:
        """Draw on from where the last step ended."""
        self.random.enter(self.device)

    def on_train_batch_end(self, *_: Any) -> None:
        """Leave torch's generators as they were before the step."""
        self.random.leave(self.device)

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Add what the backbone is, and where its random numbers have got to."""
        checkpoint["gazesim"] = self.about
        checkpoint["gazesim_random"] = self.random.now(self.device) or {}
        generator = getattr(self.positives.mask, "generator", None)
        if generator is not None:
            checkpoint["gazesim_pairs"] = generator.get_state()

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Go on from there."""
        self.random.states = checkpoint.get("gazesim_random") or None
        generator = getattr(self.positives.mask, "generator", None)
        if generator is not None and "gazesim_pairs" in checkpoint:
            generator.set_state(checkpoint["gazesim_pairs"].cpu())


def _momentum(framework: str, start: float | None, end: float | None) -> tuple[float, float]:
    default = MOMENTUM.get(framework, (0.0, 0.0))
    if start is None:
        start, end = default[0], default[1] if end is None else end
    end = start if end is None else end
    return (
        number("momentum", start, low=0.0, high=1.0),
        number("momentum_end", end, low=0.0, high=1.0),
    )


def _checked(batch: Any) -> Batch:
    """Return the batch if it is two views and ids."""
    if not isinstance(batch, (tuple, list)) or len(batch) != 3 or isinstance(batch, Mapping):
        raise TypeError(f"a batch is {describe(batch)}; expected (x0, x1, ids)")
    x0, x1, ids = batch
    if not all(isinstance(view, torch.Tensor) and view.ndim == 4 for view in (x0, x1)):
        raise TypeError(
            f"a batch starts with {describe(x0)} and {describe(x1)}; expected two tensors (N, C, H, W)"
        )
    if x0.shape != x1.shape or len(ids) != len(x0):
        raise ValueError(
            f"a batch has views of shape {tuple(x0.shape)} and {tuple(x1.shape)} and {len(ids)} ids; "
            "expected equal shapes and an id for each image"
        )
    return x0, x1, ids
