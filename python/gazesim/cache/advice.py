"""Advice on the gaze of a cache: five lines with numbers, compared to the results of the phantom study."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import AffinityCache
from .inspection import ALMOST_NONE, FEW, MANY, PUBLISHED, Inspection, inspect_cache
from .selection import evenly_spaced

__all__ = ["Advice", "Agreement", "Dwell", "advise", "agreement_of", "dwell_of"]


@dataclass(frozen=True)
class StudyResult:
    """Linear probe with positives minus plain in the phantom study, in points, over five seeds."""

    positives: str
    #: Purity of the positives beyond chance: 0 is chance, 1 is pure.
    lift: float
    #: Mean, and the 95 % interval.
    simclr: tuple[float, float, float]
    byol: tuple[float, float, float]


#: benchmarks/results/study/cpu/study.csv, part D; a test compares them.
STUDY = (
    StudyResult("dhash", 0.03, (-12.2, -21.0, -3.3), (8.2, -5.4, 21.8)),
    StudyResult("multimatch", 0.28, (5.2, -4.3, 14.8), (13.0, -4.6, 30.7)),
    StudyResult("moments", 0.35, (0.6, -7.0, 8.2), (16.8, -2.1, 35.8)),
    StudyResult("tima", 0.57, (9.0, -5.1, 23.2), (30.4, 19.0, 41.8)),
    StudyResult("truth", 1.0, (22.9, 11.7, 34.0), (30.6, 15.5, 45.8)),
)
TITLES = {"dhash": "dHash", "multimatch": "MultiMatch", "tima": "TIMA", "truth": "labels"}
#: Extras per row that are too many: at 100 SimCLR lost 17.7 points in the study.
TOO_MANY = 28
#: Shares of comparisons in which two gazes of one image are more alike than gazes of two images.
AGREE, DISAGREE = 0.75, 0.6
#: Limits of :attr:`Dwell.share`, which is .56 for Kvasir's polyps and .16 for OSIE's photographs.
DISTINCT, CENTRED = 0.5, 0.2
#: Dice of a target on OSIE's photographs minus that of SimCLR, with 95 % interval (study on real images).
CENTRED_GAIN = (0.027, 0.012, 0.043)
#: Images whose readers are compared.
READER_IMAGES = 300


@dataclass(frozen=True)
class Agreement:
    """How far the readers of an image agree."""

    #: Readers per image, on average over images that have two or more.
    readers: float
    images: int
    #: The share of comparisons in which two gazes of one image have a higher affinity than two of different
    #: images (ties count half): 0.5 is chance.
    share: float


@dataclass(frozen=True)
class Dwell:
    """The concentration of gaze. Spreads are standard deviations per axis, in shares of the screen's side."""

    images: int
    #: Spread of the fixations of an image around their mean, weighted by duration.
    within: float
    #: Spread of the fixations of all images together; every image has the same weight.
    together: float

    @property
    def share(self) -> float:
        """The share of the variance of fixations that lies between images, 0 to 1."""
        return 1 - (self.within / self.together) ** 2 if self.together > 0 else 0.0


@dataclass(frozen=True)
class Advice:
    """The numbers behind ``gazesim advise``, and its five lines."""

    inspection: Inspection
    #: The threshold that adds 4 positives per row, the same as a quantile, and how many it really adds.
    threshold: float
    quantile: float
    extras: float
    #: The share of the rows of a batch without added positives.
    alone: float
    readers: Agreement | None
    dwell: Dwell | None
    #: Share of positives with equal labels at the threshold; None without labels.
    purity: float | None

    @property
    def lift(self) -> float | None:
        """Purity beyond that of random pairs: 0 is chance, 1 is pure; None without labels."""
        if self.purity is None or self.inspection.chance >= 1:
            return None
        return (self.purity - self.inspection.chance) / (1 - self.inspection.chance)

    @property
    def lines(self) -> tuple[str, str, str, str, str]:
        """Return the five lines: affinities, positives, readers, dwell, labels."""
        return (
            _affinities(self.inspection),
            _positives(self),
            _readers(self.readers),
            _dwell(self.dwell),
            _labels(self),
        )


