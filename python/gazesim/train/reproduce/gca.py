"""GCA's tables and figure (PMLR 226, 2024) as experiments."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from typing import Any

from .experiment import Experiment, Line

__all__ = ["ablation", "by_share", "methods"]

#: Labels of GCA's fractions of 1, 5, 10 and 20 %, evenly over the grades; all of them at last.
GCA_LABELS = (55.0, 288.0, 577.0, 1154.0, 1.0)
#: Views without gaze: what GCA's rows add to.
RANDOM_VIEWS: dict[str, Any] = {
    "data.views.crop": "random",
    "data.views.cutout": "random",
    "data.views.mask_probability": 0.0,
}


def _experiment(title: str, lines: tuple[Line, ...], head: tuple[str, ...]) -> Experiment:
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


def methods(_: str) -> Experiment:
    searched = ("searched", "the values of the searched augmentations are not at hand")
    lines = (
        Line(("from scratch",), baseline="scratch"),
        Line(("ImageNet",), baseline="imagenet"),
        Line(("BYOL",), "gca_oai", RANDOM_VIEWS),
        Line(("searched augmentations",), "gca_oai", RANDOM_VIEWS, needs=searched),
        Line(("GCA",), "gca_oai"),
    )
    return _experiment("KL grades of knees: GCA against other augmentations", lines, ("method",))


def ablation(_: str) -> Experiment:
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
    return _experiment("which parts of GCA look at gaze", tuple(lines), ("by gaze",))


def by_share(_: str) -> Experiment:
    found = methods("")
    return replace(
        found,
        title="score over the share of labels",
        kind="labels",
        lines=tuple(line for line in found.lines if line.needs is None),
        fractions=GCA_LABELS,
    )
