"""
Scores of a saliency map
========================

A map that only knows the centre bias scores well under AUC, and not under shuffled AUC.
"""

import matplotlib.pyplot as plt
import numpy as np

from gazesim.phantom import phantom
from gazesim.saliency import auc, nss, shuffled_auc

data = phantom(60, seed=0)
fixations = [path[:, :3] for path in data.scanpaths]
y, x = np.mgrid[:64, :64]
centre = np.exp(-((x - 31.5) ** 2 + (y - 31.5) ** 2) / (2 * 12**2))
other = np.roll(data.heatmaps, 1, axis=0)
maps = {
    "centre": np.repeat(centre[None], 60, 0),
    "gaze on another image": other,
    "gaze itself": data.heatmaps,
}
measures = {"NSS": nss, "AUC": auc, "shuffled AUC": shuffled_auc}

figure, axes = plt.subplots(1, 3, figsize=(11, 3))
for axis, (name, measure) in zip(axes, measures.items(), strict=True):
    means = [np.nanmean(measure(one, fixations, outside="ignore")) for one in maps.values()]
    axis.barh(list(maps), means)
    axis.set_title(name)
    if name != "NSS":
        axis.axvline(0.5, color="black", linestyle=":")
figure.tight_layout()
