"""Time a step of pre-training on this machine."""

from __future__ import annotations

import time
from functools import cache
from typing import Any

import lightning
import torch

from ..data.gaze_data import GazeData
from ..data.settings import PhantomSettings
from ..lightning_tools import seeded, silent_trainer, without_advice
from ..pretrain.contrastive import Contrastive

__all__ = ["seconds_per_image"]

#: Images of a timed step without a GPU, and the number of steps, of which the last one is timed.
FEW, STEPS = 2, 2
#: A first step that takes as many seconds is the last one: what it does besides hardly counts.
SLOW_S = 5.0


class _Clock(lightning.Callback):
    def __init__(self) -> None:
        self.started, self.seconds = 0.0, 0.0

    def on_train_batch_start(self, *_: Any) -> None:
        self.started = time.perf_counter()

    def on_train_batch_end(self, trainer: Any, *_: Any) -> None:
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        self.seconds = time.perf_counter() - self.started
        trainer.should_stop = self.seconds >= SLOW_S


@cache
def seconds_per_image(framework: str, backbone: str, size: int, batch_size: int, precision: str) -> float:
    """Return the seconds that a step takes per image: of a whole batch on a GPU, of two images on a CPU.

    On a CPU in single precision: many have no instructions for bfloat16, and would take ten times as long.
    Reading images, their views and the look-up of pairs are not in it: workers do that meanwhile.

    Examples
    --------
    >>> from gazesim.train.reproduce.timing import seconds_per_image
    >>> seconds_per_image("byol", "resnet10-narrow", 32, 4, "32-true") > 0
    True
    """
    count = batch_size if torch.cuda.is_available() else min(batch_size, FEW)
    data = GazeData(
        phantom=PhantomSettings(n_train=STEPS * count, n_test=0, size=32),
        size=size,
        channels=3,
        batch_size=count,
    )
    clock = _Clock()
    with without_advice(), seeded(0):
        queue: dict[str, Any] = {"queue_size": count} if framework == "moco" else {}
        model = Contrastive(framework, backbone, channels=3, **queue)
        precision = precision if torch.cuda.is_available() else "32-true"
        trainer = silent_trainer(max_steps=STEPS, precision=precision, callbacks=[clock])
        trainer.fit(model, datamodule=data)
    return clock.seconds / count
