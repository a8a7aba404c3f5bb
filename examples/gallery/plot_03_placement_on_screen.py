"""
Where the image stood on the screen
===================================

A tracker reports px of the screen. The four placements say how to get px of the image from them. A wrong
placement moves every fixation.
"""

import matplotlib.pyplot as plt
import numpy as np

from gazesim.geometry import PLACEMENTS, place_image, to_image

image_size, screen_size = (512, 768), (1920, 1080)
gaze = np.array([[960.0, 540.0]])  # the centre of the screen
figure, axes = plt.subplots(1, 4, figsize=(13, 2.6))
for axis, placement in zip(axes, PLACEMENTS, strict=True):
    x0, y0, x1, y1 = place_image(placement, image_size, screen_size)
    u, v = to_image(gaze, (x0, y0, x1, y1), image_size)[0]
    axis.add_patch(plt.Rectangle((0, 0), *screen_size, color="0.15"))
    axis.add_patch(plt.Rectangle((x0, y0), x1 - x0, y1 - y0, color="tab:blue", alpha=0.7))
    axis.plot(*gaze[0], "o", color="tab:orange")
    axis.set(
        xlim=(-20, 1940), ylim=(1100, -20), aspect="equal", title=f"{placement}\nimage px {u:.0f}, {v:.0f}"
    )
    axis.set_axis_off()
