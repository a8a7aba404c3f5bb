"""A small matrix of affinities, a user's own source, and PairMask as a plain loop."""

from __future__ import annotations

import itertools

import numpy as np

N = 40
NAMES = [f"image{i}" for i in range(N)]


def some_affinities():
    """Return affinities of which some are 0, with ties, and one invalid gaze."""
    rng = np.random.default_rng(3)
    matrix = np.round(rng.random((N, N)), 1)
    matrix = np.maximum(matrix, matrix.T)
    np.fill_diagonal(matrix, 1)
    matrix[7] = matrix[:, 7] = 0
    return matrix.astype(np.float32)


class Asked:
    """A user's own source: no matrix, only block."""

    def __init__(self, source):
        self.ids, self._source = source.ids, source

    def block(self, ids_a, ids_b=None):
        return self._source.block(ids_a, ids_b)


def loop(source, ids_a, ids_b=None, *, threshold=0.7, soft=False):
    """The definition, pair by pair: what released code does in every step."""
    others = ids_a if ids_b is None else ids_b
    result = np.zeros((len(ids_a), len(others)), np.float32)
    for (i, a), (j, b) in itertools.product(enumerate(ids_a), enumerate(others)):
        if a == b:
            result[i, j] = 1
        elif a in source.ids and b in source.ids:
            affinity = float(source.block([a], [b])[0, 0])
            passed = affinity > 0 and affinity >= np.float32(threshold)
            result[i, j] = (affinity if soft else 1) * passed
    return result
