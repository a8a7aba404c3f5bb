"""``gazesim demo``: all four schemes on a synthetic data set."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..affinity import affinity
from ..phantom import Phantom, phantom
from ..plots.affinity import draw_matrix, new_figure
from . import say_next

#: scheme: (which gaze of the phantom it compares, parameters)
RUNS: dict[str, tuple[Callable[[Phantom], Any], dict[str, Any]]] = {
    "multimatch": (lambda study: study.scanpaths, {}),
    "moments": (lambda study: study.heatmaps, {}),
    "dhash": (lambda study: study.heatmaps, {"margin": 0.02}),
    "tima": (lambda study: study.scanpaths, {"sigma_px": 3.0, "eps": 0.3}),
}


#: The command in the help.
EXAMPLE = "demo --out demo.png"


def run(out: str = "gazesim_demo.png", n: int = 64, seed: int = 0) -> None:
    """Make gaze of four known classes and compare it under all four schemes.

    Args:
        out: Where to draw the matrices, as .png.
        n: Number of synthetic images.
        seed: Seed of the synthetic images.
    """
    study = phantom(n, seed=seed)
    print(f"{n} synthetic radiographs with gaze; classes: {', '.join(study.class_names)}\n")
    print("scheme           ms   pairs/s   >= 0.7  >= 0.9  nearest neighbour of same class")
    matrices = {}
    for scheme, (gaze, params) in RUNS.items():
        gazes = gaze(study)
        start = time.perf_counter()
        matrices[scheme] = matrix = affinity(gazes, scheme=scheme, errors="ignore", **params)
        seconds = time.perf_counter() - start
        pairs = matrix[np.triu_indices(n, 1)]
        print(
            f"{scheme:<11} {seconds * 1e3:7.2f} {n * (n + 1) / 2 / seconds:9.2g}"
            f"  {(pairs >= 0.7).mean():7.1%} {(pairs >= 0.9).mean():7.1%}"
            f"  {same_class(matrix, study.labels):.0%} (chance {chance(study.labels):.0%})"
        )
    try:
        draw(matrices, study, out)
    except ImportError as error:
        print(f"\nno picture: {error}")
    else:
        print(f"\nwrote {out}: the four matrices, images grouped by class")
    say_next("affinity", "YOUR_GAZE_FILE", "--scheme", "multimatch", "--out", "A.npy", "--plot", "A.png")


def same_class(matrix: NDArray[np.float32], labels: NDArray[np.int64]) -> float:
    """Return how often the most similar other gaze belongs to the same class."""
    others = matrix.copy()
    np.fill_diagonal(others, -1)
    return float((labels[others.argmax(axis=1)] == labels).mean())


def chance(labels: NDArray[np.int64]) -> float:
    """Return how often a random other gaze belongs to the same class."""
    same = labels[:, None] == labels
    return float((same.sum() - len(labels)) / (len(labels) * (len(labels) - 1)))


def draw(matrices: dict[str, NDArray[np.float32]], study: Phantom, out: str) -> None:
    """Draw an image of each class with its scanpath, and the four matrices grouped by class."""
    figure = new_figure(15, 7.4)
    axes = figure.subplots(2, 4)
    order = np.argsort(study.labels, kind="stable")
    for label, cell in enumerate(axes[0]):
        chosen = int(np.flatnonzero(study.labels == label)[0])
        gaze = study.scanpaths[chosen]
        cell.imshow(study.images[chosen], cmap="gray", vmin=0, vmax=1)
        cell.plot(gaze[:, 0] - 0.5, gaze[:, 1] - 0.5, color="tab:orange", linewidth=1)
        cell.scatter(gaze[:, 0] - 0.5, gaze[:, 1] - 0.5, s=gaze[:, 2] * 200, color="tab:orange", alpha=0.6)
        cell.set_title(study.class_names[label])
        cell.set_axis_off()
    edges = np.flatnonzero(np.diff(study.labels[order])) + 1
    for cell, (scheme, matrix) in zip(axes[1], matrices.items(), strict=True):
        draw_matrix(cell, matrix, order=order)
        cell.set_title(scheme)
        cell.set_xlabel("image, grouped by class")
        cell.set_ylabel("")
        for edge in edges:
            cell.axhline(edge, color="white", linewidth=0.8)
            cell.axvline(edge, color="white", linewidth=0.8)
    figure.savefig(Path(out), dpi=100)
