"""Public data sets as manifests: each in the layout in which it is published.

None of them can ship with a library, so the presets were tested on small folders built after the
published descriptions. Every preset returns all images that the data set names, with absolute paths.
Published splits are kept; without one, images are split by seed, stratified by class, and a patient's
images stay together.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from ...._errors import choice
from ...._progress import tell
from ....io.tables import fault
from ..groups import groups_of
from ..joining import add_gaze
from ..manifest import Entry, Manifest
from ..splits import split_by_group
from .cub_gha import cub_gha
from .egd_cxr import egd_cxr
from .gazesearch import annotation_files, gazesearch
from .inbreast import inbreast, inbreast_patches
from .kvasir_gaze import kvasir_gaze
from .layout import find_file
from .oai import oai
from .osie import osie
from .reflacx import reflacx
from .tufts import tufts

__all__ = ["PRESETS", "preset"]

GAZE_ENDINGS = (".csv", ".tsv", ".json", ".txt")
FRACTIONS = {"train": 0.7, "val": 0.1, "test": 0.2}
#: Shares of McGIP's folds (five), and of EGD-CXR's makers.
MCGIP_FRACTIONS = {"train": 0.8, "val": 0.0, "test": 0.2}
OWN_FRACTIONS = {
    "inbreast": MCGIP_FRACTIONS,
    "inbreast-patches": MCGIP_FRACTIONS,
    "tufts": MCGIP_FRACTIONS,
    "egd-cxr": {"train": 0.8, "val": 0.1, "test": 0.1},
}


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
        ``"inbreast"``, ``"inbreast-patches"``, ``"tufts"``, ``"oai"``, ``"egd-cxr"``, ``"reflacx"``,
        ``"gazesearch"``, ``"kvasir-gaze"``, ``"cub-gha"`` or ``"osie"``.
    folder
        Where it was unpacked, or one or two levels above.
    images
        Where the images are, if not in ``folder``: EGD-CXR and REFLACX use those of MIMIC-CXR, as
        DICOM or as the JPEGs of MIMIC-CXR-JPG.
    fractions, seed
        Shares of the splits for data without a published one. Default for training, validation and test:
        80, 0 and 20 % of INbreast and Tufts, as in each of McGIP's five folds; 80, 10 and 10 % of EGD-CXR, as
        its makers; else 70, 10 and 20 %. Patients stay together.

    Notes
    -----
    INbreast
        ``AllDICOMs/<image>_<patient>_MG_<side>_<view>_ANON.dcm`` and ``INbreast.csv`` (separated by
        semicolons; save INbreast.xls as such) with the columns ``File Name`` and ``Bi-Rads``.
        Labels by BI-RADS: 1 normal, 2 and 3 benign, 4 to 6 malignant. An image without a patient in its
        name is a group of its own; a line on stderr gives their number.
    INbreast-patches
        Patches that were cut from these mammograms (McGIP works on patches): ``patches/<image>*.png``, in
        folders or not. Labels and patients are those of the mammogram.
    Tufts
        ``Radiographs/<n>.JPG``, ``Expert/expert.json`` (a list; ``External ID`` and the abnormalities
        in ``Label.objects``). Gaze maps are looked for in ``Expert/gaze_map/gray/<n>.jpg``, where
        McGIP's code reads them, then in ``Expert/gaze_map`` (assumed; ``heatmaps`` works in any case).
        Labels: abnormal where the expert marked anything, else normal.
    OAI
        The knees of Chen et al. (2019): ``<split>/<grade>/<patient><L or R>.png`` with ``train``,
        ``val`` and ``test``; or ``kxr_sq_bu00.txt`` (``|``, or a CSV) with ``ID``, ``SIDE`` (1 right,
        2 left), ``READPRJ`` and ``V00XRKL``, and images ``<ID><L or R>.*``; of several readings of a knee
        that of project 15 counts, else another one, which a line on stderr reports; or, as in McGIP's
        code, ``img/<grade>/*.png`` and ``OAI.json`` with the images of ``train``, ``val`` and ``test``.
        Labels: the grade of Kellgren and Lawrence, 0 to 4.
    EGD-CXR
        ``master_sheet.csv`` (``dicom_id``, ``path``, ``patient_id``, and 0 or 1 in ``Normal``, ``CHF``,
        ``pneumonia``) and ``fixations.csv``. Labels: the first of these three that is 1.
    REFLACX
        ``main_data/metadata_phase_<n>.csv`` and ``main_data/<reading>/fixations.csv``. Labels: abnormal
        where the first reading rates a finding 3 (possible) or more, else normal. Readings whose eye
        tracking was discarded give no gaze. ``validate`` becomes ``val``.
    GazeSearch
        ``annotations/*.json`` (or ``data/*.json``) and ``images/*.jpg``. Labels: the finding that was
        searched for; an image searched for several has a row ``task/image`` for each. ``valid`` becomes
        ``val``.

    Kvasir-gaze
        Kvasir-SEG (``kavsir_bboxes.json``, as its owners spell it, ``images/*.jpg``, ``masks/*.jpg``) and
        ``kvasir_fixation.csv`` of GazeMedSeg in it or in a folder beside it. ``train.txt`` and ``val.txt``,
        likewise, are the official split. No labels; the column ``mask`` serves the segmentation probe.
        This gaze was recorded while annotating. Read the licences: images for research alone, gaze
        without one.
    CUB-GHA
        CUB-200-2011 (``images.txt``, ``classes.txt``, ``image_class_labels.txt``, ``train_test_split.txt``,
        ``images``), ``data_5runs/Fixation_run<n>.txt`` in it or in a folder beside it, and, if unpacked
        there, ``segmentations`` as the column ``mask``. Labels: the species. Every run is a reader.
    OSIE
        ``data/stimuli/*.jpg`` and ``data/eye/fixations.mat`` of 15 observers. No labels and no split of its
        own; the semantic attributes (``attrs.mat``) are not read.

    For all of them, ``heatmaps/<id>.png`` or ``.npy`` in the folder is the gaze map of the image ``<id>``,
    and a ``gaze.csv``, ``.tsv``, ``.json`` or ``.txt``, or a folder ``gaze`` with a file per image, holds
    scanpaths by id if the data set has none of its own. Names may have an ending, a folder or another case;
    lines on stderr report how many were joined by which rule.

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
    given = Path(folder)
    if not given.is_dir():
        raise FileNotFoundError(f"folder is {str(folder)!r}, which is no folder; expected {name} in it")
    root = _root(name, given.resolve())
    place = root if images is None else Path(images)
    if not place.is_dir():
        raise FileNotFoundError(f"images is {str(images)!r}, which is no folder; expected the images")
    entries = [_with_heatmap(entry, root) for entry in build(root, place.resolve())]
    if not entries:
        raise fault(root, None, f"holds no image of {name}; expected its published layout")
    entries = _with_gaze(entries, root)
    if not any(entry.split for entry in entries):
        splits = split_by_group(
            [entry.label for entry in entries],
            groups_of(entries),
            fractions=OWN_FRACTIONS.get(name, FRACTIONS) if fractions is None else fractions,
            seed=seed,
        )
        entries = [replace(entry, split=split) for entry, split in zip(entries, splits, strict=True)]
    elif fractions is not None:
        tell(f"fractions is {dict(fractions)}, and {name} has a published split, which is kept")
    return Manifest(tuple(entries))


def _root(name: str, given: Path) -> Path:
    """Return the folder that holds the data set: the given one, or the only one below it that does."""
    if _holds(name, given):
        return given
    below = [one for one in sorted(given.iterdir()) if one.is_dir()]
    below += [deeper for one in below for deeper in sorted(one.iterdir()) if deeper.is_dir()]
    found = [one for one in below if _holds(name, one)]
    if len(found) > 1:
        raise fault(
            given, None, f"holds {name} in {found[0]} and in {found[1]}; expected one of these folders"
        )
    if found:
        tell(f"{given}: {name} is in {found[0].relative_to(given)}")
    return found[0] if found else given


def _holds(name: str, folder: Path) -> bool:
    """Return whether a folder has a file or folder that identifies the data set."""
    if name == "gazesearch":
        return bool(annotation_files(folder))
    return any(any(folder.glob(mark)) for mark in MARKS[name])


def _with_heatmap(entry: Entry, root: Path) -> Entry:
    """Add the gaze map in the user's folder ``heatmaps``."""
    return replace(entry, heatmap=entry.heatmap or find_file(root / "heatmaps", [entry.id]))


