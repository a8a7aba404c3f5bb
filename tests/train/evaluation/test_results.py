"""results.csv and results.md: what is written is read back, and the table says what the rows say."""

from __future__ import annotations

import json
import math

import pandas as pd
import pytest

pytest.importorskip("gazesim.train")

from gazesim.train.evaluation.results import HEADER, Cell, Results, Row, read_rows, results_table, rows_csv

SETTINGS = {"folds": 2, "methods": {"byol": "a1"}}


def cell(method="byol", protocol="probe", fraction=0.05, fold=0, seed=0):
    return Cell(method, protocol, fraction, fold, seed)


def test_rows_survive_the_disk(tmp_path):
    results = Results(tmp_path, SETTINGS)
    results.add(cell('by,"ol', fraction=0.1), {"ACC": 1 / 3, "AUC": float("nan")})
    found = read_rows(tmp_path / "results.csv")
    assert found[0] == Row('by,"ol', "probe", 0.1, 0, 0, "ACC", 1 / 3)
    assert math.isnan(found[1].value)
    table = pd.read_csv(tmp_path / "results.csv")
    assert list(table.columns) == HEADER
    assert table["value"].isna().tolist() == [False, True]
    assert not list(tmp_path.glob("*.part"))
    assert Results(tmp_path, SETTINGS).done == {cell('by,"ol', fraction=0.1)}


def test_table():
    rows = [
        Row(method, protocol, fraction, fold, 0, metric, value)
        for method, by_metric in {
            "scratch": {"ACC": (0.5, 0.6), "MAE": (1.0, 0.8)},
            "byol|gaze": {"ACC": (0.75, 0.85), "MAE": (0.5, 0.7)},
        }.items()
        for protocol in ("probe", "finetune")
        for fraction in (1.0, 0.01)
        for metric, values in by_metric.items()
        for fold, value in enumerate(values)
    ]
    lines = results_table(rows).splitlines()
    assert lines[0] == "| protocol | labels | method | n | ACC ↑ | MAE ↓ |"
    assert [line.split(" | ")[:3] for line in lines[2:]] == [
        [f"| {protocol}", f"{labels} %", method]
        for protocol in ("probe", "finetune")
        for labels in (1, 100)
        for method in ("scratch", "byol/gaze")
    ]
    assert lines[2].endswith("| 2 | 0.550 ± 0.071 | 0.900 ± 0.141 |")
    assert lines[3].endswith("| 2 | **0.800** ± 0.071 | **0.600** ± 0.141 |")


def test_table_tells_what_has_no_value():
    nan = float("nan")
    rows = [Row("byol", "probe", 1.0, fold, 0, "AUC", value) for fold, value in enumerate((0.5, nan, 0.7))]
    rows += [Row("byol", "probe", 1.0, fold, 0, "M-AUC", nan) for fold in range(3)]
    assert results_table(rows).splitlines()[2] == "| probe | 100 % | byol | 3 | 0.600 ± 0.141 (2 of 3) | – |"


def test_other_settings_are_refused(tmp_path):
    Results(tmp_path, SETTINGS)
    Results(tmp_path, {"folds": 2, "methods": {"moco": "b2"}})
    assert json.loads((tmp_path / "settings.json").read_text())["methods"] == {"byol": "a1", "moco": "b2"}
    with pytest.raises(ValueError, match="holds results with folds 2, not 5; expected equal settings"):
        Results(tmp_path, {"folds": 5, "methods": {}})
    with pytest.raises(ValueError, match="another method named 'byol': its weights differ"):
        Results(tmp_path, {"folds": 2, "methods": {"byol": "c3"}})


def test_a_record_of_an_earlier_version_is_read(tmp_path):
    Results(tmp_path, SETTINGS)
    probe, finetune = {"l2": 1.0, "candidates": [1.0]}, {"epochs": 3}
    old = {**SETTINGS, "probe": {**probe, "batch_size": 128}, "finetune": {**finetune, "num_workers": 0}}
    old["protocols"] = {"knn": {"k": 20}, "patch": {"data": "d"}, "multi_label": {**probe, "batch_size": 8}}
    (tmp_path / "settings.json").write_text(json.dumps(old))
    now = {"probe": probe, "finetune": finetune, "knn": {"k": 20}, "patch": {"data": "d", **probe}}
    now["multi_label"] = probe
    Results(tmp_path, {**SETTINGS, "protocols": now})
    assert json.loads((tmp_path / "settings.json").read_text()) == {**SETTINGS, "protocols": now}
    with pytest.raises(ValueError, match=r"holds results of finetune with \{'epochs': 3\}, not"):
        Results(tmp_path, {**SETTINGS, "protocols": {"finetune": {"epochs": 4}}})


def test_other_pixels_are_refused_where_both_are_known(tmp_path):
    """A record of an earlier version has no hash of pixels: it is taken, and has one from then on."""
    probes = {"patch": {"data": "d"}}
    Results(tmp_path, {**SETTINGS, "data": "d", "protocols": probes})
    now = {**SETTINGS, "data": "d", "pixels": "p", "protocols": {"patch": {"data": "d", "pixels": "p"}}}
    Results(tmp_path, now)
    assert json.loads((tmp_path / "settings.json").read_text()) == now
    with pytest.raises(ValueError, match="holds results with pixels p, not q; expected equal settings"):
        Results(tmp_path, {**now, "pixels": "q"})
    with pytest.raises(ValueError, match="holds results of patch with"):
        Results(tmp_path, {**now, "protocols": {"patch": {"data": "d", "pixels": "q"}}})


def test_runs_may_be_added_to_a_method(tmp_path):
    def runs(**known):
        return {"methods": {"byol": {seed.lstrip("s"): weights for seed, weights in known.items()}}}

    Results(tmp_path, runs(s0="a"))
    Results(tmp_path, runs(s0="a", s1="b"))
    Results(tmp_path, runs(s2="c"))
    record = json.loads((tmp_path / "settings.json").read_text())
    assert record == runs(s0="a", s1="b", s2="c")
    for other in (runs(s0="a", s1="c"), {"methods": {"byol": "a"}}):
        with pytest.raises(ValueError, match="another method named 'byol': its weights differ"):
            Results(tmp_path, other)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a,b\n", r"has the columns \['a', 'b'\]"),
        (rows_csv([]) + "byol,probe,1,0,0,ACC\n", "line 2 has 6 values; expected 7"),
        (rows_csv([]) + "byol,probe,1,0,x,ACC,0.5\n", "line 2: invalid literal"),
    ],
)
def test_foreign_rows_are_named(text, message, tmp_path):
    (tmp_path / "results.csv").write_text(text)
    with pytest.raises(ValueError, match=message):
        read_rows(tmp_path / "results.csv")


def test_rows_of_unknown_settings_are_left_alone(tmp_path):
    (tmp_path / "results.csv").write_text("mine")
    with pytest.raises(ValueError, match=r"holds results.csv without settings.json"):
        Results(tmp_path, SETTINGS)
    assert (tmp_path / "results.csv").read_text() == "mine"
