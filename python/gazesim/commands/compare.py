"""``gazesim compare``: predicted and human scanpaths in, table and picture of scores out."""

from __future__ import annotations

import sys
import time
import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._errors import choice
from ..compare import IncompleteComparisonWarning, compare_scanpaths, write_csv
from ..compare.measures import DEFAULT_MEASURES
from ..plots.comparison import plot_comparison
from . import say_next
from .affinity import check_folder
from .options import option_words, options_of, words_of
from .reading import given_again, read_gaze

#: What the help shows: the usual options, and a command.
COMMON = ("out", "plot", "measures", "parameters", "rows", "screen_size", "shuffles", "resamples", "seed")
EXAMPLE = "compare predicted.json human.json --measures multimatch,scanmatch --out scores.csv"


def run(
    predicted: str,
    human: str,
    out: str | None = None,
    plot: str | None = None,
    measures: str = ",".join(DEFAULT_MEASURES),
    parameters: dict[str, dict[str, Any]] | None = None,
    rows: str = "image",
    predicted_format: str | None = None,
    predicted_time_unit: str | None = None,
    shuffles: int = 5,
    resamples: int = 1000,
    seed: int = 0,
    **reading: Any,
) -> None:
    """Score predicted scanpaths against human ones, beside a ceiling and a floor.

    Prints the mean over images of every measure: of all pairs, of each predicted scanpath's best human, of
    humans among each other (ceiling) and of predictions against another image's humans (floor).

    Args:
        predicted: The gaze file or folder of a model: scanpaths with the image ids of the human ones.
        human: The gaze file or folder of the human scanpaths.
        out: Where to write the table, as .csv.
        plot: Where to draw mean, ceiling and floor of every measure, as .png.
        measures: Names with commas between them: multimatch, scanmatch, scanmatch_with_duration,
            string_edit_distance, sequence_score, stde, dtw_distance, frechet_distance, hausdorff_distance,
            mannan_distance, eyenalysis, recurrence, scasim.
        parameters: Parameters of measures, for example '{"recurrence": {"radius_px": 60}}'.
        rows: image (a row per image and measure, and one over all images), all, or pair, for --out.
        predicted_format: Format of the predicted file, if it differs from --format.
        predicted_time_unit: Unit of its durations, if it differs from --time_unit.
        shuffles: Number of other images that the floor of each image is computed from.
        resamples: Number of resamples of the bootstrap intervals; 0 leaves them out.
        seed: Decides the other images of the floor, and the resampling.
    """
    asked = dict(locals())
    for target in (out, plot):
        check_folder(target)
    chosen = _chosen(measures, parameters or {})
    if choice("rows", rows, ("image", "all", "pair")) == "pair" and plot is not None:
        raise ValueError("--plot is given with --rows pair; expected it with --rows image or all")
    humans = read_gaze(human, **reading).placed().paths
    own = {"format": predicted_format, "time_unit": predicted_time_unit}
    options = {**reading, **{name: value for name, value in own.items() if value is not None}}
    predictions = read_gaze(predicted, **options).placed().paths
    start = time.perf_counter()
    with warnings.catch_warnings(
        record=True, action="always", category=IncompleteComparisonWarning
    ) as caught:
        table = compare_scanpaths(
            predictions,
            humans,
            measures=chosen,
            by=rows,
            shuffles=shuffles,
            resamples=resamples,
            seed=seed,
            progress=True,
        )
    for line in caught:
        say(str(line.message))
    seconds = time.perf_counter() - start
    if rows != "pair":
        print(text(table[table["level"] == "all"]))
    say(f"compared {len(predictions)} predicted with {len(humans)} human scanpaths in {seconds:.3g} s")
    if out is not None:
        write_csv(table, out)
        say(f"wrote {out}, {len(table)} rows")
    if plot is not None:
        plot_comparison(table, plot)
        say(f"wrote {plot}")
    repeated = [one for one in options_of(run) if one.name not in ("measures", "rows", "out", "plot")]
    again = [predicted, human, *given_again(reading), *words_of(repeated, asked), "--measures", measures]
    if out is None:
        say_next("compare", *again, *option_words("rows", rows), "--out", "scores.csv")
    else:
        say_next("compare", *again, "--rows", "pair", "--out", "pairs.csv")


def _chosen(measures: str, parameters: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    names = [name.strip() for name in measures.split(",") if name.strip()]
    for name in parameters:
        if name not in names:
            raise ValueError(f"--parameters names {name!r}; expected one of --measures, {', '.join(names)}")
    return {name: parameters.get(name, {}) for name in names}


def text(totals: NDArray[Any]) -> str:
    """Return the numbers over all images as lines of text; ↑ marks measures for which higher is better."""
    head = [
        "measure",
        "",
        "images",
        "mean [interval]",
        "best",
        "humans' mean",
        "humans' best",
        "shuffled mean",
    ]
    lines = [head]
    for row in totals:
        mean = f"{_number(row['mean'])} [{_number(row['mean_low'])}, {_number(row['mean_high'])}]"
        others = [_number(row[name]) for name in ("best", "human_mean", "human_best", "shuffled_mean")]
        arrow = "↑" if row["better"] == "higher" else "↓"
        lines.append([str(row["measure"]), arrow, str(row["images"]), mean, *others])
    widths = [max(len(line[column]) for line in lines) for column in range(len(head))]
    return "\n".join(
        "  ".join(word.ljust(width) for word, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    )


def _number(value: float) -> str:
    return "-" if np.isnan(value) else f"{value:.4g}"


def say(line: str) -> None:
    """Write a line to stderr; stdout is for results."""
    print(line, file=sys.stderr)
