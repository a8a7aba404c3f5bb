"""Images with their gaze maps at one size: what the predictor learns from and is scored on."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...geometry import Size
from ...reading.names import Names
from ...reading.options import GazeOptions
from ...reading.placed import PlacedGaze, warn_of_placement
from ...reading.source import image_of
from ..data.groups import groups_of
from ..data.image_sizes import stretched_map
from ..data.images import Image, read_images, resized
from ..data.manifest import Manifest
from ..data.manifest_samples import ManifestSamples

__all__ = ["GazePairs", "pairs_of_files", "pairs_of_manifest", "pairs_of_phantom"]

#: The splits of a manifest that are held out.
HELD_OUT = ("val", "test")
#: How many names a message lists.
LISTED = 3

Path3 = NDArray[np.float64]
Say = Callable[[str], None]
#: Reads gaze and places it on the images, given a function that returns their sizes.
Placed = Callable[[Callable[[Hashable], Size | None]], PlacedGaze]


@dataclass(frozen=True)
class GazePairs:
    """Images with their gaze maps, squeezed to one size.

    Parameters
    ----------
    ids
        n distinct names of images.
    images, maps
        (n, H, W) float32 each.
    fixations
        (L, 3) per image, the fixations of all its readers: x and y in pixels of ``maps``, duration in
        seconds; empty where only a map is known. None if no image has fixations.
    groups
        The group of every image, a patient or an image file of several rows; None: every image is a group of
        its own.
    splits
        "train", "val", "test" or "" of every image; None: no image has one.

    Examples
    --------
    >>> from gazesim.train.saliency.gaze_pairs import pairs_of_phantom
    >>> pairs = pairs_of_phantom(8, size=32)
    >>> learned, unseen, _ = pairs.divided()
    >>> len(learned), len(unseen), unseen.images.shape
    (6, 2, (2, 32, 32))
    """

    ids: list[str]
    images: Image
    maps: Image
    fixations: list[Path3] | None = None
    groups: list[str] | None = None
    splits: list[str] | None = None

    def __len__(self) -> int:
        return len(self.ids)

    def take(self, positions: Sequence[int]) -> GazePairs:
        """Return the pairs at ``positions``, in that order."""
        at = [int(position) for position in positions]
        return GazePairs(
            [self.ids[i] for i in at],
            self.images[at],
            self.maps[at],
            None if self.fixations is None else [self.fixations[i] for i in at],
            None if self.groups is None else [self.groups[i] for i in at],
            None if self.splits is None else [self.splits[i] for i in at],
        )

    def divided(self, held_out: float | None = None, seed: int = 0) -> tuple[GazePairs, GazePairs, str]:
        """Return the pairs to learn from, the held-out pairs, and a description of how they were divided.

        The splits val and test are held out, and the split train is learned from. Without images in val and
        test, or with ``held_out``, that share of the groups (default 0.25) is held out, drawn with ``seed``.
        No group is in both parts.
        """
        kept = list(range(len(self)))
        if self.splits is not None and any(self.splits):
            unseen = [i for i in kept if self.splits[i] in HELD_OUT]
            kept = [i for i in kept if self.splits[i] == "train"]
            if unseen and held_out is None:
                names = " and ".join(one for one in HELD_OUT if one in self.splits)
                if not kept:
                    raise ValueError(
                        f'all {len(unseen)} images with gaze are of the split {names}; expected "train"'
                    )
                return self.take(kept), self.take(unseen), f"the split {names}"
            if not kept:
                raise ValueError('no image with gaze has the split "train"; expected some to learn from')
        share = 0.25 if held_out is None else held_out
        members: dict[str, list[int]] = {}
        for i in kept:
            members.setdefault(self.ids[i] if self.groups is None else self.groups[i], []).append(i)
        groups, unit = list(members), "images" if self.groups is None else "groups"
        order = np.random.default_rng(seed).permutation(len(groups))
        count = round(share * len(groups))
        if not 0 < count < len(groups):
            raise ValueError(
                f"held_out is {share}, {count} of {len(groups)} {unit}; expected some and not all"
            )
        unseen, learned = (
            [i for at in part for i in members[groups[at]]] for part in (order[:count], order[count:])
        )
        return self.take(learned), self.take(unseen), f"{share:g} of the {unit}"


def pairs_of_manifest(
    manifest: Manifest,
    *,
    size: int = 224,
    gaze: GazeOptions | None = None,
    bits: int | None = None,
    say: Say = lambda _: None,
    warn: Say = warn_of_placement,
) -> GazePairs:
    """Return the images of a manifest that have gaze, with the maps of all their readers together.

    Gaze is read and placed as in training; a row with a ``heatmap`` has that as its map. ``say`` is called
    with what was read and how many images are left out, ``warn`` with what looks wrong about the gaze.

    Parameters
    ----------
    manifest
        The images, of which a part needs gaze.
    size
        Side of images and maps in pixels.
    gaze
        How gaze files are read and where images stood, unless a row says so itself.
    bits
        How many of 16 bits the pixels use, as for :class:`~gazesim.train.ManifestSamples`.
    """
    entries = [one for one in manifest.entries if one.gaze is not None or one.heatmap is not None]
    if not entries:
        raise ValueError(
            f"{manifest.path or 'manifest'} names no gaze for any of {len(manifest)} images; expected gaze "
            "files or maps in its columns gaze or heatmap for some"
        )
    without = len(manifest) - len(entries)
    if any(one.split for one in entries):
        stray = [one.id for one in entries if not one.split]
        if stray:
            say(_left_out(stray, "have gaze and no split"))
            entries = [one for one in entries if one.split]
    samples = ManifestSamples(Manifest(tuple(entries), manifest.path), size=size, gaze=gaze, bits=bits)
    if any(one.gaze is not None for one in entries):
        samples.gaze.tell(say, warn)
    found = [samples.gaze_map(i) for i in range(len(samples))]
    if blank := [name for name, one in zip(samples.ids, found, strict=True) if one is None]:
        say(_left_out(blank, "have no gaze on the image"))
    at = [i for i, one in enumerate(found) if one is not None]
    if not at:
        raise ValueError(f"{manifest.path or 'manifest'}: no image has gaze on it; expected some")
    of_maps = sum(samples.entries[i].heatmap is not None for i in at)
    say(
        f"{len(at)} of {len(manifest)} images have gaze to learn from or to be scored on, {of_maps} of them "
        f"as maps in column heatmap; {without} have none"
    )
    # Of all rows: one without gaze may connect the files of a patient.
    whole = groups_of(manifest.entries)
    groups = None if whole is None else dict(zip((one.id for one in manifest.entries), whole, strict=True))
    paths = [np.concatenate([*samples.scanpaths(i), np.zeros((0, 3))]) for i in at]
    return GazePairs(
        [samples.ids[i] for i in at],
        np.stack([samples.image(i)[0].numpy() for i in at]),
        np.stack([one.numpy() for one in found if one is not None]),
        paths if any(len(path) for path in paths) else None,
        None if groups is None else [groups[samples.ids[i]] for i in at],
        [samples.splits[i] for i in at],
    )


def pairs_of_files(
    images: str,
    maps: str | None,
    placed: Placed | None,
    *,
    size: int = 224,
    say: Say = lambda _: None,
) -> GazePairs:
    """Return images with their maps of the same names; without ``maps``, drawn from the gaze.

    ``images`` and ``maps`` are folders, with their subfolders, or .npy files (n, H, W). ``placed`` reads the
    gaze, given the sizes of the images. Images without a map are left out, and ``say`` is called with their
    number.
    """
    named = read_images(images)
    paths, drawn = (None, {}) if placed is None else gaze_by_image(placed, named, size)
    if paths is not None and not paths:
        raise ValueError(
            f"no gaze is of any of {len(named)} images, such as {min(named)!r}; expected their names as ids"
        )
    if maps is None:
        true: Mapping[str, Image] = drawn
    else:
        found = read_images(maps)
        true = {name: resized(one, (size, size)) for name, one in found.items()}
        if true.keys() - named.keys():
            lone = sorted(named.keys() ^ true.keys())
            raise ValueError(
                f"images and maps differ in {len(lone)} names, such as {lone[0]!r}; expected equal names"
            )
        _check_sizes(maps, found, named, say)
    if missing := [name for name in named if name not in true]:
        say(_left_out(missing, "have no gaze on them" if maps is None else "have no map"))
    if paths is not None and (unscored := [name for name in true if name not in paths]):
        say(f"{len(unscored)} images, such as {unscored[0]!r}, have a map and no fixations to be scored on")
    ids = [name for name in named if name in true]
    scales = {name: np.array([size / named[name].shape[1], size / named[name].shape[0], 1.0]) for name in ids}
    empty = np.zeros((0, 3))
    return GazePairs(
        ids,
        np.stack([resized(named[name], (size, size)) for name in ids]),
        np.stack([true[name] for name in ids]),
        None if paths is None else [paths.get(name, empty) * scales[name] for name in ids],
    )


def _check_sizes(maps: str, found: Mapping[str, Image], named: Mapping[str, Image], say: Say) -> None:
    """Raise ValueError for a map whose width and height are swapped; say how many maps are stretched."""
    notes = []
    for name, one in found.items():
        try:
            note = stretched_map(one.shape[::-1], named[name].shape[::-1])
        except ValueError as error:
            raise ValueError(f"{maps}: map {name!r} {error}") from None
        if note:
            notes.append(f"{name!r} {note}")
    if notes:
        say(f"{len(notes)} maps have other proportions than their images, such as {notes[0]}")


def gaze_by_image(
    placed: Placed, named: Mapping[str, Image], size: int
) -> tuple[dict[str, Path3], dict[str, Image]]:
    """Return the fixations of all readers in pixels of every image, and maps of ``size`` drawn from them.

    The keys of both are the names of the images; :class:`~gazesim.reading.names.Names` finds the name for an
    id of the gaze that is spelled otherwise.
    """
    names = Names(named)

    def image_size(image: Hashable) -> Size | None:
        name = names.find(str(image))
        return None if name is None else (float(named[name].shape[1]), float(named[name].shape[0]))

    gaze = placed(image_size)
    found: dict[str, list[int]] = {}
    for position, scanpath in enumerate(gaze.paths.ids):
        name = names.find(str(image_of(scanpath)))
        if name is not None:
            found.setdefault(name, []).append(position)
    paths = {name: np.concatenate([gaze.on_image(i) for i in at]) for name, at in found.items()}
    maps = {name: gaze.map_on_image(at, (size, size)) for name, at in found.items()}
    return paths, {name: one for name, one in maps.items() if one.any()}


def pairs_of_phantom(count: int, *, size: int = 224, seed: int = 0) -> GazePairs:
    """Return synthetic images, each read by 10 people."""
    from ...phantom import phantom

    data = phantom(count, seed=seed, size=size, readers=10)
    paths = [np.concatenate([data.scanpaths[(i, one)] for one in range(10)]) for i in range(len(data))]
    ids = [f"phantom-{i:05}" for i in range(len(data))]
    return GazePairs(ids, data.images, data.heatmaps, paths)


def _left_out(names: Sequence[str], why: str) -> str:
    some = ", ".join(map(repr, names[:LISTED])) + (", ..." if len(names) > LISTED else "")
    return f"{len(names)} images {why}, and are left out: {some}"
