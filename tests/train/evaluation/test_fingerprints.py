"""Hashes of samples: other pixels under the same ids are other data."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("gazesim.train")

from gazesim.train import ArraySamples, Manifest, ManifestSamples
from gazesim.train.evaluation import fingerprints
from gazesim.train.evaluation.fingerprints import record_of_samples


def of_files(folder, images, bits=None):
    folder.mkdir(exist_ok=True)
    lines = ["id,image,label"]
    for i, image in enumerate(images):
        np.save(folder / f"{i}.npy", image)
        lines.append(f"{i},{i}.npy,{i % 2}")
    (folder / "m.csv").write_text("\n".join(lines))
    return ManifestSamples(Manifest.read(folder / "m.csv"), size=16, channels=1, bits=bits, memory="none")


def test_files_with_other_pixels_or_bits(tmp_path, rng):
    images = rng.integers(0, 30000, (4, 20, 24)).astype(np.uint16)
    known = record_of_samples(of_files(tmp_path / "a", images))
    assert record_of_samples(of_files(tmp_path / "copies", images)) == known
    others = images.copy()
    others[3, 11, 5] ^= 1  # of the same size in bytes
    for found in (of_files(tmp_path / "b", others), of_files(tmp_path / "a", images, bits=15)):
        record = record_of_samples(found)
        assert record["data"] == known["data"]
        assert record["pixels"] != known["pixels"]


@pytest.mark.parametrize("kind", ["arrays", "large arrays", "of another class"])
def test_samples_in_memory(kind, rng, monkeypatch):
    class Foreign:
        def __init__(self, held):
            self.held = held

        def __len__(self):
            return len(self.held)

        def __getattr__(self, name):
            return getattr(self.held, name)

    if kind == "large arrays":
        monkeypatch.setattr(fingerprints, "LARGEST_BYTES", 1000)
    images = rng.random((6, 12, 12))
    make = ArraySamples if kind != "of another class" else lambda *given: Foreign(ArraySamples(*given))
    known = record_of_samples(make(images, [0, 1] * 3))
    assert record_of_samples(make(images.copy(), [0, 1] * 3)) == known
    other = record_of_samples(make(1 - images, [0, 1] * 3))
    assert other["data"] == known["data"]
    assert other["pixels"] != known["pixels"]
