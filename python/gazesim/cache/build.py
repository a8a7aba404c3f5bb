"""Build a cache: compute blocks in a hidden folder beside it, then put all files in place at once.

The hidden folder ``.NAME.building`` holds ``plan.json``, ``features.npz`` and one file per finished
block (for nn-descent the graph after its last round), each renamed into place when it is complete. A
killed build leaves only whole files; the next one with the same plan continues from them. When all
blocks exist, the files of the cache are written to ``final``, and that folder is renamed to NAME.
"""

from __future__ import annotations

import contextlib
import dataclasses
import itertools
import json
import shutil
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._progress import ProgressBar
from ..schemes.features import Features
from . import store
from .approximate import GRAPH_FILE, approximate
from .blocks import has_block, read_dense, read_entries, write_block
from .manifest import (
    MATRIX_FILE,
    checksum_of,
    draft,
    ids_from_json,
    read_manifest,
    scheme_from_json,
    write_manifest,
)
from .placement import Placement
from .plan import SIZE_IMAGES, Block, Plan, arranged, sample_matrix
from .selection import selection_from_json
from .store import CacheError, FolderLock

#: Cells of the matrix that are put together at a time: 32 MB.
CELLS = 1 << 23

Matrix = Any  # NDArray[np.float32] | scipy.sparse.csr_array, which has no types


@dataclass(frozen=True)
class Base:
    """The opened cache that a build extends."""

    manifest: dict[str, Any]
    matrix: Matrix


def building_folder(path: Path) -> Path:
    """Return the hidden folder in which the cache at ``path`` is built."""
    return path.with_name(f".{path.name}.building")


def build(
    path: Path,
    plan: Plan,
    *,
    base: Base | None = None,
    n_threads: int | None = None,
    progress: bool = False,
    client: Any = None,
) -> None:
    """Build the cache of a plan, or finish an earlier build of it; ``base`` is the cache that it extends."""
    folder = building_folder(path)
    refuse_other_files(path)
    with store.explain_full_disk(path.parent), FolderLock(folder) as lock, removed_if_empty(folder, lock):
        recover(path)
        if not is_finished(path, plan, base):
            prepare(folder, plan)
            if plan.selection is not None and plan.selection.method is not None:
                matrix, known = approximate(plan, folder, n_threads=n_threads, progress=progress)
                clean(folder)
                install(path, manifest_of(known), iter([csr_bytes(matrix)]), plan.features)
            else:
                compute(folder, plan, plan.blocks, n_threads=n_threads, progress=progress, client=client)
                finalize(path, plan, None if base is None else base.matrix)
        lock.remove_folder()


def build_share(
    path: Path, plan: Plan, share: tuple[int, int], *, n_threads: int | None = None, progress: bool = False
) -> int:
    """Compute the blocks of share ``(i, n)``, 1 ≤ i ≤ n, beside other shares; return their number."""
    folder = building_folder(path)
    refuse_other_files(path)
    number, count = share
    name = f"share-{number}-of-{count}.lock"
    with (
        store.explain_full_disk(path.parent),
        FolderLock(folder, shared=True),
        FolderLock(folder, name=name),
    ):
        if is_finished(path, plan):
            return 0
        prepare(folder, plan, alone=False)
        blocks = plan.blocks[number - 1 :: count]
        compute(folder, plan, blocks, n_threads=n_threads, progress=progress)
    return len(blocks)


def merge(path: Path) -> None:
    """Make the cache of the blocks that all shares have computed."""
    folder = building_folder(path)
    if not folder.is_dir():
        if path.is_dir():
            return
        raise FileNotFoundError(f"{folder} does not exist; expected shares of {path} to have been built")
    with store.explain_full_disk(path.parent), FolderLock(folder) as lock:
        recover(path)
        if (folder / "plan.json").exists():
            plan = read_plan(folder)
            missing = [block.index for block in plan.blocks if not has_block(folder, plan, block)]
            if missing:
                raise CacheError(
                    f"{path}: {len(missing)} of {len(plan.blocks)} blocks are missing (the first is "
                    f"{missing[0] + 1}); expected every share to have finished"
                )
            clean(folder)
            finalize(path, plan, None)
        lock.remove_folder()


