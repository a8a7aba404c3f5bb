"""The plan of a build: blocks of rows, each of whole images, that cover every pair once."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._errors import choice, describe
from ..heatmaps import threads
from ..schemes import Scheme, scheme_from
from ..schemes.features import ERRORS, Features
from .manifest import ids_from_json
from .placement import Placement
from .selection import QUANTILE_IMAGES, Selection, evenly_spaced

#: Largest number of pairs in one block (about a second of work, 16 MB of results), and of rows.
BLOCK_PAIRS = 1 << 22
BLOCK_ROWS = 4096
#: A dense matrix of any size is cut into at most about this many blocks.
DENSE_BLOCKS = 500

#: Number of images on which the size of the result is estimated.
SIZE_IMAGES = 300

#: Means are summed as whole numbers of 2^-40, so that they do not depend on the order.
FIXED_POINT = float(1 << 40)

REDUCTIONS = ("mean", "max")

Advance = Callable[[int], None]


@dataclass(frozen=True)
class Block:
    """The rows ``start:end`` of the matrix, from column ``first`` on."""

    index: int
    start: int
    end: int
    first: int


@dataclass(frozen=True)
class Plan:
    """All blocks of a cache: compute :attr:`blocks` in any order, on any machine, then join them.

    ``starts[i]:starts[i + 1]`` are the gazes of image ``i``; without ``reduce`` every gaze is an image. The
    first ``known`` images are in a cache already: only the new columns of their rows are computed.
    """

    features: Features
    ids: tuple[Hashable, ...]
    starts: NDArray[np.int64]
    reduce: str | None
    selection: Selection | None
    known: int = 0
    block_pairs: int | None = None
    placement: Placement | None = None
    blocks: tuple[Block, ...] = field(init=False)

    def __post_init__(self) -> None:
        if self.block_pairs is None:
            dense = 0 if self.selection is not None else len(self.features) ** 2 // (2 * DENSE_BLOCKS)
            object.__setattr__(self, "block_pairs", max(BLOCK_PAIRS, dense))
        object.__setattr__(self, "blocks", tuple(self._cut()))

    def __len__(self) -> int:
        return len(self.ids)

    def _first(self, row: int) -> int:
        """Return the first column to compute of a row; symmetry or the old cache gives those before it."""
        if row < self.known:
            return self.known
        return 0 if self.selection is not None and self.selection.top_k is not None else row

    def _cut(self) -> Iterable[Block]:
        assert self.block_pairs is not None
        index = start = 0
        while start < len(self):
            first = self._first(start)
            gazes = self.starts[len(self)] - self.starts[first]
            target = self.starts[start] + max(1, self.block_pairs // max(1, int(gazes)))
            end = int(np.searchsorted(self.starts, target, side="right")) - 1
            end = min(max(end, start + 1), start + BLOCK_ROWS)
            if start < self.known:
                end = min(end, self.known)
            yield Block(index, start, end, first)
            index, start = index + 1, end

    def pairs(self, block: Block) -> int:
        """Return the number of pairs of gazes that a block compares."""
        rows = int(self.starts[block.end] - self.starts[block.start])
        columns = int(self.starts[-1] - self.starts[block.first])
        return rows * columns - (rows * (rows - 1) // 2 if block.first == block.start else 0)

    def compute(
        self, block: Block, *, n_threads: int | None = None, advance: Advance | None = None
    ) -> NDArray[np.float32]:
        """Return the affinities of a block; ``advance`` is called with the number of pairs of gazes done."""
        start, end, first = (int(self.starts[at]) for at in (block.start, block.end, block.first))
        rows = self.features[start:end]
        if block.first != block.start:
            part = self._fill(rows, self.features[first:], n_threads, advance, 0)
        else:
            height = end - start
            part = np.empty((height, len(self.features) - start), np.float32)
            part[:, :height] = self._fill(rows, None, n_threads, advance, 0)
            done = height * (height + 1) // 2
            part[:, height:] = self._fill(rows, self.features[end:], n_threads, advance, done)
        return part if self.reduce is None else self._reduced(part, block)

    @staticmethod
    def _fill(
        rows: Features, other: Features | None, n_threads: int | None, advance: Advance | None, done: int
    ) -> NDArray[np.float32]:
        out = np.empty((len(rows), len(rows if other is None else other)), np.float32)
        progress = None if advance is None else lambda pairs: advance(done + pairs)
        rows.scheme.fill_affinity(rows, other, out, n_threads=threads(n_threads), progress=progress)
        return out

    def _reduced(self, part: NDArray[np.float32], block: Block) -> NDArray[np.float32]:
        rows = self.starts[block.start : block.end] - self.starts[block.start]
        columns = self.starts[block.first : -1] - self.starts[block.first]
        if self.reduce == "max":
            return np.maximum.reduceat(np.maximum.reduceat(part, columns, axis=1), rows, axis=0)
        whole = np.rint(part.astype(np.float64) * FIXED_POINT).astype(np.int64)
        total = np.add.reduceat(np.add.reduceat(whole, columns, axis=1), rows, axis=0)
        valid = np.add.reduceat(self.features.valid.astype(np.int64), self.starts[:-1])
        pairs = np.multiply.outer(valid[block.start : block.end], valid[block.first :])
        mean = (total / (FIXED_POINT * np.maximum(pairs, 1))).astype(np.float32)
        own = np.arange(max(block.start, block.first), block.end)
        mean[own - block.start, own - block.first] = valid[own] > 0
        return mean


def sample_matrix(plan: Plan, images: int) -> NDArray[np.float32]:
    """Return the matrix of at most ``images`` evenly spaced images of a plan."""
    chosen = evenly_spaced(len(plan), images)
    count = len(chosen)
    gazes = [np.arange(plan.starts[image], plan.starts[image + 1]) for image in chosen]
    starts = np.concatenate([[0], np.cumsum([len(part) for part in gazes], dtype=np.int64)])
    features = plan.features[np.concatenate([np.empty(0, np.int64), *gazes])]
    part = Plan(features, tuple(range(count)), starts, plan.reduce, None)
    return part.compute(Block(0, 0, count, 0))


def plan_for(
    gazes: Any,
    *,
    ids: Iterable[Hashable] | None,
    scheme: str | Scheme,
    params: dict[str, Any],
    selection: Selection | None,
    reduce: str | None,
    errors: str,
    n_threads: int | None = None,
    block_pairs: int | None = None,
    placement: Placement | None = None,
) -> Plan:
    """Return the plan of a new cache; warns of invalid gazes as :func:`gazesim.affinity` does."""
    choice("errors", errors, ERRORS)
    features = as_features(gazes, ids, scheme, params, n_threads)
    features.report_invalid("gazes", errors)
    plan = dataclasses.replace(arranged(features, reduce, selection, block_pairs), placement=placement)
    if selection is None or selection.quantile is None:
        return plan
    return dataclasses.replace(plan, selection=selection.settled(sample_matrix(plan, QUANTILE_IMAGES)))


def as_features(
    gazes: Any,
    ids: Iterable[Hashable] | None,
    scheme: str | Scheme,
    params: dict[str, Any],
    n_threads: int | None,
) -> Features:
    """Return the features of gazes; Features are returned as they are."""
    if isinstance(gazes, Features):
        if ids is not None or params:
            raise TypeError("ids or parameters of a scheme given beside Features; expected Features alone")
        return gazes
    return scheme_from(scheme, params).features(gazes, ids=ids, n_threads=n_threads)


def arranged(
    features: Features,
    reduce: str | None,
    selection: Selection | None,
    block_pairs: int | None = None,
) -> Plan:
    """Return a plan with the gazes of an image side by side, images in the order of their first gaze."""
    if reduce is None:
        return Plan(features, features.ids, np.arange(len(features) + 1), None, selection, 0, block_pairs)
    choice("reduce", reduce, REDUCTIONS)
    gazes_of: dict[Hashable, list[int]] = {}
    for position, name in enumerate(features.ids):
        if not (isinstance(name, tuple) and len(name) == 2):
            raise ValueError(
                f"ids[{position}] is {describe(name)}; with reduce={reduce!r} expected (image_id, reader_id)"
            )
        gazes_of.setdefault(name[0], []).append(position)
    order = np.array([position for group in gazes_of.values() for position in group], np.int64)
    starts = np.concatenate([[0], np.cumsum([len(group) for group in gazes_of.values()], dtype=np.int64)])
    return Plan(features[order], tuple(gazes_of), starts, reduce, selection, 0, block_pairs)


def extended(
    old: Features,
    new: Features,
    known: tuple[Hashable, ...],
    reduce: str | None,
    selection: Selection | None,
) -> Plan:
    """Return the plan of a cache with the images ``known`` and the new ones."""
    if new.scheme != old.scheme:
        raise ValueError(f"gazes has the scheme {new.scheme!r}; expected {old.scheme!r}")
    old.refuse_other_maps("gazes", new)
    held = set(known)
    for position, name in enumerate(new.ids):
        image = name[0] if reduce is not None and isinstance(name, tuple) and name else name
        if image in held:
            raise ValueError(
                f"ids[{position}] is {name!r}, which the cache holds already; expected new images"
            )
    offsets = None
    if old.offsets is not None and new.offsets is not None:
        offsets = np.concatenate([old.offsets, new.offsets[1:] + old.offsets[-1]])
    values, ids = np.concatenate([old.values, new.values]), (*old.ids, *new.ids)
    both = Features.trusted(old.scheme, values, offsets, ids, old.map_size_hw or new.map_size_hw)
    return dataclasses.replace(arranged(both, reduce, selection), known=len(known))


def reduce_from_json(manifest: dict[str, Any]) -> str | None:
    """Return the ``reduce`` of a manifest, which lists the gazes beside it; None without one."""
    if manifest["reduce"] is None and manifest["gazes"] is None:
        return None
    how = choice("reduce", manifest["reduce"], REDUCTIONS)
    ids_from_json(manifest["gazes"], "gazes")
    return how
