"""Predicted against human scanpaths: numbers by hand and from multimatch_gaze, ceiling, floor, intervals."""

from __future__ import annotations

import warnings

import multimatch_gaze
import numpy as np
import pandas
import polars
import pytest

from gazesim import Scanpaths, compare_scanpaths, multimatch
from gazesim.compare import IncompleteComparisonWarning, Measure
from real_gaze_files import largest

SCREEN = (64, 48)
DIMENSIONS = ("shape", "direction", "length", "position", "duration")


def lengths(pairs):
    """Return the absolute differences of numbers of fixations: easy to check by hand."""
    first, second = (np.array([len(path) for path in paths]) for paths in (pairs.rows, pairs.columns))
    found = np.abs(first[:, None] - second).astype(float)
    found[:, second == 9] = np.nan
    return found


DIFFERENCE = {"difference": Measure(lengths, higher_is_better=False, undefined="where 9 fixations are")}


def path(length):
    return np.column_stack([np.full((length, 2), 0.2), 0.1 + 0.01 * np.arange(length)])


def sets(rng, images=4, readers=3, predictions=2, least=3):
    """Return predicted and human scanpaths as mappings."""

    def draw(count):
        return [rng.random((rng.integers(least, 8), 3)) * [*SCREEN, 0.5] for _ in range(count)]

    names = [f"image {k}" for k in range(images)]
    return {name: draw(predictions) for name in names}, {name: draw(readers) for name in names}


def row_of(table, **wanted):
    chosen = np.ones(len(table), bool)
    for name, value in wanted.items():
        chosen &= table[name] == value
    (found,) = table[chosen]
    return found


def test_by_hand():
    """Image a: lengths 2 and 5 against 3 and 6; image b: 1 against 1 and 3."""
    predicted = {"a": [path(2), path(5)], "b": [path(1)]}
    human = {"a": [path(3), path(6)], "b": [path(1), path(3)]}
    table = compare_scanpaths(predicted, human, measures=DIFFERENCE, screen_size=SCREEN)
    assert list(table["level"]) == ["image", "image", "all"]
    assert list(table["image"]) == ["a", "b", ""]
    a, b, total = table
    assert (a["predicted"], a["human"], a["pairs"], a["undefined"]) == (2, 2, 4, 0)
    assert a["mean"] == (1 + 4 + 2 + 1) / 4
    assert a["best"] == (1 + 1) / 2  # a distance: the smallest in each row
    assert (a["human_mean"], a["human_best"]) == (3, 3)
    assert (b["mean"], b["best"]) == (1, 0)
    # The floor: predictions on a against humans on b, and the other way around.
    assert a["shuffled_mean"] == (1 + 1 + 4 + 2) / 4
    assert b["shuffled_mean"] == (2 + 5) / 2
    assert b["shuffled_best"] == 2
    assert total["mean"] == (a["mean"] + b["mean"]) / 2
    assert total["human_best"] == (3 + 2) / 2
    assert (total["images"], total["predicted"], total["pairs"]) == (2, 3, 6)
    assert total["better"] == "lower"


def test_undefined_pairs_are_counted_and_left_out():
    predicted = {"a": [path(2)], "b": [path(2)]}
    human = {"a": [path(3), path(9)], "b": [path(9), path(9)]}
    with pytest.warns(
        IncompleteComparisonWarning, match="difference: 3 of 4 pairs are undefined, where 9"
    ) as caught:
        table = compare_scanpaths(predicted, human, measures=DIFFERENCE, screen_size=SCREEN)
    assert caught[0].filename == __file__
    a, b, total = table
    assert (a["mean"], a["best"], a["undefined"]) == (1, 1, 1)
    assert np.isnan([b["mean"], b["best"]]).all()
    assert (total["mean"], total["images"], total["undefined"]) == (1, 1, 3)
    with pytest.raises(ValueError, match=r'3 of 4 pairs are undefined.*errors="raise"'):
        compare_scanpaths(predicted, human, measures=DIFFERENCE, screen_size=SCREEN, errors="raise")


