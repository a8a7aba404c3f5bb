"""Approximate neighbours: the settings of nn-descent, and the ``info`` of a result."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._errors import choice, integer

METHODS = ("exact", "nn-descent")

#: The rounds of the descent; progress counts every gaze once per round, once before and once after them.
MAX_ROUNDS = 12

#: Gazes whose neighbours are also sought exactly, to estimate the recall.
QUERIES = 1000


#: A graph between two rounds: how many there were, positions and affinities of the neighbours.
Graph = tuple[int, NDArray[np.uint32], NDArray[np.float32]]


@dataclass(frozen=True)
class Kept:
    """The graph of an earlier search to go on with, and what is called with the graph after each round."""

    saved: Graph | None = None
    keep: Callable[[int, NDArray[np.uint32], NDArray[np.float32]], None] | None = None


@dataclass(frozen=True)
class Descent:
    """Settings of nn-descent: neighbours per gaze in the graph, and the seed of its random choices."""

    graph_k: int = 40
    seed: int = 0

    def search(self, queries: int, kept: Kept | None = None) -> dict[str, Any]:
        """Return the settings as the compiled search takes them."""
        kept = kept or Kept()
        how = {"graph_k": self.graph_k, "seed": self.seed, "queries": queries}
        return {**how, "saved": kept.saved, "keep": kept.keep}


def descent_for(method: str, top_k: int | None, graph_k: Any, seed: Any) -> Descent | None:
    """Return the settings of an approximate search, or None for the exact one; raise for unfit settings."""
    checked = Descent(
        integer("graph_k", graph_k, low=1, high=1000), integer("seed", seed, low=0, high=2**64 - 1)
    )
    if choice("method", method, METHODS) == "exact":
        return None
    if top_k is None:
        raise ValueError("top_k is missing; expected it with method='nn-descent'")
    if top_k > checked.graph_k:
        raise ValueError(f"top_k is {top_k}; expected at most graph_k={checked.graph_k}")
    return checked


def search_info(info: tuple[float, int, int] | None, descent: Descent | None) -> dict[str, Any]:
    """Return the ``info`` of a result of :func:`gazesim.neighbors`."""
    if info is None or descent is None:
        return {"method": "exact", "recall": 1.0}
    recall, queries, rounds = info
    settings = {"graph_k": descent.graph_k, "seed": descent.seed}
    return {"method": "nn-descent", "recall": recall, "queries": queries, "rounds": rounds, **settings}
