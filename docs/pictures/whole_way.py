"""Draw the whole way in one picture: python docs/pictures/whole_way.py [OUT.png]"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

import gazesim
from gazesim.views import sample_crop


def draw(path: str | Path) -> None:
    """Draw gaze on an image, the affinities, the positives of a batch, and crops that keep the gaze."""
    data = gazesim.phantom.phantom(64, seed=0, size=128)
    order = np.argsort(data.labels, kind="stable")
    chosen = int(np.flatnonzero(data.labels == 2)[1])
    scanpath = data.scanpaths[chosen]
    figure = Figure(figsize=(13, 3.4), layout="constrained")
    axes = figure.subplots(1, 4)
    for axis in (axes[0], axes[3]):
        axis.imshow(data.images[chosen], cmap="gray", extent=(0, 128, 128, 0))
    axes[0].plot(scanpath[:, 0], scanpath[:, 1], color="tab:orange", linewidth=0.8)
    axes[0].scatter(scanpath[:, 0], scanpath[:, 1], s=scanpath[:, 2] * 200, color="tab:orange", alpha=0.6)
    axes[0].set_title("1. images and gaze")
    matrix = gazesim.affinity(data.scanpaths, scheme="tima", sigma_px=6.0, eps=0.3)
    axes[1].imshow(matrix[np.ix_(order, order)])
    axes[1].set_title("2. affinities, sorted by class")
    np.fill_diagonal(matrix, 1)
    threshold = np.quantile(matrix[np.triu_indices(64, 1)], 0.96)
    axes[2].imshow(matrix[np.ix_(order, order)] >= threshold, cmap="Greys")
    axes[2].set_title("3. positives of a batch")
    for seed in range(4):
        x0, y0, x1, y1 = sample_crop(data.heatmaps[chosen], scale=(0.2, 0.6), support=0.2, seed=seed).box
        corners = np.array([(x0, y0), (x1, y0), (x1, y1), (x0, y1), (x0, y0)])
        axes[3].plot(*corners.T, linewidth=1.5)
    axes[3].set_title("4. crops that keep the gaze")
    for axis in axes:
        axis.set_xticks([])
        axis.set_yticks([])
    figure.savefig(path, dpi=90, bbox_inches="tight")


if __name__ == "__main__":
    draw(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).with_suffix(".png"))
