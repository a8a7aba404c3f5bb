"""The interactive report of ``gazesim inspect``: sliders, matrix, pairs, scanpaths, readers."""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..cache.inspection import ALMOST_NONE, FEW, MANY, PUBLISHED, Inspection, text
from ..cache.selection import ALMOST_ALL
from ..plots.affinity import colour_range, similarity_order
from .agreement import Agreement, reader_agreement
from .figures import COLLAPSE, curve_figure, histogram_figure, matrix_figure
from .page import bokeh_item, packed, require_bokeh, write_page
from .pictures import packed_gazes, thumbnails

__all__ = ["write_inspection"]

#: Batch sizes to choose from, in addition to the given one and to all images in one batch.
BATCH_SIZES = (16, 32, 64, 128, 256, 512)
EPOCH_SEED = 0
#: Largest number of invalid gazes that are named.
MOST_NAMES = 500
#: The largest k of the slider.
MOST_NEIGHBORS = 50


def write_inspection(
    found: Inspection,
    path: str | Path,
    *,
    gazes: Mapping[Hashable, NDArray[np.float64]] | None = None,
    screen_size: tuple[float, float] | None = None,
    images: Callable[[Hashable], Any] | None = None,
) -> None:
    """Write an inspection as one HTML file that needs neither server nor network.

    The page computes with the float32 affinities themselves, so its numbers equal those of
    :class:`gazesim.torch.PairMask` and :class:`~gazesim.cache.inspection.Inspection` at any setting.
    Ids and labels are shown as text, whatever characters they have.

    Parameters
    ----------
    found
        What :func:`gazesim.cache.inspection.inspect_cache` returned; of more than 2,000 images it holds
        2,000, evenly spaced.
    path
        The .html to write, as a whole or not at all.
    gazes
        Scanpaths by id, (L, 3): x and y in pixels, duration in seconds; None shows images alone.
    screen_size
        (width, height) in pixels of the screen or image that the scanpaths refer to; images are drawn on it.
    images
        Returns the picture of an id as an array, or None.

    Raises
    ------
    ImportError
        Where Bokeh is not installed: ``pip install "gazesim[report]"``.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> import numpy as np
    >>> from gazesim import AffinityCache
    >>> from gazesim.cache.inspection import inspect_cache
    >>> from gazesim.report import write_inspection
    >>> folder = pathlib.Path(tempfile.mkdtemp())
    >>> matrix = np.array([[1.0, 0.8, 0.1], [0.8, 1.0, 0.7], [0.1, 0.7, 1.0]])
    >>> cache = AffinityCache.from_matrix(folder / "cache", matrix, ids=["a", "b", "c"])
    >>> write_inspection(inspect_cache(cache, batch_size=3), folder / "report.html")
    >>> "default-src 'none'" in (folder / "report.html").read_text()
    True
    """
    require_bokeh()
    names = [found.cache.ids[at] for at in found.sample]
    low, high = colour_range(found.matrix)
    data = {
        **counted_data(found),
        "title": found.cache.path.name,
        "summary": text(found),
        "facts": _facts(found),
        "names": [shown(name) for name in names],
        "order": similarity_order(found.matrix).tolist(),
        "colours": [low, high],
        "thumbnails": thumbnails(names, images),
        "gazes": packed_gazes(names, gazes or {}, screen_size),
        "invalid": [shown(name) for name in found.invalid[:MOST_NAMES]],
        "invalid_count": len(found.invalid),
        "readers": _readers(reader_agreement(found.cache)),
        "is_sparse": found.cache.selection is not None,
        "figures": {
            "curve": bokeh_item(curve_figure(found), "curve"),
            "histogram": bokeh_item(histogram_figure(found), "histogram"),
            "matrix": bokeh_item(matrix_figure(len(names), low, high), "matrix"),
        },
    }
    write_page(
        path,
        title=f"{found.cache.path.name}: affinities",
        body="inspection.html",
        scripts=("counts.js", "scanpaths.js", "inspection.js"),
        data=data,
    )


def counted_data(found: Inspection) -> dict[str, Any]:
    """Return the data from which the page computes its numbers."""
    count = len(found.sample)
    names = [found.cache.ids[at] for at in found.sample]
    labels = found.labels or {}
    classes = sorted({str(labels[name]) for name in names if labels.get(name) is not None})
    code = {label: at for at, label in enumerate(classes)}
    sizes = {size for size in BATCH_SIZES if size < count} | {min(found.batch_size, count), count}
    kept = found.pairs[found.pairs > 0]
    lowest = float(kept[0]) if len(kept) else 0.0
    return {
        "affinities": packed(found.matrix[np.triu_indices(count, 1)]),
        "valid": (np.diagonal(found.matrix) > 0).astype(int).tolist(),
        "classes": classes,
        "labels": [-1 if labels.get(name) is None else code[str(labels[name])] for name in names],
        "has_labels": found.labels is not None,
        "chance": found.chance,
        "epoch": epoch_order(count).tolist(),
        "batch_sizes": sorted(sizes),
        "batch_size": min(found.batch_size, count),
        "asked_batch_size": found.batch_size,
        "proposal": found.proposal if len(kept) else None,
        "proposal_is_chance": found.is_chance(found.proposal) if len(kept) else True,
        "published": PUBLISHED,
        "lowest": max(0.001, math.floor(1000 * min(lowest, 0.9)) / 1000),
        "most_neighbors": max(1, min(MOST_NEIGHBORS, count - 1)),
        "zones": {
            "almost_none": ALMOST_NONE,
            "few": FEW,
            "many": MANY,
            "collapse": COLLAPSE,
            "almost_all": ALMOST_ALL,
        },
    }


def epoch_order(count: int) -> NDArray[np.int64]:
    """Return the order of the images in the page's epoch, which it cuts into batches."""
    return np.random.default_rng(EPOCH_SEED).permutation(count)


def shown(name: Hashable) -> str:
    """Return an id as the page shows it."""
    return " / ".join(map(str, name)) if isinstance(name, tuple) else str(name)


def _facts(found: Inspection) -> list[list[str]]:
    cache = found.cache
    facts = [
        ["images", f"{len(cache):,}"],
        ["scheme", "imported" if cache.scheme is None else type(cache.scheme).__name__],
        ["pairs", "all" if cache.selection is None else f"{cache.matrix.nnz:,} kept"],
        ["invalid gazes", f"{len(found.invalid):,}"],
    ]
    if cache.reduce is not None:
        facts.append(["readers", f"{cache.reduce} over them"])
    if len(found.sample) < len(cache):
        facts.append(["shown here", f"{len(found.sample):,} evenly spaced images"])
    return facts


def _readers(found: Agreement | None) -> dict[str, Any] | None:
    if found is None:
        return None
    return {
        "names": [str(reader) for reader in found.readers],
        "gazes": found.gazes.tolist(),
        "invalid": found.invalid.tolist(),
        "same_image": [_known(row) for row in found.same_image],
        "with_others": _known(found.with_others),
        "on_other_images": _known(found.on_other_images),
        "images": found.images,
    }


def _known(values: NDArray[np.float64]) -> list[float | None]:
    return [None if math.isnan(value) else value for value in values.tolist()]
