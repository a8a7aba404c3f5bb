"""The papers' pictures: affinity maps of several models (McGIP, Fig. 4), scores by threshold (Fig. 5)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from ...plots.affinity import BLUE, new_figure
from ..data.images import image_shape
from ..data.samples import Samples
from .affinity_maps import affinity_map

__all__ = ["gaze_point", "plot_affinity_maps", "plot_threshold_ablation"]

ORANGE, GREY = "#d1701f", "#9a9a9a"
#: The marker of the point; its rim makes it visible on dark and bright images.
POINT = {"marker": "o", "s": 50, "color": "#2ee6d6", "edgecolors": "black", "linewidths": 1.2, "zorder": 3}


def plot_affinity_maps(
    models: Mapping[str, nn.Module],
    samples: Samples,
    chosen: Sequence[int],
    path: str | Path,
    *,
    points_xy: Sequence[Sequence[float]] | None = None,
    layer: str | None = None,
) -> None:
    """Draw images, a point in each, and every model's affinity map of that point, side by side.

    Images are drawn in the shape of their files, not in the one that the networks read. Every cell of a
    feature map is drawn as its rectangle of the image, so the point lies in the cell of similarity 1,
    however coarse the map is.

    Parameters
    ----------
    models
        Networks by name, a column each.
    samples, chosen
        The images, and the positions of those that are drawn, a row each.
    path
        The PNG to write.
    points_xy
        x and y in pixels of each image as ``samples.image`` returns it; default :func:`gaze_point`.
    layer
        See :func:`affinity_map`.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> from gazesim.train import PhantomSettings, make_backbone, plot_affinity_maps
    >>> samples = PhantomSettings(n_train=1, n_test=0).samples()
    >>> with TemporaryDirectory() as folder:
    ...     picture = Path(folder) / "maps.png"
    ...     plot_affinity_maps(
    ...         {"random": make_backbone("resnet10-narrow", channels=1)}, samples, [0], picture
    ...     )
    ...     picture.exists()
    True
    """
    if not models or not len(chosen):
        raise ValueError(f"{len(models)} models and {len(chosen)} images are given; expected some of both")
    points = [gaze_point(samples, i) for i in chosen] if points_xy is None else points_xy
    figure = new_figure(2.3 * (1 + len(models)) + 0.7, 2.3 * len(chosen) + 0.4)
    axes = figure.subplots(len(chosen), 1 + len(models), squeeze=False)
    found = [
        [affinity_map(net, samples.image(i), point, layer=layer) for net in models.values()]
        for i, point in zip(chosen, points, strict=True)
    ]
    low = min(float(one.min()) for line in found for one in line)
    colours, shown = _clear_to_bright(), None
    for line, i, point, maps in zip(axes, chosen, points, found, strict=True):
        image = samples.image(i).mean(dim=0).numpy()
        width, height = _size_wh(samples, i)
        place = point[0] * width / image.shape[1], point[1] * height / image.shape[0]
        # In pixels of the file, borders of the outermost cells on those of the image.
        frame = {"extent": (0, width, height, 0), "aspect": "equal"}
        for cell in line:
            cell.imshow(image, cmap="gray", vmin=0, vmax=1, **frame)
            cell.scatter(*place, **POINT)
            cell.set_axis_off()
        line[0].set_title(samples.ids[i], fontsize=9)
        for cell, one in zip(line[1:], maps, strict=True):
            shown = cell.imshow(one, cmap=colours, vmin=low, vmax=1, interpolation="nearest", **frame)
    for cell, name in zip(axes[0, 1:], models, strict=True):
        cell.set_title(name, fontsize=9)
    bar = figure.colorbar(shown, ax=axes, label="cosine similarity with the point", shrink=0.8, aspect=30)
    bar.ax.set_facecolor("#555555")  # in place of the image beneath
    figure.savefig(path, dpi=130, format="png")


def gaze_point(samples: Samples, index: int) -> tuple[float, float]:
    """Return the maximum of an image's gaze map, x and y in pixels; the centre if there is no gaze."""
    gaze = samples.gaze_map(index)
    if gaze is None:
        height, width = samples.image(index).shape[1:]
        return width / 2, height / 2
    row, column = divmod(int(torch.argmax(gaze)), gaze.shape[1])
    return column + 0.5, row + 0.5


