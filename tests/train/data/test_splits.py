"""Folds and shares of labels, compared with scikit-learn's; no group crosses a split."""

from __future__ import annotations

import itertools
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

pytest.importorskip("gazesim.train")

from gazesim.train import split_by_group
from gazesim.train.data.splits import label_fraction, stratified_folds

TARGETS = st.lists(st.integers(0, 3), min_size=6, max_size=60)
FRACTIONS = (0.01, 0.05, 0.1, 0.2, 1.0)


@given(targets=TARGETS, folds=st.integers(2, 6), seed=st.integers(0, 5))
def test_folds_are_a_partition_in_proportion(targets, folds, seed):
    found = stratified_folds(targets, folds, seed=seed)
    assert sorted(np.concatenate(found)) == list(range(len(targets)))
    sizes = [len(fold) for fold in found]
    assert max(sizes) - min(sizes) <= 1
    for target in set(targets):
        counts = [np.sum(np.array(targets)[fold] == target) for fold in found]
        assert max(counts) - min(counts) <= 1


@pytest.mark.parametrize("folds", [2, 5])
def test_classes_per_fold_are_those_of_scikit_learn(folds, rng):
    targets = rng.choice(4, 203, p=[0.5, 0.3, 0.15, 0.05])
    oracle = StratifiedKFold(folds, shuffle=True, random_state=0).split(targets, targets)
    expected = [np.bincount(targets[test], minlength=4) for _, test in oracle]
    found = [np.bincount(targets[test], minlength=4) for test in stratified_folds(targets, folds)]
    np.testing.assert_array_equal(np.sort(found, axis=0), np.sort(expected, axis=0))


@given(
    pairs=st.lists(st.tuples(st.integers(0, 2), st.integers(0, 9)), min_size=8, max_size=60),
    seed=st.integers(0, 3),
)
def test_groups_are_never_parted(pairs, seed):
    targets, groups = zip(*pairs, strict=True)
    folds = min(3, len(set(groups)))
    if folds < 2:
        return
    found = stratified_folds(targets, folds, groups=groups, seed=seed)
    assert sorted(np.concatenate(found)) == list(range(len(pairs)))
    homes = [{groups[i] for i in fold} for fold in found]
    assert sum(map(len, homes)) == len(set(groups))
    assert all(homes)


def spread(targets, tests):
    """How uneven classes are over folds."""
    counts = np.array([np.bincount(targets[test], minlength=3) for test in tests])
    return (counts / counts.sum(axis=0)).std(axis=0).mean()


def test_groups_are_as_even_as_scikit_learns(rng):
    found, expected = [], []
    for seed in range(10):
        group_target = rng.choice(3, 60, p=[0.6, 0.3, 0.1])
        groups = rng.integers(0, 60, 300)
        targets = np.where(rng.random(300) < 0.8, group_target[groups], rng.integers(0, 3, 300))
        oracle = StratifiedGroupKFold(5, shuffle=True, random_state=seed).split(targets, targets, groups)
        expected.append(spread(targets, [test for _, test in oracle]))
        found.append(spread(targets, stratified_folds(targets, 5, groups=groups.tolist(), seed=seed)))
    assert np.mean(found) < 1.1 * np.mean(expected)


def test_seeds_decide_folds():
    targets = [0, 1] * 20
    first, same, other = (stratified_folds(targets, 4, seed=seed)[0].tolist() for seed in (0, 0, 1))
    assert first == same != other


@given(targets=TARGETS, seed=st.integers(0, 5))
def test_shares_are_nested_and_hold_every_class(targets, seed):
    shares = [set(label_fraction(targets, fraction, seed=seed).tolist()) for fraction in FRACTIONS]
    assert all(less <= more for less, more in itertools.pairwise(shares))
    assert shares[-1] == set(range(len(targets)))
    for share in shares:
        assert {targets[i] for i in share} == set(targets)