def refuse_other_files(path: Path) -> None:
    """Raise if something other than a cache is at ``path``."""
    if path.is_file() or (path.is_dir() and any(path.iterdir()) and not (path / "manifest.json").exists()):
        raise FileExistsError(f"{path} exists and is not a cache; expected a new or empty folder")


@contextlib.contextmanager
def removed_if_empty(folder: Path, lock: FolderLock) -> Iterator[None]:
    """Remove the hidden folder if a build fails before its first block or graph."""
    try:
        yield
    except BaseException:
        named = [folder / GRAPH_FILE, folder / "replaced", *folder.glob("block-*")]
        if not any(file.exists() for file in named):
            lock.remove_folder()
        raise


def recover(path: Path) -> None:
    """Finish the last steps of a process that was killed while it put the files in place."""
    folder = building_folder(path)
    if (folder / "replaced").exists() and not path.exists():
        (folder / "final").rename(path)
    elif path.exists() and ((folder / "replaced").exists() or (folder / "replaced").is_symlink()):
        store.remove(folder / "replaced")  # the swap is complete, its tidying up was interrupted
    if (folder / "plan.json").exists() and (path / "manifest.json").exists():
        plan = json.loads((folder / "plan.json").read_bytes())
        if same_result(read_manifest(path), plan["manifest"]):
            for entry in folder.iterdir():
                if entry.suffix != ".lock" and entry.name != "lock":
                    store.remove(entry)


def finish_swap(path: Path) -> None:
    """Put an appended cache in place if its process was killed between the two renames."""
    if not path.exists() and (building_folder(path) / "replaced").exists():
        with FolderLock(building_folder(path)):
            recover(path)


def is_finished(path: Path, plan: Plan, base: Base | None = None) -> bool:
    """Return whether the cache of the plan exists; raise FileExistsError if ``path`` holds another one."""
    if not (path / "manifest.json").exists():
        return False
    found, wanted = read_manifest(path), manifest_of(plan)
    if same_result(found, wanted):
        return True
    if base is None:
        raise FileExistsError(
            f"{path} holds another cache ({difference(found, wanted)}); expected a new folder"
        )
    require_same(path, base.manifest)
    return False


def require_same(path: Path, manifest: dict[str, Any]) -> None:
    """Raise if the cache is no longer the one whose manifest was read."""
    if read_manifest(path) != manifest:
        raise CacheError(f"{path} was changed after it was opened; expected it to be opened again")


def same_result(found: dict[str, Any], wanted: dict[str, Any]) -> bool:
    """Return whether two manifests describe the same result, whatever release wrote them."""
    return all(
        without_recall(found.get(name)) == without_recall(value)
        for name, value in wanted.items()
        if name not in ("library", "version") and (name in found or name != "geometry")
    )


def without_recall(part: Any) -> Any:
    """Return a field of a manifest without the recall, which is known only after the search."""
    return {k: v for k, v in part.items() if k != "recall"} if isinstance(part, dict) else part


def difference(found: dict[str, Any], wanted: dict[str, Any]) -> str:
    """Return a description of the first difference between two manifests."""
    for name in ("scheme", "selection", "reduce"):
        if found.get(name) != wanted.get(name):
            return f"its {name} is {found.get(name)}, not {wanted.get(name)}"
    if found.get("inputs") == wanted["inputs"] and found.get("geometry") != wanted["geometry"]:
        return "built with another screen, placement or width of maps, or without a word of them"
    return "of other gazes or ids"


def manifest_of(plan: Plan) -> dict[str, Any]:
    """Return the manifest of the finished cache, without its files."""
    selection = None if plan.selection is None else plan.selection.to_json()
    return draft(
        ids=plan.ids,
        features=plan.features,
        selection=selection,
        reduce=plan.reduce,
        placement=plan.placement,
    )


def prepare(folder: Path, plan: Plan, *, alone: bool = True) -> None:
    """Write the plan and the features, or check that those of an unfinished build are the same."""
    wanted: dict[str, Any] = {
        "manifest": manifest_of(plan),
        "block_pairs": plan.block_pairs,
        "known": plan.known,
    }
    path = folder / "plan.json"
    if path.exists():
        found = json.loads(path.read_bytes())
        same = all(found[name] == wanted[name] for name in ("block_pairs", "known"))
        if not same or not same_result(found["manifest"], wanted["manifest"]):
            raise FileExistsError(
                f"{folder} holds an unfinished build ({difference(found['manifest'], wanted['manifest'])}); "
                "expected the same build again, or delete that folder"
            )
    if alone:
        clean(folder)
    store.require_space(folder, bytes_needed(folder, plan))
    if not path.exists():
        store.write(folder / "features.npz", [features_bytes(plan.features)])
        store.write(path, [json.dumps(wanted).encode()])


