"""The placement of a cache's images: stored with it, shown by inspect, compared without false alarms."""

from __future__ import annotations

import hashlib
import json

import numpy as np
import pytest

from gazesim import AffinityCache, MultiMatch
from gazesim.cache.manifest import canonical
from gazesim.cache.placement import Placement, differences
from gazesim.cache.store import CacheError
from gazesim.cli import main
from gazesim.commands.inspect import fixations_of, gazes_of
from gazesim.phantom import phantom

SCREEN = (1920.0, 1080.0)
FIT, WHOLE = (600.0, 0.0, 1320.0, 1080.0), (0.0, 0.0, 1920.0, 1080.0)
IMAGE = (1024.0, 1536.0)


def placed(box=FIT, canvas=SCREEN, sigma=48.0, names=("a", "b"), **other):
    places = {name: (other.get(name, box), IMAGE) for name in names}
    return Placement(canvas, sigma, places)


def test_json_keeps_everything_and_each_place_once():
    for one in (placed(), placed(b=WHOLE), placed(names=[("a", 1), ("a", 2), ("b", 1)]), placed(sigma=None)):
        ids = list(one.places)
        value = json.loads(json.dumps(one.to_json(ids)))
        assert Placement.from_json(value, ids) == one
    assert placed().to_json(["a", "b"])["place_of"] is None
    assert len(placed(b=WHOLE).to_json(["a", "b"])["places"]) == 2
    assert Placement.from_json(None, ["a"]) is None


@pytest.mark.parametrize(
    "value", [7, {}, {"canvas_wh": [1]}, {**placed().to_json(["a", "b"]), "place_of": [5, 0]}]
)
def test_json_that_is_no_geometry(value):
    with pytest.raises(ValueError, match="expected canvas_wh, sigma_px, places"):
        Placement.from_json(value, ["a", "b"])


@pytest.mark.parametrize(
    ("own", "found"),
    [
        (placed(), []),
        (placed(names=["b", "other"]), []),
        (placed(names=[("a", "r1"), ("a", "r2")]), []),
        (placed((600.3, 0.0, 1320.2, 1080.0)), []),
        # Half the screen with everything on it half as large is the same place, and as wide a map.
        (placed((300.0, 0.0, 660.0, 540.0), (960.0, 540.0), 24.0), ["canvas"]),
        (placed(WHOLE), ["place", "sigma"]),
        (placed(sigma=20.0), ["sigma"]),
        (placed(sigma=None), []),
        (placed(canvas=(1280.0, 1024.0)), ["place", "canvas"]),
        (placed(b=WHOLE), ["place", "sigma"]),
    ],
)
def test_differences(own, found):
    assert [one.part for one in differences(placed(), own)] == found


def test_differences_name_an_image_and_both_places():
    (place, _) = differences(placed(), placed(WHOLE))
    assert place.words == (
        "image 'a' stood at 600,0,1320,1080 of 1920 x 1080 px when the cache was built, and stands at "
        "0,0,1920,1080 of 1920 x 1080 px here (2 of 2 images differ)"
    )
    (sigma,) = differences(placed(), placed(sigma=24.0))
    assert (
        "sigma_px=48 on 1920 x 1080 px when the cache was built (6.667% of the width of image 'a')"
        in sigma.words
    )
    assert "sigma_px=24" in sigma.words


@pytest.fixture
def gazes(tmp_path):
    """A table of gaze in screen pixels, two readers, and images of 512 x 768 px."""
    rng = np.random.default_rng(3)
    lines = ["image_id,reader_id,x,y,duration"]
    for i in range(8):
        np.save(tmp_path / f"i{i}.npy", np.zeros((768, 512), np.uint8))
        for reader in range(2):
            for x, y in rng.uniform((620, 20), (1300, 1060), (9, 2)):
                lines.append(f"i{i},r{reader},{x:.1f},{y:.1f},{rng.uniform(0.1, 0.5):.3f}")
    (tmp_path / "gaze.csv").write_text("\n".join(lines))
    return tmp_path


WORDS = ["--screen_size", "1920,1080", "--placement", "fit"]


@pytest.mark.parametrize("scheme", ["multimatch", "moments"])
@pytest.mark.parametrize(
    "how", [["--reduce", "mean"], ["--top_k", "3"], ["--quantile", "0.5", "--reduce", "max"]]
)
def test_affinity_keeps_it_and_inspect_shows_it(gazes, scheme, how, capsys):
    folder = str(gazes / "cache")
    words = ["affinity", str(gazes / "gaze.csv"), "--images", str(gazes), *WORDS, "--scheme", scheme, *how]
    assert main([*words, "--cache", folder]) == 0
    found = AffinityCache.open(folder).placement
    assert found.canvas_wh == SCREEN
    assert found.sigma_px == (48 if scheme == "moments" else None)
    assert len(found.places) == 16
    assert found.places["i3", "r1"] == (FIT, (512, 768))
    capsys.readouterr()
    assert main(["inspect", folder]) == 0
    drawn = "; maps drawn with sigma_px=48" if scheme == "moments" else ""
    assert f"geometry: gaze on 1920 x 1080 px, images at 600,0,1320,1080{drawn}\n" in capsys.readouterr().out
    assert main([*words, "--cache", folder]) == 0  # the same work is finished already
    assert main([*words[: -len(how)], *how, "--placement", "stretch", "--cache", folder]) == 1
    assert "expected a new folder" in capsys.readouterr().err


