"""``gazesim example``: write a small data set like a lab's, for learning the commands."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from .._errors import integer
from ..geometry import place_image
from ..phantom import phantom
from . import say_next

#: The command in the help.
EXAMPLE = "example tour"

FloatArray = NDArray[np.float64]

SCREEN = (1920, 1080)
RATE_HZ = 60
IMAGE_PX = 128
#: Seconds of an empty screen before each image.
PAUSE_S = 0.25
BLINK_S = 0.15
#: Share of fixations followed by a blink of both eyes, and share during which the left eye is lost.
BLINKS, LEFT_LOST = 0.06, 0.04
#: Distance between both eyes' gaze points, and noise of each sample, in px of the screen.
DISPARITY_PX, NOISE_PX = 6.0, 1.0
NAMES = ("anna", "ben", "chen", "dora", "emil", "fatma", "goran", "hana")
COLUMNS = (
    "Recording timestamp [ms]", "Sensor", "Participant name", "Recording resolution width",
    "Recording resolution height", "Presented Stimulus name", "Gaze point left X [DACS px]",
    "Gaze point left Y [DACS px]", "Gaze point right X [DACS px]", "Gaze point right Y [DACS px]",
    "Validity left", "Validity right",
)  # fmt: skip

#: All commands from the recording to scores, to be run inside the folder.
WAY = (
    "fixations gaze --out fixations.csv",
    "manifest images --gaze fixations.csv --labels labels.csv --split --screen_size 1920,1080"
    " --placement fit",
    "affinity manifest.csv --scheme multimatch --reduce mean --cache affinities",
    "inspect affinities --labels labels.csv --images images",
    "pretrain --config demo --data.phantom null --data.manifest manifest.csv --data.size 64"
    ' --data.batch_size 32 --model.pairs \'{"cache": "affinities", "top_k": 2}\''
    " --trainer.max_epochs 40 --out run",
    "evaluate run --data manifest.csv --protocols probe --fractions 1 --folds 4 --baselines scratch"
    " --out scores",
)


def run(folder: str, n: int = 128, readers: int = 2, seed: int = 0) -> None:
    """Write images, gaze as an eye tracker exports it, and labels, all synthetic and small.

    The gaze is that of a 60 Hz Tobii on a screen of 1920 x 1080 px, on which each square image is shown as
    large as it fits: samples of both eyes in px of the screen and ms, with blinks, one file per reader.

    Args:
        folder: Folder to write; it must be new or empty.
        n: Number of images, at least 8.
        readers: Number of readers who look at every image, 1 to 8.
        seed: Seed of the images and of the gaze.
    """
    integer("n", n, low=8, high=100_000)
    integer("readers", readers, low=1, high=len(NAMES))
    target = Path(folder)
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise ValueError(f"folder is {folder!r}, which is not empty; expected a new or an empty folder")
    if not target.resolve().parent.is_dir():
        raise ValueError(f"{folder} is in a folder that does not exist; expected one that does")
    study = phantom(n, seed=seed, size=IMAGE_PX, readers=readers)
    names = [f"case{i:03}.png" for i in range(n)]
    (target / "images").mkdir(parents=True)
    (target / "gaze").mkdir()
    for name, image in zip(names, study.images, strict=True):
        (target / "images" / name).write_bytes(png(np.round(image * 255).astype(np.uint8)))
    labels = [
        f"{Path(name).stem},{study.class_names[label]}"
        for name, label in zip(names, study.labels, strict=True)
    ]
    (target / "labels.csv").write_text("\n".join(["image,diagnosis", *labels]) + "\n")
    rng = np.random.default_rng([seed, 1])
    count = 0
    for reader in range(readers):
        paths = [study.scanpaths[image * readers + reader] for image in range(n)]
        lines = recording(NAMES[reader], names, paths, rng)
        count += len(lines)
        (target / "gaze" / f"{NAMES[reader]}.tsv").write_text("\n".join(["\t".join(COLUMNS), *lines]) + "\n")
    print(f"wrote {folder}:")
    print(f"  images      {n} synthetic mammograms of {IMAGE_PX} x {IMAGE_PX} px")
    print(f"  gaze        {readers} recordings, {count:,} samples at {RATE_HZ} Hz in px of the screen and ms")
    print(f"  labels.csv  diagnosis of each image ({', '.join(study.class_names)})")
    print(f"the whole way from here:\n  cd {folder}")
    print("\n".join(f"  gazesim {words}" for words in WAY))
    say_next("look", f"{folder}/gaze/{NAMES[0]}.tsv")


def recording(reader: str, names: list[str], paths: list[FloatArray], rng: np.random.Generator) -> list[str]:
    """Return the rows of one reader's export: ``paths`` are x, y in px of the images, duration in s."""
    box = place_image("fit", (IMAGE_PX, IMAGE_PX), SCREEN)
    scale = (box[2] - box[0]) / IMAGE_PX
    rows, clock = [], 0
    pause = np.full((round(PAUSE_S * RATE_HZ), 2), np.array(SCREEN) / 2)
    for name, path in zip(names, paths, strict=True):
        shown = path.copy()
        shown[:, :2] = path[:, :2] * scale + box[:2]
        for stimulus, (left, right) in (("", eyes(pause, rng)), (name, look(shown, rng))):
            for eye_left, eye_right in zip(left, right, strict=True):
                cells = [f"{clock * 1000 / RATE_HZ:.0f}", "Eye Tracker", reader, *map(str, SCREEN), stimulus]
                cells += [*cells_of(eye_left), *cells_of(eye_right), valid(eye_left), valid(eye_right)]
                rows.append("\t".join(cells))
                clock += 1
    return rows


