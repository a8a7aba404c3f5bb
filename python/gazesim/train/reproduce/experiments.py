"""The tables and figures of the papers by name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from ..._errors import choice
from . import gca, gzpt, mcgip
from .experiment import Experiment
from .published import experiment_words

__all__ = ["EXPERIMENTS", "GROUPS", "experiment", "names"]

MCGIP = ("inbreast", "tufts")
#: Builder and data sets by name; the first data set is the default.
EXPERIMENTS: dict[str, tuple[Callable[[str], Experiment], tuple[str, ...]]] = {
    "mcgip-table-1": (mcgip.fine_tuned, ("inbreast",)),
    "mcgip-table-2": (mcgip.fine_tuned, ("tufts",)),
    "mcgip-table-3": (mcgip.probed, MCGIP),
    "mcgip-table-4": (mcgip.by_label, MCGIP),
    "mcgip-figure-4": (mcgip.maps, MCGIP),
    "mcgip-figure-5a": (mcgip.by_epoch, MCGIP),
    "mcgip-figure-5b": (mcgip.by_threshold, MCGIP),
    "gca-table-1": (gca.methods, ("oai",)),
    "gca-table-2": (gca.ablation, ("oai",)),
    "gca-figure-labels": (gca.by_share, ("oai",)),
    "gzpt": (gzpt.fine_tuned, ("inbreast",)),
    "gzpt-confidence": (gzpt.by_confidence, ("inbreast",)),
}
GROUPS = {"mcgip-figure-5": ("mcgip-figure-5a", "mcgip-figure-5b")}


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
