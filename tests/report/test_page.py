"""A report as a file: nothing in it is fetched, no name is markup, its numbers come back bit for bit."""

from __future__ import annotations

import base64
import re
import sys
import zlib
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from gazesim import AffinityCache, cli
from gazesim.cache.inspection import inspect_cache
from gazesim.report import write_inspection
from gazesim.report.page import packed, script_json
from gazesim.report.pictures import packed_gazes, thumbnails
from report.studies import EVIL, KINDS, data_of, study

pytestmark = pytest.mark.filterwarnings("ignore::gazesim.InvalidGazeWarning")


def unpacked(text: str, kind: str) -> np.ndarray:
    """Undo gazesim.report.page.packed in another way than the page does."""
    planes = np.frombuffer(zlib.decompress(base64.b64decode(text)), np.uint8)
    return planes.reshape(np.dtype(kind).itemsize, -1).T.copy().view(kind).reshape(-1)


class Elements(HTMLParser):
    """All elements of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, dict]] = []

    def handle_starttag(self, tag, attributes) -> None:
        self.found.append((tag, dict(attributes)))


@pytest.mark.parametrize("kind", KINDS)
def test_names_are_text_and_nothing_is_fetched(tmp_path: Path, kind) -> None:
    page = study(kind, tmp_path).report.read_text(encoding="utf-8")
    assert EVIL not in page
    elements = Elements()
    elements.feed(page)
    scripts = [attributes for tag, attributes in elements.found if tag == "script"]
    assert len(scripts) == 6  # BokehJS, page, counts, scanpaths, inspection, and the data
    sources = [attributes.get(name) for _, attributes in elements.found for name in ("src", "href")]
    assert all(source[0] == "#" or source.startswith("data:") for source in sources if source is not None)
    assert not [
        tag for tag, attributes in elements.found if tag in ("b", "i", "img") and "class" not in attributes
    ]
    data = data_of(tmp_path / f"{kind}.html")
    assert data["names"][3] == EVIL
    assert data["classes"][0] == "<i>benign"


def test_affinities_and_gaze_come_back(tmp_path: Path) -> None:
    one = study("dense", tmp_path)
    data = data_of(one.report)
    values = unpacked(data["affinities"], "<f4")
    assert np.array_equal(values, one.found.matrix[np.triu_indices(60, 1)])
    assert data["gazes"]["size_wh"] == [64, 64]
    assert sum(data["gazes"]["counts"]) == len(unpacked(data["gazes"]["x"], "<i2"))


@pytest.mark.parametrize(
    "values", [np.empty(0, np.float32), np.arange(7, dtype=np.int16)], ids=["none", "some"]
)
def test_packing(values) -> None:
    assert np.array_equal(unpacked(packed(values), values.dtype.str), values)


def test_gaze_is_kept_to_a_ten_thousandth() -> None:
    path = np.array([[0.0, 47.9, 0.25], [63.5, -3.0, 70.0]])
    found = packed_gazes(["a", "b"], {"a": path}, (64, 48))
    assert found["counts"] == [2, 0]
    np.testing.assert_allclose(unpacked(found["x"], "<i2") / 10_000 * 64, path[:, 0], atol=64 / 20_000)
    np.testing.assert_allclose(unpacked(found["y"], "<i2") / 10_000 * 48, path[:, 1], atol=48 / 20_000)
    assert unpacked(found["ms"], "<u2").tolist() == [250, 65535]
    assert packed_gazes(["a"], {"a": path}, None)["size_wh"] == [63.5, 47.9]


def test_json_cannot_end_its_script() -> None:
    text = script_json({"</script>": "\u2028<!--&\ud800"})
    assert not re.search("[<>&\u2028]", text)


@pytest.mark.parametrize("shape", [(500, 300), (500, 300, 1), (500, 300, 3)], ids=str)
@pytest.mark.parametrize("kind", ["uint8", "uint16", "float32"])
def test_thumbnails_stay_in_their_budget(shape, kind) -> None:
    noise = np.random.default_rng(0).random(shape)
    pixels = noise.astype(kind) if kind == "float32" else (noise * np.iinfo(kind).max).astype(kind)
    names = list(range(40))
    found = thumbnails(names, lambda name: None if name == 3 else pixels, budget=60_000)
    assert sum(map(len, found)) <= 60_000
    assert found[3] == ""
    assert found[0].startswith("data:image/webp;base64,")
    assert thumbnails(names, None) == [""] * 40


def test_a_thousand_images_take_less_than_8_mb(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    points = rng.random((1000, 4))
    matrix = np.exp(-((points[:, None] - points) ** 2).sum(axis=2))
    cache = AffinityCache.from_matrix(tmp_path / "c", matrix, ids=range(1000))
    noise = rng.random((300, 300))
    gazes = {name: rng.random((30, 3)) for name in range(1000)}
    report = tmp_path / "r.html"
    write_inspection(inspect_cache(cache), report, gazes=gazes, screen_size=(1, 1), images=lambda _: noise)
    assert report.stat().st_size < 8_000_000


def test_degenerate_caches_have_reports(tmp_path: Path) -> None:
    invalid = AffinityCache.build(
        tmp_path / "c", [np.ones((1, 3))] * 4, ids=list("abcd"), screen_size=(9, 9), errors="ignore"
    )
    alike = AffinityCache.from_matrix(tmp_path / "d", np.ones((2, 2)), ids=range(2))
    for number, cache in enumerate((invalid, alike)):
        write_inspection(inspect_cache(cache), tmp_path / f"{number}.html")
        data = data_of(tmp_path / f"{number}.html")
        assert data["invalid_count"] == (4, 0)[number]
        assert (data["proposal"] is None) == (number == 0)


def test_command_writes_a_report(tmp_path: Path, capsys) -> None:
    cache = study("dense", tmp_path).cache
    assert cli.main(["inspect", str(cache.path), "--html", str(tmp_path / "out.html")]) == 0
    assert f"wrote {tmp_path / 'out.html'}: open it in a browser" in capsys.readouterr().out
    data = data_of(tmp_path / "out.html")
    assert data["names"][3] == EVIL
    assert data["gazes"]["counts"][0] > 0


def test_without_bokeh(tmp_path: Path, monkeypatch, capsys) -> None:
    cache = study("csr", tmp_path).cache
    monkeypatch.setitem(sys.modules, "bokeh", None)
    monkeypatch.setitem(sys.modules, "bokeh.embed", None)
    assert cli.main(["inspect", str(cache.path), "--html", str(tmp_path / "out.html")]) == 1
    assert 'expected: pip install "gazesim[report]"' in capsys.readouterr().err
    assert not (tmp_path / "out.html").exists()
