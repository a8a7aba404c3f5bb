"""``out=`` of the functions that return one number per pair."""

from __future__ import annotations

import numpy as np
import pytest

import gazesim
from pairs_of_scanpaths import P, Q

GEOMETRY = gazesim.ScreenGeometry((1024, 768), (40, 30), 60)
SCREEN = {"screen_size": (1024, 768)}
CASES = {
    "scanmatch": [SCREEN],
    "string_edit_distance": [SCREEN],
    "sequence_score": [SCREEN],
    "stde": [SCREEN],
    "tde": [{"k": 2}],
    "frechet_distance": [{}],
    "hausdorff_distance": [{}],
    "mannan_distance": [SCREEN],
    "eyenalysis": [{}, {"denominator": "sum"}],
    "scasim": [{"geometry": GEOMETRY, "normalise": how} for how in (None, "fixations", "durations")],
}
CALLS = [(name, params) for name, several in CASES.items() for params in several]


@pytest.mark.parametrize(("measure", "params"), CALLS, ids=str)
def test_out_takes_the_numbers_and_is_returned(measure, params):
    """An empty scanpath included: NaN, or for edits the length of the other one."""
    rows, cols = [P, Q, P[:1]], [Q, np.empty((0, 3)), P[1:], P]
    function = getattr(gazesim, measure)
    expected = function(rows, cols, **params)
    out = np.full((3, 4), 7.0)
    assert function(rows, cols, out=out, **params) is out
    np.testing.assert_array_equal(out, expected)
    assert expected.flags.c_contiguous


@pytest.mark.parametrize(("measure", "params"), CALLS, ids=str)
def test_an_out_that_cannot_take_them_is_refused(measure, params):
    for out, message in [
        (np.empty((2, 2), np.float32), r"out has shape \(2, 2\) and dtype float32; expected .* float64"),
        (np.empty((1, 2)), r"out has shape \(1, 2\) and dtype float64; expected \(2, 2\)"),
        (np.empty((2, 4))[:, ::2], "out is read-only, strided or unaligned"),
    ]:
        with pytest.raises(ValueError, match=message):
            getattr(gazesim, measure)([P, Q], [P, Q], out=out, **params)
