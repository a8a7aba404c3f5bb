"""PairMask's rule: one for quantiles everywhere, soft targets against a loop, warnings of all or nothing."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from gazesim import AffinityCache, Moments
from gazesim.cache.inspection import inspect_cache
from gazesim.ids import Source
from gazesim.phantom import phantom
from gazesim.torch import DenseSource, PairMask
from relations import NAMES, Asked, N, loop, some_affinities

pytestmark = pytest.mark.filterwarnings("ignore:.* pairs of different images")


@pytest.fixture(scope="module")
def affinities():
    return some_affinities()


@pytest.fixture(scope="module")
def source(affinities):
    return DenseSource(affinities, NAMES)


@pytest.fixture(scope="module")
def real():
    """Moments of the phantom's maps, as features."""
    return Moments().features(phantom(N, seed=2).heatmaps)


some = st.lists(st.sampled_from([*NAMES[:12], "new", ("image1", 2)]), min_size=0, max_size=20)


@pytest.mark.parametrize("count", [40, 2003])
def test_a_quantile_is_one_threshold_everywhere(tmp_path, count):
    """Features, the matrix with ids (with its diagonal or zeros there), caches, inspections, a source of
    the user's own: above 2,000 images too, where a sample of them stands for all."""
    feats = Moments().features(np.random.default_rng(1).random((count, 4, 4)) ** 9)
    matrix = feats.affinity()
    hollow = matrix * (1 - np.eye(count, dtype=np.float32))
    dense = AffinityCache.build(tmp_path / "dense", feats)
    kept = AffinityCache.build(tmp_path / "kept", feats, quantile=0.98)
    expected = kept.selection.threshold
    assert 0 < expected < 1
    found = inspect_cache(dense)
    assert found.threshold_at(0.98) == expected
    assert found.threshold_at(found.quantile_of(expected)) == expected
    sources = (feats, (matrix, range(count)), (hollow, range(count)), dense, kept, Asked(dense))
    for one in sources:
        assert PairMask(one, quantile=0.98).threshold == expected


def test_zeros_on_the_diagonal_leave_the_positives(affinities):
    """Some tools write affinities with a zero diagonal: an image is then as valid as its row says."""
    hollow = affinities * (1 - np.eye(N, dtype=np.float32))
    full, mask = (PairMask((matrix, NAMES), quantile=0.9) for matrix in (affinities, hollow))
    assert mask.threshold == full.threshold < 1
    assert mask(NAMES).equal(full(NAMES))
    assert mask(NAMES).sum() > N


# --- soft targets ---------------------------------------------------------------------------------


def soft_loop(source, ids_a, ids_b, *, threshold, temperature):
    """The softmax of each row in float64, entry by entry."""
    others = ids_a if ids_b is None else ids_b
    related = loop(source, ids_a, ids_b, threshold=threshold, soft=True).astype(np.float64)
    result = np.zeros(related.shape)
    for i, j in itertools.product(range(len(ids_a)), range(len(others))):
        if related[i, j] > 0:
            whole = sum(math.exp(value / temperature) for value in related[i] if value > 0)
            result[i, j] = math.exp(related[i, j] / temperature) / whole
    return result


@pytest.mark.filterwarnings("ignore:none of")
@given(ids_a=some, ids_b=st.none() | some, temperature=st.sampled_from([0.02, 0.1, 1.0, 50.0]))
@pytest.mark.parametrize("threshold", [None, 0.3, 0.8])
def test_soft_targets_are_the_loop(source, ids_a, ids_b, threshold, temperature):
    mask = PairMask(source, threshold=threshold, weighting="softmax", temperature=temperature)
    found = mask(ids_a, ids_b)
    expected = soft_loop(source, ids_a, ids_b, threshold=threshold or 0.0, temperature=temperature)
    assert found.dtype == torch.float32
    np.testing.assert_allclose(found.numpy(), expected, rtol=2e-5, atol=1e-7)
    if ids_b is None:
        np.testing.assert_allclose(found.sum(dim=1), np.ones(len(ids_a)), rtol=1e-5)


def test_soft_targets_go_from_the_image_alone_to_all_alike(source, affinities):
    alone = PairMask(source, weighting="softmax", temperature=1e-4)(NAMES)
    torch.testing.assert_close(alone.diagonal(), 1 / torch.tensor((affinities == 1).sum(1)).clamp(1).float())
    alike = PairMask(source, threshold=0.7, weighting="softmax", temperature=1e6)(NAMES)
    passed = PairMask(source, threshold=0.7)(NAMES).float()
    torch.testing.assert_close(alike, passed / passed.sum(dim=1, keepdim=True), rtol=0, atol=1e-5)


def test_soft_targets_of_empty_places_are_0(source):
    mask = PairMask(source, weighting="softmax")
    assert not mask(NAMES[:3], torch.tensor([-1, -1])).any()
    assert mask(NAMES[:3], torch.tensor([], dtype=torch.int64)).shape == (3, 0)


# --- all or nothing -------------------------------------------------------------------------------


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(("threshold", "share"), [(0.0, "703 of 741 pairs"), (1.0, "0 of 741 pairs")])
def test_a_rule_for_all_or_none_is_warned_of_once(real, threshold, share):
    matrix = np.minimum(real.affinity() + np.float32(0.01), np.float32(0.98))
    matrix[0, 1:] = matrix[1:, 0] = 0
    matrix[0, 0] = 1
    sub = (matrix[:39, :39], NAMES[:39])
    with pytest.warns(UserWarning, match=rf"{share}.*in the data set at threshold {threshold:g}"):
        mask = PairMask(sub, threshold=threshold)
    mask(NAMES[:10])  # warned already


@pytest.mark.filterwarnings("error")
def test_a_batch_of_all_or_none_is_warned_of_once(real):
    matrix = np.full((N, N), 0.2, np.float32)
    matrix[:10, :10] = 0.9
    mask = PairMask((matrix, NAMES), threshold=lambda epoch: 0.5)
    with pytest.warns(UserWarning, match=r"45 of 45 pairs of different images \(100.00%\) in a batch pass"):
        mask(NAMES[:10])
    mask(NAMES[:9])
    with pytest.warns(UserWarning, match=r"0 of 45 pairs of different images \(0.00%\) in a batch pass"):
        mask(NAMES[20:30])
    mask(NAMES[30:])
    other = PairMask((matrix, NAMES), threshold=lambda epoch: 0.5)
    other(NAMES[5:15])  # some
    other(NAMES[:3])  # three pairs say nothing
    other(NAMES[20:], torch.full((8,), -1))  # nor does a queue that is not full
    PairMask((matrix, NAMES), weighting="softmax")(NAMES[:10])  # all are meant


# --- a mask is a source ---------------------------------------------------------------------------


def test_a_mask_is_a_source(source):
    mask = PairMask(source, threshold=0.5)
    assert isinstance(mask, Source)
    block = mask.block(NAMES[:4], NAMES[2:9])
    np.testing.assert_array_equal(block, mask(NAMES[:4], NAMES[2:9]).numpy())
    np.testing.assert_array_equal(mask.block_at(range(4), range(2, 9)), block)
    assert block.dtype == np.float32
    assert PairMask(mask, threshold=0.5)(NAMES).equal(mask(NAMES))