def look(path: FloatArray, rng: np.random.Generator) -> tuple[FloatArray, FloatArray]:
    """Return the samples of both eyes, (n, 2) px each, during one scanpath; NaN where an eye is lost."""
    pieces: list[tuple[FloatArray, FloatArray]] = []
    before: FloatArray | None = None
    for x, y, duration in path:
        place = np.array([x, y])
        if before is not None:  # a saccade takes one sample at 60 Hz
            pieces.append(eyes((before + place)[None] / 2, rng))
        left, right = eyes(np.tile(place, (max(round(duration * RATE_HZ), 3), 1)), rng)
        if rng.random() < LEFT_LOST:
            left[:] = np.nan
        pieces.append((left, right))
        if rng.random() < BLINKS:
            lost = np.full((round(BLINK_S * RATE_HZ), 2), np.nan)
            pieces.append((lost, lost))
        before = place
    return np.concatenate([one[0] for one in pieces]), np.concatenate([one[1] for one in pieces])


def eyes(places: FloatArray, rng: np.random.Generator) -> tuple[FloatArray, FloatArray]:
    """Return noisy gaze points of the left and the right eye."""
    apart = np.array([DISPARITY_PX / 2, 0])
    left, right = rng.normal(0, NOISE_PX, (2, *places.shape))
    return places - apart + left, places + apart + right


def cells_of(point: FloatArray) -> list[str]:
    """Return the cells of x and y, which are empty where the eye was lost."""
    return ["", ""] if np.isnan(point[0]) else [f"{value:.1f}" for value in point]


def valid(point: FloatArray) -> str:
    """Return the cell of the validity column."""
    return "Invalid" if np.isnan(point[0]) else "Valid"


def png(pixels: NDArray[np.uint8]) -> bytes:
    """Return a grey image, (height, width), as a PNG file; Pillow is no dependency of the core."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    height, width = pixels.shape
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    rows = b"".join(b"\0" + row.tobytes() for row in pixels)
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        [chunk(b"IHDR", header), chunk(b"IDAT", zlib.compress(rows, 9)), chunk(b"IEND", b"")]
    )
