"""ManifestSamples: images, maps and scanpaths of one image agree, whatever file they come from."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from PIL import Image as Picture

torch = pytest.importorskip("torch")
pytest.importorskip("gazesim.train")

from gazesim import render_heatmap  # noqa: E402
from gazesim.phantom import phantom  # noqa: E402
from gazesim.schemes import Moments  # noqa: E402
from gazesim.train import ArraySamples, Entry, Manifest, ManifestSamples  # noqa: E402
from gazesim.train.data import gaze_files  # noqa: E402
from gazesim.train.data.images import resized  # noqa: E402

HEADER = "id,image,label,split,gaze,heatmap\n"
#: Two images of 40 x 60 pixels (height, width); one fixation in the middle of the right half.
TIDY = "image_id,reader_id,x,y,duration\na,r1,45,20,0.5\na,r2,15,20,0.25\nb,r1,45,20,0.5\n"


@pytest.fixture
def build(tmp_path, rng):
    np.save(tmp_path / "a.npy", rng.random((40, 60)).astype(np.float32))
    Picture.fromarray(rng.integers(0, 256, (40, 60)).astype(np.uint8)).save(tmp_path / "b.png")
    (tmp_path / "tidy.csv").write_text(TIDY)
    (tmp_path / "siim.json").write_text(
        '[{"image_id": "a", "gaze_x": [0.75], "gaze_y": [0.5], "time": [30]},'
        ' {"image_id": "z", "gaze_x": [0.25], "gaze_y": [0.5], "time": [30]}]'
    )

    def samples(*rows, **options):
        (tmp_path / "m.csv").write_text(HEADER + "".join(f"{row}\n" for row in rows))
        return ManifestSamples(Manifest.read(tmp_path / "m.csv"), **{"size": 32, **options})

    samples.folder = tmp_path
    return samples


def test_images(build):
    samples = build("a,a.npy,benign,train,,", "b,b.png,,,,", channels=3)
    for index, file in enumerate(("a.npy", "b.png")):
        image = samples.image(index)
        assert image.shape == (3, 32, 32)
        assert image.dtype == torch.float32
        pixels = (
            np.load(build.folder / file)
            if index == 0
            else np.asarray(Picture.open(build.folder / file)) / 255
        )
        expected = resized(pixels.astype(np.float32), (32, 32))
        for channel in image:
            np.testing.assert_allclose(channel, expected, atol=1e-6)
        assert samples.gaze_map(index) is None
        assert samples.scanpath(index) is None
    assert samples.labels == [0, -1]
    assert samples.class_names == ("benign",)


def test_pixels_and_fractions_mean_the_same(build):
    """(45, 20) in pixels of 60 x 40 is (0.75, 0.5) of the image: (24, 16) of 32 x 32."""
    samples = build("a,a.npy,,,tidy.csv,", "x,a.npy,,,siim.json#a,")
    np.testing.assert_allclose(samples.scanpath(0), [[24, 16, 0.5]])
    np.testing.assert_allclose(samples.scanpath(1), [[24, 16, 0.5]])


def test_maps_are_drawn_from_all_readers(build):
    samples = build("a,a.npy,,,tidy.csv,", "b,b.png,,,tidy.csv,", sigma_share=0.1)
    both = render_heatmap([[24, 16, 0.5], [8, 16, 0.25]], size=(32, 32), sigma_px=3.2)
    np.testing.assert_allclose(samples.gaze_map(0), both, atol=1e-6)
    assert samples.gaze_map(1)[:, :8].sum() < samples.gaze_map(1)[:, 16:].sum() / 100


def test_a_file_is_not_searched_for_every_image(build, monkeypatch):
    """Work grows with the images, not with images times scanpaths: a thousand images are usual."""
    names = [f"i{n}" for n in range(40)]
    rows = [f"{name},{reader},45,20,0.5\n" for name in names for reader in ("r1", "r2")]
    (build.folder / "tidy.csv").write_text("image_id,reader_id,x,y,duration\n" + "".join(rows))
    asked = []
    text = gaze_files._text
    monkeypatch.setattr(gaze_files, "_text", lambda key: asked.append(key) or text(key))
    samples = build(*(f"{name},a.npy,,,tidy.csv," for name in names))
    assert all(len(samples.fixations(index)) == 2 for index in range(len(names)))
    assert len(asked) == len(rows)


def test_one_reader_by_name(build):
    samples = build("a,a.npy,,,tidy.csv#r2,")
    np.testing.assert_allclose(samples.scanpath(0), [[8, 16, 0.25]])


def test_the_only_scanpath_of_a_file_needs_no_name(build):
    (build.folder / "one.csv").write_text("image_id,x,y,duration\nwhatever,45,20,0.5\n")
    assert build("a,a.npy,,,one.csv,").scanpath(0) is not None


def test_a_heatmap_counts_before_gaze(build, rng):
    predicted = rng.random((40, 60)).astype(np.float32)
    np.save(build.folder / "map.npy", predicted)
    samples = build("a,a.npy,,,tidy.csv,map.npy")
    np.testing.assert_allclose(samples.gaze_map(0), resized(predicted, (32, 32)), atol=1e-6)
    assert samples.scanpath(0) is not None


@pytest.mark.parametrize(("height", "width"), [(40, 60), (20, 30), (13, 20), (120, 180), (48, 48)])
def test_heatmaps_of_the_images_proportions_and_squares_count(build, rng, recwarn, height, width):
    np.save(build.folder / "map.npy", rng.random((height, width)).astype(np.float32))
    assert build("a,a.npy,,,,map.npy").gaze_map(0).shape == (32, 32)
    assert not recwarn.list


def test_a_heatmap_with_width_and_height_swapped_is_refused(build, rng):
    sizes = "has 20 x 30 pixels, and the image 60 x 40 pixels: width and height are swapped"
    np.save(build.folder / "map.npy", rng.random((30, 20)).astype(np.float32))
    samples = build("b,b.png,,,,map.npy")
    for call in (lambda: samples.gaze_map(0), lambda: samples.gaze_features(Moments())):
        with pytest.raises(ValueError, match=rf"line 2: image 'b', column 'heatmap': .*map.npy {sizes}"):
            call()


def test_the_first_heatmap_of_other_proportions_is_warned_of(build, rng):
    np.save(build.folder / "map.npy", rng.random((40, 80)).astype(np.float32))
    samples = build("a,a.npy,,,,map.npy", "b,b.png,,,,map.npy")
    with pytest.warns(UserWarning, match="has 80 x 40 pixels, and the image 60 x 40 pixels: the map"):
        samples.take([1]).gaze_map(0)
    with warnings.catch_warnings(action="error"):
        samples.gaze_map(0)


def test_an_empty_map_is_no_gaze(build):
    np.save(build.folder / "zero.npy", np.zeros((40, 60)))
    (build.folder / "far.csv").write_text("image_id,x,y,duration\na,4500,20,0.5\n")
    assert build("a,a.npy,,,,zero.npy").gaze_map(0) is None
    assert build("a,a.npy,,,far.csv,").gaze_map(0) is None


@pytest.mark.parametrize("memory", ["float32", "uint8"])
def test_what_was_preloaded_is_not_read_again(build, memory):
    rows = ("a,a.npy,,train,tidy.csv,", "b,b.png,,,,")
    plain, kept = build(*rows), build(*rows, memory=memory)
    kept.preload(progress=False)
    for file in ("a.npy", "b.png", "tidy.csv"):
        (build.folder / file).write_text("gone")
    again = kept.take([1, 0])
    assert torch.equal(again.image(1), kept.image(0))
    assert again.gaze_map(1) is not None
    assert again.gaze_map(0) is None
    with pytest.raises(ValueError, match=r"a.npy holds no array of numbers"):
        plain.image(0)


@pytest.mark.parametrize(("memory", "error"), [("float32", 0), ("uint8", 0.5 / 255 + 1e-6)])
def test_what_memory_costs_in_precision(build, memory, error):
    rows = ("a,a.npy,,train,tidy.csv,", "b,b.png,,,,")
    plain, kept = build(*rows), build(*rows, memory=memory)
    for _ in range(2):
        for index in (0, 1):
            np.testing.assert_allclose(kept.image(index), plain.image(index), atol=error)
        top = float(plain.gaze_map(0).max())
        np.testing.assert_allclose(kept.gaze_map(0), plain.gaze_map(0), atol=error * top)


def test_mistakes_name_the_line(build):
    np.save(build.folder / "wide.npy", np.full((8, 8), 3.0))
    np.save(build.folder / "low.npy", np.full((8, 8), -1.0))
    (build.folder / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(20))
    (build.folder / "bad.csv").write_text("image_id,x,y,duration\na,1,2,-3\n")
    samples = build(
        "a,wide.npy,,,,",
        "b,broken.png,,,,",
        "c,a.npy,,,tidy.csv,",
        "d,a.npy,,,bad.csv,",
        "e,a.npy,,,,low.npy",
        "f,a.npy,,,tidy.csv#r9,",
    )
    with pytest.raises(ValueError, match=r"m.csv, line 2: image 'a', column 'image': .*wide.npy holds 3.0"):
        samples.image(0)
    with pytest.raises(ValueError, match=r"line 3: image 'b', column 'image': .*broken.png cannot be read"):
        samples.image(1)
    with pytest.raises(ValueError, match=r"line 4: .*tidy.csv: holds no scanpath 'c' but 3, such as \('a'"):
        samples.scanpath(2)
    with pytest.raises(ValueError, match=r"line 5: .*bad.csv, line 2: column 'duration' is -3"):
        samples.gaze_map(3)
    with pytest.raises(ValueError, match=r"line 6: .*low.npy holds -1.0; expected at least 0"):
        samples.gaze_map(4)
    with pytest.raises(ValueError, match=r"line 7: .*holds no scanpath 'r9'"):
        samples.scanpath(5)


def test_groups_and_grades(build):
    files = [build.folder / name for name in ("a.npy", "b.png", "c.npy", "d.npy")]
    for file in files[2:]:
        np.save(file, np.zeros((40, 60)))
    entries = [
        Entry(str(i), file, label, group=group)
        for i, (file, label, group) in enumerate(
            zip(files, ("10", "9", "", "9"), ("p", "", "p", "q"), strict=True)
        )
    ]
    samples = ManifestSamples(Manifest(entries), size=32)
    assert samples.class_names == ("9", "10")  # grades by value
    assert samples.labels == [1, 0, -1, 0]
    assert samples.groups == ["p", "1", "p", "q"]  # nobody else is of an unnamed patient
    assert samples.take([3, 0]).groups == ["q", "p"]


def test_arrays_of_a_phantom():
    data = phantom(6, size=32, readers=2, seed=3)
    ids = [f"i{i}" for i in range(6)]
    samples = ArraySamples(data.images, data.labels, data.heatmaps, ids=ids, class_names=data.class_names)
    assert samples.labels == data.labels.tolist()
    np.testing.assert_array_equal(samples.image(2)[0], data.images[2])
    np.testing.assert_array_equal(samples.gaze_map(2), data.heatmaps[2])
    taken = samples.take([4, 2])
    assert taken.ids == ["i4", "i2"]
    np.testing.assert_array_equal(taken.image(1), samples.image(2))
    larger = samples.resized(64)
    assert larger.image(0).shape == (1, 64, 64)
    assert larger.gaze_map(0).shape == (64, 64)
    by_reader = ArraySamples(data.images, scanpaths=data.scanpaths)
    np.testing.assert_array_equal(by_reader.scanpath(3), data.scanpaths[(3, 0)])
    np.testing.assert_allclose(by_reader.resized(64).scanpath(3)[:, :2], 2 * by_reader.scanpath(3)[:, :2])


BAD_ARRAYS = [
    ({"images": np.zeros((2, 3, 32, 32))}, r"images has shape \(2, 3, 32, 32\); expected \(n, H, W\)"),
    ({"images": np.full((2, 8, 8), 1.5)}, r"images: sample 0, row 0, column 0 is 1.5; .* in \[0, 1\]"),
    ({"images": np.full((2, 8, 8), np.nan)}, r"images: sample 0, row 0, column 0 is nan"),
    ({"heatmaps": np.zeros((2, 8, 9))}, r"heatmaps has shape \(2, 8, 9\), images \(2, 8, 8\)"),
    ({"heatmaps": -np.ones((2, 8, 8))}, r"heatmaps: sample 0, row 0, column 0 is -1.0"),
    ({"ids": ["a"]}, r"ids has 1 entries"),
    ({"ids": ["a", "a"]}, r"ids holds 'a' twice"),
    (
        {"labels": [0, 5], "class_names": ("x", "y")},
        r"labels\[1\] is 5; expected a whole number from -1 to 1",
    ),
    ({"splits": ["train", "dev"]}, r"splits\[1\] is 'dev'"),
    ({"groups": ["a"]}, r"groups has 1 entries"),
    ({"channels": 2}, r"channels is 2; expected 1 or 3"),
]


@pytest.mark.parametrize(("arguments", "message"), BAD_ARRAYS)
def test_bad_arrays_are_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        ArraySamples(**{"images": np.zeros((2, 8, 8)), **arguments})


def test_eight_and_sixteen_bits():
    for kind in (np.uint8, np.uint16):
        top = np.iinfo(kind).max
        assert float(ArraySamples(np.full((1, 8, 8), top, kind)).image(0).max()) == 1.0
    with pytest.raises(TypeError, match="images has dtype int64"):
        ArraySamples(np.zeros((1, 8, 8), np.int64))


@pytest.mark.parametrize(
    ("rows", "cell", "name", "found"),
    [
        ("a,r1,1;a,r2,2;b,r1,3", "#r1", "a", [1]),
        ("a,r1,1;a,r2,2;b,r1,3", "#r2", "a", [2]),
        ("a,r1,1;a,r2,2;b,r1,3", "", "a", [1, 2]),
        ("a,r1,1;a,r2,2;b,r1,3", "#b", "a", [3]),
        ("a,r1,1;a,r2,2;b,r1,3", "#r2", "b", "holds no scanpath 'r2' but 3"),
        ("a,r1,1;a,r2,2;b,r1,3", "#r3", "a", "holds no scanpath 'r3' but 3"),
        ("whole,r1,1;whole,r2,2", "#r2", "a", [2]),
        ("whole,r1,1;whole,r2,2", "#r3", "a", "holds no scanpath 'r3' but 2"),
        ("whole,r1,1;whole,r2,2", "#whole", "a", [1, 2]),
        ("whole,r1,1;whole,r2,2", "", "a", "holds no scanpath 'a' but 2"),
        ("r1,r2,1;a,r1,2", "#r1", "a", [2]),
        ("r1,r2,1;a,r3,2", "#r3", "a", [2]),
    ],
)
def test_a_name_behind_the_file_is_a_scanpath_or_a_reader(rows, cell, name, found, tmp_path):
    """Never the gaze of another image, where the image was not read by that reader."""
    table = ["image_id,reader_id,x,y,duration", *(f"{row},5,0.2" for row in rows.split(";"))]
    (tmp_path / "gaze.csv").write_text("\n".join(table))
    np.save(tmp_path / "a.npy", np.zeros((32, 32), np.float32))
    (tmp_path / "all.csv").write_text(f"id,image,gaze\n{name},a.npy,gaze.csv{cell}\n")
    samples = ManifestSamples(Manifest.read(tmp_path / "all.csv"), size=32)
    if isinstance(found, str):
        with pytest.raises(ValueError, match=found):
            samples.scanpaths(0)
    else:
        assert [path[0, 0] for path in samples.scanpaths(0)] == found
