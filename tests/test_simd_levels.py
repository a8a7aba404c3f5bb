"""GAZESIM_SIMD caps the level of every kernel, and the bits of results do not depend on it."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest

import gazesim
from gazesim import _core
from gazesim.schemes import SCHEMES
from pairs_of_scanpaths import SCREEN, random_block
from strategies import measures_on

LEVELS = ("scalar", "portable", "avx2", "avx512")
PARAMETERS = {
    **measures_on(SCREEN),
    "tima": {"image_size": SCREEN},
    "multimatch": {"screen_size": SCREEN},
}


def at(monkeypatch, level, work):
    monkeypatch.setenv("GAZESIM_SIMD", level)
    return work()


def all_equal(monkeypatch, work):
    """Assert that the work yields the same bytes at every level of this machine."""
    levels = _core.simd_levels()
    assert levels[:2] == ["scalar", "portable"]
    first = at(monkeypatch, levels[0], work)
    for level in levels[1:]:
        assert at(monkeypatch, level, work).tobytes() == first.tobytes(), level
    return first


@pytest.mark.parametrize("scheme", sorted(SCHEMES))
def test_affinities_have_the_same_bits_at_every_level(monkeypatch, scheme):
    if SCHEMES[scheme].takes == "heatmaps":
        rng = np.random.default_rng(1)
        gazes = rng.random((60, 24, 33)).astype(np.float32) ** 4
        params = {}
    else:
        rows, cols, _ = random_block(30, 20)
        gazes = gazesim.Scanpaths.from_list(rows + cols, screen_size=SCREEN)
        params = PARAMETERS[scheme]

    def work():
        made = gazesim.schemes.scheme_from(scheme, params).features(gazes)
        nearest = made.neighbors(top_k=7, errors="ignore").toarray()
        return np.concatenate([made.affinity(errors="ignore"), nearest])

    assert all_equal(monkeypatch, work).max() > 0


def test_maps_have_the_same_bits_at_every_level(monkeypatch):
    maps = np.random.default_rng(2).random((5, 47, 61)) ** 3
    all_equal(monkeypatch, lambda: gazesim.hu_moments(maps))
    all_equal(monkeypatch, lambda: gazesim.dhash(maps, hash_size=16))


def test_a_level_that_the_machine_lacks_falls_to_the_best_below(monkeypatch):
    has = _core.simd_levels()
    for level in LEVELS:
        below = [one for one in LEVELS[: LEVELS.index(level) + 1] if one in has]
        assert at(monkeypatch, level, _core.simd_level) == below[-1]
    monkeypatch.delenv("GAZESIM_SIMD")
    assert _core.simd_level() == has[-1]
    assert at(monkeypatch, "  ", _core.simd_level) == has[-1]


def test_an_unknown_level_is_one_error(monkeypatch):
    monkeypatch.setenv("GAZESIM_SIMD", "sse9")
    said = 'the environment variable GAZESIM_SIMD is "sse9"; expected scalar, portable, avx2 or avx512'
    for call in (_core.simd_level, lambda: gazesim.hu_moments(np.ones((1, 4, 4)))):
        with pytest.raises(ValueError, match=said):
            call()


@pytest.mark.parametrize("level", ["scalar", "portable"])
def test_the_command_line_shows_the_level(level):
    command = [sys.executable, "-m", "gazesim", "--version"]
    environment = {**os.environ, "GAZESIM_SIMD": level}
    shown = subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout
    assert shown.strip() == f"gazesim {_core.__version__} ({level})"
