"""The protocol: every predicted scanpath against every human one of its image, with ceiling and floor."""

from __future__ import annotations

import warnings
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._errors import choice, integer, number
from .._progress import ProgressBar
from .inputs import ByImage, by_image, frame_library, joint_screen_size
from .measures import DEFAULT_MEASURES, Measure, PairSet, measures_from
from .tables import Row, as_table, pair_rows, summary_rows

__all__ = ["ImageScores", "IncompleteComparisonWarning", "compare_scanpaths"]

Matrix = NDArray[np.float64]


class IncompleteComparisonWarning(UserWarning):
    """Images, pairs or measures were left out of a comparison.

    Examples
    --------
    >>> import warnings
    >>> from gazesim import compare_scanpaths
    >>> from gazesim.compare import IncompleteComparisonWarning
    >>> path = [[10, 20, 0.2], [30, 20, 0.3], [30, 40, 0.1]]
    >>> human = {"a": [path, path], "b": [path, path]}
    >>> with warnings.catch_warnings(record=True, action="always") as caught:
    ...     _ = compare_scanpaths({"a": [path]}, human, measures="multimatch", screen_size=(64, 48))
    >>> caught[0].category is IncompleteComparisonWarning
    True
    >>> print(caught[0].message)
    1 of 2 images have human, but no predicted scanpaths, such as 'b'; they are left out
    """


@dataclass(frozen=True)
class ImageScores:
    """One output of one measure on one image."""

    image: Hashable
    #: Predicted against human scanpaths, (n, m); NaN where the measure is undefined.
    pairs: Matrix
    #: Human against human scanpaths, (m, m); NaN on the diagonal.
    human: Matrix
    #: Predicted scanpaths against human ones of other images, (n, ·) each.
    shuffled: list[Matrix]


