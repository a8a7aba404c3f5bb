"""The k-NN probe: classify images by their nearest neighbours in feature space (Wu et al., 2018)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn import functional

from ..._errors import describe, integer, number
from ..data.samples import Samples
from ..data.splits import label_fraction
from .classification_scores import check_scoring, classification_scores
from .linear_probe import embed

__all__ = ["knn_probabilities", "knn_probe"]

#: Test images at a time, so that the similarities fit into memory.
CHUNK = 1024


def knn_probe(
    backbone: nn.Module,
    train: Samples,
    test: Samples,
    *,
    k: int = 20,
    temperature: float = 0.07,
    fractions: Sequence[float] = (1.0,),
    seed: int = 0,
    batch_size: int = 128,
    positive: str | None = None,
    ordinal: bool = False,
) -> dict[float, dict[str, float]]:
    """Return the scores of k nearest neighbours on frozen features, by share of the training labels.

    Nothing is fitted, so it judges the features alone; images without label are left out.

    When to use it: for a quick look while settings are chosen, and to see whether distances mean
    something (retrieval). It has no penalty to choose; a linear probe reads more out of the features.

    Parameters
    ----------
    backbone
        Images (N, C, H, W) to features (N, D); it stays as it is and runs where it is.
    train, test
        Samples whose labels are known, and samples to score on.
    k, temperature
        See :func:`knn_probabilities`. With fewer than k labelled images, all of them are asked.
    fractions, seed
        Shares of the training labels, stratified and nested, and what decides whose labels are in one.
    batch_size
        Images at a time through the network.
    positive, ordinal
        See :func:`classification_scores`.

    Examples
    --------
    >>> from gazesim.train import PhantomSettings, make_backbone
    >>> from gazesim.train.evaluation.knn import knn_probe
    >>> samples = PhantomSettings(n_train=32, n_test=16, size=32).samples()
    >>> train, test = samples.take(range(32)), samples.take(range(32, 48))
    >>> list(knn_probe(make_backbone("resnet10-narrow", channels=1), train, test, k=5)[1.0])
    ['ACC', 'AUC', 'M-AUC']
    """
    if train.class_names != test.class_names:
        raise ValueError(
            f"classes are {train.class_names} and {test.class_names}; "
            "expected equal ones in training and test"
        )
    names = train.class_names
    positive = check_scoring(names, positive, ordinal)
    known, judged = (_labelled(name, part) for name, part in (("train", train), ("test", test)))
    features, unseen = (embed(backbone, part, batch_size=batch_size) for part in (known, judged))
    targets = np.array(known.labels)
    scores = {}
    for fraction in fractions:
        chosen = label_fraction(targets, fraction, seed=seed)
        found = knn_probabilities(
            features[chosen], targets[chosen], unseen, len(names), k=k, temperature=temperature
        )
        scores[fraction] = classification_scores(
            found, np.array(judged.labels), names, positive=positive, ordinal=ordinal
        )
    return scores


def knn_probabilities(
    features: torch.Tensor,
    targets: Sequence[int] | NDArray[Any],
    unseen: torch.Tensor,
    classes: int,
    *,
    k: int = 20,
    temperature: float = 0.07,
) -> NDArray[np.float64]:
    """Return the probability of every class (m, classes) by the k most similar features.

    Parameters
    ----------
    features, targets
        (n, D), finite, and (n,) their classes from 0 to ``classes`` − 1.
    unseen
        (m, D) features of the images that are asked about.
    k
        How many neighbours by cosine similarity; at most n count.
    temperature
        A neighbour of similarity s votes with weight exp(s / temperature).

    Examples
    --------
    >>> import torch
    >>> from gazesim.train.evaluation.knn import knn_probabilities
    >>> features = torch.tensor([[1.0, 0.0], [0.9, 0.1], [0.0, 1.0]])
    >>> knn_probabilities(features, [0, 0, 1], torch.tensor([[2.0, 0.1]]), 2, k=2)
    array([[1., 0.]])
    """
    integer("k", k, low=1, high=10**7)
    number("temperature", temperature, low=0.0, open_low=True)
    true = torch.as_tensor(np.asarray(targets, np.int64))
    for name, one in (("features", features), ("unseen", unseen)):
        if one.ndim != 2 or one.shape[1] != features.shape[1] or not len(one):
            raise ValueError(f"{name} is {describe(one)}; expected (n, {features.shape[-1]}), not empty")
        if not torch.isfinite(one).all():
            sample, column = (int(at) for at in (~torch.isfinite(one)).nonzero()[0])
            raise ValueError(f"{name}: sample {sample}, column {column} is not finite; expected numbers")
    if true.shape != (len(features),) or int(true.min()) < 0 or int(true.max()) >= classes:
        raise ValueError(
            f"targets is {describe(targets)}; expected {len(features)} classes from 0 to {classes - 1}"
        )
    count = min(k, len(features))
    known = functional.normalize(features.double(), dim=1)
    parts = []
    asked = functional.normalize(unseen.double(), dim=1)
    for start in range(0, len(asked), CHUNK):
        chunk = asked[start : start + CHUNK]
        similar, places = (chunk @ known.T).topk(count, dim=1)
        # Relative to the nearest one: exp of 1 / temperature alone may overflow.
        weight = ((similar - similar[:, :1]) / temperature).exp()
        votes = torch.zeros(len(chunk), classes, dtype=torch.float64)
        parts.append(votes.scatter_add_(1, true[places], weight))
    votes = torch.cat(parts)
    found: NDArray[np.float64] = (votes / votes.sum(dim=1, keepdim=True)).numpy()
    return found


def _labelled(argument: str, samples: Samples) -> Samples:
    chosen = [i for i, label in enumerate(samples.labels) if label >= 0]
    if not chosen:
        raise ValueError(f"{argument}: none of {len(samples)} images has a label; expected labels")
    return samples.take(chosen)
