"""The files of a run are found from any folder, and other files of their names are not taken for them."""

from __future__ import annotations

import hashlib

import pytest

pytest.importorskip("gazesim.train")

from gazesim.commands.pretrain_options import DataOptions
from gazesim.commands.run_files import located

TEXT = "id,image\n0,0.png\n"


@pytest.fixture
def config(tmp_path):
    """Leave a run of a manifest in a project, and another manifest of that name in another folder."""
    run = tmp_path / "project" / "runs" / "fold0"
    run.mkdir(parents=True)
    (tmp_path / "project" / "manifest.csv").write_text(TEXT)
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "manifest.csv").write_text(TEXT + "1,1.png\n")
    noted = hashlib.sha256(TEXT.encode()).hexdigest()
    (run / "config.yaml").write_text(
        f"# data.manifest has SHA-256 {noted}\ndata: {{manifest: manifest.csv}}\n"
    )
    return run / "config.yaml"


def test_the_manifest_of_a_run_from_another_folder(config, tmp_path, monkeypatch, capsys):
    options = DataOptions(manifest="manifest.csv")
    monkeypatch.chdir(tmp_path / "project")
    assert located(config, options).manifest == "manifest.csv"
    assert capsys.readouterr().err == ""
    monkeypatch.chdir(tmp_path / "other")
    meant = str(tmp_path / "project" / "manifest.csv")
    assert located(config, options).manifest == meant
    assert capsys.readouterr().err == f"gazesim: {config}: data.manifest 'manifest.csv' is {meant}\n"
    (tmp_path / "project" / "manifest.csv").write_text("id,image\n")
    with pytest.raises(
        ValueError, match=r"config\.yaml: data\.manifest is 'manifest\.csv', and manifest\.csv is"
    ):
        located(config, options)
    for folder in ("project", "other"):
        (tmp_path / folder / "manifest.csv").unlink()
    with pytest.raises(
        FileNotFoundError, match=r"config\.yaml: data\.manifest is 'manifest\.csv', which is no"
    ):
        located(config, options)


def test_a_configuration_without_a_note(config, tmp_path, monkeypatch):
    config.write_text("data: {manifest: manifest.csv}\n")
    monkeypatch.chdir(tmp_path / "other")
    assert located(config, DataOptions(manifest="manifest.csv")).manifest == "manifest.csv"
    monkeypatch.chdir(tmp_path)
    found = located(config, DataOptions(manifest="manifest.csv")).manifest
    assert found == str(tmp_path / "project" / "manifest.csv")


def test_the_folder_of_a_preset(config, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path / "other")
    options = DataOptions(preset="tufts", folder="tufts")
    assert located(config, options) == options  # reading it says what is missing
    (tmp_path / "project" / "tufts").mkdir()
    assert located(config, options).folder == str(tmp_path / "project" / "tufts")
    assert capsys.readouterr().err.count("\n") == 1
