"""A table of every arm on real images, and differences of equal seeds, from the cells that are there."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterable
from typing import Any

from . import figures
from .arms import FRAMEWORKS
from .cells import Cells
from .real_arms import ADDED, METHODS
from .report import grid
from .statistics import Paired, holm, p_value, paired, spread

ABOUT = {
    "kvasir": (
        "# Polyps: colonoscopy with gaze recorded while annotating",
        "1,000 colonoscopy images of polyps (Kvasir-SEG, Jha et al. 2020) with eye movements (GazeMedSeg, "
        "Zhong et al. 2024), split by group into 724 to train and 276 to test. This gaze was recorded while "
        "*annotating*: people first scanned the image, then the objects thoroughly. 87 % of the dwell time "
        "lies inside of the polyps. It is the best case for gaze, and no evidence about free viewing. Groups "
        "are similar images, not patients. Dice and pixel AUROC: a logistic regression per cell of the "
        "frozen feature maps, which learns from the masks of a share of the training images. Patch AUROC: a "
        "linear probe that tells squares on a polyp from squares beside it. k-NN: the share of images whose "
        "polyp's size class (three of equal number) their neighbours tell.",
    ),
    "cub": (
        "# Birds: photographs with gaze recorded while telling species apart",
        "Photographs of birds (CUB-200-2011), cut to the bird, with five runs of gaze each (CUB-GHA, Rong et "
        "al. 2021); the official split. Images are grey here, though colour tells many species apart. Probe "
        "and k-NN: the share of images whose species is told right.",
    ),
    "osie": (
        "# Photographs: free viewing by fifteen people",
        "700 photographs with the gaze of 15 observers (OSIE, Xu et al. 2014) and twelve semantic "
        "attributes, 505 to train and 195 to test. AUROC and AP are means over the attributes, of which an "
        "image may have several; Dice is of segmenting text and faces. Images are grey here.",
    ),
}
TITLES = {
    "dice": "Dice",
    "auroc": "AUROC",
    "probe": "probe",
    "knn": "k-NN",
    "patch": "patch AUROC",
    "ap": "AP",
    "seg_dice": "Dice",
}
#: Scores of tables, in their order; cells hold more.
SHOWN = {
    "kvasir": ("dice", "auroc", "patch", "knn"),
    "cub": ("probe", "knn"),
    "osie": ("auroc", "ap", "seg_dice"),
}
#: Those whose differences are shown.
COMPARED = {"kvasir": ("dice", "patch"), "cub": ("probe", "knn"), "osie": ("auroc", "seg_dice")}
#: Differences between targets: an arm, and what it is compared with.
TARGETS = (
    ("gaze", "simclr"),
    ("gaze", "gaze-other"),
    ("gaze", "gaze-mean"),
    ("gaze", "random"),
    ("gaze-1", "simclr"),
    ("gaze-3", "simclr"),
    ("gaze-10", "simclr"),
    ("gaze-10", "gaze-other"),
    ("gaze-30", "simclr"),
    ("gaze-10-predicted", "gaze-10"),
    ("gaze-10-sure", "gaze-10"),
    ("masks", "gaze"),
    ("cells", "simclr"),
    ("cells", "gaze"),
    ("cells", "cells-other"),
    ("simclr-gaze-even", "gaze"),
)
#: Differences between two additions to one framework.
CONTROLS = (
    ("gca", "size-matched"),
    ("gca", "gca-other"),
    ("gca", "gca-mean"),
    ("moments", "moments-other"),
    ("both", "both-other"),
    ("pool", "pool-other"),
    ("both-multimatch", "both-multimatch-other"),
)
Found = dict[tuple[str, int], dict[str, Any]]


def write(cells: Cells, data: str) -> str:
    """Write the report beside the cells; return the names of its files."""
    found = {(cell["arm"]["method"], cell["seed"]): cell for cell in cells.read()}
    scores = scores_of(found, SHOWN[data])
    columns = ("method", "seed", *scores, "loss", "std", "positives", "purity", "seconds", "commit", "device")
    with open(cells.folder / f"{data}.csv", "w", newline="", encoding="utf-8") as file:
        lines = csv.writer(file, lineterminator="\n")
        lines.writerow(columns)
        for (method, seed), cell in sorted(found.items()):
            values = [cell.get(name) for name in columns[2:]]
            cut = (f"{one:.6g}" if isinstance(one, float) else one for one in values)
            lines.writerow([method, seed, *cut])
    (cells.folder / f"{data}.md").write_text(markdown(found, cells, data), encoding="utf-8")
    if compared(found):
        draw(found, cells, data)
    return f"{data}.csv, {data}.md and {data}.png"


def markdown(found: Found, cells: Cells, data: str) -> str:
    """Return the whole report."""
    settings, seeds = cells.settings, sorted({seed for _, seed in found})
    title, about = ABOUT[data]
    parts = [
        title,
        about,
        f"{settings.size} px, grey, epochs: {settings.epochs}, batch {settings.batch_size}. Mean ± standard "
        f"deviation over seeds. Seeds {', '.join(map(str, seeds)) or 'none'}, {len(found)} cells; "
        f"settings {settings.hash}.",
        table(found, data),
    ]
    rows = differences(found, data, settings.primary)
    if rows:
        names = scores_of(found, COMPARED[data])
        parts += [
            "## Differences, same seed",
            "With 95 % intervals for the mean (t), not corrected for their number; one seed has none. p: of "
            f"a paired t test of Δ {_title(settings.primary)}, and corrected for the number of rows "
            "(Holm).",
            grid(["arm", "against", "seeds", *(f"Δ {_title(one)}" for one in names), "p", "Holm"], rows),
        ]
    return "\n\n".join(parts) + "\n"


def scores_of(found: Found, kinds: Iterable[str]) -> list[str]:
    """Return the names of scores that cells have, such as "dice_10", by kind and share of labels."""
    names = dict.fromkeys(name for cell in found.values() for name in cell)
    known = [
        (at, float(name.removeprefix(f"{kind}_")), name)
        for at, kind in enumerate(kinds)
        for name in names
        if name.startswith(f"{kind}_") and name.removeprefix(f"{kind}_").replace(".", "").isdigit()
    ]
    return [name for *_, name in sorted(known)]


def table(found: Found, data: str) -> str:
    """Return every arm with its scores."""
    names = scores_of(found, SHOWN[data])
    rows = []
    for method, what in METHODS.items():
        cells = [cell for (name, _), cell in sorted(found.items()) if name == method]
        if cells:
            values = [spread([cell[name] for cell in cells if name in cell]) for name in names]
            rows.append([what.label, str(len(cells)), *map(_middle, values)])
    return grid(["arm", "seeds", *(_title(name) for name in names)], rows)


def pairs_of_arms() -> list[tuple[str, str]]:
    """Return which arms are compared, in the order of the table."""
    pairs = list(TARGETS)
    for framework in FRAMEWORKS:
        pairs += [(f"{framework}-{name}", framework) for name in ADDED]
        pairs += [(f"{framework}-{ours}", f"{framework}-{theirs}") for ours, theirs in CONTROLS]
    return pairs


def compared(found: Found) -> list[tuple[str, str, list[int]]]:
    """Return the arms that are compared and have a seed in common, with these seeds."""
    pairs = [
        (ours, theirs, sorted(seed for name, seed in found if name == ours and (theirs, seed) in found))
        for ours, theirs in pairs_of_arms()
    ]
    return [one for one in pairs if one[2]]


def gain_of(found: Found, ours: str, theirs: str, seeds: list[int], name: str) -> Paired:
    """Return the differences of a score over the seeds whose cells have it."""
    here = [(found[ours, seed].get(name), found[theirs, seed].get(name)) for seed in seeds]
    return paired([one - other for one, other in here if None not in (one, other)])


def differences(found: Found, data: str, primary: str) -> list[list[str]]:
    """Return the rows of the table of differences."""
    names, rows, chances = scores_of(found, COMPARED[data]), [], []
    for ours, theirs, seeds in compared(found):
        row = [METHODS[ours].label, METHODS[theirs].label, str(len(seeds))]
        for name in names:
            gain = gain_of(found, ours, theirs, seeds, name)
            interval = "" if math.isnan(gain.t[0]) else f" ({gain.t[0]:+.3f} to {gain.t[1]:+.3f})"
            row.append(f"{gain.mean:+.3f}{interval}" if gain.differences else "")
        chances.append(p_value(gain_of(found, ours, theirs, seeds, primary).differences))
        rows.append(row)
    for row, *both in zip(rows, chances, holm(chances), strict=True):
        row += ["" if math.isnan(one) else f"{one:.2g}" for one in both]
    return rows


def draw(found: Found, cells: Cells, data: str) -> None:
    """Draw the differences of the score that is tested."""
    primary = cells.settings.primary
    rows = [
        (
            f"{METHODS[ours].label} − {METHODS[theirs].label}",
            gain_of(found, ours, theirs, seeds, primary),
            figures.CONTROL if "control" in METHODS[ours].label else figures.GAZE,
        )
        for ours, theirs, seeds in compared(found)
    ]
    title = ABOUT[data][0].removeprefix("# ")
    figures.real_differences(rows, title, _title(primary), cells.folder / f"{data}.png")


def _middle(value: Any) -> str:
    if not value.count:
        return ""
    return f"{value.mean:.3f}" + (f" ± {value.std:.3f}" if value.count > 1 else "")


def _title(name: str) -> str:
    kind, _, share = name.rpartition("_")
    return f"{TITLES[kind]} {share} %"
