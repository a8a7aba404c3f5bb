"""The tasks of the protocols of :func:`cross_validate`: images with classes, findings or masks."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from ..._errors import did_you_mean, one_of
from ..._progress import tell
from ..data.samples import Samples
from ..data.splits import label_fraction
from .affinity_maps import affinity_map_auroc, lesion_point
from .classification_scores import UndefinedScoreWarning, check_scoring
from .divisions import Division, divisions
from .fingerprints import fingerprint_of_array, record_of_samples
from .linear_probe import embed
from .multi_label import finding_scores
from .patches import PatchSamples
from .segmentation import maps_of, segment, with_masks
from .settings import (
    FineTuneSettings,
    GradientProbeSettings,
    KnnSettings,
    ProbeSettings,
    SegmentationSettings,
)

__all__ = [
    "AffinityTask",
    "ClassTask",
    "FindingTask",
    "MaskTask",
    "Task",
    "findings_of",
    "labelled",
    "records_of",
    "tasks_of",
]

#: Protocols that read the classes of whole images.
WHOLE = ("probe", "gradient_probe", "finetune", "knn")
#: How the missing values of a finding may be written in a manifest.
MISSING = ("", "nan", "na", "none", "-", "?")


class ClassTask:
    """Samples with a class each, and the features of the last network."""

    def __init__(self, samples: Samples, positive: str | None, ordinal: bool, batch_size: int) -> None:
        self.samples, self.names = samples, samples.class_names
        self.positive, self.ordinal = check_scoring(samples.class_names, positive, ordinal), ordinal
        self.targets = np.array(samples.labels)
        self.batch_size = batch_size
        self._of: nn.Module | None = None
        self._features = torch.empty(0)

    def divided(self, folds: int | None, seed: int) -> list[Division]:
        """Return the divisions of a seed, classes in proportion."""
        return divisions(self.samples, folds, seed, self.targets)

    def features(self, backbone: nn.Module) -> torch.Tensor:
        """Return the features of all samples."""
        if self._of is not backbone:
            self._features = embed(backbone, self.samples, batch_size=self.batch_size)
            self._of = backbone
        return self._features

    def chosen(self, division: Division, fraction: float, seed: int) -> NDArray[np.int64]:
        """Return the positions of a share of the training samples."""
        return division.train[label_fraction(self.targets[division.train], fraction, seed=seed)]


class FindingTask:
    """Samples that may have several findings each."""

    def __init__(self, samples: Samples, findings: NDArray[np.float64], settings: ProbeSettings) -> None:
        known = np.flatnonzero(~np.isnan(findings).all(axis=1))
        if not len(known):
            raise ValueError(f"findings are known of none of {len(samples)} images; expected 0 or 1 of some")
        if len(known) < len(samples):
            tell(f"{len(samples) - len(known)} of {len(samples)} images have no finding that is known")
        self.samples, self.findings, self.settings = samples.take(known), findings[known], settings
        self._of: nn.Module | None = None
        self._features = torch.empty(0)

    def divided(self, folds: int | None, seed: int) -> list[Division]:
        """Return the divisions of a seed."""
        return divisions(self.samples, folds, seed, None, "image with a finding")

    def scores(self, backbone: nn.Module, division: Division, fraction: float, seed: int) -> dict[str, float]:
        """Return AUROC and AP on the test images."""
        if self._of is not backbone:
            self._features = embed(backbone, self.samples, batch_size=self.settings.batch_size)
            self._of = backbone
        chosen = _share(division, fraction, seed)
        return finding_scores(
            self._features[chosen],
            self.findings[chosen],
            self._features[division.test],
            self.findings[division.test],
            self.settings,
        )

    def record(self) -> dict[str, Any]:
        """Return what scores depend on."""
        known = {**record_of_samples(self.samples), "findings": fingerprint_of_array(self.findings)}
        return known | _effective(self.settings)


class MaskTask:
    """Samples that have a mask each: the segmentation probe."""

    def __init__(self, samples: Samples, settings: SegmentationSettings, layer: str | None) -> None:
        self.samples, self.masks = with_masks("data", samples)
        self.settings, self.layer = settings, layer
        self._of: nn.Module | None = None
        self._maps = torch.empty(0)

    def divided(self, folds: int | None, seed: int) -> list[Division]:
        """Return the divisions of a seed."""
        return divisions(self.samples, folds, seed, None, "image with a mask")

    def maps(self, backbone: nn.Module) -> torch.Tensor:
        """Return the feature maps of all samples, (n, D, h, w)."""
        if self._of is not backbone:
            self._maps = maps_of(backbone, self.samples, self.layer, self.settings.batch_size)
            self._of = backbone
        return self._maps

    def scores(self, backbone: nn.Module, division: Division, fraction: float, seed: int) -> dict[str, float]:
        """Return Dice, IoU and pixel AUROC on the test images; NaN where the masks teach nothing."""
        maps, chosen = self.maps(backbone), _share(division, fraction, seed)
        marked = self.masks[chosen]
        if not marked.any() or marked.all():
            kind = "empty" if not marked.any() else "full"
            warnings.warn(
                f"segmentation: the masks of {len(chosen)} training images are all {kind}, which teaches "
                "nothing; its scores have no value",
                UndefinedScoreWarning,
                stacklevel=2,
            )
            return dict.fromkeys(("Dice", "IoU", "pixel AUROC"), float("nan"))
        test = division.test
        found = segment(maps[chosen], marked, maps[test], self.masks[test], self.settings.l2)
        return {name: value for name, value in found.items() if name != "threshold"}

    def record(self) -> dict[str, Any]:
        """Return what scores depend on."""
        known = {**record_of_samples(self.samples), "masks": fingerprint_of_array(self.masks)}
        return known | {"l2": self.settings.l2, "layer": self.layer}


class AffinityTask(MaskTask):
    """Samples that have a mask each: how well the affinity map of a point in it separates it."""

    def scores(self, backbone: nn.Module, division: Division, fraction: float, seed: int) -> dict[str, float]:
        """Return the AUROC, the mean over the test images; nothing is trained."""
        maps, found = self.maps(backbone), []
        for i in division.test:
            mask = self.masks[i]
            found.append(affinity_map_auroc(maps[i], mask, lesion_point(mask)) if mask.any() else np.nan)
        known = [area for area in found if not np.isnan(area)]
        if len(known) < len(found):
            rows, columns = maps.shape[2:]
            warnings.warn(
                f"affinity: {len(found) - len(known)} of {len(found)} test images are left out: their mask "
                f"is empty or full, or within one cell of the {columns} x {rows} map",
                UndefinedScoreWarning,
                stacklevel=2,
            )
        return {"AUROC": float(np.mean(known)) if known else float("nan")}


Task = ClassTask | FindingTask | MaskTask


def tasks_of(
    samples: Samples,
    protocols: Sequence[str],
    probe: ProbeSettings,
    segmentation: SegmentationSettings,
    findings: Sequence[str],
    layer: str | None,
    positive: str | None,
    ordinal: bool,
) -> dict[str, Task]:
    """Return the task of each protocol; protocols of whole images share their features."""
    tasks: dict[str, Task] = {}
    whole: ClassTask | None = None
    for protocol in dict.fromkeys(protocols):
        if protocol in WHOLE:
            whole = whole or ClassTask(labelled(samples, "samples"), positive, ordinal, probe.batch_size)
            tasks[protocol] = whole
        elif protocol == "patch":
            patches = labelled(PatchSamples(samples), "patches")
            tasks[protocol] = ClassTask(patches, positive, ordinal, probe.batch_size)
        elif protocol == "multi_label":
            tasks[protocol] = FindingTask(samples, findings_of(samples, findings), probe)
        else:
            kind = MaskTask if protocol == "segmentation" else AffinityTask
            tasks[protocol] = kind(samples, segmentation, layer)
    return tasks


def records_of(
    tasks: Mapping[str, Task],
    probe: ProbeSettings,
    finetune: FineTuneSettings,
    knn: KnnSettings,
    gradient_probe: GradientProbeSettings,
) -> dict[str, Any]:
    """Return the settings that the scores of each protocol depend on."""
    settings = {"probe": probe, "finetune": finetune, "knn": knn, "gradient_probe": gradient_probe}
    records: dict[str, Any] = {}
    for protocol, task in tasks.items():
        if not isinstance(task, ClassTask):
            records[protocol] = task.record()
        elif protocol in settings:
            records[protocol] = _effective(settings[protocol])
        elif protocol == "patch":
            boxes = [entry.box for entry in getattr(task.samples, "entries", ())]
            records[protocol] = {
                **record_of_samples(task.samples),
                "boxes": fingerprint_of_array(np.array(boxes, np.float64)),
                **_effective(probe),
            }
    return records


def _effective(settings: Any) -> dict[str, Any]:
    """Return the settings of a protocol without the option that no score depends on."""
    without = {ProbeSettings: "batch_size", FineTuneSettings: "num_workers"}.get(type(settings))
    return {name: value for name, value in asdict(settings).items() if name != without}


def findings_of(samples: Samples, columns: Sequence[str]) -> NDArray[np.float64]:
    """Return the findings (n, columns) of a manifest: 1, 0, or NaN for an empty cell."""
    entries = getattr(samples, "entries", None)
    known: Mapping[str, str] = entries[0].extra if entries else {}
    if not len(columns):
        more = f", such as {', '.join(list(known)[:5])}" if known else ""
        raise ValueError(
            f"findings is missing; expected the manifest's columns that hold 1 or 0 for a finding{more}"
        )
    for name in columns:
        if name not in known:
            listed = one_of(known) if known else "a manifest with such columns"
            raise ValueError(f"findings names {name!r}; expected {listed}{did_you_mean(name, known)}")
    assert entries is not None
    found = np.full((len(samples), len(columns)), np.nan)
    for row, entry in enumerate(entries):
        for column, name in enumerate(columns):
            text = entry.extra.get(name, "").strip().lower()
            if text in MISSING:
                continue
            try:
                value = float(text)
            except ValueError:
                value = np.nan
            if value not in (0, 1):
                where = f"line {entry.line}" if entry.line is not None else f"image {entry.id!r}"
                raise ValueError(
                    f"{getattr(samples, 'path', None) or 'manifest'}, {where}: column {name!r} is "
                    f"{entry.extra[name]!r}; expected 1, 0, or nothing where it is not known"
                )
            found[row, column] = value
    return found


def labelled(samples: Samples, argument: str) -> Samples:
    """Return the samples that have a label."""
    chosen = [i for i, label in enumerate(samples.labels) if label >= 0]
    if not chosen:
        raise ValueError(f"{argument}: none of {len(samples)} images has a label; expected labels")
    return samples if len(chosen) == len(samples) else samples.take(chosen)


def _share(division: Division, fraction: float, seed: int) -> NDArray[np.int64]:
    """Return the positions of a share of the training images, not stratified."""
    nothing = np.zeros(len(division.train), np.int64)
    return division.train[label_fraction(nothing, fraction, seed=seed)]
