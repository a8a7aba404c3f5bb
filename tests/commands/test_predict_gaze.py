"""``gazesim predict-gaze``: fit on files, run on others, as a user would."""

from __future__ import annotations

import json

import numpy as np
import pytest

pytest.importorskip("gazesim.train")

from PIL import Image

from gazesim.cli import main
from gazesim.commands import predict_gaze
from gazesim.commands.reading import read_gaze
from gazesim.phantom import phantom
from gazesim.train.saliency.gaze_pairs import pairs_of_files

TINY = ["--size", "32", "--epochs", "2", "--features", "[4,4,8,8,8,4]"]


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp("trained")
    data = phantom(16, seed=1, size=40)
    (folder / "images").mkdir()
    (folder / "maps").mkdir()
    for number, (image, gaze) in enumerate(zip(data.images, data.heatmaps, strict=True)):
        Image.fromarray((image * 255).astype(np.uint8)).save(folder / "images" / f"case{number}.png")
        np.save(folder / "maps" / f"case{number}.npy", gaze)
    files = ["--images", str(folder / "images"), "--maps", str(folder / "maps")]
    assert main(["predict-gaze", "fit", str(folder / "model"), *files, *TINY]) == 0
    return folder


def read(file):
    with Image.open(file) as picture:
        return np.asarray(picture)


def test_fit_scores_unseen_images(trained):
    record = json.loads((trained / "model" / "metrics.json").read_text())
    assert set(record["mean"]) == {"CC", "KL", "SIM"}
    assert len(record["held_out"]) == len(record["each"]["CC"]) == 4
    assert read(trained / "model" / "held_out.png").shape[1] > 300


def test_all_readers_of_an_image_count(trained, tmp_path):
    rows = [
        f"case{i},{reader},{x},{x + 2},0.{x}"
        for i in range(16)
        for reader, places in (("a", (3, 5, 9)), ("b", (20, 30)))
        for x in places
    ]
    (tmp_path / "gaze.csv").write_text("\n".join(["image_id,reader_id,x,y,duration", *rows]))
    files = ["--images", str(trained / "images"), "--maps", str(trained / "maps")]
    source = read_gaze(str(tmp_path / "gaze.csv"), screen_size=(40, 40))
    pairs = pairs_of_files(str(trained / "images"), str(trained / "maps"), source.placed, size=32)
    assert {path.shape for path in pairs.fixations} == {(5, 3)}
    words = [*files, "--scanpaths", str(tmp_path / "gaze.csv"), *TINY, "--epochs", "1"]
    words += ["--time_unit", "ms"]
    assert main(["predict-gaze", "fit", str(tmp_path / "model"), *words]) == 0
    assert "NSS" in json.loads((tmp_path / "model" / "metrics.json").read_text())["mean"]


def test_how_gaze_is_read_is_told_with_gaze(tmp_path, capsys):
    assert main(["predict-gaze", "fit", str(tmp_path / "model"), "--phantom", "8", "--time_unit", "ms"]) != 0
    assert "--time_unit is given without --scanpaths" in capsys.readouterr().err


@pytest.mark.parametrize("format", ["npy", "png"])
def test_run_writes_a_map_per_image(trained, format, tmp_path, capsys):
    arguments = [str(trained / "model"), str(trained / "images"), str(tmp_path), "--format", format]
    assert main(["predict-gaze", "run", *arguments]) == 0
    ids = (tmp_path / "ids.txt").read_text().split()
    assert sorted(ids) == sorted(f"case{number}" for number in range(16))
    for name in ids:
        file = tmp_path / f"{name}.{format}"
        gaze = np.load(file) if format == "npy" else read(file)
        assert gaze.shape == (40, 40)
        assert 0.5 < gaze.max() / (1 if format == "npy" else 255) <= 1


def test_phantom_reports_all_five_metrics(tmp_path, capsys):
    assert main(["predict-gaze", "fit", str(tmp_path), "--phantom", "12", *TINY]) == 0
    assert set(json.loads((tmp_path / "metrics.json").read_text())["mean"]) == {
        "CC",
        "KL",
        "SIM",
        "NSS",
        "AUC-Judd",
    }


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["fit", "{out}"], "images or maps is missing"),
        (["fit", "{out}", "--phantom", "8", "--images", "x"], "phantom is given beside files"),
        (["fit", "{out}", "--images", "{out}", "--maps", "{out}"], "holds no image"),
        (["fit", "{out}", "--images", "nowhere", "--maps", "{out}"], "neither a folder nor an .npy file"),
        (["fit", "{out}", "--phantom", "8", "--held_out", "0", *TINY], "held_out is 0"),
        (["run", "{out}", "{out}", "{out}"], "holds no predictor.pt"),
    ],
)
def test_mistakes_get_one_sentence(arguments, message, tmp_path, capsys):
    assert main(["predict-gaze", *(one.format(out=tmp_path) for one in arguments)]) == 1
    printed = capsys.readouterr().err
    assert message in printed
    assert printed.count("\n") == 1


def test_maps_must_belong_to_images(trained, tmp_path, capsys):
    np.save(tmp_path / "other.npy", np.ones((4, 4)))
    files = ["--images", str(trained / "images"), "--maps", str(tmp_path)]
    assert main(["predict-gaze", "fit", str(tmp_path / "out"), *files]) == 1
    assert "images and maps differ in 17 names" in capsys.readouterr().err


def test_scores_without_a_value_are_counted(capsys):
    scores = {"CC": np.array([0.5, np.nan, 0.7]), "KL": np.array([1.0, 2.0, 3.0])}
    record = json.loads(json.dumps(predict_gaze._record(["a", "b", "c"], scores), allow_nan=False))
    assert record["mean"] == {"CC": pytest.approx(0.6), "KL": 2.0}
    assert record["images"] == {"CC": 2, "KL": 3}
    assert record["each"]["CC"] == [0.5, None, 0.7]
    printed = capsys.readouterr().err
    assert "left out of the mean: CC on 1 of 3 (the first: 1, nan)" in printed
    assert "CC 0.600, KL 2.000 on 3 unseen images" in printed
