"""Samples of EyeLink ``.asc`` files: time (ms), x, y and pupil of one eye or of both; px of the screen.

Follows the EyeLink 1000 Plus User Manual, section 4.9 ("ASC Files"). The messages of the same file name the
images (see :mod:`gazesim.io.eyelink`); RES of the END lines is the number of px in one degree.
"""

from __future__ import annotations

import re
from array import array

import numpy as np

from .eyelink import AscLines
from .missing import LostPoints
from .raw import FloatArray, Samples, even_times, no_samples
from .recording import TIME_UNITS, NoFixation, Options, Recording
from .tables import Source, fault, parse_number

__all__ = ["read_samples"]

RESOLUTION = re.compile(r"END\s.*\bRES\s+(\d+(?:\.\d+)?)\s+(\d+(?:\.\d+)?)")
NAN = float("nan")


def read_samples(source: Source, options: Options) -> list[Samples]:
    """Return the samples of the recording, together with the tracker's own fixations."""
    unit = TIME_UNITS[options.time_unit or "ms"]
    if unit is None:
        raise fault(
            source.path, None, 'time_unit is "samples"; expected a unit of time, as samples have stamps'
        )
    per_second = round(1 / unit)
    recording = Recording("ms", "px")
    lines = AscLines(source, recording, options)
    time, numbers = array("d"), array("q")
    places = {"left": (array("d"), array("d")), "right": (array("d"), array("d"))}
    eyes: tuple[str, ...] = ("left",)
    kind, resolutions, count, damaged = "GAZE", [], 0, 0
    for line, text in source.lines():
        if text[:1].isdigit():
            cells = text.split("\t")
            moment = parse_number(cells[0])
            if moment is None or len(cells) < 3 * len(eyes):
                if options.on_bad_row != "skip":
                    raise fault(source.path, line, "is no sample; expected time, x, y, pupil")
                damaged += 1
                continue
            if kind != "GAZE":
                problem = f"is in {kind} coordinates (see SAMPLES), no pixels of the screen; expected GAZE"
                raise fault(source.path, line, problem)
            time.append(moment / per_second)
            numbers.append(line)
            for position, eye in enumerate(eyes):
                for axis in (0, 1):
                    places[eye][axis].append(_number(cells[1 + 3 * position + axis]))
            for eye in {"left", "right"}.difference(eyes):
                places[eye][0].append(NAN)
                places[eye][1].append(NAN)
            count += 1
            continue
        words = text.split()
        if words[:1] == ["START"]:
            eyes = tuple(eye for eye in ("left", "right") if eye.upper() in words) or ("left",)
            kind = "GAZE"
        elif words[:1] == ["SAMPLES"] and len(words) > 1 and words[1] in ("GAZE", "HREF", "PUPIL", "RAW"):
            kind = words[1]
        elif found := RESOLUTION.match(text):
            resolutions.append((float(found[1]), float(found[2])))
        lines.take(line, text)
    lines.close()
    if not count:
        raise no_samples(source.path, "holds no samples; expected lines of time, x, y, pupil")
    stamps = np.frombuffer(time)
    samples = Samples(source.stem, even_times(source.path, stamps, np.frombuffer(numbers, np.int64)))
    missing = options.missing.of_trackers(origin=True)
    for eye, (x, y) in places.items():
        place = _place(x, y, missing, lines.origin)
        if np.isfinite(place).any():
            setattr(samples, eye, place)
    if samples.left is None and samples.right is None:
        samples.both = np.full((count, 2), np.nan)
    samples.coord_unit = options.coord_unit or "px"
    samples.screen_size = recording.screen_size
    samples.vendor = [
        one._replace(
            start=one.start / per_second, end=one.end / per_second, duration=one.duration / per_second
        )
        for one in lines.fixations
    ]
    samples.shown = lines.trials.time_line(lines.fixations).scaled(1 / per_second)
    if resolutions:
        across, down = np.median(np.array(resolutions), axis=0)
        samples.px_per_degree = (float(across), float(down))
    samples.others = recording.others
    samples.notes = recording.notes
    if damaged:
        samples.others[NoFixation("damaged rows")] += damaged
    return [samples]


def _number(cell: str) -> float:
    try:
        return float(cell)
    except ValueError:
        return NAN  # "." says that the eye was lost


def _place(x: array[float], y: array[float], missing: LostPoints, origin: tuple[float, float]) -> FloatArray:
    place = np.column_stack([np.frombuffer(x), np.frombuffer(y)])
    cleared: FloatArray = missing.cleared(place) - np.array(origin)
    return cleared
