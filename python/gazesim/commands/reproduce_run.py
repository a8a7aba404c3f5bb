"""How ``gazesim reproduce`` runs its cells: pre-train, measure, store the scores; finished work is reused."""

from __future__ import annotations

import csv
import json
import math
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from .._progress import ProgressBar
from ..train.reproduce.experiment import Experiment
from ..train.reproduce.layout import Score, csv_of, curves_of, table_of
from .configuration import resolved
from .pretrain import LAST, METRICS, prepared, train
from .reproduce_fixations import with_fixations
from .reproduce_plan import PlannedCell

__all__ = ["run_cells", "scores_of", "write_results"]

DONE = "done.json"


def run_cells(experiment: Experiment, cells: Sequence[PlannedCell]) -> list[Score]:
    """Run the cells that are not done yet, and return the scores of all."""
    missing = [cell for cell in cells if not cell.result.is_file()]
    if len(missing) < len(cells):
        _say(f"{experiment.name}: {len(cells) - len(missing)} of {len(cells)} cells are done already")
    if old := [cell for cell in cells if cell.is_of_unknown_manifest]:
        _say(
            f"{experiment.name}: {len(old)} of {len(cells)} cells were begun by a version that did not note "
            "the content of the manifest; they count as if it had not changed (another --out runs them anew)"
        )
    splits = _Splits()
    for number, cell in enumerate(missing, 1):
        _say(f"{experiment.name}, cell {number} of {len(missing)}: {cell.title}")
        start = time.monotonic()
        networks = _networks(experiment, cell)
        samples = splits.of(cell.plain)
        from ..train.reproduce.measure import as_plain, measured

        scores = measured(experiment, cell.line.key, cell.fold, networks, samples)
        ids = {
            split: [name for name, one in zip(samples.ids, samples.splits, strict=True) if one == split]
            for split in ("train", "test")
        }
        record = {
            "experiment": experiment.name,
            "labels": list(cell.line.labels),
            "fold": cell.fold,
            "pretrained": None if cell.line.config is None else cell.folder.name,
            "protocol": experiment.protocol,
            "settings": dict(experiment.settings),
            "seconds": round(time.monotonic() - start, 1),
            "scores": as_plain(scores),
            "images": ids,
        }
        write_whole(cell.result, json.dumps(record, indent=1) + "\n")
    return scores_of(cells)


def scores_of(cells: Sequence[PlannedCell]) -> list[Score]:
    """Return the scores of the cells that are done."""
    found = []
    for cell in cells:
        if cell.result.is_file():
            record = json.loads(cell.result.read_text(encoding="utf-8"))
            found += [Score(**score) for score in record["scores"]]
    return found


class _Splits:
    """Images with their splits; those of the last fold stay in memory."""

    def __init__(self) -> None:
        self._key = ""
        self._samples: Any = None

    def of(self, plain: Mapping[str, Any]) -> Any:
        """Return the images of a configuration, whatever its views."""
        from ..train import GazeData

        found, _ = resolved({**plain, "out": "."})
        unneeded = ("views", "batch_size", "num_workers", "seed")
        given = {name: value for name, value in vars(found.data).items() if name not in unneeded}
        key = json.dumps(given, default=str, sort_keys=True)
        if key != self._key:
            known = {name: value for name, value in given.items() if value is not None}
            self._key, self._samples = key, GazeData(**known).samples()
        return self._samples


def _networks(experiment: Experiment, cell: PlannedCell) -> dict[int, Any]:
    """Return the networks of a cell by the epoch at which they are measured; train missing ones."""
    from ..train import Baseline, load_backbone
    from ..train.evaluation.networks import chosen_device
    from ..train.pretrain.checkpoints import with_normalisation

    model, data, trainer = (cell.plain[section] for section in ("model", "data", "trainer"))
    where = chosen_device("cpu" if trainer.get("accelerator") == "cpu" else "auto")
    if cell.line.baseline is not None:
        weights = model["weights"] if model["weights"] not in (None, "imagenet") else None
        channels = data["channels"]
        return {0: Baseline(cell.line.baseline, model["backbone"], channels, str(where), weights)}
    pretrain(experiment, cell)
    views = data["views"]
    files = {int(trainer["max_epochs"]): cell.folder / LAST}
    if experiment.epochs:
        files = {epoch: cell.folder / f"epoch={epoch - 1}.ckpt" for epoch in experiment.epochs}
    return {
        epoch: with_normalisation(load_backbone(file), views["mean"], views["std"]).to(where)
        for epoch, file in files.items()
    }


