"""AffinityCache: affinities in a folder, by id.

``opened`` is the class; ``plan`` says what is to be computed, ``build`` computes it and puts it in
place, ``selection`` thins it out, ``manifest`` describes it, ``placement`` says where its images stood,
``gather`` reads it, ``imported`` takes a matrix from elsewhere, and ``store`` keeps files whole.
"""

from .affinity_cache import AffinityCache
from .placement import Placement
from .store import CacheError

__all__ = ["AffinityCache", "CacheError", "Placement"]
