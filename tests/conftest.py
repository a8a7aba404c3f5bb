"""Fixtures for all tests: real data, golden numbers, Hypothesis settings."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, settings
from numpy.typing import NDArray

from gazesim import Scanpaths, read_scanpaths
from real_gaze_files import REAL, REPO, SHARED

COMMON: dict[str, Any] = {"deadline": None, "suppress_health_check": list(HealthCheck)}
settings.register_profile("gazesim", max_examples=60, derandomize=True, **COMMON)
# Other examples every night: HYPOTHESIS_PROFILE=nightly. A failure prints how to repeat it.
settings.register_profile("nightly", max_examples=600, derandomize=False, print_blob=True, **COMMON)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "gazesim"))


@pytest.fixture(scope="module", autouse=True)
def _environment_ends_with_the_module() -> Iterator[None]:
    """Undo what libraries leave there: Dask one thread for MKL, Lightning its seed.

    A process that a later test starts would otherwise compute other last bits than the test's own.
    """
    before = dict(os.environ)
    yield
    for name in os.environ.keys() - before.keys():
        del os.environ[name]
    os.environ.update(before)


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder beside the repository with all real recordings, which are too large for it."""
    if not SHARED.is_dir():
        pytest.skip(f"real gaze data is not at {SHARED}")
    return SHARED


@pytest.fixture(scope="session")
def golden() -> Any:
    """Numbers computed once with the papers' released code."""
    return json.loads((REAL / "golden.json").read_text())


@pytest.fixture(scope="session")
def studyforrest() -> list[NDArray[np.float64]]:
    """110 scanpaths on shots of a film, 1280 x 720 px: x, y in px, duration in s."""
    return [np.loadtxt(path, skiprows=1) for path in sorted((REAL / "studyforrest").glob("*.tsv"))]


@pytest.fixture(scope="session")
def osie_20_images() -> Path:
    """The first 20 of OSIE's 700 photographs, 15 observers each, in OSIE's own file layout."""
    return REAL / "osie_20_images.mat"


@pytest.fixture
def rng() -> np.random.Generator:
    """Random numbers with a fixed seed."""
    return np.random.default_rng(20261121)


@pytest.fixture
def fixtures() -> Path:
    """Small files in the documented layout of formats without real data."""
    return REPO / "tests" / "io" / "fixtures"


@pytest.fixture
def read(fixtures: Path) -> Callable[..., Scanpaths]:
    """Read a file of the fixtures without a word."""

    def silently(name: str | Path, **options: Any) -> Scanpaths:
        return read_scanpaths(fixtures / name, verbose=False, **options)

    return silently


@pytest.fixture
def edited(fixtures: Path, tmp_path: Path) -> Callable[..., Path]:
    """Copy a file of the fixtures with one piece of text replaced."""

    def copy(name: str, old: str, new: str, ending: str = "") -> Path:
        text = (fixtures / name).read_text(encoding="utf-8")
        assert old in text
        path = tmp_path / (Path(name).stem + (ending or Path(name).suffix))
        path.write_text(text.replace(old, new, 1), encoding="utf-8")
        return path

    return copy


@pytest.fixture
def toy(golden: Any) -> tuple[Any, Any, Any, Any]:
    """Golden losses, and the embeddings p, z and queue that golden.json gives formulas for."""
    torch = pytest.importorskip("torch")
    i, c = np.mgrid[:4, :5]
    p = torch.tensor(((5 * i + 3 * c + i * c) % 7) - 3 + 0.5, dtype=torch.float64)
    z = torch.tensor(((2 * i + 5 * c + 3 + i * i) % 9) - 4 + 0.25, dtype=torch.float64)
    c, j = np.mgrid[:5, :6]
    queue = torch.tensor(((3 * c + 2 * j + c * j) % 5) - 2 + 0.1, dtype=torch.float64).T
    return golden["losses"], p, z, queue
