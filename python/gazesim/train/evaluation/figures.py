"""The papers' pictures: affinity maps (McGIP, Fig. 4), scores by epoch, threshold (Fig. 5), labels (GCA)."""

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
from .affinity_maps import affinity_maps

__all__ = [
    "gaze_point",
    "gaze_points",
    "plot_affinity_maps",
    "plot_score_curves",
    "plot_threshold_ablation",
    "unseen_point",
]

ORANGE, GREY = "#d1701f", "#9a9a9a"
#: The marker of the point; its rim makes it visible on dark and bright images.
POINT = {"marker": "o", "s": 50, "color": "#2ee6d6", "edgecolors": "black", "linewidths": 1.2, "zorder": 3}
UNSEEN = {**POINT, "marker": "X", "s": 60, "color": "#ff6b5e"}


def plot_affinity_maps(
    models: Mapping[str, nn.Module],
    samples: Samples,
    chosen: Sequence[int],
    path: str | Path,
    *,
    points_xy: Sequence[Any] | None = None,
    negatives_xy: Sequence[Any] | None = None,
    layer: str | None = None,
    weights: Mapping[str, torch.Tensor] | None = None,
) -> None:
    """Draw images, points in each, and every model's affinity map of each point, side by side.

    Images are drawn in the shape of their files, not in the one that the networks read. Every cell of a
    feature map is drawn as its rectangle of the image, so the point lies in the cell of similarity 1,
    however coarse the map is.

    Parameters
    ----------
    models
        Networks by name, a column each.
    samples, chosen
        The images, and the positions of those that are drawn, a row for each of their points.
    path
        The PNG to write.
    points_xy
        x and y in pixels of each image as ``samples.image`` returns it, or several of them for each; default
        :func:`gaze_point`.
    negatives_xy
        Points of each image that nobody looked at, one or several: drawn as crosses, below the others.
    layer
        See :func:`affinity_map`.
    weights
        By model, what its channels are multiplied with, see :func:`affinity_map`: such as the weights of the
        linear probe, so that only what the probe reads makes places alike.

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
    given = [gaze_point(samples, i) for i in chosen] if points_xy is None else points_xy
    unseen: Sequence[Any] = [[]] * len(chosen) if negatives_xy is None else negatives_xy
    rows: list[tuple[int, tuple[float, float], bool, list[NDArray[np.float32]]]] = []
    for i, positive, negative in zip(chosen, given, unseen, strict=True):
        points = [*_points(positive), *_points(negative)]
        found = [
            affinity_maps(net, samples.image(i), points, layer=layer, weights=(weights or {}).get(name))
            for name, net in models.items()
        ]
        marks = [True] * len(_points(positive)) + [False] * len(_points(negative))
        rows += [(i, *one) for one in zip(points, marks, map(list, zip(*found, strict=True)), strict=True)]
    figure = new_figure(2.3 * (1 + len(models)) + 0.7, 2.3 * len(rows) + 0.4)
    axes = figure.subplots(len(rows), 1 + len(models), squeeze=False)
    low = min(float(one.min()) for *_, maps in rows for one in maps)
    colours, shown = _clear_to_bright(), None
    for line, (i, point, is_looked_at, maps) in zip(axes, rows, strict=True):
        image = samples.image(i).mean(dim=0).numpy()
        width, height = _size_wh(samples, i)
        place = point[0] * width / image.shape[1], point[1] * height / image.shape[0]
        # In pixels of the file, borders of the outermost cells on those of the image.
        frame = {"extent": (0, width, height, 0), "aspect": "equal"}
        for cell in line:
            cell.imshow(image, cmap="gray", vmin=0, vmax=1, **frame)
            cell.scatter(*place, **(POINT if is_looked_at else UNSEEN))
            cell.set_axis_off()
        line[0].set_title(samples.ids[i], fontsize=9)
        for cell, one in zip(line[1:], maps, strict=True):
            shown = cell.imshow(one, cmap=colours, vmin=low, vmax=1, interpolation="nearest", **frame)
    for cell, name in zip(axes[0, 1:], models, strict=True):
        cell.set_title(name, fontsize=9)
    bar = figure.colorbar(shown, ax=axes, label="cosine similarity with the point", shrink=0.8, aspect=30)
    bar.ax.set_facecolor("#555555")  # in place of the image beneath
    figure.savefig(path, dpi=130, format="png")


def _points(given: Any) -> list[tuple[float, float]]:
    """Return one point, or several, as a list."""
    several = list(given)
    if len(several) == 2 and not hasattr(several[0], "__len__"):
        return [(float(several[0]), float(several[1]))]
    return [(float(x), float(y)) for x, y in several]


def gaze_point(samples: Samples, index: int) -> tuple[float, float]:
    """Return the maximum of an image's gaze map, x and y in pixels; the centre if there is no gaze."""
    return gaze_points(samples, index, 1)[0]


