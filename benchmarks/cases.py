"""What is compared with which peer, at which sizes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

import data
import gazesim
import peers
import scanpath_measures
from gazesim import _core
from timing import Case

#: Fixations, scanpaths of which gazesim compares all pairs, pairs that multimatch_gaze compares.
MULTIMATCH = ((10, 2000, 20), (30, 1200, 8), (100, 500, 1))
#: How the number of scanpaths changes the time of a pair of 30 fixations.
GROWTH = (32, 128, 512)


def cases(scale: float) -> Iterator[Case]:
    """Yield all cases; a ``scale`` below 1 makes them smaller."""

    def of(count: int) -> int:
        return max(8, round(count * scale))

    for fixations, count, pairs in MULTIMATCH:
        yield multimatch(fixations, of(count), pairs, by_fixations=True)
    for count in GROWTH:
        yield multimatch(30, of(count), 8, by_fixations=False)
    for length in (3, 9, 30):
        yield warping(length, of(500))
    for side in (64, 256, 512):
        maps = data.blobs(of(16), side)
        yield per_map("moments of a map", maps, peers.gaze_moments, moments_of)
        yield per_map("Hu invariants of a map", maps, peers.hu_moments, hu_of)
        yield per_map("shrink a map to 9 × 8", maps, lambda one: peers.shrink(one, (9, 8)), shrunk)
    for side in (64, 512):
        yield difference_hash(data.steps(of(16), side))
    for count in (250, 1000, 4000):
        yield hamming(of(count))
        yield cosine(of(count))
    for points in (100, 300):
        yield dbscan(points, 4)
    yield from scanpath_measures.measures(of)
    yield from twins(of(12))


def multimatch(fixations: int, count: int, pairs: int, *, by_fixations: bool) -> Case:
    paths = data.scanpaths(count, fixations)
    features = gazesim.MultiMatch(data.SCREEN).features(paths)
    records = [peers.to_record(path) for path in paths[: pairs + 1]]
    chosen = [(k, k + 1) for k in range(len(records) - 1)]

    def run_peer() -> Any:
        return [peers.multimatch(records[i], records[j], data.SCREEN) for i, j in chosen]

    def answers() -> tuple[Any, Any, float]:
        five = gazesim.multimatch(paths[: pairs + 1], screen_size=data.SCREEN)
        return run_peer(), [five[i, j] for i, j in chosen], 1e-9

    return Case(
        "MultiMatch" if by_fixations else "MultiMatch, 30 fixations",
        "multimatch_gaze",
        "pair",
        fixations if by_fixations else count,
        "fixations" if by_fixations else "scanpaths",
        answers,
        run_peer,
        len(chosen),
        lambda threads: features.affinity(n_threads=threads),
        count * (count + 1) // 2,
    )


def warping(length: int, count: int) -> Case:
    """TIMA's alignment of two moments against that of one number in dtaidistance."""
    binary = data.clusters(24, length, binary=True)
    features = data.clusters(count, length)
    sequences = features.values[:, 0].reshape(count, length) / 100

    def answers() -> tuple[Any, Any, float]:
        from gazesim.reference.tima import dtw

        masses = binary.values[:, 0].reshape(24, length)
        upper = np.triu_indices(24, 1)
        distances = peers.dtw(masses)
        pairs = [in_order(masses[i], masses[j]) for i, j in zip(*upper, strict=True)]
        twins = [dtw(np.abs(np.subtract.outer(a, b))) for a, b in pairs]
        # dtaidistance does not tell how many cells its path has; the twin does.
        theirs = [1 - distance / cells for distance, (_, cells) in zip(distances, twins, strict=True)]
        return theirs, binary.affinity()[upper], 1e-6

    return Case(
        "TIMA, sequences of clusters",
        "dtaidistance",
        "pair",
        length,
        "clusters",
        answers,
        lambda: peers.dtw(sequences),
        count * (count - 1) // 2,
        lambda threads: features.affinity(n_threads=threads),
        count * (count + 1) // 2,
    )


def in_order(a: Any, b: Any) -> tuple[Any, Any]:
    """Return both with the one first that gazesim takes as the first."""
    return (a, b) if a.tolist() <= b.tolist() else (b, a)


def moments_of(maps: Any, threads: int) -> Any:
    return _core.moments_features(maps, n_threads=threads)


def hu_of(maps: Any, threads: int) -> Any:
    return gazesim.hu_moments(maps, n_threads=threads)


def shrunk(maps: Any, threads: int) -> Any:
    return _core.resize_heatmaps(maps, size=(8, 9), interpolation="area", n_threads=threads)


