"""Scores, held against scikit-learn and torchmetrics."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, mean_absolute_error, roc_auc_score

pytest.importorskip("gazesim.train")

import torch
from torchmetrics.functional.classification import multiclass_auroc

from gazesim.train import UndefinedScoreWarning, classification_scores
from gazesim.train.evaluation.classification_scores import area_under_curve

GRADES = ("0", "1", "2", "3", "4")


@pytest.fixture
def predicted(rng):
    targets = rng.integers(0, 5, 200)
    logits = 1.5 * np.eye(5)[targets] + rng.normal(size=(200, 5))
    odds = np.exp(logits)
    return odds / odds.sum(axis=1, keepdims=True), targets


def test_scores_equal_scikit_learns(predicted):
    probable, targets = predicted
    found = classification_scores(probable, targets, GRADES, positive="4", ordinal=True)
    assert list(found) == ["ACC", "AUC", "M-AUC", "MAE"]
    assert found["ACC"] == accuracy_score(targets, probable.argmax(axis=1))
    assert found["AUC"] == pytest.approx(roc_auc_score(targets, probable, multi_class="ovr"), abs=1e-12)
    assert found["M-AUC"] == pytest.approx(roc_auc_score(targets == 4, probable[:, 4]), abs=1e-12)
    assert found["MAE"] == mean_absolute_error(targets, probable.argmax(axis=1))
    peer = multiclass_auroc(torch.tensor(probable), torch.tensor(targets), 5)
    assert found["AUC"] == pytest.approx(float(peer), abs=1e-6)


def test_ties_count_half(rng):
    scores, positive = np.round(rng.random(300), 1), rng.random(300) < 0.3
    assert area_under_curve(scores, positive) == pytest.approx(roc_auc_score(positive, scores), abs=1e-12)
    assert area_under_curve(np.zeros(10), np.arange(10) < 4) == 0.5


def test_grades_count_by_their_numbers():
    probable = np.eye(3)[[0, 2, 2]]
    scores = classification_scores(probable, [0, 0, 2], ("1", "2", "10"), ordinal=True)
    assert scores["MAE"] == 3  # grade 1 taken for grade 10, once in three


def test_malignant_is_found_by_name():
    probable, targets = np.array([[0.9, 0.1], [0.2, 0.8]]), [0, 1]
    assert "M-AUC" not in classification_scores(probable, targets, ("a", "b"))
    assert classification_scores(probable, targets, ("benign", "malignant"))["M-AUC"] == 1
    assert classification_scores(probable, targets, ("a", "b"), positive="b")["M-AUC"] == 1


def test_a_class_that_nobody_has_is_left_out_of_the_average(predicted):
    probable, targets = predicted
    some = targets != 3
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = classification_scores(probable[some], targets[some], GRADES)
    expected = [roc_auc_score(targets[some] == k, probable[some, k]) for k in (0, 1, 2, 4)]
    assert found["AUC"] == pytest.approx(np.mean(expected), abs=1e-12)


def test_no_value_is_told():
    names = ("benign", "malignant")
    with pytest.warns(UndefinedScoreWarning, match="AUC and M-AUC of 2 samples has no value: .* are benign"):
        found = classification_scores(np.array([[0.9, 0.1], [0.2, 0.8]]), [0, 0], names)
    assert np.isnan(found["AUC"])
    assert np.isnan(found["M-AUC"])
    assert found["ACC"] == 0.5


@pytest.mark.parametrize(
    ("probable", "targets", "options", "message"),
    [
        (np.ones((2, 3)), [0, 1], {}, "probabilities is ndarray of shape"),
        (np.ones((0, 2)), [], {}, "expected .n, 2. and a sample"),
        (np.ones((2, 2)), [0], {}, "expected 2 whole numbers"),
        (np.ones((2, 2)), [0, 2], {}, r"targets\[1\] is 2; expected a class from 0 to 1"),
        (np.array([[1, 0], [np.nan, 1]]), [0, 1], {}, "probabilities: sample 1, column 0 is nan"),
        (np.ones((2, 2)), [0, 1], {"positive": "b1"}, 'positive is .b1.; expected "a" or "b"'),
        (np.ones((2, 2)), [0, 1], {"ordinal": True}, "ordinal is True and a class is 'a'"),
    ],
)
def test_mistakes_are_named(probable, targets, options, message):
    with pytest.raises(ValueError, match=message):
        classification_scores(probable, targets, ("a", "b"), **options)


def test_one_class_is_not_enough():
    with pytest.raises(ValueError, match=r"the labels hold 1 class \(a\); expected two"):
        classification_scores(np.ones((2, 1)), [0, 0], ("a",))
