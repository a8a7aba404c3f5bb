"""The compiled heart of gazesim. Private: use the functions of ``gazesim`` itself."""

from collections.abc import Callable
from typing import Any, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "__version__",
    "check_scanpaths",
    "dbscan_labels",
    "detect_fixations",
    "dhash_affinity",
    "dhash_features",
    "dhash_neighbors",
    "hu_moments",
    "measure_affinity",
    "measure_neighbors",
    "measure_values",
    "moments_affinity",
    "moments_features",
    "moments_neighbors",
    "multimatch_affinity",
    "multimatch_dimensions",
    "multimatch_features",
    "multimatch_neighbors",
    "random_crop",
    "render_heatmaps",
    "resize_heatmaps",
    "sample_view",
    "simd_level",
    "simd_levels",
    "tima_affinity",
    "tima_features",
    "tima_neighbors",
    "view_iou",
]

__version__: str

def simd_level() -> str: ...
def simd_levels() -> list[str]: ...

_Ragged: TypeAlias = tuple[NDArray[np.float64], NDArray[np.int64]]
_Maps: TypeAlias = NDArray[np.uint8] | NDArray[np.float32] | NDArray[np.float64]
_Progress: TypeAlias = Callable[[int], None]
_Csr: TypeAlias = tuple[
    NDArray[np.int64], NDArray[np.int32], NDArray[np.float32], tuple[float, int, int] | None
]

class _Grouping(Protocol):
    @property
    def amplitude_px(self) -> float: ...
    @property
    def direction_deg(self) -> float: ...
    @property
    def duration(self) -> float: ...

class _ScreenGeometry(Protocol):
    @property
    def size_px(self) -> tuple[float, float]: ...
    @property
    def size_cm(self) -> tuple[float, float]: ...
    @property
    def distance_cm(self) -> float: ...

def check_scanpaths(scanpaths: _Ragged, argument: str) -> None: ...
def detect_fixations(
    samples: _Ragged,
    argument: str,
    *,
    rule: dict[str, float],
    minimum_duration: float,
    max_gap: float,
    geometry: _ScreenGeometry | None = None,
    n_threads: int | None = None,
) -> tuple[NDArray[np.float64], NDArray[np.int64]]: ...
def render_heatmaps(
    scanpaths: _Ragged,
    out: NDArray[np.float64],
    *,
    sigma_px: float,
    weighted: bool = True,
    n_threads: int | None = None,
    progress: _Progress | None = None,
) -> None: ...
def resize_heatmaps(
    heatmaps: _Maps, *, size: Any, interpolation: str, n_threads: int | None = None
) -> NDArray[np.float64]: ...
def multimatch_features(
    scanpaths: _Ragged, *, min_fixations: int, grouping: _Grouping | None = None, argument: str = "scanpaths"
) -> tuple[NDArray[np.float64], NDArray[np.int64]]: ...
def moments_features(
    heatmaps: _Maps,
    *,
    size: Any = None,
    argument: str = "heatmaps",
    first: int = 0,
    n_threads: int | None = None,
) -> NDArray[np.float64]: ...
def hu_moments(
    heatmaps: _Maps, *, argument: str = "heatmaps", first: int = 0, n_threads: int | None = None
) -> NDArray[np.float64]: ...
def dhash_features(
    heatmaps: _Maps,
    *,
    hash_size: int,
    axis: str,
    interpolation: str,
    margin: float,
    argument: str = "heatmaps",
    first: int = 0,
    n_threads: int | None = None,
) -> NDArray[np.uint64]: ...
def tima_features(
    scanpaths: _Ragged,
    *,
    image_size: Any,
    eps: float,
    sigma_px: float,
    min_samples: float,
    argument: str = "scanpaths",
    n_threads: int | None = None,
    progress: _Progress | None = None,
) -> tuple[NDArray[np.float64], NDArray[np.int64]]: ...
def dbscan_labels(points: NDArray[np.float64], *, eps: float, min_samples: int) -> list[int]: ...
def multimatch_affinity(
    features: _Ragged,
    other: _Ragged | None,
    out: NDArray[np.float32],
    *,
    screen_size: Any,
    weights: Any,
    alignment: str,
    n_threads: int | None = None,
    progress: _Progress | None = None,
) -> None: ...
def multimatch_dimensions(
    features: _Ragged,
    other: _Ragged | None,
    out: NDArray[np.float64],
    *,
    screen_size: Any,
    alignment: str,
    n_threads: int | None = None,
    progress: _Progress | None = None,
    scalar: bool = False,
) -> None: ...
def moments_affinity(
    features: NDArray[np.float64],
    other: NDArray[np.float64] | None,
    out: NDArray[np.float32],
    *,
    alpha: float,
    n_threads: int | None = None,
    progress: _Progress | None = None,
) -> None: ...
def dhash_affinity(
    features: NDArray[np.uint64],
    other: NDArray[np.uint64] | None,
    out: NDArray[np.float32],
    *,
    n_threads: int | None = None,
    progress: _Progress | None = None,
) -> None: ...
def tima_affinity(
    features: _Ragged,
    other: _Ragged | None,
    out: NDArray[np.float32],
    *,
    weight_mass: float,
    n_threads: int | None = None,
    progress: _Progress | None = None,
) -> None: ...
def view_iou(
    gaze_maps: _Maps,
    boxes: NDArray[np.int64],
    *,
    kind: str,
    weighting: str,
    support: float,
    n_threads: int | None = None,
) -> NDArray[np.float64]: ...
def sample_view(
    gaze_map: _Maps,
    uniforms: NDArray[np.float64],
    *,
    kind: str,
    weighting: str,
    support: float,
    min_iou: float,
    scale: Any,
    ratio: Any,
    size: Any,
    max_tries: int | None,
    fallback: str,
    boxes: int,
) -> tuple[list[list[int]], float, int, bool, bool] | None: ...
def random_crop(
    image: tuple[int, int], uniforms: NDArray[np.float64], *, scale: Any, ratio: Any
) -> list[int]: ...
def multimatch_neighbors(
    features: _Ragged, search: dict[str, Any], *, screen_size: Any, weights: Any, alignment: str
) -> _Csr: ...
def moments_neighbors(features: NDArray[np.float64], search: dict[str, Any], *, alpha: float) -> _Csr: ...
def dhash_neighbors(features: NDArray[np.uint64], search: dict[str, Any]) -> _Csr: ...
def tima_neighbors(features: _Ragged, search: dict[str, Any], *, weight_mass: float) -> _Csr: ...
def measure_affinity(
    features: _Ragged,
    other: _Ragged | None,
    out: NDArray[np.float32],
    *,
    measure: dict[str, Any],
    n_threads: int | None = None,
    progress: _Progress | None = None,
) -> None: ...
def measure_values(
    features: _Ragged,
    other: _Ragged,
    out: NDArray[np.float64],
    *,
    measure: dict[str, Any],
    n_threads: int | None = None,
    progress: _Progress | None = None,
) -> None: ...
def measure_neighbors(features: _Ragged, search: dict[str, Any], *, measure: dict[str, Any]) -> _Csr: ...
