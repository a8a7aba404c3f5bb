"""Hypothesis strategies: gaze of all kinds, and every scheme with its options."""

from __future__ import annotations

import os

import numpy as np
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import gazesim

SCREEN = (64.0, 48.0)
#: Whether tests take their time: other and more examples, and all pairs of the slow third parties.
NIGHTLY = os.environ.get("HYPOTHESIS_PROFILE") == "nightly"


def examples(count: int) -> settings:
    """Draw ``count`` examples, or as many as the nightly profile says."""
    return settings(max_examples=max(count, settings.default.max_examples))


UNIT = st.floats(0, 1, width=32)


def columns(length: int, elements: st.SearchStrategy, width: int = 2):
    """An array (length, width) whose every number is drawn, so that a failure shrinks number by number."""
    return hnp.arrays(np.float64, (length, width), elements=elements, fill=st.nothing())


@st.composite
def scanpaths(draw, min_length: int = 0, max_length: int = 9):
    """One scanpath, often on a small grid so that ties and repeated points are frequent."""
    length = draw(st.integers(min_length, max_length))
    kind = draw(st.sampled_from(["still", "grid", "smooth", "off image"]))
    if kind == "still":
        points = np.repeat(draw(columns(1, UNIT)) * SCREEN, length, axis=0)
    elif kind == "grid":
        points = draw(columns(length, st.integers(0, 3).map(float))) * 8.0
    else:
        points = draw(columns(length, UNIT)) * SCREEN
        points = points * 3 - SCREEN if kind == "off image" else points
    seconds = st.sampled_from([0.0, 0.1, 0.25, 0.4]) if kind == "grid" else UNIT
    return np.column_stack([points, draw(columns(length, seconds, 1))])


def scanpath_sets(min_size: int = 1, max_size: int = 7, max_length: int = 9):
    """Several scanpaths, some of them too short to be valid."""
    return st.lists(scanpaths(max_length=max_length), min_size=min_size, max_size=max_size)


@st.composite
def heatmap_sets(draw, min_size: int = 1, max_size: int = 7):
    """Several maps of one size and type, some of them empty or with few levels.

    Each map is the outer product of two drawn profiles, so that large maps are drawn fast and still shrink,
    on a fixed uneven texture: pixels that differ by rounding alone would make ties that no two ways of
    summing decide alike.
    """
    count = draw(st.integers(min_size, max_size))
    height, width = draw(st.integers(1, 40)), draw(st.integers(1, 40))
    maps = np.zeros((count, height, width))
    texture = 0.5 + 0.5 * np.modf(43758.5453 * (1 + np.sin(np.arange(height * width))))[0].reshape(
        height, width
    )
    for one in maps:
        if draw(st.integers(0, 4)):
            down, across = draw(columns(height, UNIT, 1)), draw(columns(width, UNIT, 1))
            one += down @ across.T * texture
    if draw(st.booleans()):
        maps = np.floor(maps * 4) / 4
    dtype = draw(st.sampled_from([np.float64, np.float32, np.uint8]))
    return (maps * 255).astype(dtype) if dtype == np.uint8 else maps.astype(dtype)


groupings = st.none() | st.builds(
    gazesim.Grouping,
    amplitude_px=st.sampled_from([0.0, 5.0, 12.0, 30.0]),
    direction_deg=st.sampled_from([0.0, 20.0, 46.0, 120.0]),
    duration=st.sampled_from([0.0, 0.2, 0.5, 2.0]),
)

multimatch_params = st.fixed_dictionaries(
    {
        "screen_size": st.just(SCREEN),
        "grouping": groupings,
        "alignment": st.sampled_from(["joint", "per_dimension"]),
        "min_fixations": st.integers(2, 4),
    }
)

weights = st.sampled_from([(0.2,) * 5, (0.1, 0.1, 0.1, 0.1, 0.6), (1.0, 0, 0, 0, 0), (0, 0.5, 0, 0.5, 0)])


