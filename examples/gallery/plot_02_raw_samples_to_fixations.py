"""
From raw samples to fixations
=============================

A velocity threshold (I-VT) cuts samples into fixations. A gap without gaze, here a blink of 150 ms, ends a
fixation unless it is shorter than ``max_gap``.
"""

import matplotlib.pyplot as plt
import numpy as np

from gazesim import Screen, detect_fixations

rng = np.random.default_rng(0)
screen = Screen((1920, 1080), cm=(53, 30), distance_cm=60)
places = np.repeat([[500, 300], [1300, 420], [900, 800]], [40, 50, 45], axis=0) + rng.normal(0, 2, (135, 2))
places[60:69] = np.nan  # a blink
scanpath = detect_fixations(places, method="ivt", sampling_rate=60, geometry=screen, max_gap=0.075)
print(np.round(scanpath, 2))

time = np.arange(len(places)) / 60
figure, axes = plt.subplots(2, 1, sharex=True, figsize=(9, 4))
found = detect_fixations(
    places, method="ivt", sampling_rate=60, geometry=screen, max_gap=0.075, with_start=True
)
for axis, values, name in zip(axes, places.T, "xy", strict=True):
    axis.plot(time, values, ".", markersize=3, color="tab:blue")
    axis.set_ylabel(f"{name} (px)")
    for row in found:
        start, duration = row[3], row[2]
        axis.axvspan(start, start + duration, color="tab:orange", alpha=0.25)
axes[1].set_xlabel("time (s); fixations in orange")
