"""``gazesim affinity``: gaze in, matrix and picture out."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..plots.affinity import HISTOGRAM_ROWS, off_diagonal, plot_affinity
from ..reading.features import features_of_gaze, placement_of
from ..reading.frames import ScreenMissing
from ..reading.placed import PlacedGaze
from ..reading.raw_samples import words_of_raw_samples
from ..schemes import SCHEMES, Grouping, Scheme, scheme_from, size_of
from ..schemes.features import Features
from . import say_next
from .caching import build_cache, check_options, merge_cache
from .options import option_words, options_of, words_of
from .reading import gaze_file_of, gaze_of_manifest, given, given_again, is_manifest, read_gaze, sizes_in

# Number of pairs above which a progress bar is shown.
LONG_PAIRS = 500_000


#: What the help shows: the usual options, and a command.
COMMON = (
    "scheme",
    "out",
    "plot",
    "cache",
    "threshold",
    "top_k",
    "quantile",
    "reduce",
    "screen_size",
    "n_threads",
)
EXAMPLE = "affinity gaze.csv --scheme multimatch --screen_size 1920,1080 --out A.npy --plot A.png"


def run(
    path: str,
    scheme: str = "multimatch",
    out: str | None = None,
    plot: str | None = None,
    weights: tuple[float, float, float, float, float] | None = None,
    grouping: tuple[float, float, float] | None = None,
    sigma_px: float | None = None,
    parameters: dict[str, Any] | None = None,
    n_threads: int | None = None,
    cache: str | None = None,
    threshold: float | None = None,
    top_k: int | None = None,
    quantile: float | None = None,
    reduce: str | None = None,
    method: str | None = None,
    images: str | None = None,
    sigma_deg: float | None = None,
    dask: str | None = None,
    block: str | None = None,
    merge: bool = False,
    **reading: Any,
) -> None:
    """Compare every gaze of a file or folder with every other.

    Args:
        path: A gaze file, a folder of gaze files, a manifest (a CSV with the columns id and image), or an
            .npy file of heatmaps (n, H, W).
        scheme: multimatch, moments, dhash, tima, scanmatch, string_edit, dtw, frechet, hausdorff,
            time_delay_embedding, recurrence, scasim, mannan or eyenalysis. moments and dhash compare
            heatmaps, which are drawn from scanpaths where these are given.
        out: Where to write the (n, n) float32 matrix, as .npy; the ids go beside it, as .ids.txt.
        plot: Where to draw the matrix and the histogram of its affinities, as .png.
        weights: MultiMatch's weights of shape, direction, length, position and duration, such as
            0.1,0.1,0.1,0.1,0.6.
        grouping: MultiMatch's simplification: amplitude in pixels, direction in degrees, duration in
            seconds, such as 160,45,0.3.
        sigma_px: Width of the Gaussian in pixels, for tima and for heatmaps drawn from scanpaths; default:
            18 for tima; for heatmaps 1 degree where the screen's size and distance are known, else 2.5 % of
            the screen width.
        parameters: Further parameters of the scheme, for example '{"alpha": 0.2}' or, for recurrence,
            '{"radius_px": 64}'.
        n_threads: Threads to use; default: GAZESIM_NUM_THREADS, then all available cores.
        cache: Folder of a cache to write, which training opens by id. A killed build resumes.
        threshold: Keep only pairs of at least this affinity in the cache.
        top_k: Keep only the k most similar others of every row in the cache.
        quantile: Keep only pairs above this quantile in the cache.
        reduce: mean or max over the readers of an image, or pool, one map of all of them; ids are then image
            ids.
        method: exact, or nn-descent: with --cache and --top_k, finds the neighbours by comparing only some of
            the pairs, and reports the share that it found (recall).
        images: A folder of images named after the image ids; their sizes give their places on the screen.
        sigma_deg: Width of the Gaussian of heatmaps in degrees, with screen_cm and distance_cm.
        dask: Address of a Dask scheduler whose workers compute the cache and see its folder.
        block: I/N: compute share I of N of the cache, as one job of an array.
        merge: Put the shares of the cache together; for the same command line as the shares.
    """
    asked = dict(locals())
    pooled = reduce == "pool"
    kept = {
        "threshold": threshold,
        "top_k": top_k,
        "quantile": quantile,
        "reduce": None if pooled else reduce,
        "method": method,
    }
    check_options(cache, dask, block, merge, kept)
    shown = [] if images is None else option_words("images", images)
    if cache is not None and merge:
        say(merge_cache(cache))
        say_next("inspect", cache, *shown)
        return
    if (out or plot) and (block or any(value is not None for value in kept.values())):
        raise ValueError(
            "--out and --plot need the whole matrix; expected them without --block or a selection"
        )
    settings: dict[str, Any] = dict(parameters or {})
    if weights is not None:
        settings["weights"] = weights
    if grouping is not None:
        settings["grouping"] = Grouping(*grouping)
    if scheme == "tima" and sigma_px is not None:
        settings["sigma_px"] = sigma_px
    if sigma_px is not None and scheme in SCHEMES and scheme not in ("moments", "dhash", "tima"):
        expected = "expected it with moments, dhash or tima"
        raise ValueError(f"--sigma_px is given, but {scheme} draws no map; {expected}")
    chosen = scheme_from(scheme, settings)
    for target in (out, plot):
        check_folder(target)

    gazes = load(path, chosen, {"sigma_px": sigma_px, "sigma_deg": sigma_deg}, images, **reading)
    start = time.perf_counter()
    placement = placement_of(chosen, gazes) if isinstance(gazes, PlacedGaze) else None
    if isinstance(gazes, PlacedGaze):
        tell_maps(chosen, gazes)
        if unlikely := words_of_raw_samples(chosen, gazes.paths, gaze_file_of(path)):
            say(f"gazesim: warning: {unlikely}")
        features = features_of_gaze(chosen, gazes, reduce="pool" if pooled else None, n_threads=n_threads)
    else:
        features = chosen.features(gazes, n_threads=n_threads)
    count = len(features)
    progress = count * count > LONG_PAIRS
    if cache is None:
        matrix = features.affinity(n_threads=n_threads, progress=progress, errors="ignore")
    else:
        opened, done = build_cache(
            features,
            cache,
            dask=dask,
            block=block,
            kept=kept,
            n_threads=n_threads,
            progress=progress,
            placement=placement,
        )
        say(done)
        if opened is None:
            say_next("affinity", path, "--cache", cache, "--merge")
            return
        if opened.selection is not None or opened.reduce is not None:
            say_next("inspect", cache, *shown)
            return
        matrix = opened.matrix
    seconds = time.perf_counter() - start
    say(f"{features.scheme!r}\n{count} gazes, {count * (count + 1) // 2} pairs in {seconds:.3g} s")
    if invalid := features.invalid_message(path):
        say(invalid)
    say(summary(matrix))
    if out is not None:
        write(out, matrix, features)
    if plot is not None:
        plot_affinity(matrix, plot, title=f"{Path(path).name}: {scheme} affinity of {count} gazes")
        say(f"wrote {plot}")
    if cache is not None:
        say_next("inspect", cache, *shown)
    else:
        repeated = [one for one in options_of(run) if one.name not in ("scheme", "out", "plot")]
        again = [*given_again(reading), *words_of(repeated, asked)]
        say_next("affinity", path, *again, "--scheme", scheme, "--cache", f"{Path(path).stem}.cache")


def load(
    path: str, scheme: Scheme, spread: dict[str, float | None], images: str | None, **reading: Any
) -> PlacedGaze | NDArray[Any]:
    """Return placed scanpaths from a gaze file or a manifest, or heatmaps from an .npy file."""
    compares_maps = scheme.takes == "heatmaps"
    if Path(path).suffix == ".npy":
        if not compares_maps:
            raise ValueError(f"{path} holds heatmaps; expected a gaze file, or --scheme moments or dhash")
        more = [name for name, value in (*spread.items(), ("images", images)) if value is not None]
        if idle := given(reading) + more:
            raise ValueError(f"--{idle[0]} is given, but {path} holds heatmaps; expected it with a gaze file")
        maps: NDArray[Any] = np.load(path, mmap_mode="r", allow_pickle=False)
        return maps
    source = read_gaze(path, **reading)
    changes = spread if compares_maps else {}
    if is_manifest(path):
        if images is not None:
            raise ValueError(f"--images is given, but {path} is a manifest, which names them; expected one")
        return gaze_of_manifest(source, **changes)
    sizes = sizes_in(images)
    try:
        return source.placed(sizes, **changes)
    except ScreenMissing:
        if size_of(scheme) is None:
            raise
        return source.placed(sizes, screen_size=size_of(scheme), **changes)


def tell_maps(scheme: Scheme, placed: PlacedGaze) -> None:
    """Print which maps are drawn from scanpaths."""
    if scheme.takes == "heatmaps":
        width, height = placed.map_size_wh
        say(f"drawing {len(placed.paths)} heatmaps of {width} x {height} px with {placed.spread.words}")


def summary(matrix: NDArray[np.float32]) -> str:
    """Return the distribution of the affinities of different valid gazes, as text."""
    pairs = off_diagonal(matrix, HISTOGRAM_ROWS)
    if not len(pairs):
        return "no pair of valid gazes"
    low, middle, high = np.quantile(pairs, [0.05, 0.5, 0.95])
    shares = ", ".join(f"{(pairs >= t).mean():.2%} of pairs >= {t}" for t in (0.7, 0.9))
    return f"affinity: median {middle:.3f}, 5 % to 95 %: {low:.3f} to {high:.3f}; {shares}"


def write(out: str, matrix: NDArray[np.float32], features: Features) -> None:
    """Write the matrix and the ids, each renamed into place when it is complete."""
    target = Path(out)
    partial = target.with_name(target.name + ".part")
    with partial.open("wb") as file:
        np.save(file, matrix, allow_pickle=False)
    ids = target.with_suffix(".ids.txt")
    partial_ids = ids.with_name(ids.name + ".part")
    partial_ids.write_text(
        "".join(f"{'/'.join(map(str, i)) if isinstance(i, tuple) else i}\n" for i in features.ids)
    )
    partial.replace(target)
    partial_ids.replace(ids)
    say(f"wrote {target} {matrix.shape} {matrix.dtype} and {ids}")


def check_folder(target: str | None) -> None:
    """Raise ValueError, before the work starts, if the folder of a result does not exist."""
    if target is not None and not Path(target).resolve().parent.is_dir():
        raise ValueError(f"{target} lies in a folder that does not exist")


def say(text: str) -> None:
    """Write a line to stderr; stdout is for results."""
    print(text, file=sys.stderr)
