"""Settings of the gaze target: plain values, for whose checks torch is not needed."""

from __future__ import annotations

from dataclasses import dataclass

from ..._errors import choice, describe, integer, number
from ...pair_rules import GAZE_LOSSES

__all__ = ["GazeTargetSettings"]

#: Weight of the target beside a contrastive loss, where it is fixed. With 2, the contrastive loss dominates.
WEIGHT = 20.0

BALANCES = ("fixed", "gradient")
#: The loss of pairs of cells, which predicts no map.
CELLS = "cells"


@dataclass(frozen=True)
class GazeTargetSettings:
    """The gaze target: the backbone learns to predict the gaze map of each view from a feature map.

    A 1x1 convolution on a feature map gives a logit per cell. It is compared with the gaze map under the same
    crop and flips, divided by its maximum over the whole image and averaged to the cells. Images without gaze
    do not count. Holes, masks and tones change the view alone, so a network has to predict gaze behind holes.

    Parameters
    ----------
    weight
        Factor of the target's loss before it is added to the framework's, at least 0. Default: 1, on the
        scale of ``balance``; 20 for ``balance="fixed"`` beside another loss.
    loss
        "bce", "kl", "mse" or "nss", as in :class:`gazesim.torch.GazeTargetLoss`; or "cells": the 1x1
        convolution gives an embedding of 64 numbers per cell instead, and cells of different images that were
        looked at are positive pairs (:class:`gazesim.torch.CellPairLoss`). It predicts no map.
    stage
        The module of the backbone whose output is read, by its name in ``named_modules()``, such as
        "maps.layer3" of a ResNet or "encoder.layers.encoder_layer_5" of a ViT, whose patch tokens are the
        cells. Default: the last output that has several places.
    start
        The epoch from which on the target counts; 0 is the first.
    ramp
        The weight rises linearly over this many epochs from ``start`` on; 0: at once.
    min_concentration
        Maps that are less concentrated than this do not count, 0 to 1. The concentration is 1 − entropy / log
        (number of pixels): 0 for a map that is equal everywhere, 1 for a single pixel. It is meant for
        predicted maps, such as those of ``gazesim predict-gaze``. Default 0: all maps count.
    balance
        What the weight is a factor on: "fixed", the target's loss as it is; or "gradient", a scale that is
        chosen anew at every step, so that the gradients of the two losses at the feature maps of ``stage``
        have equal norms over the whole batch. With weight 2 the target's gradient is then twice as long as
        the framework's. The scale is 0 in a batch without gaze. It is logged as "gaze_scale" and is part of
        "loss", whose values then do not compare; "gaze_loss" is without it. It costs a second backward pass
        through what comes after ``stage``. Default: "gradient", which was best beside SimCLR on the seeds
        that chose it; "fixed" where a weight is given, and for the framework "gaze", which has no other loss.

    Examples
    --------
    >>> from gazesim.train import Contrastive, GazeTargetSettings
    >>> target = GazeTargetSettings(weight=20, ramp=4)
    >>> [target.weight_at(epoch, "simclr") for epoch in (0, 2, 9)]
    [4.0, 12.0, 20.0]
    >>> model = Contrastive("simclr", "resnet10-narrow", channels=1, gaze_target=target)
    >>> GazeTargetSettings().balance_beside("simclr"), target.balance_beside("simclr")
    ('gradient', 'fixed')
    """

    weight: float | None = None
    loss: str = "bce"
    stage: str | None = None
    start: int = 0
    ramp: int = 0
    min_concentration: float = 0.0
    balance: str | None = None

    def __post_init__(self) -> None:
        if self.weight is not None:
            number("weight", self.weight, low=0.0)
        choice("loss", self.loss, (*GAZE_LOSSES, CELLS))
        if self.stage is not None and (not isinstance(self.stage, str) or not self.stage):
            raise TypeError(f"stage is {describe(self.stage)}; expected the name of a module, or None")
        integer("start", self.start, low=0, high=10**9)
        integer("ramp", self.ramp, low=0, high=10**9)
        number("min_concentration", self.min_concentration, low=0.0, high=1.0)
        if self.balance is not None:
            choice("balance", self.balance, BALANCES)

    def balance_beside(self, framework: str) -> str:
        """Return the balance beside a framework: as given, or the default."""
        if self.balance is not None:
            return self.balance
        return "fixed" if framework == "gaze" or self.weight is not None else "gradient"

    def weight_at(self, epoch: int, framework: str) -> float:
        """Return the weight in an epoch."""
        is_one = framework == "gaze" or self.balance_beside(framework) == "gradient"
        full = self.weight if self.weight is not None else 1.0 if is_one else WEIGHT
        if epoch < self.start:
            return 0.0
        return full * min((epoch - self.start + 1) / (self.ramp + 1), 1.0)


def check_gaze_target(
    framework: str, target: GazeTargetSettings | None, *, has_pairs: bool, has_heads: bool
) -> None:
    """Raise for settings that contradict the framework "gaze", which has only the target."""
    if framework != "gaze":
        return
    for name, is_given in (("pairs", has_pairs), ("heads", has_heads)):
        if is_given:
            raise ValueError(f"{name} is given, which gaze has no use for; expected None")
    if target is not None and target.start:
        raise ValueError(
            f"gaze_target.start is {target.start}, and the framework gaze learns nothing before; expected 0"
        )
    if target is not None and target.weight == 0:
        raise ValueError(
            "gaze_target.weight is 0, and the framework gaze has no other loss; expected above 0"
        )
    if target is not None and target.balance_beside(framework) != "fixed":
        raise ValueError(
            f"gaze_target.balance is {target.balance!r}, and the framework gaze has no other loss to balance "
            "the target against; expected 'fixed'"
        )
