"""
Gaze maps
=========

``render_heatmap`` sums a Gaussian per fixation, weighted by duration. One degree of visual angle is a usual
standard deviation.
"""

import matplotlib.pyplot as plt

from gazesim import render_heatmap
from gazesim.phantom import phantom

data = phantom(3, seed=4, size=128)
figure, axes = plt.subplots(1, 4, figsize=(12, 3.2))
axes[0].imshow(data.images[0], cmap="gray")
axes[0].set_title("image")
for axis, sigma_px in zip(axes[1:], (2, 6, 15), strict=True):
    axis.imshow(data.images[0], cmap="gray")
    axis.imshow(
        render_heatmap(data.scanpaths[0], size=(128, 128), sigma_px=sigma_px), cmap="inferno", alpha=0.6
    )
    axis.set_title(f"sigma_px={sigma_px}")
for axis in axes:
    axis.set_axis_off()
