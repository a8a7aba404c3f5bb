"""A cache behind a symbolic link: the link stays, and the folder that it points to is built or replaced."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from caches import contents, gaze, left_over
from gazesim import AffinityCache
from gazesim.cache import plan as planning

pytestmark = [
    pytest.mark.filterwarnings("ignore::gazesim.InvalidGazeWarning"),
    pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning"),
]


@pytest.fixture(params=["absolute", "relative", "of a link"])
def link(request, tmp_path: Path) -> Path:
    """Return links/cache, which points to disk/c; nothing is at disk/c yet."""
    (tmp_path / "links").mkdir()
    (tmp_path / "disk").mkdir()
    link = tmp_path / "links" / "cache"
    if request.param == "absolute":
        link.symlink_to(tmp_path / "disk" / "c")
    elif request.param == "relative":
        link.symlink_to(Path("..", "disk", "c"))
    else:
        (tmp_path / "links" / "first").symlink_to(tmp_path / "disk" / "c")
        link.symlink_to("first")
    return link


def check(link: Path, expected: Path) -> None:
    """Assert that the link is still one, that the folder behind it is the expected cache, and no other."""
    folder = link.parent.parent / "disk" / "c"
    assert link.is_symlink()
    assert contents(folder) == contents(expected)
    assert left_over(folder) == []
    assert not [name for name in left_over(link) if name != "first"]
    assert AffinityCache.open(link).path == folder


@pytest.mark.parametrize("is_there", [False, True])
def test_a_build_through_a_link(tmp_path: Path, link: Path, is_there) -> None:
    expected = AffinityCache.build(tmp_path / "whole", gaze(9)).path
    if is_there:
        (tmp_path / "disk" / "c").mkdir()
    AffinityCache.build(link, gaze(9))
    check(link, expected)
    assert len(AffinityCache.build(link, gaze(9))) == 9


def test_an_append_through_a_link(tmp_path: Path, link: Path) -> None:
    ids = [f"i{n}" for n in range(9)]
    both = gaze(9, ids=ids)
    expected = AffinityCache.build(tmp_path / "whole", both).path
    AffinityCache.build(tmp_path / "disk" / "c", both[:4])
    AffinityCache.open(link).append(both[4:6]).append(both[6:])
    check(link, expected)


def test_a_merge_through_a_link(tmp_path: Path, monkeypatch, link: Path) -> None:
    monkeypatch.setattr(planning, "BLOCK_PAIRS", 50)
    expected = AffinityCache.build(tmp_path / "whole", gaze(30)).path
    for share in (1, 2):
        AffinityCache.build_share(link, gaze(30), share=(share, 2))
    AffinityCache.merge(link)
    check(link, expected)


def test_a_matrix_through_a_link(tmp_path: Path, link: Path) -> None:
    expected = AffinityCache.from_matrix(tmp_path / "whole", np.eye(2), ids=["a", "b"]).path
    (tmp_path / "disk" / "c").mkdir()
    AffinityCache.from_matrix(link, np.eye(2), ids=["a", "b"])
    check(link, expected)


def test_links_among_the_parents_keep_their_names(tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    (tmp_path / "scratch").symlink_to("disk")
    cache = AffinityCache.build(tmp_path / "scratch" / "c", gaze(4))
    assert cache.path == tmp_path / "scratch" / "c"


def test_a_cache_that_an_earlier_version_built_over_its_link_can_be_appended_to(tmp_path: Path) -> None:
    """That version moved the link to .c.building/replaced, where it could not be removed."""
    both = gaze(6, ids=list("abcdef"))
    cache = AffinityCache.build(tmp_path / "c", both[:3])
    AffinityCache.build(tmp_path / "stale", both[:2])
    (tmp_path / ".c.building").mkdir()
    (tmp_path / ".c.building" / "replaced").symlink_to(tmp_path / "stale")
    assert len(cache.append(both[3:])) == 6
    assert left_over(cache.path) == ["stale"]
    assert len(AffinityCache.open(tmp_path / "stale")) == 2
