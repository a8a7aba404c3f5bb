"""The report of an evaluation holds the numbers of its table."""

from __future__ import annotations

from pathlib import Path

import pytest

from gazesim.report import write_evaluation
from gazesim.train.evaluation.results import Row, results_table
from report.studies import EVIL, data_of


def rows(shares: tuple[float, ...] = (0.05, 1.0)) -> list[Row]:
    return [
        Row(method, protocol, share, 0, seed, metric, (17 * n + 5 * seed + 31 * share) % 1)
        for n, method in enumerate(["gaze", EVIL])
        for protocol in ("probe", "finetune")
        for share in shares
        for seed in range(3)
        for metric in ("ACC", "MAE")
    ] + [Row("gaze", "probe", shares[0], 0, 9, "ACC", float("nan"))]


def words(cell: dict) -> str:
    """Return a cell as results.md has it."""
    mean = f"{cell['mean']:.3f}"
    text = f"**{mean}**" if cell["best"] else mean
    text += "" if cell["std"] is None else f" ± {cell['std']:.3f}"
    return text if cell["n"] == cell["of"] else f"{text} ({cell['n']} of {cell['of']})"


def test_numbers_are_those_of_the_table(tmp_path: Path) -> None:
    write_evaluation(rows(), tmp_path / "r.html", title=EVIL)
    page = (tmp_path / "r.html").read_text(encoding="utf-8")
    assert EVIL not in page
    data = data_of(tmp_path / "r.html")
    table = results_table(rows())
    for part in data["tables"]:
        for line in part["lines"]:
            method = part["methods"][line["method"]]
            cells = " | ".join(words(cell) for cell in line["cells"])
            start = f"| {part['protocol']} | {100 * line['fraction']:g} % | {method} | "
            (match,) = [row for row in table.split("\n") if row.startswith(start)]
            assert cells in match
        assert len(part["curves"]) == 2
    assert len(data["figures"]) == 4
    assert data["maps"] is None


def test_one_share_has_no_curve_and_maps_are_inside(tmp_path: Path) -> None:
    (tmp_path / "m.png").write_bytes(b"\x89PNG")
    write_evaluation(rows((1.0,)), tmp_path / "r.html", maps=tmp_path / "m.png")
    data = data_of(tmp_path / "r.html")
    assert data["figures"] == {}
    assert data["maps"] == "data:image/png;base64,iVBORw=="


def test_nothing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="results is empty; expected at least one score"):
        write_evaluation([], tmp_path / "r.html")
    assert not (tmp_path / "r.html").exists()
