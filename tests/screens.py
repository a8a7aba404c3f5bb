"""Synthetic studies as trackers record them: images of all kinds on a wide screen, gaze in screen pixels."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
from PIL import Image as Picture

SCREEN = (1920, 1080)
RATE = 250
#: Landscape and portrait, and one size more.
SIZES = ((96, 64), (64, 96), (90, 60))
#: How an image is saved, by turns.
KINDS = ("grey.png", "grey16.png", "rgb.png", "grey16.tif", "grey.tif")


def name_of(number):
    """The file of an image below the folder of images."""
    side = ("left", "right")[number % 2]
    return f"{side}/case{number:02}.{KINDS[number % len(KINDS)].partition('.')[2]}"


def box_of(size):
    """Where an image stands that is as large as the screen allows, and centred."""
    scale = min(SCREEN[0] / size[0], SCREEN[1] / size[1])
    left, top = (SCREEN[0] - scale * size[0]) / 2, (SCREEN[1] - scale * size[1]) / 2
    return left, top, scale


def write_images(folder, rng, count):
    """Write images with one bright spot each; return its place in pixels, by the name of the file."""
    places = {}
    for number in range(count):
        width, height = SIZES[number % len(SIZES)]
        place = rng.uniform((0.2 * width, 0.2 * height), (0.8 * width, 0.8 * height))
        y, x = np.mgrid[:height, :width] + 0.5
        radius = (5, 9)[number % 2]
        spot = np.exp(-((x - place[0]) ** 2 + (y - place[1]) ** 2) / (2 * radius**2))
        pixels = np.clip(0.15 + 0.6 * spot + rng.normal(0, 0.03, spot.shape), 0, 1)
        file = Path(folder) / name_of(number)
        file.parent.mkdir(parents=True, exist_ok=True)
        kind = KINDS[number % len(KINDS)]
        if kind.startswith("grey16"):
            picture = Picture.fromarray((pixels * 65535).astype(np.uint16))
        elif kind.startswith("rgb"):
            picture = Picture.fromarray((pixels[..., None] * [255, 255, 255]).astype(np.uint8))
        else:
            picture = Picture.fromarray((pixels * 255).astype(np.uint8))
        picture.save(file)
        places[name_of(number)] = place
    return places


def fixations_of(places, rng, readers=2, count=6):
    """Return where readers look, (count, 2) in pixels of the image, by (name, reader): around the spot."""
    return {
        (name, f"reader{reader}"): place + rng.normal(0, 3, (count, 2))
        for reader in range(readers)
        for name, place in places.items()
    }


def on_screen(places, number):
    """Return pixels of an image as pixels of the screen."""
    left, top, scale = box_of(SIZES[number % len(SIZES)])
    return np.asarray(places) * scale + (left, top)


def number_of(name):
    return int(Path(name).stem.removeprefix("case"))


def write_fixations(file, looked):
    """Write a table of fixations in pixels of the screen."""
    with Path(file).open("w", newline="") as lines:
        rows = csv.writer(lines)
        rows.writerow(["image_id", "reader_id", "x", "y", "duration"])
        for (name, reader), places in looked.items():
            for x, y in on_screen(places, number_of(name)):
                rows.writerow([name, reader, f"{x:.3f}", f"{y:.3f}", 0.25])


def write_samples(folder, looked, rng):
    """Write one recording per reader: samples of two eyes in pixels of the screen, with blinks."""
    readers = sorted({reader for _, reader in looked})
    for reader in readers:
        rows = ["image_id,timestamp [ms],left_x,left_y,right_x,right_y"]
        time = 0.0
        for (name, who), places in looked.items():
            if who != reader:
                continue
            for place, (x, y) in enumerate(on_screen(places, number_of(name))):
                for sample in range(50 + 8 * place):
                    dx, dy = rng.normal(0, 0.3, 2)
                    eyes = (x - 4 + dx, y + dy, x + 4 + dx, y + dy)
                    blinks = place == 2 and 20 <= sample < 26
                    cells = ("nan",) * 4 if blinks else tuple(f"{value:.2f}" for value in eyes)
                    rows.append(f"{name},{time:.0f},{','.join(cells)}")
                    time += 1000 / RATE
        (Path(folder) / f"{reader}.csv").write_text("\n".join(rows))
    return [f"{reader}.csv" for reader in readers]


def write_labels(file, places):
    """Write classes, patients of two images each, and splits that keep patients whole."""
    rows = ["file,class,patient,split"]
    for name in places:
        number = number_of(name)
        patient = number // 2
        split = ("train", "train", "train", "test")[patient % 4]
        rows.append(f"{name},{('small', 'large')[number % 2]},p{patient},{split}")
    Path(file).write_text("\n".join(rows))
