"""JSON, Markdown and a picture of what was measured."""

from __future__ import annotations

import datetime
import importlib.metadata
import json
import os
import platform
import subprocess
from dataclasses import asdict
from pathlib import Path
from typing import Any

from goals import Goal
from timing import LEVELS, Row, Spread

LIBRARIES = (
    "gazesim",
    "numpy",
    "multimatch_gaze",
    "dtaidistance",
    "opencv-python-headless",
    "ImageHash",
    "faiss-cpu",
    "scikit-learn",
)
UNITS = ((1.0, "s"), (1e-3, "ms"), (1e-6, "µs"), (1e-9, "ns"))


def environment() -> dict[str, Any]:
    """Return the machine, the commit and the versions."""
    versions = {}
    for name in LIBRARIES:
        try:
            versions[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            versions[name] = "missing"
    return {
        "processor": processor(),
        "levels": list(LEVELS),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "commit": commit(),
        "date": datetime.date.today().isoformat(),
        "versions": versions,
    }


def processor() -> str:
    """Return the model with its instruction set, as far as the system tells."""
    try:
        text = Path("/proc/cpuinfo").read_text()
    except OSError:
        return platform.processor() or platform.machine()
    fields = dict(line.split(":", 1) for line in text.split("\n\n")[0].splitlines() if ":" in line)
    known = {key.strip(): value.strip() for key, value in fields.items()}
    widest = next((name for name in ("avx512f", "avx2") if name in known.get("flags", "")), "")
    family = f"family {known.get('cpu family', '?')} model {known.get('model', '?')}"
    return f"{known.get('model name', platform.machine())} ({family}, {widest})"


def commit() -> str:
    """Return the commit, with a plus where the working tree differs from it."""
    repo = Path(__file__).resolve().parent.parent

    def git(*words: str) -> str:
        return subprocess.run(["git", *words], cwd=repo, capture_output=True, text=True).stdout.strip()

    changed = git("status", "--porcelain", "--untracked-files=no", "--", ".", ":!benchmarks/results")
    return git("rev-parse", "--short=12", "HEAD") + ("+" if changed else "")


def write(
    folder: Path, rows: list[Row], goals: list[Goal], extra: dict[str, Any], missing: list[str]
) -> None:
    """Write results.json, results.md and results.png."""
    folder.mkdir(parents=True, exist_ok=True)
    where = environment()
    content = {
        "environment": where,
        "goals": [asdict(goal) for goal in goals],
        "rows": [row.as_json() for row in rows],
        "missing_peers": missing,
        **extra,
    }
    text = json.dumps(content, indent=1, ensure_ascii=False, default=asdict)
    (folder / "results.json").write_text(text + "\n", encoding="utf-8")
    (folder / "results.md").write_text(markdown(where, rows, goals, extra, missing), encoding="utf-8")
    picture(folder / "results.png", rows)


def seconds(value: float) -> str:
    """Return a time in the unit that suits it."""
    scale, unit = next(((s, u) for s, u in UNITS if value >= s), UNITS[-1])
    return f"{value / scale:.3g} {unit}"


def spread(value: Spread) -> str:
    """Return least, middle and most."""
    return " / ".join(times(number) for number in (value.least, value.median, value.most))


def times(number: float) -> str:
    return f"{number:,.0f}" if number >= 10 else f"{number:.2f}"


def table(head: list[str], body: list[list[str]]) -> str:
    """Return a Markdown table."""
    lines = [head, ["---"] * len(head), *body]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def markdown(
    where: dict[str, Any], rows: list[Row], goals: list[Goal], extra: dict[str, Any], missing: list[str]
) -> str:
    """Return the whole report."""
    versions = ", ".join(f"{name} {version}" for name, version in where["versions"].items())
    said = {True: "yes", False: "**no**", None: "not at full size"}
    parts = [
        "# gazesim against its peers, in one run",
        "Answers were compared before anything was timed. Peer and gazesim took turns; a ratio is that of"
        " one round (how many times as fast gazesim is), given as least / median / most. Peers that can use"
        " threads used as many; the time of a peer is on one thread.",
        f"{where['processor']}, GAZESIM_SIMD up to {where['levels'][-1]}, {where['cores']} cores, "
        f"{where['system']}, Python {where['python']}; commit"
        f" {where['commit']}, {where['date']}; {versions}.",
        table(
            [
                "what",
                "size",
                "peer",
                "peer, per unit",
                "1 thread",
                "2 threads",
                "ratio, 1 thread",
                "ratio, 2 threads",
            ],
            [
                [
                    row.what,
                    f"{row.size} {row.size_name}",
                    row.peer,
                    f"{seconds(row.peer_seconds)} / {row.unit}",
                    *(seconds(row.our_seconds[threads]) for threads in (1, 2)),
                    *(spread(row.ratios[threads]) for threads in (1, 2)),
                ]
                for row in rows
            ],
        ),
        "## At every level",
        "Medians of the ratios on one thread / two threads, with `GAZESIM_SIMD` set to each level that the"
        " processor has, in the same rounds. Most processors have AVX2.",
        by_level(rows),
        "## Goals",
        table(
            ["what", "bound", "aim", "measured", "met"],
            [[goal.name, goal.bound, goal.aim, goal.measured, said[goal.met]] for goal in goals],
        ),
        "## Two threads against one",
        table(
            ["scheme", *(f"n = {count}" for count in next(iter(extra["two_threads"].values())))],
            [
                [name, *(spread(one) for one in sizes.values())]
                for name, sizes in extra["two_threads"].items()
            ],
        ),
    ]
    if missing:
        parts.append(f"Not installed, so not compared: {', '.join(missing)}.")
    return "\n\n".join(parts) + "\n"


def by_level(rows: list[Row]) -> str:
    """Return the table of ratios at every level, AVX2 first."""
    levels = sorted(LEVELS, key=lambda level: level != "avx2")
    body = []
    for row in rows:
        cells = [
            " / ".join(times(spread.median) for spread in row.at_level[level].values()) for level in levels
        ]
        body.append([row.what, f"{row.size} {row.size_name}", row.peer, *cells])
    return table(["what", "size", "peer", *levels], body)


def picture(path: Path, rows: list[Row]) -> None:
    """Draw the time of a pair against the number of fixations, and all ratios."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, (left, right) = plt.subplots(
        1, 2, figsize=(13, 6.2), width_ratios=(1, 1.25), layout="constrained"
    )
    lines = sorted((row for row in rows if row.what == "MultiMatch"), key=lambda row: row.size)
    sizes = [row.size for row in lines]
    curves = {
        "multimatch_gaze": ([row.peer_seconds for row in lines], "#b04a3a"),
        "gazesim, 1 thread": ([row.our_seconds[1] for row in lines], "#7aa6c2"),
        "gazesim, 2 threads": ([row.our_seconds[2] for row in lines], "#1f5f8b"),
    }
    for name, (values, colour) in curves.items():
        left.loglog(sizes, [value * 1e6 for value in values], "o-", color=colour, label=name)
    for row in lines:
        below = (row.size, row.our_seconds[2] * 1e6)
        text = f"{row.ratios[2].median:,.0f} ×"
        left.annotate(text, below, (0, -20), textcoords="offset points", ha="center", fontsize=10)
    left.set_xticks(sizes, [str(size) for size in sizes])
    left.minorticks_off()
    left.margins(0.12)
    left.set(
        xlabel="fixations per scanpath", ylabel="time per pair (µs)", title="MultiMatch, all five dimensions"
    )
    left.grid(alpha=0.3)
    left.legend(loc="center left", frameon=False)
    bars(right, rows)
    figure.suptitle("How many times as fast as its peers gazesim is, same answers, one run")
    figure.savefig(path, dpi=130)
    plt.close(figure)


def bars(axes: Any, rows: list[Row]) -> None:
    """Draw the ratios at the largest size of every comparison."""
    largest: dict[tuple[str, str], Row] = {}
    for row in rows:
        if row.what not in ("MultiMatch", "MultiMatch, 30 fixations"):
            key = (row.what, row.peer)
            largest[key] = max(largest.get(key, row), row, key=lambda one: one.size)
    shown = sorted(largest.values(), key=lambda row: row.ratios[2].median)
    for place, row in enumerate(shown):
        for threads, colour, shift in ((1, "#7aa6c2", -0.19), (2, "#1f5f8b", 0.19)):
            value = row.ratios[threads]
            error = [[value.median - value.least], [value.most - value.median]]
            label = f"{threads} thread{'s' * (threads > 1)}" if place == 0 else None
            # From 1 on: what lies to the left of it is slower than the peer.
            style = {"left": 1, "color": colour, "xerr": error, "ecolor": "#555555", "label": label}
            axes.barh(place + shift, value.median - 1, 0.36, **style)
        end = max(1.0, *(row.ratios[threads].most for threads in (1, 2)))
        axes.text(end * 1.2, place, f"{times(row.ratios[2].median)} ×", va="center", fontsize=9)
    axes.axvline(1, color="#333333", linewidth=1)
    axes.set_xscale("log")
    spreads = [row.ratios[threads] for row in shown for threads in (1, 2)]
    axes.set_xlim(min(one.least for one in spreads) / 2, max(one.most for one in spreads) * 6)
    names = [f"{row.what}\n{row.peer}, {row.size} {row.size_name}" for row in shown]
    axes.set_yticks(range(len(shown)), names, fontsize=8)
    axes.set(
        xlabel="ratio of times, peer / gazesim (least, median, most)", title="Other kernels, largest size"
    )
    axes.grid(axis="x", alpha=0.3)
    axes.legend(loc="lower right", frameon=False)
