"""``gazesim predict-gaze fit|run``: learn where readers look, and draw gaze maps of other images."""

from __future__ import annotations

import json
import sys
import warnings
from collections.abc import Hashable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .._progress import ProgressBar
from ..plots.affinity import new_figure
from ..reading.names import Names
from ..reading.source import image_of
from ..saliency import UndefinedScoreWarning, mean_scores
from . import say_next
from .reading import GazeSource, read_gaze, refuse_without

if TYPE_CHECKING:
    from ..train.data.images import Image

Named = dict[str, NDArray[np.float32]]
#: Fixations by image, (L, 3).
Readings = dict[str, NDArray[np.float64]]

PICTURED = 6


#: What the help shows: the usual options, and a command.
COMMON = (
    "images",
    "maps",
    "scanpaths",
    "phantom",
    "size",
    "epochs",
    "batch_size",
    "held_out",
    "seed",
    "format",
)
EXAMPLE = {
    "fit": "predict-gaze fit model --images images --maps maps --scanpaths gaze.csv",
    "run": "predict-gaze run model other_images maps_out",
}


def fit(
    out: str,
    images: str | None = None,
    maps: str | None = None,
    scanpaths: str | None = None,
    phantom: int | None = None,
    size: int = 224,
    epochs: int = 30,
    batch_size: int = 16,
    features: tuple[int, int, int, int, int, int] = (32, 32, 64, 128, 256, 32),
    learning_rate: float = 1e-3,
    held_out: float = 0.25,
    seed: int = 0,
    **reading: Any,
) -> None:
    """Train a U-Net to predict gaze maps, and score it on images that it has not seen.

    Called again with the same folder after an interruption, it goes on from the last whole epoch.
    Writes the model, metrics.json, and held_out.png: image, true and predicted map side by side.

    Args:
        out: The folder for the model and its scores.
        images: A folder of .png, .jpg, .tif or .npy images, or an .npy file (n, H, W).
        maps: The gaze maps, likewise; files have the names of their images, arrays their order; default:
            drawn from the scanpaths.
        scanpaths: A gaze file or folder with the images' ids, for NSS and AUC-Judd; all readers of an image
            together. Where images stood on the screen is said by placement or image_box.
        phantom: Instead of files: this many synthetic images, each read by 10 people.
        size: Images and maps are resized to this many pixels square for the network.
        epochs: How often all images are seen.
        batch_size: Images per step.
        features: Channels of the network's five stages and its last layer.
        learning_rate: Of Adam.
        held_out: Share of the images that the scores are taken on.
        seed: Decides the split, the initial weights and the order.
    """
    if scanpaths is None:
        refuse_without("scanpaths", reading)
    source = None if scanpaths is None else read_gaze(scanpaths, **reading)
    named, true, paths = _pairs(images, maps, source, phantom, size, seed)
    if paths is not None and (lone := sorted(named.keys() - paths.keys())):
        raise ValueError(f"{scanpaths} has no scanpath for {len(lone)} images, such as {lone[0]!r}")
    from ..train import fit_predictor, predict_gaze, saliency_scores

    ids = list(named)
    order = np.random.default_rng(seed).permutation(len(ids))
    count = round(held_out * len(ids))
    if not 0 < count < len(ids):
        raise ValueError(f"held_out is {held_out}, {count} of {len(ids)} images; expected some and not all")
    seen, unseen = [ids[i] for i in order[count:]], [ids[i] for i in order[:count]]
    _say(f"training on {len(seen)} images, holding out {len(unseen)}")
    model = fit_predictor(
        _stack(named, seen, size),
        _stack(true, seen, size),
        epochs=epochs,
        batch_size=batch_size,
        features=features,
        learning_rate=learning_rate,
        seed=seed,
        out=out,
    )
    pixels, expected = _stack(named, unseen, size), _stack(true, unseen, size)
    predicted = predict_gaze(model, pixels)
    fixations = None if paths is None else [_scaled(paths[i], named[i], size) for i in unseen]
    scores = saliency_scores(predicted, expected, fixations)
    (Path(out) / "metrics.json").write_text(json.dumps(_record(unseen, scores)) + "\n")
    picture = Path(out) / "held_out.png"
    draw(picture, unseen, pixels, expected, predicted, scores["CC"])
    _say(f"wrote {out}/predictor.pt, metrics.json and {picture.name}")
    say_next("predict-gaze", "run", out, "IMAGES", "MAPS")


