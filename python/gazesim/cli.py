"""The command line: ``gazesim VERB ...``. Each verb is a function in ``gazesim.commands``."""

from __future__ import annotations

import importlib
import json
import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import is_dataclass
from inspect import signature
from typing import Any, get_args, get_origin, get_type_hints

from jsonargparse import auto_cli

from ._errors import did_you_mean

#: verb: (module in gazesim.commands, one line for the overview)
VERBS = {
    "demo": ("demo", "all four schemes on a synthetic data set, in seconds"),
    "look": ("look", "gaze file in, what it holds and how it would be read out"),
    "fixations": ("fixations", "raw exports of trackers in, table of fixations per image out"),
    "affinity": ("affinity", "gaze file or folder in, affinity matrix and picture out"),
    "inspect": ("inspect", "what a cache holds, and which threshold suits it"),
    "predict-gaze": (
        "predict_gaze",
        "fit: images and gaze maps in, predictor out; run: images in, gaze maps out",
    ),
    "pretrain": ("pretrain", "images and gaze in, contrastively pre-trained backbone out"),
    "evaluate": ("evaluate", "checkpoints and labelled images in, tables of scores and affinity maps out"),
}

#: Options without a value.
ALONE = ("-h", "--help", "--print_config")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one verb and return the exit status."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    if not words or words[0] in ("-h", "--help"):
        print(overview())
        return 0 if words else 2
    verb, rest = words[0], words[1:]
    if verb not in VERBS:
        print(f"gazesim: {verb!r} is not a verb{did_you_mean(verb, VERBS)}\n\n{overview()}", file=sys.stderr)
        return 2
    try:
        module = importlib.import_module(f"gazesim.commands.{VERBS[verb][0]}")
        if hasattr(module, "main"):  # a verb with a parser of its own
            return int(module.main(rest))
        words = with_list(module.run, with_tuples(module.run, with_flags(module.run, rest)))
        auto_cli(module.run, args=words, prog=f"gazesim {verb}", as_positional=True)
    except (ValueError, TypeError, KeyError, OSError, ImportError) as error:
        print(f"gazesim {verb}: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(f"gazesim {verb}: interrupted", file=sys.stderr)
        return 130
    return 0


def with_flags(
    run: Callable[..., None] | Mapping[str, Callable[..., None]], words: Sequence[str]
) -> list[str]:
    """Return the words with ``--flag`` as ``--flag=true`` for the switches of a verb, or of its actions."""
    actions = run.values() if isinstance(run, Mapping) else [run]
    given = [item for action in actions for item in signature(action).parameters.items()]
    switches = {f"--{name}" for name, parameter in given if parameter.default is False}
    return [f"{word}=true" if word in switches else word for word in words]


def with_tuples(
    run: Callable[..., None] | Mapping[str, Callable[..., None]], words: Sequence[str]
) -> list[str]:
    """Return the words with numbers of one option as a list: ``--size 3,4`` as ``--size=[3,4]``.

    ``(3,4)``, ``3x4`` and ``3 4`` are understood as well.
    """
    actions = run.values() if isinstance(run, Mapping) else [run]
    counts = {name: count for action in actions for name, count in tuples_of(hints_of(action))}
    rest, found = list(words), []
    while rest:
        word = rest.pop(0)
        name, equals, value = word.partition("=")
        if name not in counts or not (equals or rest):
            found.append(word)
            continue
        value = value if equals else rest.pop(0)
        while not equals and is_number(rest[:1]) and value.count(" ") + 1 < counts[name]:
            value += f" {rest.pop(0)}"
        found.append(f"{name}={as_list(name, value, counts[name])}")
    return found


def as_list(name: str, value: str, count: int) -> str:
    """Return numbers with commas, spaces or x between them as JSON; ``count`` is 0 for any number of them."""
    if value in ("null", "None"):
        return value
    parts = re.split(r"\s*[,x×]\s*|\s+", value.strip("[]() ").rstrip(", "))
    if not is_number(parts) or count not in (0, len(parts)):
        expected = f"{count} numbers" if count else "numbers"
        raise ValueError(f"{name} is {value!r}; expected {expected} with commas between them")
    return (
        f"[{','.join(repr(int(part) if re.fullmatch('-?[0-9]+', part) else float(part)) for part in parts)}]"
    )


def is_number(words: Sequence[str]) -> bool:
    """Whether there are words, and all are numbers."""
    return bool(words) and all(
        re.fullmatch(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?", word, re.I) for word in words
    )


def hints_of(action: Callable[..., None]) -> dict[str, Any]:
    """Return the types of the options of a verb, those of gaze files for its ``**reading`` included."""
    from .commands.reading import read_gaze

    reads = any(one.kind is one.VAR_KEYWORD for one in signature(action).parameters.values())
    return {**(get_type_hints(read_gaze) if reads else {}), **get_type_hints(action)}


def tuples_of(hints: Mapping[str, Any], prefix: str = "--") -> Iterator[tuple[str, int]]:
    """Give every option that is a tuple, and how many items it has; settings have options of their own."""
    for name, hint in hints.items():
        for kind in (hint, *get_args(hint)):
            if get_origin(kind) is tuple:
                items = get_args(kind)
                yield prefix + name, 0 if Ellipsis in items else len(items)
            elif is_dataclass(kind):
                yield from tuples_of(get_type_hints(kind), f"{prefix}{name}.")


def with_list(run: Callable[..., None] | Mapping[str, Callable[..., None]], words: list[str]) -> list[str]:
    """Return the words that belong to no option as one list, where the verb begins with any number of them.

    They come first then, wherever they stood.
    """
    if isinstance(run, Mapping) or next(iter(signature(run).parameters.values())).annotation != "list[str]":
        return words
    rest, listed, options = list(words), [], []
    while rest:
        word = rest.pop(0)
        if not word.startswith("-"):
            listed.append(word)
            continue
        options.append(word)
        if rest and "=" not in word and word not in ALONE:
            options.append(rest.pop(0))
    return [json.dumps(listed), *options]


def overview() -> str:
    """Return the list of verbs."""
    width = max(map(len, VERBS))
    lines = [f"  {verb:<{width}}  {line}" for verb, (_, line) in VERBS.items()]
    return "\n".join(["usage: gazesim VERB ...   (gazesim VERB --help says more)", "", *lines])
