"""The files of a folder that hold gaze samples, chosen by their names and first lines."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from . import bids
from .folders import Unread, recording_of
from .raw_tables import table_of
from .recording import Options
from .registry import FORMATS, opened, recognised
from .tables import Source

__all__ = ["sample_files"]

#: Formats of fixations whose files hold samples as well, or instead.
WITH_SAMPLES = frozenset({"egd", "gazepoint", "tobii", "eyelink", "miceye", "mcgip", "frame"})
#: Of these, the makers that write samples and fixations to separate files.
SEPARATE = frozenset({"egd", "gazepoint"})
#: Files of a BIDS data set that are not recordings: settings, events, participants.
BESIDE_BIDS = ("*.json", "*.tsv", "*.tsv.gz")
NO_SAMPLES = "holds no gaze samples"


def sample_files(files: Sequence[Path], options: Options, unread: Unread) -> list[Path]:
    """Return the files of a folder that look like gaze samples; put the others into ``unread``.

    In BIDS data sets these are the files ``_physio``, and the samples of Gazepoint and EGD-CXR are preferred
    to the fixations of the same recording.
    """
    recordings = [file for file in files if bids.is_recording(file.name)]
    if recordings:
        kept = set(recordings)
        reasons = {file: "is no _physio file of the BIDS data set" for file in files if file not in kept}
        unread.add(reasons, files, BESIDE_BIDS)
        return recordings
    found: list[Path] = []
    fixations: list[Path] = []
    reasons, beside = {}, set()
    for file in files:
        name, why = (None, "") if options.columns is not None else recognised(file)
        beside |= set(FORMATS[name].beside if name is not None else ())
        if name in SEPARATE and "fixation" in file.stem.lower():
            fixations.append(file)
        elif name in WITH_SAMPLES:
            found.append(file)
        elif name is not None:
            reasons[file] = why
        else:
            source, why = opened(file)
            if source is not None and not why and _is_table(source, options):
                found.append(file)
            else:
                reasons[file] = why or NO_SAMPLES
    known = {recording_of(file) for file in found}
    unread.repeats += [file for file in fixations if recording_of(file) in known]
    reasons |= {file: "holds fixations alone" for file in fixations if recording_of(file) not in known}
    unread.add(reasons, files, beside)
    return found


def _is_table(source: Source, options: Options) -> bool:
    return FORMATS["frame"].detect(source) or table_of(source, options) is not None
