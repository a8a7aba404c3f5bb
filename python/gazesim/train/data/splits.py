"""Splits and folds in which a patient's images stay together, and nested shares of the labels."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..._errors import describe, integer, number

__all__ = ["as_share", "checked_share", "label_fraction", "share_words", "split_by_group", "stratified_folds"]

#: What the column split of a manifest may say; "" is none.
SPLITS = ("train", "val", "test", "")

Positions = NDArray[np.int64]
Targets = NDArray[np.int64]


def stratified_folds(
    targets: Sequence[int] | NDArray[Any],
    folds: int,
    *,
    groups: Sequence[Hashable] | None = None,
    seed: int = 0,
) -> list[Positions]:
    """Return the positions of every fold's test samples: each sample is in one fold, stratified by class.

    Without groups, the sizes of folds differ by at most one sample, overall and in every class. All samples
    of a group (patient) are in one fold; scikit-learn's ``StratifiedGroupKFold`` places them. A class with
    fewer members than folds is missing from some of them.

    Parameters
    ----------
    targets
        (n,) the class of every sample, whole numbers of at least 0.
    folds
        How many, at least 2 and at most the number of samples or groups.
    groups
        (n,) the group (patient) of every sample.
    seed
        Decides the order in which equals are placed.

    Examples
    --------
    >>> from gazesim.train.data.splits import stratified_folds
    >>> [fold.tolist() for fold in stratified_folds([0, 0, 0, 0, 1, 1], 2, groups="aabbcd")]
    [[2, 3, 4], [0, 1, 5]]
    """
    coded = _targets(targets)
    integer("seed", seed, low=0, high=2**63 - 1)
    members = len(coded) if groups is None else len(set(groups))
    integer("folds", folds, low=2, high=2**31)
    if folds > members:
        of = "samples" if groups is None else "groups"
        raise ValueError(f"folds is {folds}, and there are {members} {of}; expected at most as many folds")
    placed = _deal(coded, folds, seed) if groups is None else _place(coded, list(groups), folds, seed)
    return [np.flatnonzero(placed == fold) for fold in range(folds)]


def label_fraction(targets: Sequence[int] | NDArray[Any], fraction: float, *, seed: int = 0) -> Positions:
    """Return the positions of a stratified share of the samples, at least one of each class.

    Shares with the same seed are nested: the 5 % hold the 1 %. The full share is everything. A number above
    1 is a count of labels instead, dealt evenly over the classes, as GCA has 55 of OAI's five grades.

    Parameters
    ----------
    targets
        (n,) the class of every sample, whole numbers of at least 0.
    fraction
        Above 0 and at most 1; or a whole number from 2 on: so many labels. A class with fewer members than
        its part gives them all, and the others give the rest.
    seed
        Seed of the order of the samples.

    Examples
    --------
    >>> from gazesim.train.data.splits import label_fraction
    >>> [len(label_fraction([0] * 90 + [1] * 10, share)) for share in (0.01, 0.1, 1.0)]
    [2, 10, 100]
    """
    coded = _targets(targets)
    checked_share("fraction", fraction)
    rng = np.random.default_rng(integer("seed", seed, low=0, high=2**63 - 1))
    classes, sizes = np.unique(coded, return_counts=True)
    if fraction > 1:
        counts = _evenly(sizes, int(fraction))
    else:
        counts = [max(1, round(fraction * int(size))) for size in sizes]
    chosen = []
    for target, count in zip(classes, counts, strict=True):
        members = rng.permutation(np.flatnonzero(coded == target))
        chosen.append(members[:count])
    return np.sort(np.concatenate(chosen))


def checked_share(argument: str, share: float) -> float:
    """Return a share of labels above 0 and at most 1, or a count of at least 2."""
    is_count = isinstance(share, (int, float, np.number)) and share > 1
    found = number(argument, share, low=0.0, high=np.inf if is_count else 1.0, open_low=True)
    if found > 1 and found != round(found):
        raise ValueError(
            f"{argument} is {describe(share)}; expected a share up to 1, or a whole number of labels"
        )
    return found


def as_share(share: float, total: int) -> float:
    """Return a share of labels, of ``total`` where it is a count."""
    return min(1.0, share / total) if share > 1 else share


def share_words(share: float) -> str:
    """Return a share of labels, or a count of them, as text.

    Examples
    --------
    >>> from gazesim.train.data.splits import share_words
    >>> share_words(0.05), share_words(55)
    ('5 %', '55 labels')
    """
    return f"{share:g} labels" if share > 1 else f"{100 * share:g} %"


def _evenly(sizes: NDArray[Any], total: int) -> list[int]:
    """Return how many of each class make ``total``, as evenly as the sizes of the classes allow."""
    if not len(sizes) <= total <= sizes.sum():
        raise ValueError(
            f"fraction is {total} labels of {len(sizes)} classes with {int(sizes.sum())} samples; expected "
            "one for each class at least, and no more than there are"
        )
    counts = np.zeros(len(sizes), np.int64)
    while (lacking := total - int(counts.sum())) > 0:
        open_ = np.flatnonzero(counts < sizes)
        each, rest = divmod(lacking, len(open_))
        if each == 0:  # the first classes get one more
            counts[open_[:rest]] += 1
            break
        counts[open_] = np.minimum(counts[open_] + each, sizes[open_])
    return [int(count) for count in counts]


def split_by_group(
    labels: Sequence[str],
    groups: Sequence[str] | None = None,
    *,
    fractions: Mapping[str, float],
    seed: int = 0,
) -> list[str]:
    """Return a split for every image, stratified by class; groups stay together.

    Parameters
    ----------
    labels
        The class of every image.
    groups
        The patient of every image; ``""``, and the default: every image is a group of its own.
    fractions
        The share of images of every split, such as ``{"train": 0.7, "val": 0.1, "test": 0.2}``.
    seed
        Equal seeds give equal splits.

    Large groups are placed first, each where its classes fall shortest of their share; with one
    image per group every class is within one image of it.

    Examples
    --------
    >>> from gazesim.train import split_by_group
    >>> split_by_group(["a", "b"] * 4, fractions={"train": 0.75, "test": 0.25}, seed=1).count("test")
    2
    """
    shares = {name: number(f"fractions[{name!r}]", share, low=0.0) for name, share in fractions.items()}
    if abs(sum(shares.values()) - 1) > 1e-6:
        raise ValueError(f"fractions is {dict(fractions)}; expected shares with the sum 1")
    rng = np.random.default_rng(integer("seed", seed, low=0, high=2**63 - 1))
    members: dict[object, list[int]] = {}
    for index in range(len(labels)):
        group = groups[index] if groups is not None else ""
        members.setdefault(group or index, []).append(index)
    units = [list(members.values())[at] for at in rng.permutation(len(members))]
    units.sort(key=len, reverse=True)  # stable: units of one size stay in random order
    totals, placed = Counter(labels), Counter[tuple[str, str]]()
    found = [""] * len(labels)
    for unit in units:
        counts = Counter(labels[index] for index in unit)
        split = max(shares, key=lambda name: _shortfall(name, shares[name], counts, totals, placed))
        for index in unit:
            found[index] = split
            placed[split, labels[index]] += 1
    return found


def _targets(targets: Any) -> Targets:
    coded = np.asarray(targets)
    if coded.ndim != 1 or not len(coded) or coded.dtype.kind not in "iu" or coded.min() < 0:
        raise ValueError(
            f"targets is {describe(targets)}; expected the class of every sample, of at least 0, and a sample"
        )
    return coded.astype(np.int64)


def _deal(targets: Targets, folds: int, seed: int) -> Positions:
    """Deal the samples out class by class, like cards: the counts of scikit-learn's StratifiedKFold.

    That one refuses data none of whose classes has as many members as there are folds.
    """
    rng = np.random.default_rng(seed)
    order = np.concatenate(
        [rng.permutation(np.flatnonzero(targets == target)) for target in np.unique(targets)]
    )
    placed = np.empty(len(targets), np.int64)
    placed[order] = rng.permutation(folds)[np.arange(len(targets)) % folds]
    return placed


def _place(targets: Targets, groups: list[Hashable], folds: int, seed: int) -> Positions:
    """Return the fold of every sample, by scikit-learn's StratifiedGroupKFold."""
    from sklearn.model_selection import StratifiedGroupKFold

    if len(groups) != len(targets):
        raise ValueError(f"groups has {len(groups)} entries; expected one for each of {len(targets)} samples")
    largest = int(np.bincount(targets).max())
    if folds > largest:
        raise ValueError(
            f"folds is {folds}, and no class has more than {largest} samples; expected at most as many folds"
        )
    names = {name: code for code, name in enumerate(dict.fromkeys(groups))}
    group = np.array([names[name] for name in groups])
    # It takes no seeds of 64 bits, but a generator made from one.
    random_state = np.random.RandomState(np.random.MT19937(seed))
    divider = StratifiedGroupKFold(folds, shuffle=True, random_state=random_state)
    placed = np.empty(len(targets), np.int64)
    with warnings.catch_warnings():  # a class with fewer members than folds is missing from some: documented
        warnings.simplefilter("ignore", UserWarning)
        for fold, (_, test) in enumerate(divider.split(targets, targets, group)):
            placed[test] = fold
    return placed


def _shortfall(
    split: str, share: float, counts: Counter[str], totals: Counter[str], placed: Counter[tuple[str, str]]
) -> float:
    """Return how many images of these classes the split still lacks, per image to be placed."""
    lacks = (count * (share * totals[label] - placed[split, label]) for label, count in counts.items())
    return sum(lacks) if share else -float("inf")
