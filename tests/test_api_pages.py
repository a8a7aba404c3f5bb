"""The site's API reference: every public name has a page, and every listed name exists."""

from __future__ import annotations

import importlib
import re

import pytest

from conftest import REPO

PAGES = REPO / "docs" / "api"
#: Submodules, whose names are listed one by one, and what is no object with a page.
WITHOUT_PAGE = {"__version__", "measures", "phantom", "reference", "saliency", "views"}


def listed():
    """Return the (module, name) pairs of all lists of the API pages."""
    found = []
    for page in sorted(PAGES.glob("*.md")):
        module = ""
        for line in page.read_text().splitlines():
            if match := re.fullmatch(r"\.\. currentmodule:: (\S+)", line):
                module = match[1]
            elif match := re.fullmatch(r"   ([A-Za-z_]\w*)", line):
                found.append((module, match[1]))
    return found


def test_listed_names_exist_and_are_listed_once():
    pytest.importorskip("gazesim.train")
    names = listed()
    assert len(names) == len(set(names)) > 100
    for module, name in names:
        assert hasattr(importlib.import_module(module), name), f"{module}.{name}"


@pytest.mark.parametrize(
    "module", ["gazesim", "gazesim.torch", "gazesim.train", "gazesim.saliency", "gazesim.views"]
)
def test_no_public_name_without_a_page(module):
    pytest.importorskip("gazesim.train")
    objects = [getattr(importlib.import_module(where), name) for where, name in listed()]
    room = importlib.import_module(module)
    for name in set(room.__all__) - (WITHOUT_PAGE if module == "gazesim" else set()):
        assert any(getattr(room, name) is one for one in objects), f"{module}.{name}"


def test_every_page_is_in_the_table_of_contents():
    contents = (PAGES / "index.md").read_text()
    for page in PAGES.glob("*.md"):
        assert page.name == "index.md" or f"\n{page.stem}\n" in contents, page.name


def test_start_page_shows_the_printed_commands():
    from gazesim.commands.example import WAY

    start = (REPO / "docs" / "start.md").read_text()
    assert all(f"!gazesim {words}" in start for words in WAY)
