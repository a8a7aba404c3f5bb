"""The JavaScript that counts in a report, run in this process, against PairMask and inspection."""

from __future__ import annotations

import json

import numpy as np
import pytest
from py_mini_racer import MiniRacer

from conftest import REPO
from report.studies import KINDS, Study, data_of, study, totals_of_pair_mask

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")  # rules that pass nearly all pairs, or none

CODE = (REPO / "python/gazesim/report/static/counts.js").read_text()


class Engine:
    """The Counts of a report."""

    def __init__(self, one: Study) -> None:
        self.data = data_of(one.report)
        self.context = MiniRacer()
        values = one.found.matrix[np.triu_indices(len(one.found.sample), 1)].tolist()
        self.context.eval(CODE)
        self.context.eval(
            f"const counts = new Counts({json.dumps(self.data)}, new Float32Array({json.dumps(values)}))"
        )

    def __call__(self, expression: str):
        return json.loads(self.context.eval(f"JSON.stringify({expression})"))

    def numbers(self, kind: str, value: float, batch_size: int) -> dict:
        return self(f"counts.numbers({json.dumps({'kind': kind, 'value': value})}, {batch_size})")


@pytest.fixture(scope="module", params=KINDS)
def one(request, tmp_path_factory) -> Study:
    return study(request.param, tmp_path_factory.mktemp("report"))


@pytest.fixture(scope="module")
def engine(one) -> Engine:
    return Engine(one)


def positions(engine: Engine) -> dict[str, list]:
    """Return all positions of the sliders."""
    lowest = round(1000 * engine.data["lowest"])
    return {
        "threshold": [at / 1000 for at in range(lowest, 1001)],
        "quantile": engine("quantiles()"),
        "top_k": list(range(1, engine.data["most_neighbors"] + 1)),
    }


@pytest.mark.parametrize("kind", ["threshold", "quantile", "top_k"])
@pytest.mark.parametrize("batch_size", [16, 60])
def test_every_position_counts_what_pair_mask_does(one, engine, kind, batch_size) -> None:
    step = {"threshold": 9, "quantile": 4, "top_k": 3}[kind]
    for value in [*positions(engine)[kind][::step], *([one.found.proposal] if kind == "threshold" else [])]:
        seen = engine.numbers(kind, value, batch_size)
        assert seen["epoch"] == totals_of_pair_mask(one, batch_size, **{kind: value}), value


def test_numbers_over_all_pairs_are_those_of_the_inspection(one, engine) -> None:
    found = one.found
    places = positions(engine)
    for threshold in [*places["threshold"], found.proposal]:
        seen = engine.numbers("threshold", threshold, 16)
        assert seen["expected"] == found.extras_at(threshold)
        assert seen["threshold"] == threshold
    for quantile in places["quantile"]:
        threshold = engine.numbers("quantile", quantile, 16)["threshold"]
        assert threshold == found.threshold_at(quantile)
        if threshold > 0:
            assert engine(f"counts.extrasAt({threshold!r}, 16)") == found.extras_at(threshold)


def test_purity_over_all_pairs_at_the_thresholds_of_the_inspection(one, engine) -> None:
    known = np.flatnonzero(np.isfinite(one.found.purity))
    assert len(known) > 20
    for at in known:
        purity = engine(f"counts.purityAt({float(one.found.thresholds[at])!r})")
        assert purity == one.found.purity[at]


def test_pairs_around_a_threshold(one, engine) -> None:
    matrix = one.found.matrix
    threshold = float(np.float32(one.found.proposal))
    seen = engine(f"counts.around({{kind: 'threshold', value: {threshold!r}}}, 16, 3)")
    pairs = matrix[np.triu_indices(len(matrix), 1)]
    above, below = np.sort(pairs[pairs >= threshold]), np.sort(pairs[(pairs < threshold) & (pairs > 0)])[::-1]
    assert [pair[2] for pair in seen["above"]] == above[:3].tolist()
    assert [pair[2] for pair in seen["below"]] == below[:3].tolist()
    for i, j, value in seen["above"] + seen["below"]:
        assert matrix[i, j] == value


@pytest.mark.parametrize("k", [1, 4])
def test_pairs_around_top_k(one, engine, k) -> None:
    seen = engine(f"counts.around({{kind: 'top_k', value: {k}}}, 60, 500)")
    passed = {(i, j) for i, j, _ in seen["above"]}
    assert 2 * len(passed) == totals_of_pair_mask(one, 60, top_k=k)["positives"]
    assert not passed & {(i, j) for i, j, _ in seen["below"]}


@pytest.mark.parametrize(
    ("extras", "verdict"),
    [(0.2, "almost_none"), (1, "fewer"), (4, "good"), (12, "more"), (28, "collapse"), (120, "almost_all")],
)
def test_verdicts(engine, extras, verdict) -> None:
    assert engine(f"counts.verdict({extras}, 128)") == verdict
