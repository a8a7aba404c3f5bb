"""The options of ``gazesim affinity`` that build a cache: here, on Dask, or as jobs of an array."""

from __future__ import annotations

import re
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from ..cache import AffinityCache
from ..cache.placement import Placement
from ..schemes.features import Features


def check_options(cache: str | None, dask: str | None, block: str | None, merge: bool, kept: Any) -> None:
    """Raise for options that need a cache or exclude each other."""
    needing = {"dask": dask, "block": block, "merge": merge or None, **kept}
    given = [name for name, value in needing.items() if value is not None]
    if given and cache is None:
        raise ValueError(f"--{given[0]} is given without --cache; expected --cache FOLDER beside it")
    if sum(value is not None for value in (dask, block, merge or None)) > 1:
        raise ValueError("of --dask, --block and --merge, more than one is given; expected at most one")
    if block is not None:
        share_of(block)
    if kept.get("method") not in (None, "exact") and (block is not None or dask is not None):
        raise ValueError("--method is given with --block or --dask; expected one machine for it")


def share_of(block: str) -> tuple[int, int]:
    """Return (i, n) of the text ``I/N``."""
    match = re.fullmatch(r"(\d+)/(\d+)", block)
    if match is None or not 1 <= int(match[1]) <= int(match[2]):
        raise ValueError(f"--block is {block!r}; expected I/N with I from 1 to N, such as 3/16")
    return int(match[1]), int(match[2])


def merge_cache(cache: str) -> str:
    """Make a cache of its shares; return a line to print."""
    return f"merged {AffinityCache.merge(cache)!r}"


def build_cache(
    features: Features,
    cache: str,
    *,
    dask: str | None,
    block: str | None,
    kept: dict[str, Any],
    n_threads: int | None,
    progress: bool,
    placement: Placement | None = None,
) -> tuple[AffinityCache | None, str]:
    """Build a cache, or one share of it; return the cache, if it is complete, and a line to print."""
    kept = {name: value for name, value in kept.items() if name != "method" or value is not None}
    how: dict[str, Any] = {**kept, "n_threads": n_threads, "progress": progress, "errors": "ignore"}
    how["placement"] = placement
    if block is not None:
        how.pop("method", None)  # exact: checked before
        share = share_of(block)
        count = AffinityCache.build_share(cache, features, share=share, **how)
        return None, f"computed the {count} blocks of share {block} of {cache}; --merge ends the work"
    with ExitStack() as stack:
        if dask is not None:
            from ..cache.dask import connect

            how["client"] = stack.enter_context(connect(dask))
        opened = AffinityCache.build(cache, features, **how)
    return opened, f"wrote {Path(cache)}, a cache of {len(opened)} ids{recall_of(opened)}"


def recall_of(cache: AffinityCache) -> str:
    """Return the recall of an approximate search as text; empty for an exact one."""
    if cache.selection is None or cache.selection.method is None:
        return ""
    share = "unknown" if cache.selection.recall is None else f"{cache.selection.recall:.3f}"
    return f"; {cache.selection.method} found a share of {share} of the {cache.selection.top_k} nearest"
