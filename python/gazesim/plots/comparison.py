"""The picture of ``gazesim compare``: mean and interval of every measure between its floor and ceiling."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .affinity import BLUE, new_figure

__all__ = ["plot_comparison"]

#: The range of the axis; a measure outside of it is drawn as an arrow at the border.
SHOWN = (-0.75, 1.75)
ORANGE, GREY = "#d1701f", "#9a9a9a"
#: The two panels: (title, column of the number, of its ceiling, of its floor).
PANELS = (
    ("mean over human scanpaths", "mean", "human_mean", "shuffled_mean"),
    ("best human scanpath", "best", "human_best", "shuffled_best"),
)


def plot_comparison(table: NDArray[Any], path: str | Path) -> None:
    """Draw the rows over all images of a comparison as a PNG.

    Every measure is a line from its floor (predictions against another image's humans) at the left to its
    ceiling (humans among each other) at the right, whatever its unit and direction; the dot shows where
    the predictions lie between the two, with their bootstrap interval.

    Parameters
    ----------
    table
        What :func:`gazesim.compare_scanpaths` returned with ``by="image"`` or ``"all"``, as an array.
    path
        The PNG to write.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> from gazesim import compare_scanpaths
    >>> from gazesim.plots.comparison import plot_comparison
    >>> path = [[10, 20, 0.2], [30, 20, 0.3], [30, 40, 0.1]]
    >>> human = {image: [path, path[::-1]] for image in "ab"}
    >>> table = compare_scanpaths({"a": path, "b": path}, human, measures="multimatch", screen_size=(64, 48))
    >>> out = pathlib.Path(tempfile.mkdtemp()) / "comparison.png"
    >>> plot_comparison(table, out)
    >>> out.stat().st_size > 1000
    True
    """
    totals = table[table["level"] == "all"]
    figure = new_figure(11, 1.6 + 0.42 * len(totals))
    figure.suptitle("between the floor (humans on another image) and the ceiling (humans among each other)")
    for axes, (title, name, ceiling, floor) in zip(figure.subplots(1, 2, sharey=True), PANELS, strict=True):
        axes.axvline(0, color=GREY, linewidth=1)
        axes.axvline(1, color=ORANGE, linewidth=1)
        for line, row in enumerate(totals):
            place, left, right = (
                place_of(row, column, floor, ceiling) for column in (name, f"{name}_low", f"{name}_high")
            )
            if np.isnan(place):
                axes.text(0.5, line, "no floor or ceiling", va="center", ha="center", fontsize=8, color=GREY)
                continue
            shown = float(np.clip(place, *SHOWN))
            marker = "o" if shown == place else "<" if place < shown else ">"
            axes.plot(np.clip([left, right], *SHOWN), [line, line], color=BLUE, linewidth=2)
            axes.plot([shown], [line], marker, color=BLUE)
            axes.annotate(f"{row[name]:.3g}", (shown, line), (0, 6), textcoords="offset points", fontsize=8)
        axes.set_title(title, fontsize=10)
        axes.set_xlim(SHOWN[0] - 0.1, SHOWN[1] + 0.1)
        axes.set_xticks([0, 1], ["floor", "ceiling"])
        axes.set_yticks(range(len(totals)), [_label(row) for row in totals], fontsize=9)
        axes.set_ylim(len(totals) - 0.5, -0.7)
        axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, dpi=120, format="png")


def place_of(row: Any, column: str, floor: str, ceiling: str) -> float:
    """Return a column's position between the floor (0) and the ceiling (1); NaN if these are equal."""
    span = row[ceiling] - row[floor]
    return float((row[column] - row[floor]) / span) if span != 0 else float("nan")


def _label(row: Any) -> str:
    return f"{row['measure']} {'↑' if row['better'] == 'higher' else '↓'}"
