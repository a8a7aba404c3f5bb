"""Match the names of images in gaze files with those on disk, by named rules."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

__all__ = ["RULES", "Names", "plain"]

#: Rules by which two names match, in the order in which they are tried.
RULES = (
    "exact id",
    "without extension",
    "without folder",
    "without folder and extension",
    "in any case of letters",
)


def plain(name: str, rule: str) -> str:
    """Return the part of a name that a rule compares.

    Examples
    --------
    >>> from gazesim.reading.names import plain
    >>> plain("set 1/A.JPG", "without folder and extension"), plain("A.JPG", "in any case of letters")
    ('A', 'a')
    """
    if rule == "exact id":
        return name
    whole = name.replace("\\", "/")
    folder, slash, base = whole.rpartition("/")
    if rule == "without folder":
        return base
    stem, dot, ending = base.rpartition(".")
    # The text behind the last dot is an extension if it is short and not a number: 1.2.840.113 is an id.
    stem = stem if dot and stem and 0 < len(ending) <= 5 and not ending.isdigit() else base
    if rule == "without extension":
        return folder + slash + stem
    return stem if rule == "without folder and extension" else stem.casefold()


class Names:
    """Known names, looked up by other spellings; a spelling that matches two of them finds neither.

    Examples
    --------
    >>> from gazesim.reading.names import Names
    >>> names = Names(["scans/a.png", "scans/b.png"])
    >>> names.find("a"), names.rule_of("a"), names.find("c"), names.near("scans/c.png")
    ('scans/a.png', 'without folder and extension', None, 'scans/b.png')
    """

    def __init__(self, names: Iterable[str]) -> None:
        self._names = list(names)
        self._by_rule: dict[str, dict[str, str | None]] = {}
        for rule in RULES:
            table: dict[str, str | None] = {}
            for name in self._names:
                key = plain(name, rule)
                table[key] = None if key in table and table[key] != name else name
            self._by_rule[rule] = table

    def find(self, name: str) -> str | None:
        """Return the known name that matches by the first rule that applies, or None."""
        rule = self.rule_of(name)
        return None if rule is None else self._by_rule[rule][plain(name, rule)]

    def rule_of(self, name: str) -> str | None:
        """Return the first rule by which a name matches exactly one known name, or None."""
        for rule in RULES:
            if self._by_rule[rule].get(plain(name, rule)) is not None:
                return rule
        return None

    def near(self, name: str) -> str | None:
        """Return a known name with a similar spelling, or None."""
        close = difflib.get_close_matches(name, self._names, n=1, cutoff=0.8)
        return close[0] if close else None
