"""Results of an experiment as the paper's table: its rows and columns, published numbers beside ours."""

from __future__ import annotations

import csv
import io
import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass, fields

from ..data.splits import share_words
from .experiment import Experiment, Line
from .published import published_number

__all__ = ["NOT_AT_HAND", "Score", "csv_of", "entry", "table_of"]

NOT_AT_HAND = "not at hand"
NOT_RUN = "not run"


@dataclass(frozen=True)
class Score:
    """One score of a cell, with its line, fold, epoch and share of the labels."""

    line: str
    fold: int
    epoch: int
    fraction: float
    metric: str
    value: float


def table_of(experiment: Experiment, scores: Sequence[Score]) -> str:
    """Return the table in Markdown, mean ± standard deviation over folds; a figure's points are rows.

    Examples
    --------
    >>> from gazesim.train.reproduce.experiments import experiment
    >>> from gazesim.train.reproduce.layout import Score, table_of
    >>> scores = [Score("GCA", 0, 200, 1.0, "ACC", 0.6), Score("GCA", 0, 200, 1.0, "MAE", 0.57)]
    >>> print(table_of(experiment("gca-table-1"), scores).splitlines()[-1])
    | GCA | 0.600 | 0.5966 | 0.570 | 0.583 |
    """
    points = points_of(experiment)
    head = [*experiment.head, *(point_names(experiment) if len(points) > 1 else [])]
    for metric in experiment.metrics:
        head += [metric, f"{metric} published"]
    lines = [_row(head), "|" + "---|" * len(head)]
    for line in experiment.lines:
        for point in points:
            words = list(line.labels)
            if len(points) > 1:
                words += point_words(experiment, point)
            for metric in experiment.metrics:
                words.append(entry(values_of(scores, line, point, metric)))
                known = published_number(experiment.name, line.key, metric) if len(points) == 1 else None
                words.append(NOT_AT_HAND if known is None else f"{known:g}")
            lines.append(_row(words))
    return "\n".join(lines) + "\n"


def points_of(experiment: Experiment) -> list[tuple[int, float]]:
    """Return every (epoch, share of labels) at which a line is measured; epoch 0 is the last one."""
    return [(epoch, share) for epoch in experiment.epochs or (0,) for share in experiment.fractions]


def point_names(experiment: Experiment) -> list[str]:
    """Return the names of the columns that distinguish points."""
    several = {"epoch": len(experiment.epochs) > 1, "labels": len(experiment.fractions) > 1}
    return [name for name, is_several in several.items() if is_several]


def point_words(experiment: Experiment, point: tuple[int, float]) -> list[str]:
    """Describe what distinguishes a point."""
    words = {"epoch": str(point[0]), "labels": share_words(point[1])}
    return [words[name] for name in point_names(experiment)]


def values_of(scores: Sequence[Score], line: Line, point: tuple[int, float], metric: str) -> list[float]:
    """Return the scores of a line at a point, one per fold."""
    epoch, share = point
    return [
        one.value
        for one in scores
        if one.line == line.key and one.metric == metric and one.fraction == share and epoch in (0, one.epoch)
    ]


def entry(values: Sequence[float]) -> str:
    """Return mean ± standard deviation (n − 1) of scores, and their number if some have no value.

    Examples
    --------
    >>> from gazesim.train.reproduce.layout import entry
    >>> entry([0.5, 0.7]), entry([]), entry([0.5, float("nan")])
    ('0.600 ± 0.141', 'not run', '0.500 (1 of 2)')
    """
    if not values:
        return NOT_RUN
    known = [value for value in values if not math.isnan(value)]
    if not known:
        return "no value"
    text = f"{statistics.fmean(known):.3f}"
    if len(known) > 1:
        text += f" ± {statistics.stdev(known):.3f}"
    return text if len(known) == len(values) else f"{text} ({len(known)} of {len(values)})"


def csv_of(experiment: Experiment, scores: Sequence[Score]) -> str:
    """Return every score as a row of a CSV, with the published number of its line."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([*(one.name for one in fields(Score)), "published"])
    for score in scores:
        known = published_number(experiment.name, score.line, score.metric)
        writer.writerow([*astuple(score), "" if known is None else known])
    return text.getvalue()


def curves_of(
    experiment: Experiment, scores: Sequence[Score], labels: int
) -> Mapping[str, list[tuple[float, float]]]:
    """Return (x, score) of every run by the name of its curve, for the first metric.

    ``labels`` is how many training images have one, which a share refers to.
    """
    metric = experiment.metrics[0]
    curves: dict[str, list[tuple[float, float]]] = {}
    for line in experiment.lines:
        for point in points_of(experiment):
            x = _place(experiment, line, point, labels)
            if x is not None:
                found = [(x, value) for value in values_of(scores, line, point, metric)]
                curves.setdefault(line.labels[0], []).extend(found)
    return {name: runs for name, runs in curves.items() if runs}


def _place(experiment: Experiment, line: Line, point: tuple[int, float], labels: int) -> float | None:
    epoch, share = point
    if experiment.kind == "epochs":
        return float(epoch)
    if experiment.kind == "labels":
        return share if share > 1 else share * labels
    return line.x


def _row(words: Sequence[str]) -> str:
    return f"| {' | '.join(word.replace('|', '/') for word in words)} |"
