"""The cost of keeping images and maps: processor time per epoch and memory per rank, for every mode.

    python -m benchmarks.kept --images 2000 --side 512 --size 224

Writes its images to a temporary folder. Each mode runs in its own process; "2 ranks" are two such processes
at the same time, and the numbers of the second are shown too. Views are plain copies, so that only reading
and keeping are measured.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from PIL import Image as Picture

MODES = ("float32", "mapped", "none", "uint8")
EPOCHS = 2
#: (workers, ranks); neither matters to what `uint8` and `none` hold.
RUNS = {
    "float32": ((0, 1), (2, 1), (0, 2)),
    "mapped": ((0, 1), (2, 1), (0, 2)),
}


def write_images(folder: Path, count: int, side: int) -> None:
    """Write smooth noise as PNG files of ``side`` pixels with gaze, and a manifest."""
    rng = np.random.default_rng(0)
    lines, gaze = ["id,image,split,gaze"], ["image_id,x,y,duration"]
    for i in range(count):
        small = Picture.fromarray(rng.integers(0, 256, (side // 8, side // 8)).astype(np.uint8))
        small.resize((side, side), Picture.Resampling.BICUBIC).save(folder / f"{i}.png", compress_level=1)
        lines.append(f"{i},{i}.png,train,gaze.csv")
        gaze += [f"{i},{x:.1f},{y:.1f},0.25" for x, y in rng.uniform(0, side, (12, 2))]
    (folder / "gaze.csv").write_text("\n".join(gaze))
    (folder / "m.csv").write_text("\n".join(lines))


def memory_mb(processes: list[int]) -> tuple[float, float]:
    """Return the memory of several processes in MB: their own, and their share of the pages of files."""
    own = of_files = 0.0
    for process in processes:
        for line in Path(f"/proc/{process}/smaps_rollup").read_text().splitlines():
            name, _, rest = line.partition(":")
            if name == "Pss_Anon":
                own += int(rest.split()[0]) / 1024
            elif name in ("Pss_File", "Pss_Shmem"):
                of_files += int(rest.split()[0]) / 1024
    return own, of_files


def processor_seconds() -> float:
    """Return the processor time of this process and of its ended children."""
    return sum(
        used.ru_utime + used.ru_stime
        for used in (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    )


def one(folder: str, mode: str, workers: int, size: int, wait_s: float) -> None:
    """Go through two epochs in this process and print what they took as JSON."""
    import torch

    from gazesim.train import GazeData, Views

    torch.set_num_threads(1)
    os.environ["GAZESIM_NUM_THREADS"] = "1"
    views = Views(
        crop="none", jitter=0, blur_probability=0, horizontal_flip=0, vertical_flip=0, mask_probability=1e-9
    )
    before = memory_mb([os.getpid()])
    data = GazeData(
        manifest=f"{folder}/m.csv", size=size, batch_size=50, memory=mode, num_workers=workers, views=views
    )
    start, wall = processor_seconds(), time.perf_counter()
    data.setup("fit")
    told: dict[str, object] = {"setup_s": processor_seconds() - start}
    told["setup_wall_s"] = time.perf_counter() - wall
    for epoch in range(EPOCHS):
        # New workers in every epoch, so that their time is counted when they end.
        loader = data.train_dataloader()
        loader.sampler.set_epoch(epoch)
        start, wall = processor_seconds(), time.perf_counter()
        for number, _ in enumerate(loader):
            if number == len(loader) - 1:
                time.sleep(wait_s)
                beside = [each.pid for each in loader._iterator._workers] if workers else []
                held = memory_mb([os.getpid(), *beside])
        loader._iterator = None
        del loader
        told[f"epoch{epoch}_s"] = processor_seconds() - start
        told[f"epoch{epoch}_wall_s"] = time.perf_counter() - wall
    told["own_mb"], told["files_mb"] = held[0] - before[0], held[1] - before[1]
    print(json.dumps(told))


def main() -> None:
    """Measure all modes and print a table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--images", type=int, default=2000)
    parser.add_argument("--side", type=int, default=512)
    parser.add_argument("--size", type=int, default=224)
    parser.add_argument("--modes", nargs="+", default=MODES, choices=MODES)
    parser.add_argument("--one", nargs=4)
    asked = parser.parse_args()
    if asked.one:
        folder, mode, workers, wait = asked.one
        one(folder, mode, int(workers), asked.size, float(wait))
        return
    with tempfile.TemporaryDirectory() as folder:
        write_images(Path(folder), asked.images, asked.side)
        print("| mode | workers | ranks | start, s | epoch 1, s | epoch 2, s | own MB | pages of files MB |")
        print("| --- | --- | --- | --- | --- | --- | --- | --- |")
        for mode in asked.modes:
            for workers, ranks in RUNS.get(mode, ((0, 1),)):
                words = [sys.executable, "-m", "benchmarks.kept", "--size", str(asked.size), "--one"]
                words += [folder, mode, str(workers), "3" if ranks == 2 else "0"]
                runs = [
                    subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
                    for _ in range(ranks)
                ]
                for run in runs:
                    out, err = run.communicate()
                    if run.returncode:
                        raise RuntimeError(err)
                    found = json.loads(out)
                    print(
                        f"| {mode} | {workers} | {ranks} | {found['setup_s']:.1f} | {found['epoch0_s']:.1f} "
                        f"| {found['epoch1_s']:.1f} | {found['own_mb']:.0f} | {found['files_mb']:.0f} |",
                        flush=True,
                    )


if __name__ == "__main__":
    main()