def test_shares_are_stratified(rng):
    targets = rng.permutation(np.repeat([0, 1, 2], [600, 300, 100]))
    for fraction in (0.01, 0.1, 0.2):
        counts = np.bincount(targets[label_fraction(targets, fraction)])
        np.testing.assert_array_equal(counts, np.array([600, 300, 100]) * fraction)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: stratified_folds([0, 1], 3), "folds is 3, and there are 2 samples"),
        (lambda: stratified_folds([0, 1, 0, 1], 3, groups="aabb"), "there are 2 groups"),
        (
            lambda: stratified_folds([0, 1], 2, groups="abc"),
            "groups has 3 entries; expected one for each of 2",
        ),
        (lambda: stratified_folds([0, -1], 2), "targets is"),
        (lambda: stratified_folds([0.5, 1], 2), "targets is"),
        (lambda: stratified_folds([], 2), "targets is"),
        (lambda: label_fraction([0, 1], 0), "fraction is 0; expected a finite number above 0 and at most 1"),
        (lambda: label_fraction([0, 1], 1.5), "fraction is 1.5"),
    ],
)
def test_mistakes_are_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 9)), max_size=60), st.integers(0, 5))
def test_groups_stay_whole(images, seed):
    labels, groups = [label for label, _ in images], [f"p{patient}" for _, patient in images]
    splits = split_by_group(labels, groups, fractions={"train": 0.6, "val": 0.0, "test": 0.4}, seed=seed)
    homes = {group: {s for s, g in zip(splits, groups, strict=True) if g == group} for group in groups}
    assert all(len(home) == 1 for home in homes.values())
    assert "val" not in splits
    again = split_by_group(labels, groups, fractions={"train": 0.6, "val": 0.0, "test": 0.4}, seed=seed)
    assert again == splits


@given(st.lists(st.sampled_from("abcd"), min_size=1, max_size=200), st.integers(0, 3))
def test_classes_keep_their_shares(labels, seed):
    fractions = {"train": 0.7, "val": 0.1, "test": 0.2}
    splits = split_by_group(labels, fractions=fractions, seed=seed)
    for label, total in Counter(labels).items():
        for split, share in fractions.items():
            count = sum(s == split for s, one in zip(splits, labels, strict=True) if one == label)
            assert abs(count - share * total) <= 1


def test_seeds_differ_and_shares_are_checked():
    labels = ["a", "b"] * 30
    drawn = {tuple(split_by_group(labels, fractions={"train": 0.5, "test": 0.5}, seed=s)) for s in range(5)}
    assert len(drawn) == 5
    with pytest.raises(ValueError, match="expected shares with the sum 1"):
        split_by_group(labels, fractions={"train": 0.5, "test": 0.4})


# --- counts of labels -----------------------------------------------------------------------------

#: The training images of OAI by grade, as Chen et al. (2019) divide them.
KNEES = (2286, 1046, 1516, 757, 173)


@pytest.mark.parametrize(
    ("count", "expected"),
    [(55, [11] * 5), (288, [58, 58, 58, 57, 57]), (577, [116, 116, 115, 115, 115]), (1154, None)],
)
def test_a_count_of_labels_is_dealt_evenly(count, expected):
    targets = np.repeat(np.arange(5), KNEES)
    found = np.bincount(targets[label_fraction(targets, count)])
    assert found.sum() == count
    if expected is None:  # all of the smallest class, and the rest from the others
        assert found[4] == 173
        assert max(found[:4]) - min(found[:4]) <= 1
    else:
        assert found.tolist() == expected
    assert len(label_fraction(targets, 0.01)) == 58  # a share is by class


@given(targets=TARGETS, seed=st.integers(0, 3))
def test_counts_are_nested(targets, seed):
    least = len(set(targets))
    counts = list(range(max(least, 2), len(targets) + 1))
    found = [set(label_fraction(targets, count, seed=seed)) for count in counts]
    assert [len(chosen) for chosen in found] == counts
    assert all(one <= next_ for one, next_ in itertools.pairwise(found))


def test_counts_that_cannot_be(rng):
    for count, message in ((1.5, "a share up to 1, or a whole number"), (3, "one for each"), (99, "no more")):
        with pytest.raises(ValueError, match=message):
            label_fraction([0, 1, 2, 3, 0, 1], count)
