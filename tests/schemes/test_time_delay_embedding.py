"""Time-delay embedding: worked numbers, windows compared with NumPy's on random and real pairs."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.lib.stride_tricks import sliding_window_view
from scipy.spatial.distance import cdist

import gazesim
from pairs_of_scanpaths import SCREEN, P, Q, all_blocks, by_pairs, only

TDE = {
    "l2": [24.102465811969, 17.489905456080, 14.448024782534, 12.5],
    "sum": [24.102465811969, 24.509135711722, 24.509135711722, 24.102465811969],
}
STDE = {"l2": (0.983414794500, 0.913496919258), "sum": (0.976543372039, 0.870206860329)}


@pytest.mark.parametrize("module", [gazesim, gazesim.reference], ids=["compiled", "twin"])
@pytest.mark.parametrize("norm", ["l2", "sum"])
def test_worked_numbers(module, norm):
    for k, expected in enumerate(TDE[norm], 1):
        assert only(module.tde([P], [Q], k=k, norm=norm)) == pytest.approx(expected, abs=1e-9)
    assert np.isnan(only(module.tde([P], [Q], k=5, norm=norm)))
    params = {"norm": norm, "screen_size": SCREEN}
    both = only(module.stde([P], [Q], **params)), only(module.stde([Q], [P], **params))
    assert both == pytest.approx(STDE[norm], abs=1e-9)
    affinity = module.affinity([P], [Q], scheme="time_delay_embedding", **params)
    assert only(affinity) == pytest.approx(np.mean(STDE[norm]), abs=1e-7)


@pytest.mark.parametrize("reduction", ["mean", "max"])
def test_windows_by_cdist_on_random_and_real_pairs(reduction):
    """With the L2 norm, a window is a vector of 2·k numbers: SciPy measures the distances."""

    def windows(gaze, k):
        return sliding_window_view(gaze[:, :2], k, axis=0).reshape(len(gaze) - k + 1, 2 * k)

    for rows, cols, _ in all_blocks():
        for k in (1, 2, 5):

            def oracle(a, b, k=k):
                if min(len(a), len(b)) < k:
                    return np.nan
                nearest = cdist(windows(a, k), windows(b, k)).min(axis=0) / k
                return nearest.mean() if reduction == "mean" else nearest.max()

            ours = gazesim.tde(rows, cols, k=k, reduction=reduction)
            np.testing.assert_allclose(ours, by_pairs(oracle, rows, cols), rtol=0, atol=1e-9)


@pytest.mark.parametrize("norm", ["l2", "sum"])
def test_the_twin_on_real_pairs(norm):
    for rows, cols, size in all_blocks():
        # The twin takes the fourth power of the length.
        a, b = ([gaze[:14] for gaze in some[:6]] for some in (rows, cols))
        params = {"screen_size": size, "norm": norm}
        twin = gazesim.reference.stde(a, b, **params)
        np.testing.assert_allclose(gazesim.stde(a, b, **params), twin, rtol=0, atol=1e-9)


def test_long_scanpaths_are_refused():
    with pytest.raises(ValueError, match="sample 0 has 1025 rows; expected at most 1024 fixations"):
        gazesim.affinity([np.ones((1025, 3))], scheme="time_delay_embedding", screen_size=SCREEN)
    assert only(gazesim.stde([np.ones((100, 3))], screen_size=SCREEN)) == pytest.approx(1, abs=1e-12)
