"""Settings of the evaluation protocols: plain values, for whose checks torch is not needed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ..._errors import choice, integer, number

__all__ = [
    "FineTuneSettings",
    "GradientProbeSettings",
    "KnnSettings",
    "ProbeSettings",
    "SegmentationSettings",
]

OPTIMISERS = ("adam", "adamw", "sgd")


@dataclass(frozen=True)
class ProbeSettings:
    """How a linear probe is fitted.

    Parameters
    ----------
    l2
        The penalty λ in Σ cross-entropy + λ/2 ‖W‖², scikit-learn's 1/C; the intercept is free.
        Features are standardised before, so that λ does not depend on their scale.
    candidates
        The values of λ to try if there are validation samples. The one with the lowest cross-entropy on
        them takes the place of ``l2``; of equally good ones, the one nearest to ``l2``.
    batch_size
        Images at a time through the network.

    Examples
    --------
    >>> from gazesim.train import ProbeSettings
    >>> ProbeSettings(candidates=(0.1, 1.0, 10.0)).l2
    1.0
    """

    l2: float = 1.0
    candidates: tuple[float, ...] = (0.01, 0.1, 1.0, 10.0, 100.0, 1000.0)
    batch_size: int = 128

    def __post_init__(self) -> None:
        number("l2", self.l2, low=0.0, open_low=True)
        if not len(self.candidates):
            raise ValueError("candidates is empty; expected penalties to choose from")
        for position, candidate in enumerate(self.candidates):
            number(f"candidates[{position}]", candidate, low=0.0, open_low=True)
        integer("batch_size", self.batch_size, low=1, high=10**6)


@dataclass(frozen=True)
class GradientProbeSettings:
    """How Adam trains a linear layer on frozen features, as in the papers.

    Parameters
    ----------
    epochs
        How often all labelled images are seen; 10 (INbreast) and 20 (Tufts) in McGIP.
    learning_rate
        Learning rate of Adam, constant; 2e-5 in McGIP.
    weight_decay
        Weight decay of Adam.
    batch_size
        Images per step.

    Examples
    --------
    >>> from gazesim.train import GradientProbeSettings
    >>> GradientProbeSettings(epochs=20).learning_rate
    2e-05
    """

    epochs: int = 10
    learning_rate: float = 2e-5
    weight_decay: float = 0.0
    batch_size: int = 32

    def __post_init__(self) -> None:
        integer("epochs", self.epochs, low=1, high=10**6)
        number("learning_rate", self.learning_rate, low=0.0, open_low=True)
        number("weight_decay", self.weight_decay, low=0.0)
        integer("batch_size", self.batch_size, low=1, high=10**6)


@dataclass(frozen=True)
class FineTuneSettings:
    """How a network is fine-tuned.

    Parameters
    ----------
    epochs
        How often all labelled images are seen; 10 (INbreast) and 20 (Tufts) in McGIP.
    min_steps
        The least number of steps: with few labels, there are more epochs until it is reached. 0, as in
        the papers: ``epochs`` alone decides.
    batch_size
        Images per step, at least 2: batch norm needs them.
    optimiser
        "adam", "adamw" or "sgd" (Nesterov momentum 0.9).
    learning_rate, head_learning_rate
        Of the network, and of the new layer (default: the same). Both fall to 0 along a cosine.
    weight_decay
        Of the optimiser.
    horizontal_flip, vertical_flip
        Probabilities of augmentation. Set both to 0 where the side matters.
    crop_scale
        The least share of the image's area that a random crop keeps; 1: no crop.
    class_weights
        "balanced" gives every class the same weight in the loss, however rare it is.
    precision
        As for ``lightning.Trainer``: "32-true", "bf16-mixed", ...
    num_workers
        Processes that read images. The result does not depend on their number.

    Examples
    --------
    >>> from gazesim.train import FineTuneSettings
    >>> settings = FineTuneSettings(epochs=10, min_steps=0, class_weights="balanced")
    >>> settings.batch_size
    32
    """

    epochs: int = 20
    min_steps: int = 100
    batch_size: int = 32
    optimiser: Literal["adam", "adamw", "sgd"] = "adamw"
    learning_rate: float = 1e-3
    head_learning_rate: float | None = None
    weight_decay: float = 1e-4
    horizontal_flip: float = 0.5
    vertical_flip: float = 0.5
    crop_scale: float = 1.0
    class_weights: Literal["none", "balanced"] = "none"
    precision: str = "32-true"
    num_workers: int = 0

    def __post_init__(self) -> None:
        integer("epochs", self.epochs, low=1, high=10**6)
        integer("min_steps", self.min_steps, low=0, high=10**9)
        integer("batch_size", self.batch_size, low=2, high=10**6)
        choice("optimiser", self.optimiser, OPTIMISERS)
        number("learning_rate", self.learning_rate, low=0.0, open_low=True)
        if self.head_learning_rate is not None:
            number("head_learning_rate", self.head_learning_rate, low=0.0, open_low=True)
        number("weight_decay", self.weight_decay, low=0.0)
        number("horizontal_flip", self.horizontal_flip, low=0.0, high=1.0)
        number("vertical_flip", self.vertical_flip, low=0.0, high=1.0)
        number("crop_scale", self.crop_scale, low=0.0, high=1.0, open_low=True)
        integer("num_workers", self.num_workers, low=0, high=1024)
        choice("class_weights", self.class_weights, ("none", "balanced"))


@dataclass(frozen=True)
class KnnSettings:
    """How many neighbours vote in the k-NN probe, and with which weights.

    Parameters
    ----------
    k
        Neighbours by cosine similarity, at least 1; with fewer labelled images, all of them vote.
    temperature
        Above 0: a neighbour of similarity s votes with weight exp(s / temperature).
    """

    k: int = 20
    temperature: float = 0.07

    def __post_init__(self) -> None:
        integer("k", self.k, low=1, high=10**7)
        number("temperature", self.temperature, low=0.0, open_low=True)


@dataclass(frozen=True)
class SegmentationSettings:
    """How a segmentation probe is fitted.

    Parameters
    ----------
    l2
        The penalty λ in mean cross-entropy over cells + λ/2 ‖w‖²; the intercept is free. Features are
        standardised before.
    batch_size
        Images at a time through the network.

    Examples
    --------
    >>> from gazesim.train import SegmentationSettings
    >>> SegmentationSettings(l2=0.1).l2
    0.1
    """

    l2: float = 1e-3
    batch_size: int = 64

    def __post_init__(self) -> None:
        number("l2", self.l2, low=0.0, open_low=True)
        integer("batch_size", self.batch_size, low=1, high=10**6)
