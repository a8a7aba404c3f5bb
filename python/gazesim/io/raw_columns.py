"""Find the columns of a table that hold gaze samples: time, places of the eyes, validity, stimulus."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from .labels import split_name
from .tables import parse_number

__all__ = ["SampleColumns", "sample_columns", "time_factor"]

#: Units of Tobii's coordinates, those of the media first.
UNITS = ("mcspx", "mcsnorm", "", "px", "dacspx", "adcspx", "dacsnorm", "normalized")
TIME = (
    "recordingtimestamp", "eyetrackertimestamp", "timestamp", "systemtimestamp", "devicetimestamp", "time",
    "gazetimestamp", "systemtimestampms", "eyelinktimestamp", "rtime", "timeinsecs", "onset", "t", "n",
)  # fmt: skip
#: Names of x and y, letters and digits only; {} stands for the axis.
ONE_EYE = (
    "gazepoint{side}{axis}", "gazepoint{axis}{side}", "{s}por{axis}", "{s}pog{axis}", "{axis}{side}",
    "{axis}{side}pix", "{side}{axis}", "{side}gaze{axis}", "{side}gazepoint{axis}", "{side}por{axis}",
    "{axis}pix{side}", "{s}{axis}", "gaze{side}{axis}", "eye{side}{axis}",
)  # fmt: skip
BOTH_EYES = (
    "gazepoint{axis}", "bpog{axis}", "fpog{axis}", "gaze{axis}", "{axis}", "{axis}pix", "pixel{axis}",
    "por{axis}", "{axis}pixeyelink", "normpos{axis}", "{axis}coordinate", "{axis}position",
    "averagegaze{axis}", "gazepos{axis}", "{axis}pos", "pos{axis}",
)  # fmt: skip
PAIRS = {"left": ONE_EYE, "right": ONE_EYE, "both": BOTH_EYES}
OF_SCREEN = re.compile(r"bpog|fpog|[lr]pog|normpos")
#: One column that holds (x, y).
POINTS = {
    "left": ("leftgazepointondisplayarea",),
    "right": ("rightgazepointondisplayarea",),
    "both": ("pixel", "location"),
}
VALID = {
    "left": ("validityleft", "lpogv", "leftgazepointvalidity", "leftvalidity"),
    "right": ("validityright", "rpogv", "rightgazepointvalidity", "rightvalidity"),
    "both": ("bpogv", "fpogv", "confidence"),
}
STIMULUS = (
    "presentedstimulusname", "presentedmedianame", "medianame", "dicomid", "imageid", "imagename", "image",
    "stimulus", "stimulusname", "stimulusid", "mediaid", "trialid", "trial", "trialindex", "triallabel",
    "screenid", "pageid", "itemid",
)  # fmt: skip
READER = (
    "participantname", "participant", "participantid", "readerid", "reader", "readername", "subjectid",
    "subject", "observerid", "observer", "observername", "recordingid", "recordingsessionlabel",
)  # fmt: skip
MARKER = ("eventvalue", "event", "user", "message", "msg", "samplemessage")
FRACTIONS = frozenset({"mcsnorm", "dacsnorm", "normalized"})
SECONDS = {"s": 1.0, "insecs": 1.0, "ms": 1e-3, "us": 1e-6, "μs": 1e-6, "µs": 1e-6, "ns": 1e-9}


@dataclass
class SampleColumns:
    """Names of the columns that hold samples."""

    time: str
    #: Seconds in one unit of time, or None where the header does not say.
    factor: float | None
    #: Eye (left, right, both): its columns of x and y, or one column of (x, y).
    places: dict[str, tuple[str, ...]] = field(default_factory=dict)
    valid: dict[str, str] = field(default_factory=dict)
    coord_unit: str = "px"
    y_up: bool = False
    stimulus: str = ""
    reader: str = ""
    marker: str = ""


def sample_columns(names: Sequence[str], given: Mapping[str, str] | None = None) -> SampleColumns | None:
    """Return the columns of samples in a header, or None if it has none.

    ``given`` names them by role instead: time, x, y, image, reader.
    """
    if given is not None:
        if "time" not in given or any(name not in names for name in given.values()):
            return None
        factor = SECONDS.get(split_name(given["time"])[1])
        return SampleColumns(
            given["time"],
            factor,
            {"both": (given["x"], given["y"])},
            stimulus=given.get("image", given.get("trial", "")),
            reader=given.get("reader", ""),
        )
    known: dict[tuple[str, str], str] = {}
    for name in names[:500]:
        base, unit = split_name(name)
        known.setdefault((re.sub(r"[^a-z0-9]", "", base), unit), name)
    bases = {base: name for (base, _), name in reversed(known.items())}
    time = next((bases[name] for name in TIME if name in bases), "")
    found = SampleColumns(time, SECONDS.get(split_name(time)[1]) if time else None)
    if time.lower().endswith("_ms"):
        found.factor = 1e-3
    for eye, patterns in PAIRS.items():
        for unit in UNITS:
            for pattern in patterns:
                bases_xy = [pattern.format(axis=axis, side=eye, s=eye[0]) for axis in "xy"]
                pair = [known.get((base, unit), "") for base in bases_xy]
                if all(pair) and eye not in found.places:
                    found.places[eye] = (pair[0], pair[1])
                    if unit in FRACTIONS or OF_SCREEN.match(bases_xy[0]):
                        found.coord_unit = "fraction"
                    found.y_up = found.y_up or bases_xy[0].startswith("normpos")
        for name in POINTS[eye]:
            if eye not in found.places and name in bases:
                found.places[eye] = (bases[name],)
                if name.endswith("displayarea"):
                    found.coord_unit = "fraction"
        valid = next((bases[name] for name in VALID[eye] if name in bases), "")
        if valid and eye in found.places:
            found.valid[eye] = valid
    if not found.places or not time:
        return None
    if {"left", "right"} <= found.places.keys():
        found.places.pop("both", None)
    elif "both" in found.places:
        found.places = {"both": found.places["both"]}
    found.stimulus = next((bases[name] for name in STIMULUS if name in bases), "")
    found.reader = next((bases[name] for name in READER if name in bases), "")
    found.marker = next((bases[name] for name in MARKER if name in bases), "")
    return found


def time_factor(interval: float) -> tuple[float, str]:
    """Guess the unit of time from the usual interval between samples; return its seconds and its name."""
    if interval < 0.25:
        return 1.0, "s"
    if interval < 500:
        return 1e-3, "ms"
    return (1e-6, "us") if interval < 1e5 else (1e-9, "ns")


def is_valid(column: str, text: str) -> bool:
    """Return whether a cell of a validity column says that the eye was tracked.

    Tobii Studio counts from 0 (sure) to 4 (lost); Pro Lab says Valid, Gazepoint and the SDK 1.
    """
    word = text.strip().lower()
    number = parse_number(word)
    if number is None:
        return word in ("valid", "true", "")
    studio = split_name(column)[0] in ("validityleft", "validityright")
    if studio:
        return number < 2
    return number > 0.5 or ("confidence" not in column.lower() and number > 0)
