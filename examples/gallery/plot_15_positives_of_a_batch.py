"""
The positives of a batch
========================

``PairMask`` looks up which images of a batch are positives of each other. The diagonal is the usual positive,
the other view of the same image; gaze adds the others.
"""

import matplotlib.pyplot as plt
import numpy as np

from gazesim import Moments
from gazesim.phantom import phantom
from gazesim.torch import PairMask

data = phantom(256, seed=0)
features = Moments().features(data.heatmaps)
batch = np.concatenate([np.flatnonzero(data.labels == label)[:8] for label in range(4)])
masks = {"top_k=2": PairMask(features, top_k=2), "quantile=0.95": PairMask(features, quantile=0.95)}
soft = PairMask(features, quantile=0.95, weighting="softmax", temperature=0.1)
figure, axes = plt.subplots(1, 3, figsize=(11, 3.6))
for axis, (name, mask) in zip(axes, (masks | {"softmax": soft}).items(), strict=True):
    axis.imshow(mask(batch.tolist()).float(), cmap="Greys")
    axis.set_title(name)
    for edge in (7.5, 15.5, 23.5):
        axis.axhline(edge, color="tab:blue", linewidth=0.5)
        axis.axvline(edge, color="tab:blue", linewidth=0.5)
