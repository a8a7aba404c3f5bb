"""
Cutouts and masks
=================

``GazeCutout`` places holes where few people looked; ``GazeMask`` keeps only where they looked most.
"""

import matplotlib.pyplot as plt
import torch
from torchvision import tv_tensors

from gazesim.phantom import phantom
from gazesim.torch import GazeCutout, GazeMask

torch.manual_seed(1)
data = phantom(8, seed=3, size=128)
image = tv_tensors.Image(torch.from_numpy(data.images[1][None]))
gaze = tv_tensors.Mask(torch.from_numpy(data.heatmaps[1]))
transforms = [GazeCutout(48, min_iou=0.0), GazeCutout(48), GazeMask(0.8), GazeMask(0.5)]
titles = ["cutout anywhere", "cutout beside gaze", "mask, drop 80 %", "mask, drop 50 %"]
figure, axes = plt.subplots(1, 5, figsize=(13, 3))
axes[0].imshow(data.images[1], cmap="gray")
axes[0].imshow(data.heatmaps[1], cmap="inferno", alpha=0.4)
axes[0].set_title("image and gaze")
for axis, transform, title in zip(axes[1:], transforms, titles, strict=True):
    view, _ = transform(image, gaze)
    axis.imshow(view[0], cmap="gray", vmin=0, vmax=1)
    axis.set_title(title)
for axis in axes:
    axis.set_axis_off()
