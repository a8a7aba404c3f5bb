"""The examples for users of other tools run, and give the numbers of what they replace."""

from __future__ import annotations

import runpy

import multimatch_gaze
import numpy as np
import polars
import pytest

from conftest import REPO
from gazesim import reference


def run(name):
    return runpy.run_path(str(REPO / "examples" / name), run_name="__main__")


def recarray(path):
    names = {"names": ("start_x", "start_y", "duration"), "formats": (float,) * 3}
    return np.array([tuple(row) for row in path], dtype=names)


def test_from_multimatch_gaze(capsys):
    found = run("from_multimatch_gaze.py")
    options = {"screensize": [1280, 720], "grouping": True, "TDir": 45.0, "TDur": 0.3, "TAmp": 100.0}
    for i, j in [(0, 1), (3, 17), (8, 2)]:
        expected = multimatch_gaze.docomparison(found["vectors"][i], found["vectors"][j], **options)
        np.testing.assert_allclose(found["similarities"][i, j], expected, atol=1e-9)
    assert len(capsys.readouterr().out.splitlines()) == 5


def test_from_evaluation_script(capsys):
    """The loops of such a script: every reader against the one prediction, then the mean over all."""
    found = run("from_evaluation_script.py")
    scores = []
    for readers, predicted in zip(found["gt_fix_vectors"], found["predict_fix_vectors"], strict=True):
        for reader in readers:
            pair = ([predicted], [reader])
            similarities = multimatch_gaze.docomparison(recarray(reader), recarray(predicted), [320, 240])
            match = {"screen_size": (320, 240), "grid": (16, 12)}
            scores.append(
                [
                    *similarities,
                    reference.scanmatch(*pair, **match)[0, 0],
                    reference.scanmatch(*pair, **match, temporal_bin_s=0.05)[0, 0],
                    reference.string_edit_distance(*pair, screen_size=(320, 240))[0, 0],
                    reference.stde([reader], [predicted], screen_size=(320, 240), norm="sum")[0, 0],
                ]
            )
    table = found["table"]
    named = [*(f"multimatch_{name}" for name in ("shape", "direction", "length", "position", "duration"))]
    named += ["ScanMatch w/o duration", "ScanMatch with duration", "SED", "STDE"]
    means = {str(name): mean for name, mean in zip(table["measure"], table["mean"], strict=True)}
    np.testing.assert_allclose([means[name] for name in named], np.mean(scores, axis=0), atol=1e-9)
    assert len(capsys.readouterr().out.splitlines()) == len(table)


def test_from_pymovements(capsys):
    pytest.importorskip("pymovements")
    found = run("from_pymovements.py")
    assert isinstance(found["table"], polars.DataFrame)
    totals = found["table"].filter(polars.col("level") == "all")
    assert totals["images"].to_list() == [6] * len(totals)
    position = totals.filter(polars.col("measure") == "multimatch_position")
    assert position["shuffled_mean"][0] < position["mean"][0] < position["human_mean"][0]
    assert "multimatch_position" in capsys.readouterr().out


@pytest.mark.parametrize(
    "name", ["from_multimatch_gaze.py", "from_evaluation_script.py", "from_pymovements.py"]
)
def test_what_replaces_the_old_code_is_short(name):
    """Everything after the data, which a user has."""
    text = (REPO / "examples" / name).read_text()
    start = {"from_multimatch_gaze.py": "grouping = ", "from_evaluation_script.py": "scanmatch = "}
    own = text[text.index(start.get(name, "options = ")) :]
    assert len(own.splitlines()) <= 12
