"""The answers that benchmarks/run.py compares before it times anything, at small sizes."""

from __future__ import annotations

import dataclasses
import math
import sys
import warnings
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).resolve().parent.parent / "benchmarks"
sys.path.insert(0, str(BENCHMARKS))  # as Python does for `python benchmarks/run.py`

import cases  # noqa: E402
import goals  # noqa: E402
import peers  # noqa: E402
import results_page  # noqa: E402
import timing  # noqa: E402

ALL = list(cases.cases(0.02))


@pytest.mark.parametrize("case", ALL, ids=lambda case: f"{case.what} {case.peer} {case.size}")
def test_peer_and_gazesim_give_the_same_answers(case):
    if not peers.available(case.peer):
        pytest.skip(f"{case.peer} is not installed; it is in the dependency group test")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # those of the peers
        timing.verify(case)


def test_every_peer_has_a_case():
    assert {case.peer for case in ALL} == set(peers.MODULES)


@pytest.mark.parametrize(
    "theirs",
    [[1.0, 2.1], [1.0], [1.0, math.nan]],
    ids=["another number", "another shape", "not a number"],
)
def test_a_disagreement_names_the_place(theirs):
    case = dataclasses.replace(ALL[0], answers=lambda: (theirs, [1.0, 2.0], 1e-9))
    with pytest.raises(timing.Disagreement, match=r"MultiMatch, fixations = 10: .*multimatch_gaze gives"):
        timing.verify(case)


def test_a_ratio_is_that_of_the_units_of_one_round():
    case = dataclasses.replace(ALL[-1], peer_units=1, our_units=4)
    row = timing.measure(case, timing.Effort(rounds=3, seconds=0.0))
    for spread in row.ratios.values():
        assert 0 < spread.least <= spread.median <= spread.most
    assert row.peer_seconds > 0
    assert set(row.our_seconds) == {1, 2}


def test_goals_are_met_or_not_or_unknown():
    assert goals.at_least("speed", 3.0, 2.0).met is True
    assert goals.at_least("speed", 1.0, 2.0).met is False
    assert goals.at_least("speed", math.nan, 2.0).met is None
    assert goals.at_most("time", 1.0, 2.0, "s").met is True
    assert goals.at_most("time", 1.0, 2.0, "s", full=False).met is None


def test_report_says_nothing_of_the_place_it_was_made_in(tmp_path):
    where = results_page.environment()
    assert str(Path.home()) not in str(where)
    assert str(BENCHMARKS.parent) not in str(where)
    assert set(where["versions"]) == set(results_page.LIBRARIES)


@pytest.mark.parametrize(
    ("value", "text"), [(2.0, "2 s"), (3.5e-3, "3.5 ms"), (1e-6, "1 µs"), (2e-9, "2 ns"), (1e-12, "0.001 ns")]
)
def test_seconds_have_a_fitting_unit(value, text):
    assert results_page.seconds(value) == text
