"""``gazesim inspect``: summarise a cache and propose a threshold."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..cache import AffinityCache
from ..cache.inspection import inspect_cache, text
from ..geometry import to_image
from ..plots.inspection import plot_inspection
from ..reading.source import image_of
from ..report import write_inspection
from ..report.page import check_report
from ..schemes import MultiMatch, size_of
from . import say_next
from .labels import read_labels, some
from .options import option_words
from .reading import (
    files_in,
    gaze_of_manifest,
    given_again,
    is_manifest,
    read_gaze,
    refuse_without,
    sizes_in,
)

Gazes = dict[Hashable, NDArray[np.float64]]


#: What the help shows: the usual options, and a command.
COMMON = ("out", "html", "batch_size", "labels", "gaze", "images")
EXAMPLE = "inspect study.cache --batch_size 64 --labels labels.csv"


def run(
    cache: str,
    out: str | None = None,
    batch_size: int = 128,
    labels: str | None = None,
    gaze: str | None = None,
    images: str | None = None,
    html: str | None = None,
    **reading: Any,
) -> None:
    """Print and draw a summary of a cache, and propose a threshold.

    Args:
        cache: The folder of a cache.
        out: The picture to write; default: NAME.inspect.png beside the cache.
        batch_size: Images in a training batch.
        labels: A table of ids and classes, to show how pure positives are: the one that ``gazesim manifest``
            takes, with its columns and its rules for names, or one without a header, the class last.
        gaze: The gaze file, folder or manifest that the cache was built from, to draw nearest neighbours,
            with the options that it was built with; not needed for MultiMatch without grouping, whose
            features hold the fixations. The screen size is by default that of the cache's scheme, if it has
            one.
        images: A folder of images named after the image ids, also in subfolders, on which the gaze is drawn;
            their sizes give their places on the screen.
        html: Also write an interactive report, one .html file: sliders, pairs, scanpaths, readers.
    """
    if html is not None:
        check_report(html)  # raises before the work starts
    opened = AffinityCache.open(cache)
    finder = None if images is None else image_finder(images)  # raises before the work starts
    classes, matched = (None, []) if labels is None else read_labels(Path(labels), opened.ids)
    found = inspect_cache(opened, batch_size=batch_size, labels=classes)
    print(text(found))
    if matched:
        print("\n".join(["", *matched]))
    if images is not None and (lines := without_image(opened.ids, images)):
        print("\n".join(["", *lines]))
    gazes, size = gazes_of(opened, gaze, images, **reading)
    beside = Path(cache).absolute()  # a link's own folder, not that of the cache behind it
    target = beside.with_name(f"{beside.name}.inspect.png") if out is None else Path(out)
    plot_inspection(found, target, gazes=gazes, screen_size=size, images=finder)
    if not gazes:
        print("\nno nearest neighbours drawn: this scheme keeps no fixations; expected --gaze FILE")
    print(f"\nwrote {target}")
    if html is not None:
        write_inspection(found, html, gazes=gazes, screen_size=size, images=finder)
        print(f"wrote {html}: open it in a browser")
        if images is None and gazes:
            print("  gaze is drawn without its images: --images FOLDER shows them")
    if not found.is_chance(found.proposal):
        threshold = f"{found.proposal:.4f}"
        pairs = ("--model.pairs.cache", cache, "--model.pairs.threshold", threshold)
        say_next("pretrain", "--config", "byol_mcgip", "--data.manifest", "MANIFEST.csv", *pairs)
    else:  # no threshold is better than chance: another measure may see what this one does not
        other = "tima" if isinstance(opened.scheme, MultiMatch) else "multimatch"
        again = given_again(reading)
        if gaze is not None and images is not None and not is_manifest(gaze):
            again += option_words("images", images)
        file = "GAZE_OR_MANIFEST" if gaze is None else gaze
        say_next("affinity", file, *again, "--scheme", other, "--cache", f"{other}.cache")


def gazes_of(
    cache: AffinityCache, gaze: str | None, images: str | None, **reading: Any
) -> tuple[Gazes, tuple[float, float] | None]:
    """Return scanpaths by id of the cache (of several readers, the first one's) and what they refer to.

    That is the (width, height) of the images where their places are known (of the canvas if the images'
    sizes differ), else of the screen.
    """
    size: tuple[float, float] | None
    if gaze is None:
        refuse_without("gaze", reading)
    if gaze is not None:
        if reading.get("screen_size") is None:
            reading["screen_size"] = size_of(cache.scheme)
        source = read_gaze(gaze, **reading)
        placed = gaze_of_manifest(source) if is_manifest(gaze) else source.placed(sizes_in(images))
        names, size, parts = placed.paths.ids, placed.canvas, list(placed.paths)
        places = list(zip(placed.boxes, placed.image_sizes, strict=True))
    elif isinstance(cache.scheme, MultiMatch) and cache.scheme.grouping is None:
        features = cache.features
        names, parts, size = features.ids, fixations_of(features), cache.scheme.screen_size
        where = cache.placement
        places = [] if where is None else [where.places[name] for name in names]
    else:
        return {}, None
    if places and size is not None:
        # Pictures show each image as a whole, so gaze is drawn on the image, not on the screen.
        sizes = {of_image for _, of_image in places}
        size = sizes.pop() if len(sizes) == 1 else size
        parts = [to_image(part, box, size) for part, (box, _) in zip(parts, places, strict=True)]
    gazes: Gazes = {}
    for name, part in zip(names, parts, strict=True):
        if len(part):
            gazes.setdefault(name, part)
            if cache.reduce is not None and isinstance(name, tuple):
                gazes.setdefault(name[0], part)
    return gazes, size


def fixations_of(features: Any) -> list[NDArray[np.float64]]:
    """Return the scanpaths of MultiMatch features: the starts of the saccades and the end of the last one.

    The features do not hold the duration of the last fixation; a short one is drawn.
    """
    paths = []
    for start, end in zip(features.offsets[:-1], features.offsets[1:], strict=True):
        rows = features.values[start:end]
        points = rows[:, 4:7]
        if len(rows):
            last = [rows[-1, 4] + rows[-1, 0], rows[-1, 5] + rows[-1, 1], 0.0]
            points = np.vstack([points, last])
        paths.append(points)
    return paths


def image_finder(folder: str) -> Callable[[Hashable], Any]:
    """Return a function that reads the image of an id, or returns None where there is none."""
    from ..train.data.images import shown_image

    file_of = files_in(folder)

    def find(name: Hashable) -> Any:
        file = file_of(name)
        return None if file is None else shown_image(file)

    return find


def without_image(ids: Iterable[Hashable], folder: str) -> list[str]:
    """Return a line on the images of a cache that have no file in a folder; no line if all have one."""
    file_of = files_in(folder)
    images = list(dict.fromkeys(map(image_of, ids)))
    lost = [str(name) for name in images if file_of(name) is None]
    if not lost:
        return []
    return [f"{folder}: {len(lost):,} of {len(images):,} images of the cache have no file: {some(lost)}"]
