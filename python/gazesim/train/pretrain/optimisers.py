"""Optimisers and learning-rate schedules."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..._errors import choice, describe, number, numbers

if TYPE_CHECKING:
    import torch
    from torch import nn

__all__ = ["OptimizerSettings"]

NAMES = ("adam", "adamw", "sgd", "lars")
SCHEDULES = ("cosine", "constant")
BETAS = (0.9, 0.999)


@dataclass(frozen=True)
class OptimizerSettings:
    """An optimiser and its learning-rate schedule.

    Parameters
    ----------
    name
        "adam", "adamw", "sgd" or "lars".
    learning_rate
        The highest learning rate, at least 0. It is taken as it is, whatever the batch size.
    weight_decay
        At least 0; for "adam" and "sgd" it is part of the gradient.
    decay_all
        Whether biases and normalisation layers have weight decay as well.
    momentum
        0 to 1, of "sgd" and "lars" alone.
    betas
        Two numbers of at least 0 and below 1, of "adam" and "adamw" alone: how slowly the means of gradients
        and of their squares change.
    schedule
        "cosine" falls to ``final_share`` of the learning rate in the last step; "constant" stays.
    warmup_epochs
        The learning rate first rises linearly, step by step, for this many epochs.
    final_share
        Where "cosine" ends, as a share of the learning rate, 0 to 1.

    Examples
    --------
    >>> from gazesim.train import OptimizerSettings
    >>> OptimizerSettings("adam", learning_rate=2e-5, schedule="constant").decay_all
    False
    """

    name: str = "adamw"
    learning_rate: float = 1e-3
    weight_decay: float = 1e-4
    decay_all: bool = False
    momentum: float = 0.9
    betas: tuple[float, float] = BETAS
    schedule: str = "cosine"
    warmup_epochs: float = 0.0
    final_share: float = 0.0

    def __post_init__(self) -> None:
        choice("optimizer", self.name, NAMES)
        choice("schedule", self.schedule, SCHEDULES)
        number("learning_rate", self.learning_rate, low=0.0)
        number("weight_decay", self.weight_decay, low=0.0)
        number("momentum", self.momentum, low=0.0, high=1.0)
        number("warmup_epochs", self.warmup_epochs, low=0.0)
        number("final_share", self.final_share, low=0.0, high=1.0)
        if self.name in ("adam", "adamw") and self.momentum != 0.9:
            raise ValueError(
                f'momentum is {self.momentum:g}, which {self.name} has no use for; expected "sgd" or "lars"'
            )
        betas = numbers("betas", self.betas, 2)
        if max(betas) >= 1:
            raise ValueError(f"betas is {describe(self.betas)}; expected two numbers below 1")
        object.__setattr__(self, "betas", betas)
        if self.name not in ("adam", "adamw") and betas != BETAS:
            raise ValueError(
                f"betas is {describe(self.betas)}, which {self.name} has no use for; expected "
                '"adam" or "adamw"'
            )
        if self.schedule == "constant" and self.final_share:
            raise ValueError(
                f'final_share is {self.final_share:g}, which the schedule "constant" has no use for; '
                'expected "cosine"'
            )

    def optimizer(self, module: nn.Module) -> torch.optim.Optimizer:
        """Return the optimiser of a module's trainable parameters."""
        import torch
        from lightly.models.utils import get_weight_decay_parameters
        from lightly.utils.lars import LARS

        decayed, spared = get_weight_decay_parameters([module], self.decay_all, self.decay_all)
        groups = [
            {"params": [p for p in decayed if p.requires_grad], "weight_decay": self.weight_decay},
            {"params": [p for p in spared if p.requires_grad], "weight_decay": 0.0},
        ]
        groups = [group for group in groups if group["params"]]
        if self.name == "adam":
            return torch.optim.Adam(groups, lr=self.learning_rate, betas=self.betas)
        if self.name == "adamw":
            return torch.optim.AdamW(groups, lr=self.learning_rate, betas=self.betas)
        kind = torch.optim.SGD if self.name == "sgd" else LARS
        return kind(groups, lr=self.learning_rate, momentum=self.momentum)

    def scheduler(
        self, optimizer: torch.optim.Optimizer, steps: float, steps_per_epoch: float
    ) -> torch.optim.lr_scheduler.LambdaLR:
        """Return the learning-rate schedule of a training with ``steps`` steps in all."""
        import torch
        from lightly.utils.scheduler import cosine_warmup_schedule

        if self.schedule == "cosine" and not math.isfinite(steps):
            raise ValueError(
                'schedule is "cosine" but the training has no known end; expected max_epochs or max_steps'
            )
        warmup = self._warmup_steps(steps, steps_per_epoch)

        def share(step: int) -> float:
            if self.schedule == "constant":
                return min((step + 1) / warmup, 1.0) if warmup else 1.0
            # It is at its end after the last step, and the scheduler asks for that one, too.
            at, total = min(step, int(steps)), int(steps) + 1
            return float(cosine_warmup_schedule(at, total, 1.0, self.final_share, warmup, 0.0))

        return torch.optim.lr_scheduler.LambdaLR(optimizer, share)

    def _warmup_steps(self, steps: float, steps_per_epoch: float) -> int:
        if not self.warmup_epochs:
            return 0
        warmup = self.warmup_epochs * steps_per_epoch
        if not math.isfinite(warmup):
            raise ValueError(
                f"warmup_epochs is {self.warmup_epochs:g} but the length of an epoch is not known; expected 0"
            )
        if round(warmup) > steps:
            raise ValueError(
                f"warmup_epochs is {self.warmup_epochs:g}, which are {round(warmup)} steps of a training of "
                f"{steps:g}; expected fewer"
            )
        return round(warmup)


def momentum_at(step: int, steps: float, start: float, end: float) -> float:
    """Return the momentum of the momentum encoder at a step: half a cosine from start to end."""
    if start == end or not math.isfinite(steps):
        return start
    share: Any = (1 + math.cos(math.pi * min(step / max(steps, 1), 1.0))) / 2
    return float(end - (end - start) * share)
