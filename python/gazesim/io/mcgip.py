"""McGIP's gaze JSON: one file per image, {"gaze": [[x, y], ...], "img": name, ...}; samples without time.

Follows the data of McGIP (Zhao et al., AAAI 2024, https://arxiv.org/abs/2312.06069); px of the image, 60 Hz
unless ``sampling_rate`` says otherwise. Ignored: other keys.
"""

from __future__ import annotations

from typing import Any

from .recording import Options, Recording
from .tables import Source, fault, quoted

#: The Tobii Pro Nano of the paper.
RATE = 60.0


def detect(source: Source) -> bool:
    """Whether the object has the keys of this format."""
    return source.starts_json("{") and '"gaze"' in source.head and '"gaze_x"' not in source.head


def read(source: Source, options: Options) -> Recording:
    """Read the file as one scanpath of raw samples."""
    content = source.json()
    if not isinstance(content, dict) or not isinstance(content.get("gaze"), list):
        raise fault(source.path, None, f"holds {quoted(content)}; expected an object with a list `gaze`")
    image = content.get("img", source.path.stem)
    if not isinstance(image, str) or not image:
        raise fault(source.path, None, f"img is {quoted(image)}; expected a file name")
    recording = samples_recording(RATE)
    recording.extend(image, *sample_columns(source, "gaze", content["gaze"]))
    return recording


def samples_recording(rate: float) -> Recording:
    """Return an empty recording of samples without time stamps."""
    note = "raw samples, not fixations (gazesim.detect_fixations finds these)"
    return Recording("samples", "px", sampling_rate=rate, notes=[note])


def sample_columns(
    source: Source, where: str, points: list[Any], line: int | None = None
) -> tuple[list[float], ...]:
    """Return x, y and one sample of time each from a list of pairs."""
    columns: tuple[list[float], ...] = ([], [], [])
    for position, point in enumerate(points):
        good = isinstance(point, list) and len(point) in (2, 3)
        # Comparisons with NaN are false, and whole numbers can be too large for a float.
        if not good or not all(type(value) in (int, float) and -1e300 < value < 1e300 for value in point):
            raise fault(source.path, line, f"{where}[{position}] is {quoted(point)}; expected [x, y]")
        for column, value in zip(columns, (point[0], point[1], 1.0), strict=True):
            column.append(float(value))
    return columns
