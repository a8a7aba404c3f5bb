"""Evaluation protocols for features, at shares of the labels, in folds."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import nn

from ..._errors import choice, describe, integer
from ..._progress import ProgressBar
from ..data.samples import Samples
from ..data.splits import as_share, checked_share, label_fraction, share_words
from .classification_scores import check_scoring, classification_scores
from .divisions import Division
from .fine_tune import fit_classifier
from .fingerprints import fingerprint_of_network, record_of_samples
from .gradient_probe import fit_by_gradient
from .knn import knn_probabilities
from .linear_probe import embed, fit_probe
from .results import Cell, Results, Row
from .settings import (
    FineTuneSettings,
    GradientProbeSettings,
    KnnSettings,
    ProbeSettings,
    SegmentationSettings,
)
from .tasks import ClassTask, Task, labelled, records_of, tasks_of

__all__ = ["FRACTIONS", "PROTOCOLS", "cross_validate", "fine_tune", "linear_probe"]

PROTOCOLS = ("probe", "gradient_probe", "finetune", "knn", "multi_label", "segmentation", "patch", "affinity")
FRACTIONS = (0.01, 0.05, 0.1, 0.2, 1.0)

PROBE, FINE_TUNE = ProbeSettings(), FineTuneSettings()
KNN, SEGMENTATION, GRADIENT_PROBE = KnnSettings(), SegmentationSettings(), GradientProbeSettings()

#: A network from images (N, C, H, W) to features (N, D); networks by seed, which are runs of one
#: pre-training; or what makes a network from a seed.
Method = nn.Module | Mapping[int, nn.Module] | Callable[[int], nn.Module]


def linear_probe(
    backbone: nn.Module,
    train: Samples,
    test: Samples,
    *,
    val: Samples | None = None,
    fractions: Sequence[float] = (1.0,),
    seed: int = 0,
    settings: ProbeSettings = PROBE,
    positive: str | None = None,
    ordinal: bool = False,
) -> dict[float, dict[str, float]]:
    """Return the scores of a linear classifier on frozen features, by share of the training labels.

    Features are computed once, in eval mode; images without label are left out.

    When to use it: the usual measure of a pre-training, cheap and repeatable, at few labels and many.
    Fine-tuning shows what the network is worth as a start, with noise of its own.

    Parameters
    ----------
    backbone
        Images (N, C, H, W) to features (N, D); it stays as it is and runs where it is.
    train, test
        Samples to fit and to score on.
    val
        Samples on which the penalty is chosen, by the same share of their labels as of the training
        labels; None, or no samples, takes the settings' default.
    fractions
        Shares of the training labels, stratified and nested, at least one label per class.
    seed
        Decides whose labels are in a share.
    settings
        Of the classifier.
    positive, ordinal
        See :func:`classification_scores`.

    Returns
    -------
    dict
        By share, what :func:`classification_scores` returns: scores by name.

    Examples
    --------
    >>> from gazesim.train import PhantomSettings, linear_probe, make_backbone
    >>> samples = PhantomSettings(n_train=32, n_test=16, size=32).samples()
    >>> train, test = samples.take(range(32)), samples.take(range(32, 48))
    >>> scores = linear_probe(make_backbone("resnet10-narrow", channels=1), train, test, fractions=(0.25, 1))
    >>> sorted(scores), list(scores[1])
    ([0.25, 1], ['ACC', 'AUC', 'M-AUC'])
    """
    given = [("train", train), ("test", test), *([("val", val)] if val else [])]
    parts = [labelled(part, name) for name, part in given]
    _same_classes(parts)
    names = parts[0].class_names
    positive = check_scoring(names, positive, ordinal)
    features = [embed(backbone, part, batch_size=settings.batch_size) for part in parts]
    targets = [np.array(part.labels) for part in parts]
    scores = {}
    for fraction in fractions:
        chosen = label_fraction(targets[0], fraction, seed=seed)
        validation = None
        if val:
            share = as_share(fraction, len(targets[0]))
            judging = label_fraction(targets[2], share, seed=seed)
            validation = (features[2][judging], targets[2][judging])
        fitted = fit_probe(features[0][chosen], targets[0][chosen], len(names), settings, validation)
        scores[fraction] = classification_scores(
            fitted.probabilities(features[1]), targets[1], names, positive=positive, ordinal=ordinal
        )
    return scores


def fine_tune(
    backbone: nn.Module,
    train: Samples,
    test: Samples,
    *,
    fractions: Sequence[float] = (1.0,),
    seed: int = 0,
    settings: FineTuneSettings = FINE_TUNE,
    positive: str | None = None,
    ordinal: bool = False,
    progress: bool = False,
) -> dict[float, dict[str, float]]:
    """Return the scores of fine-tuned copies of a backbone, by share of the training labels.

    Parameters and what is returned as for :func:`linear_probe`; ``seed`` also decides order and
    augmentation. The last epoch is scored: nothing is chosen on the test samples.

    When to use it: where the network will be fine-tuned in the end. It hides differences between
    pre-trainings where labels are many, and takes minutes where a probe takes seconds.

    Examples
    --------
    >>> from gazesim.train import FineTuneSettings, PhantomSettings, fine_tune, make_backbone
    >>> samples = PhantomSettings(n_train=16, n_test=8, size=32).samples()
    >>> train, test = samples.take(range(16)), samples.take(range(16, 24))
    >>> settings = FineTuneSettings(epochs=1, min_steps=0, batch_size=8)
    >>> scores = fine_tune(make_backbone("resnet10-narrow", channels=1), train, test, settings=settings)
    >>> list(scores[1.0])
    ['ACC', 'AUC', 'M-AUC']
    """
    parts = [labelled(part, name) for name, part in (("train", train), ("test", test))]
    _same_classes(parts)
    names = parts[0].class_names
    positive = check_scoring(names, positive, ordinal)
    targets = [np.array(part.labels) for part in parts]
    scores = {}
    for fraction in fractions:
        chosen = label_fraction(targets[0], fraction, seed=seed)
        model = fit_classifier(
            backbone,
            parts[0],
            chosen,
            targets[0][chosen],
            len(names),
            settings,
            seed=seed,
            progress=progress,
        )
        probable = model.probabilities(parts[1], range(len(parts[1])))
        scores[fraction] = classification_scores(
            probable, targets[1], names, positive=positive, ordinal=ordinal
        )
    return scores


def cross_validate(
    methods: Mapping[str, Method],
    samples: Samples,
    *,
    folds: int | None = 5,
    seeds: Sequence[int] = (0,),
    protocols: Sequence[str] = ("probe", "finetune"),
    fractions: Sequence[float] = FRACTIONS,
    probe: ProbeSettings = PROBE,
    finetune: FineTuneSettings = FINE_TUNE,
    positive: str | None = None,
    ordinal: bool = False,
    knn: KnnSettings = KNN,
    segmentation: SegmentationSettings = SEGMENTATION,
    gradient_probe: GradientProbeSettings = GRADIENT_PROBE,
    findings: Sequence[str] = (),
    layer: str | None = None,
    out: str | Path | None = None,
    progress: bool = True,
) -> list[Row]:
    """Compare methods: every one by every protocol, at every share of the labels, in every fold.

    Parameters
    ----------
    methods
        Networks from images to features by name; or networks by seed, such as
        ``{0: one_run, 1: another}``, so that scores vary over pre-trainings; or functions from a
        seed to a network (a baseline from scratch has other weights with every seed).
    samples
        All images; those without what a protocol reads (label, mask, box, finding) are left out of it.
    folds
        Stratified folds over all labelled images, whatever their split; images of one group
        (patient) stay together. Images that are tested on may then be some that a network was
        pre-trained on, without their labels. None: the samples' own splits; the penalty of the
        probe is then chosen on ``val``, if there is any, by the same share of its labels.
    seeds
        Each decides folds, shares of labels, initial weights and order anew. What a fixed network's
        probe makes of all labels and own splits depends on none of these: all seeds score alike.
    protocols
        Some of "probe" (linear, on frozen features: the exact optimum), "gradient_probe" (the same by Adam
        for a few epochs, as papers do it), "finetune", "knn" (nearest neighbours), "patch" (the
        linear probe on the boxes of a manifest, each with its own label), "multi_label" (``findings``),
        "segmentation" (a linear classifier per cell of the feature maps, against the manifest's masks) and
        "affinity" (how well the affinity map of the point deepest in a mask separates the mask; nothing is
        trained, so the labels are "100 %").
    fractions
        Shares of the training labels, stratified and nested, at least one label per class; a whole number
        from 2 on is a count of labels, evenly over the classes.
    probe, finetune
        Settings of the protocols.
    positive, ordinal
        See :func:`classification_scores`.
    knn, segmentation, gradient_probe
        Settings of these probes.
    findings
        For "multi_label": the manifest's columns, each 1, 0 or empty (not known).
    layer
        For "segmentation" and "affinity": whose maps are read, as in ``named_modules()``; default: the last
        one with more than one place.
    out
        A folder for ``results.csv`` (a row per score) and ``results.md`` (mean ± standard
        deviation), written after every cell; called again, it does what is missing.
    progress
        Whether to show a progress bar on stderr.

    Returns
    -------
    list
        A row per score, with ``method``, ``protocol``, ``fraction``, ``fold``, ``seed``, ``metric`` and
        ``value``, those of ``results.csv``.

    Examples
    --------
    >>> from gazesim.train import PhantomSettings, cross_validate, make_backbone
    >>> samples = PhantomSettings(n_train=40, n_test=0, size=32).samples()
    >>> methods = {"random": make_backbone("resnet10-narrow", channels=1)}
    >>> rows = cross_validate(methods, samples, folds=2, protocols=["probe"], fractions=[1.0], progress=False)
    >>> [(row.fold, row.metric) for row in rows]
    [(0, 'ACC'), (0, 'AUC'), (0, 'M-AUC'), (1, 'ACC'), (1, 'AUC'), (1, 'M-AUC')]
    """
    cells = _cells(methods, protocols, fractions, folds, seeds)
    tasks = tasks_of(samples, protocols, probe, segmentation, findings, layer, positive, ordinal)
    divided = {
        (protocol, seed): task.divided(folds, seed) for protocol, task in tasks.items() for seed in seeds
    }
    has_labels = any(label >= 0 for label in samples.labels)
    settings = {
        **record_of_samples(labelled(samples, "samples") if has_labels else samples),
        "folds": folds,
        "positive": check_scoring(samples.class_names, positive, ordinal)
        if any(isinstance(task, ClassTask) for task in tasks.values())
        else positive,
        "ordinal": ordinal,
        "methods": {name: _fingerprints(method) for name, method in methods.items()},
        "protocols": records_of(tasks, probe, finetune, knn, gradient_probe),
    }
    results = Results(out, settings)
    work = _CellScorer(methods, tasks, probe, finetune, knn, gradient_probe)
    done = results.done
    missing = [cell for cell in cells if cell not in done]
    with ProgressBar(
        total=len(cells), initial=len(cells) - len(missing), unit=" cells", disable=not progress
    ) as bar:
        for cell in missing:
            bar.set_postfix_str(f"{cell.method}, {cell.protocol}, {share_words(cell.fraction)}")
            results.add(cell, work.scores(cell, divided[cell.protocol, cell.seed][cell.fold]))
            bar.update()
    results.write()
    wanted = set(cells)
    return [row for row in results.rows if row.cell in wanted]


class _CellScorer:
    """Scores cells; keeps in memory the network of one method and seed at a time."""

    def __init__(
        self,
        methods: Mapping[str, Method],
        tasks: Mapping[str, Task],
        probe: ProbeSettings,
        finetune: FineTuneSettings,
        knn: KnnSettings,
        gradient_probe: GradientProbeSettings,
    ) -> None:
        self.methods, self.tasks = methods, tasks
        self.probe, self.finetune, self.knn = probe, finetune, knn
        self.gradient_probe = gradient_probe
        self._key: tuple[str, int] | None = None
        self._backbone: nn.Module | None = None

    def scores(self, cell: Cell, division: Division) -> dict[str, float]:
        """Return the scores of a cell on its test samples."""
        task = self.tasks[cell.protocol]
        if not isinstance(task, ClassTask):
            return task.scores(self.backbone(cell), division, cell.fraction, cell.seed)
        return classification_scores(
            self.probabilities(cell, division),
            task.targets[division.test],
            task.names,
            positive=task.positive,
            ordinal=task.ordinal,
        )

    def probabilities(self, cell: Cell, division: Division) -> NDArray[np.float64]:
        """Return the class probabilities of a cell for its test samples."""
        task = self.tasks[cell.protocol]
        assert isinstance(task, ClassTask)
        targets, classes = task.targets, len(task.names)
        chosen = task.chosen(division, cell.fraction, cell.seed)
        if cell.protocol == "finetune":
            model = fit_classifier(
                self.backbone(cell),
                task.samples,
                chosen,
                targets[chosen],
                classes,
                self.finetune,
                seed=cell.seed,
            )
            return model.probabilities(task.samples, division.test)
        features = task.features(self.backbone(cell))
        if cell.protocol == "knn":
            unseen = features[division.test]
            return knn_probabilities(features[chosen], targets[chosen], unseen, classes, **asdict(self.knn))
        if cell.protocol == "gradient_probe":
            layer = fit_by_gradient(
                features[chosen], targets[chosen], classes, self.gradient_probe, seed=cell.seed
            )
            return layer.probabilities(features[division.test])
        judging = division.val
        if len(judging):
            share = as_share(cell.fraction, len(division.train))
            judging = judging[label_fraction(targets[judging], share, seed=cell.seed)]
        validation = (features[judging], targets[judging])
        fitted = fit_probe(features[chosen], targets[chosen], classes, self.probe, validation)
        return fitted.probabilities(features[division.test])

    def backbone(self, cell: Cell) -> nn.Module:
        """Return the network of a cell."""
        if self._backbone is None or self._key != (cell.method, cell.seed):
            self._key = (cell.method, cell.seed)
            self._backbone = network_of(self.methods[cell.method], cell.seed)
        return self._backbone


def network_of(method: Method, seed: int) -> nn.Module:
    """Return the network of a method for a seed."""
    if isinstance(method, nn.Module):
        return method
    return method[seed] if isinstance(method, Mapping) else method(seed)


def _cells(
    methods: Mapping[str, Method],
    protocols: Sequence[str],
    fractions: Sequence[float],
    folds: int | None,
    seeds: Sequence[int],
) -> list[Cell]:
    """Return every cell once, those of one network in a row."""
    for argument, given in (
        ("methods", methods),
        ("protocols", protocols),
        ("fractions", fractions),
        ("seeds", seeds),
    ):
        if not len(given):
            raise ValueError(f"{argument} is empty; expected at least one")
    for protocol in protocols:
        choice("protocols", protocol, PROTOCOLS)
    shares = [checked_share("fractions", share) for share in fractions]
    for seed in seeds:
        integer("seeds", seed, low=0, high=2**63 - 1)
        for name, method in methods.items():
            if isinstance(method, Mapping) and seed not in method:
                raise ValueError(
                    f"seeds holds {seed}, but method {name!r} has networks for {sorted(method)}; "
                    "expected one for every seed"
                )
    count = 1 if folds is None else integer("folds", folds, low=2, high=2**31)
    cells = [
        Cell(method, protocol, share, fold, int(seed))
        for method in methods
        for seed in seeds
        for protocol in protocols
        for share in (shares if protocol != "affinity" else [1.0])
        for fold in range(count)
    ]
    return list(dict.fromkeys(cells))


def _same_classes(parts: Sequence[Samples]) -> None:
    for part in parts[1:]:
        if part.class_names != parts[0].class_names:
            raise ValueError(
                f"classes are {parts[0].class_names} and {part.class_names}; expected equal ones in training "
                "and test (class_names= sets them)"
            )


def _fingerprints(method: Method) -> str | dict[str, Any]:
    """Return a hash of a method's weights, or those of its runs by seed."""
    if isinstance(method, Mapping):
        return {str(seed): _fingerprints(net) for seed, net in method.items()}
    if not callable(method):
        raise TypeError(
            f"a method is {describe(method)}; expected a network or a function from a seed to one"
        )
    return fingerprint_of_network(network_of(method, 0))