def per_map(what: str, maps: Any, theirs: Callable[[Any], Any], ours: Callable[[Any, int], Any]) -> Case:
    def answers() -> tuple[Any, Any, float]:
        expected, got = np.array([theirs(one) for one in maps]), ours(maps, 1)
        scale = np.abs(expected).max(axis=0) + 1e-300  # Hu's invariants differ by orders of magnitude
        return expected / scale, got / scale, 2e-6

    return Case(
        what,
        "OpenCV",
        "map",
        maps.shape[1],
        "side",
        answers,
        lambda: [theirs(one) for one in maps],
        len(maps),
        lambda threads: ours(maps, threads),
        len(maps),
        peer_threads=True,
    )


def difference_hash(maps: Any) -> Case:
    def images() -> list[Any]:
        from PIL import Image

        return [Image.fromarray(one) for one in maps]

    def answers() -> tuple[Any, Any, float]:
        theirs = [peers.image_hash(image) for image in images()]
        words = gazesim.dhash(maps)[:, None].view(np.uint8)
        falling = np.unpackbits(words, axis=1, bitorder="little").reshape(-1, 8, 8)
        return theirs, 1 - falling, 0.0

    held: list[Any] = []
    keywords = {"hash_size": 8, "axis": "row", "interpolation": "area", "margin": 1 / 255}

    def run_peer() -> Any:
        if not held:
            held.extend(images())
        return [peers.image_hash(image) for image in held]

    return Case(
        "dHash of a map",
        "ImageHash",
        "map",
        maps.shape[1],
        "side",
        answers,
        run_peer,
        len(maps),
        lambda threads: _core.dhash_features(maps, n_threads=threads, **keywords),
        len(maps),
    )


def hamming(count: int) -> Case:
    features = data.hashes(count)
    words, set_bits = features.values, data.bits(count).sum(axis=1)
    distances, out = np.empty((count, count), np.int32), np.empty((count, count), np.float32)

    def answers() -> tuple[Any, Any, float]:
        common = (set_bits[:, None] + set_bits[None] - peers.hammings(words, distances)) / 2
        return common / np.sqrt(np.outer(set_bits, set_bits)), features.affinity(), 1e-6

    return Case(
        "dHash, whole matrix",
        "faiss",
        "pair",
        count,
        "maps",
        answers,
        lambda: peers.hammings(words, distances),
        count**2,
        lambda threads: features.affinity(n_threads=threads, out=out),
        count**2,
        peer_threads=True,
    )


def cosine(count: int) -> Case:
    features, bits = data.hashes(count), data.bits(count).astype(np.float32)
    return Case(
        "dHash, whole matrix",
        "scikit-learn",
        "pair",
        count,
        "maps",
        lambda: (peers.cosine(bits), features.affinity(), 1e-5),
        lambda: peers.cosine(bits),
        count**2,
        lambda threads: features.affinity(n_threads=threads),
        count**2,
        peer_threads=True,
    )


def dbscan(points: int, count: int) -> Case:
    rng = np.random.default_rng(points)
    sequences = [np.column_stack([rng.random((points, 2)), np.arange(points) / points]) for _ in range(count)]
    needed = points // 10 + 1

    def theirs() -> Any:
        return [peers.dbscan(one, 0.2, needed) for one in sequences]

    def ours(_: int = 1) -> Any:
        return [_core.dbscan_labels(one, eps=0.2, min_samples=needed) for one in sequences]

    return Case(
        "DBSCAN of a gaze sequence",
        "scikit-learn",
        "sequence",
        points,
        "points",
        lambda: (theirs(), ours(), 0.0),
        theirs,
        count,
        ours,
        count,
    )


def twins(count: int) -> Iterator[Case]:
    """Each scheme from gaze to matrix against its NumPy twin."""
    maps, paths = data.blobs(count, 64), data.scanpaths(count, 10)
    gaze = [path * [64 / data.SCREEN[0], 64 / data.SCREEN[1], 1] for path in data.scanpaths(count, 30)]
    everything = {
        "multimatch": (paths, {"screen_size": data.SCREEN}),
        "moments": (maps, {}),
        "dhash": (maps, {}),
        "tima": (gaze, {"image_size": (64, 64), "sigma_px": 3.0}),
    }
    for scheme, (gazes, params) in everything.items():
        yield twin(scheme, gazes, params)


def twin(scheme: str, gazes: Any, params: dict[str, Any]) -> Case:
    def theirs() -> Any:
        return gazesim.reference.affinity(gazes, scheme=scheme, **params)

    def ours(threads: int) -> Any:
        return gazesim.affinity(gazes, scheme=scheme, n_threads=threads, errors="ignore", **params)

    return Case(
        f"{scheme}, from gaze to matrix",
        "NumPy twin",
        "pair",
        len(gazes),
        "gazes",
        lambda: (theirs(), ours(1), 1e-6),
        theirs,
        len(gazes) ** 2,
        ours,
        len(gazes) ** 2,
    )
