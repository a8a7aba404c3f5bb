"""PairMask against plain loops, its promises about draws and order, and what it says to bad input."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from pytorch_metric_learning.utils.loss_and_miner_utils import get_all_pairs_indices
from scipy.sparse import csr_array

from gazesim import AffinityCache, Moments
from gazesim.phantom import phantom
from gazesim.torch import DenseSource, PairMask, id_codes, indices_tuple
from gazesim.torch.pairs import pair_numbers
from gazesim.torch.sources import Bits, Positions
from relations import NAMES, Asked, N, loop, some_affinities

#: Many of these masks pass all pairs, or none, which gives a warning (tested below).
pytestmark = pytest.mark.filterwarnings("ignore:.* pairs of different images")


@pytest.fixture(scope="module")
def affinities():
    return some_affinities()


@pytest.fixture(scope="module")
def source(affinities):
    return DenseSource(affinities, NAMES)


some = st.lists(st.sampled_from([*NAMES[:12], "new", ("image1", 2)]), min_size=0, max_size=20)


@pytest.mark.filterwarnings("ignore:none of")  # of the source are some of the batches
@given(ids_a=some, ids_b=st.none() | some, threshold=st.sampled_from([0.0, 0.3, 0.7, 1.0]))
@pytest.mark.parametrize("soft", [False, True])
@pytest.mark.parametrize("wrapped", [False, True])
def test_mask_is_the_loop(source, ids_a, ids_b, threshold, soft, wrapped):
    mask = PairMask(
        Asked(source) if wrapped else source,
        threshold=threshold,
        weighting="affinity" if soft else "binary",
    )
    found = mask(ids_a, ids_b)
    assert found.dtype == (torch.float32 if soft else torch.bool)
    np.testing.assert_array_equal(found.numpy(), loop(source, ids_a, ids_b, threshold=threshold, soft=soft))


@pytest.fixture(scope="module")
def real():
    """Moments of the phantom's maps, as features."""
    return Moments().features(phantom(N, seed=2).heatmaps)


def test_all_sources_agree(real, tmp_path):
    ids = [5, 3, 21, 3, 39]
    caches = [
        AffinityCache.build(tmp_path / "dense", real),
        AffinityCache.build(tmp_path / "csr", real, threshold=0.5),
    ]
    for queue in (None, list(range(N))):
        expected = PairMask(real, threshold=0.7)(ids, queue)
        assert expected.sum() > 5
        for source in (*caches, (real.affinity(), range(N)), Asked(caches[0])):
            assert PairMask(source, threshold=0.7)(ids, queue).equal(expected)
            soft = PairMask(source, weighting="affinity", threshold=0.6)(ids, queue)
            torch.testing.assert_close(soft, PairMask(real, weighting="affinity", threshold=0.6)(ids, queue))


def test_the_threshold_itself_passes(source, affinities):
    assert (affinities == np.float32(0.7)).any()
    passed = PairMask(source, threshold=0.7)(NAMES).numpy()
    np.testing.assert_array_equal(passed, (affinities >= np.float32(0.7)) | np.eye(N, dtype=bool))


def test_ids_in_every_form_are_the_same(real):
    mask = PairMask(real, threshold=0.7)
    expected = mask([4, 9, 11], [9, 2])
    for form in (np.array, torch.tensor, tuple, id_codes):
        assert mask(form([4, 9, 11]), form([9, 2])).equal(expected)
    named = PairMask((real.affinity(), NAMES), threshold=0.7)
    names = ["image4", "image9", "image11"]
    for form in (np.array, tuple, id_codes):
        assert named(form(names)).equal(mask([4, 9, 11]))


def test_cells_of_repeated_ids_are_those_of_one(real):
    """Wherever an id occurs again, its row and column are the same, and all its own cells are 1."""
    ids, queue = [5, 3, 5, 39, 3, 5], [3, 7, 5, 3, 21, 5]
    for options in ({"threshold": 0.7}, {"top_k": 2}, {"quantile": 0.9, "weighting": "affinity"}):
        mask = PairMask(real, **options)
        once = mask([3, 5, 39])
        at = [[3, 5, 39].index(name) for name in ids]
        assert mask(ids).equal(once[at][:, at])
        against = mask(ids, queue)
        single = mask([3, 5, 39], sorted(set(queue)))
        where = [sorted(set(queue)).index(name) for name in queue]
        assert against.equal(single[at][:, where])
        own = np.equal.outer(np.array(ids), np.array(queue))
        assert (against.numpy()[own] == 1).all()


