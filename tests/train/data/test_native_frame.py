"""What is inspected is what is trained on: the affinities of ``gazesim affinity``, bit for bit."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Picture

pytest.importorskip("gazesim.train")

from gazesim import AffinityCache, reference
from gazesim.cache.inspection import inspect_cache
from gazesim.cli import main
from gazesim.reading.options import GazeOptions
from gazesim.torch import PairMask
from gazesim.train import GazeData

SIZES = {
    "16:9": [(320, 180)],
    "portrait": [(180, 270)],
    "mixed": [(320, 180), (180, 270), (200, 200), (150, 300)],
}
SCREEN = (640, 360)
SCHEMES = ("multimatch", "moments", "dhash", "tima")
IMAGES = 16


def write(folder, rng, sizes, readers, placed):
    """Write images, gaze (in pixels of the images, or of a screen) and a manifest; return the two files."""
    folder.mkdir()
    gaze = ["image_id,reader_id,x,y,duration" if readers > 1 else "image_id,x,y,duration"]
    lines = ["id,image,split,gaze"]
    for i in range(IMAGES):
        width, height = sizes[i % len(sizes)]
        Picture.fromarray(rng.integers(0, 256, (height, width)).astype(np.uint8)).save(folder / f"i{i}.png")
        lines.append(f"i{i},i{i}.png,{'test' if i == IMAGES - 1 else 'train'},gaze.csv")
        extent = (width, height)
        box = reference.geometry.place_image("fit", extent, SCREEN)
        for reader in range(readers):
            centre = rng.uniform(0.2, 0.8, 2) * extent
            points = centre + rng.normal(0, 0.1, (25, 2)) * extent
            points = reference.geometry.to_screen(points, box, extent) if placed else points
            for (x, y), duration in zip(points, rng.uniform(0.1, 0.6, 25), strict=True):
                key = f"i{i},r{reader}" if readers > 1 else f"i{i}"
                gaze.append(f"{key},{x:.3f},{y:.3f},{duration:.3f}")
    (folder / "gaze.csv").write_text("\n".join(gaze))
    (folder / "manifest.csv").write_text("\n".join(lines))
    return str(folder / "gaze.csv"), str(folder / "manifest.csv")


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("readers", [1, 2])
@pytest.mark.parametrize("shape", SIZES)
@pytest.mark.parametrize("placement", [None, "fit"])
def test_training_sees_the_affinities_of_the_cache(tmp_path, rng, shape, readers, scheme, placement):
    gaze, manifest = write(tmp_path / "data", rng, SIZES[shape], readers, placement is not None)
    words = ["--scheme", scheme, *(["--reduce", "mean"] if readers > 1 else [])]
    words += ["--placement", placement, "--screen_size", "640,360"] if placement else []
    images = ["--images", str(tmp_path / "data")]
    assert main(["affinity", gaze, *words, *images, "--cache", str(tmp_path / "one")]) == 0
    assert main(["affinity", manifest, *words, "--cache", str(tmp_path / "two")]) == 0
    options = GazeOptions(placement=placement, screen_size=SCREEN if placement else None)
    data = GazeData(manifest=manifest, size=32, gaze=options)
    live = data.gaze_source(scheme)
    ids = data.samples("train").ids
    seen = live.block(ids)
    assert len(np.unique(seen)) > 50
    for folder in ("one", "two"):
        np.testing.assert_array_equal(seen, AffinityCache.open(tmp_path / folder).block(ids))


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("readers", [1, 2])
@pytest.mark.parametrize("shape", SIZES)
def test_the_proposed_threshold_gives_the_positives_that_were_shown(tmp_path, rng, shape, readers, scheme):
    """Positives per row at the threshold of ``inspect`` and of a PairMask on the live source agree."""
    _, manifest = write(tmp_path / "data", rng, SIZES[shape], readers, placed=False)
    Path(manifest).write_text(Path(manifest).read_text().replace(",test,", ",train,"))
    words = ["--scheme", scheme, *(["--reduce", "mean"] if readers > 1 else [])]
    assert main(["affinity", manifest, *words, "--cache", str(tmp_path / "cache")]) == 0
    found = inspect_cache(AffinityCache.open(tmp_path / "cache"), batch_size=IMAGES)
    source = GazeData(manifest=manifest, size=32).gaze_source(scheme)
    assert len(source.ids) == IMAGES
    positives = float(PairMask(source, threshold=found.proposal)(list(source.ids)).sum() / IMAGES)
    assert positives - 1 == pytest.approx(found.extras_at(found.proposal), rel=0.05)
    assert 2 < positives - 1 < 6


def test_maximum_and_one_map_of_all_readers(tmp_path, rng):
    _, manifest = write(tmp_path / "data", rng, SIZES["portrait"], 2, placed=False)
    data = GazeData(manifest=manifest, size=32)
    for scheme, reduce in (("multimatch", "max"), ("dhash", "max"), ("moments", "pool"), ("dhash", "pool")):
        folder = str(tmp_path / f"{scheme}-{reduce}")
        assert main(["affinity", manifest, "--scheme", scheme, "--reduce", reduce, "--cache", folder]) == 0
        source = data.gaze_source(scheme, reduce=reduce)
        ids = data.samples("train").ids
        np.testing.assert_array_equal(source.block(ids), AffinityCache.open(folder).block(ids))
    with pytest.raises(ValueError, match='reduce is "pool", but the scheme compares scanpaths'):
        data.gaze_source("multimatch", reduce="pool")


def test_one_rule_for_the_spread_of_maps(tmp_path, rng, capsys):
    """Degrees where the screen is known, else 1/40 of the width, in affinities and in the maps of views."""
    _, manifest = write(tmp_path / "data", rng, SIZES["portrait"], 1, placed=True)
    fit = {"placement": "fit", "screen_size": SCREEN}
    plain, wide = (
        GazeData(manifest=manifest, size=90, gaze=GazeOptions(**fit, **more)).samples()
        for more in ({}, {"screen_cm": (64, 36), "distance_cm": 57.294})
    )
    assert plain.gaze.placed.spread.sigma_px == 16
    assert wide.gaze.placed.spread.sigma_px == pytest.approx(10, rel=1e-3)
    box = plain.gaze.placed.boxes[0]
    assert box == (200, 0, 440, 360)
    # 180 x 270 px stood as 240 x 360: 16 px of the screen are 12 of the image, 6 and 4 of 90 x 90.
    native = plain.gaze.placed.map_of([0])
    assert native.shape == (270, 180)
    capsys.readouterr()
    words = ["--scheme", "moments", "--placement", "fit", "--screen_size", "640,360"]
    assert main(["affinity", manifest, *words, "--screen_cm", "64,36", "--distance_cm", "57.294"]) == 0
    assert "drawing 16 heatmaps of 180 x 270 px with sigma_px=10 (1 degrees)" in capsys.readouterr().err


def test_samples_return_native_fixations(tmp_path, rng):
    _, manifest = write(tmp_path / "data", rng, SIZES["mixed"], 2, placed=True)
    options = GazeOptions(placement="fit", screen_size=SCREEN)
    samples = GazeData(manifest=manifest, size=32, gaze=options).samples()
    first, second = samples.fixations(1)
    assert (first.reader, second.reader) == ("r0", "r1")
    assert first.size_wh == SCREEN
    assert first.image_size == (180, 270)
    assert first.image_box == (200, 0, 440, 360)
    scale = [32 / 240, 32 / 360, 1]
    np.testing.assert_allclose(samples.scanpath(1), (first.path - [200, 0, 0]) * scale)
