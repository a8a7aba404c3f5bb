"""
How many crops keep the gaze
============================

Each pixel is a position of a square crop, and its colour is the share of the gaze that the crop keeps. Only
the positions inside the line may be drawn.
"""

import matplotlib.pyplot as plt
import numpy as np

from gazesim.phantom import phantom
from gazesim.views import iou

data = phantom(4, seed=2)
gaze = data.heatmaps[0]
figure, axes = plt.subplots(1, 4, figsize=(13, 3.2))
axes[0].imshow(data.images[0], cmap="gray")
axes[0].imshow(gaze, cmap="inferno", alpha=0.5)
axes[0].set_title("image and gaze")
for axis, side in zip(axes[1:], (24, 36, 48), strict=True):
    corners = np.arange(64 - side + 1)
    boxes = [[x, y, x + side, y + side] for y in corners for x in corners]
    kept = iou(gaze, boxes).reshape(len(corners), -1)
    axis.imshow(kept, vmin=0, vmax=1)
    if kept.min() < 0.8 <= kept.max():
        axis.contour(kept, [0.8], colors="white")
    axis.set_title(f"crops of {side} px: {(kept >= 0.8).mean():.0%} may be drawn", fontsize=9)
