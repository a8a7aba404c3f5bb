"""Time, memory and recall of the neighbours of 10^3 to 10^6 scanpaths: exact and by nn-descent.

    python -m benchmarks.million --folder shared/data/osie --count 2600 10500 100000

The scanpaths are those of OSIE (10,500); further ones are drawn from them, with noise on every fixation.
Each run is a process of its own, so that its memory is its own.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

import gazesim

#: Standard deviation of the noise on the fixations that are drawn again.
NOISE_PX = 30.0


def scanpaths(folder: Path, count: int) -> gazesim.Scanpaths:
    """Return scanpaths of OSIE in a random order, and noisy copies where more are asked for."""
    read = gazesim.read_scanpaths(folder / "fixations.mat", format="osie")
    known = [np.asarray(read[k]) for k in range(len(read))]
    width, height = 800, 600
    rng = np.random.default_rng(0)
    chosen = rng.permutation(len(known))[: min(count, len(known))]
    paths = [known[k] for k in chosen]
    for k in rng.integers(0, len(known), max(0, count - len(known))):
        path = known[k].copy()
        path[:, :2] = np.clip(
            path[:, :2] + rng.normal(0, NOISE_PX, (len(path), 2)), 0, (width - 1, height - 1)
        )
        paths.append(path)
    return gazesim.Scanpaths.from_list(paths, screen_size=(width, height))


def measure(
    folder: Path, count: int, method: str, scheme: str, threads: int, options: dict[str, int]
) -> dict:
    """Search once; return what it took and found."""
    paths = scanpaths(folder, count)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    wall, processor = time.perf_counter(), time.process_time()
    found = gazesim.neighbors(
        paths, scheme=scheme, top_k=10, method=method, n_threads=threads, errors="ignore", **options
    )
    return {
        "count": count,
        "method": method,
        "scheme": scheme,
        "threads": threads,
        "wall_s": round(time.perf_counter() - wall, 2),
        "processor_s": round(time.process_time() - processor, 2),
        "before_mb": before // 1024,
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
        **found.info,
    }


def main() -> None:
    """Measure every count and method."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--folder", type=Path, required=True, help="with fixations.mat of OSIE")
    parser.add_argument("--count", type=int, nargs="+", default=[1000, 2600, 10500])
    parser.add_argument("--method", nargs="+", default=["exact", "nn-descent"])
    parser.add_argument("--scheme", default="multimatch")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--graph_k", type=int, default=40)
    parser.add_argument("--here", action="store_true", help="measure one count in this process")
    told = parser.parse_args()
    for count in told.count:
        for method in told.method:
            if told.here:
                options = {} if method == "exact" else {"graph_k": told.graph_k}
                result = measure(told.folder, count, method, told.scheme, told.threads, options)
                print(json.dumps(result), flush=True)
                continue
            command = [sys.executable, "-m", "benchmarks.million", "--here", "--folder", str(told.folder)]
            command += ["--count", str(count), "--method", method, "--scheme", told.scheme]
            command += ["--threads", str(told.threads), "--graph_k", str(told.graph_k)]
            subprocess.run(command, check=True)


if __name__ == "__main__":
    main()
