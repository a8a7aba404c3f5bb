"""Settings of pre-training: plain values, for whose checks torch is not needed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from ..._errors import choice, describe, integer, number, switch
from ...pair_rules import POSITIVES, REDUCTIONS, require_rule, temperature_for
from ...reading.features import READERS
from .gaze_settings import GazeTargetSettings, check_gaze_target

if TYPE_CHECKING:
    from torch import nn

    from ...torch.pairs import PairMask

__all__ = [
    "FRAMEWORKS",
    "LABELS",
    "HeadSettings",
    "MoCoSettings",
    "PairSettings",
    "Ramp",
    "check_model",
    "momentum_range",
]

FRAMEWORKS = ("byol", "moco", "simsiam", "simclr", "gaze")

#: In place of a scheme: labels make the pairs, not gaze.
LABELS = "labels"

#: Momentum of the momentum encoder at the start and at the end, as published.
MOMENTUM = {"byol": (0.996, 1.0), "moco": (0.999, 0.999)}

TEMPERATURE = {"moco": 0.2, "simclr": 0.5}

QUEUE_SIZE = 4096

#: The optional settings that each framework uses.
USES: dict[str, set[str]] = {
    "gaze": set(),
    "byol": {"momentum", "momentum_end", "heads.predictor_hidden"},
    "moco": {"temperature", "queue_size", "momentum", "momentum_end", "moco"},
    "simsiam": {"heads.predictor_hidden"},
    "simclr": {"temperature"},
}


@dataclass(frozen=True)
class Ramp:
    """A number that changes linearly over epochs and is constant afterwards.

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


