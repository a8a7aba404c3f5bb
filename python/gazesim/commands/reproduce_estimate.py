"""``gazesim reproduce NAME --dry_run``: what would run, and how many hours it takes on this machine."""

from __future__ import annotations

import math
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from .._progress import ProgressBar
from ..train.data.splits import as_share
from ..train.reproduce.experiment import Experiment
from .reproduce_plan import Asked, PlannedCell

__all__ = ["estimate"]

#: Images with labels of the whole data set, where no folder is given: as published.
IMAGES = {"inbreast": 410, "tufts": 1000, "oai": 5778}
#: A step of fine-tuning has one view of each image, one of pre-training has two.
VIEWS = 2


def estimate(experiment: Experiment, asked: Asked, cells: Sequence[PlannedCell]) -> str:
    """Return a table of the networks to be trained with epochs and hours, from a timed step of each kind."""
    count, source = _training_images(experiment, asked, cells[0].plain)
    done = sum(cell.result.is_file() for cell in cells)
    trained = {cell.folder: cell.plain for cell in cells if cell.line.config is not None}
    todo = {folder: plain for folder, plain in trained.items() if not (folder / "done.json").is_file()}
    kinds: Counter[tuple[str, str, int, int, int, str]] = Counter(_kind(plain) for plain in todo.values())
    lines = [
        f"{len(cells)} cells, {done} done; {len(trained)} pre-trainings, {len(trained) - len(todo)} done; "
        f"{count} training images each ({source})",
        "",
        "| pre-trainings | framework | backbone | size | batch | epochs | s per image | hours |",
        "|---|---|---|---|---|---|---|---|",
    ]
    total, per_image = 0.0, 0.0
    for i, ((framework, backbone, size, batch, epochs, precision), number) in enumerate(kinds.items(), 1):
        ProgressBar.write(
            f"gazesim reproduce: timing a step of {framework} with {backbone} ({i} of {len(kinds)})",
            file=sys.stderr,
        )
        seconds = _timed(framework, backbone, size, batch, precision)
        per_image = max(per_image, seconds)
        hours = number * epochs * (count // batch) * batch * seconds / 3600
        total += hours
        lines.append(
            f"| {number} | {framework} | {backbone} | {size} | {batch} | {epochs} | {seconds:.3g} | "
            f"{hours_words(hours)} |"
        )
    tuned = _tuning_hours(experiment, len(cells) - done, count, per_image / VIEWS)
    lines += [
        "",
        f"about {hours_words(total + tuned)} hours here: {hours_words(total)} of pre-training, "
        f"{hours_words(tuned)} of measuring",
        "(a timed step of every kind, on a CPU in single precision, without reading images)",
    ]
    largest = max((batch for _, _, _, batch, _, _ in kinds), default=0)
    if largest > count:
        lines.append(
            f"data.batch_size is {largest}, and there are {count} training images; expected at most {count} "
            f"(--data.batch_size {count})"
        )
    return "\n".join(lines)


def hours_words(hours: float) -> str:
    """Return hours with two digits, or whole ones from ten on.

    Examples
    --------
    >>> from gazesim.commands.reproduce_estimate import hours_words
    >>> hours_words(0.0123), hours_words(9.51), hours_words(11620.4)
    ('0.012', '9.5', '11,620')
    """
    return f"{hours:,.0f}" if hours >= 10 else f"{hours:.2g}"


def _kind(plain: Mapping[str, Any]) -> tuple[str, str, int, int, int, str]:
    model, data, trainer = (plain[section] for section in ("model", "data", "trainer"))
    return (
        model["framework"],
        str(model["backbone"]),
        int(data["size"]),
        int(data["batch_size"]),
        int(trainer["max_epochs"]),
        str(trainer.get("precision") or "32-true"),
    )


def _timed(framework: str, backbone: str, size: int, batch: int, precision: str) -> float:
    from ..train.reproduce.timing import seconds_per_image

    return seconds_per_image(framework, backbone, size, batch, precision)


def _tuning_hours(experiment: Experiment, cells: int, count: int, per_image: float) -> float:
    """Return the hours of fine-tuning; a probe reads every image once."""
    epochs = int(experiment.settings.get("epochs", 20)) if experiment.protocol == "finetune" else 1
    images = sum(math.ceil(as_share(share, count) * count) for share in experiment.fractions)
    return cells * max(1, len(experiment.epochs)) * epochs * images * per_image / 3600


def _training_images(experiment: Experiment, asked: Asked, plain: Mapping[str, Any]) -> tuple[int, str]:
    """Return how many images a pre-training has, and the source of this number."""
    data = asked.given.get("data", {})
    if data.get("folder") is None and data.get("manifest") is None:
        share = 1.0 if experiment.folds is None else 1 - 1 / experiment.folds
        return round(share * IMAGES[experiment.preset]), "as published; --data.folder counts"
    from ..train.data.folds import with_fold
    from ..train.data.manifest import Manifest
    from ..train.data.presets import preset

    if data.get("manifest") is not None:
        manifest = Manifest.read(data["manifest"])
    else:
        manifest = preset(plain["data"]["preset"], data["folder"], images=data.get("images"))
    if experiment.folds is not None:
        manifest = with_fold(manifest, 0, folds=experiment.folds)
    return sum(entry.split == "train" for entry in manifest.entries), "counted in the folder"
