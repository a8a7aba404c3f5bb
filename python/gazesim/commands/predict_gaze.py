"""``gazesim predict-gaze fit|run``: learn where readers look, and draw gaze maps of other images."""

from __future__ import annotations

import json
import sys
import warnings
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .._errors import UndefinedScoreWarning
from .._progress import ProgressBar, tell
from ..io.tables import Source, Table
from ..plots.affinity import new_figure
from . import say_next
from .options import option_words
from .reading import is_manifest, read_gaze, refuse_without, warn_line

if TYPE_CHECKING:
    from ..train.data.images import Image, ImageSource
    from ..train.data.manifest import Entry, Manifest
    from ..train.saliency.gaze_pairs import GazePairs
    from ..train.saliency.map_folder import MapFolder

#: How many held-out images held_out.png shows.
PICTURED = 6


#: What the help shows: the usual options, and a command.
COMMON = (
    "manifest",
    "images",
    "maps",
    "scanpaths",
    "size",
    "epochs",
    "batch_size",
    "held_out",
    "seed",
    "format",
    "rows",
)
EXAMPLE = {
    "fit": "predict-gaze fit model --manifest manifest.csv",
    "run": "predict-gaze run model manifest.csv maps --rows all",
}


def fit(
    out: str,
    manifest: str | None = None,
    images: str | None = None,
    maps: str | None = None,
    scanpaths: str | None = None,
    phantom: int | None = None,
    size: int = 224,
    epochs: int = 30,
    batch_size: int = 16,
    features: tuple[int, int, int, int, int, int] = (32, 32, 64, 128, 256, 32),
    learning_rate: float = 1e-3,
    held_out: float | None = None,
    seed: int = 0,
    bits: int | None = None,
    **reading: Any,
) -> None:
    """Train a U-Net to predict gaze maps, and score it on images that it has not seen.

    Gaze for a part of the images is enough. After an interruption, the same call resumes after the last whole
    epoch. Writes the model, metrics.json, and held_out.png: image, true and predicted map side by side.

    Args:
        out: The folder for the model and its scores.
        manifest: A table with the columns id, image and gaze or heatmap, such as gazesim manifest writes. All
            readers of an image share one map. Rows without gaze are left out; val and test are held out.
        images: Instead: a folder of images, with its subfolders, or an .npy file (n, H, W).
        maps: The gaze maps of images: a folder whose files have the names of the images, or an .npy file in
            their order; default: drawn from the scanpaths.
        scanpaths: A gaze file or folder with the ids of images, for maps, NSS and AUC-Judd. All readers of an
            image count together. placement or image_box say where images stood on the screen.
        phantom: Instead of files: this many synthetic images, each read by 10 people.
        size: Images and maps are resized to this many pixels square for the network.
        epochs: How often all images are seen.
        batch_size: Images per step.
        features: Channels of the network's five stages and its last layer.
        learning_rate: Learning rate of Adam.
        held_out: Share of the images to score on, or of the groups (patients) if the manifest names them;
            default: the splits val and test of the manifest, else 0.25.
        seed: Decides the held-out images, the initial weights and the order of the images.
        bits: How many of 16 bits the pixels of a manifest's images use, 9 to 16; default 16.
    """
    _check_sources(manifest, images, maps, scanpaths, phantom, bits)
    if manifest is None and scanpaths is None:
        refuse_without("scanpaths", reading)
    from ..train import fit_predictor, predict_gaze, saliency_scores
    from ..train.data.manifest import Manifest
    from ..train.saliency.gaze_pairs import pairs_of_files, pairs_of_manifest, pairs_of_phantom

    if phantom is not None:
        pairs = pairs_of_phantom(phantom, size=size, seed=seed)
    elif manifest is not None:
        options = read_gaze(manifest, **reading).options
        found = Manifest.read(manifest)
        pairs = pairs_of_manifest(found, size=size, gaze=options, bits=bits, say=tell, warn=warn_line)
    else:
        placed = None if scanpaths is None else read_gaze(scanpaths, **reading).placed
        pairs = pairs_of_files(str(images), maps, placed, size=size, say=tell)
    learned, unseen, how = pairs.divided(held_out, seed)
    _say(f"training on {_counted(learned)}, holding out {_counted(unseen)} ({how})")
    model = fit_predictor(
        learned.images,
        learned.maps,
        epochs=epochs,
        batch_size=batch_size,
        features=features,
        learning_rate=learning_rate,
        seed=seed,
        out=out,
    )
    predicted = predict_gaze(model, unseen.images)
    scores = saliency_scores(predicted, unseen.maps, unseen.fixations)
    record = _record(unseen.ids, scores) | {"held_out_by": how, "groups": unseen.groups}
    (Path(out) / "metrics.json").write_text(json.dumps(record) + "\n")
    picture = Path(out) / "held_out.png"
    draw(picture, unseen.ids, unseen.images, unseen.maps, predicted, scores["CC"])
    _say(f"wrote {out}/predictor.pt, metrics.json and {picture.name}")
    rows: list[str] = []
    if manifest is not None and not any(_lacks_gaze(one) for one in found.entries):
        rows = ["--rows", "all"]
    given = manifest or images or "IMAGES"
    say_next("predict-gaze", "run", out, given, "MAPS", *rows, *_again("bits", bits))


