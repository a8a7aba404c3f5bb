"""Results: one row per score in results.csv, mean ± standard deviation in results.md, resumable."""

from __future__ import annotations

import csv
import io
import json
import math
import statistics
from collections.abc import Iterable, Mapping
from dataclasses import asdict, astuple, dataclass, fields
from pathlib import Path
from typing import Any

from ..data.splits import share_words
from .classification_scores import METRICS
from .fingerprints import PIXELS

__all__ = ["Cell", "Results", "Row", "read_rows", "results_table"]

CAPTION = (
    "Mean ± standard deviation over n runs (folds × seeds); the best mean by protocol and share of labels "
    "is bold. ↑ more is better, ↓ less.\n\n"
    "Between seeds vary folds, shares of labels, new weights and order; the pre-training does only where a "
    "method has a run for every seed. The probe of one network at 100 % of the labels of fixed splits "
    "depends on none of these: ± 0.000. Its penalty is chosen on the same share of the validation labels, "
    "where there are any. In folds, images of a test may have been pre-trained on, without their labels.\n"
)
ROWS, TABLE, RECORD = "results.csv", "results.md", "settings.json"
#: Metrics for which lower is better.
LOWER = ("MAE",)


@dataclass(frozen=True)
class Cell:
    """One training and test: method, protocol, share of the labels, fold and seed."""

    method: str
    protocol: str
    fraction: float
    fold: int
    seed: int


@dataclass(frozen=True)
class Row(Cell):
    """One score of a cell."""

    metric: str
    value: float

    @property
    def cell(self) -> Cell:
        """The cell whose score this is."""
        return Cell(self.method, self.protocol, self.fraction, self.fold, self.seed)


HEADER = [field.name for field in fields(Row)]
Summary = dict[tuple[str, float, str], dict[str, list[float]]]


class Results:
    """The rows so far, in memory and, where there is a folder, on disk after every cell.

    Files are replaced as a whole: a killed run leaves whole cells, and the next goes on from them.

    Parameters
    ----------
    folder
        Where ``results.csv``, ``results.md`` and ``settings.json`` are kept; None keeps no files.
    settings
        All settings that the numbers depend on. A folder with other settings raises ValueError; methods may
        be added under ``"methods"``, runs by seed to a method, and protocols under ``"protocols"``.
    """

    def __init__(self, folder: str | Path | None, settings: Mapping[str, Any]) -> None:
        self.folder = None if folder is None else Path(folder)
        self.rows: list[Row] = []
        if self.folder is None:
            return
        if (self.folder / RECORD).is_file():
            settings = _merged(self.folder, settings)
            self.rows = read_rows(self.folder / ROWS) if (self.folder / ROWS).is_file() else []
        elif (self.folder / ROWS).exists():
            raise ValueError(f"{self.folder} holds {ROWS} without {RECORD}; expected a new folder")
        self.folder.mkdir(parents=True, exist_ok=True)
        _replace(self.folder / RECORD, json.dumps(settings, indent=1) + "\n")

    @property
    def done(self) -> set[Cell]:
        """The cells that have scores."""
        return {row.cell for row in self.rows}

    def add(self, cell: Cell, scores: Mapping[str, float]) -> None:
        """Keep the scores of a cell."""
        self.rows += [
            Row(**asdict(cell), metric=metric, value=float(value)) for metric, value in scores.items()
        ]
        self.write()

    def write(self) -> None:
        """Write the files, if there is a folder."""
        if self.folder is not None:
            _replace(self.folder / ROWS, rows_csv(self.rows))
            _replace(self.folder / TABLE, f"{results_table(self.rows)}\n{CAPTION}")


def read_rows(path: str | Path) -> list[Row]:
    """Return the rows of a results.csv.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> from gazesim.train.evaluation.results import read_rows
    >>> file = pathlib.Path(tempfile.mkdtemp()) / "results.csv"
    >>> _ = file.write_text("method,protocol,fraction,fold,seed,metric,value\\nbyol,probe,1,0,0,ACC,0.9\\n")
    >>> read_rows(file)[0].value
    0.9
    """
    with Path(path).open(newline="", encoding="utf-8") as file:
        reader = csv.reader(file)
        header = next(reader, [])
        if header != HEADER:
            raise ValueError(f"{path} has the columns {header}; expected {HEADER}")
        return [_row(words, f"{path}, line {reader.line_num}") for words in reader]


def _row(words: list[str], where: str) -> Row:
    if len(words) != len(HEADER):
        raise ValueError(f"{where} has {len(words)} values; expected {len(HEADER)}")
    method, protocol, fraction, fold, seed, metric, value = words
    try:
        return Row(method, protocol, float(fraction), int(fold), int(seed), metric, float(value))
    except ValueError as error:
        raise ValueError(f"{where}: {error}; expected numbers as fraction, fold, seed and value") from None


