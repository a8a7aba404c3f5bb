"""Measure gazesim against its peers in one run; write benchmarks/results.

    python benchmarks/run.py            # some minutes
    python benchmarks/run.py --quick    # under a minute, smaller sizes

Answers are compared before anything is timed; the run stops where they differ.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from pathlib import Path
from typing import Any

# Before NumPy is imported: measured threads are set by the run, not by the user's environment.
os.environ.pop("GAZESIM_NUM_THREADS", None)

import cases
import goals
import peers
import probes
import results_page
from timing import Disagreement, Effort, Row, measure

RESULTS = Path(__file__).resolve().parent / "results"


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="smaller sizes, fewer rounds")
    parser.add_argument("--out", type=Path, default=RESULTS, help="folder of the results")
    options = parser.parse_args()
    start = time.perf_counter()

    def say(what: str) -> None:
        print(f"{time.perf_counter() - start:6.1f} s  {what}", file=sys.stderr, flush=True)

    rows, missing = compare(0.4 if options.quick else 1.0, effort(options.quick), say)
    extra = alone(options.quick, effort(options.quick), say)
    lines = list(goals.goals(rows, extra))
    results_page.write(options.out, rows, lines, extra, missing)
    for line in lines:
        said = {True: "met", False: "NOT MET", None: "-"}[line.met]
        print(f"{said:8} {line.name}: {line.measured} ({line.bound})")
    say(f"wrote {options.out.name}/results.json, results.md and results.png")
    return 0


def effort(quick: bool) -> Effort:
    return Effort(3, 0.002) if quick else Effort(7, 0.01)


def compare(scale: float, effort: Effort, say: Any) -> tuple[list[Row], list[str]]:
    """Measure every case whose peer is installed."""
    rows: list[Row] = []
    missing: dict[str, None] = {}
    for case in cases.cases(scale):
        if not peers.available(case.peer):
            missing[case.peer] = None
            continue
        try:
            row = measure(case, effort)
        except Disagreement as error:
            raise SystemExit(f"answers differ, nothing more is timed: {error}") from None
        rows.append(row)
        ratio = results_page.spread(row.ratios[2])
        say(f"{case.what}, {case.size} {case.size_name}, {case.peer}: {ratio} × on 2 threads")
    return rows, list(missing)


def alone(quick: bool, effort: Effort, say: Any) -> dict[str, Any]:
    """Measure what has no peer."""
    extra: dict[str, Any] = {}
    say("import time")
    extra["import_s"] = probes.import_seconds(3 if quick else 9)
    say("neighbours")
    extra["neighbors"] = probes.neighbors(quick)
    say("throughput")
    extra["throughput"] = probes.throughput(quick, effort)
    say("two threads against one")
    extra["two_threads"] = probes.two_threads(quick, effort)
    say("share of the ceiling (builds a bench)")
    extra["ceiling"] = probes.ceiling()
    return extra


if __name__ == "__main__":
    sys.exit(main())
