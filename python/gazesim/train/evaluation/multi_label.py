"""The multi-label linear probe: one linear classifier per finding, where an image may have several."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from ..._errors import describe
from ..data.samples import Samples
from ..data.splits import label_fraction
from .classification_scores import UndefinedScoreWarning, area_under_curve
from .linear_probe import embed, fit_linear
from .settings import ProbeSettings

__all__ = ["finding_scores", "multi_label_probe", "multi_label_scores"]

PROBE = ProbeSettings()


def multi_label_probe(
    backbone: nn.Module,
    train: Samples,
    test: Samples,
    train_findings: Any,
    test_findings: Any,
    *,
    fractions: Sequence[float] = (1.0,),
    seed: int = 0,
    settings: ProbeSettings = PROBE,
) -> dict[float, dict[str, float]]:
    """Return mean AUROC and mean AP of linear classifiers on frozen features, by share of the images.

    When to use it: where an image may show several things at once (findings of a chest X-ray, attributes
    of a photograph), so that one class per image would be wrong.

    Parameters
    ----------
    backbone
        Images (N, C, H, W) to features (N, D); it stays as it is and runs where it is.
    train, test
        The images; their own labels are not used.
    train_findings, test_findings
        (n, findings) each: 1 where an image has the finding, 0 where not, NaN where that is not known.
    fractions, seed
        Shares of the training images, nested, and what decides which images are in one.
    settings
        Of the classifiers: ``l2`` and ``batch_size``.

    Returns
    -------
    dict
        By share, what :func:`multi_label_scores` returns. A finding that all or none of the images of a
        share have cannot be learnt; it is scored as chance, and an :class:`UndefinedScoreWarning` says so.

    Examples
    --------
    >>> import numpy as np
    >>> from gazesim.train import PhantomSettings, make_backbone
    >>> from gazesim.train.evaluation.multi_label import multi_label_probe
    >>> samples = PhantomSettings(n_train=32, n_test=16, size=32).samples()
    >>> train, test = samples.take(range(32)), samples.take(range(32, 48))
    >>> findings = np.random.default_rng(0).integers(0, 2, (48, 3))
    >>> net = make_backbone("resnet10-narrow", channels=1)
    >>> sorted(multi_label_probe(net, train, test, findings[:32], findings[32:])[1.0])
    ['AP', 'AUROC']
    """
    given = _findings("train_findings", train_findings, len(train))
    wanted = _findings("test_findings", test_findings, len(test))
    if given.shape[1] != wanted.shape[1]:
        raise ValueError(
            f"train_findings has {given.shape[1]} columns and test_findings {wanted.shape[1]}; "
            "expected equal numbers of findings"
        )
    features, unseen = (embed(backbone, part, batch_size=settings.batch_size) for part in (train, test))
    scores = {}
    for fraction in fractions:
        chosen = label_fraction(np.zeros(len(train), np.int64), fraction, seed=seed)
        scores[fraction] = finding_scores(features[chosen], given[chosen], unseen, wanted, settings)
    return scores


def finding_scores(
    features: torch.Tensor,
    findings: NDArray[np.float64],
    unseen: torch.Tensor,
    expected: NDArray[np.float64],
    settings: ProbeSettings,
) -> dict[str, float]:
    """Fit classifiers to features and their findings; return their scores on ``unseen`` features."""
    return multi_label_scores(_probabilities(features, findings, unseen, settings), expected)


def multi_label_scores(probabilities: Any, findings: Any) -> dict[str, float]:
    """Return AUROC and AP (average precision), each averaged over the findings (macro).

    Findings that all or none of the images have, and single entries that are NaN, are left out; an
    :class:`UndefinedScoreWarning` says how many findings were. AP of a useless classifier is the share
    of images with the finding, not 0.5.

    Examples
    --------
    >>> from gazesim.train.evaluation.multi_label import multi_label_scores
    >>> multi_label_scores([[0.9, 0.2], [0.1, 0.7], [0.3, 0.6]], [[1, 0], [0, 1], [0, 0]])
    {'AUROC': 1.0, 'AP': 1.0}
    """
    from sklearn.metrics import average_precision_score

    scored = np.asarray(probabilities, np.float64)
    if scored.ndim != 2 or not np.isfinite(scored).all():
        raise ValueError(f"probabilities is {describe(scored)}; expected finite numbers (n, findings)")
    true = _findings("findings", findings, len(scored))
    if true.shape != scored.shape:
        raise ValueError(
            f"findings has shape {true.shape}, probabilities {scored.shape}; expected equal ones"
        )
    areas, precisions = [], []
    for column, values in zip(scored.T, true.T, strict=True):
        known = ~np.isnan(values)
        if len(np.unique(values[known])) == 2:
            areas.append(area_under_curve(column[known], values[known] == 1))
            precisions.append(float(average_precision_score(values[known], column[known])))
    left = scored.shape[1] - len(areas)
    if left:
        warnings.warn(
            f"{left} of {scored.shape[1]} findings are left out of AUROC and AP: all images have them, or "
            "none",
            UndefinedScoreWarning,
            stacklevel=2,
        )
    nothing = float("nan")
    return {
        "AUROC": float(np.mean(areas)) if areas else nothing,
        "AP": float(np.mean(precisions)) if precisions else nothing,
    }


def _probabilities(
    features: torch.Tensor, findings: NDArray[np.float64], unseen: torch.Tensor, settings: ProbeSettings
) -> NDArray[np.float64]:
    found = np.full((len(unseen), findings.shape[1]), 0.5)
    unlearnt = 0
    for column, values in enumerate(findings.T):
        known = ~np.isnan(values)
        if len(np.unique(values[known])) < 2:
            unlearnt += 1
            continue
        fitted = fit_linear(features[known], values[known].astype(np.int64), 2, l2=settings.l2)
        found[:, column] = fitted.probabilities(unseen)[:, 1]
    if unlearnt:
        warnings.warn(
            f"{unlearnt} of {findings.shape[1]} findings cannot be learnt from {len(features)} images: all "
            "of them have it, or none; they are scored as chance",
            UndefinedScoreWarning,
            stacklevel=4,
        )
    return found


def _findings(argument: str, findings: Any, count: int) -> NDArray[np.float64]:
    array = np.asarray(findings, np.float64)
    if array.ndim != 2 or len(array) != count or not array.shape[1]:
        raise ValueError(f"{argument} has shape {array.shape}; expected ({count}, findings)")
    wrong = ~(np.isnan(array) | (array == 0) | (array == 1))
    if wrong.any():
        row, column = (int(at) for at in np.argwhere(wrong)[0])
        raise ValueError(f"{argument}[{row}, {column}] is {array[row, column]}; expected 0, 1 or NaN")
    return array
