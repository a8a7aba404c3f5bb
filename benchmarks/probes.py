"""Measurements without a peer: neighbours, throughput, small batches, two threads against one."""

from __future__ import annotations

import json
import os
import shutil
import statistics
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np

import data
import gazesim
from timing import LEVELS, Effort, Spread, alternate

HERE = Path(__file__).resolve().parent
REPO = HERE.parent
SHARED = Path(os.environ.get("GAZESIM_SHARED", REPO.parent / "shared"))
SIZES = (4, 16, 64, 256, 1000, 3000)
#: The level at which all but the comparisons with peers are measured.
BEST = LEVELS[-1]


def fresh(name: str, count: int, file: str = "") -> dict[str, Any]:
    """Run one probe in a process of its own."""
    command = [sys.executable, str(HERE / "probe.py"), name, str(count)] + [file] * bool(file)
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"the probe {name} failed: {done.stderr.strip().splitlines()[-1]}")
    result: dict[str, Any] = json.loads(done.stdout)
    return result


def neighbors(quick: bool) -> dict[str, Any]:
    """Seconds and memory of neighbour searches on two threads."""
    osie = SHARED / "data" / "osie" / "fixations.mat"
    file = str(osie) if osie.exists() else ""
    count = 20_000 if quick else 100_000
    result = {
        "multimatch": fresh("multimatch", 2000 if quick else 10_500, file),
        "moments": fresh("moments", count),
        "dhash": fresh("dhash", count),
        "dhash_top_k": fresh("dhash_top_k", count),
    }
    result["multimatch"]["real_data"] = bool(file)
    return result


BEST = LEVELS[-1]


def import_seconds(times: int) -> float:
    """Median of a fresh process each time, after one that warms the disk's cache."""
    return statistics.median([fresh("import", 0)["seconds"] for _ in range(times + 1)][1:])


def throughput(quick: bool, effort: Effort) -> dict[str, float]:
    """Pairs per second and thread, and milliseconds of a training batch."""
    count = 2000 if quick else 8000
    out = np.empty((count, count), np.float32)
    moments, hashes = data.moments(count), data.hashes(count)
    clusters = data.clusters(500 if quick else 2000, 9)
    batch = data.scanpaths(32, 10)
    runs: dict[Any, Any] = {}
    for threads in (1, 2):
        use = {"n_threads": threads}
        runs["moments", threads] = (threads, BEST, lambda use=use: moments.affinity(out=out, **use))
        runs["dhash", threads] = (threads, BEST, lambda use=use: hashes.affinity(out=out, **use))
        runs["tima", threads] = (threads, BEST, lambda use=use: clusters.affinity(**use))
    runs["batch"] = (2, BEST, lambda: gazesim.affinity(batch, screen_size=data.SCREEN))
    median = {name: statistics.median(times) for name, times in alternate(runs, effort).items()}
    pairs = len(clusters) * (len(clusters) + 1) / 2
    result = {"batch_ms": median["batch"] * 1e3, "matrix_n": float(count)}
    for threads in (1, 2):
        result[f"moments_g_per_s_{threads}"] = count**2 / median["moments", threads] / 1e9
        result[f"dhash_g_per_s_{threads}"] = count**2 / median["dhash", threads] / 1e9
        result[f"tima_m_per_s_{threads}"] = pairs / median["tima", threads] / 1e6
    return result


def two_threads(quick: bool, effort: Effort) -> dict[str, dict[int, Spread]]:
    """How many times as fast two threads are as one, for each scheme and number of gazes."""
    result: dict[str, dict[int, Spread]] = {}
    for count in [size for size in SIZES if not quick or size <= 1000]:
        kinds = {
            "multimatch": gazesim.MultiMatch(data.SCREEN).features(data.scanpaths(count, 10)),
            "tima": data.clusters(count, 9),
            "moments": data.moments(count),
            "dhash": data.hashes(count),
        }
        for scheme, features in kinds.items():
            out = np.empty((count, count), np.float32)
            runs = {
                threads: (
                    threads,
                    BEST,
                    lambda threads=threads, features=features, out=out: features.affinity(
                        out=out, n_threads=threads
                    ),
                )
                for threads in (1, 2)
            }
            times = alternate(runs, effort)
            ratios = [one / two for one, two in zip(times[1], times[2], strict=True)]
            result.setdefault(scheme, {})[count] = Spread.of(ratios)
    return result


def ceiling() -> list[dict[str, float]]:
    """Return what the Criterion bench of that name prints, or nothing where cargo is missing."""
    if shutil.which("cargo") is None:
        warnings.warn("cargo is missing: the share of the ceiling is not measured", stacklevel=2)
        return []
    command = ["cargo", "bench", "--quiet", "--package", "gazesim-core", "--bench", "ceiling"]
    done = subprocess.run(command, cwd=REPO, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"cargo bench failed: {done.stderr.strip()[-500:]}")
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
