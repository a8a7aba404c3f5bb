"""Help texts of verbs: of up to 24 lines with an example at the end, or with every option described."""

from __future__ import annotations

import argparse
import shutil
import textwrap
from collections.abc import Mapping, Sequence

from .options import Option, Parser, add_options, lines_of

__all__ = ["HELP", "HELP_ALL", "SHARED", "actions_text", "help_text"]

HELP, HELP_ALL = ("-h", "--help"), "--help_all"
#: Options of every verb: name and help.
SHARED = {
    "--help": "Show the usual options and an example.",
    HELP_ALL: "Describe every option.",
    "--debug": "Show the traceback of an error (or set GAZESIM_DEBUG=1).",
    "--quiet": "Leave out the line that says what to type next.",
}
#: Largest number of lines of the short help, and limits of its width in characters.
HELP_LINES, LEAST_WIDTH, MOST_WIDTH = 24, 60, 110


def help_text(
    prog: str,
    text: str,
    options: Sequence[Option],
    *,
    common: Sequence[str] | None,
    example: str | None,
    asked: str,
) -> str:
    """Return the help of a verb.

    ``text`` is its description, ``common`` names the options that the short help describes (None: all that
    have room), ``example`` is a command without its first word, ``asked`` the word that asked for help.
    """
    required = [one for one in options if one.is_required]
    words = (f"{one.name.upper()}{' ...' if one.is_list else ''}" for one in required)
    usage = " ".join([prog, *words, "[options]"])
    end = ["", f"example: gazesim {example}"] if example else []
    if asked != HELP_ALL:
        return _short(usage, text.split("\n\n")[0], options, common, end)
    parser = Parser(prog=prog, usage=usage, description=text.strip())
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    add_options(parser, options)
    for one in required:
        if one.is_list:
            parser.add_argument(one.name, nargs="*", help=one.help)
    for name, line in SHARED.items():
        parser.add_argument(name, action="store_true", help=line)
    return "\n".join([parser.format_help().rstrip(), *end])


def actions_text(prog: str, helps: Mapping[str, str]) -> str:
    """Return the help of a verb with actions, from the short help of each: usage, summary and example."""
    parts = [text.split("\n\n") for text in helps.values()]
    lines = [f"usage: {prog} ACTION ...   ({prog} ACTION --help says more)", ""]
    for usage, summary, *_ in parts:
        lines += [usage.removeprefix("usage: "), textwrap.indent(summary, "  "), ""]
    return "\n".join(lines + [one[-1] for one in parts])


def _short(
    usage: str, summary: str, options: Sequence[Option], common: Sequence[str] | None, end: Sequence[str]
) -> str:
    """Return the common options, a line each, and the names of the others by their groups."""
    width = min(max(shutil.get_terminal_size((100, 24)).columns, LEAST_WIDTH), MOST_WIDTH)
    shown = [one for one in options if one.is_required or common is None or one.name in common]
    head = [
        f"usage: {usage}",
        "",
        *textwrap.wrap(" ".join(summary.split()), width, break_on_hyphens=False),
        "",
    ]
    tail = [f"  {', '.join(SHARED)}", *end]
    while True:
        more = _names_by_group([one for one in options if one not in shown], width - 2)
        heading = [f"more options ({HELP_ALL} describes them):"] if more else []
        lines = [*head, *lines_of(shown, width), *heading, *more, *tail]
        if len(lines) <= HELP_LINES or len(shown) <= 1:
            return "\n".join(lines)
        shown.pop()


def _names_by_group(options: Sequence[Option], width: int) -> list[str]:
    """Return the names of options, a paragraph for each group, headed by its name."""
    groups: dict[str, list[Option]] = {}
    for one in options:
        groups.setdefault(one.group, []).append(one)
    lines: list[str] = []
    for group, members in groups.items():
        is_section = all("." in one.name for one in members)  # --probe.NAME: l2, candidates, ...
        names = [one.name.partition(".")[2] if is_section else f"--{one.name}" for one in members]
        head = f"--{group}.NAME: " if is_section else f"{group}: " if group else ""
        listed = ", ".join(names)
        lines += textwrap.wrap(
            listed, width, initial_indent=f"  {head}", subsequent_indent="  ", break_on_hyphens=False
        )
    return lines
