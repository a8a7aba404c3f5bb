"""
A scanpath on its image
=======================

Fixations are rows of x, y (px of the image) and duration (s). The area of a disk shows the duration, and the
number shows the order.
"""

import matplotlib.pyplot as plt

from gazesim.phantom import phantom

data = phantom(4, seed=1, size=128)
figure, axes = plt.subplots(1, 4, figsize=(12, 3.4))
for axis, image, path, label in zip(axes, data.images, data.scanpaths, data.labels, strict=True):
    axis.imshow(image, cmap="gray", extent=(0, 128, 128, 0))
    axis.plot(path[:, 0], path[:, 1], color="tab:orange", linewidth=1)
    axis.scatter(path[:, 0], path[:, 1], s=path[:, 2] * 300, color="tab:orange", alpha=0.6)
    for number, (x, y, _) in enumerate(path, 1):
        axis.annotate(str(number), (x, y), fontsize=6, ha="center", va="center")
    axis.set_title(data.class_names[label])
    axis.set_axis_off()
