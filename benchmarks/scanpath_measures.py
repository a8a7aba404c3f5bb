"""The scanpath measures against the fastest other library, or the loop of the evaluation scripts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

import data
import gazesim
import loops
import peers
from timing import Case

SCREEN = data.SCREEN
GEOMETRY = gazesim.ScreenGeometry(SCREEN, (53, 30), 60)
RADIUS_PX = 100.0
FIXATIONS = (10, 30)

#: Oracle of a pair, as gazesim's function of the same name returns it.
Pair = Callable[[Any, Any], float]


def measures(of: Callable[[int], int]) -> Iterator[Case]:
    """Yield a case per measure and length; ``of`` scales the number of scanpaths."""
    for fixations in FIXATIONS:
        yield from loop_cases(fixations, of)
        yield from library_cases(fixations, of)


def loop_cases(fixations: int, of: Callable[[int], int]) -> Iterator[Case]:
    """Yield the measures whose common implementation is a loop in Python."""
    size = {"screen_size": SCREEN}
    bins = {**size, "temporal_bin_s": 0.05}
    yield against_loop(
        "ScanMatch",
        fixations,
        of(1000),
        gazesim.ScanMatch(SCREEN),
        gazesim.scanmatch,
        size,
        lambda a, b: loops.scanmatch(a, b, SCREEN),
    )
    yield against_loop(
        "ScanMatch, bins of 50 ms",
        fixations,
        of(300),
        gazesim.ScanMatch(**bins),
        gazesim.scanmatch,
        bins,
        lambda a, b: loops.scanmatch(a, b, SCREEN, 0.05),
    )
    yield against_loop(
        "string edit distance",
        fixations,
        of(2000),
        gazesim.StringEdit(screen_size=SCREEN),
        gazesim.string_edit_distance,
        size,
        lambda a, b: loops.string_edit(a, b, SCREEN),
    )
    yield against_loop(
        "sequence score",
        fixations,
        of(2000),
        gazesim.StringEdit("lcs", SCREEN),
        gazesim.sequence_score,
        size,
        lambda a, b: loops.sequence_score(a, b, SCREEN),
    )
    yield against_loop(
        "STDE",
        fixations,
        of(600),
        gazesim.TimeDelayEmbedding(SCREEN),
        gazesim.stde,
        size,
        lambda a, b: loops.stde(a, b, SCREEN),
    )
    yield against_loop(
        "recurrence rate",
        fixations,
        of(1000),
        gazesim.Recurrence(RADIUS_PX),
        lambda *gazes, **params: gazesim.recurrence(*gazes, **params).rec,
        {"radius_px": RADIUS_PX},
        lambda a, b: loops.recurrence(a, b, RADIUS_PX),
    )
    yield against_loop(
        "scasim",
        fixations,
        of(600),
        gazesim.Scasim(GEOMETRY),
        gazesim.scasim,
        {"geometry": GEOMETRY},
        lambda a, b: loops.scasim(a, b, GEOMETRY),
    )


def against_loop(
    what: str, fixations: int, count: int, scheme: Any, raw: Any, params: dict[str, Any], loop: Pair
) -> Case:
    return case(what, "Python loop", fixations, count, scheme, raw, params, loop, 2)


def library_cases(fixations: int, of: Callable[[int], int]) -> Iterator[Case]:
    """Yield the measures that another library has."""
    for what, scheme, raw in (
        ("DTW", gazesim.DTW(SCREEN), lambda paths: gazesim.dtw_distance(paths).cost),
        ("discrete Fréchet distance", gazesim.Frechet(SCREEN), gazesim.frechet_distance),
    ):
        yield trajectories(what, fixations, of(600), scheme, raw)
    yield case(
        "Hausdorff distance",
        "SciPy",
        fixations,
        of(1000),
        gazesim.Hausdorff(SCREEN),
        gazesim.hausdorff_distance,
        {},
        peers.hausdorff,
        20,
    )
    yield case(
        "Mannan distance",
        "SciPy",
        fixations,
        of(1000),
        gazesim.Mannan(SCREEN),
        gazesim.mannan_distance,
        {"screen_size": SCREEN},
        lambda a, b: peers.mannan(a, b, SCREEN),
        20,
    )
    yield case(
        "Eyenalysis",
        "SciPy",
        fixations,
        of(1000),
        gazesim.Eyenalysis(SCREEN),
        gazesim.eyenalysis,
        {},
        peers.eyenalysis,
        20,
    )


def case(
    what: str,
    peer: str,
    fixations: int,
    count: int,
    scheme: Any,
    raw: Any,
    params: dict[str, Any],
    oracle: Pair,
    pairs: int,
) -> Case:
    """Compare a few pairs one by one with the matrix of all pairs."""
    paths = data.scanpaths(count, fixations)
    features = scheme.features(paths)
    pairs = min(pairs, len(paths) - 1)
    rows, cols = paths[:pairs], paths[1 : pairs + 1]

    def run_peer() -> Any:
        return [oracle(a, b) for a, b in zip(rows, cols, strict=True)]

    return Case(
        what,
        peer,
        "pair",
        fixations,
        "fixations",
        lambda: (run_peer(), np.diag(raw(rows, cols, **params)), 1e-9),
        run_peer,
        len(cols),
        lambda threads: features.affinity(n_threads=threads),
        count * (count + 1) // 2,
    )


def trajectories(what: str, fixations: int, count: int, scheme: Any, raw: Any) -> Case:
    """Compare the matrix of all pairs with that of traj-dist-rs, both on as many threads."""
    paths = data.scanpaths(count, fixations)
    features = scheme.features(paths)
    points = [np.ascontiguousarray(path[:, :2]) for path in paths]
    upper = np.triu_indices(count, 1)
    return Case(
        what,
        "traj-dist-rs",
        "pair",
        fixations,
        "fixations",
        lambda: (peers.trajectories(points, what), raw(paths)[upper], 1e-8),
        lambda: peers.trajectories(points, what),
        count * (count - 1) // 2,
        lambda threads: features.affinity(n_threads=threads),
        count * (count + 1) // 2,
        peer_threads=True,
    )
