"""From gaze samples to scanpaths: detect fixations and assign each to the stimulus shown at its start."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._errors import choice, number
from ..fixations import detect_fixations
from ..geometry import ScreenGeometry
from . import bids, frames, raw_eyelink, raw_tables
from .folders import Unread, gaze_files
from .raw import NoSamples, Samples, no_samples, place_of
from .raw_columns import sample_columns
from .reading import Reading, joined, options_from
from .recording import NoFixation, Options, Recording, Size
from .registry import FORMATS, checked_format, refuse_binary
from .sample_files import NO_SAMPLES, sample_files
from .tables import Source, fault
from .timeline import Fixation, Showings

__all__ = ["find_fixations", "read_samples"]

FloatArray = NDArray[np.float64]
#: Share of the screen's width that is taken as one degree if its size in cm and distance are unknown.
SCREENS_PER_DEGREE = 1 / 40
#: Px that are taken as one degree if the size of the screen is unknown as well.
PX_PER_DEGREE = 40.0


def read_samples(path: Any, **options: Any) -> list[Samples]:
    """Read the gaze samples of a file or a frame: arrays of time (s) and place, one per reader.

    Takes the options of :func:`gazesim.read_scanpaths`. Formats: EyeLink asc, and any table whose columns
    are those of Tobii (Pro Lab, Studio, SDK, 4C), Gazepoint, SMI, EGD-CXR, Pupil Labs, pymovements or BIDS,
    or are named (``columns="time=t,x=gx,y=gy,image=stim"``).

    Examples
    --------
    >>> from gazesim.io import read_samples
    >>> frame = {"time": [0, 10, 20], "x": [5, 6, 7], "y": [1, 1, None]}
    >>> samples, = read_samples(frame)
    >>> samples.rate, samples.both.tolist()
    (100.0, [[5.0, 1.0], [6.0, 1.0], [nan, nan]])
    """
    checked = options_from(**options)
    if isinstance(path, (str, os.PathLike)):
        return _of_file(Source(Path(path)), checked)
    table = frames.table_of(path)
    return _of_frame(table, checked)


def _of_frame(table: Any, options: Options) -> list[Samples]:
    _refuse_sampling_rate(table.path, options)
    columns = sample_columns(table.columns, options.columns)
    if columns is None:
        some = ", ".join(table.columns[:12])
        problem = f"has the columns {some}; expected time, x and y of samples (columns= names them)"
        raise no_samples(table.path, problem)
    return raw_tables.read_samples(table, columns, options, table.path)


def _of_file(source: Source, options: Options) -> list[Samples]:
    refuse_binary(source)
    for name in ("miceye", "mcgip"):
        if FORMATS[name].detect(source):
            if options.time_unit not in (None, "samples"):
                problem = f"time_unit is {options.time_unit!r}, and the samples have no times"
                raise fault(source.path, None, f"{problem}; expected sampling_rate= in Hz")
            return _untimed(FORMATS[name].read(source, options), options)
    _refuse_sampling_rate(source.path, options)
    if FORMATS["eyelink"].detect(source):
        return raw_eyelink.read_samples(source, options)
    if FORMATS["frame"].detect(source):
        return _of_frame(frames.load(source), options)
    if bids.detect(source):
        return bids.read_samples(source, options)
    found = raw_tables.table_of(source, options)
    if found is None:
        known = "time and x, y" if options.columns is None else str(dict(options.columns))
        problem = f"holds no gaze samples; expected a header with the columns {known} (columns= names them)"
        raise no_samples(source.path, problem)
    return raw_tables.read_samples(*found, options, source.path)


def _refuse_sampling_rate(path: Path | str, options: Options) -> None:
    if options.sampling_rate is not None:
        problem = f"sampling_rate is {options.sampling_rate:g}, and the samples have times"
        raise fault(path, None, f"{problem}; expected it for samples without times (MicEye, McGIP)")


def _untimed(recording: Recording, options: Options) -> list[Samples]:
    """Return samples without time stamps, at the rate of their tracker."""
    rate = options.sampling_rate or recording.sampling_rate or 60.0
    found = []
    for key, rows in recording.rows.items():
        image, reader = key if isinstance(key, tuple) else (key, None)
        place = options.missing.cleared(np.array(rows, np.float64).reshape(-1, 3)[:, :2])
        notes = [f"samples without times, taken at {rate:g} Hz (sampling_rate=)"]
        samples = Samples(reader, np.arange(len(place)) / rate, both=place, name=str(image), notes=notes)
        samples.coord_unit = options.coord_unit or recording.coord_unit
        found.append(samples)
    return found


def find_fixations(
    path: Any,
    *,
    format: str | None = None,
    method: str = "ivt",
    dispersion: float | None = None,
    velocity: float | None = None,
    minimum_duration: float = 0.04,
    max_gap: float = 0.05,
    screen_cm: Sequence[float] | None = None,
    distance_cm: float | None = None,
    verbose: bool = True,
    **options: Any,
) -> Reading:
    """Find the fixations in raw samples; return a scanpath per stimulus and reader.

    Also takes the options of :func:`gazesim.read_scanpaths`. The default of ``eye`` is ``"average"``,
    which uses one eye for samples in which the other was lost. Blinks and lost samples of up to
    ``max_gap`` do not end a fixation.

    Parameters
    ----------
    path
        A file or a folder of samples, or a frame.
    method
        ``"ivt"`` (speed below ``velocity``) or ``"idt"`` (extent within ``dispersion``).
    dispersion, velocity
        Degrees, and degrees per second; default 1 and 30.
    minimum_duration, max_gap
        Seconds.
    screen_cm, distance_cm
        Width and height of the screen and distance of the eye in cm. Default: the resolution that an
        EyeLink file states, else 1 degree is taken as 1/40 of the width of the screen; the report says so.

    Returns
    -------
    Reading
        ``scanpaths`` and a ``report``, as :func:`gazesim.io.read` returns.

    References
    ----------
    Salvucci and Goldberg (2000), Identifying fixations and saccades in eye-tracking protocols.

    Examples
    --------
    >>> import numpy as np
    >>> from gazesim.io import find_fixations
    >>> x = np.repeat([100.0, 400.0], 30)
    >>> frame = {"time": np.arange(60) / 60, "x": x, "y": x / 2}
    >>> found = find_fixations(frame, screen_size=(800, 600), verbose=False)
    >>> found.scanpaths[0].round(2).tolist()
    [[100.0, 50.0, 0.47], [400.0, 200.0, 0.47]]
    """
    checked = options_from(**options)
    # `detected` returns px and s; the offset alone is still in the unit of the file.
    converted = replace(checked, coord_unit=None, time_unit=None, sampling_rate=None)
    choice("method", method, ("ivt", "idt"))
    screen = None if screen_cm is None else tuple(screen_cm)
    if (screen is None) != (distance_cm is None):
        raise ValueError("screen_cm and distance_cm belong together; expected both or neither")
    rule = {
        "method": method,
        "minimum_duration": number("minimum_duration", minimum_duration, low=0.0),
        "max_gap": number("max_gap", max_gap, low=0.0),
        "dispersion": 1.0 if dispersion is None else number("dispersion", dispersion, low=0, open_low=True),
        "velocity": 30.0 if velocity is None else number("velocity", velocity, low=0, open_low=True),
    }
    if not isinstance(path, (str, os.PathLike)):
        table = frames.table_of(path)
        found = detected(table, _of_frame(table, checked), checked, rule, screen, distance_cm)
        return joined("table", "samples", "gaze samples", [("table", found)], converted, verbose)
    if format is not None:
        checked_format(format)
    place = Path(path)
    unread = Unread()
    files = gaze_files(place)
    recordings: list[tuple[Path | str, Recording]] = []
    for file in sample_files(files, checked, unread) if place.is_dir() else files:
        source = Source(file)
        source.shows_progress = verbose
        try:
            samples = _of_file(source, checked)
        except NoSamples:
            if not place.is_dir():
                raise
            unread.named[file] = NO_SAMPLES
            continue
        recordings.append((file, detected(source, samples, checked, rule, screen, distance_cm)))
    if not recordings:
        why = "".join(f"; {one}" for one in unread.warnings(place))
        problem = (
            f"holds {len(files)} files, none of gaze samples{why}; expected recordings with time, x and y"
        )
        raise fault(place, None, problem)
    return joined(place, "samples", "gaze samples", recordings, converted, verbose, unread)


def detected(
    source: Any,
    sessions: Sequence[Samples],
    options: Options,
    rule: dict[str, Any],
    screen_cm: Any = None,
    distance_cm: float | None = None,
) -> Recording:
    """Return the fixations in the samples of one file, each assigned to its stimulus."""
    recording = Recording("s", "px")
    showings = Showings(source, recording, options)
    for samples in sessions:
        try:
            place, words = place_of(samples, options.eye)
        except ValueError as error:
            raise fault(source.path, None, str(error)) from None
        size = options.screen_size or samples.screen_size
        unit = recording.file_unit = options.coord_unit or samples.coord_unit
        if unit != "px":
            if size is None:
                raise fault(source.path, None, f"x, y are in {unit}; expected screen_size=(width, height)")
            whole = 100 if unit == "percent" else 1
            recording.px_per_unit = (size[0] / whole, size[1] / whole)
            place = place * np.array(recording.px_per_unit)
        recording.screen_size, recording.size_is_default = size, samples.size_is_default
        per_degree, how = _px_per_degree(samples, size, screen_cm, distance_cm)
        lost = int((~np.isfinite(place).all(axis=1)).sum())
        note = f"{samples.rate:,.4g} Hz, {words}, {how}"
        recording.notes += [one for one in (*samples.notes, note) if one not in recording.notes]
        rate = round(samples.rate, 1)
        if rate and rate not in recording.rates:
            recording.rates.append(rate)
        recording.others.update(samples.others)
        recording.count(NoFixation("samples"), len(place) - lost)
        recording.count(NoFixation("samples without gaze"), lost)
        line = samples.time_line()
        for x, y, duration, start in _found(samples.time, place, per_degree, rule):
            recording.count(None)
            showings.add_at(line, Fixation(x, y, duration, start, start + duration))
    recording.seen = recording.used + recording.left_out.total() + recording.others.total()
    found = f"{recording.used + recording.left_out.total():,} fixations found by {_rule_words(rule)}"
    recording.notes.append(found)
    if without := recording.others["samples without gaze"]:
        recording.notes.append(
            f"{without:,} of {without + recording.others['samples']:,} samples without gaze"
        )
    showings.finish()
    return recording


def _found(time: FloatArray, place: FloatArray, per_degree: FloatArray, rule: dict[str, Any]) -> Any:
    """Return x, y (px), duration and start (s) of every fixation."""
    samples = np.column_stack([place / per_degree, time])
    method = rule["method"]
    threshold = {"dispersion": rule["dispersion"]} if method == "idt" else {"velocity": rule["velocity"]}
    fixations = detect_fixations(
        samples,
        method=method,
        unit="deg",
        minimum_duration=rule["minimum_duration"],
        max_gap=rule["max_gap"],
        with_start=True,
        **threshold,
    )
    fixations[:, :2] *= per_degree
    fixations[:, 2] = fixations[:, 2].round(6)  # whole µs: differences of times carry rounding noise
    return fixations.tolist()


def _rule_words(rule: dict[str, Any]) -> str:
    if rule["method"] == "idt":
        return f"I-DT, {rule['dispersion']:g} degrees, at least {rule['minimum_duration']:g} s"
    return f"I-VT, {rule['velocity']:g} degrees/s, at least {rule['minimum_duration']:g} s"


def _px_per_degree(
    samples: Samples, size: Size | None, screen_cm: Any, distance_cm: float | None
) -> tuple[FloatArray, str]:
    if screen_cm is not None and distance_cm is not None:
        if size is None:
            raise ValueError("screen_cm is given, and the file states no screen; expected screen_size= in px")
        px = ScreenGeometry(size_px=size, size_cm=tuple(screen_cm), distance_cm=distance_cm).px_per_degree
        return np.array([px, px]), f"1 degree is {px:.3g} px"
    if samples.px_per_degree is not None and min(samples.px_per_degree) > 0:
        across, down = samples.px_per_degree
        return np.array([across, down]), f"1 degree is {across:.3g} x {down:.3g} px, as the file states"
    if size is None:
        return np.array(
            [PX_PER_DEGREE, PX_PER_DEGREE]
        ), f"1 degree taken as {PX_PER_DEGREE:g} px (screen_cm=)"
    px = size[0] * SCREENS_PER_DEGREE
    hint = f"1 degree taken as 1/40 of the screen: {px:.3g} px (screen_cm= and distance_cm= say better)"
    return np.array([px, px]), hint
