"""Why does MoCo lose with positives? Forms of its loss, on seeds that the study leaves out.

    python -m benchmarks.study.moco                                   # run what is missing, write moco.md
    python -m benchmarks.study.moco --forms plain batch --seeds 0 1   # only these forms

The recipe is the study's on part D in single precision, with another momentum. Positives by label come
first, which must gain if the mechanism is sound: they are what gaze at its best would give.
"""

from __future__ import annotations

import argparse
import dataclasses
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gazesim._progress import ProgressBar

from .arms import EXTRAS, Arm
from .cells import Cells
from .report import grid
from .settings import SCALES, Settings
from .statistics import paired, spread

RESULTS = Path(__file__).resolve().parent.parent / "results" / "study" / "moco"
SEEDS = (0, 1, 2)
#: McGIP's equation 4 over the queue: the former default of this library.
PAPER = {"own_keys": "positive", "positive_keys": "queue", "positives": "outside", "reduction": "pairs"}


@dataclass(frozen=True)
class Form:
    """A form of MoCo's loss."""

    form: str
    what: str
    momentum: float = 0.99
    #: "plain", "truth" (positives by label) or "moments".
    method: str = "truth"
    #: Of :class:`gazesim.train.MoCoSettings`.
    settings: tuple[tuple[str, str], ...] = tuple(PAPER.items())

    @property
    def name(self) -> str:
        """Return the name of its cells."""
        return f"moco-{self.form}"

    @property
    def arm(self) -> Arm:
        """Return the study's arm that has the same positives."""
        return Arm("D", "moco", self.method, 0 if self.method == "plain" else EXTRAS["moco"])

    @property
    def from_batch(self) -> bool:
        """Return whether positives are only taken from the batch."""
        return dict(self.settings)["positive_keys"] == "batch"


def _form(form: str, what: str, momentum: float = 0.99, method: str = "truth", **changes: str) -> Form:
    return Form(form, what, momentum, method, tuple({**PAPER, **changes}.items()))


FORMS = {
    one.form: one
    for one in (
        _form("plain", "no positives but the own view", method="plain"),
        _form("paper", "McGIP's form: positives in the queue, own old keys among them"),
        _form("mask", "own old keys left out of the softmax", own_keys="mask"),
        _form("inside", "several positives inside of one logarithm", own_keys="mask", positives="inside"),
        _form("batch", "positives from the batch's keys alone", own_keys="mask", positive_keys="batch"),
        _form("plain-999", "no positives, momentum .999", 0.999, "plain"),
        _form(
            "batch-moments",
            "positives by gaze (moments) from the batch's keys alone",
            method="moments",
            own_keys="mask",
            positive_keys="batch",
        ),
        _form("paper-moments", "positives by gaze (moments), McGIP's form", method="moments"),
    )
}


def recipe(scale: str = "cpu") -> Settings:
    """Return the study's settings in single precision."""
    return dataclasses.replace(SCALES[scale], precision="32-true")


def run(form: Form, seed: int, settings: Settings) -> dict[str, Any]:
    """Return what a cell's file holds: the linear probe, loss, spread, positives per row and their purity."""
    from gazesim.train import MoCoSettings, linear_probe
    from gazesim.train.lightning_tools import seeded, silent_trainer, without_advice

    from . import cell

    begin = time.perf_counter()
    settings = dataclasses.replace(settings, momentum=form.momentum)
    arm = form.arm
    data = cell.phantom_data(arm, seed, settings)
    data.setup("fit")
    among = "batch" if form.from_batch else "queue"
    mask = cell.mask_of(arm, settings, data, among)
    with seeded(seed):
        model = cell.contrastive(arm, settings, mask, MoCoSettings(**dict(form.settings)))
        watch = cell.Watch()
        trainer = silent_trainer(max_epochs=settings.epochs, precision=settings.precision, callbacks=[watch])
        with without_advice():
            trainer.fit(model, datamodule=data)
    train, test = data.samples("train"), data.samples("test")
    probed = linear_probe(model.backbone, train, test, fractions=cell.PROBED, seed=seed)
    return {
        **{f"probe_{100 * fraction:g}": scores["ACC"] for fraction, scores in probed.items()},
        "loss": cell.mean(watch.losses),
        "std": cell.mean(watch.spreads),
        **cell.positives(arm, settings, data, mask, among),
        "seconds": time.perf_counter() - begin,
        "commit": cell.commit(),
    }


