"""Links inside the documents lead somewhere, and every page is in a table of contents; without a build."""

from __future__ import annotations

import re

import pytest

from conftest import REPO

DOCS = REPO / "docs"
SITE = sorted(path for path in DOCS.rglob("*.md") if not {"_build", "generated", "gallery"} & set(path.parts))
#: Written by the build itself, from examples/gallery.
GALLERY = DOCS / "gallery"


def exists(target):
    """Return whether a page of the site exists; those of the gallery stand for their scripts."""
    if target.is_relative_to(GALLERY):
        name = target.relative_to(GALLERY)
        return str(name) == "index" or (REPO / "examples" / "gallery" / f"{name}.py").is_file()
    return target.with_name(f"{target.name}.md").is_file()


def resolved(page, name):
    """Return the page that a name means: from the root of the site, or from the page's folder."""
    return DOCS / name[1:] if name.startswith("/") else (page.parent / name).resolve()


@pytest.mark.parametrize("page", SITE, ids=lambda path: str(path.relative_to(DOCS)))
def test_pages_that_a_page_names_exist(page):
    for name in re.findall(r"\{doc\}`(?:[^`<]*<)?([^`>]+)>?`", page.read_text()):
        assert exists(resolved(page, name)), name


@pytest.mark.parametrize(
    "page",
    [*SITE, REPO / "README.md", REPO / "CONTRIBUTING.md", REPO / "CHANGELOG.md"],
    ids=lambda path: path.name,
)
def test_files_that_a_page_names_exist(page):
    text = re.sub(r"```.*?```", "", page.read_text(), flags=re.DOTALL)
    for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", text):
        if not re.match(r"[a-z]+:", target):
            assert (page.parent / target).exists(), target


def test_included_files_exist():
    for page in SITE:
        for name in re.findall(r"\{(?:literal)?include\} (\S+)", page.read_text()):
            assert (page.parent / name).is_file(), (page.name, name)


def test_every_page_is_in_a_table_of_contents():
    listed = {DOCS / "index"}
    for page in SITE:
        for block in re.findall(r"```\{toctree\}\n(.*?)```", page.read_text(), flags=re.DOTALL):
            entries = [line for line in block.splitlines() if line and not line.startswith(":")]
            for name in (re.sub(r".*<(.+)>", r"\1", entry) for entry in entries):
                assert exists(resolved(page, name)), (page.name, name)
                listed.add(resolved(page, name))
    assert {page.with_suffix("") for page in SITE} == {
        path for path in listed if not path.is_relative_to(GALLERY)
    }