def test_cells_of_a_zero_diagonal_and_of_unknown_ids(affinities):
    """A matrix whose diagonal is 0 (as some tools write) picks the pairs of one whose diagonal is 1."""
    empty = affinities.copy()
    np.fill_diagonal(empty, 0)
    ids = [*NAMES[:6], "new", "new"]
    for options in ({"threshold": 0.5}, {"top_k": 2}, {"quantile": 0.8}, {"weighting": "softmax"}):
        found, expected = (PairMask((matrix, NAMES), **options)(ids) for matrix in (empty, affinities))
        assert found.equal(expected)
        block = found[6:, 6:]
        assert (block > 0).all()
        assert not found[6:, :6].any()


# --- order, symmetry, draws -----------------------------------------------------------------------


@given(order=st.permutations(range(N)), seed=st.integers(0, 2**31))
@pytest.mark.parametrize("options", [{}, {"confidence": 0.5}, {"top_k": 3}, {"weighting": "affinity"}])
def test_permuted_ids_permute_the_mask(source, order, seed, options):
    mask = PairMask(source, threshold=0.4, **options)
    torch.manual_seed(seed)
    straight = mask(NAMES)
    torch.manual_seed(seed)
    permuted = mask([NAMES[i] for i in order])
    assert straight.equal(straight.T)
    assert permuted.equal(straight[order][:, order])


def test_a_pair_is_drawn_once_wherever_it_stands(source):
    """Rows against columns, repeated, give what the square mask gives under the same draw."""
    mask = PairMask(source, threshold=0.1, confidence=0.5)
    torch.manual_seed(1)
    square = mask(NAMES)
    torch.manual_seed(1)
    twice = mask(NAMES[:10], NAMES + NAMES)
    assert twice.equal(torch.cat([square[:10], square[:10]], dim=1))


@pytest.mark.parametrize(
    "options",
    [{"threshold": 0.5}, {"threshold": 0.5, "weighting": "affinity"}, {"threshold": None, "top_k": 3}],
)
@pytest.mark.parametrize("kind", ["dense", "top_k"])
def test_either_direction_of_a_pair_counts(real, tmp_path, kind, options):
    """In a square as in rows against columns: W is that of the larger of the two numbers."""
    if kind == "top_k":
        directed = AffinityCache.build(tmp_path / "cache", real, top_k=4)
        matrix = directed.matrix.toarray()
    else:
        matrix = np.random.default_rng(5).random((N, N)).astype(np.float32)
        np.fill_diagonal(matrix, 1)
        directed = (matrix, range(N))
    assert (matrix != matrix.T).any()
    mask = PairMask(directed, **options)
    expected = PairMask((np.maximum(matrix, matrix.T), range(N)), **options)
    for ids in ((list(range(N)),), ([5, 3, 39, 3], list(range(N))), (list(range(N)), [7, 21]), ([4], [9])):
        assert mask(*ids).equal(expected(*ids))


@pytest.mark.parametrize("confidence", [0.1, 0.5, 0.9])
def test_the_expected_share_is_kept(confidence):
    count = 60
    mask = PairMask((np.ones((count, count)), range(count)), threshold=0.7, confidence=confidence)
    upper = torch.triu_indices(count, count, 1)
    torch.manual_seed(0)
    draws = torch.stack([mask(list(range(count)))[upper[0], upper[1]] for _ in range(200)]).double()
    spread = (confidence * (1 - confidence)) ** 0.5
    assert abs(draws.mean() - confidence) < 4 * spread / draws.numel() ** 0.5
    per_pair = draws.mean(dim=0)
    assert float((per_pair - confidence).abs().max()) < 5 * spread / 200**0.5
    # Two pairs that share an image are as independent as any.
    assert abs(float((draws[:, 0] * draws[:, 1]).mean()) - confidence**2) < 4 * 0.5 / 200**0.5


def test_confidence_0_and_1(source):
    everything = PairMask(source, threshold=0.1)(NAMES)
    assert PairMask(source, threshold=0.1, confidence=1.0)(NAMES).equal(everything)
    assert PairMask(source, threshold=0.1, confidence=0.0)(NAMES).equal(torch.eye(N, dtype=torch.bool))


def test_draws_follow_the_generator(source):
    masks = [
        PairMask(source, threshold=0.1, confidence=0.5, generator=torch.Generator().manual_seed(seed))
        for seed in (4, 4, 5)
    ]
    first, second, third = (torch.stack([mask(NAMES) for _ in range(3)]) for mask in masks)
    assert first.equal(second)
    assert not first.equal(third)
    assert not first[0].equal(first[1])


def test_pair_numbers_are_uniform_and_unordered():
    codes = np.arange(3000)
    numbers = pair_numbers(17, codes[:, None], codes[None])
    np.testing.assert_array_equal(numbers, numbers.T)
    upper = numbers[np.triu_indices(3000, 1)]
    counts = np.histogram(upper, bins=100, range=(0, 1))[0]
    assert ((counts - counts.mean()) ** 2 / counts.mean()).sum() < 160  # chi², 99 degrees of freedom
    assert len(np.unique(upper)) == len(upper)


