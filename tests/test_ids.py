"""One index of ids: the same rules for scanpaths, features, caches, matrices and masks."""

from __future__ import annotations

import numpy as np
import pytest

from gazesim import AffinityCache, Moments, Scanpaths
from gazesim.ids import IdIndex, Source, as_ids, block_at

#: Whole numbers that are no positions, beside a string and a pair.
IDS = (7, 2, "case", ("case", "reader"))


@pytest.fixture(scope="module")
def maps():
    return np.random.default_rng(0).random((4, 8, 8))


@pytest.fixture(scope="module", params=["features", "cache", "neighbors", "matrix", "mask"])
def source(request, maps, tmp_path_factory):
    features = Moments().features(maps, ids=IDS)
    folder = tmp_path_factory.mktemp("sources")
    if request.param == "features":
        return features
    if request.param == "cache":
        return AffinityCache.build(folder / "dense", features)
    if request.param == "neighbors":
        return AffinityCache.build(folder / "kept", features, threshold=0.01)
    tools = pytest.importorskip("gazesim.torch")
    dense = tools.DenseSource(features.affinity(), IDS)
    if request.param == "matrix":
        return dense
    return tools.PairMask(dense, weighting="softmax")


def test_every_source_is_one(source):
    assert isinstance(source, Source)
    whole = source.block(IDS)
    np.testing.assert_allclose(source.block_at(range(4)), whole)
    np.testing.assert_allclose(block_at(source, np.arange(4)), whole)
    assert whole.shape == (4, 4)
    assert whole.dtype == np.float32


def test_ids_are_ids_and_positions_positions(source):
    """2 is the id of the second gaze, whatever is at position 2."""
    whole = source.block(IDS)
    if hasattr(source, "weighting"):
        whole = source.block([2], IDS)  # its rows depend on the columns
        np.testing.assert_allclose(source.block_at([1], range(4)), whole)
        return
    np.testing.assert_allclose(source.block([2, 7, 2], ["case"]), whole[[1, 0, 1]][:, [2]])
    np.testing.assert_allclose(source.block_at([2, 0, 2], [1]), whole[[2, 0, 2]][:, [1]])
    for form in (np.array([2, 7]), (2, 7), iter([2, 7]), [np.int64(2), 7.0]):
        np.testing.assert_allclose(source.block(form, [7]), whole[[1, 0]][:, [0]])


def test_numbers_of_torch_are_ids(source):
    torch = pytest.importorskip("torch")
    expected = source.block([2, 7], [7, 2])
    np.testing.assert_allclose(source.block(torch.tensor([2, 7]), torch.tensor([7, 2])), expected)
    np.testing.assert_allclose(source.block(list(torch.tensor([2, 7])), [7, 2]), expected)


def test_a_string_is_never_its_letters(source):
    for wrong in ("case", b"case", 7):
        with pytest.raises(TypeError, match="expected several ids"):
            source.block(wrong)
    with pytest.raises(ValueError, match="expected one dimension"):
        source.block(np.array([[7, 2]]))


@pytest.mark.parametrize("unknown", ["other", 1, ("case", "other")])
def test_unknown_ids_are_named(source, unknown):
    if hasattr(source, "weighting"):
        return  # to a mask, an unknown image is its own positive
    with pytest.raises(KeyError, match=r"id .*other|id 1\b"):
        source.block([7, unknown])


def test_a_pair_given_as_several_ids_is_told(source):
    if hasattr(source, "weighting"):
        return
    with pytest.raises(KeyError, match="is one id; expected several ids"):
        source.block(("case", "reader"))


def test_unknown_ids_get_a_hint():
    by_reader = IdIndex((("a", "r1"), ("a", "r2")))
    with pytest.raises(
        KeyError, match=r"no gaze has the id 'a'; the ids here are pairs \(image_id, reader_id\)"
    ):
        by_reader.positions(["a"])
    with pytest.raises(KeyError, match="the ids here are whole numbers, such as 12"):
        IdIndex((12, 13)).positions(["12"])
    with pytest.raises(KeyError, match="the ids here are text, such as '12'"):
        IdIndex(("12", "13")).position(12)
    assert 13 in IdIndex((12, 13))
    assert [] not in IdIndex((12, 13))


def test_missing_ids_are_refused():
    with pytest.raises(TypeError, match=r"ids\[1\] is nan"):
        as_ids(["a", float("nan")], 2)
    rows = {"x": [1, 2], "y": [3, 4], "duration": [0.1, 0.2]}
    for missing in (None, float("nan")):
        with pytest.raises(ValueError, match=r"table: row 1: image_id is .*, a missing value"):
            Scanpaths.from_table({"image_id": ["a", missing], **rows})


# --- scanpaths ------------------------------------------------------------------------------------


def numbered(ids):
    return Scanpaths.from_list([[[k, k, 0.1]] for k in range(len(ids))], ids=ids)


def test_whole_numbers_are_ids_of_scanpaths_whose_ids_are_numbers():
    paths = numbered([20, 0, 10])
    assert paths[10][0, 0] == 2
    assert paths[0][0, 0] == 1
    assert paths[[10, 20]].ids == paths[np.array([10, 20])].ids == (10, 20)
    assert paths.at(0)[0, 0] == 0
    assert paths.at(-1)[0, 0] == 2
    assert paths.at([2, 0]).ids == (10, 20)
    assert paths[1:].ids == paths[np.array([False, True, True])].ids == (0, 10)
    for unknown in (1, [10, 1], -1):
        with pytest.raises(KeyError, match=r"no scanpath has the id -?1"):
            paths[unknown]


def test_whole_numbers_are_positions_where_no_id_is_one():
    paths = numbered(["a", "b", "c"])
    assert paths[1][0, 0] == paths["b"][0, 0] == paths.at(1)[0, 0] == 1
    assert paths[[2, 0]].ids == paths[["c", "a"]].ids == ("c", "a")
    default = Scanpaths.from_list([[[1, 2, 0.1]], [[3, 4, 0.1]]])
    assert default[-1][0, 0] == 3
    with pytest.raises(KeyError, match="no scanpath has the id 3"):
        paths[["a", 3]]
    with pytest.raises(TypeError, match="expected several ids"):
        paths.positions("ab")
