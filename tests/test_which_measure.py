"""The page "Which measure?": picture and snippet run, and what it says of the measures holds."""

from __future__ import annotations

import re
import runpy

import numpy as np
import pytest

from conftest import REPO

SCRIPT = REPO / "docs" / "pictures" / "which_measure.py"
PAGE = (REPO / "docs" / "guides" / "which_measure.md").read_text()


@pytest.fixture(scope="module")
def found():
    return runpy.run_path(str(SCRIPT))


def test_the_picture_is_drawn(found, tmp_path):
    found["draw"](tmp_path / "picture.png")
    assert (tmp_path / "picture.png").stat().st_size > 50_000
    assert SCRIPT.with_suffix(".png").read_bytes().startswith(b"\x89PNG")


def test_invariances(found):
    names, table = found["affinities"]()
    changes = [name.replace("\n", " ") for name in names]
    value = {
        (scheme, change): table[i, j]
        for i, scheme in enumerate(found["SCHEMES"])
        for j, change in enumerate(changes)
    }

    def unchanged(change):
        return {scheme for scheme in found["SCHEMES"] if value[scheme, change] == pytest.approx(1)}

    order_free = {"Hausdorff", "Mannan", "eyenalysis"}
    assert unchanged("backwards") == order_free
    timed = {"MultiMatch", "ScanMatch, 50 ms", "scasim", "recurrence, 60 px"}  # recurrence is never 1
    assert unchanged("same places, other durations") == set(found["SCHEMES"]) - timed
    assert unchanged("smaller and elsewhere") == set()
    assert unchanged("each fixation split in two") == {"DTW", "Fréchet"} | order_free
    assert value["MultiMatch", "smaller and elsewhere"] == pytest.approx(0.90, abs=0.005)
    assert value["Fréchet", "one glance away"] < 0.5
    assert value["MultiMatch", "one glance away"] == pytest.approx(1)
    rec = "recurrence, 60 px"
    assert value[rec, "backwards"] == value[rec, "same places, other durations"] == pytest.approx(1 / 7)


def test_every_scheme_of_scanpaths_is_in_the_table():
    from gazesim.schemes import SCHEMES

    rows = set(re.findall(r"^\| .*?\(`(\w+)`", PAGE, re.MULTILINE))
    scanpath_measures = {name for name, scheme in SCHEMES.items() if scheme.takes == "scanpaths"} - {"tima"}
    assert scanpath_measures <= rows


def test_the_snippet_runs(capsys):
    (snippet,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    exec(compile(snippet, "snippet", "exec"), {})
    assert "multimatch_position" in capsys.readouterr().out


def test_numbers_of_the_page(shared):
    """Those on OSIE, first observer against the other 14."""
    from gazesim import compare_scanpaths, read_scanpaths

    paths = read_scanpaths(shared / "data" / "osie", verbose=False)
    first, others = (paths[[name for name in paths.ids if (name[1] == "01") == yes]] for yes in (True, False))
    table = compare_scanpaths(first, others, measures="multimatch", by="all", resamples=0, errors="ignore")
    for dimension in ("shape", "position"):
        row = table[table["measure"] == f"multimatch_{dimension}"][0]
        for number in (row["mean"], row["shuffled_mean"], row["human_mean"]):
            assert f"{number:.3f}" in PAGE
    assert np.isnan(table["mean_low"]).all()
