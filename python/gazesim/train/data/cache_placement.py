"""Whether a cache was built where the training's images stand."""

from __future__ import annotations

from ...cache import AffinityCache
from ...cache.placement import differences
from ...reading.features import placement_of
from ...reading.placed import warn_of_placement
from .manifest_samples import ManifestSamples
from .samples import Samples

__all__ = ["compare_placement"]


def compare_placement(cache: AffinityCache, samples: Samples) -> None:
    """Compare the geometry that a cache was built with to that of the gaze of samples in files.

    Raises ValueError where the cache compared maps of gaze on other places of the same images. Warns where
    scanpaths were compared, which do not depend on where the image stood, and where the screen or the width
    of maps differs. A cache or a manifest that states nothing is not compared.
    """
    known, scheme = cache.placement, cache.scheme
    if known is None or scheme is None or not isinstance(samples, ManifestSamples):
        return
    if not any(entry.gaze is not None for entry in samples.entries):
        return
    for one in differences(known, placement_of(scheme, samples.placed_gaze())):
        expected = (
            "expected --data.gaze.* (placement, image_box, screen_size, sigma_px, ...) as the cache was built "
            "with, or the cache built again"
        )
        message = f"{cache.path}: {one.words}; {expected}"
        if one.what == "place" and scheme.takes == "heatmaps":
            raise ValueError(message)
        warn_of_placement(message)
