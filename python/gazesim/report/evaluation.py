"""The report of ``gazesim evaluate``: its tables, curves and affinity maps in one HTML file."""

from __future__ import annotations

import base64
import math
import statistics
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from .figures import COLOURS, score_figure
from .page import bokeh_item, require_bokeh, write_page

__all__ = ["Score", "write_evaluation"]

#: Metrics for which lower is better.
LOWER = ("MAE",)

Key = tuple[str, float, str]


class Score(Protocol):
    """One score of one trained model, such as :class:`gazesim.train.evaluation.results.Row`."""

    @property
    def method(self) -> str: ...
    @property
    def protocol(self) -> str: ...
    @property
    def fraction(self) -> float: ...
    @property
    def metric(self) -> str: ...
    @property
    def value(self) -> float: ...


def write_evaluation(
    results: Iterable[Score], path: str | Path, *, maps: str | Path | None = None, title: str = "Evaluation"
) -> None:
    """Write the scores of an evaluation as one HTML file that needs neither server nor network.

    A table and, where there are several shares of labels, a curve for every protocol and score: mean and
    standard deviation (n − 1) over folds and seeds, as in results.md. Names are shown as text.

    Parameters
    ----------
    results
        Scores with ``method``, ``protocol``, ``fraction``, ``metric`` and ``value``: rows of
        results.csv, as :func:`gazesim.train.evaluation.results.read_rows` returns them. NaN is left out.
    path
        The .html to write, as a whole or not at all.
    maps
        The PNG of affinity maps, to be shown in the page.
    title
        The heading.

    Raises
    ------
    ImportError
        Where Bokeh is not installed: ``pip install "gazesim[report]"``.
    ValueError
        If there are no scores.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> from types import SimpleNamespace as Row
    >>> from gazesim.report import write_evaluation
    >>> scores = [Row(method="gaze", protocol="probe", fraction=f, metric="ACC", value=f) for f in (0.1, 1.0)]
    >>> file = pathlib.Path(tempfile.mkdtemp()) / "results.html"
    >>> write_evaluation(scores, file)
    >>> "default-src 'none'" in file.read_text()
    True
    """
    require_bokeh()
    rows = list(results)
    if not rows:
        raise ValueError("results is empty; expected at least one score")
    tables: list[dict[str, Any]] = []
    figures: dict[str, Any] = {}
    for protocol in dict.fromkeys(row.protocol for row in rows):
        own = [row for row in rows if row.protocol == protocol]
        tables.append(_table(protocol, own))
        for metric in tables[-1]["metrics"]:
            target = f"curve-{len(figures)}"
            curve = _curves(tables[-1], metric)
            if curve is not None:
                tables[-1]["curves"].append({"target": target, "metric": metric})
                figures[target] = bokeh_item(curve, target)
    picture = None
    if maps is not None:
        picture = "data:image/png;base64," + base64.b64encode(Path(maps).read_bytes()).decode()
    data = {
        "title": title,
        "tables": tables,
        "colours": COLOURS,
        "lower": LOWER,
        "figures": figures,
        "maps": picture,
    }
    write_page(path, title=title, body="evaluation.html", scripts=("evaluation.js",), data=data)


def _table(protocol: str, rows: list[Score]) -> dict[str, Any]:
    """Return methods, shares and metrics, and the mean, spread and n of each metric by share and method."""
    methods = list(dict.fromkeys(row.method for row in rows))
    metrics = list(dict.fromkeys(row.metric for row in rows))
    fractions = sorted({row.fraction for row in rows})
    values: dict[Key, list[float]] = {}
    for row in rows:
        values.setdefault((row.method, row.fraction, row.metric), []).append(row.value)
    lines = []
    for fraction in fractions:
        best = {metric: _best(values, methods, fraction, metric) for metric in metrics}
        for method in methods:
            if not any((method, fraction, metric) in values for metric in metrics):
                continue
            cells = [_cell(values.get((method, fraction, metric), []), best[metric]) for metric in metrics]
            lines.append({"method": methods.index(method), "fraction": fraction, "cells": cells})
    return {
        "protocol": protocol,
        "methods": methods,
        "metrics": metrics,
        "fractions": fractions,
        "lines": lines,
        "curves": [],
    }


def _cell(values: list[float], best: float | None) -> dict[str, Any]:
    known = [value for value in values if math.isfinite(value)]
    mean = statistics.fmean(known) if known else None
    spread = statistics.stdev(known) if len(known) > 1 else None
    return {
        "mean": mean,
        "std": spread,
        "n": len(known),
        "of": len(values),
        "best": mean is not None and mean == best,
    }


def _best(values: dict[Key, list[float]], methods: list[str], fraction: float, metric: str) -> float | None:
    """Return the best mean among several methods."""
    cells = [_cell(values.get((method, fraction, metric), []), None) for method in methods]
    known: list[float] = [cell["mean"] for cell in cells if cell["mean"] is not None]
    if len(known) < 2:
        return None
    return min(known) if metric in LOWER else max(known)


def _curves(table: dict[str, Any], metric: str) -> Any:
    """Return the figure of a metric by share of labels, or None where there is one share."""
    fractions = table["fractions"]
    if len(fractions) < 2:
        return None
    at = table["metrics"].index(metric)
    curves: list[tuple[NDArray[np.float64], NDArray[np.float64]]] = []
    for number in range(len(table["methods"])):
        means, spreads = np.full(len(fractions), np.nan), np.zeros(len(fractions))
        for line in table["lines"]:
            cell = line["cells"][at]
            if line["method"] == number and cell["mean"] is not None:
                place = fractions.index(line["fraction"])
                means[place], spreads[place] = cell["mean"], cell["std"] or 0.0
        curves.append((means, spreads))
    return score_figure(fractions, curves, "score")
