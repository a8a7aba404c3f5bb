"""Rows of one patient or of one image file are one group, in whatever order they come."""

from __future__ import annotations

import doctest

import numpy as np
import pytest

pytest.importorskip("gazesim.train")

from gazesim.train import Entry, Manifest, ManifestSamples
from gazesim.train.data import groups
from gazesim.train.data.groups import groups_of, shared_files_note


def rows(folder, *pairs):
    return [Entry(f"r{i}", folder / file, group=group) for i, (file, group) in enumerate(pairs)]


def test_without_groups_and_repeated_files_every_row_is_alone(tmp_path):
    assert groups_of(rows(tmp_path, ("a", ""), ("b", ""))) is None
    assert groups_of(rows(tmp_path, ("a", "p"), ("b", ""))) == ["p", "r1"]


def test_rows_of_a_file_are_one_group(tmp_path):
    a = str(tmp_path / "a")
    assert groups_of(rows(tmp_path, ("a", ""), ("b", ""), ("a", ""))) == [a, "r1", a]
    assert groups_of(rows(tmp_path, ("a", ""), ("b", "p"), ("a", "p"), ("c", ""))) == ["p", "p", "p", "r3"]
    (tmp_path / "c").symlink_to(tmp_path / "a")
    assert groups_of(rows(tmp_path, ("a", ""), ("c", ""), ("sub/../a", ""))) == [a] * 3


def test_groups_are_the_connected_components(tmp_path, rng):
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    for _ in range(20):
        files, people = rng.integers(0, 40, 40), rng.integers(0, 30, 40)
        entries = rows(
            tmp_path,
            *((f"f{file}", f"p{one}" if one else "") for file, one in zip(files, people, strict=True)),
        )
        same = (files[:, None] == files) | ((people[:, None] == people) & (people > 0))
        expected = connected_components(coo_array(same), directed=False)[1]
        found = np.array(groups_of(entries))
        np.testing.assert_array_equal(found[:, None] == found, expected[:, None] == expected)


def test_files_of_several_rows_are_told_unless_a_group_says_so(tmp_path, capsys):
    assert shared_files_note(rows(tmp_path, ("a", ""), ("b", ""))) is None
    assert shared_files_note(rows(tmp_path, ("a", "p"), ("a", "p"))) is None
    assert "1 image files, such as a," in str(shared_files_note(rows(tmp_path, ("a", "p"), ("a", ""))))
    for name in "abc":
        np.save(tmp_path / f"{name}.npy", np.zeros((16, 16)))
    (tmp_path / "m.csv").write_text("id,image\n1,a.npy\n2,b.npy\n3,a.npy\n4,b.npy\n5,c.npy\n")
    samples = ManifestSamples(Manifest.read(tmp_path / "m.csv"), size=16)
    told = "2 image files, such as a.npy, are named by several rows each; rows of one file stay together"
    assert told in capsys.readouterr().err
    assert samples.groups == groups_of(samples.entries)


def test_docstring_examples():
    result = doctest.testmod(groups)
    assert result.attempted
    assert result.failed == 0
