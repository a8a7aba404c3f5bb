"""String edit and sequence score against RapidFuzz on random and real pairs, worked numbers, labels."""

from __future__ import annotations

import numpy as np
import pytest
from rapidfuzz.distance import LCSseq, Levenshtein

import gazesim
from pairs_of_scanpaths import SCREEN, P, Q, all_blocks, by_pairs, cells_of, only


@pytest.mark.parametrize("module", [gazesim, gazesim.reference], ids=["compiled", "twin"])
def test_worked_numbers(module):
    assert only(module.string_edit_distance([P], [Q], screen_size=SCREEN)) == 1
    assert only(module.sequence_score([P], [Q], screen_size=SCREEN)) == pytest.approx(0.8, abs=1e-12)
    labels = [[3, 2, 0, 1, 5]], [[3, 2, 0, 1]]
    assert only(module.sequence_score(*labels, grid=None)) == pytest.approx(0.8, abs=1e-12)
    assert only(module.string_edit_distance(*labels, grid=None)) == 1
    for kind in ("levenshtein", "lcs"):
        affinity = module.affinity([P], [Q], scheme="string_edit", kind=kind, screen_size=SCREEN)
        assert only(affinity) == pytest.approx(0.8, abs=1e-7)


@pytest.mark.parametrize("grid", [(5, 5), (12, 8)])
def test_rapidfuzz_on_random_and_real_pairs(grid):
    for rows, cols, size in all_blocks():
        a, b = ([cells_of(gaze, size, grid).tolist() for gaze in some] for some in (rows, cols))
        params = {"screen_size": size, "grid": grid}
        assert np.array_equal(
            gazesim.string_edit_distance(rows, cols, **params), by_pairs(Levenshtein.distance, a, b)
        )
        longest = by_pairs(lambda s, t: LCSseq.similarity(s, t) / max(len(s), len(t)), a, b)
        np.testing.assert_allclose(gazesim.sequence_score(rows, cols, **params), longest, rtol=0, atol=1e-12)


@pytest.mark.parametrize("longest", [64, 65, 129, 400])
def test_rapidfuzz_on_sequences_longer_than_a_word(longest, rng):
    lengths = [1, 2, 63, 64, 65, 127, 128, 129, longest, longest]
    labels = [rng.integers(0, 4, length).tolist() for length in lengths]
    edits = gazesim.string_edit_distance(labels, grid=None)
    assert np.array_equal(edits, by_pairs(Levenshtein.distance, labels, labels))
    common = by_pairs(lambda s, t: LCSseq.similarity(s, t) / max(len(s), len(t)), labels, labels)
    np.testing.assert_allclose(gazesim.sequence_score(labels, grid=None), common, rtol=0, atol=1e-12)


def test_labels_of_any_kind_mean_the_same_in_every_call():
    words = [["nose", "eye", "nose"], ["eye"], []]
    features = gazesim.StringEdit(grid=None).features(words)
    assert features.valid.tolist() == [True, True, False]
    alone = gazesim.StringEdit(grid=None).features(words[1:2])
    assert np.array_equal(
        features.affinity(alone, errors="ignore"), features.affinity(errors="ignore")[:, 1:2]
    )
    assert gazesim.string_edit_distance(["AB"], [["A", "B"], [1, 2], ["1", "2"]], grid=None).tolist() == [
        [0, 2, 2]
    ]
    assert gazesim.string_edit_distance([[1]], [[np.int32(1)], ["1"]], grid=None).tolist() == [[0, 1]]
    assert gazesim.string_edit_distance(["", "abc"], grid=None).tolist() == [[0, 3], [3, 0]]


@pytest.mark.parametrize(
    ("gazes", "message"),
    [
        ("AB", "gazes is 'AB'; expected a list of strings"),
        (gazesim.Scanpaths.from_list([P]), "expected a list of strings or of lists of labels, or a grid"),
        ([["a"], 3], "gazes: sample 1 is 3; expected a string or a list of labels"),
        ([["a"], ["b", 2.5]], "gazes: sample 1, row 1 is 2.5; expected a string or a whole number"),
        ([b"ab"], "gazes: sample 0 is b'ab'"),
        ([[True]], "sample 0, row 0 is True"),
        (7, "gazes is 7"),
    ],
    ids=str,
)
def test_bad_labels(gazes, message):
    with pytest.raises(TypeError, match=message):
        gazesim.affinity(gazes, scheme="string_edit", grid=None)


def test_the_last_column_does_not_spill_into_the_next_row():
    # Released code divides by 1000 // 12 = 83 pixels and counts x = 999 to column 12.
    scheme = gazesim.StringEdit(screen_size=(1000, 1000), grid=(12, 12))
    assert scheme.features([[[999, 0, 1], [1000, 0, 1], [0, 84, 1]]]).values.ravel().tolist() == [11, 11, 12]
