"""AffinityCache: affinities in a folder, by id.

``affinity_cache`` holds the class. ``plan`` cuts the matrix into blocks, ``build`` computes them and writes
the folder, ``selection`` chooses the pairs that are kept, ``manifest`` describes the folder,
``placement`` says where its images stood, ``gather`` reads the matrix, ``imported`` takes one computed
elsewhere, and ``store`` writes files atomically.
"""

from .affinity_cache import AffinityCache
from .placement import Placement
from .store import CacheError

__all__ = ["AffinityCache", "CacheError", "Placement"]
