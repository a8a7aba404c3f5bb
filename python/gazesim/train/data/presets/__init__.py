"""Public data sets as manifests: each in the layout in which it is published.

None of them can ship with a library, so the presets were tested on small folders built after the
published descriptions. Every preset returns all images it finds named, with absolute paths.
Published splits are kept; where there is none, images are split by seed, classes in proportion and
patients whole.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from ...._errors import choice
from ....io import read_scanpaths
from ....io.tables import fault
from ..manifest import Entry, Manifest
from ..splits import split_by_group
from .egd_cxr import egd_cxr
from .inbreast import inbreast
from .layout import find_file
from .oai import oai
from .reflacx import reflacx
from .tufts import tufts

__all__ = ["PRESETS", "preset"]

GAZE_ENDINGS = (".csv", ".tsv", ".json", ".txt")
FRACTIONS = {"train": 0.7, "val": 0.1, "test": 0.2}


def preset(
    name: str,
    folder: str | os.PathLike[str],
    *,
    images: str | os.PathLike[str] | None = None,
    fractions: Mapping[str, float] | None = None,
    seed: int = 0,
) -> Manifest:
    """Turn the folder of a public data set into a manifest.

    Parameters
    ----------
    name
        ``"inbreast"``, ``"tufts"``, ``"oai"``, ``"egd-cxr"`` or ``"reflacx"``.
    folder
        Where it was unpacked.
    images
        Where the images are, if not in ``folder``: EGD-CXR and REFLACX use those of MIMIC-CXR, as
        DICOM or as the JPEGs of MIMIC-CXR-JPG.
    fractions, seed
        How data without a published split are split; default 70, 10 and 20 % for training,
        validation and test.

    Notes
    -----
    INbreast
        ``AllDICOMs/<image>_<patient>_MG_<side>_<view>_ANON.dcm`` and ``INbreast.csv`` (separated by
        semicolons; save INbreast.xls as such) with the columns ``File Name`` and ``Bi-Rads``.
        Labels by BI-RADS: 1 normal, 2 and 3 benign, 4 to 6 malignant. Images without a patient in
        their names belong to nobody else; how many there are is told on stderr.
    Tufts
        ``Radiographs/<n>.JPG``, ``Expert/expert.json`` (a list; ``External ID`` and the abnormalities
        in ``Label.objects``). Gaze maps are looked for in ``Expert/gaze_map/gray/<n>.jpg``, where
        McGIP's code reads them, then in ``Expert/gaze_map`` (assumed; ``heatmaps`` works in any case).
        Labels: abnormal where the expert marked anything, else normal.
    OAI
        The knees of Chen et al. (2019): ``<split>/<grade>/<patient><L or R>.png`` with ``train``,
        ``val`` and ``test``; or ``kxr_sq_bu00.txt`` (``|``, or a CSV) with ``ID``, ``SIDE`` (1 right,
        2 left) and ``V00XRKL``, and images ``<ID><L or R>.*``; of several readings of a knee the first
        with a grade counts. Labels: the grade of Kellgren and Lawrence, 0 to 4.
    EGD-CXR
        ``master_sheet.csv`` (``dicom_id``, ``path``, ``patient_id``, and 0 or 1 in ``Normal``, ``CHF``,
        ``pneumonia``) and ``fixations.csv``. Labels: the first of these three that is 1.
    REFLACX
        ``main_data/metadata_phase_<n>.csv`` and ``main_data/<reading>/fixations.csv``. Labels: abnormal
        where the first reading rates a finding 3 (possible) or more, else normal. Readings whose eye
        tracking was discarded give no gaze. ``validate`` becomes ``val``.

    For all of them, what lies in ``heatmaps/<id>.png`` or ``.npy`` of the folder is the gaze map of the
    image ``<id>``, and a ``gaze.csv``, ``.tsv``, ``.json`` or ``.txt`` holds scanpaths by id where the data
    set has none of its own.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> import numpy as np
    >>> from gazesim.train import preset
    >>> with TemporaryDirectory() as folder:
    ...     grade = Path(folder) / "train" / "3"
    ...     grade.mkdir(parents=True)
    ...     np.save(grade / "9000099L.npy", np.zeros((32, 32)))
    ...     manifest = preset("oai", folder)
    >>> manifest.entries[0].label, manifest.entries[0].group
    ('3', '9000099')
    """
    build = PRESETS[choice("name", name, PRESETS)]
    root = Path(folder)
    if not root.is_dir():
        raise FileNotFoundError(f"folder is {str(folder)!r}, which is no folder; expected {name} in it")
    place = root if images is None else Path(images)
    if not place.is_dir():
        raise FileNotFoundError(f"images is {str(images)!r}, which is no folder; expected the images")
    entries = [_with_gaze(entry, root) for entry in build(root.resolve(), place.resolve())]
    if not entries:
        raise fault(root, None, f"holds no image of {name}; expected its published layout")
    entries = _only_known(entries, root)
    if not any(entry.split for entry in entries):
        splits = split_by_group(
            [entry.label for entry in entries],
            [entry.group for entry in entries],
            fractions=FRACTIONS if fractions is None else fractions,
            seed=seed,
        )
        entries = [replace(entry, split=split) for entry, split in zip(entries, splits, strict=True)]
    return Manifest(tuple(entries))


def _with_gaze(entry: Entry, root: Path) -> Entry:
    """Add what the user put beside the data set."""
    heatmap = entry.heatmap or find_file(root.resolve() / "heatmaps", [entry.id])
    gaze = entry.gaze or find_file(root.resolve(), ["gaze"], GAZE_ENDINGS)
    return replace(entry, heatmap=heatmap, gaze=gaze)


def _only_known(entries: list[Entry], root: Path) -> list[Entry]:
    """Take the gaze from images that a file of many scanpaths does not hold."""
    common = {entry.gaze for entry in entries if entry.gaze and entry.gaze.parent == root.resolve()}
    known = {file: {str(_image(key)) for key in read_scanpaths(file, verbose=False).ids} for file in common}
    return [
        replace(entry, gaze=None) if entry.gaze in known and entry.id not in known[entry.gaze] else entry
        for entry in entries
    ]


def _image(key: Any) -> Any:
    return key[0] if isinstance(key, tuple) else key


PRESETS: dict[str, Callable[[Path, Path], Iterator[Entry]]] = {
    "inbreast": inbreast,
    "tufts": tufts,
    "oai": oai,
    "egd-cxr": egd_cxr,
    "reflacx": reflacx,
}