def test_multimatch_gaze_gives_the_same_means(rng):
    predicted, human = sets(rng)
    table = compare_scanpaths(predicted, human, measures="multimatch", screen_size=SCREEN)

    def oracle(a, b):
        fields = [("start_x", float), ("start_y", float), ("duration", float)]
        both = [np.array([tuple(row) for row in one], fields) for one in (a, b)]
        return multimatch_gaze.docomparison(*both, screensize=list(SCREEN))

    means, bests = [], []
    for image, own in human.items():
        found = np.array([[oracle(a, b) for b in own] for a in predicted[image]])
        means.append(found.mean(axis=(0, 1)))
        bests.append(found.max(axis=1).mean(axis=0))
        for k, name in enumerate(DIMENSIONS):
            row = row_of(table, image=image, measure=f"multimatch_{name}")
            assert row["mean"] == pytest.approx(means[-1][k], abs=1e-9)
            assert row["best"] == pytest.approx(bests[-1][k], abs=1e-9)
    for k, name in enumerate(DIMENSIONS):
        total = row_of(table, level="all", measure=f"multimatch_{name}")
        assert total["mean"] == pytest.approx(np.mean(means, axis=0)[k], abs=1e-9)
        assert total["best"] == pytest.approx(np.mean(bests, axis=0)[k], abs=1e-9)
    total = row_of(table, level="all", measure="multimatch_mean")
    assert total["mean"] == pytest.approx(np.mean(means), abs=1e-9)


def test_the_ceiling_leaves_out_each_human_itself(rng):
    predicted, human = sets(rng, images=2, readers=3)
    table = compare_scanpaths(predicted, human, measures="multimatch", screen_size=SCREEN)
    found = multimatch(human["image 0"], screen_size=SCREEN)[:, :, 3]
    others = found[~np.eye(3, dtype=bool)].reshape(3, 2)
    row = row_of(table, image="image 0", measure="multimatch_position")
    assert row["human_mean"] == pytest.approx(others.mean())
    assert row["human_best"] == pytest.approx(others.max(axis=1).mean())
    alone = {image: paths[:1] for image, paths in human.items()}
    single = compare_scanpaths(predicted, alone, measures="multimatch", screen_size=SCREEN)
    assert np.isnan(single["human_mean"]).all()


def test_pairs(rng):
    predicted, human = sets(rng)
    table = compare_scanpaths(predicted, human, measures="multimatch", by="pair", screen_size=SCREEN)
    assert len(table) == 4 * 2 * 3 * 7
    row = row_of(table, image="image 2", measure="multimatch_shape", predicted=1, human=2)
    expected = multimatch([predicted["image 2"][1]], [human["image 2"][2]], screen_size=SCREEN)[0, 0, 0]
    assert row["value"] == expected


def test_overall_rows_alone_are_the_same_numbers(rng):
    predicted, human = sets(rng)
    options = {"measures": "multimatch", "screen_size": SCREEN}
    whole = compare_scanpaths(predicted, human, **options)
    np.testing.assert_array_equal(
        whole[whole["level"] == "all"]["mean"],
        compare_scanpaths(predicted, human, by="all", **options)["mean"],
    )


def test_model_below_humans_above_chance(rng):
    """Readers look at one place of each image; the model looks near it, less exactly."""
    places = rng.random((12, 2)) * SCREEN
    human = {i: [near(rng, place, 2) for _ in range(5)] for i, place in enumerate(places)}
    model = {i: near(rng, place, 8) for i, place in enumerate(places)}
    table = compare_scanpaths(model, human, measures="multimatch", by="all", screen_size=SCREEN)
    row = row_of(table, measure="multimatch_position")
    assert row["shuffled_mean"] < row["mean_low"] < row["mean"] < row["mean_high"] < row["human_mean"]
    assert row["best_low"] < row["best"] < row["best_high"]


def near(rng, place, deviation):
    return np.column_stack([rng.normal(place, deviation, (6, 2)), rng.random(6)])


def test_intervals_cover_the_mean_of_the_population(rng):
    """80 % intervals over 30 images, 150 times; 2.5 standard errors are 8 %."""
    covered = 0
    for seed in range(150):
        numbers = rng.integers(1, 8, 30)
        predicted = {i: [path(10 + n)] for i, n in enumerate(numbers)}
        human = {i: [path(10)] for i in range(30)}
        options = {"shuffles": 0, "resamples": 200, "confidence": 0.8, "seed": seed, "screen_size": SCREEN}
        (row,) = compare_scanpaths(predicted, human, measures=DIFFERENCE, by="all", **options)
        covered += row["mean_low"] <= 4 <= row["mean_high"]
    assert 0.72 <= covered / 150 <= 0.88


