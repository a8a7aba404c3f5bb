"""MicEye logs: lines of image;class;[[x, y], ...];boxes;point. Samples of the image, without time stamps.

Follows https://github.com/JamesQFreeman/MicEye; 90 Hz unless ``sampling_rate`` says otherwise. Ignored: the
class, the boxes and the point.
"""

from __future__ import annotations

import json
import re
from pathlib import PureWindowsPath

from .mcgip import sample_columns, samples_recording
from .recording import Options, Recording
from .tables import Source, fault, quoted

#: The Tobii 4C that MicEye was written for.
RATE = 90.0


def detect(source: Source) -> bool:
    """Whether the first line has the five parts."""
    first = source.head.split("\n", 1)[0]
    return re.match(r"[^;]+;[^;]*;\[(\[|\]|$)", first) is not None


def read(source: Source, options: Options) -> Recording:
    """Read one scanpath of raw samples per line; the reader is named by the file."""
    recording = samples_recording(RATE)
    # The name of the file is that of the reader and the minute: anna2021-9-17-15-3.csv
    reader = re.sub(r"[\s_-]*\d{4}(-\d{1,2}){4}$", "", source.path.stem) or source.path.stem
    for line, text in source.lines():
        if not text.strip():
            continue
        parts = text.split(";")
        if len(parts) < 3 or not parts[0].strip():
            raise fault(
                source.path, line, f"is {quoted(text)}; expected image;class;[[x, y], ...];boxes;point"
            )
        try:
            points = json.loads(parts[2])
        except (ValueError, RecursionError):
            points = None
        if not isinstance(points, list):
            raise fault(source.path, line, f"gaze is {quoted(parts[2])}; expected [[x, y], ...]")
        image = PureWindowsPath(parts[0].strip()).name  # splits at / and at \
        key = (image, reader)
        if key in recording.rows:
            raise fault(source.path, line, f"image {image!r} occurred before; expected each image once")
        recording.extend(key, *sample_columns(source, "gaze", points, line))
    return recording
