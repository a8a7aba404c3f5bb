"""``gazesim manifest``: join images, gaze and labels to one table that training reads."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from . import say_next
from .reading import CARRIED, given_again, read_gaze

#: What the help shows: the usual options, and a command.
COMMON = ("gaze", "labels", "out", "screen_size", "image_box", "group_column", "label_column")
EXAMPLE = (
    "manifest images --gaze fixations.csv --labels labels.csv --screen_size 1920,1080 --out manifest.csv"
)


def run(
    images: list[str],
    gaze: list[str] | None = None,
    labels: str | None = None,
    out: str = "manifest.csv",
    id_column: str | None = None,
    label_column: str | None = None,
    group_column: str | None = None,
    split_column: str | None = None,
    split: bool = False,
    folds: int | None = None,
    seed: int = 0,
    **reading: Any,
) -> None:
    """Join images with their gaze and labels to a manifest, and print how many were joined by which rule.

    A name in a gaze file or table matches an image if both are equal, else if they are equal without
    extension, without folder, without both, or in lower case. A name that matches two images matches none.

    Args:
        images: Folders of images, or image files.
        gaze: Gaze files or folders, such as fixations.csv, with commas between them. Where the gaze of an
            image is in several, all are put together in a table beside the manifest.
        labels: A table with a column of image names, and columns of classes, patients or splits. Other
            columns are kept; files in mask and heatmap are relative to the table.
        out: Where to write the manifest, as .csv.
        id_column: The column of image names in the table of labels; default: id, image_id, image, ...
        label_column: The column of classes; default: label, class, diagnosis, category or grade.
        group_column: The column of patients; all images of a patient get the same split; default: group,
            patient, patient_id, ...
        split_column: The column of splits (train, val, test, or training, validation, ...); default: split
            or set.
        split: Split the images 70/10/20 by seed, stratified by class; a patient's images stay together.
        folds: Instead write a manifest per fold, OUT-fold0.csv and so on, in which the images of the fold are
            the test split.
        seed: Decides the split and the folds.
    """
    from ..train.data.folds import with_fold
    from ..train.data.joining import join, with_splits

    target = Path(out)
    if not target.resolve().parent.is_dir():
        raise ValueError(f"{out} is in a folder that does not exist; expected one that does")
    if split and folds is not None:
        raise ValueError("split and folds are both given; expected one of them")
    if not images:
        raise ValueError("no image is given; expected folders of images, or image files")
    if split and split_column is not None:
        raise ValueError("split and split_column are both given; expected one of them")
    parts = [target.with_name(f"{target.stem}-fold{fold}{target.suffix}") for fold in range(folds or 0)]
    source = read_gaze("", **reading)
    joined = join(
        images,
        gaze or [],
        labels=labels,
        options=source.options,
        id_column=id_column,
        label_column=label_column,
        group_column=group_column,
        split_column=split_column,
        takes_splits=not split,
        outputs=[target, *parts],
        table=target.with_suffix(".gaze.csv"),
    )
    manifest = with_splits(joined.manifest, seed) if split else joined.manifest
    for line in joined.words:
        print(line)
    if folds is not None:
        divided = [with_fold(manifest, fold, folds=folds, seed=seed) for fold in range(folds)]
        for file, part in zip(parts, divided, strict=True):
            part.write(file)
        print(f"wrote {target.stem}-fold0{target.suffix} to -fold{folds - 1}, a manifest per fold")
    manifest.write(target)
    count = sum(entry.gaze is not None for entry in manifest.entries)
    print(f"wrote {out}: {len(manifest):,} images, {count:,} with gaze", file=sys.stderr)
    if count:
        say_next("affinity", out, *given_again(reading, CARRIED), "--cache", "affinities")
    else:
        say_next("pretrain", "--config", "CONFIG", "--data.manifest", out)
