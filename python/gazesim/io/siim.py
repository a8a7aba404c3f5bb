"""SIIM CXR-P gaze (Saab et al., MICCAI 2021): a JSON list of {image_id, gaze_x, gaze_y, time}.

Coordinates are fractions of the image; ``time`` counts the 60 Hz samples merged into a point.
Follows https://github.com/HazyResearch/observational. Ignored: other keys.
"""

from __future__ import annotations

from .recording import Options, Recording
from .tables import Source, entry_numbers, fault, quoted, records_of

#: The images of SIIM-ACR Pneumothorax.
SCREEN = (1024.0, 1024.0)
RATE = 60.0


def detect(source: Source) -> bool:
    """Whether the first record has the keys of this format."""
    return source.starts_json("[") and all(f'"{key}"' in source.head for key in ("gaze_x", "gaze_y", "time"))


def read(source: Source, options: Options) -> Recording:
    """Read every record as one scanpath."""
    recording = Recording("samples", "fraction", SCREEN, size_is_default=True, sampling_rate=RATE)
    for position, record in enumerate(records_of(source)):
        try:
            image = record.get("image_id")
            if not isinstance(image, str) or not image:
                raise fault(
                    source.path, None, f"entry {position} has the image_id {quoted(image)}; expected a name"
                )
            entry = f"entry {position} (image_id {quoted(image)})"
            if image in recording.rows:
                raise fault(source.path, None, f"{entry} occurred before; expected one scanpath per image")
            columns = [
                entry_numbers(source.path, entry, record, name, low=low)
                for name, low in (("gaze_x", -1e300), ("gaze_y", -1e300), ("time", 0.0))
            ]
            lengths = [len(column) for column in columns]
            if len(set(lengths)) > 1:
                raise fault(
                    source.path,
                    None,
                    f"{entry} has {lengths} values; expected as many in gaze_x, gaze_y and time",
                )
            recording.extend(image, *columns)
        except ValueError:
            if options.on_bad_row != "skip":
                raise
            recording.count("damaged entries")
    return recording
