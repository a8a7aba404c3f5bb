"""Agreement of readers, pair by pair."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from caches import gaze
from gazesim import AffinityCache
from gazesim.phantom import phantom
from gazesim.report.agreement import reader_agreement

pytestmark = pytest.mark.filterwarnings("ignore::gazesim.InvalidGazeWarning")


@pytest.mark.parametrize("reduce", [None, "mean", "max"])
def test_agreement_is_the_mean_over_pairs_of_gazes(tmp_path: Path, reduce) -> None:
    ids = [(f"i{at // 3}", f"r{at % 3}") for at in range(36)][:-1]  # the last image lacks a reader
    cache = AffinityCache.build(tmp_path / "c", gaze(35, ids=ids), reduce=reduce)
    found = reader_agreement(cache)
    features = cache.features
    matrix, valid = features.block(ids), features.valid
    assert not valid.all()
    assert found.readers == ("r0", "r1", "r2")
    assert found.gazes.tolist() == [12, 12, 11]
    assert found.invalid.sum() == 35 - valid.sum()
    for first in range(3):
        rows: list[float] = []
        for second in range(3):
            pairs = [
                matrix[a, b]
                for a in range(35)
                for b in range(35)
                if a // 3 == b // 3 and a != b and (a % 3, b % 3) == (first, second) and valid[a] and valid[b]
            ]
            rows += pairs
            if pairs:
                assert found.same_image[first, second] == pytest.approx(np.mean(pairs, dtype=np.float64))
            else:
                assert np.isnan(found.same_image[first, second])
        assert found.with_others[first] == pytest.approx(np.mean(rows, dtype=np.float64))
        apart = [
            matrix[a, b]
            for a in range(35)
            for b in range(35)
            if b // 3 == (a // 3 + 1) % 12 and a % 3 == first and valid[a] and valid[b]
        ]
        assert found.on_other_images[first] == pytest.approx(np.mean(apart, dtype=np.float64))


def test_readers_of_one_image_agree_more_than_those_of_two(tmp_path: Path) -> None:
    made = phantom(40, seed=2, readers=3)
    cache = AffinityCache.build(tmp_path / "c", made.scanpaths, errors="ignore")
    found = reader_agreement(cache)
    assert (found.with_others > found.on_other_images).all()


def test_caches_without_readers_have_none(tmp_path: Path) -> None:
    assert reader_agreement(AffinityCache.build(tmp_path / "a", gaze(5))) is None
    alone = [(at, "me") for at in range(5)]
    assert reader_agreement(AffinityCache.build(tmp_path / "b", gaze(5, ids=alone))) is None
    apart = [(at, at) for at in range(5)]
    assert reader_agreement(AffinityCache.build(tmp_path / "c", gaze(5, ids=apart))) is None
