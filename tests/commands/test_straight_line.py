"""From a tracker's recording to a trained network with commands only: gaze keeps its generated places."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image as Picture

pytest.importorskip("gazesim.train")

from gazesim import read_scanpaths
from gazesim.cli import main
from gazesim.reading.options import GazeOptions
from gazesim.reading.source import read_placed

#: A portrait of 512 x 768 px, as large as the screen allows: 720 x 1080 px from x = 600 on.
SCREEN, IMAGE, LEFT, SCALE = (1920, 1080), (512, 768), 600, 1080 / 768
RATE, IMAGES, READERS, FIXATIONS = 250, 12, 2, 8


def record(folder, rng):
    """Write images, labels and one recording per reader; return the fixations in pixels of the images."""
    (folder / "images").mkdir()
    truth = {}
    labels = ["file,class,patient,split"]
    for i in range(IMAGES):
        pixels = rng.integers(0, 256, IMAGE[::-1]).astype(np.uint8)
        Picture.fromarray(pixels).save(folder / "images" / f"case{i:02}.png")
        split = "test" if i % 4 == 3 else "train"
        labels.append(f"case{i:02}.png,{'benign' if i // 4 % 2 else 'malignant'},p{i},{split}")
    (folder / "labels.csv").write_text("\n".join(labels))
    for reader in range(READERS):
        rows = ["image_id,timestamp [ms],left_x,left_y,right_x,right_y"]
        time = 0.0
        for i in range(IMAGES):
            places = rng.uniform((30, 30), (480, 740), (FIXATIONS, 2))
            truth[f"case{i:02}.png", f"reader{reader}"] = places
            for number, (u, v) in enumerate(places):
                x, y = LEFT + u * SCALE, v * SCALE
                for sample in range(75 + 10 * number):
                    jitter = rng.normal(0, 0.3, 2)
                    eyes = (x - 4 + jitter[0], y + jitter[1], x + 4 + jitter[0], y + jitter[1])
                    blinks = number == 2 and 30 <= sample < 36
                    cells = ("nan",) * 4 if blinks else tuple(f"{value:.3f}" for value in eyes)
                    rows.append(f"case{i:02}.png,{time:.0f},{','.join(cells)}")
                    time += 1000 / RATE
        (folder / f"reader{reader}.csv").write_text("\n".join(rows))
    return truth


def test_recording_to_evaluation(tmp_path, rng, capsys, monkeypatch):
    truth = record(tmp_path, rng)
    monkeypatch.chdir(tmp_path)
    size = ["--screen_size", "1920,1080"]
    exports = [f"reader{reader}.csv" for reader in range(READERS)]
    assert main(["fixations", *exports, *size, "--out", "fixations.csv"]) == 0
    assert len(read_scanpaths("fixations.csv", verbose=False)) == IMAGES * READERS

    placed = read_placed(
        "fixations.csv", GazeOptions(screen_size=SCREEN, placement="fit"), image_size=lambda _: IMAGE
    )
    names = [image for image, _ in placed.paths.ids]
    assert sorted(set(names)) == sorted({image for image, _ in truth})
    for image in set(names):
        own = [placed.on_image(i) for i, name in enumerate(names) if name == image]
        meant = [places for (name, _), places in truth.items() if name == image]
        assert sorted(map(len, own)) == [FIXATIONS] * READERS
        for places in meant:
            distances = [np.abs(found[:, :2] - places).max() * SCALE for found in own]
            assert min(distances) < 1

    capsys.readouterr()
    words = ["--gaze", "fixations.csv", "--labels", "labels.csv"]
    assert main(["manifest", "images", *words, *size, "--placement", "fit", "--out", "manifest.csv"]) == 0
    printed = capsys.readouterr()
    assert "24 of 24 scanpaths joined with 12 images (24 by exact id)" in printed.out
    assert '"600,0,1320,1080","1920,1080"' in (tmp_path / "manifest.csv").read_text()

    chosen = ["--scheme", "multimatch", "--reduce", "mean", "--cache", "cache"]
    assert main(["affinity", "manifest.csv", *chosen]) == 0
    assert "warning" not in capsys.readouterr().err
    assert main(["inspect", "cache"]) == 0
    threshold = capsys.readouterr().out

    assert "threshold" in threshold
    training = [
        "pretrain", "--config", "demo", "--data.phantom", "null", "--data.manifest", "manifest.csv",
        "--data.size", "32", "--data.batch_size", "4", "--model.pairs.cache", "cache",
        "--model.pairs.top_k", "2",
        "--trainer.max_epochs", "1", "--trainer.accelerator", "cpu", "--out", "run",
    ]  # fmt: skip
    assert main(training) == 0
    assert "pairs.cache cache replaces pairs.scheme " in capsys.readouterr().err
    evaluation = ["evaluate", "run/last.ckpt", "--data", "manifest.csv", "--out", "scores"]
    assert main([*evaluation, "--size", "32", "--protocols", "probe", "--fractions", "1"]) == 0
    assert (tmp_path / "scores").is_dir()


def test_without_a_placement_it_warns(tmp_path, rng, capsys, monkeypatch):
    record(tmp_path, rng)
    monkeypatch.chdir(tmp_path)
    size = ["--screen_size", "1920,1080"]
    assert main(["fixations", "reader0.csv", *size, "--out", "fixations.csv"]) == 0
    assert main(["manifest", "images", "--gaze", "fixations.csv", "--out", "manifest.csv"]) == 0
    capsys.readouterr()
    for source in (["manifest.csv"], ["fixations.csv", "--images", "images"]):
        assert main(["affinity", *source, *size]) == 0
        printed = capsys.readouterr().err
        assert "image over the whole screen (placement not stated)" in printed
        assert "warning: " in printed
        assert 'expected placement ("fit", "center", "stretch" or "native") or image_box' in printed