def compare_scanpaths(
    predicted: Any,
    human: Any,
    *,
    measures: Any = DEFAULT_MEASURES,
    by: str = "image",
    screen_size: Sequence[float] | None = None,
    shuffles: int = 5,
    resamples: int = 1000,
    confidence: float = 0.95,
    seed: int = 0,
    errors: str = "warn",
    progress: bool = False,
) -> Any:
    """Score predicted scanpaths against human ones, image by image, beside a ceiling and a floor.

    On each image every predicted scanpath is compared with every human one. ``mean`` averages over all
    pairs, ``best`` takes each predicted scanpath's best human and averages over predicted ones. Overall
    numbers are means over images, so that images count equally. The *ceiling* is the same for human
    scanpaths against the other humans on the image (one human fewer for ``best``); the *floor* is the
    same for predicted scanpaths against humans on another image, which shows what a measure gives for
    looking anywhere plausible.

    Parameters
    ----------
    predicted, human
        Each one of: :class:`~gazesim.Scanpaths` with ids image_id or (image_id, name); the path of a gaze
        file or folder (:func:`~gazesim.read_scanpaths`); a table with the columns image_id, x, y,
        duration and optionally reader_id (a pandas or polars frame, events of pymovements, a dict of
        columns); a mapping from image ids to one (L, 3) scanpath or a list of them. x and y in pixels,
        durations in seconds. Predicted scanpaths need no duration: a table may lack the column, and where all
        durations are equal, as in model output that is read with an assumed one, they count as none.
    measures
        A name, several names, or a mapping from a name in the table to parameters, to (measure,
        parameters) or to a :class:`~gazesim.compare.Measure`, such as ``{"scanmatch": {}, "scanmatch
        100 ms": ("scanmatch", {"temporal_bin_s": 0.1})}``. Names are those of
        ``gazesim.compare.MEASURES``. Default: MultiMatch, ScanMatch without and with duration, SED, STDE.
    by
        ``"image"``: a row per image and measure, then a row per measure over all images; ``"all"``: the
        latter alone; ``"pair"``: a row per pair of a predicted and a human scanpath, and nothing else.
    screen_size
        (width, height) in pixels; default: that of the Scanpaths.
    shuffles
        How many other images the floor of each image is from; 0 leaves the floor out.
    resamples, confidence
        Of the bootstrap intervals: percentiles over resampled images (rows over all images) or over
        resampled human scanpaths (rows of an image). 0 resamples leave the intervals out.
    seed
        Decides the other images of the floor, and the resampling.
    errors
        What to do about images without counterpart, undefined pairs and missing durations, all of which
        are left out: ``"warn"`` with their count, ``"raise"`` or ``"ignore"``.
    progress
        Whether to show a progress bar on stderr.

    Returns
    -------
    table
        A pandas or polars frame where ``predicted`` or ``human`` is one, else a structured array. Columns
        of ``by="image"`` and ``by="all"``: level ("image" or "all"), image, measure, better ("higher" or
        "lower"), images (how many the means are over), predicted and human (scanpaths), pairs, undefined
        (pairs without a value), mean, mean_low, mean_high, best, best_low, best_high, human_mean,
        human_best (the ceiling), shuffled_mean, shuffled_best (the floor). NaN where there is no value,
        such as the ceiling of one reader. Columns of ``by="pair"``: image, measure, better, predicted,
        human, value.

    Raises
    ------
    ValueError, TypeError
        For malformed input, unknown measures, and sets without a common image.

    Examples
    --------
    >>> import numpy as np
    >>> from gazesim import compare_scanpaths
    >>> rng = np.random.default_rng(0)
    >>> def read(centre, readers):
    ...     return [rng.normal([*centre, 0.3], [4, 4, 0.05], (6, 3)).clip(0.1) for _ in range(readers)]
    >>> places = {"left": (15, 20), "right": (50, 30), "below": (30, 44)}
    >>> human = {image: read(place, 4) for image, place in places.items()}
    >>> model = {image: read(place, 1) for image, place in places.items()}
    >>> table = compare_scanpaths(model, human, measures="multimatch", by="all", screen_size=(64, 48))
    >>> position = table[table["measure"] == "multimatch_position"][0]
    >>> position["better"], bool(position["mean"] > position["shuffled_mean"])
    (np.str_('higher'), True)
    """
    chosen = measures_from(measures)
    choice("by", by, ("image", "all", "pair"))
    choice("errors", errors, ("warn", "raise", "ignore"))
    integer("shuffles", shuffles, low=0, high=10**6)
    integer("resamples", resamples, low=0, high=10**7)
    number("confidence", confidence, low=0.0, high=1.0, open_low=True)
    predictions, humans = by_image("predicted", predicted), by_image("human", human)
    size = joint_screen_size(screen_size, predictions, humans)
    report = _Reporter(errors)
    images = _common_images(predictions, humans, report)
    outputs = _defined_outputs(chosen, predictions, humans, report)
    partners = _partners(len(images), shuffles if by != "pair" else 0, np.random.default_rng(seed))
    scores: dict[tuple[str, str], list[ImageScores]] = {
        (label, name): [] for label, names in outputs.items() for name in names
    }
    memories: dict[str, dict[Any, Any]] = {label: {} for label in outputs}
    for position in ProgressBar(range(len(images)), unit=" images", disable=not progress):
        others = [images[other] for other in partners[position]]
        for label, names in outputs.items():
            found = _scores(
                chosen[label],
                images[position],
                others,
                predictions,
                humans,
                size,
                by != "pair",
                memories[label],
            )
            for name in names:
                scores[label, name].append(found[name])
    for label, names in outputs.items():
        _report_undefined(label, chosen[label], {name: scores[label, name] for name in names}, report)
    rows: list[Row] = []
    for (label, name), each in scores.items():
        common = {
            "measure": _title(label, name),
            "better": "higher" if chosen[label].higher_is_better else "lower",
        }
        if by == "pair":
            rows += pair_rows(common, each, predictions.names, humans.names)
        else:
            rows += summary_rows(common, each, by == "image", resamples, confidence, seed)
    rows.sort(key=lambda row: row.get("level") == "all")  # stable: rows over all images come last
    return as_table(rows, frame_library(predicted, human))


class _Reporter:
    """Reports images, pairs and measures that were left out: warns, raises or stays silent."""

    def __init__(self, errors: str) -> None:
        self.errors = errors

    def __call__(self, message: str) -> None:
        if self.errors == "raise":
            raise ValueError(f'{message} (errors="raise")')
        if self.errors == "warn":
            warnings.warn(message, IncompleteComparisonWarning, stacklevel=4)


