"""Draw which_measure.png: pairs of scanpaths on which the measures disagree.

    python docs/pictures/which_measure.py [OUT.png]

Every column is a made-up scanpath beside a changed copy of it; below are the affinities of the pair under
each scheme, so that 1 means "the same" for all of them. Needs gazesim[plot].
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import gazesim
from gazesim.plots.affinity import BLUE, new_figure

SCREEN = (800.0, 600.0)
GEOMETRY = gazesim.ScreenGeometry(size_px=SCREEN, size_cm=(40, 30), distance_cm=60)
ORANGE = "#d1701f"
#: x, y (px), duration (s): a reader who goes round the image once and comes back.
PATH = np.array(
    [
        *([150, 140, 0.20], [390, 110, 0.35], [640, 170, 0.25], [660, 420, 0.45]),
        *([420, 470, 0.20], [170, 430, 0.30], [300, 290, 0.55]),
    ]
)
Array = NDArray[np.float64]

SCHEMES: dict[str, Any] = {
    "MultiMatch": gazesim.MultiMatch(screen_size=SCREEN),
    "ScanMatch": gazesim.ScanMatch(screen_size=SCREEN),
    "ScanMatch, 50 ms": gazesim.ScanMatch(screen_size=SCREEN, temporal_bin_s=0.05),
    "string edit, 5 × 5": gazesim.StringEdit(screen_size=SCREEN),
    "time-delay embedding": gazesim.TimeDelayEmbedding(screen_size=SCREEN),
    "DTW": gazesim.DTW(screen_size=SCREEN),
    "Fréchet": gazesim.Frechet(screen_size=SCREEN),
    "Hausdorff": gazesim.Hausdorff(screen_size=SCREEN),
    "Mannan": gazesim.Mannan(screen_size=SCREEN),
    "eyenalysis": gazesim.Eyenalysis(screen_size=SCREEN),
    "recurrence, 60 px": gazesim.Recurrence(radius_px=60),
    "scasim": gazesim.Scasim(geometry=GEOMETRY),
}


def pairs() -> dict[str, Array]:
    """Return changed copies of PATH by what was changed."""
    middle = np.array(SCREEN) / 2
    longer = PATH.copy()
    longer[:, 2] = np.roll(PATH[:, 2], 3) * 2
    smaller = PATH.copy()
    smaller[:, :2] = middle + (PATH[:, :2] - middle) * 0.4 + (-190, 130)
    away = np.vstack([PATH, [[770, 30, 0.1]]])
    split = PATH.repeat(2, axis=0) * (1, 1, 0.5)
    return {
        "backwards": PATH[::-1],
        "same places,\nother durations": longer,
        "smaller and\nelsewhere": smaller,
        "one glance\naway": away,
        "each fixation\nsplit in two": split,
    }


def affinities() -> tuple[list[str], Array]:
    """Return the changes, and the affinity of PATH and each changed copy, (schemes, changes)."""
    changed = pairs()
    rows = [gazesim.affinity([PATH], list(changed.values()), scheme=scheme)[0] for scheme in SCHEMES.values()]
    return list(changed), np.array(rows, np.float64)


def draw(out: str | Path) -> None:
    """Draw the pairs above a table of their affinities."""
    names, table = affinities()
    figure = new_figure(2.3 * len(names) + 2, 7.5)
    top, bottom = figure.subfigures(2, 1, height_ratios=[1, 2])
    for axes, (name, other) in zip(top.subplots(1, len(names), sharey=True), pairs().items(), strict=True):
        for path, colour, shift in ((PATH, BLUE, 0), (other, ORANGE, 7)):
            axes.plot(path[:, 0] + shift, path[:, 1] + shift, "-", color=colour, linewidth=1, alpha=0.7)
            axes.scatter(path[:, 0] + shift, path[:, 1] + shift, path[:, 2] * 250, color=colour, alpha=0.4)
            axes.annotate("1", path[0, :2] + shift, fontsize=8, color=colour, weight="bold")
        axes.set(xlim=(0, SCREEN[0]), ylim=(SCREEN[1], 0), xticks=[], yticks=[], aspect="equal")
        axes.set_title(name, fontsize=9)
    axes = bottom.subplots()
    axes.imshow(table, vmin=0, vmax=1, cmap="viridis", aspect="auto")
    for (row, column), value in np.ndenumerate(table):
        axes.text(
            column, row, f"{value:.2f}", ha="center", va="center", color="black" if value > 0.6 else "white"
        )
    axes.set_xticks(range(len(names)), [name.replace("\n", " ") for name in names], fontsize=8)
    axes.set_yticks(range(len(SCHEMES)), list(SCHEMES), fontsize=9)
    figure.savefig(out, dpi=110, format="png")


if __name__ == "__main__":
    draw(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).with_suffix(".png"))
