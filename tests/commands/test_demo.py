"""``gazesim demo``."""

from __future__ import annotations

import re

import gazesim
from gazesim.cli import main
from gazesim.commands import demo, program


def test_demo_prints_a_table_and_draws(tmp_path, capsys):
    picture = tmp_path / "demo.png"
    assert main(["demo", "--out", str(picture)]) == 0
    assert picture.read_bytes().startswith(b"\x89PNG")
    captured = capsys.readouterr()
    table = captured.out
    for scheme in ("multimatch", "moments", "dhash", "tima"):
        row = re.search(rf"^{scheme} .*%.*%.*%", table, re.MULTILINE)
        assert row, table
    assert captured.err.splitlines()[-1].startswith(f"next: {program()} affinity")


def test_gaze_tells_classes_apart():
    # Over several seeds, so that this does not rest on one lucky phantom.
    agreement = {"multimatch": 0.0, "moments": 0.0}
    for seed in range(4):
        study = gazesim.phantom.phantom(64, seed=seed)
        for scheme in agreement:
            gaze, params = demo.RUNS[scheme]
            matrix = gazesim.affinity(gaze(study), scheme=scheme, errors="ignore", **params)
            agreement[scheme] += demo.same_class(matrix, study.labels) / 4
    assert min(agreement.values()) > 0.4  # chance is 0.24


def test_demo_without_matplotlib(tmp_path, capsys, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "matplotlib.backends.backend_agg", None)
    assert main(["demo", "--out", str(tmp_path / "demo.png")]) == 0
    assert 'pip install "gazesim[plot]"' in capsys.readouterr().out
