"""You detect fixations with pymovements: compare its events without leaving data frames.

    python examples/from_pymovements.py

Events need the column location (Gaze.compute_event_properties("location")), one that names the stimulus and
one that names the subject; durations are in ms, as pymovements has them. Needs pymovements.
"""

import numpy as np
import polars as pl
import pymovements as pm

import gazesim


def events_of(subjects, spread, seed):
    """Return events on 6 pages, instead of those that pymovements detected in your gaze."""
    rng = np.random.default_rng(seed)
    rows = [(page, subject) for page in range(6) for subject in subjects for _ in range(8)]
    frame = pl.DataFrame({"page": [page for page, _ in rows], "subject": [subject for _, subject in rows]})
    places = [[150 * page + rng.normal(0, spread), 400 + rng.normal(0, spread)] for page, _ in rows]
    onsets = 300 * np.arange(len(rows))
    timed = frame.with_columns(
        name=pl.lit("fixation"), onset=onsets, offset=onsets + rng.integers(80, 300, len(rows))
    )
    return pm.Events(timed.with_columns(location=pl.Series(places)))


readers, model = events_of(("ann", "bob", "eve"), 60, seed=0), events_of(("model",), 90, seed=1)
options = {"screen_size": (1280, 1024), "measures": ["multimatch", "scanmatch", "dtw_distance"]}
table = gazesim.compare_scanpaths(model, readers, **options)  # a polars frame, as it was given polars
print(
    table.filter(pl.col("level") == "all").select("measure", "better", "mean", "human_mean", "shuffled_mean")
)