def advise(
    cache: AffinityCache,
    *,
    labels: Mapping[Hashable, Any] | None = None,
    gazes: Mapping[Hashable, NDArray[np.float64]] | None = None,
    screen_size: tuple[float, float] | None = None,
    batch_size: int = 128,
) -> Advice:
    """Return advice on the gaze of a cache.

    Parameters
    ----------
    cache
        A cache of gaze. With ids (image_id, reader_id) or ``reduce``, agreement of readers is measured.
    labels
        Ids to classes, to measure the purity of positives.
    gazes, screen_size
        Ids to fixations (x, y, duration) in pixels of a screen (width, height), to measure how concentrated
        gaze is.
    batch_size
        Images in a training batch, at least 2.

    Raises
    ------
    ValueError
        If the cache holds fewer than two images, or one of ``gazes`` and ``screen_size`` is missing.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> import gazesim
    >>> from gazesim.cache.advice import advise
    >>> data = gazesim.phantom.phantom(60, seed=0)
    >>> folder = pathlib.Path(tempfile.mkdtemp()) / "cache"
    >>> cache = gazesim.AffinityCache.build(folder, data.scanpaths, errors="ignore")
    >>> found = advise(cache, labels=dict(zip(cache.ids, data.labels.tolist())), batch_size=32)
    >>> len(found.lines), 3 < found.extras < 5
    (5, True)
    """
    if (gazes is None) != (screen_size is None):
        missing = "gazes" if gazes is None else "screen_size"
        raise ValueError(f"{missing} is missing; expected gazes and screen_size together")
    found = inspect_cache(cache, batch_size=batch_size, labels=labels)
    kept = found.pairs[found.pairs > 0]
    threshold = max(found.proposal, float(kept[0]) if len(kept) else 1.0)  # dropped pairs never pass
    return Advice(
        found,
        threshold,
        found.quantile_of(threshold),
        found.extras_at(threshold),
        _alone(found, threshold),
        agreement_of(cache),
        None if gazes is None or screen_size is None else dwell_of(gazes, screen_size),
        found.purity_at(threshold),
    )


def _alone(found: Inspection, threshold: float) -> float:
    """Return the share of valid rows that have no positive in a random batch."""
    valid = np.diagonal(found.matrix) > 0
    others = max(1, len(found.matrix) - 1)
    passing = (found.matrix[valid] >= np.float32(threshold)).sum(axis=1) - 1  # without the image itself
    return float(np.mean((1 - passing / others) ** (found.batch_size - 1))) if valid.any() else 1.0


def agreement_of(cache: AffinityCache) -> Agreement | None:
    """Return how far readers agree, from the gazes of at most 300 evenly spaced images; None for one reader.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> from gazesim import AffinityCache
    >>> from gazesim.cache.advice import agreement_of
    >>> a = [[10, 10, 0.2], [50, 10, 0.3], [50, 40, 0.2]]
    >>> b = [[60, 44, 0.2], [12, 40, 0.3], [48, 4, 0.4]]
    >>> ids = [("1", "r1"), ("1", "r2"), ("2", "r1"), ("2", "r2")]
    >>> cache = AffinityCache.build(
    ...     pathlib.Path(tempfile.mkdtemp()) / "cache", [a, a, b, b], ids=ids, screen_size=(64, 48)
    ... )
    >>> agreement_of(cache)
    Agreement(readers=2.0, images=2, share=1.0)
    """
    is_reduced = cache.reduce is not None
    if cache.scheme is None and is_reduced:
        return None
    names = cache.features.ids if is_reduced else cache.ids
    positions: dict[Hashable, list[int]] = defaultdict(list)
    for at, name in enumerate(names):
        if isinstance(name, tuple) and len(name) == 2:
            positions[name[0]].append(at)
    several = [rows for rows in positions.values() if len(rows) > 1]
    if len(several) < 2:
        return None
    chosen = [several[at] for at in evenly_spaced(len(several), READER_IMAGES)]
    rows = np.concatenate([np.asarray(one) for one in chosen])
    image = np.repeat(np.arange(len(chosen)), [len(one) for one in chosen])
    matrix = cache.features[rows].affinity() if is_reduced else cache.block_at(rows)
    valid = np.diagonal(matrix) > 0
    first, second = np.triu_indices(len(rows), 1)
    both = valid[first] & valid[second]
    values, same = matrix[first, second][both], (image[first] == image[second])[both]
    alike, different = np.sort(values[~same]), values[same]
    if not len(alike) or not len(different):
        return None
    below, upto = (np.searchsorted(alike, different, side) for side in ("left", "right"))
    share = float((below + upto).mean() / 2 / len(alike))
    return Agreement(len(rows) / len(chosen), len(several), share)


def dwell_of(gazes: Mapping[Hashable, NDArray[np.float64]], screen_size: tuple[float, float]) -> Dwell | None:
    """Return how concentrated gaze is: fixations (x, y, duration) by id, in pixels.

    Gazes with fewer than two fixations longer than 0 s are left out; None if none is left.

    Examples
    --------
    >>> import numpy as np
    >>> from gazesim.cache.advice import dwell_of
    >>> left, right = np.array([[10.0, 50, 1], [30, 50, 1]]), np.array([[70.0, 50, 1], [90, 50, 1]])
    >>> found = dwell_of({"a": left, "b": right}, (100, 100))
    >>> round(found.within, 3), round(found.together, 3), round(found.share, 2)
    (0.1, 0.224, 0.8)
    """
    scale = np.asarray(screen_size, dtype=float)
    middles, spreads, counts = [], [], []
    for path in gazes.values():
        points, weights = np.asarray(path)[:, :2] / scale, np.asarray(path)[:, 2]
        if (weights > 0).sum() < 2:
            continue
        middle = np.average(points, axis=0, weights=weights)
        count = weights.sum() ** 2 / (weights**2).sum()  # effective sample size
        variance = np.average(((points - middle) ** 2).sum(axis=1), weights=weights) * count / (count - 1)
        middles.append(middle)
        spreads.append(variance)
        counts.append(count)
    if not middles:
        return None
    inner = float(np.mean(spreads))
    # Even without differences between images, means of few fixations differ: subtract their variance.
    outer = max(0.0, float(np.var(middles, axis=0).sum() - np.mean(np.divide(spreads, counts))))
    return Dwell(len(middles), float(np.sqrt(inner / 2)), float(np.sqrt((inner + outer) / 2)))