def test_intervals_of_an_image_resample_its_humans():
    """Two humans with the differences 0 and 4: a resample has the mean 0, 2 or 4."""
    table = compare_scanpaths(
        {"a": path(5)}, {"a": [path(5), path(1)]}, measures=DIFFERENCE, screen_size=SCREEN
    )
    image, total = table
    assert (image["mean_low"], image["mean"], image["mean_high"]) == (0, 2, 4)
    assert (image["best_low"], image["best"], image["best_high"]) == (0, 0, 4)
    assert np.isnan([total["mean_low"], total["mean_high"]]).all()  # one image says nothing about others


def test_seeds(rng):
    predicted, human = sets(rng, images=6)
    options = {"measures": "multimatch", "by": "all", "screen_size": SCREEN, "shuffles": 1}
    first, again, other = (compare_scanpaths(predicted, human, seed=k, **options) for k in (1, 1, 2))
    assert first.tobytes() == again.tobytes()
    assert not np.array_equal(first["shuffled_mean"], other["shuffled_mean"])
    np.testing.assert_array_equal(first["mean"], other["mean"])
    without = compare_scanpaths(predicted, human, **{**options, "shuffles": 0, "resamples": 0})
    assert np.isnan(without["shuffled_mean"]).all()
    assert np.isnan(without["mean_low"]).all()


@pytest.mark.parametrize("duration", [0.0, 0.25])
def test_output_without_durations(rng, duration):
    predicted, human = sets(rng)
    for paths in predicted.values():
        for one in paths:
            one[:, 2] = duration  # 0.25 s is what the reader of model output assumes
    message = r"predicted has no durations \(all are equal\): multimatch_duration, multimatch_mean left out"
    with pytest.warns(IncompleteComparisonWarning, match=message):
        table = compare_scanpaths(predicted, human, measures="multimatch", by="all", screen_size=SCREEN)
    names = {str(name).removeprefix("multimatch_") for name in table["measure"]}
    assert names == {"shape", "direction", "length", "position", "mean_without_duration"}
    timed = {"timed": Measure(lengths, needs_durations=True)}
    with (
        pytest.raises(ValueError, match="predicted has no durations, which timed need"),
        pytest.warns(IncompleteComparisonWarning),
    ):
        compare_scanpaths(predicted, human, measures=timed, screen_size=SCREEN)


def test_images_in_one_set_alone_are_said():
    human = {"a": path(3), "b": path(3), "c": path(3)}
    predicted = {"c": path(2), "d": path(2)}
    with pytest.warns(IncompleteComparisonWarning) as caught:
        table = compare_scanpaths(predicted, human, measures=DIFFERENCE, by="all", screen_size=SCREEN)
    assert [str(one.message) for one in caught] == [
        "2 of 4 images have human, but no predicted scanpaths, such as 'a'; they are left out",
        "1 of 4 images have predicted, but no human scanpaths, such as 'd'; they are left out",
    ]
    assert table["images"][0] == 1
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        compare_scanpaths(predicted, human, measures=DIFFERENCE, screen_size=SCREEN, errors="ignore")


def frame_columns(given):
    rows = [
        (image, str(reader), *fixation)
        for image, paths in given.items()
        for reader, one in enumerate(paths)
        for fixation in one
    ]
    return dict(zip(("image_id", "reader_id", "x", "y", "duration"), zip(*rows, strict=True), strict=True))


@pytest.mark.parametrize("library", [pandas, polars])
def test_frames_give_frames(rng, library):
    predicted, human = sets(rng)
    expected = compare_scanpaths(predicted, human, measures="multimatch", screen_size=SCREEN)
    frames = [
        library.DataFrame({k: list(v) for k, v in frame_columns(one).items()}) for one in (predicted, human)
    ]
    table = compare_scanpaths(*frames, measures="multimatch", screen_size=SCREEN)
    assert isinstance(table, library.DataFrame)
    assert list(table.columns) == list(expected.dtype.names)
    for name in expected.dtype.names:
        np.testing.assert_array_equal(np.array(list(table[name])), expected[name])