def _check_sources(
    manifest: str | None,
    images: str | None,
    maps: str | None,
    scanpaths: str | None,
    phantom: int | None,
    bits: int | None,
) -> None:
    """Refuse sources that do not go together, before torch is imported."""
    files = {"images": images, "maps": maps, "scanpaths": scanpaths}
    named = next((name for name, value in files.items() if value is not None), None)
    if phantom is not None and (manifest or named):
        raise ValueError("phantom is given beside files; expected one or the other")
    if manifest is not None and named:
        raise ValueError(
            f"{named} is given beside manifest, which names images and gaze; expected one of them"
        )
    if manifest is None and bits is not None:
        raise ValueError("bits is given without manifest; expected --manifest beside it")
    if phantom is not None or manifest is not None:
        return
    if images is not None and is_manifest(images):
        raise ValueError(f"images is {images!r}, which is a manifest; expected --manifest {images}")
    if images is None or (maps is None and scanpaths is None):
        raise ValueError(
            "images or maps is missing; expected --manifest, --images with --maps or --scanpaths, or "
            "--phantom 400"
        )


def _counted(pairs: GazePairs) -> str:
    """Return how many images there are, and of how many groups."""
    groups = "" if pairs.groups is None else f" of {len(set(pairs.groups))} groups"
    return f"{len(pairs)} images{groups}"


def _record(unseen: list[str], scores: dict[str, NDArray[np.float64]]) -> dict[str, Any]:
    """Print the means, and return the content of metrics.json; null stands for an undefined score."""
    from ..saliency import mean_scores  # here, because it needs SciPy, whose import takes half a second

    with warnings.catch_warnings(record=True, action="always", category=UndefinedScoreWarning) as undefined:
        means = mean_scores(scores)
    for warning in undefined:
        _say(str(warning.message))
    words = ", ".join(f"{name} {score.mean:.3f}" for name, score in means.items())
    _say(f"{words} on {len(unseen)} unseen images")

    def finite(value: float) -> float | None:
        return value if np.isfinite(value) else None

    return {
        "held_out": unseen,
        "mean": {name: finite(score.mean) for name, score in means.items()},
        "images": {name: score.images for name, score in means.items()},
        "each": {name: [finite(value) for value in values.tolist()] for name, values in scores.items()},
    }


def predict(
    model: str,
    images: str,
    out: str,
    format: str = "npy",
    rows: str | None = None,
    manifest_out: str | None = None,
    bits: int | None = None,
) -> None:
    """Predict the gaze map of every image, in its size, under its name, with the maximum 1.

    A folder of maps can be used again: maps of other images are added, existing ones are kept, and ids.txt
    lists all of them. For a manifest, it also writes a copy whose column heatmap names the maps, to train
    with.

    Args:
        model: A folder that ``predict-gaze fit`` wrote.
        images: A manifest, a folder of images, with its subfolders, or an .npy file (n, H, W).
        out: The folder for the maps, ids.txt, and maps.csv, which says what each was drawn from.
        format: npy (float32) or png (8 bits).
        rows: For a manifest: missing (default) draws maps of the images without gaze, all of every image.
        manifest_out: For a manifest: the file for its copy with the maps; default: manifest.csv in out.
        bits: How many of 16 bits the pixels of images use, 9 to 16; default 16.
    """
    from .._errors import choice, integer

    choice("format", format, ("npy", "png"))
    of_manifest = is_manifest(images)
    for name, value in (("rows", rows), ("manifest_out", manifest_out)):
        if value is not None and not of_manifest:
            raise ValueError(
                f"{name} is given, and {images} is no manifest; expected a manifest, or no {name}"
            )
    if bits is not None:
        integer("bits", bits, low=9, high=16)
    rows = choice("rows", rows or "missing", ("missing", "all"))
    from ..train import load_predictor
    from ..train.data.images import ImageSource, image_sources
    from ..train.evaluation.fingerprints import fingerprint_of_network
    from ..train.saliency.map_folder import MapFolder

    predictor = load_predictor(model)
    folder = MapFolder(out, model=fingerprint_of_network(predictor), format=format)
    if not of_manifest:
        _refuse_inside(out, images)
        _draw_maps(predictor, image_sources(images, bits), folder)
        _say("name them in the column heatmap of a manifest to train with them")
        again = _again("data.bits", bits)
        say_next("pretrain", "--config", "byol_mcgip", "--data.manifest", "MANIFEST.csv", *again)
        return
    from ..train.data.manifest import Manifest

    found = Manifest.read(images)
    chosen = _chosen(found, rows)
    target = Path(manifest_out) if manifest_out else Path(out) / "manifest.csv"
    _check_copy(target, found)
    _draw_maps(predictor, {one.id: ImageSource(one.image, bits) for one in chosen}, folder)
    _with_maps(found, chosen, folder).write(target)
    _say(f"wrote {target}: {len(chosen)} of {len(found)} rows name a predicted map in column heatmap")
    again = [*_again("data.bits", bits), "--out", "RUN"]
    say_next("pretrain", "--config", "byol_mcgip", "--data.manifest", target, *again)


