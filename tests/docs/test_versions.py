"""The list of versions of a published site."""

from __future__ import annotations

import json
import runpy

import pytest

from conftest import REPO

write_list = runpy.run_path(str(REPO / "docs" / "versions.py"))["write_list"]


def site(folder, *versions):
    for version in versions:
        (folder / version).mkdir()
        (folder / version / "index.html").touch()
    (folder / "no_version").mkdir()
    return folder


def test_newest_release_first_by_number_and_dev_last(tmp_path):
    write_list(site(tmp_path, "0.9.0", "dev", "0.10.0"), "/gazesim")
    entries = json.loads((tmp_path / "switcher.json").read_text())
    assert [entry["version"] for entry in entries] == ["0.10.0", "0.9.0", "dev"]
    assert [entry.get("preferred", False) for entry in entries] == [True, False, False]
    assert entries[1]["url"] == "/gazesim/0.9.0/"
    assert "url=0.10.0/" in (tmp_path / "index.html").read_text()


def test_before_the_first_release_there_is_dev(tmp_path):
    write_list(site(tmp_path, "dev"), "")
    assert json.loads((tmp_path / "switcher.json").read_text()) == [
        {"version": "dev", "name": "dev", "url": "/dev/"}
    ]
    assert "url=dev/" in (tmp_path / "index.html").read_text()


def test_a_folder_without_versions_is_refused(tmp_path):
    with pytest.raises(ValueError, match="has no version"):
        write_list(site(tmp_path), "")