# --- the lines ------------------------------------------------------------------------------------


def _affinities(found: Inspection) -> str:
    seen = found.pairs[found.pairs > 0]
    if not len(seen):
        return "affinities: none is above 0, so this scheme finds no two images of the cache similar"
    low, middle, high = np.quantile(seen, (0.05, 0.5, 0.95))
    extras = found.extras_at(PUBLISHED)
    if extras >= TOO_MANY:
        verdict = "far too many: do not copy it (in the phantom study 100 per row cost SimCLR 17.7 points)"
    elif extras > MANY:
        verdict = f"more than the {FEW} to {MANY} that suited the phantom"
    elif extras < ALMOST_NONE:
        verdict = "almost none: it changes nothing"
    else:
        verdict = "which is usable here"
    invalid = f", {len(found.invalid):,} invalid" if found.invalid else ""
    return (
        f"affinities: {low:.2f} to {high:.2f}, median {middle:.2f} ({len(found.cache):,} images{invalid}); "
        f"the papers' threshold {PUBLISHED:g} adds {extras:.1f} positives to a row of a batch of "
        f"{found.batch_size}, {verdict}"
    )


def _positives(advice: Advice) -> str:
    found = advice.inspection
    if not (found.pairs > 0).any() or advice.extras < ALMOST_NONE:
        return (
            f"positives: {advice.extras:.1f} per row at best, too few to change a training; expected a cache "
            "that keeps more pairs, or another scheme"
        )
    text = (
        f"positives: quantile {advice.quantile:.4f} (threshold {advice.threshold:.4f}) adds "
        f"{advice.extras:.1f} per row, and {advice.alone:.0%} of the rows have none"
    )
    if advice.alone > 0.5:
        return text + "; top_k spreads them over the rows"
    return text + f"; {FEW} to {MANY} suited the phantom, a larger batch needs a higher quantile"


def _readers(found: Agreement | None) -> str:
    if found is None:
        return "readers: one gaze per image, so the agreement of readers cannot be told"
    text = (
        f"readers: {found.readers:.1f} per image ({found.images:,} images); two gazes of one image are more "
        f"alike than gazes of two images in {found.share:.0%} of comparisons (chance 50 %)"
    )
    if found.share >= AGREE:
        return text + ': gaze follows the image; average the readers (reduce="mean")'
    if found.share <= DISAGREE:
        return text + ": it follows the reader more than the image, so positives and targets promise little"
    return text + ": a part of gaze follows the image; more readers, averaged, show it better"


def _dwell(found: Dwell | None) -> str:
    if found is None:
        return (
            "dwell: no fixations at hand (--gaze FILE); with them this line says what a gaze target promises"
        )
    text = (
        f"dwell: fixations scatter by {found.within:.0%} of the side within an image, by "
        f"{found.together:.0%} over all images, so that {found.share:.0%} of where people look depends on "
        "the image"
    )
    if found.share >= DISTINCT:
        return text + ": a gaze target (framework: gaze) promises where lesions are looked at (Kvasir: 56 %)"
    if found.share <= CENTRED:
        return text + (
            ": mostly the centre, where a gaze target gains little: OSIE's (16 %) segments text and faces "
            "by {:+.3f} Dice ({:+.3f} to {:+.3f}) better than SimCLR, and tells attributes no better"
        ).format(*CENTRED_GAIN)
    return text + ": between the centre and a teacher; no study has seen a target on such data"


def _labels(advice: Advice) -> str:
    found, purity, lift = advice.inspection, advice.purity, advice.lift
    if found.labels is None:
        return "labels: none given (--labels TABLE); purity decides whether positives help: label 100 images"
    if purity is None or lift is None:
        return "labels: too few pairs of labelled images, or one class alone: purity cannot be told"
    text = (
        f"labels: {purity:.0%} of these positives share a label (chance {found.chance:.0%}, {lift:.0%} of "
        "the way to pure)"
    )
    if found.is_chance(advice.threshold):
        return text + ": no more than chance: positives by this scheme will not help; try gaze crops"
    near = min(STUDY, key=lambda result: abs(result.lift - lift))
    gains = " and ".join(
        f"{name} {mean:+.1f} points ({low:+.1f} to {high:+.1f})"
        for name, (mean, low, high) in (("SimCLR", near.simclr), ("BYOL", near.byol))
    )
    title = TITLES.get(near.positives, near.positives)
    return text + f"; in the phantom study {title} ({near.lift:.0%}) gave {gains}"