def test_masks_pickle_for_spawned_processes(source, real):
    for one in (source, real, Asked(source)):
        mask = PairMask(one, threshold=0.4, generator=torch.Generator().manual_seed(0))
        ids = one.ids[:9]
        assert pickle.loads(pickle.dumps(mask))(ids).equal(mask(ids))


# --- top_k, quantile, schedules -------------------------------------------------------------------


def test_top_k_is_the_union_in_a_batch_and_by_row_in_a_queue(source, affinities):
    others = affinities.copy()
    np.fill_diagonal(others, 0)
    order = np.argsort(-others, axis=1, kind="stable")[:, :3]
    rows = np.zeros((N, N), bool)
    np.put_along_axis(rows, order, True, axis=1)
    rows &= others > 0
    own = np.eye(N, dtype=bool)
    mask = PairMask(source, threshold=None, top_k=3)
    np.testing.assert_array_equal(mask(NAMES).numpy(), rows | rows.T | own)
    np.testing.assert_array_equal(mask(NAMES[:9], NAMES).numpy(), (rows | own)[:9])
    strict = PairMask(source, threshold=0.9, top_k=3)(NAMES).numpy()
    np.testing.assert_array_equal(strict, ((rows | rows.T) & (affinities >= np.float32(0.9))) | own)


def test_quantile_becomes_a_threshold(source, affinities):
    valid = np.delete(np.delete(affinities, 7, 0), 7, 1)
    expected = np.quantile(valid[np.triu_indices(N - 1, 1)], 0.8, method="higher")
    for one in (source, Asked(source)):
        assert PairMask(one, quantile=0.8).threshold == pytest.approx(expected)


def test_schedules_follow_the_epoch(source):
    mask = PairMask(source, threshold=lambda epoch: 0.9 - 0.1 * epoch, confidence=lambda epoch: 1.0)
    counts = []
    for epoch in range(5):
        mask.set_epoch(epoch)
        assert mask.threshold == pytest.approx(0.9 - 0.1 * epoch)
        assert mask(NAMES).equal(PairMask(source, threshold=mask.threshold)(NAMES))
        counts.append(int(mask(NAMES).sum()))
    assert counts == sorted(counts)
    assert counts[0] < counts[-1]


# --- unknown and invalid --------------------------------------------------------------------------


def test_invalid_and_unknown_are_positives_of_themselves_alone(source):
    ids = ["image7", "new", "image7", "new", "image1", "other"]
    same = torch.tensor([[a == b for b in ids] for a in ids])
    assert PairMask(source, threshold=0.0)(ids).equal(same)


def test_unknown_can_raise(source):
    mask = PairMask(source, threshold=0.7, unknown="raise")
    with pytest.raises(KeyError, match="no gaze with the id 'new'"):
        mask(["image1", "new"])
    with pytest.raises(KeyError, match="no gaze with the id 'new'"):
        mask(["image1"], np.array(["image1", "new"]))
    empty = torch.tensor([-1, -1])
    assert not mask(["image1"], empty).any()


def test_a_batch_of_strangers_is_told_once(source):
    mask = PairMask(source, threshold=0.0)
    with pytest.warns(UserWarning, match=r"none of 2 images, such as 'image7\.png', .* such as 'image0'"):
        assert mask(["image7.png", "image1.png"]).equal(torch.eye(2, dtype=torch.bool))
    mask(["image7.png", "image1.png"])
    PairMask(source, threshold=0.0)(["image7.png"])  # alone it may well have no gaze


def test_empty_places_are_never_positive(source):
    empty = torch.full((4,), -1)
    for weighting in ("binary", "affinity"):
        mask = PairMask(source, threshold=0.0, weighting=weighting)
        assert not mask(NAMES, empty).any()
        assert not mask(empty, empty).any()
        assert not mask(empty).any()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"threshold": 1.5}, "threshold is 1.5"),
        ({"threshold": lambda epoch: float("nan")}, "threshold is nan"),
        ({"confidence": -0.1}, "confidence is -0.1"),
        ({"top_k": 0}, "top_k is 0"),
        ({"weighting": "soft"}, 'weighting is \'soft\'; expected "binary", "affinity" or "softmax"'),
        ({"unknown": "ignore"}, "unknown is 'ignore'"),
        ({}, "threshold, top_k and quantile are all missing; expected one .* `gazesim inspect CACHE`"),
        ({"threshold": None}, "threshold, top_k and quantile are all missing"),
        ({"weighting": "affinity"}, "threshold, top_k and quantile are all missing"),
        ({"threshold": 0.5, "temperature": 0.1}, 'temperature is 0.1, which weighting "binary" does not'),
        ({"weighting": "softmax", "temperature": 0.0}, "temperature is 0"),
        ({"threshold": 0.5, "quantile": 0.9}, "threshold and quantile are both given"),
    ],
)
def test_bad_parameters(source, options, message):
    with pytest.raises(ValueError, match=message):
        PairMask(source, **options)


