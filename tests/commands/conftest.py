"""What several tests of ``gazesim evaluate`` read: checkpoints of untrained networks, and image files."""

from __future__ import annotations

import csv

import numpy as np
import pytest

from gazesim.phantom import phantom

CONFIG = """
seed_everything: 3
model: {framework: simsiam}
data:
  phantom: {n_train: 24, n_val: 4, n_test: 12, size: 32}
  channels: 3
  batch_size: 8
"""


def save(folder, framework, seed, channels=1):
    """Leave what pretrain leaves."""
    import lightning

    from gazesim.train import Contrastive

    folder.mkdir(parents=True)
    lightning.seed_everything(seed, verbose=False)
    model = Contrastive(framework, "resnet10-narrow", channels=channels)
    trainer = lightning.Trainer(
        accelerator="cpu", logger=False, enable_checkpointing=False, enable_model_summary=False
    )
    trainer.strategy.connect(model)
    trainer.save_checkpoint(folder / "last.ckpt", weights_only=True)
    (folder / "config.yaml").write_text(CONFIG)


@pytest.fixture(scope="session")
def runs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs")
    save(folder / "plain", "simsiam", 0)
    save(folder / "gaze", "simclr", 1)
    save(folder / "third", "byol", 4)
    save(folder / "colour", "simclr", 2, channels=3)
    (folder / "nonsense.ckpt").write_bytes(b"nonsense")
    return folder


@pytest.fixture(scope="session")
def manifest(tmp_path_factory):
    """Files: two images of every patient."""
    from PIL import Image

    folder = tmp_path_factory.mktemp("files")
    data = phantom(24, seed=2, size=40)
    with (folder / "manifest.csv").open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["id", "image", "label", "split", "gaze", "heatmap", "group"])
        for i, (image, label) in enumerate(zip(data.images, data.labels, strict=True)):
            Image.fromarray((255 * image).astype(np.uint8)).save(folder / f"{i}.png")
            rows.writerow([i, f"{i}.png", data.class_names[label], "", "", "", f"patient{i // 2}"])
    return folder / "manifest.csv"
