"""A manifest per fold, so that pre-training never sees the test images of its fold."""

from __future__ import annotations

from dataclasses import replace

from ..._errors import integer
from ..._progress import tell
from .classes import UNLABELLED, coded
from .groups import groups_of
from .manifest import Manifest
from .splits import stratified_folds

__all__ = ["with_fold"]


def with_fold(manifest: Manifest, fold: int, *, folds: int = 5, seed: int = 0) -> Manifest:
    """Return a manifest whose split is one fold: its images are ``test``, all others ``train``.

    Folds are those of ``gazesim evaluate --folds`` with the same seed: over all labelled images, whatever
    their split was, stratified by class; patients, and rows that name one image file, stay together. Images
    without a label are trained on, except those of patients or files in the test split, which get no split.

    Parameters
    ----------
    manifest
        The images.
    fold
        Which fold, from 0 to ``folds`` − 1.
    folds
        How many; of five, each fold tests on 20 % of the images.
    seed
        Equal seeds give equal folds.

    Examples
    --------
    >>> from pathlib import Path
    >>> from gazesim.train import Entry, Manifest
    >>> from gazesim.train.data.folds import with_fold
    >>> entries = [Entry(f"{label}{i}", Path(f"{label}{i}.png"), label) for i in range(5) for label in "ab"]
    >>> [entry.split for entry in with_fold(Manifest(entries), 0).entries].count("test")
    2
    """
    integer("folds", folds, low=2, high=2**31)
    integer("fold", fold, low=0, high=folds - 1)
    labels, _ = coded([entry.label for entry in manifest.entries], None)
    known = [i for i, label in enumerate(labels) if label != UNLABELLED]
    if not known:
        raise ValueError(f"none of {len(labels)} images has a label; expected labels to divide into folds")
    found = groups_of(manifest.entries)
    groups = [entry.id for entry in manifest.entries] if found is None else found
    tests = stratified_folds(
        [labels[i] for i in known],
        folds,
        groups=[groups[i] for i in known] if found is not None else None,
        seed=seed,
    )
    tested = {known[at] for at in tests[fold]}
    unseen = {groups[i] for i in tested}
    splits = ["test" if i in tested else "" if groups[i] in unseen else "train" for i in range(len(labels))]
    if left := splits.count(""):
        tell(
            f"fold {fold}: {left} images without a label are of patients or image files that are tested on, "
            "and are left out"
        )
    pairs = zip(manifest.entries, splits, strict=True)
    return Manifest(tuple(replace(entry, split=split) for entry, split in pairs), manifest.path)
