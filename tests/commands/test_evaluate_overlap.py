"""``gazesim evaluate`` says which images of the test a checkpoint was pre-trained on."""

from __future__ import annotations

import shutil

import pytest

pytest.importorskip("gazesim.train")

from gazesim.cli import main
from gazesim.commands.evaluate_data import configured
from gazesim.train.evaluation import protocols


@pytest.fixture
def fold_runs(runs, manifest, tmp_path):
    """Leave two pre-trainings, each on all images but those of its fold, and one whose manifest is gone."""
    for fold in range(2):
        shutil.copytree(runs / "plain", tmp_path / f"fold{fold}")
        data = f"{{manifest: {manifest}, size: 32, channels: 1, folds: 4, fold: {fold}}}"
        (tmp_path / f"fold{fold}" / "config.yaml").write_text(f"data: {data}\n")
    shutil.copytree(runs / "plain", tmp_path / "gone")
    (tmp_path / "gone" / "config.yaml").write_text("data: {manifest: nowhere.csv, size: 32, channels: 1}\n")
    return tmp_path


def test_images_of_the_test_that_were_pretrained_on(fold_runs, manifest, monkeypatch, capsys):
    monkeypatch.setattr(protocols, "cross_validate", lambda *_, **__: [])
    one, other = (str(fold_runs / f"fold{fold}") for fold in range(2))

    def said(*words):
        capsys.readouterr()
        assert main(["evaluate", *words, "--maps", "0"]) == 0
        return [line for line in capsys.readouterr().err.splitlines() if "was pre-trained on" in line]

    assert said(one) == said(other) == []
    (line,) = said(one, other)
    data = configured(f"{one}/config.yaml", None, 1)
    count = len(data.samples("test"))
    some = ", ".join(data.samples("test").ids[:3])
    known = f"{other} was pre-trained on {count} of the {count} test images ({some}"
    assert line.startswith(f"gazesim: warning: {known}")
    (line,) = said(one, "--data", str(manifest), "--folds", "3")
    assert f"{one} was pre-trained on {24 - count} of the 24 images in 3 folds (" in line
    (line,) = said(str(fold_runs / "gone"), "--data", str(manifest), "--folds", "3")
    assert line.startswith(f"gazesim: which images {fold_runs / 'gone'} was pre-trained on is not known: ")
    assert "nowhere.csv" in line


def test_the_same_file_under_another_id(fold_runs, manifest, monkeypatch, capsys):
    monkeypatch.setattr(protocols, "cross_validate", lambda *_, **__: [])
    data = configured(str(fold_runs / "fold0" / "config.yaml"), None, 1)
    lines = ["id,image,label,split"]
    for split in ("train", "test"):
        for i, entry in enumerate(data.samples(split).entries[:4]):
            lines.append(f"{split}{i},{entry.image},{i % 2},{'test' if i < 2 else 'train'}")
    (fold_runs / "renamed.csv").write_text("\n".join(lines))
    words = [str(fold_runs / "fold0"), "--data", str(fold_runs / "renamed.csv"), "--maps", "0"]
    assert main(["evaluate", *words]) == 0
    assert "was pre-trained on 2 of the 4 test images (train0, train1)" in capsys.readouterr().err


def test_phantoms_share_images_where_they_share_random_numbers(runs, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(protocols, "cross_validate", lambda *_, **__: [])
    text = (runs / "plain" / "config.yaml").read_text()
    for seed, expected in ((0, 1), (1, 0)):
        config = tmp_path / f"{seed}.yaml"
        config.write_text(text.replace("size: 32}", f"size: 32, seed: {seed}}}"))
        for more, count in ((["--folds", "2"], expected), ([], 0)):
            assert main(["evaluate", str(runs / "plain"), "--data", str(config), "--maps", "0", *more]) == 0
            assert capsys.readouterr().err.count("was pre-trained on 24 of the 40 images in 2 folds") == count
