"""Compare the placement of a cache's images to that of the images of a training."""

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

    Raises ValueError if a cache of heatmaps had the same images in other places. For a cache of scanpaths,
    which do not depend on the place, and for another screen or width of maps, it warns. A cache or a
    manifest without geometry is not compared.
    """
    known, scheme = cache.placement, cache.scheme
    if known is None or scheme is None or not isinstance(samples, ManifestSamples):
        return
    if not any(entry.gaze is not None for entry in samples.entries):
        return
    for difference in differences(known, placement_of(scheme, samples.placed_gaze())):
        expected = (
            "expected --data.gaze.* (placement, image_box, screen_size, sigma_px, ...) as the cache was "
            "built with, or the cache built again"
        )
        message = f"{cache.path}: {difference.words}; {expected}"
        if difference.part == "place" and scheme.takes == "heatmaps":
            raise ValueError(message)
        warn_of_placement(message)
