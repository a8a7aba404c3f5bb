"""study.csv, study.md and the pictures, from the cells that are there."""

from __future__ import annotations

import csv
import math
from collections.abc import Sequence
from typing import Any

from . import figures
from .arms import FRAMEWORKS, NAMES, PARTS, Arm
from .cells import Cells
from .findings import COLUMNS, HEALTH, SCORES, Study
from .statistics import Paired, spread

TITLES = {
    "D": "D: a lesion anywhere in tissue, four classes",
    "S": "S: one lesion in a quadrant of fixed anatomy, five classes",
}
PHANTOM = (
    "These are synthetic images with simulated gaze (a phantom): gaze was generated from the lesion the way "
    "the papers describe it. They show that the code does what the papers say and what can be expected where "
    "gaze does tell the classes apart; they are no evidence about patients."
)


def write(cells: Cells) -> str:
    """Write the report beside the cells; return the names of its files."""
    study = Study(cells.read())
    with open(cells.folder / "study.csv", "w", newline="", encoding="utf-8") as file:
        lines = csv.writer(file, lineterminator="\n")
        lines.writerow(COLUMNS)
        for row in study.rows:
            arm = row.arm
            known = [arm.part, arm.framework, arm.method, arm.extras, row.seed]
            lines.writerow([*known, *(_cell(row.values[name]) for name in COLUMNS[5:])])
    (cells.folder / "study.md").write_text(markdown(study, cells), encoding="utf-8")
    if study.rows:
        figures.differences(study, cells.folder / "differences.png")
    if any(len(study.swept(framework)) > 2 for framework in FRAMEWORKS):
        figures.ablation(study, cells.folder / "ablation.png")
    return "study.csv, study.md and pictures"


def markdown(study: Study, cells: Cells) -> str:
    """Return the whole report."""
    parts = ["# Phantom study", PHANTOM, _protocol(study, cells)]
    for part in PARTS:
        tables = [
            f"### {NAMES[framework]}\n\n{table(study, part, framework)}"
            for framework in FRAMEWORKS
            if study.methods(part, framework)
        ]
        if tables:
            parts += [f"## {TITLES[part]}", *tables]
    controls = control(study)
    if controls:
        parts += ["## GCA against the control with crops of the same sizes", controls]
    sweeps = [sweep(study, one) for one in FRAMEWORKS if len(study.swept(one)) > 2]
    if sweeps:
        parts += ["## Threshold ablation", *sweeps]
    return "\n\n".join(parts) + "\n"


def _protocol(study: Study, cells: Cells) -> str:
    settings = cells.settings
    seeds = sorted({row.seed for row in study.rows})
    commits = sorted({str(row.values["commit"]) for row in study.rows})
    return (
        f"{settings.backbone} on {settings.n_train:,} images of {settings.size} px without labels, "
        f"epochs: {settings.epochs}; tested on {settings.n_test:,} others; seeds {_listed(seeds)} "
        f"({len(study.rows)} cells). LP: accuracy of a linear probe with all or 5 % of the labels; FT: "
        "fine-tuned with 10 %. Mean ± standard deviation over seeds, in percent. Δ: differences from plain, "
        "same seed, in points, with 95 % intervals for their mean (t; bootstrap percentiles), not corrected "
        "for their number. std: standard deviation of normalised embeddings × √d (1: spread evenly, 0: "
        "collapsed). Positives: per row, the image itself included; purity: share of the others that are of "
        f"the same class. Settings {settings.hash}, commit {_listed(commits)}."
    )


def table(study: Study, part: str, framework: str) -> str:
    """Return the arms of a framework as Markdown."""
    body = []
    for arm in study.methods(part, framework):
        line = [arm.what.label, str(len(study.values(arm, "probe_100")))]
        line += [percent(study.values(arm, name)) for name in SCORES]
        gains = [study.against(arm, arm.plain, name) for name in ("probe_100", "probe_5")]
        line += ["" if arm == arm.plain else points(gain) for gain in gains]
        line += [_health(study, arm, name) for name in HEALTH]
        body.append(line)
    head = ["method", "seeds", *SCORES.values(), "Δ LP 100 %", "Δ LP 5 %", *HEALTH]
    return grid(head, body)


def control(study: Study) -> str:
    """Return what gaze adds to smaller or larger crops alone."""
    body = []
    for part in PARTS:
        for framework in FRAMEWORKS:
            gca, sizes = Arm(part, framework, "gca"), Arm(part, framework, "size-matched")
            gains = [study.against(gca, sizes, name) for name in SCORES]
            if gains[0].differences:
                body.append([part, NAMES[framework], *(points(gain) for gain in gains)])
    return grid(["part", "framework", *(f"Δ {name}" for name in SCORES.values())], body) if body else ""


def sweep(study: Study, framework: str) -> str:
    """Return the ablation of a framework."""
    body = [
        [
            str(arm.extras),
            _health(study, arm, "positives"),
            _health(study, arm, "purity"),
            *(percent(study.values(arm, name)) for name in SCORES),
            "" if arm == arm.plain else points(study.against(arm, arm.plain, "probe_100")),
            _health(study, arm, "std"),
        ]
        for arm in study.swept(framework)
    ]
    head = ["extras per row", "positives", "purity", *SCORES.values(), "Δ LP 100 %", "std"]
    return f"### {NAMES[framework]}, moments\n\n{grid(head, body)}"


def percent(values: Sequence[float]) -> str:
    """Return mean ± standard deviation."""
    found = spread(values)
    if not found.count:
        return ""
    return f"{100 * found.mean:.1f}" + ("" if math.isnan(found.std) else f" ± {100 * found.std:.1f}")


def points(gain: Paired) -> str:
    """Return a mean difference with both intervals."""
    if not gain.differences:
        return ""
    middle = f"{100 * gain.mean:+.1f}"
    if math.isnan(gain.t[0]):
        return middle
    intervals = "; ".join(f"{100 * low:+.1f} to {100 * high:+.1f}" for low, high in (gain.t, gain.bootstrap))
    return f"{middle} ({intervals})"


def _health(study: Study, arm: Arm, name: str) -> str:
    found = spread(study.values(arm, name))
    return f"{found.mean:.2f}" if found.count else ""


def grid(head: Sequence[str], body: Sequence[Sequence[str]]) -> str:
    """Return a Markdown table."""
    return "\n".join("| " + " | ".join(line) + " |" for line in [head, ["---"] * len(head), *body])


def _cell(value: Any) -> Any:
    return f"{value:.6g}" if isinstance(value, float) else value


def _listed(values: Sequence[object]) -> str:
    return ", ".join(map(str, values)) or "none"
