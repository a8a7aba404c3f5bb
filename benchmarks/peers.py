"""The other libraries, each behind a function that takes what gazesim takes."""

from __future__ import annotations

import importlib.util
from typing import Any

import numpy as np
from numpy.typing import NDArray

MODULES = {
    "multimatch_gaze": "multimatch_gaze",
    "dtaidistance": "dtaidistance",
    "OpenCV": "cv2",
    "ImageHash": "imagehash",
    "faiss": "faiss",
    "scikit-learn": "sklearn",
    "NumPy twin": "numpy",
    "Python loop": "numpy",
    "SciPy": "scipy",
    "traj-dist-rs": "traj_dist_rs",
}


def available(peer: str) -> bool:
    """Return whether the peer is installed."""
    return importlib.util.find_spec(MODULES[peer]) is not None


_threads = 1


def use_threads(count: int) -> None:
    """Let every peer that has threads use that many."""
    global _threads
    _threads = count  # for traj-dist-rs, which knows one thread or all
    if available("OpenCV"):
        import cv2

        cv2.setNumThreads(count)
    if available("faiss"):
        import faiss

        faiss.omp_set_num_threads(count)
    if available("scikit-learn"):
        controller().limit(limits=count)


def controller() -> Any:
    """Return what sets the threads of BLAS and OpenMP; finding their libraries takes a while."""
    global _controller
    if _controller is None:
        import sklearn.metrics.pairwise  # noqa: F401  loads the libraries that are then found
        import threadpoolctl

        _controller = threadpoolctl.ThreadpoolController()
    return _controller


_controller: Any = None


def to_record(gaze: NDArray[np.float64]) -> NDArray[Any]:
    """Return the structured array that multimatch_gaze takes."""
    record = np.empty(len(gaze), {"names": ("start_x", "start_y", "duration"), "formats": ("f8",) * 3})
    record["start_x"], record["start_y"], record["duration"] = gaze.T
    return record


def multimatch(a: NDArray[Any], b: NDArray[Any], screen_size: tuple[int, int]) -> list[float]:
    """Return the five similarities of two records."""
    import multimatch_gaze

    five: list[float] = multimatch_gaze.docomparison(a, b, screensize=screen_size)
    return five


def dtw(sequences: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the DTW distances of one-dimensional sequences, above the diagonal, with absolute cost."""
    from dtaidistance import dtw as library

    distances: NDArray[np.float64] = library.distance_matrix(
        list(sequences), use_c=True, parallel=False, compact=True, inner_dist="euclidean"
    )
    return np.asarray(distances)


def hammings(hashes: NDArray[np.uint64], out: NDArray[np.int32]) -> NDArray[np.int32]:
    """Write all Hamming distances of 64-bit hashes into ``out``."""
    import faiss

    count, data = len(hashes), hashes.view(np.uint8)
    faiss.hammings(faiss.swig_ptr(data), faiss.swig_ptr(data), count, count, 8, faiss.swig_ptr(out))
    return out


def cosine(bits: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the cosines of bit vectors."""
    from sklearn.metrics.pairwise import cosine_similarity

    return np.asarray(cosine_similarity(bits))


def dbscan(points: NDArray[np.float64], eps: float, min_samples: int) -> NDArray[np.int64]:
    """Return the labels of DBSCAN."""
    from sklearn.cluster import DBSCAN

    return np.asarray(DBSCAN(eps=eps, min_samples=min_samples).fit(points).labels_)


def gaze_moments(heatmap: NDArray[Any]) -> list[float]:
    """Return μ00 and φ1."""
    import cv2

    m = cv2.moments(heatmap)
    return [m["m00"], (m["mu20"] + m["mu02"]) / m["m00"] ** 2]


def hu_moments(heatmap: NDArray[Any]) -> NDArray[np.float64]:
    """Return Hu's seven invariants."""
    import cv2

    return np.asarray(cv2.HuMoments(cv2.moments(heatmap)))[:, 0]


def shrink(heatmap: NDArray[Any], size: tuple[int, int]) -> NDArray[Any]:
    """Return the heatmap averaged over the areas of ``size`` (width, height)."""
    import cv2

    return np.asarray(cv2.resize(heatmap, size, interpolation=cv2.INTER_AREA))


def image_hash(image: Any) -> NDArray[np.bool_]:
    """Return the (8, 8) bits of a Pillow image: does a cell exceed the one to its left?"""
    import imagehash

    return np.asarray(imagehash.dhash(image, hash_size=8).hash)


def trajectories(points: list[NDArray[np.float64]], what: str) -> NDArray[np.float64]:
    """Return DTW or discrete Fréchet distances of all pairs, on the threads of :func:`use_threads`."""
    import traj_dist_rs

    kind = traj_dist_rs.Metric.dtw if what == "DTW" else traj_dist_rs.Metric.discret_frechet
    return np.asarray(traj_dist_rs.pdist(points, metric=kind("euclidean"), parallel=_threads > 1))


def hausdorff(a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
    """Return the Hausdorff distance of two scanpaths."""
    from scipy.spatial.distance import directed_hausdorff

    a, b = a[:, :2], b[:, :2]
    return float(max(directed_hausdorff(a, b)[0], directed_hausdorff(b, a)[0]))


def mannan(a: NDArray[np.float64], b: NDArray[np.float64], screen: tuple[int, int]) -> float:
    """Return the Mannan distance of two scanpaths."""
    from scipy.spatial.distance import cdist

    squares = cdist(a[:, :2], b[:, :2], "sqeuclidean")
    both = squares.min(axis=1).mean() + squares.min(axis=0).mean()
    return float(np.sqrt(both / 2 / (screen[0] ** 2 + screen[1] ** 2)))


def eyenalysis(a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
    """Return the Eyenalysis distance of two scanpaths."""
    from scipy.spatial.distance import cdist

    far = cdist(a[:, :2], b[:, :2])
    return float((far.min(axis=1).sum() + far.min(axis=0).sum()) / max(far.shape))
