"""read_scanpaths with a placement or an image box: in pixels of the images, as everywhere else."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import gazesim
from gazesim import read_scanpaths, reference
from gazesim.reading.options import GazeOptions
from gazesim.reading.placed import PlacedGaze, PlacementWarning, Spread
from gazesim.reading.source import read_placed

SCREEN, IMAGE = (1920, 1080), (512, 768)
POINTS = [[700.0, 100.0, 0.2], [960.0, 540.0, 0.3], [1300.0, 1000.0, 0.2]]


def written(folder, points=POINTS, names=("a",)):
    file = folder / "gaze.csv"
    rows = [f"{name},{x},{y},{duration}" for name in names for x, y, duration in points]
    file.write_text("\n".join(["image_id,x,y,duration", *rows]))
    return file


@pytest.mark.parametrize("placement", ["fit", "stretch", "center", "native"])
def test_placements_are_the_reference_s(tmp_path, placement):
    points = np.array([[70, 200], [96, 540]] if placement == "native" else [[720, 200], [960, 540]], float)
    file = written(tmp_path, np.column_stack([points, [0.2, 0.3]]))
    found = read_scanpaths(file, screen_size=SCREEN, placement=placement, image_size=IMAGE, verbose=False)
    box = reference.geometry.place_image(placement, IMAGE, SCREEN)
    np.testing.assert_allclose(found["a"][:, :2], reference.geometry.to_image(points, box, IMAGE))
    assert found.screen_size == IMAGE


@given(
    box=st.tuples(st.floats(10, 900), st.floats(10, 500), st.floats(1, 900), st.floats(1, 500)),
    size=st.none() | st.tuples(st.integers(1, 4000), st.integers(1, 4000)),
)
def test_an_image_box_is_what_read_placed_makes_of_it(tmp_path_factory, box, size):
    box = (box[0], box[1], box[0] + box[2], box[1] + box[3])
    middle = [(box[0] + box[2]) / 2, (box[1] + box[3]) / 2, 0.2]
    file = written(tmp_path_factory.mktemp("gaze"), [middle, middle, middle])
    found = read_scanpaths(file, screen_size=SCREEN, image_box=box, image_size=size, verbose=False)
    placed = read_placed(file, GazeOptions(screen_size=SCREEN, image_box=box), image_size=lambda _: size)
    np.testing.assert_array_equal(found["a"], placed.on_image(0))
    width, height = size or (box[2] - box[0], box[3] - box[1])
    np.testing.assert_allclose(found["a"][:, :2], [[width / 2, height / 2]] * 3, rtol=1e-6, atol=1e-6)


def test_sizes_by_image_stay_those_of_each_image(tmp_path):
    file = written(tmp_path, names=("a", "b"))
    sizes = {"a": IMAGE, "b": (1024, 1536)}
    found = read_scanpaths(file, screen_size=SCREEN, placement="fit", image_size=sizes, verbose=False)
    assert found.screen_size is None
    np.testing.assert_allclose(found["b"][:, :2], 2 * found["a"][:, :2])


def test_readers_share_the_size_of_their_image(tmp_path):
    (tmp_path / "gaze.csv").write_text(
        "image_id,reader_id,x,y,duration\na,r1,960,540,0.2\na,r2,960,540,0.2\n"
    )
    found = read_scanpaths(
        tmp_path / "gaze.csv", screen_size=SCREEN, placement="fit", image_size={"a": IMAGE}, verbose=False
    )
    assert found.ids == (("a", "r1"), ("a", "r2"))
    np.testing.assert_array_equal(found["a", "r2"][0, :2], [256, 384])


@pytest.mark.parametrize(("how", "left"), [("keep", 2), ("clip", 2), ("drop", 1)])
def test_gaze_beside_the_image(tmp_path, how, left):
    file = written(tmp_path, [[100, 540, 0.01], [960, 540, 0.9]])
    found = read_scanpaths(
        file, screen_size=SCREEN, placement="fit", image_size=IMAGE, off_image=how, verbose=False
    )["a"]
    assert len(found) == left
    assert (found[:, 0] >= 0).all() == (how != "keep")


def test_one_line_says_what_was_taken_and_a_wrong_placement_is_warned_of(tmp_path, capsys):
    file = written(tmp_path, [[100, 540, 0.9], [960, 540, 0.1]])
    options = {"screen_size": SCREEN, "placement": "fit", "image_size": IMAGE}
    with pytest.warns(PlacementWarning, match=r"90 % of dwell lies off the image"):
        read_scanpaths(file, **options)
    assert "image placed by fit at 600,0,1320,1080" in capsys.readouterr().err
    with pytest.warns(PlacementWarning):
        read_scanpaths(file, **options, verbose=False)
    assert capsys.readouterr().err == ""


def test_without_a_placement_it_reads_as_ever(tmp_path):
    file = tmp_path / "cxr.json"
    file.write_text(json.dumps([{"image_id": "a", "gaze_x": [0.5], "gaze_y": [0.25], "time": [30]}]))
    assert read_scanpaths(file, verbose=False) == gazesim.io.read_scanpaths(file, verbose=False)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"image_size": IMAGE}, ValueError, "image_size is .* without placement or image_box"),
        ({"placement": "fit"}, ValueError, "the size of the image is not known; expected the image file"),
        ({"placement": "left"}, ValueError, "placement is 'left'"),
        ({"placement": "fit", "image_size": (0, 5)}, ValueError, r"image_size\[0\] is 0"),
        ({"placement": "fit", "image_size": {"a": (5, -1)}}, ValueError, r"image_size\['a'\]\[1\] is -1"),
        ({"placement": "fit", "image_box": (0, 0, 1, 1)}, ValueError, "expected one of the two"),
        ({"image_box": (5, 0, 1, 1)}, ValueError, "expected x0 < x1"),
        ({"image_box": (0, 0, 1, 1), "screen_size": None}, ValueError, "screen_size is missing"),
    ],
)
def test_what_does_not_go_together(tmp_path, options, error, message):
    with pytest.raises(error, match=message):
        read_scanpaths(written(tmp_path), **{"screen_size": SCREEN, "verbose": False, **options})


def test_a_table_in_memory_has_no_placement():
    table = {"image_id": ["a"], "x": [10], "y": [20], "duration": [0.2]}
    with pytest.raises(TypeError, match=r"expected a file or folder, or gazesim\.geometry\.to_image"):
        read_scanpaths(table, placement="fit", image_size=IMAGE, screen_size=SCREEN)


class Counted(tuple):
    """A size that counts how often a set looks at it."""

    asked = 0

    def __hash__(self):
        Counted.asked += 1
        return super().__hash__()


def test_a_map_costs_the_same_whatever_the_number_of_images():
    """Sizes of all images were compared for every map: the work grew with the square of their number."""
    count = 50
    paths = gazesim.Scanpaths.from_list([[[8.0, 8, 0.2]]] * count, screen_size=(16, 16))
    sizes = tuple(Counted((16, 16)) for _ in range(count))
    placed = PlacedGaze(paths, ((0, 0, 16, 16),) * count, sizes, Spread(2.0, "2 px"))
    Counted.asked = 0
    maps = [placed.map_of([position]) for position in range(count)]
    assert all(np.array_equal(one, maps[0]) for one in maps)
    assert Counted.asked <= 2 * count


def test_points_without_a_place_are_left_out_before_they_are_placed(tmp_path, capsys):
    """Files of scanpaths have no rows; null and ``missing`` mean no gaze in every reading path."""
    file = tmp_path / "gaze.json"
    entry = {"name": "a", "subject": 1, "X": [100, None, -1, 300, 90], "Y": [200, 30, -1, 400, 80]}
    file.write_text(json.dumps([{**entry, "T": [0.2, 0.3, 0.2, 0.25, None]}]))
    options = {"screen_size": SCREEN, "missing": "-1,-1", "offset": "10,0"}
    plain = read_scanpaths(file, verbose=False, **options)
    assert plain[0].tolist() == [[90, 200, 0.2], [290, 400, 0.25]]
    placed = read_scanpaths(file, placement="stretch", image_size=SCREEN, **options)
    np.testing.assert_allclose(placed.values, plain.values)
    said = capsys.readouterr().err
    assert "left out 1 fixations without a duration, 2 fixations without a position" in said


def test_named_columns_of_frames_are_placed(tmp_path):
    parquet = pytest.importorskip("pyarrow.parquet")
    pa = pytest.importorskip("pyarrow")
    table = {"gx": [960.0, 480.0], "gy": [540.0, 270.0], "dur": [200.0, 300.0], "stim": ["a", "b"]}
    (tmp_path / "gaze").mkdir()
    file = tmp_path / "gaze" / "gaze.parquet"
    parquet.write_table(pa.table(table), file)
    for place in (file, file.parent):
        options = {"columns": "x=gx,y=gy,duration=dur,image=stim", "time_unit": "ms", "screen_size": SCREEN}
        plain = read_scanpaths(place, verbose=False, **options)
        placed = read_scanpaths(place, placement="stretch", image_size=SCREEN, verbose=False, **options)
        assert plain.ids == placed.ids == ("a", "b")
        np.testing.assert_allclose(placed.values, plain.values)