def _again(name: str, value: int | None) -> list[str]:
    return [] if value is None else option_words(name, value)


def _refuse_inside(out: str, images: str) -> None:
    if Path(images).is_dir() and Path(out).resolve().is_relative_to(Path(images).resolve()):
        raise ValueError(
            f"out is {out!r}, which lies in {images}, so that its maps would be images the next time; "
            "expected another folder"
        )


def _lacks_gaze(entry: Entry) -> bool:
    return entry.gaze is None and entry.heatmap is None


def _chosen(manifest: Manifest, rows: str) -> list[Entry]:
    """Return the rows whose maps are drawn, and print how many there are."""
    entries = list(manifest.entries)
    lacking = [one for one in entries if _lacks_gaze(one)]
    has = len(entries) - len(lacking)
    if rows == "all":
        _say(f"drawing maps of all {len(entries)} images; {has} of them have gaze of their own")
        return entries
    if not lacking:
        raise ValueError(
            f"all {has} images of {manifest.path} have gaze; expected --rows all, or some without"
        )
    _say(f"drawing maps of {len(lacking)} of {len(entries)} images; {has} have gaze (--rows all: theirs too)")
    return lacking


def _draw_maps(predictor: Any, images: dict[str, ImageSource], folder: MapFolder) -> None:
    """Draw the maps that do not exist yet, each as large as its image."""
    from ..train import predict_gaze
    from ..train.data.images import resized

    size = tuple(predictor.settings["size"])
    digests = {name: one.digest() for name, one in images.items()}
    for name in images:
        folder.path_of(name)
    new = [name for name, digest in digests.items() if not folder.holds(name, digest)]
    try:
        for name in ProgressBar(new, unit=" images"):
            image = images[name].read()
            gaze = predict_gaze(predictor, resized(image, size)[None])[0]
            folder.add(name, digests[name], np.clip(resized(gaze, image.shape), 0, 1))
    finally:
        folder.write_ids()
    kept = f", kept {len(images) - len(new)} that were there" if len(new) < len(images) else ""
    _say(f"wrote {len(new)} maps to {folder.folder}{kept}; ids.txt lists {len(folder.ids)}")


def _check_copy(target: Path, manifest: Manifest) -> None:
    """Refuse to write a manifest over one with other rows."""
    if not target.is_file():
        return
    if manifest.path is not None and target.samefile(manifest.path):
        raise ValueError(f"manifest_out is {target}, which is the given manifest; expected another file")
    before = [row.text("id") for row in Table(Source(target), ("id",))]
    known = {one.id for one in manifest.entries}
    if lost := [name for name in before if name not in known]:
        raise ValueError(
            f"{target} has {len(lost)} rows that {manifest.path} lacks, such as {lost[0]!r}, and would be "
            "replaced; expected --manifest_out FILE"
        )


def _with_maps(manifest: Manifest, chosen: list[Entry], folder: MapFolder) -> Manifest:
    """Return the manifest whose chosen rows name their predicted maps."""
    drawn = {one.id for one in chosen}
    entries = [
        replace(one, heatmap=folder.path_of(one.id)) if one.id in drawn else one for one in manifest.entries
    ]
    return type(manifest)(tuple(entries))


#: The two actions of the verb.
run = {"fit": fit, "run": predict}


def draw(
    path: Path, ids: list[str], images: Image, true: Image, predicted: Image, scores: NDArray[Any]
) -> None:
    """Draw the first images with their true and predicted maps."""
    count = min(len(ids), PICTURED)
    figure = new_figure(6, 2 * count)
    axes = np.atleast_2d(figure.subplots(count, 3))
    for line, name in enumerate(ids[:count]):
        parts = (
            ("", images, "gray"),
            ("true", true, "inferno"),
            (f"predicted, CC {scores[line]:.2f}", predicted, "inferno"),
        )
        for axis, (title, stack, colours) in zip(axes[line], parts, strict=True):
            axis.imshow(stack[line], cmap=colours)
            axis.set_title(title or name, fontsize=8)
            axis.axis("off")
    figure.savefig(path, dpi=110, format="png")


def _say(text: str) -> None:
    print(text, file=sys.stderr)
