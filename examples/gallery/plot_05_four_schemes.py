"""
One data set under four schemes
===============================

Rows and columns are images, sorted by class. A scheme that suits the question shows blocks on the diagonal.
"""

import matplotlib.pyplot as plt
import numpy as np

import gazesim

data = gazesim.phantom.phantom(96, seed=0)
order = np.argsort(data.labels, kind="stable")
schemes = {
    "multimatch": (data.scanpaths, {}),
    "moments": (data.heatmaps, {}),
    "dhash": (data.heatmaps, {"margin": 0.02}),
    "tima": (data.scanpaths, {"sigma_px": 3.0, "eps": 0.3}),
}
figure, axes = plt.subplots(1, 4, figsize=(14, 3.4))
for axis, (scheme, (gaze, options)) in zip(axes, schemes.items(), strict=True):
    matrix = gazesim.affinity(gaze, scheme=scheme, errors="ignore", **options)
    low, high = np.quantile(matrix[np.triu_indices(96, 1)], (0.02, 0.98))
    axis.imshow(matrix[np.ix_(order, order)], vmin=low, vmax=high)
    axis.set_title(scheme)
