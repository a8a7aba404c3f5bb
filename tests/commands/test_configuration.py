"""A cache given to pretrain replaces the scheme of a file, and a scheme the cache; a line says so."""

from __future__ import annotations

import pytest

from gazesim.cli import main
from gazesim.commands.configuration import replaced_pairs, resolved
from gazesim.commands.options import UsageError
from gazesim.commands.pretrain import configuration_of

CACHE = ["--model.pairs.cache", "study.cache"]


def pairs_of(words):
    return resolved(configuration_of(words))[0].model.pairs


@pytest.mark.parametrize("config", ["byol_mcgip", "gzpt_tima", "mcgip_tufts"])
def test_a_typed_cache_replaces_the_scheme_of_a_packaged_config(config, capsys):
    before = pairs_of(["--config", config])
    assert before.scheme is not None
    capsys.readouterr()
    pairs = pairs_of(["--config", config, *CACHE])
    assert (pairs.scheme, pairs.params, pairs.cache) == (None, {}, "study.cache")
    assert (pairs.threshold, pairs.top_k) == (before.threshold, before.top_k)
    told = capsys.readouterr().err
    assert told.count("\n") == 1
    assert f"pairs.cache study.cache replaces pairs.scheme {before.scheme}" in told
    assert ("pairs.params" in told) == bool(before.params)


def test_in_any_order_and_as_one_mapping(capsys):
    for words in (
        [*CACHE, "--config", "byol_mcgip"],
        ["--config", "byol_mcgip", "--model.pairs", '{"cache": "study.cache", "top_k": 3}'],
        ["--config", "byol_mcgip", "--model", '{"pairs": {"cache": "study.cache"}}'],
    ):
        assert pairs_of(words).scheme is None
        assert "replaces pairs.scheme moments" in capsys.readouterr().err


def test_a_typed_scheme_replaces_the_cache_of_a_file(tmp_path, capsys):
    (tmp_path / "mine.yaml").write_text("model: {pairs: {cache: old.cache, top_k: 2}}")
    pairs = pairs_of(["--config", str(tmp_path / "mine.yaml"), "--model.pairs.scheme", "dhash"])
    assert (pairs.scheme, pairs.cache) == ("dhash", None)
    assert "pairs.scheme dhash replaces pairs.cache old.cache of the configuration" in capsys.readouterr().err


@pytest.mark.parametrize("where", ["words", "file"])
def test_both_in_one_place_stay_an_error(where, tmp_path, capsys):
    both = "model: {pairs: {cache: c, scheme: moments, top_k: 2}}"
    (tmp_path / "mine.yaml").write_text(both if where == "file" else "model: {pairs: {top_k: 2}}")
    words = ["--config", str(tmp_path / "mine.yaml")]
    words += ["--model.pairs.scheme", "moments", *CACHE] if where == "words" else []
    with pytest.raises(UsageError, match="scheme is 'moments' beside the cache"):
        pairs_of(words)
    assert main(["pretrain", *words]) == 1
    assert "replaces" not in capsys.readouterr().err


def test_readers_are_a_setting_of_the_scheme(capsys):
    words = ["--config", "byol_mcgip", "--model.pairs.reduce", "max"]
    assert pairs_of(words).reduce == "max"
    with pytest.raises(UsageError, match="reduce is 'max' beside the cache"):
        pairs_of([*words, *CACHE])
    with pytest.raises(UsageError, match="reduce is 'sum'"):
        pairs_of(["--config", "byol_mcgip", "--model.pairs.reduce", "sum"])


def test_without_pairs_there_is_nothing_to_replace():
    assert replaced_pairs({}, {}) == []
    assert replaced_pairs({"model": {"pairs": None}}, {"model": None}) == []
