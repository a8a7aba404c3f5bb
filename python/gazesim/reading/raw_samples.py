"""Recognise raw samples, by their durations, that were given to a scheme of fixations."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from ..schemes import SCHEMES, Scheme

__all__ = ["RawSamplesWarning", "sampling_rate_of", "words_of_raw_samples"]

#: Equal durations: this share of them is within this share of the median or this time (stamps in ms).
EQUAL_SHARE, EQUAL_WITHIN, EQUAL_WITHIN_S = 0.9, 0.02, 0.0011
#: Eye trackers sample no slower, and fixations are seldom all so short.
SLOWEST_HZ = 25.0
#: Fewer points than this are not judged.
FEWEST_POINTS = 50
#: Schemes that compare trajectories or their density, and take samples as well as fixations.
TRAJECTORY_SCHEMES = ("tima", "dtw", "frechet", "hausdorff", "time_delay_embedding")


class RawSamplesWarning(UserWarning):
    """A scheme that compares fixations was given raw samples."""


def sampling_rate_of(paths: Iterable[NDArray[np.float64]]) -> float | None:
    """Return the rate in Hz at which scanpaths look sampled, or None where they look like fixations.

    Nearly all points of raw samples last equally long, and no longer than 40 ms; fixations do neither.

    Examples
    --------
    >>> import numpy as np
    >>> from gazesim.reading.raw_samples import sampling_rate_of
    >>> samples = np.column_stack([np.arange(120.0), np.arange(120.0), np.full(120, 1 / 60)])
    >>> sampling_rate_of([samples]), sampling_rate_of([samples[:10]])
    (60.0, None)
    """
    durations = np.concatenate([np.empty(0), *(path[:, 2] for path in paths)])
    durations = durations[durations > 0]
    if len(durations) < FEWEST_POINTS:
        return None
    middle = float(np.median(durations))
    near = np.abs(durations - middle) <= max(EQUAL_WITHIN * middle, EQUAL_WITHIN_S)
    if middle > 1 / SLOWEST_HZ or near.mean() < EQUAL_SHARE:
        return None
    return round(1 / middle, 6)


def words_of_raw_samples(scheme: Scheme, paths: Iterable[NDArray[np.float64]], source: str) -> str | None:
    """Return a warning where a scheme of fixations would compare raw samples, with the command to run."""
    names = [name for name, kind in SCHEMES.items() if type(scheme) is kind]
    if scheme.takes != "scanpaths" or (names and names[0] in TRAJECTORY_SCHEMES):
        return None
    rate = sampling_rate_of(paths)
    if rate is None:
        return None
    return (
        f"{source} looks like raw samples ({rate:.4g} Hz: nearly all points last {1e3 / rate:.4g} ms), and "
        f"{names[0] if names else 'the scheme'} compares fixations; expected fixations, as "
        f"gazesim fixations {source} --out fixations.csv finds them"
    )
