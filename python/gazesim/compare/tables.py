"""The tables that a comparison returns: rows of means with bootstrap intervals, as arrays, frames or CSV."""

from __future__ import annotations

import csv
from collections.abc import Hashable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from .protocol import ImageScores

__all__ = ["Row", "as_table", "pair_rows", "summary_rows", "write_csv"]

Matrix = NDArray[np.float64]
Row = dict[str, Any]

NAN = float("nan")


def summary_rows(
    common: Mapping[str, str],
    scores: list[ImageScores],
    per_image: bool,
    resamples: int,
    confidence: float,
    seed: int,
) -> list[Row]:
    """Return a row for each image, if asked for, and one over all images."""
    higher = common["better"] == "higher"
    rows = [_image_row(common, one, higher) for one in scores]
    if per_image and resamples:
        draws: dict[int, NDArray[np.int64]] = {}
        for row, one in zip(rows, scores, strict=True):
            count = one.pairs.shape[1]
            if count not in draws:
                draws[count] = np.random.default_rng(seed).integers(0, count, (resamples, count))
            row |= _human_intervals(one.pairs, draws[count], higher, confidence)
    total: Row = {"level": "all", "image": "", **common}
    numbers = {name: np.array([row[name] for row in rows], np.float64) for name in MEANS}
    total["images"] = int(np.isfinite(numbers["mean"]).sum())
    total |= {name: sum(row[name] for row in rows) for name in COUNTS}
    for name in MEANS:
        total[name] = mean_of(numbers[name])
        if name in ("mean", "best"):
            total |= _image_interval(name, numbers[name], resamples, confidence, seed)
    return [*(rows if per_image else []), total]


MEANS = ("mean", "best", "human_mean", "human_best", "shuffled_mean", "shuffled_best")
COUNTS = ("predicted", "human", "pairs", "undefined")


def _image_row(common: Mapping[str, str], one: ImageScores, higher: bool) -> Row:
    row: Row = {"level": "image", "image": one.image, **common}
    row["images"] = int(np.isfinite(one.pairs).any())
    row["predicted"], row["human"] = one.pairs.shape
    row["pairs"], row["undefined"] = one.pairs.size, int(np.isnan(one.pairs).sum())
    floors = [(mean_of(matrix), best_of(matrix, higher)) for matrix in one.shuffled]
    row |= {"mean": mean_of(one.pairs), "mean_low": NAN, "mean_high": NAN}
    row |= {"best": best_of(one.pairs, higher), "best_low": NAN, "best_high": NAN}
    row |= {"human_mean": mean_of(one.human), "human_best": best_of(one.human, higher)}
    row |= {f"shuffled_{name}": mean_of(np.array(each)) for name, each in _columns(floors)}
    return row


def _columns(floors: list[tuple[float, float]]) -> list[tuple[str, list[float]]]:
    return [(name, [floor[k] for floor in floors]) for k, name in enumerate(("mean", "best"))]


def mean_of(values: Matrix) -> float:
    """Return the mean of all numbers that are not NaN; NaN if there is none."""
    defined = values[~np.isnan(values)]
    return float(defined.mean()) if len(defined) else NAN


def best_of(matrix: Matrix, higher: bool) -> float:
    """Return the mean over rows of each row's best defined number."""
    return mean_of(_best_in_rows(matrix, higher))


def _best_in_rows(matrix: Matrix, higher: bool) -> Matrix:
    """Return the best number along the last axis, NaN where none is defined."""
    if not matrix.shape[-1]:
        return np.full(matrix.shape[:-1], np.nan)
    filled = np.where(np.isnan(matrix), -np.inf if higher else np.inf, matrix)
    best = filled.max(axis=-1) if higher else filled.min(axis=-1)
    return np.where(np.isinf(best), np.nan, best)


def _human_intervals(matrix: Matrix, draws: NDArray[np.int64], higher: bool, confidence: float) -> Row:
    """Return percentile intervals over resampled human scanpaths; NaN for a single one."""
    row: Row = {}
    if matrix.shape[1] < 2 or np.isnan(matrix).all():
        return row
    defined = ~np.isnan(matrix)
    sums, counts = np.where(defined, matrix, 0).sum(axis=0), defined.sum(axis=0)
    drawn = counts[draws].sum(axis=1)
    with np.errstate(invalid="ignore"):
        means = sums[draws].sum(axis=1) / drawn
    bests = _row_means(_best_in_rows(matrix[:, draws], higher))
    for name, resampled in (("mean", means), ("best", bests)):
        row[f"{name}_low"], row[f"{name}_high"] = _percentiles(resampled, confidence)
    return row