def pretrain(experiment: Experiment, cell: PlannedCell) -> None:
    """Pre-train a cell's network, or resume it; a finished one is left alone."""
    if (cell.folder / DONE).is_file():
        return
    from ..train import GazeData

    config = with_fixations(cell.plain, cell.folder.parent.parent) | {"out": str(cell.folder)}
    if experiment.epochs:
        keeper = {
            "class_path": "lightning.pytorch.callbacks.ModelCheckpoint",
            "init_args": {
                "dirpath": str(cell.folder),
                "filename": "{epoch}",
                "every_n_epochs": math.gcd(*experiment.epochs),
                "save_top_k": -1,
                "save_on_train_epoch_end": True,
            },
        }
        config["trainer"]["callbacks"] = [keeper]
    found, plain = resolved(config)
    start = time.monotonic()
    if train(prepared(found, plain)) == 130:
        raise KeyboardInterrupt
    data = GazeData(**{name: value for name, value in vars(found.data).items() if value is not None})
    record = {
        "epochs": plain["trainer"]["max_epochs"],
        "seconds": round(time.monotonic() - start, 1),
        "positives_per_row": _last(cell.folder / METRICS, "positives_per_row"),
        "train_ids": list(data.samples("train").ids),
    }
    write_whole(cell.folder / DONE, json.dumps(record, indent=1) + "\n")


def _last(file: Path, column: str) -> float | None:
    """Return the last number of a column of metrics.csv."""
    with file.open(newline="") as lines:
        values = [row[column] for row in csv.DictReader(lines) if row.get(column)]
    return float(values[-1]) if values else None


def write_results(
    experiment: Experiment,
    cells: Sequence[PlannedCell],
    scores: Sequence[Score],
    notes: Sequence[str],
    out: Path,
) -> list[str]:
    """Write table, scores and figure, and return the names of the files."""
    folder = out / experiment.name
    said = "".join(f"- {note}\n" for note in notes)
    head = f"# {experiment.name}: {experiment.title}\n\n{table_of(experiment, scores)}"
    write_whole(folder / "table.md", f"{head}\nNot as published:\n\n{said}")
    write_whole(folder / "scores.csv", csv_of(experiment, scores))
    written = ["table.md", "scores.csv"]
    if experiment.kind == "table" or not scores:
        return written
    _draw(experiment, cells, scores, folder / "figure.png")
    return [*written, "figure.png"]


def _draw(experiment: Experiment, cells: Sequence[PlannedCell], scores: Sequence[Score], path: Path) -> None:
    from ..train import plot_score_curves, plot_threshold_ablation

    metric = experiment.metrics[0]
    if experiment.kind == "maps":
        from ..train.reproduce.measure import draw_maps

        nets = {cell.line.key: next(iter(_networks(experiment, cell).values())) for cell in cells}
        drawn = draw_maps(experiment, nets, _Splits().of(cells[0].plain), path)
        write_whole(path.with_suffix(".json"), json.dumps(drawn, indent=1) + "\n")
    elif experiment.name == "mcgip-figure-5b":
        plain = [score.value for score in scores if score.metric == metric and score.line == "BYOL"]
        plot_threshold_ablation(_ablation(cells, metric), path, metric=metric, plain=plain)
    else:
        axes = {"epochs": "epochs of pre-training", "labels": "labels", "options": experiment.head[-1]}
        labels = _labels(cells[0])
        plot_score_curves(
            curves_of(experiment, scores, labels),
            path,
            x=axes[experiment.kind],
            metric=metric,
            log=experiment.kind == "labels",
        )


def _labels(cell: PlannedCell) -> int:
    """Return how many images a cell was trained on."""
    record = json.loads(cell.result.read_text(encoding="utf-8"))
    return len(record["images"]["train"])


def _ablation(cells: Sequence[PlannedCell], metric: str) -> list[tuple[float, float, float]]:
    """Return (threshold, positives per row besides the image itself, score) of every run."""
    rows = []
    for cell in cells:
        if cell.line.x is None:
            continue
        done = json.loads((cell.folder / DONE).read_text(encoding="utf-8"))
        positives = float(done["positives_per_row"] or 1.0) - 1
        rows += [
            (cell.line.x, max(0.0, positives), score.value)
            for score in scores_of([cell])
            if score.metric == metric
        ]
    return rows


def write_whole(path: Path, text: str) -> None:
    """Write a file whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f"{path.name}.part")
    partial.write_text(text, encoding="utf-8")
    partial.replace(path)


def _say(text: str) -> None:
    ProgressBar.write(f"gazesim reproduce: {text}", file=sys.stderr)
