"""Pre-training with gaze: one module for BYOL, MoCo v2, SimSiam, SimCLR, and gaze as the target."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sized
from dataclasses import asdict, replace
from typing import Any

import lightning
import torch
from torch import nn

from ..._errors import describe
from ...torch.ids import Ids
from ...torch.pairs import PairMask
from ..data.loader import ViewMaps
from ..lightning_tools import RandomStream, expect_unused_parameters
from .backbones import as_backbone, take_normalisation
from .finite import FiniteLoss
from .frameworks import MoCo, Step, make_framework
from .gaze_balance import gradient_scale, loss_factor
from .gaze_head import GazeHead
from .gaze_pool import check_pooling, pooled_by_gaze
from .gaze_settings import GazeTargetSettings
from .loss_form import check_form, form_of
from .monitor import CollapseMonitor
from .optimisers import OptimizerSettings, momentum_at
from .pairing import Positives
from .settings import HeadSettings, MoCoSettings, PairSettings, check_model, momentum_range

__all__ = ["Contrastive"]

Batch = tuple[torch.Tensor, torch.Tensor, Ids, ViewMaps | None]


class Contrastive(lightning.LightningModule):
    """Pre-train a backbone on two views of every image, with positives picked by gaze or without.

    The data module makes the views: batches are ``(x0, x1, ids)``, two float32 tensors (N, C, H, W) and the
    ids of the N images; with ``gaze_target`` or ``gaze_pool`` ``(x0, x1, ids, maps)``, where maps are
    :class:`ViewMaps`. The Trainer provides mixed precision, accumulation of gradients and several devices;
    losses, pairs and queue then span all devices.

    Parameters
    ----------
    framework
        "byol", "moco" (v2), "simsiam", "simclr", or "gaze": the gaze target alone.
    backbone
        A name for :func:`make_backbone`, or a module from images to features (N, D) or to maps (N, D, h, w),
        which are averaged. The classifier of a torchvision ResNet or ViT, or of a timm model, is left out.
    channels
        Of the images, for a backbone by name.
    weights
        Of a backbone by name at the start: None (random) or "imagenet".
    dim
        D of a backbone given as a module, where it has no attribute ``dim`` and no convolution.
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
        Of the momentum encoder in BYOL (default 0.996, rising to 1) and MoCo (default 0.999, constant).
    momentum_end
        Its value at the end, reached along half a cosine; default: a given ``momentum`` stays constant.
    moco
        Which keys are MoCo's positives, and how several of them share a row's loss.
    gaze_target
        The backbone also predicts the gaze map of each view (of MoCo's, of the first ones):
        :class:`GazeTargetSettings`. The framework "gaze" does so by itself.
    gaze_pool
        In training, the features of the first views average the last feature map with gaze as the weight of
        its cells; a tenth of the weight is equal for all cells. The features of the second views are plain
        averages, as in evaluation: the plain average learns to agree with the cells that people look at.
        Images without gaze are averaged plainly. Default: False. Not for the framework "gaze".

    Raises
    ------
    ValueError
        For a temperature, momentum or queue that the framework does not use, and for ``gaze_pool`` beside a
        backbone that does not average feature maps, such as a ViT.
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
        gaze_target: GazeTargetSettings | None = None,
        gaze_pool: bool = False,
    ) -> None:
        super().__init__()
        if pairs is not None and not isinstance(pairs, (PairSettings, PairMask)):
            raise TypeError(
                f"pairs is {describe(pairs)}; expected PairSettings, for which the data module gives the "
                "gaze, a gazesim.torch.PairMask over affinities of your own, or None"
            )
        check_model(
            framework,
            backbone,
            dim=dim,
            heads=heads,
            temperature=temperature,
            queue_size=queue_size,
            momentum=momentum,
            momentum_end=momentum_end,
            moco=moco,
            has_pairs=pairs is not None,
            gaze_target=gaze_target,
            gaze_pool=gaze_pool,
        )
        self.momentum = momentum_range(framework, momentum, momentum_end)
        net = as_backbone(backbone, channels, weights, dim)
        self.gaze_pool = gaze_pool
        if gaze_pool:
            check_pooling(net)
        self.framework = make_framework(
            framework, net, heads or HeadSettings(), temperature, queue_size, moco
        )
        #: None without a gaze target.
        self.gaze_target = GazeTargetSettings() if framework == "gaze" and not gaze_target else gaze_target
        if self.gaze_target is not None:
            # Made last: the weights before it are those of the same seed without a target.
            self.framework.gaze_head = GazeHead(net, self.gaze_target)
        self.optimizer_settings = optimizer or OptimizerSettings()
        self.pairs = pairs
        self.positives = Positives(pairs if isinstance(pairs, PairMask) else None)
        self.random = RandomStream()
        self._finite = FiniteLoss()
        self._resumed_epoch: dict[str, int] | None = None
        self._normalisation: tuple[tuple[float, ...], tuple[float, ...]] | None = None
        #: The description of the module in checkpoints: plain values, so that they load with weights_only.
        self.about: dict[str, Any] = {
            "framework": framework,
            "backbone": backbone if isinstance(backbone, str) else None,
            "channels": channels,
            "dim": int(net.dim),  # type: ignore[arg-type]
            "pairs": asdict(pairs) if isinstance(pairs, PairSettings) else None,
            "gaze_target": None if self.gaze_target is None else asdict(self.gaze_target),
            "gaze_pool": gaze_pool,
            "form": form_of(framework, moco, self.gaze_target, has_pairs=pairs is not None),
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
        """Take normalisation from the data module, and the gaze by which positives are chosen."""
        if stage != "fit":
            return
        if self.trainer.precision == "64-true":
            # Lightning restores a checkpoint before it converts the module: float32 would round the weights.
            self.double()
        if self.about["framework"] == "gaze":
            # Nothing learns in the layers behind the stage that the head reads.
            expect_unused_parameters(self.trainer)
        data = getattr(self.trainer, "datamodule", None)
        self._take_normalisation(data)
        carry = getattr(data, "carry_gaze_maps", None)
        if carry is not None:
            least = 0.0 if self.gaze_pool else None
            carry(least if self.gaze_target is None else self.gaze_target.min_concentration)
        if isinstance(self.pairs, PairSettings):
            self.positives.take(self.pairs, data)

    def _take_normalisation(self, data: Any) -> None:
        """Let the backbone normalise images as the data would, once."""
        hand_over = getattr(data, "hand_over_normalisation", None)
        found = None if hand_over is None else hand_over()
        if self._normalisation is not None and found is not None and found != self._normalisation:
            raise ValueError(
                f"the data normalises views by {found}, and the backbone has learnt with "
                f"{self._normalisation}; expected equal mean and std"
            )
        if found is not None and self._normalisation is None:
            take_normalisation(self.framework, self.backbone, *found)
            self._normalisation = found

    def step(self, batch: Batch) -> Step:
        """Return the loss of a batch with its features, embeddings and pair weights."""
        x0, x1, ids, maps = _checked(batch)
        mask = self.positives.mask
        if mask is not None and self._trainer is not None and mask.epoch != self.current_epoch:
            mask.set_epoch(self.current_epoch)
        try:
            if self.gaze_target is None:
                return self._framework_step(x0, x1, ids, maps)
            return self._step_with_gaze(self.gaze_target, x0, x1, ids, maps)
        except RuntimeError as error:
            if wrong := self._wrong_features(x0):
                raise ValueError(wrong) from error
            raise

    def _framework_step(self, x0: torch.Tensor, x1: torch.Tensor, ids: Ids, maps: ViewMaps | None) -> Step:
        """Return the framework's step, with the features of the first views pooled by gaze if asked for."""
        if not self.gaze_pool:
            return self.framework.step(x0, x1, ids, self.positives)
        with pooled_by_gaze(self.backbone, _needed("gaze_pool", maps)):
            return self.framework.step(x0, x1, ids, self.positives)

    def _step_with_gaze(
        self, target: GazeTargetSettings, x0: torch.Tensor, x1: torch.Tensor, ids: Ids, maps: ViewMaps | None
    ) -> Step:
        """Return the framework's step, with the cost of the predicted gaze added."""
        maps = _needed("gaze_target", maps)
        with self.gaze_head.watching(self.backbone) as seen:
            step = self._framework_step(x0, x1, ids, maps)
        cost = self.gaze_head.cost(seen, maps)
        epoch = self.current_epoch if self._trainer is not None else target.start + target.ramp
        framework = str(self.about["framework"])
        weight, scale = target.weight_at(epoch, framework), None
        if target.balance_beside(framework) == "gradient" and weight > 0:
            scale = gradient_scale(step.loss, cost, seen, loss_factor(self._trainer))
        added = weight * cost if scale is None else weight * scale * cost
        return replace(step, loss=step.loss + added, gaze_loss=cost, gaze_scale=scale)

    @property
    def gaze_head(self) -> GazeHead:
        """The head of the gaze target: ``gaze_head.stage`` is the module of the backbone that it reads."""
        head = self.framework.gaze_head
        if head is None:
            # An AttributeError of a property would read as if the property did not exist.
            raise ValueError("there is no gaze head; expected gaze_target, or the framework gaze")
        return head

    def gaze_logits(self, images: torch.Tensor) -> torch.Tensor:
        """Return the logits (N, 1, h, w) of gaze in each cell for images (N, C, H, W), with a gaze target."""
        head = self.gaze_head
        if not head.has_maps:
            raise ValueError("gaze_target.loss is 'cells', which predicts no maps; expected another loss")
        with head.watching(self.backbone) as seen:
            self.backbone(images)
        logits: torch.Tensor = head(seen[0])
        return logits

    def _wrong_features(self, images: torch.Tensor) -> str:
        """Return an error about the features of a batch that failed; empty if their shape is right."""
        try:
            with torch.no_grad():
                shape = tuple(self.backbone(images).shape)
        except RuntimeError:
            return ""  # the error of the batch says it
        if shape == (len(images), self.about["dim"]):
            return ""
        asked = f"expected features (N, D) with D = {self.about['dim']}"
        return f"backbone returned shape {shape} for images of shape {tuple(images.shape)}; {asked}"

    def training_step(self, batch: Batch, _: int = 0) -> dict[str, Any]:
        """Return the loss, and for callbacks the features, embeddings and weights of the batch."""
        step = self.step(batch)
        if self._trainer is not None:
            self._finite.check(self, step, batch)
            size = len(batch[0])
            self.log("loss", step.loss.detach(), sync_dist=True, batch_size=size)
            if step.gaze_loss is not None:
                self.log("gaze_loss", step.gaze_loss.detach(), sync_dist=True, batch_size=size)
            if step.gaze_scale is not None:  # equal on all ranks
                self.log("gaze_scale", step.gaze_scale, batch_size=size)
            self.log("learning_rate", self.trainer.optimizers[0].param_groups[0]["lr"], batch_size=size)
        return {
            "loss": step.loss,
            # Lightning divides "loss" by the number of batches whose gradients add up.
            "batch_loss": step.loss.detach(),
            "features": step.features.detach(),
            "embeddings": step.embeddings.detach(),
            "weights": step.pair_weights.weights,
            "positives": step.pair_weights.per_row,
        }

    def configure_optimizers(self) -> Any:
        """Return the optimiser, and its learning-rate schedule step by step."""
        if self.trainer.limit_train_batches == 0:
            raise ValueError("limit_train_batches is 0; expected batches to train on")
        self._check_resumed()
        optimizer = self.optimizer_settings.optimizer(self.framework)
        scheduler = self.optimizer_settings.scheduler(optimizer, self._steps(), self._steps_per_epoch())
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": scheduler, "interval": "step"}}

    def _epoch(self) -> dict[str, int]:
        """Return what decides which images a step sees, beside the seed: kept in checkpoints."""
        self.trainer.fit_loop.setup_data()  # only with max_steps alone it has not been done yet
        batches = self.trainer.num_training_batches
        found = {"devices": self.trainer.world_size}
        if math.isfinite(batches):
            found["batches per epoch"] = int(batches)
        return found

    def _check_resumed(self) -> None:
        """Refuse to go on where steps would not see the images that are left of the epoch."""
        if self._resumed_epoch is None:
            return
        for name, now in self._epoch().items():
            before = self._resumed_epoch.get(name, now)
            if now != before:
                raise ValueError(f"the training had {before} {name}, and has {now} now")

    def _steps(self) -> float:
        """Return the steps of the whole training; Lightning says -1 where it does not know."""
        steps = self.trainer.estimated_stepping_batches
        return steps if steps >= 0 else math.inf

    def _steps_per_epoch(self) -> float:
        self._epoch()
        steps = self.trainer.num_training_batches / self.trainer.accumulate_grad_batches
        return math.ceil(steps) if math.isfinite(steps) else steps

    def optimizer_step(self, *args: Any, **kwargs: Any) -> None:
        """Update the weights, then momentum encoder and queue."""
        super().optimizer_step(*args, **kwargs)
        self.framework.after_step(momentum_at(self.global_step, self._steps(), *self.momentum))

    def configure_callbacks(self) -> list[lightning.Callback]:
        """Watch for collapse; a monitor among the Trainer's callbacks takes its place."""
        own = any(isinstance(callback, CollapseMonitor) for callback in self.trainer.callbacks)  # type: ignore[attr-defined]
        # Features of gaze alone are not spread by their loss: there is no level to warn at.
        return [] if own or self.about["framework"] == "gaze" else [CollapseMonitor()]

    def on_train_start(self) -> None:
        """Warn of a queue that is longer than the data set."""
        images = self._images()
        if isinstance(self.framework, MoCo) and images is not None:
            fate = {"mask": "are left out", "negative": "are its negatives"}
            moco = self.framework.settings.resolved(has_pairs=self.positives.mask is not None)
            own = fate.get(str(moco.own_keys), "count as its positives")
            self.framework.queue.tell_longer_than(images, own)

    def _images(self) -> int | None:
        """Return how many images an epoch has, where that is known."""
        data = getattr(self.trainer.train_dataloader, "dataset", None)
        return len(data) if isinstance(data, Sized) else None

    def on_train_batch_start(self, *_: Any) -> None:
        """Restore the random states at the end of the last step."""
        self.random.enter(self.device)

    def on_train_batch_end(self, *_: Any) -> None:
        """Restore the states of torch's generators from before the step."""
        self.random.leave(self.device)

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Add the description of the backbone and the states of the random generators."""
        checkpoint["gazesim"] = self.about
        if self._trainer is not None and self.trainer.state.fn == "fit":
            checkpoint["gazesim_epoch"] = self._epoch()
        checkpoint["gazesim_random"] = self.random.now(self.device) or {}
        generator = getattr(self.positives.mask, "generator", None)
        if generator is not None:
            checkpoint["gazesim_pairs"] = generator.get_state()

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Restore what :meth:`on_save_checkpoint` added."""
        check_form(checkpoint.get("gazesim"), self.about)
        self._resumed_epoch = checkpoint.get("gazesim_epoch")
        self.random.states = checkpoint.get("gazesim_random") or None
        generator = getattr(self.positives.mask, "generator", None)
        if generator is not None and "gazesim_pairs" in checkpoint:
            generator.set_state(checkpoint["gazesim_pairs"].cpu())


def _needed(by: str, maps: ViewMaps | None) -> ViewMaps:
    if maps is None:
        raise ValueError(
            f"{by} needs the gaze maps of the views; expected batches (x0, x1, ids, ViewMaps), as "
            "gazesim.train.GazeData makes them when it is asked"
        )
    return maps


def _checked(batch: Any) -> Batch:
    """Return the batch if it is two views and ids, with the maps of the views where it has them."""
    if not isinstance(batch, (tuple, list)) or len(batch) not in (3, 4) or isinstance(batch, Mapping):
        raise TypeError(f"a batch is {describe(batch)}; expected (x0, x1, ids), or (x0, x1, ids, ViewMaps)")
    x0, x1, ids = batch[:3]
    if not all(isinstance(view, torch.Tensor) and view.ndim == 4 for view in (x0, x1)):
        raise TypeError(
            f"a batch starts with {describe(x0)} and {describe(x1)}; expected two tensors (N, C, H, W)"
        )
    if x0.shape != x1.shape or len(ids) != len(x0):
        raise ValueError(
            f"a batch has views of shape {tuple(x0.shape)} and {tuple(x1.shape)} and {len(ids)} ids; "
            "expected equal shapes and an id for each image"
        )
    if len(batch) == 3:
        return x0, x1, ids, None
    maps = ViewMaps(*batch[3])
    if any(one.shape[:1] != x0.shape[:1] for one in maps):
        shapes = ", ".join(str(tuple(one.shape)) for one in maps)
        raise ValueError(
            f"a batch of {len(x0)} images has maps of the shapes {shapes}; expected ({len(x0)}, 1, h, w) "
            f"twice, and ({len(x0)},) for valid"
        )
    return x0, x1, ids, maps
