"""
A scanpath model against humans, with ceiling and floor
=======================================================

A mean says little alone: the ceiling is how well humans predict other humans, and the floor is what humans on
other images give.
"""

import matplotlib.pyplot as plt
import numpy as np

import gazesim
from gazesim.plots.comparison import plot_comparison

rng = np.random.default_rng(0)
places = {f"image{i}": rng.uniform(60, 260, 2) for i in range(10)}
human = {
    name: [rng.normal((*place, 0.3), (25, 25, 0.05), (7, 3)) for _ in range(4)]
    for name, place in places.items()
}
model = {name: rng.normal((*place, 0.3), (45, 45, 0.05), (7, 3)) for name, place in places.items()}
table = gazesim.compare_scanpaths(
    model, human, measures=["multimatch", "scanmatch", "dtw_distance"], screen_size=(320, 320)
)
plot_comparison(table, "comparison.png")

# %%
# The picture that ``gazesim compare --plot`` writes:

figure, axis = plt.subplots(figsize=(10, 6))
axis.imshow(plt.imread("comparison.png"))
axis.set_axis_off()
