"""Real gaze: the part of three data sets that is in the repository, and all of them beside it."""

from __future__ import annotations

import os
from pathlib import Path

REPO = Path(__file__).resolve().parent.parent
#: Whole data sets, which are too large for the repository.
SHARED = Path(os.environ.get("GAZESIM_SHARED", REPO.parent / "shared"))
REAL = REPO / "tests" / "real_gaze"

#: The part in the repository, and the whole, by name.
PARTS = {
    "osie": ("osie_20_images.mat", "osie/fixations.mat"),
    "studyforrest": ("studyforrest", "multimatch_studyforrest/fixvectors"),
    "siim": ("siim_21_images.json", "siim_cxr_gaze/cxr_gaze_data_125.json"),
}


def largest(name: str) -> Path:
    """Return the whole data set where it is there, else its part: 300 of OSIE's scanpaths, 21 of SIIM's."""
    part, whole = PARTS[name]
    return SHARED / "data" / whole if SHARED.is_dir() else REAL / part
