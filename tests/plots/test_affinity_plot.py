"""The picture of a matrix: its order, its averages, and what it refuses."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from gazesim.plots import affinity as plot

pytest.importorskip("matplotlib")


def groups(sizes: list[int], invalid: int = 0) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Return a shuffled matrix of groups, 0.9 alike inside and 0.2 across, and the labels."""
    rng = np.random.default_rng(0)
    labels = rng.permutation(np.repeat(np.arange(len(sizes) + 1), [*sizes, invalid]))
    matrix = np.where(labels[:, None] == labels, 0.9, 0.2) + rng.uniform(-0.05, 0.05, (len(labels),) * 2)
    matrix = ((matrix + matrix.T) / 2).astype(np.float32)
    np.fill_diagonal(matrix, 1)
    bad = labels == len(sizes)
    matrix[bad] = matrix[:, bad] = 0
    return matrix, labels


def png_size(path: Path) -> tuple[int, int]:
    data = path.read_bytes()
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    return int.from_bytes(data[16:20], "big"), int.from_bytes(data[20:24], "big")


@pytest.mark.parametrize("sizes", [[7, 5, 9], [300, 500, 400]])
def test_groups_stand_together_and_invalid_gazes_last(sizes: list[int]) -> None:
    matrix, labels = groups(sizes, invalid=3)
    order = plot.similarity_order(matrix)
    assert sorted(order) == list(range(len(matrix)))
    assert (labels[order[-3:]] == len(sizes)).all()
    changes = np.count_nonzero(np.diff(labels[order[:-3]]))
    assert changes == len(sizes) - 1


def test_averaged_is_exact_without_shrinking_and_keeps_the_mean() -> None:
    matrix, _ = groups([6, 6])
    order = np.random.default_rng(1).permutation(12)
    assert np.allclose(plot.averaged(matrix, order, 20), matrix[order][:, order])
    assert np.allclose(
        plot.averaged(matrix, order, 4), matrix[order][:, order].reshape(4, 3, 4, 3).mean(axis=(1, 3))
    )


def test_off_diagonal_has_every_valid_pair_twice() -> None:
    matrix, _ = groups([4, 4], invalid=2)
    keep = np.flatnonzero(np.diagonal(matrix))
    part = matrix[np.ix_(keep, keep)]
    expected = part[~np.eye(len(keep), dtype=bool)]
    assert np.array_equal(plot.off_diagonal(matrix, 100), expected)


@pytest.mark.parametrize(
    "matrix", [np.eye(1), np.zeros((4, 4)), np.ones((3, 3)), groups([5, 9])[0], groups([700, 600])[0]]
)
def test_picture_is_drawn(tmp_path: Path, matrix: NDArray[np.float32]) -> None:
    out = tmp_path / "a.png"
    plot.plot_affinity(matrix, out, title="title")
    assert png_size(out) == (1320, 600)


@pytest.mark.parametrize("matrix", [np.ones(3), np.ones((2, 3)), np.empty((0, 0)), [[1.0]]])
def test_other_shapes_are_refused(tmp_path: Path, matrix: NDArray[np.float32]) -> None:
    with pytest.raises(ValueError, match=r"matrix is .*; expected affinities of shape \(n, n\)"):
        plot.plot_affinity(matrix, tmp_path / "a.png")


def test_missing_matplotlib_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(ImportError, match=r'pip install "gazesim\[plot\]"'):
        plot.plot_affinity(np.eye(3), tmp_path / "a.png")
