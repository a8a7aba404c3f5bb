"""
What a network finds alike within an image
==========================================

``affinity_map`` compares the features at one place with those at all others. Here the network has random
weights; ``load_backbone("run")`` gives yours.
"""

import matplotlib.pyplot as plt
import torch

from gazesim.phantom import phantom
from gazesim.train import affinity_map, make_backbone

torch.manual_seed(0)
data = phantom(8, seed=3, size=128)
index = int((data.labels == 2).nonzero()[0][0])
x0, y0, x1, y1 = data.boxes[index]
backbone = make_backbone("resnet10-narrow", channels=1)
image = torch.from_numpy(data.images[index][None])
figure, axes = plt.subplots(1, 3, figsize=(10, 3.4))
axes[0].imshow(data.images[index], cmap="gray")
axes[0].add_patch(plt.Rectangle((x0, y0), x1 - x0, y1 - y0, fill=False, color="tab:orange"))
axes[0].set_title("image and lesion")
for axis, point in zip(axes[1:], (((x0 + x1) / 2, (y0 + y1) / 2), (20.0, 20.0)), strict=True):
    axis.imshow(affinity_map(backbone, image, point), extent=(0, 128, 128, 0), vmin=-1, vmax=1, cmap="RdBu_r")
    axis.plot(*point, "k+", markersize=12)
    axis.set_title("affinity with the +")
for axis in axes:
    axis.set_axis_off()
