"""The arms on real images with real gaze: what a network learns from, and where gaze comes in."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from .arms import EXTRAS, FRAMEWORKS, NAMES, TRUTH

#: The letter of a data set in the names of its arms.
LETTERS = {"kvasir": "K", "cub": "C", "osie": "O"}
#: Whose gaze an arm uses: the image's own, that of another image, the mean map of the data set; or masks.
OWN, OTHER, MEAN, MASKS = "own", "other", "mean", "masks"


@dataclass(frozen=True)
class RealMethod:
    """What an arm learns from."""

    label: str
    #: None: random weights, no training. "gaze": the gaze target alone.
    framework: str | None
    #: Of the gaze target; None: no target.
    weight: float | None = None
    #: What target, positives and views use, and the share of the training images that have it.
    gaze: str = OWN
    share: float = 1.0
    #: "together"; or target and framework one after the other, half of the epochs each: "first" or "last".
    order: str = "together"
    #: The share of the epochs over which the target's weight rises.
    ramp: float = 0.0
    balance: str = "fixed"
    #: The target pairs cells that were looked at, instead of predicting the map.
    cells: bool = False
    #: Images without gaze take the maps of a first network: this share of them, the most concentrated ones.
    predicted: float = 0.0
    #: First views are pooled by gaze.
    pool: bool = False
    #: The scheme of positives; of several readers the mean over all pairs, or the first one alone.
    scheme: str | None = None
    one_reader: bool = False
    weighting: str = "binary"
    crop: str = "random"
    cutout: str = "random"
    mask: bool = False

    @property
    def needs_maps(self) -> bool:
        """Whether a target or views look at gaze maps; positives look at affinities."""
        return (
            self.weight is not None
            or self.pool
            or (self.crop, self.cutout, self.mask) != ("random", "random", False)
        )


def _target(label: str, framework: str = "gaze", weight: float = 1.0, **more: Any) -> RealMethod:
    return RealMethod(label, framework, weight, **more)


TARGETS = {
    "random": RealMethod("random weights", None),
    "gaze": _target("gaze target alone"),
    "simclr": RealMethod("SimCLR", "simclr"),
    "gaze-other": _target("control: gaze of another image", gaze=OTHER),
    "masks": _target("upper bound: masks as the target", gaze=MASKS),
    "gaze-10": _target("gaze target alone, gaze for 10 % of the images", share=0.1),
    "gaze-mean": _target("control: the mean map", gaze=MEAN),
    "gaze-1": _target("gaze target alone, gaze for 1 % of the images", share=0.01),
    "gaze-3": _target("gaze target alone, gaze for 3 % of the images", share=0.03),
    "gaze-30": _target("gaze target alone, gaze for 30 % of the images", share=0.3),
    "gaze-10-predicted": _target("gaze for 10 %, predicted maps for the rest", share=0.1, predicted=1.0),
    "cells": _target("pairs of cells alone", cells=True),
    "cells-other": _target("control: pairs of cells by gaze of another image", cells=True, gaze=OTHER),
    "gaze-10-sure": _target("gaze for 10 %, the surer half of predicted maps", share=0.1, predicted=0.5),
}

_EVEN = {"weight": 1.0, "balance": "gradient"}
_GCA = {"crop": "gaze", "cutout": "gaze"}
#: What is added to a framework, by the end of an arm's name.
ADDED: dict[str, tuple[str, dict[str, Any]]] = {
    "moments": ("+ McGIP, moments", {"scheme": "moments"}),
    "tima": ("+ McGIP, TIMA", {"scheme": "tima"}),
    "multimatch": ("+ McGIP, MultiMatch", {"scheme": "multimatch"}),
    "dhash": ("+ McGIP, dHash", {"scheme": "dhash"}),
    "multimatch-one": ("+ McGIP, MultiMatch of one reader", {"scheme": "multimatch", "one_reader": True}),
    "moments-other": ("control: moments of another image's gaze", {"scheme": "moments", "gaze": OTHER}),
    "gca": ("+ GCA crop and cutout", _GCA),
    "gca-crop": ("+ GCA crop", {"crop": "gaze"}),
    "gca-cutout": ("+ GCA cutout", {"cutout": "gaze"}),
    "gca-mask": ("+ gaze mask", {"mask": True}),
    "size-matched": ("control: GCA's crop sizes at random places", {"crop": "size-matched"}),
    "gca-other": ("control: GCA by another image's gaze", {**_GCA, "gaze": OTHER}),
    "gca-mean": ("control: GCA by the mean map", {**_GCA, "gaze": MEAN}),
    "both": ("+ GCA + McGIP, moments", {"scheme": "moments", **_GCA}),
    "both-other": ("control: both by another image's gaze", {"scheme": "moments", **_GCA, "gaze": OTHER}),
    "both-multimatch": ("+ GCA + McGIP, MultiMatch", {"scheme": "multimatch", **_GCA}),
    "both-multimatch-other": (
        "control: both (MultiMatch) by another image's gaze",
        {"scheme": "multimatch", **_GCA, "gaze": OTHER},
    ),
    "soft": ("+ soft targets, moments", {"scheme": "moments", "weighting": "softmax"}),
    "affinity": ("+ McGIP weighted by affinity", {"scheme": "moments", "weighting": "affinity"}),
    "pool": ("+ features pooled by gaze", {"pool": True}),
    "pool-30": ("+ features pooled by gaze, gaze for 30 % of the images", {"pool": True, "share": 0.3}),
    "pool-10": ("+ features pooled by gaze, gaze for 10 % of the images", {"pool": True, "share": 0.1}),
    "pool-other": ("control: pooled by another image's gaze", {"pool": True, "gaze": OTHER}),
    "labels": ("diagnostic: positives by label", {"scheme": TRUTH}),
    "gaze-20": ("+ gaze target, weight 20", {"weight": 20.0}),
    "gaze-2": ("+ gaze target, weight 2", {"weight": 2.0}),
    "gaze-ramp": ("+ gaze target, weight rising to 20", {"weight": 20.0, "ramp": 0.5}),
    "gaze-even": ("+ gaze target, gradients of equal norm", _EVEN),
    "gaze-even-4": ("+ gaze target, four times the gradient's norm", {"weight": 4.0, "balance": "gradient"}),
    "cells": ("+ pairs of cells, gradients of equal norm", {**_EVEN, "cells": True}),
    "gaze-first": ("after the gaze target, half of the epochs each", {"weight": 1.0, "order": "first"}),
    "gaze-last": ("before the gaze target, half of the epochs each", {"weight": 1.0, "order": "last"}),
}


def methods() -> dict[str, RealMethod]:
    """Return all arms of a data set by name, in the order of tables."""
    found = dict(TARGETS)
    for framework in FRAMEWORKS:
        title = NAMES[framework]
        found.setdefault(framework, RealMethod(title, framework))
        for name, (label, changes) in ADDED.items():
            found[f"{framework}-{name}"] = RealMethod(f"{title} {label}", framework, **changes)
    return found


METHODS = methods()
#: The scheme of positives in the core. On birds and photographs none shares the label more often; on polyps
#: TIMA does (`gaze.md`), which was found after the core was frozen.
BEST = {"kvasir": "moments", "cub": "multimatch", "osie": "multimatch"}
#: The arms that every data set has at least: plain, McGIP by the best scheme, GCA, both, and the controls.
CORE = ("{framework}", "{mcgip}", "{framework}-gca", "{both}", "{both}-other", "{framework}-size-matched")


@dataclass(frozen=True)
class RealArm:
    """An arm by its data set and its name there."""

    method: str
    data: str = "kvasir"

    @property
    def what(self) -> RealMethod:
        """Return what the arm learns from."""
        return METHODS[self.method]

    @property
    def framework(self) -> str:
        """Return the framework; that of an arm without training is of no use."""
        return self.what.framework or "gaze"

    @property
    def extras(self) -> int:
        """Return how many positives an image has beside its own view, on average."""
        return EXTRAS[self.framework] if self.what.scheme is not None else 0

    @property
    def name(self) -> str:
        """Return the name, which is that of the files of its cells too."""
        return f"{LETTERS[self.data]}-{self.method}"


def stages(data: str) -> list[list[RealArm]]:
    """Return the arms in groups, the most interesting ones first: a group is run for all seeds."""
    places = [*TARGETS, "simclr-gaze-20", "simclr-gaze-2"]
    best = BEST[data]
    views = [
        one.format(
            framework=framework,
            mcgip=f"{framework}-{best}",
            both=f"{framework}-both" + ("" if best == "moments" else f"-{best}"),
        )
        for framework in FRAMEWORKS[:2]
        for one in CORE
    ]
    groups, seen = [], {"masks"} if data == "cub" else set()
    for names in (places, views, METHODS) if data == "kvasir" else (views, places, METHODS):
        groups.append([RealArm(name, data) for name in names if name not in seen])
        seen |= set(names)
    return groups


def real_chosen(data: str, patterns: Iterable[str]) -> list[list[RealArm]]:
    """Return the groups of arms whose names match one of the patterns (as file names do; none: all)."""
    groups, wanted = stages(data), list(patterns)
    names = [one.name for group in groups for one in group]
    for pattern in wanted:
        if not fnmatch.filter(names, pattern):
            letter = LETTERS[data]
            raise ValueError(
                f"--arms is {pattern!r}; expected names such as {letter}-gaze*; --list tells them all"
            )
    found = [
        [one for one in group if not wanted or any(fnmatch.fnmatch(one.name, p) for p in wanted)]
        for group in groups
    ]
    return [group for group in found if group]
