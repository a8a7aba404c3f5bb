"""Which images that ``gazesim evaluate`` tests on a checkpoint was pre-trained on."""

from __future__ import annotations

import io
import os
import warnings
from collections.abc import Mapping
from contextlib import redirect_stderr
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .._progress import tell
from .evaluate_checkpoints import Named, config_beside, options_in
from .options import UsageError
from .pretrain_options import DataOptions
from .run_files import located

if TYPE_CHECKING:
    from ..train.data.gaze_data import GazeData
    from ..train.data.samples import Samples

__all__ = ["tell_overlap"]

#: The options that decide which images are trained on.
DIVISION = ("manifest", "preset", "folder", "images", "fractions", "folds", "fold", "phantom", "split_seed")
#: Ids that a message lists.
LISTED = 3

#: Images by id, with their real paths; "" for images in memory.
Images = Mapping[str, str]


def tell_overlap(source: GazeData, samples: Samples, named: Named, folds: int | None) -> None:
    """Say on stderr for every checkpoint which images of the test it was pre-trained on.

    With ``folds`` every labelled image is tested on. Images are the same if their ids are, or their files.
    """
    tested = _images(samples, "test" if folds is None else None)
    read: dict[str, Images] = {}
    for path in dict.fromkeys(one for paths in named.values() for one in paths):
        file = config_beside(path)
        options = options_in(file)[1] if file.is_file() else None
        if options is None:
            tell(f"which images {path} was pre-trained on is not known: {file} does not exist or has no data")
            continue
        key = repr([getattr(options, name) for name in DIVISION])
        try:
            if key not in read:
                read[key] = _trained(file, options, source, samples)
        except (ValueError, OSError, ImportError, UsageError) as error:
            tell(f"which images {path} was pre-trained on is not known: {error}")
            continue
        _tell(path, tested, read[key], folds, _are_ids_of_one_set(options, source))


def _tell(path: str, tested: Images, trained: Images, folds: int | None, by_id: bool) -> None:
    files = {file for file in trained.values() if file}
    both = [name for name, file in tested.items() if (by_id and name in trained) or file in files]
    if not both:
        return
    some = ", ".join(both[:LISTED]) + (", ..." if len(both) > LISTED else "")
    where = (
        f"the {len(tested)} test images" if folds is None else f"the {len(tested)} images in {folds} folds"
    )
    tell(
        f"warning: {path} was pre-trained on {len(both)} of {where} ({some}), by id or file: it has "
        "seen their pixels and gaze, and their labels where positives were by label"
    )


def _images(samples: Samples, split: str | None = None) -> Images:
    """Return the images of a split; without one all that folds divide: those with a label, or all."""
    entries: Any = getattr(samples, "entries", None)
    lowest = 0 if any(label >= 0 for label in samples.labels) else -1
    return {
        name: "" if entries is None else os.path.realpath(entries[i].image)
        for i, name in enumerate(samples.ids)
        if (samples.labels[i] >= lowest if split is None else samples.splits[i] == split)
    }


def _trained(file: Path, options: DataOptions, source: GazeData, samples: Samples) -> Images:
    """Return the training images of a configuration."""
    from ..train.data.gaze_data import GazeData

    if options.phantom is not None:
        drawn = replace(options.phantom, n_train=0, n_val=0, n_test=0)
        if source.phantom is None or replace(source.phantom, n_train=0, n_val=0, n_test=0) != drawn:
            return {}  # other random numbers, so that equal ids are other images
        return dict.fromkeys(options.phantom.ids("train"), "")
    if source.phantom is not None:
        return {}
    with warnings.catch_warnings(), redirect_stderr(io.StringIO()):
        warnings.simplefilter("ignore")  # pre-training said what there is to say
        here = located(file, options)
        given = {name: getattr(here, name) for name in DIVISION}
        if given == {name: getattr(source, name) for name in DIVISION}:
            return _images(samples, "train")
        manifest = GazeData(**given).read_manifest()
    return {one.id: os.path.realpath(one.image) for one in manifest.entries if one.split == "train"}


def _are_ids_of_one_set(options: DataOptions, source: GazeData) -> bool:
    """Return False for two different presets, whose ids may be equal by chance."""
    return None in (options.preset, source.preset) or options.preset == source.preset