def test_forms_of_input(rng, tmp_path):
    from gazesim.io import write_table

    predicted, human = sets(rng)
    options = {"measures": "multimatch", "screen_size": SCREEN}
    expected = compare_scanpaths(predicted, human, **options)
    ids = [(image, str(k)) for image, paths in human.items() for k in range(len(paths))]
    gazes = Scanpaths.from_list(
        [one for paths in human.values() for one in paths], ids=ids, screen_size=SCREEN
    )
    write_table(gazes, tmp_path / "human.csv")
    for form in (gazes, frame_columns(human), str(tmp_path / "human.csv")):
        found = compare_scanpaths(predicted, form, measures="multimatch", screen_size=SCREEN)
        np.testing.assert_array_equal(found["mean"], expected["mean"])
    without = {name: values for name, values in frame_columns(predicted).items() if name != "duration"}
    with pytest.warns(IncompleteComparisonWarning, match="predicted has no durations"):
        compare_scanpaths(without, gazes, measures="multimatch")


def test_an_empty_scanpath_is_undefined():
    human = {"a": [path(3), np.empty((0, 3))]}
    with pytest.warns(IncompleteComparisonWarning, match="multimatch: 1 of 2 pairs are undefined"):
        table = compare_scanpaths({"a": path(3)}, human, measures="multimatch", screen_size=SCREEN)
    assert (table["undefined"] == 1).all()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"measures": "multimach"}, 'did you mean "multimatch"'),
        ({"measures": []}, "measures is empty"),
        ({"measures": 3}, "measures is 3"),
        ({"measures": ["multimatch", "multimatch"]}, "expected distinct names"),
        ({"measures": {"multimatch": 3}}, r"measures\['multimatch'\] is 3"),
        ({"measures": {"multimatch": {"groupin": None}}}, 'did you mean "grouping"'),
        ({"measures": {"mine": Measure(lambda pairs: np.ones(3))}}, "expected one number for every pair"),
        ({"measures": {"mine": Measure(lengths, outputs=("x", "y"))}}, r"expected \['x', 'y'\]"),
        ({"by": "images"}, 'did you mean "image"'),
        ({"errors": "drop"}, "errors is 'drop'"),
        ({"shuffles": -1}, "shuffles is -1"),
        ({"resamples": 1.5}, "resamples is 1.5"),
        ({"confidence": 0}, "confidence is 0"),
        ({"screen_size": None}, "screen_size is missing"),
        ({"screen_size": (0, 5)}, "screen_size is"),
        ({"predicted": {"b": path(3)}}, "no image in common: predicted has such as 'b', human such as 'a'"),
        ({"predicted": {}}, "predicted has no scanpaths"),
        ({"predicted": 3}, "predicted is 3; expected Scanpaths"),
        ({"predicted": {"a": 3}}, r"predicted\['a'\] is 3"),
        ({"predicted": {"a": [[[1, 2, -1]]]}}, r"predicted\['a'\]: sample 0.*-1"),
        ({"human": {"a": [np.full((2, 3), np.nan)]}}, r"human\['a'\]: sample 0, row 0, x is NaN"),
    ],
)
def test_mistakes_are_named(change, message):
    good = {
        "predicted": {"a": path(3)},
        "human": {"a": path(3)},
        "measures": "multimatch",
        "screen_size": SCREEN,
    }
    arguments = {**good, **change}
    with pytest.raises((ValueError, TypeError), match=message):
        compare_scanpaths(arguments.pop("predicted"), arguments.pop("human"), **arguments)


def test_different_screens_are_refused():
    one, other = (Scanpaths.from_list([path(3)], ids=["a"], screen_size=size) for size in (SCREEN, (9, 9)))
    with pytest.raises(ValueError, match="different screen sizes"):
        compare_scanpaths(one, other, measures="multimatch")
    compare_scanpaths(one, other, measures="multimatch", screen_size=SCREEN)


def test_progress_is_shown_on_stderr(rng, capfd):
    compare_scanpaths(*sets(rng), measures="multimatch", screen_size=SCREEN, progress=True)
    assert "4/4" in capfd.readouterr().err


def test_real_observers():
    """Observer 1 of OSIE predicts the others about as well as these predict each other."""
    from gazesim import read_scanpaths

    paths = read_scanpaths(largest("osie"), verbose=False)
    images = sorted({image for image, _ in paths.ids})[:60]
    chosen = paths[[name for name in paths.ids if name[0] in images]]
    predicted, human = (
        chosen[[name for name in chosen.ids if (name[1] == "01") == first]] for first in (True, False)
    )
    table = compare_scanpaths(predicted, human, measures="multimatch", by="all", errors="ignore")
    row = row_of(table, measure="multimatch_position")
    assert abs(row["mean"] - row["human_mean"]) < 0.02
    assert row["human_mean"] - row["shuffled_mean"] > 0.05