def gaze_points(samples: Samples, index: int, count: int) -> list[tuple[float, float]]:
    """Return up to ``count`` maxima of the gaze map, x and y in pixels, at least a sixth of the width apart.

    The highest point comes first; there are fewer points if no gaze is left at that distance from them.
    Without gaze: only the centre of the image.

    Examples
    --------
    >>> import numpy as np
    >>> from gazesim.train import ArraySamples
    >>> from gazesim.train.evaluation.figures import gaze_points
    >>> maps = np.zeros((1, 12, 12))
    >>> maps[0, 2, 3], maps[0, 2, 4], maps[0, 9, 9] = 3, 2, 1
    >>> gaze_points(ArraySamples(np.zeros((1, 12, 12)), heatmaps=maps), 0, 3)
    [(3.5, 2.5), (9.5, 9.5)]
    """
    gaze = samples.gaze_map(index)
    if gaze is None:
        height, width = samples.image(index).shape[1:]
        return [(width / 2, height / 2)]
    left = gaze.numpy().copy()
    found: list[tuple[float, float]] = []
    rows, columns = np.mgrid[: left.shape[0], : left.shape[1]]
    while len(found) < count and (not found or left.max() > 0):
        row, column = divmod(int(left.argmax()), left.shape[1])
        found.append((column + 0.5, row + 0.5))
        left[np.hypot(rows - row, columns - column) < left.shape[1] / 6] = 0
    return found


def unseen_point(samples: Samples, index: int) -> tuple[float, float] | None:
    """Return the place of the tissue that is farthest from all gaze, x and y in pixels; None without gaze.

    Gaze is where the map exceeds a tenth of its maximum; tissue is what is at least as bright as the mean of
    the image, so that the point does not lie in the dark beside it. None too where gaze covers all of that.

    Examples
    --------
    >>> import numpy as np
    >>> from gazesim.train import ArraySamples
    >>> from gazesim.train.evaluation.figures import unseen_point
    >>> maps = np.zeros((1, 12, 12))
    >>> maps[0, 2, 3] = 1
    >>> unseen_point(ArraySamples(np.zeros((1, 12, 12)), heatmaps=maps), 0)
    (11.5, 11.5)
    """
    from scipy.ndimage import distance_transform_edt

    gaze = samples.gaze_map(index)
    if gaze is None:
        return None
    image = samples.image(index).mean(dim=0).numpy()
    far = distance_transform_edt(gaze.numpy() <= 0.1 * float(gaze.max()))
    far = np.where(image >= image.mean(), far, 0)
    if far.max() == 0:
        return None
    row, column = divmod(int(far.argmax()), far.shape[1])
    return column + 0.5, row + 0.5


def plot_score_curves(
    curves: Mapping[str, Iterable[Sequence[float]]],
    path: str | Path,
    *,
    x: str = "epochs of pre-training",
    metric: str = "ACC",
    title: str = "",
    log: bool = False,
) -> None:
    """Draw scores of several methods over epochs (McGIP, Fig. 5a) or over the labels (GCA's figure).

    Points are means over runs with the same x, the band their standard deviation.

    Parameters
    ----------
    curves
        By method, (x, score) of every run.
    path
        The PNG to write.
    x, metric, title
        Names of the axes, and a line above the picture.
    log
        Whether the horizontal axis is logarithmic, as for counts of labels.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> from gazesim.train import plot_score_curves
    >>> curves = {"plain": [(50, 0.61), (100, 0.64)], "gaze": [(50, 0.63), (100, 0.70), (100, 0.68)]}
    >>> with TemporaryDirectory() as folder:
    ...     picture = Path(folder) / "epochs.png"
    ...     plot_score_curves(curves, picture)
    ...     picture.exists()
    True
    """
    if not curves:
        raise ValueError("curves is empty; expected (x, score) of runs by the name of their method")
    figure = new_figure(6.4, 4.2)
    figure.suptitle(title)
    axes, places = figure.subplots(), set()
    for number, (name, given) in enumerate(curves.items()):
        runs = np.array([tuple(run) for run in given], np.float64)
        if runs.ndim != 2 or runs.shape[1] != 2 or not np.isfinite(runs[:, 0]).all():
            raise ValueError(f"curves[{name!r}] has shape {runs.shape}; expected (x, score) for each run")
        runs = runs[np.isfinite(runs[:, 1])]  # a score without a value, as of a class that is missing
        if not len(runs):
            continue
        along, mean, spread = _by_x(runs)
        colour = f"C{number}"
        axes.fill_between(along, mean - spread, mean + spread, color=colour, alpha=0.15, linewidth=0)
        axes.plot(along, mean, color=colour, marker="o", linewidth=1.8, label=name)
        places |= set(along.tolist())
    if log:
        axes.set_xscale("log")
    if len(places) <= 8:
        axes.set_xticks(sorted(places), [f"{place:g}" for place in sorted(places)], minor=False)
        axes.minorticks_off()
    axes.set_xlabel(x)
    axes.set_ylabel(f"{metric}, mean ± std")
    axes.legend(frameon=False, fontsize=9)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    figure.savefig(path, dpi=130, format="png")


def _by_x(runs: NDArray[np.float64]) -> tuple[NDArray[np.float64], ...]:
    """Return places, and mean and standard deviation of the scores at each."""
    places = np.unique(runs[:, 0])
    groups = [runs[runs[:, 0] == place, 1] for place in places]
    spread = [group.std(ddof=1) if len(group) > 1 else 0.0 for group in groups]
    return places, np.array([group.mean() for group in groups]), np.array(spread)


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
