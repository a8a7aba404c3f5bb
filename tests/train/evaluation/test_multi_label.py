"""The multi-label probe, held against scikit-learn's one-vs-rest."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score, roc_auc_score
from sklearn.multiclass import OneVsRestClassifier
from sklearn.preprocessing import StandardScaler

pytest.importorskip("gazesim.train")

from torch import nn

from gazesim.train import ArraySamples, UndefinedScoreWarning
from gazesim.train.evaluation.multi_label import multi_label_probe, multi_label_scores


def data(rng, count=120, findings=3):
    images = rng.random((count, 4, 4))
    weights = rng.normal(size=(16, findings))
    logits = (images.reshape(count, 16) - 0.5) @ weights * 4
    return ArraySamples(images), (rng.random(logits.shape) < 1 / (1 + np.exp(-logits))).astype(int)


def test_equals_scikit_learn(rng):
    samples, findings = data(rng)
    train, test = samples.take(range(80)), samples.take(range(80, 120))
    found = multi_label_probe(nn.Flatten(), train, test, findings[:80], findings[80:])[1.0]
    features = np.stack([samples.image(i).numpy().ravel() for i in range(120)]).astype(float)
    scaler = StandardScaler().fit(features[:80])
    peer = OneVsRestClassifier(LogisticRegression(C=2.0, tol=1e-8, max_iter=10_000))
    peer.fit(scaler.transform(features[:80]), findings[:80])
    scores = peer.predict_proba(scaler.transform(features[80:]))
    assert found["AUROC"] == pytest.approx(roc_auc_score(findings[80:], scores, average="macro"))
    assert found["AP"] == pytest.approx(average_precision_score(findings[80:], scores, average="macro"))
    assert found["AUROC"] > 0.6


def test_random_findings_are_chance(rng):
    samples, _ = data(rng, 400)
    findings = rng.integers(0, 2, (400, 6))
    train, test = samples.take(range(200)), samples.take(range(200, 400))
    found = multi_label_probe(nn.Flatten(), train, test, findings[:200], findings[200:])[1.0]
    assert found["AUROC"] == pytest.approx(0.5, abs=0.06)


def test_unknown_entries_and_undefined_findings(rng):
    scores = rng.random((40, 3))
    true = rng.integers(0, 2, (40, 3)).astype(float)
    true[5:9, 0] = np.nan
    true[:, 2] = 0
    with pytest.warns(UndefinedScoreWarning, match="1 of 3 findings are left out"):
        found = multi_label_scores(scores, true)
    known = ~np.isnan(true[:, 0])
    parts = [roc_auc_score(true[known, 0], scores[known, 0]), roc_auc_score(true[:, 1], scores[:, 1])]
    assert found["AUROC"] == pytest.approx(np.mean(parts))


def test_what_cannot_be_learnt_is_said(rng):
    samples, findings = data(rng)
    findings[:80, 1] = 1
    with pytest.warns(UndefinedScoreWarning, match="1 of 3 findings cannot be learnt from 80 images"):
        multi_label_probe(
            nn.Flatten(), samples.take(range(80)), samples.take(range(80, 120)), findings[:80], findings[80:]
        )


def test_mistakes_are_named(rng):
    samples, findings = data(rng, 10)
    with pytest.raises(ValueError, match=r"train_findings has shape \(9, 3\); expected \(10, findings\)"):
        multi_label_probe(nn.Flatten(), samples, samples, findings[:9], findings)
    with pytest.raises(ValueError, match=r"test_findings\[0, 0\] is 2.0; expected 0, 1 or NaN"):
        multi_label_probe(nn.Flatten(), samples, samples, findings, 0 * findings + 2)
    with pytest.raises(ValueError, match="expected equal numbers of findings"):
        multi_label_probe(nn.Flatten(), samples, samples, findings, findings[:, :2])
