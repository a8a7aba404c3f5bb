"""Scores of predicted classes: ACC, AUC, M-AUC, MAE."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..._errors import UndefinedScoreWarning, choice, describe

__all__ = ["METRICS", "UndefinedScoreWarning", "area_under_curve", "check_scoring", "classification_scores"]

#: In the order of tables.
METRICS = ("ACC", "AUC", "M-AUC", "MAE")
#: The class of M-AUC, where there is one of this name.
MALIGNANT = "malignant"


def classification_scores(
    probabilities: NDArray[Any],
    targets: Sequence[int] | NDArray[Any],
    class_names: Sequence[str],
    *,
    positive: str | None = None,
    ordinal: bool = False,
) -> dict[str, float]:
    """Return ACC, macro AUC, M-AUC and MAE of predicted classes.

    - ACC: the share of samples whose most probable class is the true one.
    - AUC: one class against the rest, averaged over the classes (macro). A class that no sample or
      every sample has, as happens in small folds, has no AUC: the average is over the others.
    - M-AUC: the class ``positive`` against the rest.
    - MAE: how far the most probable grade is from the true one, on average.

    A score that has no value at all, such as AUC where all samples are of one class, is NaN, and an
    :class:`UndefinedScoreWarning` says so.

    Parameters
    ----------
    probabilities
        (n, classes), finite; larger means more probable.
    targets
        (n,) positions in ``class_names``.
    class_names
        All classes, those that no sample has included.
    positive
        The class of M-AUC; default "malignant" where a class has that name, else M-AUC is left out.
    ordinal
        Whether classes are grades, numbers such as "0" to "4"; adds MAE.

    Examples
    --------
    >>> import numpy as np
    >>> from gazesim.train import classification_scores
    >>> probable = np.array([[0.9, 0.1], [0.6, 0.4], [0.2, 0.8], [0.55, 0.45]])
    >>> classification_scores(probable, [0, 0, 1, 1], ["benign", "malignant"])
    {'ACC': 0.75, 'AUC': 1.0, 'M-AUC': 1.0}
    """
    scored, true = _checked(probabilities, targets, len(class_names))
    positive = check_scoring(class_names, positive, ordinal)
    predicted = scored.argmax(axis=1)
    areas = np.array([area_under_curve(scored[:, k], true == k) for k in range(len(class_names))])
    scores = {"ACC": float((predicted == true).mean())}
    scores["AUC"] = float(areas[~np.isnan(areas)].mean()) if not np.isnan(areas).all() else float("nan")
    if positive is not None:
        scores["M-AUC"] = float(areas[list(class_names).index(positive)])
    if ordinal:
        grades = np.array([float(name) for name in class_names])
        scores["MAE"] = float(np.abs(grades[predicted] - grades[true]).mean())
    if undefined := [name for name, value in scores.items() if np.isnan(value)]:
        present = ", ".join(str(class_names[k]) for k in np.unique(true))
        warnings.warn(
            f"{' and '.join(undefined)} of {len(true)} samples has no value: their classes are {present}",
            UndefinedScoreWarning,
            stacklevel=2,
        )
    return scores


def check_scoring(class_names: Sequence[str], positive: str | None, ordinal: bool) -> str | None:
    """Return the class of M-AUC, if there is one; raise where classes do not suit the metrics."""
    if len(class_names) < 2:
        raise ValueError(f"the labels hold {len(class_names)} class ({', '.join(class_names)}); expected two")
    if ordinal:
        for name in class_names:
            try:
                float(name)
            except ValueError:
                raise ValueError(
                    f"ordinal is True and a class is {name!r}; expected grades, numbers such as 0 to 4"
                ) from None
    if positive is None:
        return MALIGNANT if MALIGNANT in class_names else None
    return choice("positive", positive, class_names)


def area_under_curve(scores: NDArray[Any], positive: NDArray[np.bool_]) -> float:
    """Return the probability that a positive has a higher score than a negative, ties counting ½.

    NaN if there is no positive or no negative.

    By ranks (Mann and Whitney).
    """
    # Kept beside scikit-learn's roc_auc_score, which raises where only one class is present, checks its
    # input at ten times the cost of the ranks, and adds trapezia where this one counts pairs exactly.
    from scipy.stats import rankdata

    count, others = int(positive.sum()), int((~positive).sum())
    if not count or not others:
        return float("nan")
    ranks = rankdata(scores)[positive].sum()
    return float((ranks - count * (count + 1) / 2) / (count * others))


def _checked(probabilities: Any, targets: Any, classes: int) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    scored, true = np.asarray(probabilities, np.float64), np.asarray(targets)
    if scored.ndim != 2 or scored.shape[1] != classes or not len(scored):
        raise ValueError(f"probabilities is {describe(scored)}; expected (n, {classes}) and a sample")
    if true.shape != scored.shape[:1] or true.dtype.kind not in "iu":
        raise ValueError(f"targets is {describe(true)}; expected {len(scored)} whole numbers")
    if not np.isfinite(scored).all():
        sample, column = (int(at) for at in np.argwhere(~np.isfinite(scored))[0])
        raise ValueError(
            f"probabilities: sample {sample}, column {column} is {scored[sample, column]}; "
            "expected finite numbers"
        )
    if true.min() < 0 or true.max() >= classes:
        sample = int(np.argmax((true < 0) | (true >= classes)))
        raise ValueError(f"targets[{sample}] is {true[sample]}; expected a class from 0 to {classes - 1}")
    return scored, true.astype(np.int64)
