"""The picture of ``gazesim inspect``: matrix, histogram, positives per row, purity, nearest neighbours."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..cache.inspection import (
    ALMOST_NONE,
    FEW,
    MANY,
    NEIGHBORS,
    PUBLISHED,
    STRIPS,
    Inspection,
    nearest,
)
from ..cache.selection import ALMOST_ALL
from .affinity import BLUE, draw_histogram, draw_matrix, new_figure, off_diagonal, similarity_order, spaced

__all__ = ["plot_inspection"]

ORANGE, GREEN, GREY = "#d1701f", "#4c9f50", "#9a9a9a"

Images = Callable[[Hashable], Any]


def plot_inspection(
    found: Inspection,
    path: str | Path,
    *,
    gazes: Mapping[Hashable, NDArray[np.float64]] | None = None,
    screen_size: tuple[float, float] | None = None,
    images: Images | None = None,
) -> None:
    """Draw an inspection as a PNG.

    Parameters
    ----------
    found
        What :func:`gazesim.cache.inspection.inspect_cache` returned.
    path
        The PNG to write.
    gazes
        Scanpaths by id, for the strips of nearest neighbours; None leaves the strips out.
    screen_size
        (width, height) in pixels of the screen or image that the scanpaths refer to.
    images
        Returns the picture of an id, or None.
    """
    panels = 3 if found.purity is None else 4
    strips = STRIPS if gazes else 0
    figure = new_figure(5.2 * panels, 5 + 2.3 * strips)
    top, *below = figure.subfigures(
        1 + bool(strips), 1, height_ratios=[5, 2.3 * strips][: 1 + bool(strips)], squeeze=False
    )[:, 0]
    scheme = "imported" if found.cache.scheme is None else type(found.cache.scheme).__name__
    top.suptitle(
        f"{found.cache.path.name}: {scheme}, {len(found.cache):,} images, {len(found.invalid):,} invalid"
    )
    axes = top.subplots(1, panels)
    order = similarity_order(found.matrix)
    draw_matrix(axes[0], found.matrix, order)
    pairs = off_diagonal(found.matrix, len(found.matrix))
    draw_histogram(axes[1], pairs if found.cache.selection is None else pairs[pairs > 0])
    mark(axes[1], found.proposal, "proposed", low=0.9, ha="left")
    draw_extras(axes[2], found)
    if found.purity is not None:
        draw_purity(axes[3], found)
    if below and gazes:
        draw_strips(below[0], found, order, gazes, screen_size, images)
    figure.savefig(path, dpi=100, format="png")


def mark(axes: Any, threshold: float, name: str, *, low: float = 0.12, ha: str = "right") -> None:
    """Draw a vertical line at a threshold with its name."""
    axes.axvline(threshold, color=ORANGE, linewidth=1.5)
    label = axes.text(
        threshold,
        low,
        f" {name} {threshold:.3f} ",
        color=ORANGE,
        va="top",
        ha=ha,
        transform=axes.get_xaxis_transform(),
    )
    label.set_bbox({"facecolor": "white", "edgecolor": "none", "pad": 1, "alpha": 0.8})


def draw_extras(axes: Any, found: Inspection) -> None:
    """Draw the extra positives per row against the threshold, with the zones of useless thresholds."""
    full = found.batch_size - 1
    shown = np.maximum(found.extras, ALMOST_NONE / 4)
    axes.plot(found.thresholds, shown, color=BLUE, linewidth=2)
    axes.set_yscale("log")
    axes.set_ylim(ALMOST_NONE / 4, full * 1.3)
    axes.set_xlim(min(found.thresholds[0], 0.99), 1)
    for passing, words in (
        (found.extras > ALMOST_ALL * full, "almost all pairs pass"),
        (found.extras < ALMOST_NONE, "almost none passes"),
    ):
        zone = found.thresholds[passing]
        if len(zone) and zone[-1] > zone[0]:
            axes.axvspan(zone[0], zone[-1], color=GREY, alpha=0.3, linewidth=0)
            axes.text(
                (zone[0] + zone[-1]) / 2,
                0.75 if "none" in words else 0.25,
                words,
                transform=axes.get_xaxis_transform(),
                rotation=90,
                ha="center",
                va="center",
                color="#555555",
            )
    axes.axhspan(FEW, MANY, color=GREEN, alpha=0.25, linewidth=0)
    axes.text(
        0.02, MANY, f"{FEW} to {MANY} extras", color=GREEN, va="bottom", transform=axes.get_yaxis_transform()
    )
    mark(axes, found.proposal, "proposed")
    if found.thresholds[0] < PUBLISHED:
        axes.axvline(PUBLISHED, color="black", linewidth=1, linestyle=":")
        axes.text(PUBLISHED, 0.03, " papers", transform=axes.get_xaxis_transform())
    axes.set_xlabel("threshold")
    axes.set_ylabel(f"extra positives per row of {found.batch_size}")
    axes.spines[["top", "right"]].set_visible(False)


def draw_purity(axes: Any, found: Inspection) -> None:
    """Draw the share of positives with equal labels against the threshold."""
    assert found.purity is not None
    axes.plot(found.thresholds, found.purity, color=BLUE, linewidth=2)
    axes.axhline(found.chance, color="black", linewidth=1, linestyle="--")
    axes.text(found.thresholds[0], found.chance, " chance", va="bottom")
    mark(axes, found.proposal, "proposed")
    axes.set_ylim(0, 1.02)
    axes.set_xlabel("threshold")
    axes.set_ylabel("positives with the same label")
    axes.spines[["top", "right"]].set_visible(False)


def draw_strips(
    figure: Any,
    found: Inspection,
    order: NDArray[np.int64],
    gazes: Mapping[Hashable, NDArray[np.float64]],
    screen_size: tuple[float, float] | None,
    images: Images | None,
) -> None:
    """Draw some images, evenly spaced in the order, each with its nearest neighbours."""
    cache = found.cache
    valid = order[np.diagonal(found.matrix)[order] > 0]
    queries = found.sample[spaced(valid[len(valid) // (2 * STRIPS) :], STRIPS)]
    cells = figure.subplots(STRIPS, 1 + NEIGHBORS, squeeze=False)
    for axes in cells.flat:
        axes.set_axis_off()
    for line, query in zip(cells, queries, strict=False):
        positions, values = nearest(cache, int(query), NEIGHBORS)
        for axes, position, value in zip(line, [query, *positions], [None, *values], strict=False):
            name = cache.ids[position]
            draw_gaze(axes, gazes.get(name), screen_size, None if images is None else images(name))
            label = None if found.labels is None else found.labels.get(name)
            title = " · ".join(str(part) for part in (short(name), label) if part is not None)
            axes.set_title(
                title if value is None else f"{value:.3f}  {title}",
                fontsize=8,
                fontweight="bold" if value is None else "normal",
            )


def draw_gaze(
    axes: Any, gaze: NDArray[np.float64] | None, size: tuple[float, float] | None, image: Any
) -> None:
    """Draw a scanpath, from light to dark over time, on its image or on a blank."""
    axes.set_axis_on()
    axes.set(xticks=[], yticks=[])
    if gaze is None:
        axes.text(0.5, 0.5, "no gaze at hand", ha="center", va="center", transform=axes.transAxes)
        return
    width, height = size or (float(gaze[:, 0].max()), float(gaze[:, 1].max()))
    if image is not None:
        axes.imshow(image, extent=(0, width, height, 0), cmap="gray")
    axes.plot(gaze[:, 0], gaze[:, 1], color=ORANGE, linewidth=0.8)
    sizes = 10 + 60 * gaze[:, 2] / max(1e-9, float(gaze[:, 2].max()))
    axes.scatter(
        gaze[:, 0],
        gaze[:, 1],
        s=sizes,
        c=np.arange(len(gaze)),
        cmap="Oranges",
        edgecolors=ORANGE,
        linewidths=0.5,
        vmin=-len(gaze) / 3,
        zorder=3,
    )
    axes.set(xlim=(0, width), ylim=(height, 0), aspect="equal")


def short(name: Hashable) -> str:
    """Return an id as text, shortened for a title."""
    words = "/".join(map(str, name)) if isinstance(name, tuple) else str(name)
    return words if len(words) <= 18 else f"{words[:6]}…{words[-10:]}"
