"""From raw gaze to fixations."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from typing import Any, TypedDict, Unpack, cast, overload

import numpy as np
from numpy.typing import NDArray

from . import _core
from ._errors import choice, describe, number
from .geometry import Screen
from .heatmaps import threads
from .scanpaths import Scanpaths, as_numbers

__all__ = ["detect_fixations"]

FloatArray = NDArray[np.float64]

METHODS = ("idt", "ivt")
UNITS = ("px", "deg")


class _Options(TypedDict, total=False):
    """The keyword arguments of :func:`detect_fixations`, for its overloads."""

    method: str
    sampling_rate: float | None
    unit: str
    geometry: Screen | None
    dispersion: float | None
    velocity: float | None
    minimum_duration: float
    max_gap: float
    velocity_window: float
    ids: Iterable[Hashable] | None
    n_threads: int | None
    with_start: bool


@overload
def detect_fixations(
    samples: Scanpaths | Sequence[NDArray[Any]], **options: Unpack[_Options]
) -> Scanpaths: ...
@overload
def detect_fixations(
    samples: NDArray[Any] | Sequence[Sequence[float]], **options: Unpack[_Options]
) -> FloatArray: ...
@overload
def detect_fixations(samples: Any, **options: Unpack[_Options]) -> FloatArray | Scanpaths: ...
def detect_fixations(
    samples: Any,
    *,
    method: str = "idt",
    sampling_rate: float | None = None,
    unit: str = "px",
    geometry: Screen | None = None,
    dispersion: float | None = None,
    velocity: float | None = None,
    minimum_duration: float = 0.1,
    max_gap: float = 0.0,
    velocity_window: float = 0.02,
    ids: Iterable[Hashable] | None = None,
    n_threads: int | None = None,
    with_start: bool = False,
) -> FloatArray | Scanpaths:
    """Find fixations in raw gaze, by dispersion (I-DT) or by velocity (I-VT).

    A fixation is a stretch of gaze, without a gap, of at least ``minimum_duration`` from its first
    to its last sample, in which (I-DT) the extent in x plus the extent in y stays within
    ``dispersion``, or (I-VT) the speed at every sample stays below ``velocity``. It lies at the mean
    of its samples. I-DT takes the longest such stretch from the first sample, then continues after it.

    Parameters
    ----------
    samples
        One recording or a list of them: (L, 3) rows of x, y and time in seconds, or (L, 2) rows of
        x and y with ``sampling_rate``. NaN in x or y says that gaze is missing. Or
        :class:`Scanpaths` of raw samples, as ``read_scanpaths`` returns for MicEye and McGIP files.
    method
        ``"idt"`` or ``"ivt"``.
    sampling_rate
        Hz, for samples without time.
    unit
        ``"px"`` or ``"deg"``: the unit of x and y, and of the result.
    geometry
        The screen, by which x and y in pixels are converted: thresholds are then in degrees.
    dispersion, velocity
        Thresholds; default: 1 degree and 20 degrees per second. In pixels where x and y are in
        pixels and no geometry is given; then there is no default.
    minimum_duration
        Seconds.
    max_gap
        Seconds without gaze (a blink, lost samples) that do not end a fixation. Default: any missing
        sample ends it.
    velocity_window
        Seconds over which I-VT takes the speed around a sample; at least its two neighbours.
    ids
        One distinct name per recording, where ``samples`` is a list.
    n_threads
        Threads to use; default ``GAZESIM_NUM_THREADS``, then all available cores.
    with_start
        Return the time at which each fixation starts as a fourth column, for one recording.

    Returns
    -------
    ndarray or Scanpaths
        (L, 3) x, y and duration in seconds for one recording, :class:`Scanpaths` for several.

    Raises
    ------
    ValueError, TypeError
        For time that runs backwards, infinities, wrong shapes; names the recording and the row.

    References
    ----------
    Salvucci and Goldberg (2000), Identifying fixations and saccades in eye-tracking protocols.

    Examples
    --------
    >>> import numpy as np
    >>> from gazesim import detect_fixations
    >>> x = np.repeat([100.0, 400.0], 30)
    >>> detect_fixations(np.column_stack([x, x / 2]), sampling_rate=60, dispersion=40).round(3)
    array([[100.   ,  50.   ,   0.483],
           [400.   , 200.   ,   0.483]])
    """
    choice("method", method, METHODS)
    choice("unit", unit, UNITS)
    if geometry is not None and not isinstance(geometry, Screen):
        raise TypeError(f"geometry is {describe(geometry)}; expected a gazesim.Screen or None")
    if geometry is not None:
        _ = geometry.measures  # raises where centimetres or the distance are missing
    if geometry is not None and unit == "deg":
        raise ValueError('geometry is given, but samples are in degrees already; expected unit="px" with it')
    rate = None if sampling_rate is None else number("sampling_rate", sampling_rate, low=0.0, open_low=True)
    in_degrees = unit == "deg" or geometry is not None
    if method == "idt":
        rule = {"dispersion": _threshold("dispersion", dispersion, 1.0, in_degrees)}
    else:
        window = number("velocity_window", velocity_window, low=0.0)
        rule = {"velocity": _threshold("velocity", velocity, 20.0, in_degrees), "window": window}
    recordings, names, single = _recordings(samples, rate, ids)
    values = np.concatenate(recordings) if recordings else np.empty((0, 3))
    offsets = np.cumsum([0, *map(len, recordings)], dtype=np.int64)
    found, ends = _core.detect_fixations(
        (values, offsets),
        "samples",
        rule=rule,
        minimum_duration=number("minimum_duration", minimum_duration, low=0.0),
        max_gap=number("max_gap", max_gap, low=0.0),
        geometry=cast(Any, geometry),
        n_threads=threads(n_threads),
    )
    if with_start and not single:
        raise ValueError("with_start is True, and samples are several recordings; expected one")
    fixations = np.ascontiguousarray(found if with_start else found[:, :3])
    if single:
        return fixations
    size = samples.screen_size if isinstance(samples, Scanpaths) else geometry.size_wh if geometry else None
    return Scanpaths(fixations, ends, ids=names, screen_size=size)


def _threshold(argument: str, value: object, default: float, in_degrees: bool) -> float:
    if value is not None:
        return number(argument, value, low=0.0, open_low=True)
    if not in_degrees:
        raise ValueError(
            f"{argument} is missing, and samples are in px; expected geometry=Screen(...) for the "
            f"default of {default:g} degrees, or {argument} in px"
        )
    return default


def _recordings(
    samples: Any, rate: float | None, ids: Iterable[Hashable] | None
) -> tuple[list[FloatArray], Iterable[Hashable] | None, bool]:
    """Return recordings as rows of x, y and time, their ids, and whether there is just one."""
    if isinstance(samples, Scanpaths):
        return [_timed(path) for path in samples], samples.ids if ids is None else ids, False
    several = isinstance(samples, (list, tuple)) and (not samples or np.ndim(samples[0]) == 2)
    if isinstance(samples, np.ndarray) and samples.ndim == 3:
        several = True
    if not several:
        if ids is not None:
            raise ValueError(
                f"ids is {describe(ids)}, but samples is one recording, whose fixations come back as an "
                "array; expected a list of recordings with ids"
            )
        return [_rows("samples", samples, rate)], None, True
    return [_rows(f"samples: recording {i}", one, rate) for i, one in enumerate(samples)], ids, False


def _timed(path: FloatArray) -> FloatArray:
    """Return raw samples of x, y and duration with the time at which each begins."""
    begins = np.concatenate([[0.0], np.cumsum(path[:-1, 2])]) if len(path) else np.empty(0)
    return np.column_stack([path[:, :2], begins])


def _rows(argument: str, recording: Any, rate: float | None) -> FloatArray:
    rows = as_numbers(argument, recording)
    if rows.ndim != 2 or rows.shape[1] not in (2, 3):
        raise ValueError(f"{argument} has shape {rows.shape}; expected (L, 3): x, y, time, or (L, 2): x, y")
    if rows.shape[1] == 3:
        if rate is not None:
            raise ValueError(
                f"{argument} holds time, and sampling_rate is {rate:g}; expected one or the other"
            )
        return np.require(rows, np.float64, ["C", "A"])
    if rate is None:
        raise ValueError(
            f"{argument} holds x and y alone; expected sampling_rate= in Hz with it, or time in s"
        )
    return np.column_stack([rows.astype(np.float64), np.arange(len(rows)) / rate])
