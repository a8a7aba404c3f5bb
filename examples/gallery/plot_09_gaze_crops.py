"""
Crops that keep the lesion
==========================

``GazeCrop`` draws the boxes of ``RandomResizedCrop``, but only those that keep at least 80 % of the gaze.
"""

import matplotlib.pyplot as plt
import torch
from torchvision import tv_tensors
from torchvision.transforms import v2

from gazesim.phantom import phantom
from gazesim.torch import GazeCrop

torch.manual_seed(0)
data = phantom(8, seed=3, size=128)
index = int((data.labels == 2).nonzero()[0][0])
image = tv_tensors.Image(torch.from_numpy(data.images[index][None]))
gaze = tv_tensors.Mask(torch.from_numpy(data.heatmaps[index]))
figure, axes = plt.subplots(2, 7, figsize=(13, 4))
for row, name, crop in (
    (axes[0], "random", v2.RandomResizedCrop(96, (0.2, 1.0))),
    (axes[1], "gaze", GazeCrop(96, (0.2, 1.0), support=0.2)),
):
    row[0].imshow(data.images[index], cmap="gray")
    row[0].imshow(data.heatmaps[index], cmap="inferno", alpha=0.4)
    row[0].set_title(f"{name} crops of")
    for axis in row[1:]:
        view, _ = crop(image, gaze)
        axis.imshow(view[0], cmap="gray", vmin=0, vmax=1)
for axis in axes.flat:
    axis.set_axis_off()
