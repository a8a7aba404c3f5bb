"""Real images with real gaze as an arm sees them: manifests, and gaze that is taken from other images."""

from __future__ import annotations

import csv
import dataclasses
import functools
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gazesim.cache.readers import ReadersReduced
from gazesim.reading.features import readers_of
from gazesim.schemes import scheme_from
from gazesim.train import Entry, Manifest, ManifestSamples
from gazesim.train.evaluation.segmentation import masks_of

from .real_arms import MASKS, MEAN, OTHER, RealArm
from .real_settings import FOLDER, RealSettings

#: Of OSIE: what its segmentation probe looks for, by number of the map.
TEXT, FACE = 0, 1

Maps = dict[str, NDArray[np.float32]]


def source() -> Path:
    """Return the folder of images, gaze and labels."""
    return Path(os.environ[FOLDER])


def write_manifest(folder: Path, arm: RealArm, seed: int, settings: RealSettings) -> Path:
    """Write the maps that an arm's target or views use, and a manifest that names them beside the images."""
    entries = entries_of(arm.data, folder, settings)
    maps = maps_for(arm, entries, seed, settings) if arm.what.needs_maps else {}
    written = []
    for entry in entries:
        file, found = folder / f"{entry.id}.npy", maps.get(entry.id)
        if found is not None:
            np.save(file, found)
        heatmap = None if found is None else file
        written.append(dataclasses.replace(entry, gaze=None, gaze_name="", heatmap=heatmap))
    path = folder / "manifest.csv"
    Manifest(tuple(written)).write(path)
    return path


def entries_of(data: str, folder: Path, settings: RealSettings) -> list[Entry]:
    """Return the images of a data set: of the birds the first species alone, of the others all."""
    known = list(Manifest.read(source() / "manifest.csv").entries)
    if data == "kvasir":
        return [dataclasses.replace(one, mask=source() / "masks" / f"{one.id}.png") for one in known]
    if data == "cub":
        with open(source() / "labels.csv", newline="", encoding="utf-8") as file:
            numbers = {row["image_id"]: int(row["class_id"]) for row in csv.DictReader(file)}
        used = set(sorted(set(numbers.values()))[: settings.species])
        return [one for one in known if numbers[one.id] in used]
    regions = attribute_maps()[:, [TEXT, FACE]].any(axis=1)
    masked = []
    for entry, region in zip(known, regions, strict=True):
        if region.any():
            file = folder / f"mask-{entry.id}.npy"
            np.save(file, region.astype(np.uint8))
            entry = dataclasses.replace(entry, mask=file)
        masked.append(entry)
    return masked


def attribute_maps() -> NDArray[np.bool_]:
    """Return OSIE's maps of attributes, (images, 12, 48, 64), in the order of the manifest."""
    packed = np.load(source() / "attribute_maps_48x64.npz")["packed"]
    bits = np.unpackbits(packed, axis=1)[:, : 12 * 48 * 64]
    return bits.reshape(-1, 12, 48, 64).astype(bool)


# --- maps -----------------------------------------------------------------------------------------


def maps_for(arm: RealArm, entries: Sequence[Entry], seed: int, settings: RealSettings) -> Maps:
    """Return the map of every training image that has one, by id."""
    what, train = arm.what, [entry for entry in entries if entry.split == "train"]
    found = regions_of(train, settings) if what.gaze == MASKS else gaze_maps(arm.data, settings)
    names = list(found)
    if what.gaze == OTHER:
        return {name: found[other] for name, other in given_by(names, seed).items()}
    if what.gaze == MEAN:
        middle = np.mean(list(found.values()), axis=0)
        return dict.fromkeys(names, (middle / middle.max()).astype(np.float32))
    order = order_of(len(names), seed)
    return {names[i]: found[names[i]] for i in order[: round(what.share * len(names))]}


def given_by(ids: Sequence[str], seed: int) -> dict[str, str]:
    """Return the image whose gaze each image gets: a cycle through all, so that nobody keeps his own."""
    order = order_of(len(ids), seed)
    return {ids[here]: ids[there] for here, there in zip(order, np.roll(order, 1), strict=True)}


def order_of(count: int, seed: int) -> NDArray[np.int64]:
    """Return the images in the order in which a seed draws them."""
    return np.random.default_rng([seed, 21]).permutation(count)


@functools.lru_cache(maxsize=2)
def gaze_maps(data: str, settings: RealSettings) -> Maps:
    """Return the gaze maps of the training images, each with the maximum 1; drawn once by a process."""
    samples = samples_of(train_of(data, settings), settings)
    maps = {name: samples.gaze_map(i) for i, name in enumerate(samples.ids)}
    return {name: (one / one.max()).numpy() for name, one in maps.items() if one is not None}


def regions_of(train: Sequence[Entry], settings: RealSettings) -> Maps:
    """Return the masks of images as maps."""
    samples = samples_of(train, settings)
    found = zip(samples.ids, masks_of(samples), strict=True)
    return {name: mask.astype(np.float32) for name, mask in found if mask is not None}


def samples_of(entries: Sequence[Entry], settings: RealSettings) -> ManifestSamples:
    """Return images at the size of the views."""
    share = settings.sigma_px / settings.size
    return ManifestSamples(Manifest(tuple(entries)), size=settings.size, sigma_share=share)


def train_of(data: str, settings: RealSettings) -> list[Entry]:
    """Return the training images of a data set with their own gaze, without masks."""
    with tempfile.TemporaryDirectory() as folder:
        found = entries_of(data, Path(folder), settings)
    return [dataclasses.replace(entry, mask=None) for entry in found if entry.split == "train"]


# --- affinities -----------------------------------------------------------------------------------


@functools.lru_cache(maxsize=4)
def affinities(
    data: str, scheme: str, settings: RealSettings, one_reader: bool = False
) -> tuple[NDArray[np.float32], list[str]]:
    """Return the affinities of the training images with their ids: over all readers or of one."""
    features = samples_of(train_of(data, settings), settings).gaze_features(scheme_from(scheme, {}))
    if not readers_of(features.ids):
        return np.asarray(features.block(features.ids), np.float32), [str(name) for name in features.ids]
    if not one_reader:
        reduced = ReadersReduced(features, "mean")
        return np.asarray(reduced.block(reduced.ids), np.float32), [str(name) for name in reduced.ids]
    first = {str(name[0]): name for name in reversed(features.ids)}
    ids = list(dict.fromkeys(str(name[0]) for name in features.ids))
    return np.asarray(features.block([first[name] for name in ids]), np.float32), ids


def affinities_for(arm: RealArm, seed: int, settings: RealSettings) -> tuple[NDArray[np.float32], list[str]]:
    """Return an arm's affinities: of the images' own gaze, or of that which other images give them."""
    matrix, ids = affinities(arm.data, str(arm.what.scheme), settings, arm.what.one_reader)
    if arm.what.gaze != OTHER:
        return matrix, ids
    at = {name: i for i, name in enumerate(ids)}
    giver = given_by(ids, seed)
    order = [at[giver[name]] for name in ids]
    return np.ascontiguousarray(matrix[np.ix_(order, order)]), ids