@dataclass(frozen=True)
class PairSettings:
    """Positive pairs by gaze (McGIP): the affinity scheme and the choice of pairs.

    Parameters
    ----------
    scheme
        "moments" (default), "multimatch", "dhash", "tima" or another one by name; or "labels": images of one
        class are positives, whatever their gaze (McGIP's Table 4); then no rule is needed.
    params
        Parameters of the scheme, by name.
    cache
        A folder of :class:`gazesim.AffinityCache`, in place of a scheme: the cache has its own. Default:
        affinities are computed from the gaze of the training images, when they are asked for.
    threshold
        Pairs of at least this affinity, 0 to 1, are positives: a number, or a :class:`Ramp` over epochs. One
        of ``threshold``, ``top_k`` and ``quantile`` has to be chosen: ``gazesim inspect`` shows how many
        positives each gives.
    top_k
        Instead: the k most similar other images of the batch (or queue) are positives.
    quantile
        Instead: pairs above this quantile of the affinities, 0 to 1, are positives.
    confidence
        The share of the positives that is used, drawn anew at each step: 0 to 1, or a :class:`Ramp`.
    weighting
        What a positive weighs: "binary" (1), "affinity" (its affinity) or "softmax" (soft targets: the
        softmax of a row's affinities).
    temperature
        Of the softmax; default 0.1.
    unknown
        What an image without gaze is: "self" (positive of itself alone) or "raise" (an error).
    reduce
        Where several people read an image: the "mean" (default) or the "max" over all pairs of readers, or
        "pool", one map of all readers for schemes that compare maps. A cache has its own.

    Raises
    ------
    ValueError
        Without a rule, for a scheme, its parameters or ``reduce`` beside a cache, for parameters of
        "labels", and for a temperature that the weighting does not use.

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
    reduce: str | None = None

    def __post_init__(self) -> None:
        if self.reduce is not None:
            choice("reduce", self.reduce, READERS)
        for name, value in (("scheme", self.scheme), ("params", self.params), ("reduce", self.reduce)):
            if self.cache is not None and value:
                raise ValueError(
                    f"{name} is {describe(value)} beside the cache {self.cache}, which was made by a scheme "
                    f"and parameters of its own; expected no {name}, or no cache"
                )
        if self.scheme == LABELS and self.params:
            raise ValueError(
                f"params is {describe(self.params)} beside labels, which have none; expected none"
            )
        temperature_for(self.weighting, self.temperature)
        require_rule(self._threshold, self.top_k, self.quantile, self.weighting)

    @property
    def _threshold(self) -> float | Ramp | None:
        """The threshold; of labels, where nothing is chosen, that of equal ones."""
        is_chosen = self.threshold is not None or self.top_k is not None or self.quantile is not None
        return 1.0 if self.scheme == LABELS and not is_chosen else self.threshold

    def mask(self, source: Any) -> PairMask:
        """Return the PairMask over a source of affinities."""
        from ...torch.pairs import PairMask

        return PairMask(
            source,
            threshold=self._threshold,
            confidence=self.confidence,
            top_k=self.top_k,
            quantile=self.quantile,
            weighting=self.weighting,
            temperature=self.temperature,
            unknown=self.unknown,
        )

    def mask_from(self, data: Any) -> PairMask:
        """Return the PairMask over the gaze of a data module."""
        wanted = "label_source" if self.scheme == LABELS else "gaze_source"
        ask: Callable[..., Any] | None = getattr(data, wanted, None)
        if ask is None:
            what = "labels" if self.scheme == LABELS else "gaze"
            raise ValueError(
                f"pairs needs the {what} of the images; expected a data module with {wanted}(), such as "
                "gazesim.train.GazeData, or a PairMask as pairs"
            )
        if self.scheme == LABELS:
            return self.mask(ask())
        more = {} if self.reduce is None else {"reduce": self.reduce}
        return self.mask(ask(self.scheme or "moments", cache=self.cache, **more, **self.params))


@dataclass(frozen=True)
class MoCoSettings:
    """Which keys are MoCo's positives, and how several of them share the loss of a row.

    By default positives are fresh: they come from the keys of the batch, and older keys of the same image are
    left out. McGIP's form (equation 4 with labels [1, W] over the queue) is ``MoCoSettings.mcgip()``, or
    ``positive_keys: queue`` in a configuration. In short trainings on a phantom it loses against MoCo without
    gaze even if positives are chosen by label, and the default gains (``benchmarks/NOTES.md``).

    Parameters
    ----------
    own_keys
        How older keys of the same image in the queue count: as ``"positive"`` (McGIP's form), as
        ``"negative"`` (as in MoCo, which does not know the images), or not at all: ``"mask"`` leaves them
        out of the row's softmax. Default: ``"negative"`` without ``pairs``; with ``pairs`` ``"mask"`` if
        positives come from the batch, else ``"positive"``.
    positive_keys
        Where the positives of other images come from: ``"batch"`` (default), the keys of this batch, while
        the whole queue is negative, ``"queue"`` (McGIP's form, and the default where older keys of the same
        image are positives), or ``"both"``. With ``"batch"`` and ``"both"`` the batch's keys join the
        softmax. Without ``pairs`` there are none.
    positives, reduction
        As in :class:`gazesim.torch.InfoNCEPairLoss`.

    Examples
    --------
    >>> from gazesim.train import Contrastive, MoCoSettings
    >>> moco = MoCoSettings(own_keys="mask", positives="inside")
    >>> model = Contrastive("moco", "resnet10-narrow", channels=1, queue_size=64, moco=moco)
    """

    own_keys: str | None = None
    positive_keys: str | None = None
    positives: str = "outside"
    reduction: str = "pairs"

    def __post_init__(self) -> None:
        if self.own_keys is not None:
            choice("own_keys", self.own_keys, ("positive", "negative", "mask"))
        if self.positive_keys is not None:
            choice("positive_keys", self.positive_keys, ("queue", "batch", "both"))
        if self.own_keys == "positive" and self.positive_keys == "batch":
            raise ValueError(
                "own_keys is 'positive' and positive_keys 'batch': older keys of an image are in the queue, "
                "where none is positive then; expected own_keys 'mask' or 'negative', or positive_keys 'both'"
            )
        choice("positives", self.positives, POSITIVES)
        choice("reduction", self.reduction, REDUCTIONS)

    @classmethod
    def mcgip(cls) -> MoCoSettings:
        """Return McGIP's form, as its paper writes it: positives in the queue, with older keys of the image.

        Examples
        --------
        >>> from gazesim.train import MoCoSettings
        >>> MoCoSettings.mcgip().positive_keys
        'queue'
        """
        return cls(own_keys="positive", positive_keys="queue")

    def resolved(self, has_pairs: bool) -> MoCoSettings:
        """Return the settings without None, for a training with or without ``pairs``.

        Examples
        --------
        >>> from gazesim.train import MoCoSettings
        >>> found = MoCoSettings().resolved(has_pairs=True)
        >>> found.positive_keys, found.own_keys
        ('batch', 'mask')
        """
        is_fresh = has_pairs and self.own_keys != "positive"
        keys = self.positive_keys or ("batch" if is_fresh else "queue")
        own = "negative" if not has_pairs else "mask" if keys == "batch" else "positive"
        return replace(self, own_keys=self.own_keys or own, positive_keys=keys)


@dataclass(frozen=True)
class HeadSettings:
    """Sizes of the layers on top of the backbone. None: as in the framework's paper.

    Parameters
    ----------
    hidden
        Width of the projector's hidden layer (BYOL 4096, SimSiam 2048, MoCo and SimCLR the length of
        the features).
    dim
        Length of an embedding (BYOL 256, SimSiam 2048, MoCo and SimCLR 128).
    predictor_hidden
        Width of the predictor's hidden layer (BYOL 4096, SimSiam 512).
    projector_norm
        Whether a batch norm without scale and shift ends the projector. SimSiam's projector has one in
        any case. Short runs of BYOL collapse without it.

    Examples
    --------
    >>> from gazesim.train import Contrastive, HeadSettings
    >>> heads = HeadSettings(hidden=64, dim=32, projector_norm=True)
    >>> model = Contrastive("simclr", "resnet10-narrow", channels=1, heads=heads)
    """

    hidden: int | None = None
    dim: int | None = None
    predictor_hidden: int | None = None
    projector_norm: bool = False

    def __post_init__(self) -> None:
        for name in ("hidden", "dim", "predictor_hidden"):
            if getattr(self, name) is not None:
                integer(name, getattr(self, name), low=1, high=2**20)

    def with_final_norm(self, projector: nn.Module, dim: int) -> nn.Module:
        """Return the projector, with a batch norm at its end if ``projector_norm``."""
        from torch import nn

        return (
            nn.Sequential(projector, nn.BatchNorm1d(dim, affine=False)) if self.projector_norm else projector
        )


def refuse_unused(framework: str, **given: object) -> None:
    """Raise ValueError for a setting that the framework does not use."""
    for name, value in given.items():
        name = name.replace("__", ".")
        if value is not None and name not in USES.get(framework, {name}):
            raise ValueError(f"{name} is {value}, which {framework} has no use for; expected None")


def check_model(
    framework: str,
    backbone: Any,
    *,
    dim: int | None,
    heads: HeadSettings | None,
    temperature: float | None,
    queue_size: int | None,
    momentum: float | None,
    momentum_end: float | None,
    moco: MoCoSettings | None = None,
    has_pairs: bool = True,
    gaze_target: GazeTargetSettings | None = None,
    gaze_pool: bool = False,
) -> None:
    """Raise for errors of a model that do not depend on its data, including options without effect."""
    choice("framework", framework, FRAMEWORKS)
    check_gaze_target(framework, gaze_target, has_pairs=has_pairs, has_heads=heads is not None)
    if switch("gaze_pool", gaze_pool) and framework == "gaze":
        raise ValueError("gaze_pool is True, and the framework gaze has no loss on features; expected False")
    if temperature is not None:
        number("temperature", temperature, low=0.0, open_low=True)
    if queue_size is not None:
        integer("queue_size", queue_size, low=1, high=2**31 - 1)
    momentum_range(framework, momentum, momentum_end)
    refuse_unused(
        framework,
        temperature=temperature,
        queue_size=queue_size,
        momentum=momentum,
        momentum_end=momentum_end,
        moco=moco,
        heads__predictor_hidden=None if heads is None else heads.predictor_hidden,
    )
    if moco is not None and moco.positive_keys not in (None, "queue") and not has_pairs:
        raise ValueError(
            f"moco.positive_keys is {moco.positive_keys!r} without pairs, which make the positives; "
            'expected pairs, or "queue"'
        )
    if isinstance(backbone, str) and dim is not None:
        raise ValueError(
            f"dim is {dim} beside the backbone {backbone!r}, whose features have a length of their own; "
            "expected no dim, or a module as backbone"
        )


def momentum_range(framework: str, start: float | None, end: float | None) -> tuple[float, float]:
    """Return the momentum of the momentum encoder at the start and at the end of training."""
    default = MOMENTUM.get(framework, (0.0, 0.0))
    if start is None:
        start, end = default[0], default[1] if end is None else end
    end = start if end is None else end
    return (
        number("momentum", start, low=0.0, high=1.0),
        number("momentum_end", end, low=0.0, high=1.0),
    )
