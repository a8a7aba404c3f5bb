"""What an experiment is: the rows of a table or figure, how each is run, and how it is measured."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..._errors import choice

__all__ = ["BACKBONES", "PLAIN", "Experiment", "Line", "curve"]

#: How a result is drawn.
KINDS = ("table", "epochs", "labels", "options", "maps")
BACKBONES = {"ResNet-18": "resnet18", "ResNet-50": "resnet50", "ResNet-101": "resnet101"}
#: Metrics of Section 9 of the specification, by data set.
METRICS = {"inbreast": ("ACC", "AUC", "M-AUC"), "tufts": ("ACC", "AUC"), "oai": ("ACC", "MAE")}
#: Rows without gaze.
PLAIN: dict[str, Any] = {"model.pairs": None, "model.moco": None}


@dataclass(frozen=True)
class Line:
    """A row of a table, or a curve (or one of its points) of a figure.

    Parameters
    ----------
    labels
        What stands in front of its scores, one entry per column of the head.
    config
        The packaged configuration that is pre-trained; None: nothing is pre-trained.
    options
        Values over those of the configuration, by dotted name.
    baseline
        Without pre-training: "scratch" or "imagenet".
    x
        Where its scores stand in a figure whose axis is an option.
    needs
        An option of the verb without which the line cannot be run, and why.
    """

    labels: tuple[str, ...]
    config: str | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    baseline: str | None = None
    x: float | None = None
    needs: tuple[str, str] | None = None

    @property
    def key(self) -> str:
        """Its name in the table of published numbers."""
        return ", ".join(label for label in self.labels if label)


def curve(
    label: str, sign: str, config: str, option: str, values: Sequence[float], own: Mapping[str, Any]
) -> tuple[Line, ...]:
    """Return the lines of a curve over an option, one per value; ``sign`` stands for it in their labels.

    Examples
    --------
    >>> from gazesim.train.reproduce.experiment import curve
    >>> [line.key for line in curve("BYOL", "t", "demo", "model.pairs.threshold", (0.5, 0.9), {})]
    ['BYOL, t = 0.5', 'BYOL, t = 0.9']
    """
    return tuple(
        Line((label, f"{sign} = {value:g}"), config, {**own, option: value}, x=value) for value in values
    )


@dataclass(frozen=True)
class Experiment:
    """A table or figure of a paper.

    Parameters
    ----------
    name, paper, title
        How it is called, whose it is, and what it shows.
    place, layout
        Where it stands, and what of its rows and columns is known.
    kind
        "table", or what its horizontal axis is: "epochs", "labels", "options"; or "maps".
    preset
        The data set.
    head, lines
        Names of the columns before the scores, and the rows.
    metrics
        The scores, a column each.
    protocol
        Of :func:`gazesim.train.cross_validate`.
    settings
        Of the protocol, by name.
    folds
        Pre-trainings of each line, one per fold; None: the data set has a split of its own.
    fractions
        Shares of the labels, or counts of them.
    epochs
        After which epochs networks are measured; empty: after the last one.
    ordinal
        Whether classes are grades.
    chosen
        What is not as published whatever the options, one sentence each.
    """

    name: str
    paper: str
    title: str
    kind: str
    preset: str
    head: tuple[str, ...]
    lines: tuple[Line, ...]
    protocol: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    folds: int | None = 5
    fractions: tuple[float, ...] = (1.0,)
    epochs: tuple[int, ...] = ()
    ordinal: bool = False
    chosen: tuple[str, ...] = ()
    place: str = ""
    layout: str = ""

    def __post_init__(self) -> None:
        choice("kind", self.kind, KINDS)

    @property
    def metrics(self) -> tuple[str, ...]:
        """The scores, a column each."""
        return METRICS[self.preset]

    @property
    def cells(self) -> int:
        """How many trainings are measured: lines times folds times points."""
        return len(self.lines) * self.runs * max(1, len(self.epochs)) * len(self.fractions)

    @property
    def runs(self) -> int:
        """How many folds are run: one where a picture is drawn of it, all others otherwise."""
        return 1 if self.kind == "maps" else self.folds or 1