def report(cells: Cells) -> str:
    """Return all cells as a table, and the differences from plain."""
    found = {(cell["arm"]["form"], cell["seed"]): cell for cell in cells.read()}
    rows, compared = [], []
    for name, form in FORMS.items():
        seeds = sorted(seed for other, seed in found if other == name)
        if not seeds:
            continue
        here = [found[name, seed] for seed in seeds]
        scores = [spread([cell[key] for cell in here]) for key in ("probe_100", "probe_5")]
        middle = [
            f"{100 * one.mean:.1f}" + (f" ± {100 * one.std:.1f}" if one.count > 1 else "") for one in scores
        ]
        purity = here[0]["purity"]
        rest = [f"{here[0]['positives'] - 1:.1f}", "" if purity is None else f"{purity:.2f}"]
        losses = f"{sum(cell['loss'] for cell in here) / len(here):.2f}"
        rows.append([name, form.what, ", ".join(map(str, seeds)), *middle, *rest, losses])
        both = [seed for seed in seeds if ("plain", seed) in found and name != "plain"]
        if both:
            gains = [
                paired([100 * (found[name, seed][key] - found["plain", seed][key]) for seed in both])
                for key in ("probe_100", "probe_5")
            ]
            shown = [
                f"{one.mean:+.1f}" + (f" ({one.t[0]:+.1f} to {one.t[1]:+.1f})" if len(both) > 1 else "")
                for one in gains
            ]
            compared.append([name, str(len(both)), *shown])
    titles = ["form", "what", "seeds", "probe, all labels", "5 %", "extras per row", "purity", "loss"]
    return (
        "# MoCo with positives\n\nLinear probe on the phantom (part D) in percent, mean ± standard deviation "
        f"over seeds. Momentum .99 where nothing else is said, queue {cells.settings.queue} of "
        f"{cells.settings.n_train} images, {cells.settings.epochs} epochs. Positives by label where nothing "
        "else is said. These seeds chose the default, so that they are no evidence of its size.\n\n"
        + grid(titles, rows)
        + "\n\n## Differences from plain, same seed\n\nIn points, with 95 % intervals (t).\n\n"
        + grid(["form", "seeds", "Δ all labels", "Δ 5 %"], compared)
        + "\n"
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the missing cells and write the report."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.study.moco",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--forms", nargs="+", choices=FORMS, default=list(FORMS), help="default all")
    parser.add_argument("--seeds", nargs="+", type=int, default=SEEDS, help="default %(default)s")
    parser.add_argument(
        "--scale", choices=("smoke", "cpu"), default="cpu", help="how large images and nets are"
    )
    parser.add_argument("--out", type=Path, default=RESULTS, help="folder of the cells and the report")
    given = parser.parse_args(arguments)
    cells = Cells(given.out, recipe(given.scale))
    tasks = [(FORMS[form], seed) for seed in given.seeds for form in given.forms]
    tasks = [task for task in tasks if not cells.has(*task)]
    with ProgressBar(total=len(tasks), unit=" cells", disable=not tasks) as bar:
        for form, seed in tasks:
            cells.put(form, seed, run(form, seed, cells.settings))
            bar.set_postfix_str(f"{form.name}, seed {seed}", refresh=False)
            bar.update()
    (cells.folder / "moco.md").write_text(report(cells), encoding="utf-8")
    print(f"wrote moco.md to {cells.folder}", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
