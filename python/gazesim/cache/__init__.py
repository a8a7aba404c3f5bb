"""AffinityCache: affinities in a folder, by id.

``affinity_cache`` holds the class. ``plan`` cuts the matrix into blocks, ``build`` computes them and writes
the folder, ``selection`` chooses the pairs that are kept, ``manifest`` describes the folder, ``gather`` reads
the matrix, ``imported`` takes one computed elsewhere, and ``store`` writes files atomically.
"""

from .affinity_cache import AffinityCache
from .store import CacheError

__all__ = ["AffinityCache", "CacheError"]
