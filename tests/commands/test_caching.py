"""``gazesim affinity --cache``: alone, in shares, and what it refuses."""

from __future__ import annotations

from pathlib import Path

import pytest

from caches import contents
from gazesim import AffinityCache, cli
from gazesim.commands import program
from real_gaze_files import REAL


def affinity(*words: object) -> int:
    return cli.main(["affinity", *map(str, words)])


@pytest.fixture
def source() -> Path:
    return REAL / "siim_21_images.json"


def test_a_cache_and_the_same_in_shares(source: Path, tmp_path: Path, capsys) -> None:
    assert affinity(source, "--cache", tmp_path / "a", "--top_k", 4) == 0
    assert f"next: {program()} inspect" in capsys.readouterr().err
    for share in ("1/2", "2/2"):
        assert affinity(source, "--cache", tmp_path / "b", "--top_k", 4, "--block", share) == 0
        assert f"of share {share}" in capsys.readouterr().err
    assert affinity(source, "--cache", tmp_path / "b", "--top_k", 4, "--merge") == 0
    assert "merged AffinityCache" in capsys.readouterr().err
    assert contents(tmp_path / "a") == contents(tmp_path / "b")
    assert len(AffinityCache.open(tmp_path / "a")) == 21


def test_a_dense_cache_is_summarised_and_drawn(source: Path, tmp_path: Path, capsys) -> None:
    assert affinity(source, "--cache", tmp_path / "a", "--plot", tmp_path / "a.png") == 0
    assert "affinity: median" in capsys.readouterr().err
    assert (tmp_path / "a.png").exists()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--block", "1/2"], "--block is given without --cache"),
        (["--merge"], "--merge is given without --cache"),
        (["--top_k", "3"], "--top_k is given without --cache"),
        (["--cache", "c", "--block", "3/2"], "--block is '3/2'; expected I/N with I from 1 to N"),
        (["--cache", "c", "--block", "one"], "--block is 'one'; expected I/N"),
        (["--cache", "c", "--block", "1/2", "--merge"], "more than one is given"),
        (["--cache", "c", "--top_k", "3", "--out", "a.npy"], "need the whole matrix"),
        (["--cache", "c", "--merge"], "does not exist; expected shares of"),
        (["--cache", "c", "--quantile", "0.3", "--threshold", "0.5"], "expected at most one of them"),
        (["--cache", "c", "--reduce", "mean"], "expected (image_id, reader_id)"),
    ],
)
def test_refusals_are_one_sentence(source: Path, tmp_path: Path, monkeypatch, capsys, words, message) -> None:
    monkeypatch.chdir(tmp_path)
    assert affinity(source, *words) == 1
    said = capsys.readouterr().err.strip().splitlines()[-1]
    assert said.startswith("gazesim affinity: ")
    assert message in said
    assert list(tmp_path.iterdir()) == []