def _record(unseen: list[str], scores: dict[str, NDArray[np.float64]]) -> dict[str, Any]:
    """Return what metrics.json holds, and say the means; null stands for a score without a value."""
    with warnings.catch_warnings(record=True, action="always", category=UndefinedScoreWarning) as told:
        means = mean_scores(scores)
    for line in told:
        _say(str(line.message))
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


def predict(model: str, images: str, out: str, format: str = "npy") -> None:
    """Draw the gaze map of every image, with its size and under its name, the maximum 1.

    Args:
        model: A folder that ``predict-gaze fit`` wrote.
        images: A folder of .png, .jpg, .tif or .npy images, or an .npy file (n, H, W).
        out: The folder for the maps, and for ids.txt.
        format: npy (float32) or png (8 bits).
    """
    from .._errors import choice
    from ..train import load_predictor, predict_gaze
    from ..train.data.images import read_images, resized, write_map

    choice("format", format, ("npy", "png"))
    predictor = load_predictor(model)
    size = tuple(predictor.settings["size"])
    named = read_images(images)
    target = Path(out)
    target.mkdir(parents=True, exist_ok=True)
    for name, image in ProgressBar(named.items(), unit=" images"):
        gaze = predict_gaze(predictor, resized(image, size)[None])[0]
        gaze = np.clip(resized(gaze, image.shape), 0, 1)
        write_map(target / f"{name}.{format}", gaze)
    (target / "ids.txt").write_text("".join(f"{name}\n" for name in named))
    _say(f"wrote {len(named)} maps to {out}")
    _say("name them in the column heatmap of a manifest to train with them")
    say_next("pretrain", "--config", "byol_mcgip", "--data.manifest", "MANIFEST.csv")


#: The two actions of the verb.
run = {"fit": fit, "run": predict}


def _pairs(
    images: str | None, maps: str | None, gaze: GazeSource | None, phantom: int | None, size: int, seed: int
) -> tuple[Named, Named, Readings | None]:
    if phantom is not None:
        if images or maps or gaze:
            raise ValueError("phantom is given beside files; expected one or the other")
        from ..phantom import phantom as make

        data = make(phantom, seed=seed, size=size, readers=10)
        names = [f"phantom-{i:05}" for i in range(len(data))]
        gazes = [
            np.concatenate([data.scanpaths[(i, reader)] for reader in range(10)]) for i in range(len(data))
        ]
        return (
            dict(zip(names, data.images, strict=True)),
            dict(zip(names, data.heatmaps, strict=True)),
            dict(zip(names, gazes, strict=True)),
        )
    if images is None or (maps is None and gaze is None):
        raise ValueError("images or maps is missing; expected --images and --maps, or --phantom 400")
    from ..train.data.images import read_images

    named = read_images(images)
    paths, drawn = (None, {}) if gaze is None else _on_images(gaze, named, size)
    true = drawn if maps is None else read_images(maps)
    if lone := sorted(named.keys() ^ true.keys()):
        raise ValueError(
            f"images and maps differ in {len(lone)} names, such as {lone[0]!r}; expected equal names"
        )
    return named, true, paths


def _readings(scanpaths: str, **reading: Any) -> Readings:
    """Return the fixations on every image; those of several readers, one after the other."""
    return _on_images(read_gaze(scanpaths, **reading), None)[0]


def _on_images(source: GazeSource, named: Named | None, size: int | None = None) -> tuple[Readings, Named]:
    """Return the fixations of all readers in pixels of every image, and maps of ``size`` drawn from them."""
    names = None if named is None else Names(named)

    def known(image: Hashable) -> str | None:
        return str(image) if names is None else names.find(str(image))

    def image_size(image: Hashable) -> tuple[float, float] | None:
        name = known(image)
        if named is None or name is None:
            return None
        return float(named[name].shape[1]), float(named[name].shape[0])

    placed = source.placed(image_size)
    found: dict[str, list[int]] = {}
    for position, scanpath in enumerate(placed.paths.ids):
        name = known(image_of(scanpath))
        if name is not None:
            found.setdefault(name, []).append(position)
    paths = {name: np.concatenate([placed.on_image(i) for i in at]) for name, at in found.items()}
    if size is None:
        return paths, {}
    return paths, {name: placed.map_on_image(at, (size, size)) for name, at in found.items()}


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


def _stack(named: Named, ids: list[str], size: int) -> Image:
    from ..train.data.images import resized

    return np.stack([resized(named[name], (size, size)) for name in ids])


def _scaled(path: NDArray[np.float64], image: Image, size: int) -> NDArray[np.float64]:
    scaled: NDArray[np.float64] = path * np.array([size / image.shape[1], size / image.shape[0], 1.0])
    return scaled


def _say(text: str) -> None:
    print(text, file=sys.stderr)
