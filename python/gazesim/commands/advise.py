"""``gazesim advise``: what the gaze of a cache is good for, in five lines with numbers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from .._progress import tell
from ..cache import AffinityCache
from ..cache.advice import advise
from . import say_next
from .inspect import gazes_of
from .labels import read_labels
from .options import options_of, words_of
from .reading import given_again

#: What the help shows: the usual options, and a command.
COMMON = ("labels", "batch_size", "gaze")
EXAMPLE = "advise study.cache --labels labels.csv"


def run(
    cache: str, labels: str | None = None, batch_size: int = 128, gaze: str | None = None, **reading: Any
) -> None:
    """Say what the gaze of a cache is good for, and what will not help.

    Five lines: affinities, positives per row, agreement of readers, concentration of dwell, and purity of
    positives against chance, each with what the phantom study saw where numbers were alike.

    Args:
        cache: The folder of a cache.
        labels: A table of ids and classes, as for ``gazesim inspect``; without it nobody knows whether
            positives share a class.
        batch_size: Images in a training batch.
        gaze: The gaze file, folder or manifest that the cache was built from, for the line about dwell, with
            the options that it was built with; not needed for MultiMatch without grouping, whose features
            hold the fixations.
    """
    asked = dict(locals())
    opened = AffinityCache.open(cache)
    classes, matched = (None, []) if labels is None else read_labels(Path(labels), opened.ids)
    for line in matched:
        tell(line)
    gazes, size = gazes_of(opened, gaze, None, **reading)
    known = bool(gazes) and size is not None
    found = advise(
        opened,
        labels=classes,
        gazes=gazes if known else None,
        screen_size=size if known else None,
        batch_size=batch_size,
    )
    print("\n".join(found.lines))
    say_next("inspect", cache, *words_of(options_of(run), asked), *given_again(reading))
