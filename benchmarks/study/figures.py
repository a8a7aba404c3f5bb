"""Pictures: differences between arms, and the threshold ablation."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from gazesim.plots.affinity import new_figure

from .arms import FRAMEWORKS, NAMES, PARTS, Arm
from .findings import Study
from .statistics import Paired, spread

GAZE, CONTROL, SECOND = "#1f5f8b", "#8a8a8a", "#b04a3a"
ORDER = {"size-matched": CONTROL, "truth": CONTROL}


def differences(study: Study, path: Path) -> None:
    """Draw the differences from plain of every arm and seed, with the t interval of their mean."""
    panels = [
        (part, framework, arms)
        for part in PARTS
        for framework in FRAMEWORKS
        if (arms := [arm for arm in study.methods(part, framework) if arm != arm.plain])
    ]
    rows = max((len(arms) for _, _, arms in panels), default=1)
    columns = min(len(panels), 2) or 1
    height = -(-len(panels) // columns) if panels else 1
    figure = new_figure(6.4 * columns, height * (1.1 + 0.42 * rows))
    axes = figure.subplots(height, columns, squeeze=False, sharex=True)
    for spare in axes.flat[len(panels) :]:
        spare.set_visible(False)
    for one, (part, framework, arms) in zip(axes.flat, panels, strict=False):
        panel(one, study, arms)
        one.set_title(f"{NAMES[framework]}, part {part}", fontsize=11, loc="left")
    for one in axes[-1]:
        one.set_xlabel("linear probe, all labels: points above plain, same seed")
    figure.suptitle("Phantom: paired differences from the plain framework (mean, 95 % t interval, seeds)")
    figure.savefig(path, dpi=120, format="png")


def panel(axes: Any, study: Study, arms: list[Arm]) -> None:
    """Draw the arms of one framework."""
    rows = [
        (
            arm.what.label.replace("control: GCA's crop", "control: crop"),
            study.against(arm, arm.plain, "probe_100"),
            ORDER.get(arm.method, GAZE),
        )
        for arm in arms
    ]
    differences_in_rows(axes, rows, 100)


def differences_in_rows(axes: Any, rows: Sequence[tuple[str, Paired, str]], factor: float = 1) -> None:
    """Draw differences times a factor: label, every seed, their mean with its t interval, colour."""
    axes.axvline(0, color="#333333", linewidth=1)
    for place, (_, gain, colour) in enumerate(rows):
        if not gain.differences:
            continue
        if len(gain.differences) > 1:
            ends = [factor * end for end in gain.t]
            axes.plot(ends, [place, place], color=colour, linewidth=5, alpha=0.3, solid_capstyle="butt")
        each = [factor * one for one in gain.differences]
        axes.plot(each, [place] * len(each), "o", color=colour, markersize=4, alpha=0.7)
        axes.plot([factor * gain.mean], [place], "D", color=colour, markersize=7)
    axes.set_yticks(range(len(rows)), [label for label, *_ in rows], fontsize=9)
    axes.set_ylim(len(rows) - 0.4, -0.6)
    axes.grid(axis="x", alpha=0.3)
    axes.spines[["top", "right", "left"]].set_visible(False)


def real_differences(rows: Sequence[tuple[str, Paired, str]], title: str, score: str, path: Path) -> None:
    """Draw the differences between arms on real images."""
    figure = new_figure(11, 1.4 + 0.32 * len(rows))
    axes = figure.subplots()
    differences_in_rows(axes, rows)
    axes.set_title(title, fontsize=11, loc="left")
    axes.set_xlabel(f"{score}: difference, same seed (mean, 95 % t interval, seeds)")
    figure.savefig(path, dpi=120, format="png")


def ablation(study: Study, path: Path) -> None:
    """Draw the probe against the number of positives, as McGIP's Figure 5b does."""
    shown = [framework for framework in FRAMEWORKS if len(study.swept(framework)) > 2]
    figure = new_figure(5.6 * len(shown), 4.2)
    for axes, framework in zip(figure.subplots(1, len(shown), squeeze=False)[0], shown, strict=True):
        curve(axes, study, study.swept(framework))
        axes.set_title(NAMES[framework], loc="left")
    figure.suptitle("Phantom: threshold ablation of McGIP with moments (mean ± std over seeds)")
    figure.savefig(path, dpi=120, format="png")


def curve(axes: Any, study: Study, arms: list[Arm]) -> None:
    """Draw the two probes, and how far embeddings are spread."""
    places = range(len(arms))
    for name, label, colour in (
        ("probe_100", "probe, all labels", GAZE),
        ("probe_5", "probe, 5 % of labels", SECOND),
    ):
        found = [spread(study.values(arm, name)) for arm in arms]
        errors = [100 * one.std if one.std == one.std else 0 for one in found]
        means = [100 * one.mean for one in found]
        axes.errorbar(places, means, errors, fmt="o-", color=colour, capsize=3, label=label)
    axes.set_xticks(places, [str(arm.extras) for arm in arms])
    axes.set(xlabel="positives per row beside the own view", ylabel="accuracy (%)")
    axes.grid(axis="y", alpha=0.3)
    beside = axes.twinx()
    spreads = [spread(study.values(arm, "std")).mean for arm in arms]
    beside.plot(places, spreads, "s--", color=CONTROL, markersize=4, label="std of embeddings × √d (right)")
    beside.set_ylim(0, 1.05)
    beside.set_ylabel("std × √d")
    handles = [*axes.get_legend_handles_labels()[0], *beside.get_legend_handles_labels()[0]]
    axes.legend(handles=handles, loc="lower left", frameon=False, fontsize=8)
