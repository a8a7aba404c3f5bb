"""How exact caches grow with Dask workers: measured on this machine's cores, simulated beyond them.

    python -m benchmarks.dask_workers --folder shared/data/osie

Measured: all pairs of OSIE (MultiMatch, the ten nearest are kept) by workers of one thread each. Simulated:
as many workers as asked for take blocks that sleep for a second, about what a block takes, so that only the
handling of blocks needs the processor; all of them share one process.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.million import scanpaths
from distributed import Client, LocalCluster

import gazesim

#: Blocks per worker of a simulation.
BLOCKS = 20


def measured(paths: gazesim.Scanpaths, workers: int) -> dict[str, Any]:
    """Build a cache with as many workers; return the wall time."""
    with (
        tempfile.TemporaryDirectory() as folder,
        LocalCluster(n_workers=workers, threads_per_worker=1, dashboard_address=None) as cluster,
        Client(cluster) as client,
    ):
        client.wait_for_workers(workers)
        start = time.perf_counter()
        gazesim.AffinityCache.build(
            Path(folder) / "cache", paths, scheme="multimatch", top_k=10, client=client
        )
        return {"workers": workers, "count": len(paths), "wall_s": round(time.perf_counter() - start, 2)}


def simulated(workers: int, block_s: float) -> dict[str, Any]:
    """Hand out blocks that sleep; return the share of the time in which a worker has one."""
    count = BLOCKS * workers
    with (
        LocalCluster(
            n_workers=workers, threads_per_worker=1, processes=False, dashboard_address=None
        ) as cluster,
        Client(cluster) as client,
    ):
        client.wait_for_workers(workers)
        wall, processor = time.perf_counter(), time.process_time()
        client.gather(client.map(lambda _: time.sleep(block_s), range(count), pure=False))
        wall, processor = time.perf_counter() - wall, time.process_time() - processor
    return {
        "workers": workers,
        "blocks": count,
        "block_s": block_s,
        "wall_s": round(wall, 2),
        "efficiency": round(count * block_s / (workers * wall), 3),
        "handling_ms": round(1000 * processor / count, 2),
    }


def main() -> None:
    """Measure and simulate."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--folder", type=Path, required=True, help="with fixations.mat of OSIE")
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--simulated", type=int, nargs="+", default=[2, 8, 32])
    parser.add_argument("--count", type=int, default=10500)
    told = parser.parse_args()
    paths = scanpaths(told.folder, told.count)
    for workers in told.workers:
        print(json.dumps(measured(paths, workers)), flush=True)
    for workers in told.simulated:
        print(json.dumps(simulated(workers, 1.0)), flush=True)


if __name__ == "__main__":
    main()