def clean(folder: Path) -> None:
    """Remove files that killed processes left unfinished."""
    for draft_file in folder.glob("*.tmp"):
        draft_file.unlink()
    if (folder / "final").exists():
        shutil.rmtree(folder / "final")


def bytes_needed(folder: Path, plan: Plan) -> int:
    """Return the number of bytes that the rest of a build will write; with a threshold, an estimate."""
    small = 3 * (plan.features.values.nbytes + 64 * len(plan))
    cells = [(block.end - block.start) * (len(plan) - block.first) for block in plan.blocks]
    if plan.selection is None:
        left = sum(size for size, b in zip(cells, plan.blocks, strict=True) if not has_block(folder, plan, b))
        return small + 4 * (left + len(plan) ** 2)
    if plan.selection.top_k is not None:
        # A graph is replaced by the next one: for a moment there are two.
        graphs = 2 * 8 * len(plan) * (plan.selection.graph_k or 0)
        return small + graphs + 2 * 28 * len(plan) * min(len(plan), plan.selection.top_k + 1)
    sample = sample_matrix(plan, SIZE_IMAGES)
    kept = len(plan.selection.entries(sample, 0, 0)[0]) / max(1, sample.size)
    return small + int(kept * (20 * sum(cells) + 8 * len(plan) ** 2))


def features_bytes(features: Features) -> bytes:
    """Return the content of features.npz."""
    arrays: dict[str, NDArray[Any]] = {"values": features.values}
    if features.offsets is not None:
        arrays["offsets"] = features.offsets
    if features.map_size_hw is not None:
        arrays["map_size"] = np.array(features.map_size_hw, np.int64)
    return store.npz_bytes(arrays)


def read_features(folder: Path, manifest: dict[str, Any]) -> Features:
    """Return the features of a finished or unfinished cache, checked against the manifest."""
    scheme = scheme_from_json(manifest["scheme"])
    if scheme is None:
        raise ValueError(f"{folder} was imported from a matrix; it holds no features")
    ids = ids_from_json(manifest["ids"] if manifest["gazes"] is None else manifest["gazes"])
    path = folder / "features.npz"
    arrays = store.read_npz(path)
    try:
        features = Features(scheme, arrays["values"], arrays.get("offsets"), ids)
        if "map_size" in arrays:  # absent where older versions wrote the cache
            height, width = arrays["map_size"].tolist()
            features.map_size_hw = (height, width)
        same = checksum_of(features) == manifest["inputs"]
    except (KeyError, ValueError, IndexError, TypeError) as error:
        raise CacheError(f"{path} does not fit the manifest: {error}") from None
    if not same:
        raise CacheError(f"{path} does not match the checksum in the manifest; it was changed or damaged")
    return features


def read_plan(folder: Path) -> Plan:
    """Return the plan of an unfinished build."""
    found = json.loads((folder / "plan.json").read_bytes())
    if found["known"]:
        raise CacheError(f"{folder} holds an unfinished append; expected the same append to be called again")
    manifest = found["manifest"]
    features = read_features(folder, manifest)
    plan = arranged(
        features, manifest["reduce"], selection_from_json(manifest["selection"]), found["block_pairs"]
    )
    placement = Placement.from_json(manifest.get("geometry"), features.ids)
    return dataclasses.replace(plan, placement=placement)


def compute(
    folder: Path,
    plan: Plan,
    blocks: Sequence[Block],
    *,
    n_threads: int | None = None,
    progress: bool = False,
    client: Any = None,
) -> None:
    """Compute the missing blocks, here or on the workers of ``client``."""
    missing = [block for block in blocks if not has_block(folder, plan, block)]
    total = sum(plan.pairs(block) for block in blocks)
    left = sum(plan.pairs(block) for block in missing)
    done = total - left
    with ProgressBar(total=total, initial=done, unit=" pairs", unit_scale=True, disable=not progress) as bar:
        if client is not None:
            from .dask import compute_blocks

            for block in compute_blocks(client, folder, plan, missing, n_threads):
                bar.update(plan.pairs(block))
            return
        with ThreadPoolExecutor(1) as writer:  # a block is written while the next one is computed
            written: Future[None] | None = None
            for block in missing:

                def advance(pairs: int, base: int = done) -> None:
                    bar.update(base + pairs - bar.n)

                part = plan.compute(block, n_threads=n_threads, advance=advance if progress else None)
                if written is not None:
                    written.result()
                written = writer.submit(write_block, folder, plan, block, part)
                done += plan.pairs(block)
                bar.update(done - bar.n)
            if written is not None:
                written.result()


