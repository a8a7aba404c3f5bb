"""Divide samples into training, validation and test: by folds, or by their own splits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..data.samples import Samples
from ..data.splits import stratified_folds

__all__ = ["Division", "divisions"]

Positions = NDArray[np.int64]


@dataclass(frozen=True)
class Division:
    """Positions of the samples for training, for choosing the penalty (``val``), and for the test."""

    fold: int
    train: Positions
    val: Positions
    test: Positions


def divisions(
    samples: Samples,
    folds: int | None,
    seed: int,
    labels: Sequence[int] | NDArray[Any] | None,
    what: str = "labelled image",
) -> list[Division]:
    """Return the divisions of samples: stratified folds, or with None their own splits.

    ``labels`` are their classes, of which two have to be in each training part; None for samples without
    classes. ``what`` the samples are is for messages.
    """
    if folds is not None:
        strata = np.zeros(len(samples), np.int64) if labels is None else labels
        tests = stratified_folds(strata, folds, groups=samples.groups, seed=seed)
        everyone, nobody = np.arange(len(samples)), np.empty(0, np.int64)
        found = [
            Division(fold, np.setdiff1d(everyone, test), nobody, test) for fold, test in enumerate(tests)
        ]
    else:
        splits = np.array(samples.splits)
        train, val, test = (np.flatnonzero(splits == split) for split in ("train", "val", "test"))
        for name, part in (("train", train), ("test", test)):
            if not len(part):
                raise ValueError(f'no {what} is in split "{name}"; expected some, or folds, such as 5')
        found = [Division(0, train, val, test)]
    for division in found if labels is not None else ():
        present = np.unique(np.array(labels)[division.train])
        if len(present) < 2:
            raise ValueError(
                f"the images to train on are all {samples.class_names[present[0]]!r} (fold {division.fold}); "
                "expected two classes or more"
            )
    return found
