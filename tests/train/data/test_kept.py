"""Where images and maps stay: the same bits in every mode, one file for all processes, none left behind."""

from __future__ import annotations

import errno
import os
import pickle
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Picture

torch = pytest.importorskip("torch")
pytest.importorskip("gazesim.train")

from gazesim.train import GazeData, Manifest, ManifestSamples, Views  # noqa: E402
from gazesim.train.data import kept as keeping  # noqa: E402
from gazesim.train.data.kept import Mapped  # noqa: E402

pytestmark = pytest.mark.skipif(os.name != "posix", reason="the file is shared by locks that Windows lacks")

COUNT = 10


@pytest.fixture
def temporary(tmp_path_factory, monkeypatch):
    """A folder for temporary files with a short path: the sockets of workers are in it."""
    folder = tmp_path_factory.mktemp("t")
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    return folder


@pytest.fixture
def manifest(tmp_path, rng, temporary):
    """Ten images of 40 x 60 pixels with gaze, but for the last two: no gaze, and gaze off the image."""
    gaze, lines = ["image_id,x,y,duration"], ["id,image,split,gaze"]
    for i in range(COUNT):
        Picture.fromarray(rng.integers(0, 256, (40, 60)).astype(np.uint8)).save(tmp_path / f"{i}.png")
        lines.append(f"{i},{i}.png,train,{'' if i == COUNT - 2 else 'gaze.csv'}")
        far = 4000 if i == COUNT - 1 else 0
        gaze += [f"{i},{x + far:.2f},{y:.2f},0.2" for x, y in rng.uniform(5, 35, (6, 2))]
    (tmp_path / "gaze.csv").write_text("\n".join(gaze))
    (tmp_path / "m.csv").write_text("\n".join(lines))
    return tmp_path / "m.csv"


def files(manifest):
    return sorted(Path(tempfile.gettempdir()).rglob("*.f32"))


def everything(samples):
    maps = [samples.gaze_map(i) for i in range(len(samples))]
    return [samples.image(i).clone() for i in range(len(samples))] + [
        m if m is None else m.clone() for m in maps
    ]


def same(first, second):
    return all(
        (one is None and other is None) or (one is not None and torch.equal(one, other))
        for one, other in zip(first, second, strict=True)
    )


@pytest.mark.parametrize("size", [32, 33])
def test_all_modes_but_eight_bits_give_the_same_bits(manifest, size):
    plain = everything(ManifestSamples(Manifest.read(manifest), size=size))
    assert plain[COUNT] is not None
    assert plain[-2] is plain[-1] is None
    for memory in ("float32", "mapped"):
        samples = ManifestSamples(Manifest.read(manifest), size=size, memory=memory)
        for _ in range(2):  # as it is read, and as it was kept
            assert same(everything(samples), plain), memory
    coarse = everything(ManifestSamples(Manifest.read(manifest), size=size, memory="uint8"))
    assert not same(coarse, plain)
    assert all(
        torch.allclose(a, b, atol=0.6 / 255) for a, b in zip(coarse[:COUNT], plain[:COUNT], strict=True)
    )


@pytest.mark.parametrize("workers", [0, 2])
def test_batches_are_the_same_with_and_without_workers(manifest, workers):
    seen = {}
    for memory in ("none", "float32", "mapped"):
        data = GazeData(
            manifest=str(manifest), size=32, batch_size=5, memory=memory, num_workers=workers,
            views=Views(crop="gaze"),
        )  # fmt: skip
        data.setup("fit")
        loader = data.train_dataloader()
        batches = []
        for epoch in range(2):
            loader.sampler.set_epoch(epoch)
            batches += [(x0, x1, ids) for x0, x1, ids in loader]
        seen[memory] = batches
        del loader
    for memory in ("float32", "mapped"):
        for (x0, x1, ids), (y0, y1, names) in zip(seen["none"], seen[memory], strict=True):
            assert ids == names
            assert torch.equal(x0, y0)
            assert torch.equal(x1, y1)


def test_it_is_the_default_and_told_once(manifest, capsys):
    data = GazeData(manifest=str(manifest), size=32, batch_size=2)
    data.setup("fit")
    data.setup("fit")
    told = capsys.readouterr().err
    (file,) = files(manifest)
    assert told.count(f"images and maps stay in {file} once they are read (up to 0 MB, shared by all") == 1


