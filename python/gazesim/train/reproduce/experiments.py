"""The tables and figures of the papers as experiments: which rows, which cells, how each is measured."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from itertools import product
from typing import Any

from ..._errors import choice
from .published import evaluation_values, experiment_words

__all__ = ["EXPERIMENTS", "GROUPS", "Experiment", "Line", "experiment", "names"]

#: How a result is drawn.
KINDS = ("table", "epochs", "labels", "options", "maps")
BACKBONES = {"ResNet-18": "resnet18", "ResNet-50": "resnet50", "ResNet-101": "resnet101"}
FRAMEWORKS = {"MoCo": "moco", "BYOL": "byol", "SimSiam": "simsiam"}
#: Metrics of Section 9 of the specification, by data set.
METRICS = {"inbreast": ("ACC", "AUC", "M-AUC"), "tufts": ("ACC", "AUC"), "oai": ("ACC", "MAE")}
#: Numbers of labels in GCA's fractions of 1, 5, 10 and 20 %, balanced over the grades; last, all labels.
GCA_LABELS = (55.0, 288.0, 577.0, 1154.0, 1.0)
PLAIN: dict[str, Any] = {"model.pairs": None}
#: Views without gaze: the baseline of GCA's rows.
RANDOM_VIEWS: dict[str, Any] = {
    "data.views.crop": "random",
    "data.views.cutout": "random",
    "data.views.mask_probability": 0.0,
}


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
        """How many folds are run: one if a picture is drawn, else all."""
        return 1 if self.kind == "maps" else self.folds or 1


def names() -> list[str]:
    """Return the names of all experiments, and of those that consist of several."""
    return [*EXPERIMENTS, *GROUPS]


def experiment(name: str, preset: str | None = None) -> Experiment:
    """Return an experiment, on its own data set or another one where the paper has both.

    Examples
    --------
    >>> from gazesim.train.reproduce.experiments import experiment
    >>> found = experiment("mcgip-table-4")
    >>> found.preset, len(found.lines), found.cells
    ('inbreast', 6, 30)
    """
    build, presets = EXPERIMENTS[choice("name", name, EXPERIMENTS)]
    if preset is not None and preset not in presets:
        raise ValueError(f"data.preset is {preset!r}; expected {' or '.join(presets)} for {name}")
    found = build(preset or presets[0])
    words = experiment_words(name)
    return replace(found, name=name, place=words["place"], layout=words["layout"])


# --- McGIP ----------------------------------------------------------------------------------------


def _mcgip_config(preset: str, framework: str) -> str:
    return f"mcgip_{preset}" + ("" if framework == "byol" else f"_{framework}")


def _fine_tuning(preset: str) -> dict[str, Any]:
    """Return how McGIP fine-tunes: Adam, 2e-5, few epochs for any number of labels."""
    values = {name: one.value for name, one in evaluation_values("mcgip").items()}
    flips = {} if preset == "inbreast" else {"horizontal_flip": 0.0, "vertical_flip": 0.0}
    return {
        "optimiser": values["optimiser"],
        "learning_rate": values["learning_rate"],
        "weight_decay": values["weight_decay"],
        "epochs": values[f"epochs_{preset}"],
        "min_steps": 0,
        **flips,
    }


def _linear_probing(preset: str) -> dict[str, Any]:
    tuning = _fine_tuning(preset)
    return {name: tuning[name] for name in ("learning_rate", "weight_decay", "epochs")}


def _pairs(preset: str, backbone: str) -> tuple[str, dict[str, Any]]:
    """Return the kind of gaze of a row, and the options that differ from the configuration."""
    if preset == "inbreast" and backbone == "resnet50":
        from .published import config_values

        stated = config_values("mcgip_inbreast_multimatch")
        pairs: dict[str, Any] = {"params": {}}
        for option, one in stated.items():
            if option.startswith("model.pairs.params."):
                pairs["params"][option.rpartition(".")[2]] = one.value
            elif option.startswith("model.pairs."):
                pairs[option.rpartition(".")[2]] = one.value
        return "sequence", {"model.pairs": pairs}
    return "heatmap", {}


def _frameworks_by_backbone(preset: str) -> tuple[Line, ...]:
    lines = []
    for (shown, backbone), (title, framework) in product(BACKBONES.items(), FRAMEWORKS.items()):
        config = _mcgip_config(preset, framework)
        kind, pairs = _pairs(preset, backbone)
        own = {"model.backbone": backbone}
        lines += [
            Line((shown, title, ""), config, own | PLAIN),
            Line((shown, f"{title} + McGIP", kind), config, own | pairs),
        ]
    return tuple(lines)


def _mcgip_fine_tuned(preset: str) -> Experiment:
    title = {"inbreast": "INbreast", "tufts": "the Tufts Dental Database"}[preset]
    return Experiment(
        name="",
        paper="mcgip",
        title=f"fine-tuning on {title}, with and without McGIP",
        kind="table",
        preset=preset,
        head=("backbone", "pre-training", "gaze"),
        lines=_frameworks_by_backbone(preset),
        protocol="finetune",
        settings=_fine_tuning(preset),
    )


def _mcgip_probed(preset: str) -> Experiment:
    lines = _frameworks_by_backbone(preset)
    return replace(
        _mcgip_fine_tuned(preset),
        title="linear probing by gradient, with and without McGIP",
        lines=tuple(line for line in lines if line.labels[0] == "ResNet-50"),
        protocol="gradient_probe",
        settings=_linear_probing(preset),
    )


def _mcgip_by_label(preset: str) -> Experiment:
    """Positives by gaze and by label. The released code has the latter for MoCo and BYOL."""
    lines = []
    for title in ("MoCo", "BYOL"):
        config, own = _mcgip_config(preset, FRAMEWORKS[title]), {"model.backbone": "resnet50"}
        _, pairs = _pairs(preset, "resnet50")
        labels = {"model.pairs": {"scheme": "labels", "threshold": 1.0}}
        lines += [
            Line((title, "none"), config, own | PLAIN),
            Line((title, "gaze (McGIP)"), config, own | pairs),
            Line((title, "label"), config, own | labels),
        ]
    return replace(
        _mcgip_fine_tuned(preset),
        title="positives by gaze against positives by label",
        head=("framework", "positives"),
        lines=tuple(lines),
    )


def _mcgip_maps(preset: str) -> Experiment:
    config, own = _mcgip_config(preset, "byol"), {"model.backbone": "resnet50"}
    _, pairs = _pairs(preset, "resnet50")
    return replace(
        _mcgip_fine_tuned(preset),
        title="affinity maps of points that were looked at and of one that was not",
        kind="maps",
        head=("pre-training",),
        lines=(
            Line(("BYOL",), config, own | PLAIN),
            Line(("BYOL + McGIP",), config, own | pairs),
        ),
        protocol="gradient_probe",
        settings=_linear_probing(preset),
        chosen=("one fold of five is drawn: which images the figure shows is not at hand",),
    )


def _mcgip_epochs(preset: str) -> Experiment:
    lines = []
    for title, framework in FRAMEWORKS.items():
        config, own = _mcgip_config(preset, framework), {"model.backbone": "resnet18"}
        lines += [Line((title,), config, own | PLAIN), Line((f"{title} + McGIP",), config, own)]
    return replace(
        _mcgip_fine_tuned(preset),
        title="score over the epochs of pre-training",
        kind="epochs",
        head=("pre-training",),
        lines=tuple(lines),
        epochs=(25, 50, 100, 150, 200),
        chosen=("at which epochs the figure has points is not at hand; these were chosen here",),
    )


def _mcgip_thresholds(preset: str) -> Experiment:
    config, own = _mcgip_config(preset, "byol"), {"model.backbone": "resnet18"}
    lines = [Line(("BYOL", ""), config, own | PLAIN)]
    lines += [
        Line(("BYOL + McGIP", f"t = {t:g}"), config, own | {"model.pairs.threshold": t}, x=t)
        for t in (0.5, 0.6, 0.7, 0.8, 0.9)
    ]
    return replace(
        _mcgip_fine_tuned(preset),
        title="score and positives per row over the threshold of affinity",
        kind="options",
        head=("pre-training", "threshold"),
        lines=tuple(lines),
        chosen=("which thresholds the figure has beside 0.7 is not at hand; these were chosen here",),
    )


# --- GzPT -----------------------------------------------------------------------------------------

MOCO_RELEASED: dict[str, Any] = {
    "model.framework": "moco",
    "model.queue_size": 1280,
    "model.temperature": 0.2,
    "model.momentum": 0.999,
    "model.momentum_end": None,
    "model.heads": {"hidden": 2048, "dim": 256},
    "model.pairs.confidence": 1.0,
    "model.optimizer.learning_rate": 4.0e-5,
    "trainer.accumulate_grad_batches": 1,
    "trainer.max_epochs": 300,
}


def _gzpt(preset: str) -> Experiment:
    config, lines = "gzpt_tima_released", []
    rows = [(shown, "BYOL", {"model.backbone": backbone}) for shown, backbone in BACKBONES.items()]
    rows.append(("ResNet-50", "MoCo", {"model.backbone": "resnet50", **MOCO_RELEASED}))
    for shown, title, own in rows:
        plain = {name: value for name, value in own.items() if not name.startswith("model.pairs.")}
        lines += [
            Line((shown, title), config, plain | PLAIN),
            Line((shown, f"{title} + GzPT"), config, own),
        ]
    return Experiment(
        name="",
        paper="gzpt",
        title="fine-tuning on INbreast, with and without GzPT (TIMA)",
        kind="table",
        preset=preset,
        head=("backbone", "pre-training"),
        lines=tuple(lines),
        protocol="finetune",
        settings=_fine_tuning(preset),
        chosen=("fine-tuning is McGIP's: that of GzPT on INbreast is not at hand",),
    )


def _gzpt_confidence(preset: str) -> Experiment:
    lines = [
        Line(("BYOL + GzPT", f"p = {p:g}"), "gzpt_tima_released", {"model.pairs.confidence": p}, x=p)
        for p in (0.1, 0.3, 0.5, 0.7, 0.9)
    ]
    return replace(
        _gzpt(preset),
        title="score over the confidence p of positives",
        kind="options",
        head=("pre-training", "confidence"),
        lines=tuple(lines),
        chosen=(
            *_gzpt(preset).chosen,
            "p is the share that is kept, as the paper has it; the released code keeps 1 − p",
        ),
    )


# --- GCA ------------------------------------------------------------------------------------------


def _gca(title: str, lines: tuple[Line, ...], head: tuple[str, ...]) -> Experiment:
    return Experiment(
        name="",
        paper="gca",
        title=title,
        kind="table",
        preset="oai",
        head=head,
        lines=lines,
        protocol="finetune",
        folds=None,
        ordinal=True,
        chosen=("how GCA fine-tunes is not at hand: gazesim's own settings are used",),
    )


def _gca_methods(_: str) -> Experiment:
    searched = ("searched", "the values of the searched augmentations are not at hand")
    lines = (
        Line(("from scratch",), baseline="scratch"),
        Line(("ImageNet",), baseline="imagenet"),
        Line(("BYOL",), "gca_oai", RANDOM_VIEWS),
        Line(("searched augmentations",), "gca_oai", RANDOM_VIEWS, needs=searched),
        Line(("GCA",), "gca_oai"),
    )
    return _gca("KL grades of knees: GCA against other augmentations", lines, ("method",))


def _gca_ablation(_: str) -> Experiment:
    lines = []
    for crop, cutout, mask in product((False, True), repeat=3):
        chosen = [name for name, is_on in (("crop", crop), ("cutout", cutout), ("mask", mask)) if is_on]
        own: dict[str, Any] = {
            "data.views.crop": "gaze" if crop else "random",
            "data.views.cutout": "gaze" if cutout else "random",
        }
        lines.append(
            Line(
                (", ".join(chosen) or "none",),
                "gca_oai",
                own if mask else own | {"data.views.mask_probability": 0.0},
            )
        )
    lines.sort(key=lambda line: line.labels[0].count(",") if line.labels[0] != "none" else -1)
    return _gca("which parts of GCA look at gaze", tuple(lines), ("by gaze",))


def _gca_labels(_: str) -> Experiment:
    found = _gca_methods("")
    return replace(
        found,
        title="score over the share of labels",
        kind="labels",
        lines=tuple(line for line in found.lines if line.needs is None),
        fractions=GCA_LABELS,
    )


MCGIP = ("inbreast", "tufts")
#: Builder and data sets by name; the first data set is the default.
EXPERIMENTS: dict[str, tuple[Callable[[str], Experiment], tuple[str, ...]]] = {
    "mcgip-table-1": (_mcgip_fine_tuned, ("inbreast",)),
    "mcgip-table-2": (_mcgip_fine_tuned, ("tufts",)),
    "mcgip-table-3": (_mcgip_probed, MCGIP),
    "mcgip-table-4": (_mcgip_by_label, MCGIP),
    "mcgip-figure-4": (_mcgip_maps, MCGIP),
    "mcgip-figure-5a": (_mcgip_epochs, MCGIP),
    "mcgip-figure-5b": (_mcgip_thresholds, MCGIP),
    "gca-table-1": (_gca_methods, ("oai",)),
    "gca-table-2": (_gca_ablation, ("oai",)),
    "gca-figure-labels": (_gca_labels, ("oai",)),
    "gzpt": (_gzpt, ("inbreast",)),
    "gzpt-confidence": (_gzpt_confidence, ("inbreast",)),
}
GROUPS = {"mcgip-figure-5": ("mcgip-figure-5a", "mcgip-figure-5b")}