GEOMETRY = gazesim.ScreenGeometry(size_px=SCREEN, size_cm=(32, 24), distance_cm=60)

#: The ten scanpath measures, each with a strategy for its parameters.
MEASURES = {
    "scanmatch": {
        "screen_size": st.just(SCREEN),
        "grid": st.sampled_from([(12, 8), (1, 1), (5, 3)]),
        "threshold_cells": st.sampled_from([3.5, 1.0]),
        "gap": st.sampled_from([0.0, -0.5, -3.0]),
        "temporal_bin_s": st.sampled_from([0.0, 0.05, 0.1]),
        "rounding": st.sampled_from(["half_away", "half_even", "down"]),
    },
    "string_edit": {
        "kind": st.sampled_from(["levenshtein", "lcs"]),
        "screen_size": st.just(SCREEN),
        "grid": st.sampled_from([(5, 5), (1, 2), (12, 8)]),
    },
    "dtw": {"screen_size": st.just(SCREEN)},
    "frechet": {"screen_size": st.just(SCREEN)},
    "hausdorff": {"screen_size": st.just(SCREEN)},
    "mannan": {"screen_size": st.just(SCREEN)},
    "eyenalysis": {
        "screen_size": st.just(SCREEN),
        "duration_px_per_s": st.sampled_from([0.0, 40.0]),
        "squared": st.booleans(),
    },
    "time_delay_embedding": {"screen_size": st.just(SCREEN), "norm": st.sampled_from(["l2", "sum"])},
    "recurrence": {"radius_px": st.sampled_from([0.5, 8.0, 20.0])},
    "scasim": {"geometry": st.just(GEOMETRY), "modulator": st.sampled_from([0.83, 0.2, 1.0])},
}


def measures_on(screen_size):
    """Return plain parameters of every scanpath measure for gaze on a screen."""
    width, height = screen_size
    geometry = gazesim.ScreenGeometry(screen_size, (40, 40 * height / width), 60)
    own = {"recurrence": {"radius_px": width / 8}, "scasim": {"geometry": geometry}}
    return {scheme: own.get(scheme, {"screen_size": screen_size}) for scheme in MEASURES}


@st.composite
def measure_cases(draw):
    """A scanpath measure by name, parameters, and a set of scanpaths."""
    scheme = draw(st.sampled_from(list(MEASURES)))
    return scheme, draw(st.fixed_dictionaries(MEASURES[scheme])), draw(scanpath_sets(max_length=12))


@st.composite
def cases(draw):
    """A scheme by name, parameters, and a set of gazes that suits it."""
    scheme = draw(st.sampled_from(["multimatch", "moments", "dhash", "tima"]))
    if scheme == "multimatch":
        return scheme, {**draw(multimatch_params), "weights": draw(weights)}, draw(scanpath_sets())
    if scheme == "tima":
        params = {
            "image_size": (64, 48),
            "eps": draw(st.sampled_from([0.05, 0.2, 0.5])),
            "min_samples": draw(st.sampled_from([0.1, 0.0, 0.34, 1, 3])),
            "sigma_px": draw(st.sampled_from([0.7, 4.0, 18.0])),
            "weight_mass": draw(st.sampled_from([0.0, 0.7, 1.0])),
        }
        return scheme, params, draw(scanpath_sets(max_length=24))
    if scheme == "moments":
        params = {
            "alpha": draw(st.sampled_from([0.0, 0.2, 0.5, 1.0])),
            "size": draw(st.sampled_from([None, (32, 32), (5, 7)])),
        }
        return scheme, params, draw(heatmap_sets())
    params = {
        "hash_size": draw(st.sampled_from([1, 3, 8, 11])),
        "axis": draw(st.sampled_from(["row", "column"])),
        "interpolation": draw(st.sampled_from(["area", "bilinear"])),
        "margin": draw(st.sampled_from([0.0, 1 / 255, 0.02])),
    }
    return scheme, params, draw(heatmap_sets())
