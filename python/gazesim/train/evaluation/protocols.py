"""Evaluation: how good features are, by linear probe and fine-tuning, at shares of the labels, in folds."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from ..._errors import choice, describe, integer
from ..._progress import ProgressBar
from ..data.samples import Samples
from ..data.splits import as_share, checked_share, label_fraction, share_words, stratified_folds
from .classification_scores import check_scoring, classification_scores
from .fine_tune import fit_classifier
from .linear_probe import embed, fit_probe
from .results import Cell, Results, Row
from .settings import FineTuneSettings, ProbeSettings

__all__ = ["FRACTIONS", "PROTOCOLS", "cross_validate", "fine_tune", "linear_probe"]

PROTOCOLS = ("probe", "finetune")
FRACTIONS = (0.01, 0.05, 0.1, 0.2, 1.0)

PROBE, FINE_TUNE = ProbeSettings(), FineTuneSettings()

#: A network from images (N, C, H, W) to features (N, D); networks by seed, which are runs of one
#: pre-training; or what makes a network from a seed.
Method = nn.Module | Mapping[int, nn.Module] | Callable[[int], nn.Module]
Positions = NDArray[np.int64]


@dataclass(frozen=True)
class Division:
    """Positions of the samples that are trained on, that choose the penalty, and that are tested on."""

    fold: int
    train: Positions
    val: Positions
    test: Positions


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
    parts = [_labelled(part, name) for name, part in given]
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
    parts = [_labelled(part, name) for name, part in (("train", train), ("test", test))]
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
    protocols: Sequence[str] = PROTOCOLS,
    fractions: Sequence[float] = FRACTIONS,
    probe: ProbeSettings = PROBE,
    finetune: FineTuneSettings = FINE_TUNE,
    positive: str | None = None,
    ordinal: bool = False,
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
        All images; those without label are left out.
    folds
        Stratified folds over all labelled images, whatever their split; images of one group
        (patient) stay together. Images that are tested on may then be some that a network was
        pre-trained on, without their labels. None: the samples' own splits; the penalty of the
        probe is then chosen on ``val``, if there is any, by the same share of its labels.
    seeds
        Each decides folds, shares of labels, initial weights and order anew. What a fixed network's
        probe makes of all labels and own splits depends on none of these: all seeds score alike.
    protocols
        "probe", "finetune" or both.
    fractions
        Shares of the training labels, stratified and nested, at least one label per class; a whole number
        from 2 on is a count of labels, evenly over the classes.
    probe, finetune
        Settings of the protocols.
    positive, ordinal
        See :func:`classification_scores`.
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
    known = _labelled(samples, "samples")
    names = known.class_names
    positive = check_scoring(names, positive, ordinal)
    cells = _cells(methods, protocols, fractions, folds, seeds)
    divided = {seed: _divisions(known, folds, seed) for seed in seeds}
    settings = {
        "data": _fingerprint_of(known),
        "folds": folds,
        "probe": asdict(probe),
        "finetune": asdict(finetune),
        "positive": positive,
        "ordinal": ordinal,
        "methods": {name: _fingerprints(method) for name, method in methods.items()},
    }
    results = Results(out, settings)
    work = _Work(methods, known, probe, finetune)
    done = results.done
    missing = [cell for cell in cells if cell not in done]
    with ProgressBar(
        total=len(cells), initial=len(cells) - len(missing), unit=" cells", disable=not progress
    ) as bar:
        for cell in missing:
            bar.set_postfix_str(f"{cell.method}, {cell.protocol}, {share_words(cell.fraction)}")
            division = divided[cell.seed][cell.fold]
            probable = work.probabilities(cell, division)
            scores = classification_scores(
                probable, work.targets[division.test], names, positive=positive, ordinal=ordinal
            )
            results.add(cell, scores)
            bar.update()
    results.write()
    wanted = set(cells)
    return [row for row in results.rows if row.cell in wanted]


class _Work:
    """Networks and features, kept while cells need them: those of one method and seed at a time."""

    def __init__(
        self,
        methods: Mapping[str, Method],
        samples: Samples,
        probe: ProbeSettings,
        finetune: FineTuneSettings,
    ) -> None:
        self.methods, self.samples, self.probe, self.finetune = methods, samples, probe, finetune
        self.targets = np.array(samples.labels)
        self.classes = len(samples.class_names)
        self._key: tuple[str, int] | None = None
        self._backbone: nn.Module | None = None
        self._features: torch.Tensor | None = None

    def probabilities(self, cell: Cell, division: Division) -> NDArray[np.float64]:
        """Return what a cell predicts for its test samples."""
        local = label_fraction(self.targets[division.train], cell.fraction, seed=cell.seed)
        chosen = division.train[local]
        if cell.protocol == "probe":
            features = self.features(cell)
            judging = division.val
            if len(judging):
                share = as_share(cell.fraction, len(division.train))
                judging = judging[label_fraction(self.targets[judging], share, seed=cell.seed)]
            validation = (features[judging], self.targets[judging])
            fitted = fit_probe(features[chosen], self.targets[chosen], self.classes, self.probe, validation)
            return fitted.probabilities(features[division.test])
        model = fit_classifier(
            self.backbone(cell),
            self.samples,
            chosen,
            self.targets[chosen],
            self.classes,
            self.finetune,
            seed=cell.seed,
        )
        return model.probabilities(self.samples, division.test)

    def backbone(self, cell: Cell) -> nn.Module:
        """Return the network of a cell."""
        if self._backbone is None or self._key != (cell.method, cell.seed):
            self._key, self._features = (cell.method, cell.seed), None
            self._backbone = network_of(self.methods[cell.method], cell.seed)
        return self._backbone

    def features(self, cell: Cell) -> torch.Tensor:
        """Return the features of all samples."""
        backbone = self.backbone(cell)
        if self._features is None:
            self._features = embed(backbone, self.samples, batch_size=self.probe.batch_size)
        return self._features


def network_of(method: Method, seed: int) -> nn.Module:
    """Return the network that a method has for a seed."""
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
        if not given:
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
        for share in shares
        for fold in range(count)
    ]
    return list(dict.fromkeys(cells))


def _divisions(samples: Samples, folds: int | None, seed: int) -> list[Division]:
    if folds is not None:
        tests = stratified_folds(samples.labels, folds, groups=samples.groups, seed=seed)
        everyone, nobody = np.arange(len(samples)), np.empty(0, np.int64)
        found = [
            Division(fold, np.setdiff1d(everyone, test), nobody, test) for fold, test in enumerate(tests)
        ]
    else:
        splits = np.array(samples.splits)
        train, val, test = (np.flatnonzero(splits == split) for split in ("train", "val", "test"))
        for name, part in (("train", train), ("test", test)):
            if not len(part):
                raise ValueError(
                    f'no labelled image is in split "{name}"; expected some, or folds, such as 5'
                )
        found = [Division(0, train, val, test)]
    for division in found:
        present = np.unique(np.array(samples.labels)[division.train])
        if len(present) < 2:
            raise ValueError(
                f"the images to train on are all {samples.class_names[present[0]]!r} (fold {division.fold}); "
                "expected two classes or more"
            )
    return found


def _labelled(samples: Samples, argument: str) -> Samples:
    """Return the samples that have a label."""
    chosen = [i for i, label in enumerate(samples.labels) if label >= 0]
    if not chosen:
        raise ValueError(f"{argument}: none of {len(samples)} images has a label; expected labels")
    return samples if len(chosen) == len(samples) else samples.take(chosen)


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
    return _fingerprint(network_of(method, 0))


def _fingerprint(net: nn.Module) -> str:
    """Return a hash of a network's weights."""
    digest = hashlib.sha256()
    for name, value in net.state_dict().items():
        digest.update(name.encode())
        digest.update(value.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()[:16]


def _fingerprint_of(samples: Samples) -> str:
    """Return a hash of whose images these are and what they show."""
    groups = samples.groups or [""] * len(samples)
    columns = zip(samples.ids, samples.labels, samples.splits, groups, strict=True)
    digest = hashlib.sha256(repr((samples.class_names, list(columns))).encode())
    digest.update(repr(tuple(samples.image(0).shape)).encode())
    return f"{len(samples)} images of {len(samples.class_names)} classes, {digest.hexdigest()[:16]}"