def finalize(path: Path, plan: Plan, old: Matrix) -> None:
    """Join the blocks to the files of the cache in ``final`` and rename that folder to ``path``."""
    folder = building_folder(path)
    if plan.selection is None:
        header = store.npy_header((len(plan), len(plan)), np.dtype(np.float32))
        matrix: Iterator[bytes | memoryview] = itertools.chain([header], dense_rows(folder, plan, old))
    else:
        matrix = iter([neighbors_bytes(folder, plan, old)])
    install(path, manifest_of(plan), matrix, plan.features)


def install(path: Path, manifest: dict[str, Any], matrix: Any, features: Features | None) -> None:
    """Write all files of a cache to ``final`` and rename it to ``path``, which is then complete."""
    folder = building_folder(path)
    final = folder / "final"
    final.mkdir()
    name = MATRIX_FILE[manifest["kind"]]
    files = {name: store.write(final / name, matrix)}
    if features is not None:
        files["features.npz"] = store.write(final / "features.npz", [features_bytes(features)])
    write_manifest(final, manifest, files)
    store.sync_folder(final)
    if (path / "manifest.json").exists():
        path.rename(folder / "replaced")
    elif path.exists():
        path.rmdir()
    final.rename(path)
    store.sync_folder(path.parent)


def dense_rows(folder: Path, plan: Plan, old: Matrix) -> Iterator[memoryview]:
    """Yield the rows of the matrix, some at a time: each block, with the mirror image of earlier ones.

    Blocks are mapped one by one, so that neither memory nor open files grow with their number. The next
    rows overwrite the yielded buffer.
    """
    height = max(1, CELLS // max(1, len(plan)))
    buffer = np.empty((min(height, len(plan)), len(plan)), np.float32)
    for block in plan.blocks:
        part = read_dense(folder, plan, block)
        for start in range(block.start, block.end, height):
            end = min(start + height, block.end)
            rows = buffer[: end - start]
            rows[:, block.first :] = part[start - block.start : end - block.start]
            if block.start < plan.known:
                rows[:, : plan.known] = old[start:end]
            else:
                for other in plan.blocks[: block.index]:
                    strip = read_dense(folder, plan, other)[:, start - other.first : end - other.first]
                    rows[:, other.start : other.end] = strip.T
            yield rows.data


def neighbors_bytes(folder: Path, plan: Plan, old: Matrix) -> bytes:
    """Return the content of neighbors.npz: all selected entries, sorted by row and column."""
    from scipy.sparse import csr_array

    assert plan.selection is not None
    pieces = [(np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0, np.float32))]
    for block in plan.blocks:
        rows, columns, data = read_entries(folder, plan, block)
        pieces.append((rows, columns, data))
        if plan.selection.top_k is None:
            beyond = columns >= block.end  # the block holds both triangles of its own square
            pieces.append((columns[beyond], rows[beyond], data[beyond]))
    if old is not None:
        known = old.tocoo()
        pieces.append((known.row.astype(np.int64), known.col.astype(np.int64), known.data))
    together = [np.concatenate(column) for column in zip(*pieces, strict=True)]
    rows, columns, data = plan.selection.merged((together[0], together[1], together[2]))
    return csr_bytes(csr_array((data, (rows, columns)), shape=(len(plan), len(plan))))


def csr_bytes(matrix: Matrix) -> bytes:
    """Return the content of neighbors.npz for a CSR matrix."""
    matrix.sort_indices()
    index = np.int32 if matrix.shape[0] < 2**31 else np.int64
    return store.npz_bytes(
        {
            "indptr": matrix.indptr.astype(np.int64),
            "indices": matrix.indices.astype(index),
            "data": matrix.data.astype(np.float32),
        }
    )