def rows_csv(rows: Iterable[Row]) -> str:
    """Return the text of a results.csv."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(HEADER)
    writer.writerows(astuple(row) for row in rows)
    return text.getvalue()


def results_table(rows: Iterable[Row]) -> str:
    """Return a Markdown table, mean ± standard deviation (n − 1) over folds and seeds.

    The best mean of each protocol and share of labels is bold. Scores that have no value (NaN) are
    left out of the mean, and the entry says how many were in it.

    Examples
    --------
    >>> from gazesim.train.evaluation.results import Row, results_table
    >>> rows = [Row("byol", "probe", 0.05, fold, 0, "ACC", score) for fold, score in enumerate((0.7, 0.8))]
    >>> print(results_table(rows))
    | protocol | labels | method | n | ACC ↑ |
    |---|---|---|---|---|
    | probe | 5 % | byol | 2 | 0.750 ± 0.071 |
    <BLANKLINE>
    """
    groups, metrics = _grouped(rows)
    head = [
        "protocol",
        "labels",
        "method",
        "n",
        *(f"{name} {'↓' if name in LOWER else '↑'}" for name in metrics),
    ]
    lines = [_line(head), "|" + "---|" * len(head)]
    best = _best(groups, metrics)
    for (protocol, fraction, method), scores in groups.items():
        entries = [
            _entry(scores.get(name, []), (protocol, fraction, method) in best[name]) for name in metrics
        ]
        count = max(len(values) for values in scores.values())
        lines.append(_line([protocol, share_words(fraction), method, str(count), *entries]))
    return "\n".join(lines) + "\n"


def _grouped(rows: Iterable[Row]) -> tuple[Summary, list[str]]:
    """Return scores by protocol, share of labels and method, and the metrics in their order."""
    found: Summary = {}
    for row in rows:
        key = (row.protocol, row.fraction, row.method)
        found.setdefault(key, {}).setdefault(row.metric, []).append(row.value)
    methods = list(dict.fromkeys(method for *_, method in found))
    protocols = list(dict.fromkeys(protocol for protocol, *_ in found))
    order = sorted(found, key=lambda key: (protocols.index(key[0]), key[1], methods.index(key[2])))
    names = {name for scores in found.values() for name in scores}
    known = [name for name in METRICS if name in names]
    return {key: found[key] for key in order}, [*known, *sorted(names - set(known))]


def _best(groups: Summary, metrics: list[str]) -> dict[str, set[tuple[str, float, str]]]:
    """Return the best of several methods for each metric, by protocol and share of labels."""
    best: dict[str, set[tuple[str, float, str]]] = {name: set() for name in metrics}
    for name in metrics:
        sign = -1 if name in LOWER else 1
        for column in {key[:2] for key in groups}:
            means = {
                key: sign * statistics.fmean(values)
                for key, scores in groups.items()
                if key[:2] == column and (values := _defined(scores.get(name, [])))
            }
            if len(means) > 1:
                best[name] |= {key for key, mean in means.items() if mean == max(means.values())}
    return best


def _entry(values: list[float], bold: bool) -> str:
    known = _defined(values)
    if not known:
        return "–"
    text = f"{statistics.fmean(known):.3f}"
    text = f"**{text}**" if bold else text
    if len(known) > 1:
        text += f" ± {statistics.stdev(known):.3f}"
    return text if len(known) == len(values) else f"{text} ({len(known)} of {len(values)})"


def _defined(values: list[float]) -> list[float]:
    return [value for value in values if not math.isnan(value)]


def _line(words: list[str]) -> str:
    return f"| {' | '.join(word.replace('|', '/') for word in words)} |"


def _merged(folder: Path, settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings with the methods of both; raise where anything else differs."""
    before = _upgraded(json.loads((folder / RECORD).read_text()))
    now = json.loads(json.dumps(settings))
    old, new = before.get("methods", {}), now.get("methods", {})
    both = {name: _joined(old[name], new[name]) for name in old.keys() & new.keys()}
    for name, known in both.items():
        if known is None:
            raise ValueError(
                f"{folder} holds results of another method named {name!r}: its weights differ; expected "
                "a new name or a new folder"
            )
    probes, asked = before.get("protocols", {}), now.get("protocols", {})
    for name in sorted(probes.keys() & asked.keys()):
        if probes[name] != _comparable(asked[name], probes[name]):
            raise ValueError(
                f"{folder} holds results of {name} with {probes[name]}, not {asked[name]}; expected equal "
                "settings or a new folder"
            )
    for key in sorted((before.keys() | _comparable(now, before).keys()) - {"methods", "protocols"}):
        if before.get(key) != now.get(key):
            raise ValueError(
                f"{folder} holds results with {key} {before.get(key)}, not {now.get(key)}; "
                "expected equal settings or a new folder"
            )
    found = {**now, "methods": {**old, **new, **both}}
    return found | ({"protocols": {**probes, **asked}} if probes or asked else {})


def _comparable(now: Any, before: Any) -> Any:
    """Return a record without the hash of pixels where the one of an earlier version has none."""
    return now if PIXELS in before else {name: value for name, value in now.items() if name != PIXELS}


def _upgraded(record: dict[str, Any]) -> dict[str, Any]:
    """Return the record of an earlier version as this one writes it, if it is one.

    There, the settings of probe and finetune stood beside the other protocols, with options that no score
    depends on; patch did not repeat those of the probe.
    """
    if "probe" not in record:
        return record
    probe, finetune = record.pop("probe"), record.pop("finetune")
    probe.pop("batch_size", None)
    finetune.pop("num_workers", None)
    known = {"probe": probe, "finetune": finetune, **record.get("protocols", {})}
    known.get("multi_label", {}).pop("batch_size", None)
    if "patch" in known:
        known["patch"].update(probe)
    return {**record, "protocols": known}


def _joined(old: Any, new: Any) -> Any:
    """Return the joined record of a method, or None if the two records differ; runs may be added."""
    if isinstance(old, dict) and isinstance(new, dict):
        return {**old, **new} if all(old[seed] == new[seed] for seed in old.keys() & new.keys()) else None
    return old if old == new else None


def _replace(path: Path, text: str) -> None:
    partial = path.with_name(f"{path.name}.part")
    partial.write_text(text, encoding="utf-8")
    partial.replace(path)
