"""Pictures of affinities and caches (matplotlib)."""
