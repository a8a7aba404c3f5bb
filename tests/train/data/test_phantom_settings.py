"""A phantom that several people read: training judges pairs by all of them, as a cache does."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("gazesim.train")

from gazesim import AffinityCache, Moments, MultiMatch
from gazesim.train import GazeData, PhantomSettings

READ_BY_THREE = PhantomSettings(n_train=12, n_val=3, n_test=4, size=32, readers=3)


@pytest.mark.parametrize("reduce", ["mean", "max"])
def test_all_readers_count_as_in_a_cache(tmp_path, reduce):
    data = GazeData(phantom=READ_BY_THREE)
    train = data.samples("train")
    readings = [(name, one.reader) for i, name in enumerate(train.ids) for one in train.fixations(i)]
    assert len(readings) == 36
    paths = [one.path for i in range(len(train)) for one in train.fixations(i)]
    scheme = MultiMatch(screen_size=(32, 32))
    cache = AffinityCache.build(
        tmp_path / "c", scheme.features(paths, ids=readings), reduce=reduce, errors="ignore"
    )
    live = data.gaze_source(scheme, reduce=reduce)
    np.testing.assert_array_equal(live.block(train.ids), cache.block(train.ids))
    first = MultiMatch(screen_size=(32, 32)).features([train.scanpath(i) for i in range(len(train))])
    assert (live.block(train.ids) != first.affinity()).mean() > 0.5


def test_maps_are_the_mean_of_all_readers():
    train = GazeData(phantom=READ_BY_THREE).samples("train")
    maps = np.stack([train.gaze_map(i).numpy() for i in range(len(train))])
    live = GazeData(phantom=READ_BY_THREE).gaze_source("moments")
    np.testing.assert_array_equal(live.block(train.ids), Moments().features(maps).affinity())


def test_one_reader_is_named_by_the_image_alone():
    data = GazeData(phantom=PhantomSettings(n_train=5, n_test=2, size=32))
    assert data.gaze_source("multimatch").ids == tuple(f"train-{i:05}" for i in range(5))
    assert data.samples("test").fixations(1)[0].reader == ""
