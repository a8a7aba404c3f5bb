"""
Choosing a threshold
====================

A threshold decides how many other images of a batch become positives, and how many of them share the class.
Few and pure positives help; many let representations collapse.
"""

import matplotlib.pyplot as plt
import numpy as np

import gazesim

data = gazesim.phantom.phantom(256, seed=0)
matrix = gazesim.affinity(data.scanpaths, scheme="tima", sigma_px=3.0, eps=0.3)
rows, columns = np.triu_indices(256, 1)
values, same = matrix[rows, columns], data.labels[rows] == data.labels[columns]
batch = 64
quantiles = 1 - np.geomspace(0.5, 0.003, 30)
thresholds = np.quantile(values, quantiles)
extra = [(values >= t).mean() * (batch - 1) for t in thresholds]
purity = [same[values >= t].mean() for t in thresholds]

figure, axis = plt.subplots(figsize=(7, 3.8))
axis.plot(extra, purity, "o-", markersize=3)
axis.axhline(same.mean(), linestyle=":", color="0.5", label="random pairs")
axis.axvspan(2, 8, color="tab:green", alpha=0.15, label="2 to 8 helped on phantoms")
axis.set(
    xscale="log", xlabel=f"extra positives per row of a batch of {batch}", ylabel="share of the same class"
)
axis.legend()
