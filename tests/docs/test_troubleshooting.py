"""The troubleshooting page quotes messages of the source."""

from __future__ import annotations

import ast
import re

import pytest

from conftest import REPO

PAGE = REPO / "docs" / "guides" / "troubleshooting.md"
#: What stands for a name or a number, in the page and here.
GAP = "…"


def texts():
    """Return all strings of the package, with a gap for what is put into them."""
    found = set()
    for path in (REPO / "python" / "gazesim").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                found.add(node.value)
            elif isinstance(node, ast.JoinedStr):
                parts = [part.value if isinstance(part, ast.Constant) else GAP for part in node.values]
                found.add("".join(parts))
    return found


TEXTS = texts()


def quoted():
    """Return the messages of the first column of the page's tables."""
    rows = [line for line in PAGE.read_text().splitlines() if line.startswith("| `")]
    return [re.match(r"\| `(.+?)` \|", row)[1] for row in rows]


def test_there_are_many():
    assert len(quoted()) == len(set(quoted())) >= 40


@pytest.mark.parametrize("message", quoted())
def test_message_is_in_the_source(message):
    # Gaps side by side are one; one at an end may stand for the rest of a message.
    wanted = re.sub(f"{GAP}+", GAP, message).strip(GAP)
    assert any(wanted in re.sub(f"{GAP}+", GAP, text) for text in TEXTS), message


@pytest.mark.parametrize("message", ["screen_size is lacking (…)", "holds … files of no format"])
def test_other_messages_are_not(message):
    assert not any(message.strip(GAP) in text for text in TEXTS)