def plot_threshold_ablation(
    rows: Iterable[Sequence[float]],
    path: str | Path,
    *,
    metric: str = "ACC",
    plain: Sequence[float] = (),
    title: str = "",
) -> None:
    """Draw a score against the threshold of positives, and how many positives each row then has.

    Points are means over runs with the same threshold, the band their standard deviation.

    Parameters
    ----------
    rows
        (threshold, positives per row beside the image itself, score), one per run.
    path
        The PNG to write.
    metric
        The name of the score.
    plain
        Scores of runs without gaze, for a dashed line at their mean.
    title
        A line above the picture.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> from gazesim.train import plot_threshold_ablation
    >>> with TemporaryDirectory() as folder:
    ...     picture = Path(folder) / "ablation.png"
    ...     plot_threshold_ablation([(0.7, 90.0, 0.61), (0.9, 3.0, 0.74)], picture, plain=[0.70, 0.72])
    ...     picture.exists()
    True
    """
    runs = np.array([tuple(row) for row in rows], np.float64)
    if runs.ndim != 2 or runs.shape[1] != 3 or not np.isfinite(runs).all():
        raise ValueError(
            f"rows has shape {runs.shape}; expected finite (threshold, positives per row, score) for each run"
        )
    thresholds, positives, mean, spread = _by_threshold(runs)
    figure = new_figure(6.4, 4.2)
    figure.suptitle(title)
    left = figure.subplots()
    right = left.twinx()
    width = 0.6 * (np.diff(thresholds).min() if len(thresholds) > 1 else 0.1)
    right.bar(thresholds, positives, width=width, color=GREY, alpha=0.35, linewidth=0)
    right.set_yscale("symlog", linthresh=1, linscale=0.5)
    right.set_ylim(0, max(1.0, positives.max()) * 1.6)
    right.set_ylabel("positives per row (bars)", color="#6a6a6a")
    right.tick_params(axis="y", colors="#6a6a6a")
    for threshold, count in zip(thresholds, positives, strict=True):
        right.annotate(
            f"{count:.3g}",
            (threshold, count),
            (0, 2),
            textcoords="offset points",
            ha="center",
            fontsize=8,
            color="#6a6a6a",
        )
    left.set_zorder(right.get_zorder() + 1)  # the curve above the bars
    left.patch.set_visible(False)
    if len(plain):
        level = float(np.mean(plain))
        left.axhline(level, color=ORANGE, linewidth=1.3, linestyle="--", label=f"without gaze {level:.3f}")
    left.fill_between(thresholds, mean - spread, mean + spread, color=BLUE, alpha=0.2, linewidth=0)
    left.plot(thresholds, mean, color=BLUE, marker="o", linewidth=1.8, label=f"{metric}, mean ± std")
    left.set_xticks(thresholds, [f"{threshold:g}" for threshold in thresholds])
    left.set_xlabel("threshold of affinity")
    left.set_ylabel(metric, color=BLUE)
    left.legend(frameon=False, loc="lower right", bbox_to_anchor=(1, 1), ncols=2, fontsize=9)
    for axes in (left, right):
        axes.spines["top"].set_visible(False)
    figure.savefig(path, dpi=130, format="png")


def _by_threshold(runs: NDArray[np.float64]) -> tuple[NDArray[np.float64], ...]:
    """Return thresholds, mean positives, mean and standard deviation of scores."""
    thresholds = np.unique(runs[:, 0])
    groups = [runs[runs[:, 0] == threshold] for threshold in thresholds]
    positives = np.array([group[:, 1].mean() for group in groups])
    mean = np.array([group[:, 2].mean() for group in groups])
    spread = np.array([group[:, 2].std(ddof=1) if len(group) > 1 else 0.0 for group in groups])
    return thresholds, positives, mean, spread


def _clear_to_bright() -> Any:
    """Return a colour map that is transparent for similarity 0, so that the image stays visible."""
    from matplotlib import colormaps
    from matplotlib.colors import ListedColormap

    shares = np.linspace(0, 1, 256)
    colours = colormaps["inferno"](0.2 + 0.75 * shares)
    colours[:, 3] = 0.85 * shares**1.5
    return ListedColormap(colours)


def _size_wh(samples: Samples, index: int) -> tuple[int, int]:
    """Return (width, height) of an image's file; of the image itself where it comes from no file."""
    entries = getattr(samples, "entries", None)
    height, width = samples.image(index).shape[1:] if entries is None else image_shape(entries[index].image)
    return int(width), int(height)
