"""kvasir.csv and kvasir.md, from the cells that are there."""

from __future__ import annotations

import csv
import math
from typing import Any

from .cells import Cells
from .kvasir_arms import KVASIR_METHODS, KvasirArm
from .report import grid
from .statistics import holm, p_value, paired, spread

KVASIR = (
    "1,000 colonoscopy images of polyps (Kvasir-SEG, Jha et al. 2020) with eye movements (GazeMedSeg, Zhong "
    "et al. 2024), split by group into 724 to train and 276 to test. This gaze was recorded while "
    "*annotating*: people first scanned the image, then the objects thoroughly. 87 % of the dwell time lies "
    "inside of the polyps. It is the best case for gaze, and no evidence about free viewing. Groups are "
    "similar images, not patients."
)
SHARES = ("1", "10", "100")
SCORES = tuple(f"{name}_{share}" for name in ("dice", "auroc") for share in SHARES)
#: Differences that were predicted: an arm, and what it is compared with.
COMPARED = (
    ("gaze", "simclr"),
    ("gaze", "gaze-other"),
    ("gaze", "gaze-mean"),
    ("gaze-10", "simclr"),
    ("gaze-10", "gaze-other"),
    ("simclr-gaze-20", "simclr"),
    ("simclr-gaze-2", "simclr"),
    ("masks", "gaze"),
)


def write(cells: Cells) -> None:
    """Write the report beside the cells."""
    found = {(cell["arm"]["method"], cell["seed"]): cell for cell in cells.read()}
    columns = ("method", "seed", *SCORES, "loss", "seconds", "commit", "device")
    with open(cells.folder / "kvasir.csv", "w", newline="", encoding="utf-8") as file:
        lines = csv.writer(file, lineterminator="\n")
        lines.writerow(columns)
        for (method, seed), cell in sorted(found.items()):
            values = [cell[name] for name in columns[2:]]
            cut = (f"{one:.6g}" if isinstance(one, float) else one for one in values)
            lines.writerow([method, seed, *cut])
    (cells.folder / "kvasir.md").write_text(markdown(found, cells), encoding="utf-8")


def markdown(found: dict[tuple[str, int], dict[str, Any]], cells: Cells) -> str:
    """Return the whole report."""
    settings = cells.settings
    seeds = sorted({seed for _, seed in found})
    parts = [
        "# Gaze as the target: polyps",
        KVASIR,
        f"{settings.size} px, grey, epochs: {settings.epochs}, batch {settings.batch_size}. A logistic "
        "regression per cell of the frozen 8 x 8 feature maps learns from the masks of 1, 10 or 100 % of "
        "the training images. Dice and pixel AUROC are means over the test images; mean ± standard "
        f"deviation over seeds. Seeds {', '.join(map(str, seeds)) or 'none'}, {len(found)} cells; "
        f"settings {settings.hash}.",
        grid(["arm", "seeds", *(_title(name) for name in SCORES)], _rows(found)),
    ]
    compared = _differences(found)
    if compared:
        parts += [
            "## Differences, same seed",
            "With 95 % intervals for the mean (t), not corrected for their number; one seed has none. p: of "
            "a paired t test of Δ Dice 1 %, and corrected for the number of rows (Holm).",
            grid(
                ["arm", "against", "seeds", *(f"Δ Dice {share} %" for share in SHARES), "p", "Holm"], compared
            ),
        ]
    return "\n\n".join(parts) + "\n"


def _title(name: str) -> str:
    score, _, share = name.partition("_")
    return f"{'Dice' if score == 'dice' else 'AUROC'} {share} %"


def _rows(found: dict[tuple[str, int], dict[str, Any]]) -> list[list[str]]:
    rows = []
    for method in KVASIR_METHODS:
        cells = [cell for (name, _), cell in sorted(found.items()) if name == method]
        if cells:
            values = [spread([cell[score] for cell in cells]) for score in SCORES]
            middle = [f"{one.mean:.3f}" + (f" ± {one.std:.3f}" if one.count > 1 else "") for one in values]
            rows.append([KvasirArm(method).what.label, str(len(cells)), *middle])
    return rows


def _differences(found: dict[tuple[str, int], dict[str, Any]]) -> list[list[str]]:
    rows, chances = [], []
    for ours, theirs in COMPARED:
        seeds = sorted(seed for name, seed in found if name == ours and (theirs, seed) in found)
        if not seeds:
            continue
        row = [KVASIR_METHODS[ours].label, KVASIR_METHODS[theirs].label, str(len(seeds))]
        for share in SHARES:
            score = f"dice_{share}"
            gain = paired([found[ours, seed][score] - found[theirs, seed][score] for seed in seeds])
            interval = f" ({gain.t[0]:+.3f} to {gain.t[1]:+.3f})" if len(seeds) > 1 else ""
            row.append(f"{gain.mean:+.3f}{interval}")
            if share == SHARES[0]:
                chances.append(p_value(gain.differences))
        rows.append(row)
    for row, *both in zip(rows, chances, holm(chances), strict=True):
        row += ["" if math.isnan(one) else f"{one:.2g}" for one in both]
    return rows
