"""
The five dimensions of MultiMatch
=================================

The published threshold of 0.7 on the mean of five dimensions accepts almost every pair. The dimensions have
different distributions, so a mean hides what differs.
"""

import matplotlib.pyplot as plt
import numpy as np

import gazesim

data = gazesim.phantom.phantom(128, seed=0)
five = gazesim.multimatch(data.scanpaths)  # (128, 128, 5)
pairs = five[np.triu_indices(128, 1)]
mean = pairs.mean(axis=1)
print(f"{(mean >= 0.7).mean():.1%} of random pairs have a mean of 0.7 or more")

figure, axis = plt.subplots(figsize=(8, 3.6))
for values, name in zip(pairs.T, ("shape", "direction", "length", "position", "duration"), strict=True):
    axis.hist(values, bins=60, histtype="step", label=name)
axis.hist(mean, bins=60, color="0.8", label="mean")
axis.axvline(0.7, color="black", linestyle="--")
axis.set(xlabel="similarity", ylabel="pairs")
axis.legend()
