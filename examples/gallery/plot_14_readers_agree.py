"""
How well readers agree
======================

With several readers per image, compare the affinity of two readers on one image with that on different
images.
"""

import matplotlib.pyplot as plt
import numpy as np

import gazesim

data = gazesim.phantom.phantom(60, seed=0, readers=3)
matrix = gazesim.affinity(data.scanpaths, scheme="tima", sigma_px=3.0, eps=0.3)
images = np.array([image for image, _ in data.scanpaths.ids])
rows, columns = np.triu_indices(len(images), 1)
same = images[rows] == images[columns]
values = matrix[rows, columns]

figure, axis = plt.subplots(figsize=(7, 3.4))
axis.hist(values[~same], bins=40, density=True, alpha=0.6, label="different images")
axis.hist(values[same], bins=40, density=True, alpha=0.6, label="two readers of one image")
axis.set(xlabel="TIMA affinity", ylabel="density")
axis.legend()