def _row_means(bests: Matrix) -> Matrix:
    """Return the means over the first axis, NaN left out."""
    counts = (~np.isnan(bests)).sum(axis=0)
    with np.errstate(invalid="ignore"):
        means: Matrix = np.nansum(bests, axis=0) / counts
    return means


def _image_interval(name: str, values: Matrix, resamples: int, confidence: float, seed: int) -> Row:
    """Return the percentile interval over resampled images; NaN for a single one."""
    defined = values[~np.isnan(values)]
    low = high = NAN
    if resamples and len(defined) > 1:
        random = np.random.default_rng(seed)
        # In parts, for memory: each resample holds as many numbers as there are images.
        part = max(1, 10**6 // len(defined))
        means = [
            defined[random.integers(0, len(defined), (min(part, resamples - start), len(defined)))].mean(
                axis=1
            )
            for start in range(0, resamples, part)
        ]
        low, high = _percentiles(np.concatenate(means), confidence)
    return {f"{name}_low": low, f"{name}_high": high}


def _percentiles(resampled: Matrix, confidence: float) -> tuple[float, float]:
    outside = (1 - confidence) / 2
    defined = np.sort(resampled[~np.isnan(resampled)])  # np.nanquantile costs more than all the rest
    low, high = np.interp([outside, 1 - outside], np.linspace(0, 1, len(defined)), defined).tolist()
    return low, high


def pair_rows(
    common: Mapping[str, str],
    scores: list[ImageScores],
    predicted: Mapping[Hashable, list[Hashable]],
    human: Mapping[Hashable, list[Hashable]],
) -> list[Row]:
    """Return a row for every pair of a predicted and a human scanpath."""
    return [
        {"image": one.image, **common, "predicted": maker, "human": reader, "value": float(one.pairs[i, j])}
        for one in scores
        for i, maker in enumerate(predicted[one.image])
        for j, reader in enumerate(human[one.image])
    ]


#: The order of columns.
SUMMARY_COLUMNS = (
    "level",
    "image",
    "measure",
    "better",
    "images",
    *COUNTS,
    *("mean", "mean_low", "mean_high", "best", "best_low", "best_high"),
    *MEANS[2:],
)


def as_table(rows: list[Row], library: str | None) -> Any:
    """Return rows as a frame of pandas or polars, or as a structured array."""
    names = SUMMARY_COLUMNS if rows and "level" in rows[0] else tuple(rows[0]) if rows else SUMMARY_COLUMNS
    columns = {name: [row[name] for row in rows] for name in names}
    if library == "pandas":
        import pandas

        return pandas.DataFrame(columns)
    if library == "polars":
        import polars

        return polars.DataFrame({name: _plain(values) for name, values in columns.items()})
    arrays = {name: _array(values) for name, values in columns.items()}
    table = np.empty(len(rows), [(name, array.dtype) for name, array in arrays.items()])
    for name, array in arrays.items():
        table[name] = array
    return table


def _plain(values: list[Any]) -> list[Any]:
    """Return ids of several types as text: a polars column has one type."""
    return values if len({type(value) for value in values}) == 1 else [str(value) for value in values]


def _array(values: list[Any]) -> NDArray[Any]:
    """Return an array of numbers or text; ids of other or several types become objects."""
    kinds = {type(value) for value in values}
    if kinds <= {str} or kinds <= {int} or kinds <= {float}:
        return np.array(values, str if kinds <= {str} else None)
    array = np.empty(len(values), object)
    array[:] = values
    return array


def write_csv(table: NDArray[Any], path: str | Path) -> None:
    """Write a structured array as CSV, whole or not at all; NaN becomes an empty field.

    Examples
    --------
    >>> import numpy as np, tempfile, pathlib
    >>> from gazesim.compare import write_csv
    >>> out = pathlib.Path(tempfile.mkdtemp()) / "table.csv"
    >>> write_csv(np.array([("a", 0.5), ("b", np.nan)], [("image", "U1"), ("mean", float)]), out)
    >>> out.read_text().split()
    ['image,mean', 'a,0.5', 'b,']
    """
    target = Path(path)
    partial = target.with_name(target.name + ".part")
    with partial.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(table.dtype.names or ())
        for row in table.tolist():
            writer.writerow(["" if value != value else value for value in row])
    partial.replace(target)
