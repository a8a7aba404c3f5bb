"""The command: which cells are missing, who runs them, and the report."""

from __future__ import annotations

import argparse
import concurrent.futures
import multiprocessing
import os
import sys
import threading
import traceback
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from gazesim._progress import ProgressBar

from . import __doc__ as about
from . import real_report, report
from .arms import Arm, chosen
from .cells import Cells
from .real_arms import LETTERS, RealArm, real_chosen
from .real_settings import FOLDER, USUAL, RealSettings
from .real_settings import SCALES as REAL_SCALES
from .settings import SCALES, SEEDS, Settings, changed, settings_for

RESULTS = Path(__file__).resolve().parent.parent / "results" / "study"
Task = tuple[Arm | RealArm, int]
#: By itself glibc gives the buffers of a step back to the kernel, which has to clear them for the next
#: one: a third of a step on a CPU. It reads these as a process starts.
KEEP_MEMORY = {
    "MALLOC_MMAP_THRESHOLD_": str(2**32),
    "MALLOC_TRIM_THRESHOLD_": str(2**33),
    "GLIBC_TUNABLES": "glibc.malloc.hugetlb=1",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the missing cells and write the report; return 1 if a cell failed."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.study",
        description=about,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    data = ("phantom", *LETTERS)
    parser.add_argument("--data", choices=data, default="phantom", help="which images; default %(default)s")
    parser.add_argument("--folder", type=Path, help="of real images: manifest.csv, fixations.csv, images")
    scales = dict.fromkeys(name for known in (SCALES, *REAL_SCALES.values()) for name in known)
    parser.add_argument("--scale", choices=scales, help="how large images and nets are; default cpu or small")
    parser.add_argument("--set", nargs="+", default=[], metavar="NAME=VALUE", help="change settings")
    parser.add_argument("--arms", nargs="+", default=[], help='arms as file names: "D-simclr-*"; default all')
    parser.add_argument("--seeds", nargs="+", type=int, default=SEEDS, help="default %(default)s")
    parser.add_argument("--jobs", type=int, default=1, help="processes; above 1, each has one thread")
    parser.add_argument("--out", type=Path, help="folder of the cells and the report")
    parser.add_argument("--list", action="store_true", help="tell arms and how many seeds are done")
    parser.add_argument("--report", action="store_true", help="write the report of what is there")
    given = parser.parse_args(arguments)
    try:
        groups, cells = phantom_study(given) if given.data == "phantom" else real_study(given)
        if given.list:
            tell(groups, given.seeds, cells)
            return 0
        failed = 0 if given.report else fill(cells, missing(groups, given.seeds, cells), given.jobs)
        wrote = report.write(cells) if given.data == "phantom" else real_report.write(cells, given.data)
    except ValueError as error:
        parser.exit(2, f"{parser.prog}: {error}\n")
    print(f"wrote {wrote} to {cells.folder}", file=sys.stderr)
    return 1 if failed else 0


def phantom_study(given: argparse.Namespace) -> tuple[list[list[Arm]], Cells]:
    """Return the arms on the phantom and their cells."""
    scale = checked_scale(given, SCALES, "cpu")
    return chosen(given.arms), Cells(given.out or RESULTS / scale, settings_for(scale, given.set))


def real_study(given: argparse.Namespace) -> tuple[list[list[RealArm]], Cells]:
    """Return the arms on real images and their cells."""
    usual, scales = USUAL[given.data], REAL_SCALES[given.data]
    scale = checked_scale(given, scales, usual)
    if given.folder is not None:
        os.environ[FOLDER] = str(given.folder.resolve())
    if not given.list and not given.report and FOLDER not in os.environ:
        raise ValueError("--folder is missing; expected the folder of the images and their gaze")
    out = given.out or RESULTS / (given.data if scale == usual else f"{given.data}-{scale}")
    settings = changed(scales[scale], given.set)
    groups = real_chosen(given.data, given.arms)
    if not settings.cutout_probability:
        groups = without_cutouts(groups, scale, are_named=bool(given.arms))
    return groups, Cells(out, settings)


def without_cutouts(groups: list[list[RealArm]], scale: str, are_named: bool) -> list[list[RealArm]]:
    """Return the arms without those whose views have holes, which a scale lacks; raise for named ones."""
    lacking = [arm.name for group in groups for arm in group if arm.what.cutout == "gaze"]
    if lacking and are_named:
        raise ValueError(
            f"--arms holds {lacking[0]}, and views of --scale {scale} have no holes; expected --scale small"
        )
    if lacking:
        print(f"{len(lacking)} arms are left out: views of --scale {scale} have no holes", file=sys.stderr)
    return [[arm for arm in group if arm.what.cutout != "gaze"] for group in groups]


def checked_scale(given: argparse.Namespace, scales: Iterable[str], usual: str) -> str:
    """Return the scale of the command, if the data have it."""
    scale: str = given.scale or usual
    if scale not in scales:
        raise ValueError(f"--scale is {scale!r}; expected {' or '.join(scales)} for {given.data}")
    return scale


def missing(groups: list[list[Arm]], seeds: Sequence[int], cells: Cells) -> list[Task]:
    """Return what is to do: group by group, in each all arms of a seed before the next seed."""
    tasks = [(arm, seed) for group in groups for seed in seeds for arm in group]
    return [task for task in tasks if not cells.has(*task)]


def tell(groups: list[list[Arm]], seeds: Sequence[int], cells: Cells) -> None:
    """Print every arm and how many of its seeds are done."""
    for group in groups:
        for arm in group:
            done = sum(cells.has(arm, seed) for seed in seeds)
            print(f"{done} of {len(seeds)}  {arm.name:28} {arm.what.label}")


def fill(cells: Cells, tasks: Sequence[Task], jobs: int) -> int:
    """Run cells, several processes at a time if ``jobs`` is above 1; return how many failed."""
    failed = 0
    with ProgressBar(total=len(tasks), unit=" cells", disable=not tasks) as bar:
        for (arm, seed), problem in _results(cells, tasks, jobs):
            if problem:
                failed += 1
                bar.write(f"{arm.name}, seed {seed} failed: {problem}", file=sys.stderr)
            bar.set_postfix_str(f"{arm.name}, seed {seed}", refresh=False)
            bar.update()
    return failed


def _results(cells: Cells, tasks: Sequence[Task], jobs: int) -> Iterator[tuple[Task, str | None]]:
    """Yield cells as they are finished, each with what went wrong."""
    if jobs == 1:
        for task in tasks:
            yield task, _run(task, cells.settings, cells.folder)
        return
    spawn = multiprocessing.get_context("spawn")  # a forked torch hangs
    os.environ.update({name: value for name, value in KEEP_MEMORY.items() if name not in os.environ})
    with concurrent.futures.ProcessPoolExecutor(jobs, spawn, initializer=_begin) as pool:
        running = {pool.submit(_run, task, cells.settings, cells.folder): task for task in tasks}
        try:
            for future in concurrent.futures.as_completed(running):
                yield running[future], future.result()
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _begin() -> None:
    """Prepare a process: one thread where there is no card, so that jobs do not fight for cores."""
    threading.Thread(target=_end_with_parent, daemon=True).start()
    os.environ["GAZESIM_NUM_THREADS"] = "1"
    import torch

    if not torch.cuda.is_available():
        torch.set_num_threads(1)


def _end_with_parent() -> None:
    """End this process when the one that started it is killed; it would wait for work for ever."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _run(task: Task, settings: Settings, folder: Path) -> str | None:
    """Run a cell; return what went wrong, so that the others go on."""
    # Here: the parent process needs no torch.
    if isinstance(settings, RealSettings):
        from .real_cell import run_real_cell as run_cell
    else:
        from .cell import run_cell

    cells = Cells(folder, settings)
    if cells.has(*task):  # another run of the study was faster
        return None
    try:
        cells.put(*task, run_cell(*task, settings))
    except Exception:
        return traceback.format_exc(limit=-4)
    return None