def test_bad_sources_and_ids(source, affinities):
    with pytest.raises(TypeError, match="source is ndarray of shape"):
        PairMask(affinities, threshold=0.7)
    with pytest.raises(ValueError, match="ids has 3 entries; expected one for each of the 40"):
        PairMask((affinities, NAMES[:3]), threshold=0.7)
    for cell in (np.nan, -0.1, 1.5, np.inf):
        matrix = np.full((3, 3), 0.5)
        matrix[1, 2] = cell
        with pytest.raises(ValueError, match=rf"matrix: \[1, 2\] is {cell:g}; expected a number in \[0, 1\]"):
            DenseSource(matrix, [0, 1, 2])
    with pytest.raises(ValueError, match=r"expected \(n, n\)"):
        DenseSource(affinities[:3], NAMES[:3])
    mask = PairMask(source, threshold=0.7)
    with pytest.raises(TypeError, match="expected several ids"):
        mask("image1")
    with pytest.raises(TypeError, match=r"torch.float32 tensor of shape \(3,\)"):
        mask(torch.rand(3))
    with pytest.raises(TypeError, match="an id is None"):
        mask(["image1", None])
    with pytest.raises(TypeError, match=r"an id is \[\]"):
        mask(["image1", []])


def test_a_wrong_block_is_told(source):
    broken = Asked(source)
    broken.block = lambda ids_a, ids_b=None: np.zeros((1, 1))
    with pytest.raises(ValueError, match=r"source.block returned shape \(1, 1\); expected \(2, 2\)"):
        PairMask(broken, threshold=0.7)(NAMES[:2])


# --- codes ----------------------------------------------------------------------------------------


def test_codes_are_stable_and_distinct():
    ids = [
        "a",
        "b",
        ("a", "b"),
        ("ab",),
        (("a",), "b"),
        0,
        7,
        -1,
        -3,
        2**63,
        0.5,
        "0",
        ("a", 1),
        ("a", "1"),
        "",
    ]
    codes = id_codes(ids).tolist()
    assert len(set(codes)) == len(ids)
    assert -1 not in codes
    assert id_codes(["image1"]).tolist() == [-7443656287419561159]  # checkpoints hold it
    assert id_codes([np.str_("a"), np.int64(7), True, 1.0, (np.int64(1), "x")]).equal(
        id_codes(["a", 7, 1, 1, (1, "x")])
    )


@given(
    ids=st.lists(st.integers(0, 2**40) | st.text(max_size=5), unique=True, max_size=40),
    wanted=st.lists(st.integers(0, 50) | st.text(max_size=2), max_size=40),
)
def test_positions_are_those_of_a_dict(ids, wanted):
    positions = Positions(tuple(ids))
    expected = {name: position for position, name in enumerate(ids)}
    wanted = [*ids, *wanted]
    assert positions(id_codes(wanted).numpy()).tolist() == [expected.get(name, -1) for name in wanted]


@given(threshold=st.sampled_from([0.0, 0.3, 0.7, 1.0]), seed=st.integers(0, 99))
def test_bits_are_the_comparison(affinities, threshold, seed):
    rng = np.random.default_rng(seed)
    rows, columns = rng.permutation(N)[:9], rng.permutation(N)[:13]
    block = affinities[np.ix_(rows, columns)]
    expected = (block >= np.float32(threshold)) & (block > 0)
    for matrix in (affinities, csr_array(affinities)):
        np.testing.assert_array_equal(Bits(matrix, threshold).block(rows, columns), expected)


# --- pytorch-metric-learning ----------------------------------------------------------------------


def test_indices_tuple_is_that_of_labels():
    labels = torch.tensor([0, 1, 0, 2, 1])
    weights = labels[:, None] == labels
    for views in (1, 2, 3):
        for ours, theirs in zip(
            indices_tuple(weights, views=views), get_all_pairs_indices(labels.repeat(views)), strict=True
        ):
            assert ours.equal(theirs)
    for ours, theirs in zip(
        indices_tuple(weights[:, :3], views=0), get_all_pairs_indices(labels, labels[:3]), strict=True
    ):
        assert ours.equal(theirs)
    with pytest.raises(ValueError, match=r"weights has shape \(5, 3\); expected \(N, N\)"):
        indices_tuple(weights[:, :3])