def test_inspect_draws_gaze_on_the_image_and_not_on_the_screen(gazes, capsys):
    folder = str(gazes / "cache")
    words = [str(gazes / "gaze.csv"), "--images", str(gazes), *WORDS]
    assert main(["affinity", *words, "--cache", folder]) == 0
    cache, reading = AffinityCache.open(folder), {"screen_size": SCREEN, "placement": "fit"}
    kept, size = gazes_of(cache, None, str(gazes))
    read, of_file = gazes_of(cache, words[0], str(gazes), **reading)
    assert size == of_file == (512, 768)
    on_screen = fixations_of(cache.features)
    for name, path in zip(cache.features.ids, on_screen, strict=True):
        expected = (path[:, :2] - FIT[:2]) * (512 / 720, 768 / 1080)
        np.testing.assert_allclose(kept[name][:, :2], expected, atol=1e-6)
        np.testing.assert_allclose(read[name][:, :2], expected, atol=1e-6)
    capsys.readouterr()
    assert main(["inspect", folder, "--html", str(gazes / "r.html")]) == 0
    assert "--images FOLDER shows them" in capsys.readouterr().out


def test_shares_of_a_cache_keep_it(gazes):
    words = [
        "affinity",
        str(gazes / "gaze.csv"),
        "--images",
        str(gazes),
        *WORDS,
        "--cache",
        str(gazes / "cache"),
    ]
    for share in ("1/2", "2/2"):
        assert main([*words, "--block", share]) == 0
    assert main([*words, "--merge"]) == 0
    assert AffinityCache.open(gazes / "cache").placement.places["i0", "r0"] == (FIT, (512, 768))


def test_a_cache_of_the_library_states_nothing_unless_it_is_given(tmp_path, capsys):
    data = phantom(6, size=32)
    features = MultiMatch(screen_size=(32, 32)).features(data.scanpaths)
    plain = AffinityCache.build(tmp_path / "plain", features)
    assert plain.placement is None
    assert main(["inspect", str(tmp_path / "plain")]) == 0
    assert "geometry: not known\n" in capsys.readouterr().out
    where = Placement((32.0, 32.0), None, dict.fromkeys(range(6), ((0.0, 0.0, 32.0, 32.0), (32.0, 32.0))))
    kept = AffinityCache.build(tmp_path / "kept", features, placement=where)
    assert kept.placement == where
    assert kept.placement.words() == "gaze on 32 x 32 px, images over all of it"
    assert kept.append(data.scanpaths[:1], ids=["new"]).placement is None


def rewritten(path, change):
    """Write a manifest anew with a checksum that fits."""
    manifest = json.loads((path / "manifest.json").read_text())
    del manifest["checksum"]
    change(manifest)
    manifest["checksum"] = hashlib.sha256(canonical(manifest)).hexdigest()
    (path / "manifest.json").write_text(json.dumps(manifest))


def test_a_cache_of_the_first_format_is_opened_and_goes_on(tmp_path):
    data = phantom(6, size=32)
    features = MultiMatch(screen_size=(32, 32)).features(data.scanpaths)
    where = Placement((32.0, 32.0), None, dict.fromkeys(range(6), ((0.0, 0.0, 32.0, 32.0), (32.0, 32.0))))
    matrix = AffinityCache.build(tmp_path / "c", features).matrix.copy()

    def first(manifest):
        manifest["version"] = 1
        del manifest["geometry"]

    rewritten(tmp_path / "c", first)
    old = AffinityCache.open(tmp_path / "c")
    assert old.placement is None
    again = AffinityCache.build(tmp_path / "c", features, placement=where)
    np.testing.assert_array_equal(again.matrix, matrix)
    assert len(again.append(data.scanpaths[:1], ids=["new"])) == 7


def test_an_odd_geometry_is_refused(tmp_path):
    data = phantom(3, size=32)
    AffinityCache.build(tmp_path / "c", data.scanpaths)
    rewritten(tmp_path / "c", lambda manifest: manifest.update(geometry=[1, 2]))
    cache = AffinityCache.open(tmp_path / "c")
    with pytest.raises(CacheError, match=r"manifest\.json: geometry is .*; expected canvas_wh"):
        _ = cache.placement