def test_processes_share_one_file_and_the_last_removes_it(manifest):
    first, second = (ManifestSamples(Manifest.read(manifest), size=32, memory="mapped") for _ in range(2))
    expected = first.image(3).clone()
    assert len(files(manifest)) == 1
    for image in manifest.parent.glob("*.png"):  # what the first has read, the second need not
        os.utime(image, ns=(image.stat().st_atime_ns, image.stat().st_mtime_ns))
    found = second.kept.find("image", 3)
    assert torch.equal(torch.from_numpy(found.pixels)[None], expected)
    assert second.kept.find("image", 4) is None
    del first
    assert len(files(manifest)) == 1
    assert torch.equal(second.image(3), expected)
    del second, found
    assert files(manifest) == []


def test_other_settings_have_another_file(manifest):
    samples = [
        ManifestSamples(Manifest.read(manifest), memory="mapped", **options)
        for options in (
            {"size": 32},
            {"size": 40},
            {"size": 32, "sigma_share": 0.1},
            {"size": 32, "bits": 12},
        )
    ]
    assert len({one.kept.path for one in samples}) == len(samples)


def test_samples_that_travel_find_what_was_read(manifest):
    samples = ManifestSamples(Manifest.read(manifest), size=32, memory="mapped")
    expected = samples.image(2).clone()
    there = pickle.loads(pickle.dumps(samples))
    assert there.kept.path == samples.kept.path
    assert there.kept.find("image", 2) is not None
    assert torch.equal(there.image(2), expected)
    assert torch.equal(there.take([2]).image(0), expected)


def test_a_source_that_changed_is_read_again(manifest):
    first = ManifestSamples(Manifest.read(manifest), size=32, memory="mapped")
    first.image(0)
    Picture.fromarray(np.full((40, 60), 200, np.uint8)).save(manifest.parent / "0.png")
    second = ManifestSamples(Manifest.read(manifest), size=32, memory="mapped")
    assert second.kept.path == first.kept.path
    torch.testing.assert_close(second.image(0), torch.full((1, 32, 32), 200 / 255))


def test_what_a_killed_run_left_is_not_believed(manifest):
    samples = ManifestSamples(Manifest.read(manifest), size=32, memory="mapped")
    samples.image(1)
    left, path = samples.kept.path.read_bytes(), samples.kept.path
    del samples
    path.write_bytes(left)
    again = ManifestSamples(Manifest.read(manifest), size=32, memory="mapped")
    assert again.kept.path == path
    assert again.kept.find("image", 1) is None


def test_a_full_disk_is_told_and_the_rest_is_read_anew(manifest, monkeypatch, capsys):
    expected = everything(ManifestSamples(Manifest.read(manifest), size=32))
    samples = ManifestSamples(Manifest.read(manifest), size=32, memory="mapped")
    samples.image(0)

    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(keeping.os, "pwrite", full)
    for _ in range(2):
        assert same(everything(samples), expected)
    told = capsys.readouterr().err
    assert (
        told.count("is full (No space left on device), so the other images are read anew in every epoch") == 1
    )


def test_without_locks_the_file_is_ones_own(manifest, monkeypatch):
    import fcntl

    def none(*_):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", none)
    first, second = (ManifestSamples(Manifest.read(manifest), size=32, memory="mapped") for _ in range(2))
    assert f"{os.getpid()}-" in first.kept.path.name
    assert torch.equal(first.image(0), second.image(0))


def test_a_folder_that_others_can_write_to_is_refused(manifest):
    folder = Path(tempfile.gettempdir()) / f"gazesim-{os.getuid()}"
    folder.mkdir()
    folder.chmod(0o777)
    with pytest.raises(PermissionError, match="can be written by others; expected a folder of your own"):
        ManifestSamples(Manifest.read(manifest), size=32, memory="mapped")


OTHER = """
import sys, tempfile  # noqa: E402
tempfile.tempdir = sys.argv[2]
from gazesim.train import Manifest, ManifestSamples  # noqa: E402
samples = ManifestSamples(Manifest.read(sys.argv[1]), size=32, memory="mapped")
assert samples.kept.find("image", 5) is not None, "the other process has read it"
samples.image(6)
print(samples.kept.path)
"""


def test_another_process_maps_the_same_file(manifest):
    samples = ManifestSamples(Manifest.read(manifest), size=32, memory="mapped")
    samples.image(5)
    words = [sys.executable, "-c", OTHER, str(manifest), str(Path(tempfile.gettempdir()))]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == str(samples.kept.path)
    assert isinstance(samples.kept, Mapped)
    assert samples.kept.find("image", 6) is not None
    assert samples.kept.path.exists()
