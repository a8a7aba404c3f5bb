"""You call multimatch_gaze.docomparison in two loops: this is one call for all pairs.

    python examples/from_multimatch_gaze.py

Fixation vectors stay as they are: record arrays of start_x, start_y (px) and duration (s).
"""

import numpy as np

import gazesim

rng = np.random.default_rng(0)
columns = {"names": ("start_x", "start_y", "duration"), "formats": (float,) * 3}
draws = rng.random((20, 9, 3)) * [1280, 720, 0.5]  # 20 scanpaths of 9 fixations, instead of your files
vectors = [np.array([tuple(fixation) for fixation in scanpath], dtype=columns) for scanpath in draws]

grouping = gazesim.Grouping(amplitude_px=100, direction_deg=45, duration=0.3)  # TAmp, TDir, TDur; None: off
similarities = gazesim.multimatch(vectors, screen_size=(1280, 720), grouping=grouping)  # (20, 20, 5)
for name, matrix in zip(
    ("shape", "direction", "length", "position", "duration"), similarities.T, strict=True
):
    print(f"{name:9} {matrix[~np.eye(len(vectors), dtype=bool)].mean():.4f}")
