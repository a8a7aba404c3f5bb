"""``gazesim example`` writes what a lab has, and its printed commands lead from there to scores."""

from __future__ import annotations

import shlex

import numpy as np
import pytest

from gazesim import read_scanpaths
from gazesim.cli import main
from gazesim.commands.example import IMAGE_PX, NAMES, SCREEN, WAY
from gazesim.geometry import place_image, to_image
from gazesim.phantom import phantom


def written(folder, *options):
    assert main(["example", str(folder), "--n", "8", *options]) == 0
    return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_equal_seeds_write_equal_files(tmp_path):
    first = written(tmp_path / "a")
    assert first == written(tmp_path / "b")
    assert first != written(tmp_path / "c", "--seed", "1")
    assert len(first) == 8 + 2 + 1


def test_images_are_those_of_the_phantom(tmp_path):
    picture = pytest.importorskip("PIL.Image")
    written(tmp_path / "a", "--seed", "3")
    study = phantom(8, seed=3, size=IMAGE_PX, readers=2)
    for i in range(8):
        with picture.open(tmp_path / "a" / "images" / f"case{i:03}.png") as image:
            assert np.abs(np.asarray(image) / 255 - study.images[i]).max() <= 0.5 / 255 + 1e-6


def test_fixations_come_back_where_they_were_made(tmp_path, monkeypatch):
    written(tmp_path / "a")
    monkeypatch.chdir(tmp_path / "a")
    assert main(["fixations", "gaze", "--out", "fixations.csv"]) == 0
    found = read_scanpaths("fixations.csv", verbose=False)
    assert set(found.ids) == {(f"case{i:03}.png", name) for i in range(8) for name in NAMES[:2]}
    study = phantom(8, seed=0, size=IMAGE_PX, readers=2)
    box = place_image("fit", (IMAGE_PX, IMAGE_PX), SCREEN)
    for (image, reader), path in zip(found.ids, found, strict=True):
        made = study.scanpaths[int(image[4:7]) * 2 + NAMES.index(reader)]
        places = to_image(path, box, (IMAGE_PX, IMAGE_PX))[:, :2]
        longest = made[made[:, 2].argmax()]
        # The longest fixation is found within 2 px of the image; short neighbours may merge with it.
        assert np.linalg.norm(places - longest[:2], axis=1).min() < 2
        assert path[:, 2].sum() == pytest.approx(made[:, 2].sum(), rel=0.3)


def test_gaze_has_blinks_and_lost_eyes(tmp_path):
    written(tmp_path / "a")
    rows = [line.split("\t") for line in (tmp_path / "a/gaze/anna.tsv").read_text().splitlines()[1:]]
    validity = {(left, right) for *_, left, right in rows}
    assert validity == {("Valid", "Valid"), ("Invalid", "Invalid"), ("Invalid", "Valid")}
    assert {row[5] for row in rows} == {"", *(f"case{i:03}.png" for i in range(8))}


def test_the_whole_way(tmp_path, monkeypatch, capsys):
    pytest.importorskip("gazesim.train")
    folder = tmp_path / "tour"
    assert main(["example", str(folder), "--n", "16"]) == 0
    printed = capsys.readouterr().out
    monkeypatch.chdir(folder)
    for words in WAY:
        assert f"gazesim {words}\n" in printed
        given = shlex.split(words)
        if given[0] == "pretrain":
            given[given.index("--trainer.max_epochs") + 1] = "1"
            given[given.index("--data.batch_size") + 1] = "4"
            given += ["--trainer.accelerator", "cpu"]
        if given[0] == "evaluate":
            given[given.index("--folds") + 1] = "2"
        assert main(given) == 0
    assert "| probe | 100 % | run |" in (folder / "scores" / "results.md").read_text()


def test_a_folder_with_files_is_refused(tmp_path, capsys):
    (tmp_path / "note.txt").write_text("mine")
    assert main(["example", str(tmp_path)]) == 1
    assert "not empty; expected a new or an empty folder" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["note.txt"]


def test_too_many_readers_are_refused(tmp_path, capsys):
    assert main(["example", str(tmp_path / "a"), "--readers", "9"]) == 1
    assert "readers" in capsys.readouterr().err
    assert not (tmp_path / "a").exists()