def _with_gaze(entries: list[Entry], root: Path) -> list[Entry]:
    """Add the gaze of EGD-CXR's own file, or for other data sets that of the user's files."""
    own = [entry for entry in entries if entry.gaze and entry.gaze.parent == root]
    # A name says which scanpath is meant, and the files of a folder belong together: nothing is to be joined.
    common = {entry.gaze for entry in own if entry.gaze and not entry.gaze_name and entry.gaze.is_file()}
    place = find_file(root, ["gaze"], GAZE_ENDINGS)
    if place is None and (root / "gaze").is_dir() and any((root / "gaze").iterdir()):
        place = root / "gaze"
    sources = sorted(common) or ([place] if place is not None else [])
    lacking = [entry for entry in entries if entry.gaze is None or entry.gaze in common]
    if not sources or not lacking:
        return entries
    joined, words = add_gaze([replace(entry, gaze=None) for entry in lacking], sources)
    for line in words:
        tell(line)
    by_id = {entry.id: entry for entry in joined}
    return [by_id.get(entry.id, entry) for entry in entries]


PRESETS: dict[str, Callable[[Path, Path], Iterator[Entry]]] = {
    "inbreast": inbreast,
    "inbreast-patches": inbreast_patches,
    "tufts": tufts,
    "oai": oai,
    "egd-cxr": egd_cxr,
    "reflacx": reflacx,
    "gazesearch": gazesearch,
    "kvasir-gaze": kvasir_gaze,
    "cub-gha": cub_gha,
    "osie": osie,
}
#: Files or folders that identify a data set; one of them is enough.
MARKS = {
    "inbreast": ("INbreast.csv",),
    "inbreast-patches": ("INbreast.csv",),
    "tufts": ("Expert/expert.json",),
    "oai": ("train/[0-4]", "val/[0-4]", "test/[0-4]", "img/[0-4]", "[kK][xX][rR]_[sS][qQ]_[bB][uU]00.*"),
    "egd-cxr": ("master_sheet.csv",),
    "kvasir-gaze": ("kavsir_bboxes.json",),
    "cub-gha": ("image_class_labels.txt",),
    "osie": ("data/eye/fixations.mat",),
    "reflacx": ("main_data/metadata_phase_*.csv", "metadata_phase_*.csv"),
}
