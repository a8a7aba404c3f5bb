"""What gaze says before any training: do neighbours by gaze share labels, does gaze lie in the masks?

    python -m benchmarks.study.real_facts --data kvasir --folder DIR    # writes gaze.md beside the cells

Images to train of the scale "small". Positives are the pairs with the highest affinity, as many as the arms
of SimCLR have.
"""

from __future__ import annotations

import argparse
import dataclasses
import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gazesim.cache.advice import dwell_of
from gazesim.train import Entry
from gazesim.train.evaluation.segmentation import masks_of

from .arms import EXTRAS
from .real_arms import LETTERS
from .real_data import affinities, entries_of, given_by, samples_of, train_of
from .real_settings import FOLDER, SCALES, USUAL, RealSettings
from .report import grid
from .run import RESULTS

SCHEMES = {"moments": "moments", "tima": "TIMA", "multimatch": "MultiMatch", "dhash": "dHash"}
ALIKE = {
    "kvasir": "the share with the same size class",
    "cub": "the share with the same species",
    "osie": "the share of the twelve attributes in which both images agree",
}
#: Pixels of the side at which fixations are looked up in masks.
SIDE = 384

Fixations = NDArray[np.float64]


def main(arguments: Sequence[str] | None = None) -> int:
    """Write ``gaze.md`` of a data set."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.study.real_facts",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--data", choices=list(LETTERS), required=True, help="which images")
    parser.add_argument("--folder", type=Path, required=True, help="manifest.csv, fixations.csv, images")
    parser.add_argument("--out", type=Path, help="folder of gaze.md; default: that of the small cells")
    given = parser.parse_args(arguments)
    os.environ[FOLDER] = str(given.folder.resolve())
    name = given.data if USUAL[given.data] == "small" else f"{given.data}-small"
    folder = given.out or RESULTS / name
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "gaze.md").write_text(facts(given.data, SCALES[given.data]["small"]), encoding="utf-8")
    print(f"wrote gaze.md to {folder}", file=sys.stderr)
    return 0


def facts(data: str, settings: RealSettings) -> str:
    """Return the tables of a data set."""
    positives = EXTRAS["simclr"] / (settings.batch_size - 1)
    head = ["scheme", "nearest image", "four nearest", f"positives ({positives:.0%} of pairs)", "any two"]
    body = [
        [title, *(f"{value:.3f}" for value in shares(data, scheme, settings, positives))]
        for scheme, title in SCHEMES.items()
    ]
    text = f"Neighbours by gaze among the images to train: {ALIKE[data]}.\n\n{grid(head, body)}\n"
    rows = places(data, settings)
    return text + f"\nWhere people look.\n\n{grid(['share', 'value'], rows)}\n" if rows else text


def shares(data: str, scheme: str, settings: RealSettings, positives: float) -> list[float]:
    """Return how far neighbours are alike: the nearest, four, the positives of the study, and any two."""
    matrix, ids = affinities(data, scheme, settings)
    alike = alikeness(data, ids, settings)
    others = ~np.eye(len(ids), dtype=bool)
    ranked = np.argsort(np.where(others, -matrix, np.inf), axis=1, kind="stable")
    nearest = np.take_along_axis(alike, ranked[:, :4], axis=1)
    bound = np.quantile(matrix[others], 1 - positives)
    near = others & (matrix >= bound)
    return [float(one.mean()) for one in (nearest[:, :1], nearest, alike[near], alike[others])]


def alikeness(data: str, ids: Sequence[str], settings: RealSettings) -> NDArray[np.float64]:
    """Return (n, n), 1 where two images have the same label; of attributes the share that agrees."""
    known = {entry.id: entry for entry in train_of(data, settings)}
    entries = [known[name] for name in ids]
    if data != "osie":
        labels = np.array([entry.label for entry in entries])
        return (labels[:, None] == labels).astype(float)
    names = sorted(name for name in entries[0].extra if name.startswith("has_"))
    has = np.array([[float(entry.extra[name]) for name in names] for entry in entries])
    return np.asarray((has @ has.T + (1 - has) @ (1 - has).T) / len(names))


# --- where people look ----------------------------------------------------------------------------


def places(data: str, settings: RealSettings) -> list[list[str]]:
    """Return rows of shares: of dwell time in masks, of their area, of variance between images."""
    with tempfile.TemporaryDirectory() as folder:
        found = entries_of(data, Path(folder), settings)
        train = [entry for entry in found if entry.split == "train"]
        gazes = fixations_of(train, settings)
        rows = []
        if any(entry.mask is not None for entry in train):
            rows = in_masks(train, gazes, settings)
    dwell = dwell_of(gazes, (1.0, 1.0))
    if dwell is not None:
        rows.append(["variance of fixations that lies between images", f"{dwell.share:.2f}"])
    return rows


def fixations_of(train: Sequence[Entry], settings: RealSettings) -> dict[str, Fixations]:
    """Return the fixations of all readers of each image, x and y as shares of the image, and seconds."""
    samples = samples_of(train, settings)
    gazes = {}
    for at, name in enumerate(samples.ids):
        rows = [np.empty((0, 3))]
        for one in samples.fixations(at):
            left, top, right, bottom = one.image_box
            path = np.array(one.path, dtype=float)
            path[:, :2] = (path[:, :2] - (left, top)) / (right - left, bottom - top)
            rows.append(path)
        gazes[str(name)] = np.concatenate(rows)
    return {name: path for name, path in gazes.items() if len(path)}


def in_masks(train: Sequence[Entry], gazes: dict[str, Fixations], settings: RealSettings) -> list[list[str]]:
    """Return the area of the masks and the dwell time in them, by own and another image's gaze, as shares."""
    samples = samples_of(train, dataclasses.replace(settings, size=SIDE))
    masks = {
        str(name): mask for name, mask in zip(samples.ids, masks_of(samples), strict=True) if mask is not None
    }
    names = [name for name in masks if name in gazes]
    other = given_by(names, seed=0)
    area = np.mean([masks[name].mean() for name in names])
    return [
        ["area of the masks", f"{area:.3f}"],
        ["dwell time in the masks", f"{dwell_in(masks, {name: gazes[name] for name in names}):.3f}"],
        ["… with another image's gaze", f"{dwell_in(masks, {k: gazes[v] for k, v in other.items()}):.3f}"],
    ]


def dwell_in(masks: dict[str, NDArray[np.bool_]], gazes: dict[str, Fixations]) -> float:
    """Return the mean over images of the share of dwell time that lies in the mask."""
    found = []
    for name, path in gazes.items():
        mask = masks[name]
        x, y = (path[:, :2] * mask.shape[::-1]).astype(int).T
        is_on = (x >= 0) & (y >= 0) & (x < mask.shape[1]) & (y < mask.shape[0])
        inside = mask[np.where(is_on, y, 0), np.where(is_on, x, 0)] & is_on
        if path[:, 2].sum() > 0:
            found.append(float(path[inside, 2].sum() / path[:, 2].sum()))
    return float(np.mean(found))


if __name__ == "__main__":
    sys.exit(main())