def _common_images(predictions: ByImage, humans: ByImage, report: _Reporter) -> list[Hashable]:
    common = [image for image in humans.paths if image in predictions.paths]
    if not common:
        examples = [next(iter(one.paths)) for one in (predictions, humans)]
        raise ValueError(
            f"predicted and human have no image in common: predicted has such as {examples[0]!r}, human such "
            f"as {examples[1]!r}; expected equal image ids"
        )
    count = len({*humans.paths, *predictions.paths})
    for one, other in ((humans, predictions), (predictions, humans)):
        lone = [image for image in one.paths if image not in other.paths]
        if lone:
            report(
                f"{len(lone)} of {count} images have {one.argument}, but no {other.argument} scanpaths, "
                f"such as {lone[0]!r}; they are left out"
            )
    return common


def _defined_outputs(
    chosen: dict[str, Measure], predictions: ByImage, humans: ByImage, report: _Reporter
) -> dict[str, tuple[str, ...]]:
    """Return the outputs of every measure, without those that need durations if a set has none."""
    every = {label: measure.outputs or ("",) for label, measure in chosen.items()}
    without = [one.argument for one in (predictions, humans) if not one.has_durations]
    if not without:
        return every
    kept = {label: measure.outputs_without_durations() for label, measure in chosen.items()}
    lost = [_title(label, name) for label in every for name in every[label] if name not in kept[label]]
    if lost:
        verb = "has" if len(without) == 1 else "have"
        report(f"{' and '.join(without)} {verb} no durations (all are equal): {', '.join(lost)} left out")
    if not any(kept.values()):
        raise ValueError(
            f"{without[0]} has no durations, which {', '.join(lost)} need; expected other measures"
        )
    return {label: names for label, names in kept.items() if names}


def _partners(count: int, shuffles: int, random: np.random.Generator) -> list[list[int]]:
    """Return for each image ``shuffles`` other images, each image equally often."""
    order = random.permutation(count)
    place = np.argsort(order)
    steps = range(1, min(shuffles, count - 1) + 1)
    return [[int(order[(place[position] + step) % count]) for step in steps] for position in range(count)]


def _scores(
    measure: Measure,
    image: Hashable,
    others: list[Hashable],
    predictions: ByImage,
    humans: ByImage,
    size: tuple[float, float],
    with_human: bool,
    memory: dict[Any, Any],
) -> dict[str, ImageScores]:
    """Return every output on one image; one call compares with the humans of this and of other images."""
    columns: list[Any] = []
    parts = []
    for each in (image, *others):
        paths = humans.paths[each]
        parts.append((slice(len(columns), len(columns) + len(paths)), each, np.concatenate(paths)))
        columns += paths
    own = humans.paths[image]
    found = measure.matrices(PairSet(predictions.paths[image], columns, size, parts, memory))
    between: dict[str, Matrix] = {}
    if with_human and len(own) > 1:
        between = measure.matrices(PairSet(own, own, size, parts[:1], memory))
    scores = {}
    for name, matrix in found.items():
        human = between[name].copy() if between else np.full((len(own), len(own)), np.nan)
        np.fill_diagonal(human, np.nan)
        first, *rest = [matrix[:, part] for part, _, _ in parts]
        scores[name] = ImageScores(image, first, human, rest)
    return scores


def _report_undefined(
    label: str, measure: Measure, scores: dict[str, list[ImageScores]], report: _Reporter
) -> None:
    """Report the number of pairs on which a measure is undefined, one line for outputs with equal numbers."""
    names_of: dict[int, list[str]] = {}
    for name, each in scores.items():
        undefined = sum(int(np.isnan(one.pairs).sum()) for one in each)
        names_of.setdefault(undefined, []).append(_title(label, name))
    total = sum(one.pairs.size for one in next(iter(scores.values())))
    for undefined, titles in names_of.items():
        if undefined:
            title = label if len(titles) == len(scores) else ", ".join(titles)
            report(
                f"{title}: {undefined} of {total} pairs are undefined, {measure.undefined}; they are left "
                "out of the means"
            )


def _title(label: str, name: str) -> str:
    return f"{label}_{name}" if name else label
