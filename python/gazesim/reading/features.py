"""The features of placed gaze, for commands, caches and training."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._errors import choice
from ..cache.placement import Placement
from ..cache.plan import REDUCTIONS
from ..geometry import Box, Size
from ..schemes import Scheme
from ..schemes.features import Features
from .placed import PlacedGaze
from .source import image_of

__all__ = ["READERS", "features_of_gaze", "features_of_maps", "placement_of", "readers_of"]

#: How several readers of an image are combined: one map of all, or the mean or maximum over all pairs.
READERS = ("pool", *REDUCTIONS)


def features_of_gaze(
    scheme: Scheme, placed: PlacedGaze, *, reduce: str | None = None, n_threads: int | None = None
) -> Features:
    """Return the features of every scanpath, or with ``reduce="pool"`` of every image.

    Scanpath schemes compare scanpaths in pixels of the canvas. Heatmap schemes compare the maps that
    :meth:`PlacedGaze.map_of` draws, one at a time; only these accept ``"pool"``, which draws all readers
    of an image into one map.
    """
    if reduce is not None:
        choice("reduce", reduce, READERS)
    if scheme.takes == "scanpaths":
        if reduce == "pool":
            raise ValueError(
                'reduce is "pool", but the scheme compares scanpaths, which cannot be pooled; expected '
                '"mean" or "max"'
            )
        return scheme.features(placed.paths, n_threads=n_threads)
    groups: dict[Hashable, list[int]] = {}
    for position, name in enumerate(placed.paths.ids):
        groups.setdefault(image_of(name) if reduce == "pool" else name, []).append(position)
    maps = (placed.map_of(positions, n_threads=n_threads) for positions in groups.values())
    return features_of_maps(scheme, maps, list(groups), n_threads=n_threads)


def placement_of(scheme: Scheme, placed: PlacedGaze) -> Placement:
    """Return the geometry of gaze that goes with its features under a scheme, for caches to keep.

    It holds every gaze by its id, and every image by its own, as one map of all its readers has it.
    """
    pairs = zip(placed.boxes, placed.image_sizes, strict=True)
    places: dict[Hashable, tuple[Box, Size]] = dict(zip(placed.paths.ids, pairs, strict=True))
    for name in placed.paths.ids:
        places.setdefault(image_of(name), places[name])
    sigma = placed.spread.sigma_px if scheme.takes == "heatmaps" else None
    return Placement(placed.canvas, sigma, places)


def features_of_maps(
    scheme: Scheme,
    maps: Iterable[NDArray[Any]],
    ids: Sequence[Hashable],
    *,
    n_threads: int | None = None,
) -> Features:
    """Return the features of maps that an iterator draws one by one, to save memory."""
    parts = [scheme.features(one[None], n_threads=n_threads) for one in maps]
    if not parts:
        return scheme.features(np.empty((0, 1, 1)), ids=ids)
    values = np.concatenate([part.values for part in parts])
    return Features.trusted(scheme, values, None, ids, parts[0].map_size_hw)


def readers_of(ids: Sequence[Hashable]) -> bool:
    """Return whether all ids are (image_id, reader_id)."""
    return bool(ids) and all(isinstance(name, tuple) and len(name) == 2 for name in ids)
