"""The numbers of ``gazesim inspect``, counted pair by pair, and what it says and draws."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import gazesim
from caches import gaze
from gazesim import AffinityCache, cli
from gazesim.cache.inspection import inspect_cache, nearest, text
from gazesim.commands.inspect import image_finder
from gazesim.commands.reading import sizes_in
from gazesim.phantom import phantom
from gazesim.plots.inspection import plot_inspection, short
from gazesim.train.data.images import shown_image
from real_gaze_files import REAL

pytestmark = pytest.mark.filterwarnings("ignore::gazesim.InvalidGazeWarning")


@pytest.fixture(scope="module")
def study():
    """Return a phantom and ids for it."""
    made = phantom(80, seed=3)
    return made, [f"img{i:02}" for i in range(80)]


@pytest.fixture(scope="module")
def cache(study, tmp_path_factory) -> AffinityCache:
    made, ids = study
    paths = gazesim.Scanpaths(made.scanpaths.values, made.scanpaths.offsets, ids=ids, screen_size=(64, 64))
    return AffinityCache.build(tmp_path_factory.mktemp("inspect") / "study", paths, errors="ignore")


@pytest.mark.parametrize("threshold", [0.5, 0.7, 0.8, 0.85, 0.99])
def test_extras_and_purity_are_those_of_the_pairs(cache, study, threshold) -> None:
    made, ids = study
    labels = dict(zip(ids, made.labels.tolist(), strict=True))
    del labels[ids[5]]
    found = inspect_cache(cache, batch_size=33, labels=labels)
    passing = total = same = labelled = 0
    for a in range(80):
        for b in range(80):
            if a != b and cache.matrix[a, a] > 0:
                total += 1
                if cache.matrix[a, b] >= np.float32(threshold):
                    passing += 1
                    labelled += 5 not in (a, b)
                    same += 5 not in (a, b) and made.labels[a] == made.labels[b]
    assert found.extras_at(threshold) == pytest.approx(32 * passing / total)
    at = np.searchsorted(found.thresholds, threshold)
    if labelled > 1000:
        assert found.purity[at] == pytest.approx(same / labelled, abs=0.02)
    if labelled < 40:
        assert np.isnan(found.purity[at])


@pytest.mark.parametrize("extras", [1, 2, 4, 8, 16])
def test_a_threshold_gives_the_extras_that_it_was_chosen_for(cache, extras) -> None:
    found = inspect_cache(cache, batch_size=64)
    assert found.extras_at(found.threshold_for(extras)) == pytest.approx(extras, rel=0.02)
    assert found.proposal == found.threshold_for(4)


def test_the_proposal_in_batches(cache) -> None:
    """The proposed threshold, applied to random batches by id, adds the positives that it promises."""
    threshold = inspect_cache(cache, batch_size=32).proposal
    rng = np.random.default_rng(0)
    extras = []
    for _ in range(300):
        ids = [cache.ids[i] for i in rng.choice(80, 32, replace=False)]
        block = cache.block(ids)
        valid = np.diagonal(block) > 0
        extras.append(((block >= np.float32(threshold)).sum(axis=1) - 1)[valid].mean())
    assert np.mean(extras) == pytest.approx(4, rel=0.05)


def test_nearest_neighbours(cache) -> None:
    positions, values = nearest(cache, 7, 5)
    others = sorted((-float(v), i) for i, v in enumerate(cache.matrix[7]) if i != 7)[:5]
    assert positions.tolist() == [i for _, i in others]
    assert values.tolist() == [-v for v, _ in others]


@pytest.mark.parametrize("kind", [{"top_k": 3}, {"threshold": 0.9}, {"threshold": 1.0}], ids=str)
def test_caches_of_neighbours(tmp_path: Path, kind) -> None:
    cache = AffinityCache.build(tmp_path / "c", gaze(50), **kind)
    found = inspect_cache(cache, batch_size=16)
    words = text(found)
    assert "invalid gazes: 1" in words
    assert "kept" in words
    plot_inspection(found, tmp_path / "c.png")
    assert (tmp_path / "c.png").stat().st_size > 10_000


def test_degenerate_caches_are_told(tmp_path: Path) -> None:
    invalid = [np.ones((1, 3))] * 4
    cache = AffinityCache.build(tmp_path / "c", invalid, ids=list("abcd"), screen_size=(9, 9))
    words = text(inspect_cache(cache))
    assert "invalid gazes: 4 (100.00%), never positive: 'a', 'b', 'c', 'd'" in words
    assert "there is nothing to threshold" in words
    alike = AffinityCache.from_matrix(tmp_path / "d", np.ones((6, 6)), ids=range(6))
    found = inspect_cache(alike)
    assert "almost all pairs pass" in text(found)
    for number, one in enumerate((found, inspect_cache(cache))):
        plot_inspection(one, tmp_path / f"{number}.png")
    with pytest.raises(ValueError, match="holds 1 images; expected at least 2"):
        inspect_cache(AffinityCache.from_matrix(tmp_path / "e", np.ones((1, 1)), ids=["x"]))
    with pytest.raises(ValueError, match="batch_size is 1; expected a whole number from 2"):
        inspect_cache(alike, batch_size=1)


def test_large_caches_are_sampled(tmp_path: Path, monkeypatch, cache) -> None:
    monkeypatch.setattr("gazesim.cache.inspection.QUANTILE_IMAGES", 40)
    found = inspect_cache(cache)
    assert found.sample.tolist() == list(range(0, 80, 2))
    assert "looked at the pairs of 40 evenly spaced images" in text(found)


def test_long_ids_are_shortened() -> None:
    assert short("1.2.276.0.7230010.3.1.4.8323329.4982.1517875185.837576") == "1.2.27…185.837576"
    assert short(("a", 3)) == "a/3"


def inspect(*words: object) -> int:
    return cli.main(["inspect", *map(str, words)])


def test_command_with_labels_and_images(cache, study, tmp_path: Path, capsys) -> None:
    from matplotlib.image import imsave

    made, ids = study
    table = tmp_path / "labels.csv"
    rows = [f"{name},{made.class_names[label]}\n" for name, label in zip(ids, made.labels, strict=True)]
    table.write_text("id,class\n" + "".join(rows))
    (tmp_path / "images").mkdir()
    for name, image in zip(ids[:60], made.images, strict=False):
        imsave(tmp_path / "images" / f"{name}.png", image, cmap="gray")
    out = tmp_path / "o.png"
    status = inspect(cache.path, "--labels", table, "--images", tmp_path / "images", "--out", out)
    printed, errors = capsys.readouterr()
    assert status == 0
    (line,) = errors.splitlines()
    assert line.startswith("next: ")
    assert "proposed: threshold=" in printed
    assert "share a label" in printed
    assert "the papers' threshold: almost all pairs pass" in printed
    assert out.stat().st_size > 100_000


def test_command_reads_gaze_for_schemes_that_keep_none(tmp_path: Path, capsys) -> None:
    source = REAL / "siim_21_images.json"
    paths = gazesim.read_scanpaths(source, verbose=False)
    maps = gazesim.render_heatmap(paths, size=(32, 32), sigma_px=2)
    AffinityCache.build(tmp_path / "c", maps, ids=paths.ids, scheme="dhash", errors="ignore")
    assert inspect(tmp_path / "c") == 0
    assert "expected --gaze FILE" in capsys.readouterr().out
    blank = (tmp_path / "c.inspect.png").stat().st_size
    assert inspect(tmp_path / "c", "--gaze", source) == 0
    assert "expected --gaze" not in capsys.readouterr().out
    assert (tmp_path / "c.inspect.png").stat().st_size > blank


def test_the_picture_lies_beside_the_link_to_a_cache(tmp_path: Path) -> None:
    AffinityCache.build(tmp_path / "disk" / "c", gaze(6))
    (tmp_path / "links").mkdir()
    (tmp_path / "links" / "mine").symlink_to(Path("..", "disk", "c"))
    assert inspect(tmp_path / "links" / "mine") == 0
    assert (tmp_path / "links" / "mine.inspect.png").is_file()
    assert not (tmp_path / "disk" / "c.inspect.png").exists()


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """Return a folder with a grey image in a subfolder, a coloured one, and files that are no images."""
    folder = tmp_path / "images"
    (folder / "sub").mkdir(parents=True)
    Image.fromarray(np.full((48, 64), 9, np.uint8)).save(folder / "sub" / "a.png")
    (folder / "sub" / "a.txt").write_text("0 0.5 0.5 0.1 0.1\n")
    Image.fromarray(np.full((48, 64, 3), (9, 0, 0), np.uint8)).save(folder / "b.png")
    (folder / "b.json").write_text("{}")
    np.save(folder / "c.npy", np.full((48, 64), 9, np.uint8))
    return folder


@pytest.mark.parametrize("names", [("a", "b", "c"), ("sub/a.png", "b.png", "C"), ("x/a", "b", "c.npy")])
def test_images_are_found_by_the_rules_that_place_gaze(tmp_path: Path, capsys, pictures, names) -> None:
    cache = AffinityCache.build(tmp_path / "c", gaze(3, seed=2, ids=names), errors="ignore")
    find, size_of = image_finder(str(pictures)), sizes_in(str(pictures))
    grey, coloured, array = map(find, names)
    assert grey.shape == array.shape == (48, 64)
    assert coloured.shape == (48, 64, 3)
    assert [size_of(name) for name in names] == [(64, 48)] * 3
    assert inspect(cache.path, "--images", pictures) == 0
    assert "have no file" not in capsys.readouterr().out


def test_images_without_a_file_are_named_and_a_wrong_folder_is_refused_first(
    tmp_path: Path, capsys, pictures
) -> None:
    ids = [(name, reader) for name in ("a", "d") for reader in (1, 2)]
    cache = AffinityCache.build(tmp_path / "c", gaze(4, ids=ids), errors="ignore")
    assert inspect(cache.path, "--images", pictures) == 0
    assert f"{pictures}: 1 of 2 images of the cache have no file: 'd'" in capsys.readouterr().out
    (tmp_path / "empty").mkdir()
    assert inspect(cache.path, "--images", tmp_path / "empty") == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert "holds no image; expected" in said.err


def test_shown_images_are_turned_and_keep_colours_and_transparency(tmp_path: Path) -> None:
    tags = Image.Exif()
    tags[274] = 6  # a quarter turn
    Image.fromarray(np.zeros((4, 8, 3), np.uint8)).save(tmp_path / "turned.jpg", exif=tags)
    Image.fromarray(np.zeros((4, 8, 4), np.uint8)).save(tmp_path / "clear.png")
    Image.fromarray(np.full((4, 8), 1000, np.uint16)).save(tmp_path / "wide.png")
    assert shown_image(tmp_path / "turned.jpg").shape == (8, 4, 3)
    assert shown_image(tmp_path / "clear.png").shape == (4, 8, 4)
    assert shown_image(tmp_path / "wide.png").tolist() == [[pytest.approx(1000 / 65535)] * 8] * 4
    (tmp_path / "bad.png").write_bytes(b"no picture")
    with pytest.raises(ValueError, match=r"bad\.png cannot be read as an image"):
        shown_image(tmp_path / "bad.png")


@pytest.fixture
def drawn(monkeypatch) -> dict:
    """Return what the command draws, once it has."""
    seen: dict = {}
    monkeypatch.setattr("gazesim.commands.inspect.plot_inspection", lambda *_, **what: seen.update(what))
    return seen


@pytest.fixture
def fractions(tmp_path: Path) -> Path:
    """Return gaze in fractions of the screen and milliseconds, which the file does not say."""
    rows = [f"i{n},{k},{0.1 * k},{0.2 * k},{100 + n}\n" for n in range(4) for k in range(4)]
    file = tmp_path / "gaze.csv"
    file.write_text("image_id,fixation_index,x,y,duration\n" + "".join(rows))
    return file


@pytest.mark.parametrize("asked", [[], ["--screen_size", "64,48"]], ids=["scheme's", "asked"])
def test_command_reads_gaze_in_its_units(tmp_path: Path, drawn, fractions, asked) -> None:
    units = {"time_unit": "ms", "coord_unit": "fraction", "screen_size": (64, 48)}
    paths = gazesim.read_scanpaths(fractions, verbose=False, **units)
    scheme = gazesim.DHash() if asked else gazesim.TIMA(sigma_px=4)
    gazes = gazesim.render_heatmap(paths, size=(64, 48), sigma_px=4) if asked else paths
    cache = AffinityCache.build(tmp_path / "c", gazes, ids=paths.ids, scheme=scheme)
    words = ["--gaze", fractions, "--time_unit", "ms", "--coord_unit", "fraction", *asked]
    assert inspect(cache.path, *words) == 0
    assert drawn["screen_size"] == (64, 48)
    assert set(drawn["gazes"]) == set(paths.ids)
    for name in paths.ids:
        np.testing.assert_allclose(drawn["gazes"][name], paths[name])


def test_units_without_gaze_are_refused(cache, capsys) -> None:
    assert inspect(cache.path, "--time_unit", "ms") == 1
    assert "--time_unit is given without --gaze; expected --gaze FILE beside it" in capsys.readouterr().err


def test_fixations_come_back_from_multimatch_features(cache, study) -> None:
    from gazesim.commands.inspect import gazes_of

    made, ids = study
    gazes, size = gazes_of(cache, None, None)
    assert size == (64, 64)
    for name, path in zip(ids, made.scanpaths, strict=True):
        if name in gazes:
            np.testing.assert_allclose(gazes[name][:, :2], path[:, :2], atol=1e-9)
            assert np.array_equal(gazes[name][:-1, 2], path[:-1, 2])
    assert len(gazes) == int(cache.valid.sum())


def test_labels_of_readers_and_bad_tables(tmp_path: Path, capsys) -> None:
    ids = [(f"i{n // 2}", n % 2) for n in range(12)]
    path = AffinityCache.build(tmp_path / "c", gaze(12, ids=ids)).path
    (tmp_path / "image.tsv").write_text("".join(f"i{n}\t{n % 2}\n" for n in range(6)))
    (tmp_path / "reader.csv").write_text("".join(f"i{n // 2},{n % 2},{n % 2}\n" for n in range(12)))
    for name in ("image.tsv", "reader.csv"):
        assert inspect(path, "--labels", tmp_path / name) == 0
        assert "purity of random pairs" in capsys.readouterr().out
    (tmp_path / "other.csv").write_text("x,1\ny,2\n")
    assert inspect(path, "--labels", tmp_path / "other.csv") == 1
    assert "none of its 2 rows names an image of the cache, such as ('i0', 0)" in capsys.readouterr().err
    (tmp_path / "narrow.csv").write_text("i0\n")
    assert inspect(path, "--labels", tmp_path / "narrow.csv") == 1
    assert "line 1: has 1 column; expected an id and a class" in capsys.readouterr().err
    assert inspect(path, "--images", tmp_path / "nowhere") == 1
    assert "is not a folder; expected a folder of images" in capsys.readouterr().err
    assert inspect(tmp_path / "nowhere") == 1
    assert "does not exist; expected the folder of a cache" in capsys.readouterr().err
