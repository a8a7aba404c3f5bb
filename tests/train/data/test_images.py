"""Images in files: what their numbers mean, their size without reading them, files that are none."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image as Picture

pytest.importorskip("gazesim.train")

from gazesim.train import Entry, Manifest, ManifestSamples
from gazesim.train.data.images import image_shape, read_image, read_images

KINDS = ["eight.png", "sixteen.png", "float.tiff", "sixteen.tif", "eight.npy", "float.npy", "one.png"]


@pytest.fixture
def grey(rng):
    return rng.integers(0, 256, (12, 20)) / 255


def write(file, grey):
    pixels = {
        "eight": np.round(grey * 255).astype(np.uint8),
        "sixteen": np.round(grey * 65535).astype(np.uint16),
        "float": grey.astype(np.float32),
        "one": grey > 0.5,
    }[file.stem]
    if file.suffix == ".npy":
        np.save(file, pixels)
    else:
        Picture.fromarray(pixels).save(file)
    return file


@pytest.mark.parametrize("name", KINDS)
def test_grey_levels(tmp_path, grey, name):
    file = write(tmp_path / name, grey)
    expected = grey > 0.5 if name == "one.png" else grey
    np.testing.assert_allclose(read_image(file), expected, atol=1e-6)
    assert image_shape(file) == (12, 20)


def test_colour_becomes_grey(tmp_path):
    pixels = np.zeros((16, 16, 3), np.uint8)
    pixels[..., 1] = 200
    Picture.fromarray(pixels).save(tmp_path / "a.png")
    np.testing.assert_allclose(read_image(tmp_path / "a.png"), 0.587 * 200 / 255, atol=0.003)


def test_a_palette(tmp_path):
    Picture.fromarray(np.full((8, 8), 100, np.uint8)).convert("P").save(tmp_path / "a.png")
    np.testing.assert_allclose(read_image(tmp_path / "a.png"), 100 / 255, atol=1e-6)


def test_files_that_are_no_images(tmp_path, grey):
    file = write(tmp_path / "eight.png", grey)
    file.write_bytes(file.read_bytes()[:-40])
    with pytest.raises(ValueError, match=r"eight.png cannot be read as an image"):
        read_image(file)
    (tmp_path / "a.jpg").write_text("no picture")
    with pytest.raises(ValueError, match=r"a.jpg cannot be read as an image"):
        read_image(tmp_path / "a.jpg")
    with pytest.raises(ValueError, match=r"a.jpg cannot be read as an image"):
        image_shape(tmp_path / "a.jpg")
    np.save(tmp_path / "objects.npy", np.array([{}], object))
    with pytest.raises(ValueError, match=r"objects.npy holds no array of numbers"):
        read_image(tmp_path / "objects.npy")
    np.save(tmp_path / "line.npy", np.zeros(5))
    for read in (read_image, image_shape):
        with pytest.raises(ValueError, match=r"line.npy has shape \(5,\)"):
            read(tmp_path / "line.npy")


def test_a_folder_of_many_kinds(tmp_path, grey):
    for name in ("eight.png", "sixteen.tif"):
        write(tmp_path / name, grey)
    assert list(read_images(str(tmp_path))) == ["eight", "sixteen"]
    write(tmp_path / "eight.npy", grey)
    with pytest.raises(ValueError, match="holds two images named 'eight'"):
        read_images(str(tmp_path))


@pytest.mark.parametrize("ending", ["png", "tif", "npy"])
def test_twelve_bits_in_sixteen_are_warned_of(tmp_path, rng, ending):
    entries = []
    for k in range(3):
        pixels = rng.integers(0, 4096, (16, 16)).astype(np.uint16)
        file = tmp_path / f"{k}.{ending}"
        np.save(file, pixels) if ending == "npy" else Picture.fromarray(pixels).save(file)
        entries.append(Entry(str(k), file))
    with pytest.warns(UserWarning, match=r"exceeds 6\.\d% of the range.*; expected bits=12"):
        dark = ManifestSamples(Manifest(entries), size=16).image(0)
    bright = ManifestSamples(Manifest(entries), size=16, bits=12).image(0)
    assert dark.max() < 0.07
    np.testing.assert_allclose(bright.numpy(), dark.numpy() * (65535 / 4095), atol=1e-5)


def test_sixteen_bits_that_are_used_are_not_warned_of(tmp_path, rng):
    np.save(tmp_path / "dark.npy", rng.integers(0, 4096, (16, 16)).astype(np.uint16))
    np.save(tmp_path / "bright.npy", rng.integers(0, 65536, (16, 16)).astype(np.uint16))
    entries = [Entry(name, tmp_path / f"{name}.npy") for name in ("dark", "bright")]
    ManifestSamples(Manifest(entries), size=16)  # warnings are errors
