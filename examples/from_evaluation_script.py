"""You evaluate a scanpath model with a copied script of loops: MultiMatch, ScanMatch, SED, STDE.

    python examples/from_evaluation_script.py

The two lists are those of such scripts: for every image the scanpaths of its readers, and one prediction; x
and y in px of 320 x 240, durations in s. The settings are the script's: 16 x 12 bins, 50 ms, threshold 3.5.
The call adds what the script does not have: intervals, how well readers agree, and what chance gives.
"""

import numpy as np

import gazesim

rng = np.random.default_rng(0)
places = rng.random((8, 2)) * [320, 240]  # 8 images, instead of your data
gt_fix_vectors = [[rng.normal((*place, 0.3), (25, 20, 0.05), (7, 3)) for _ in range(5)] for place in places]
predict_fix_vectors = [rng.normal((*place, 0.3), (40, 30, 0.05), (6, 3)) for place in places]

scanmatch = {"grid": (16, 12), "threshold_cells": 3.5}
measures = {
    "multimatch": {},
    "ScanMatch w/o duration": ("scanmatch", scanmatch),
    "ScanMatch with duration": ("scanmatch", scanmatch | {"temporal_bin_s": 0.05}),
    "SED": ("string_edit_distance", {"grid": (5, 5)}),
    "STDE": ("stde", {"norm": "sum"}),
}
predicted, human = dict(enumerate(predict_fix_vectors)), dict(enumerate(gt_fix_vectors))
table = gazesim.compare_scanpaths(predicted, human, measures=measures, screen_size=(320, 240), by="all")
for row in table[["measure", "mean", "mean_low", "mean_high", "best", "human_mean", "shuffled_mean"]]:
    print("{:32} {:.3f} [{:.3f}, {:.3f}]  best {:.3f}  humans {:.3f}  chance {:.3f}".format(*row))
