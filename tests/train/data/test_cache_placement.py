"""Training with a cache: where its images stood is compared with where they stand here."""

from __future__ import annotations

import warnings

import pytest

pytest.importorskip("gazesim.train")

import numpy as np

from gazesim import AffinityCache
from gazesim.cli import main
from gazesim.reading.options import GazeOptions
from gazesim.reading.placed import PlacementWarning
from gazesim.train import GazeData

FIT = {"screen_size": (1920, 1080), "placement": "fit"}


@pytest.fixture
def folder(tmp_path):
    """Six portraits with gaze in screen pixels, and a manifest that does not say where they stood."""
    rng = np.random.default_rng(3)
    gaze, lines = ["image_id,x,y,duration"], ["id,image,split,gaze"]
    for i in range(6):
        np.save(tmp_path / f"i{i}.npy", np.zeros((768, 512), np.uint8))
        lines.append(f"i{i},i{i}.npy,train,gaze.csv")
        gaze += [f"i{i},{x:.1f},{y:.1f},0.2" for x, y in rng.uniform((620, 20), (1300, 1060), (9, 2))]
    (tmp_path / "gaze.csv").write_text("\n".join(gaze))
    (tmp_path / "m.csv").write_text("\n".join(lines))
    return tmp_path


def cached(folder, scheme, *words):
    size = ["--screen_size", "1920,1080", "--placement", "fit"]
    whole = ["affinity", str(folder / "m.csv"), "--scheme", scheme, *size, *words]
    assert main([*whole, "--cache", str(folder / scheme)]) == 0
    return str(folder / scheme)


def source(folder, cache, **options):
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        data = GazeData(manifest=str(folder / "m.csv"), size=32, gaze=GazeOptions(**{**FIT, **options}))
        found = data.gaze_source(cache=cache)
    return found, [str(one.message) for one in told if one.category is PlacementWarning]


@pytest.mark.parametrize("scheme", ["moments", "multimatch"])
def test_the_same_geometry_says_nothing(folder, scheme):
    found, told = source(folder, cached(folder, scheme))
    assert isinstance(found, AffinityCache)
    assert told == []


def test_maps_of_another_place_are_refused(folder):
    cache = cached(folder, "moments")
    with pytest.raises(
        ValueError, match=r"image 'i0' stood at 600,0,1320,1080 of 1920 x 1080 px .*6 of 6"
    ) as raised:
        source(folder, cache, placement="stretch")
    assert str(raised.value).startswith(f"{folder / 'moments'}: ")
    assert "expected --data.gaze.* (placement, image_box, screen_size, sigma_px, ...)" in str(raised.value)


def test_scanpaths_of_another_place_are_warned_of(folder):
    _, told = source(folder, cached(folder, "multimatch"), placement="stretch")
    assert len(told) == 1
    assert "image 'i0' stood at 600,0,1320,1080" in told[0]


def test_another_screen_is_warned_of(folder):
    _, told = source(folder, cached(folder, "multimatch"), screen_size=(1920, 1200))
    assert any(
        "gaze was on 1920 x 1080 px when the cache was built, and is on 1920 x 1200 px" in one for one in told
    )


def test_another_width_of_maps_is_warned_of(folder):
    _, told = source(folder, cached(folder, "moments"), sigma_px=20.0)
    assert len(told) == 1
    assert "maps were drawn with sigma_px=48 on 1920 x 1080 px when the cache was built" in told[0]
    assert source(folder, cached(folder, "multimatch"), sigma_px=20.0)[1] == []


def test_a_manifest_without_gaze_has_nothing_to_compare(folder):
    cache = cached(folder, "moments")
    (folder / "m.csv").write_text("id,image,split\n" + "".join(f"i{i},i{i}.npy,train\n" for i in range(6)))
    assert source(folder, cache, placement="stretch")[1] == []
