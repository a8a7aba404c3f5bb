"""The options of a verb, read from its function, and the conversion of command-line words to values.

The parser is argparse's. Types, defaults and help texts come from the function's signature and docstring,
so an option is described only once.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import types
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import MISSING, dataclass, fields, is_dataclass, replace
from inspect import Parameter, signature
from typing import Any, Literal, NoReturn, Union, get_args, get_origin, get_type_hints

from .._errors import did_you_mean, one_of

__all__ = [
    "Option",
    "Parser",
    "UsageError",
    "add_options",
    "build",
    "converted",
    "default_of",
    "expected",
    "option_words",
    "options_of",
    "words_of",
]

NOTHING = ("null", "None")
#: The heading of the options that all verbs share which read gaze files.
READING = "reading gaze files"
#: The start of a negative number, or of numbers with commas of which the first is negative.
NEGATIVE = re.compile(r"-\.?\d")
TRUE, FALSE = ("true", "yes", "on", "1"), ("false", "no", "off", "0")


class UsageError(Exception):
    """A wrong command line or configuration; the message is one sentence.

    Not a ValueError, because argparse would replace its message.
    """


class Parser(argparse.ArgumentParser):
    """An argparse parser that raises :class:`UsageError` instead of ending the process."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**{"allow_abbrev": False, "add_help": False, **settings})

    def error(self, message: str) -> NoReturn:
        """Raise the message."""
        raise UsageError(message)

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> tuple[Any, list[str]]:
        """Parse words as argparse does, but take ``-1,-1`` behind an option for its value.

        argparse takes a word that begins with "-" for an option, unless it is a single number.
        """
        takes_value = {
            name for action in self._actions if action.nargs is None for name in action.option_strings
        }
        words: list[str] = []
        for word in sys.argv[1:] if args is None else args:
            if words and words[-1] in takes_value and NEGATIVE.match(word):
                words[-1] += f"={word}"
            else:
                words.append(word)
        return super().parse_known_args(words, namespace)


@dataclass(frozen=True)
class Option:
    """One option of a verb, or one field of its settings."""

    #: A field of settings has a dotted name: ``probe.epochs``.
    name: str
    hint: Any
    default: Any
    help: str
    #: The heading under which helps list it; "" for those of the verb itself.
    group: str = ""

    @property
    def is_required(self) -> bool:
        """Whether it has no default; such an option is given by its position."""
        return self.default is Parameter.empty

    @property
    def is_switch(self) -> bool:
        """Whether it takes no value: its name alone sets it to true."""
        return self.hint is bool and self.default is False

    @property
    def is_list(self) -> bool:
        """Whether it takes all words that belong to no option."""
        return self.is_required and get_origin(self.hint) is list


def options_of(
    target: Callable[..., Any], prefix: str = "", keywords: Mapping[str, Sequence[Option]] | None = None
) -> list[Option]:
    """Return the options of a function or dataclass; those of settings are listed field by field.

    ``keywords`` holds, by the name of a ``**keyword`` parameter, the options that it stands for.
    """
    hints, helps = get_type_hints(target), help_texts(target)
    found: list[Option] = []
    for name, parameter in signature(target).parameters.items():
        if parameter.kind is Parameter.VAR_KEYWORD:
            found += [replace(one, group=READING) for one in (keywords or {}).get(name, ())]
            continue
        hint, default = hints[name], parameter.default
        if is_dataclass(hint) and isinstance(hint, type):
            inner = options_of(hint, f"{prefix}{name}.")
            if default is not Parameter.empty and default is not None:
                inner = [_with_default(one, default, f"{prefix}{name}.") for one in inner]
            found += inner
            continue
        if is_dataclass(target) and parameter.default is not Parameter.empty:
            default = default_of(target, name)
        group = prefix.partition(".")[0]
        found.append(Option(prefix + name, hint, default, helps.get(name, ""), group))
    return found


def _with_default(option: Option, settings: Any, prefix: str) -> Option:
    value = settings
    for part in option.name.removeprefix(prefix).split("."):
        value = getattr(value, part)
    return replace(option, default=value)


def default_of(target: Any, name: str) -> Any:
    """Return the default of a field of a dataclass."""
    field = next(one for one in fields(target) if one.name == name)
    if field.default_factory is not MISSING:
        return field.default_factory()
    return None if field.default is MISSING else field.default


def help_texts(target: Callable[..., Any]) -> dict[str, str]:
    """Return the description of every parameter in a docstring of Google's or NumPy's style."""
    from docstring_parser import parse

    found: dict[str, str] = {}
    for one in parse(target.__doc__ or "").params:
        text = re.sub(r":\w+:`~?(?:gazesim\.)?([^`]*)`|``([^`]*)``", r"\1\2", one.description or "")
        for name in one.arg_name.split(","):
            found[name.strip()] = " ".join(text.split())
    return found


def add_options(parser: argparse.ArgumentParser, options: Sequence[Option]) -> None:
    """Add options to a parser; a list of words that belong to no option is left to the caller."""
    groups: dict[str, Any] = {"": parser}
    for one in options:
        if one.is_list:
            continue
        if one.group not in groups:
            groups[one.group] = parser.add_argument_group(one.group)
        place = groups[one.group]
        if one.is_required:
            place.add_argument(one.name, type=_converter(one.name, one.hint), help=one.help)
        elif one.is_switch:
            place.add_argument(f"--{one.name}", action="store_true", dest=one.name, help=one.help)
            for word in (*TRUE, *FALSE):
                action = "store_true" if word in TRUE else "store_false"
                spelled = f"--{one.name}={word}"
                place.add_argument(spelled, action=action, dest=one.name, help=argparse.SUPPRESS)
        else:
            place.add_argument(
                f"--{one.name}",
                type=_converter(f"--{one.name}", one.hint),
                default=one.default,
                metavar=metavar(one.hint),
                help=f"{one.help} {shown_default(one)}".strip().replace("%", "%%"),
            )


def words_of(options: Sequence[Option], given: Mapping[str, Any]) -> list[str]:
    """Return the words of a command line for the values that differ from the defaults of their options."""
    words: list[str] = []
    for one in options:
        first, *inner = one.name.split(".")
        value = given[first]
        for name in inner:
            value = getattr(value, name)
        if one.is_required or value == one.default:
            continue
        if one.is_switch:
            words.append(f"--{one.name}")
            continue
        if _word(value) != _word(one.default):  # "" and no names are the same list
            words += option_words(one.name, value)
    return words


def option_words(name: str, value: Any) -> list[str]:
    """Return an option and its value as words that are read back: ``--name value``, or ``--name=-1,-1``.

    Examples
    --------
    >>> from gazesim.commands.options import option_words
    >>> option_words("screen_size", (64.0, 48.0)), option_words("offset", "-12,8")
    (['--screen_size', '64,48'], ['--offset=-12,8'])
    """
    text = _word(value)
    return [f"--{name}={text}"] if text.startswith("-") else [f"--{name}", text]


def _word(value: Any) -> str:
    """Return a value as it is typed."""
    if isinstance(value, dict):
        return json.dumps(value)
    if isinstance(value, (tuple, list)):
        return ",".join(map(_word, value))
    if isinstance(value, float):
        short = f"{value:g}"
        return short if float(short) == value else repr(value)
    return str(value)


def _converter(name: str, hint: Any) -> Callable[[str], Any]:
    return lambda text: converted(name, text, hint)


def build(target: type, prefix: str, given: dict[str, Any]) -> Any:
    """Return settings built from the values whose dotted names have the prefix."""
    hints, values = get_type_hints(target), {}
    for name in signature(target).parameters:
        inner = f"{prefix}{name}"
        if is_dataclass(hints[name]):
            values[name] = build(hints[name], f"{inner}.", given)
        elif inner in given:
            values[name] = given[inner]
    return target(**values)


def converted(name: str, value: Any, hint: Any) -> Any:
    """Convert a word, or a value of a configuration file, to the type of an option."""
    try:
        return _as(value, hint)
    except (ValueError, TypeError, OverflowError):
        hinted = did_you_mean(value, _choices(hint)) if isinstance(value, str) else ""
        raise UsageError(f"{name} is {value!r}; expected {expected(hint)}{hinted}") from None


def _as(value: Any, hint: Any) -> Any:
    kinds = members(hint)
    if len(kinds) > 1:
        if type(None) in kinds and (value is None or (isinstance(value, str) and value in NOTHING)):
            return None
        if type(value) in kinds and not isinstance(value, str):
            return value
        # The order matters: "1" is a number rather than true; a word is text only as the last choice.
        order = {bool: 1, str: 2}
        for kind in sorted(
            (kind for kind in kinds if kind is not type(None)), key=lambda one: order.get(one, 0)
        ):
            try:
                return _as(value, kind)
            except (ValueError, TypeError, OverflowError):
                continue
        raise ValueError
    kind, origin = kinds[0], get_origin(kinds[0])
    if origin is Literal:
        if value not in get_args(kind):
            raise ValueError
        return value
    if origin is tuple:
        return _numbers(value, get_args(kind))
    if origin is list:
        (inner,) = get_args(kind)
        items = [one.strip() for one in value.strip("[] ").split(",")] if isinstance(value, str) else value
        return [_as(one, inner) for one in items if one != ""]
    if origin is dict or kind is dict:
        return _mapping(value)
    if kind in (bool, int, float, str):
        return _scalar(value, kind)
    return value


def _scalar(value: Any, kind: type) -> Any:
    if kind is str:
        if not isinstance(value, str):
            raise TypeError
        return value
    if kind is bool:
        if isinstance(value, bool):
            return value
        if str(value).lower() in TRUE + FALSE:
            return str(value).lower() in TRUE
        raise ValueError
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        raise TypeError
    number = float(value)
    if kind is float:
        return number
    if number != int(number):
        raise ValueError
    return int(value) if isinstance(value, str) and re.fullmatch(r"\s*[+-]?\d+\s*", value) else int(number)


def _numbers(value: Any, items: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return ``64,48``, ``64x48``, ``(64, 48)`` or a list as a tuple of the right length."""
    if isinstance(value, str):
        value = re.split(r"\s*[,x×]\s*|\s+", value.strip("[]() ").rstrip(", "))
    parts = list(value)
    if items[-1] is Ellipsis:
        return tuple(_as(part, items[0]) for part in parts)
    if len(parts) != len(items):
        raise ValueError
    return tuple(_as(part, item) for part, item in zip(parts, items, strict=True))


def _mapping(value: Any) -> dict[str, Any]:
    if isinstance(value, str):
        value = json.loads(value)
    if not isinstance(value, dict):
        raise TypeError
    return value


def members(hint: Any) -> tuple[Any, ...]:
    """Return the types of a union, or the type itself."""
    return get_args(hint) if get_origin(hint) in (Union, types.UnionType) else (hint,)


def _choices(hint: Any) -> list[str]:
    found = [str(one) for kind in members(hint) if get_origin(kind) is Literal for one in get_args(kind)]
    return found + (["true", "false"] if bool in members(hint) else [])


def expected(hint: Any) -> str:
    """Return a description of the values that an option of this type accepts."""
    kinds = [kind for kind in members(hint) if kind is not type(None)]
    return " or ".join(dict.fromkeys(_words(kind) for kind in kinds))


def _words(kind: Any) -> str:
    origin, items = get_origin(kind), get_args(kind)
    if origin is Literal:
        return one_of(map(str, items))
    if origin is tuple:
        count = "" if items[-1] is Ellipsis else f"{len(items)} "
        return f"{count}numbers with commas between them"
    if origin is list:
        return f"a list of {'words' if items[0] is str else 'numbers'} with commas between them"
    if origin is dict or kind is dict:
        return "names and values such as '{\"alpha\": 0.2}'"
    names = {bool: "true or false", int: "a whole number", float: "a number", str: "text", type(None): "null"}
    return names.get(kind, f"a {getattr(kind, '__name__', 'value')}")


def metavar(hint: Any) -> str:
    """Return the placeholder of a value in a help text."""
    kinds = [kind for kind in members(hint) if kind is not type(None)]
    if choices := _choices(hint):
        return "{" + ",".join(choices) + "}"
    kind = kinds[0]
    origin, items = get_origin(kind), get_args(kind)
    if origin is tuple:
        return "N,..." if items[-1] is Ellipsis else ",".join("N" * len(items))
    if origin is list:
        return "A,B,..."
    return {int: "N", float: "X", str: "TEXT", dict: "JSON"}.get(kind if origin is None else origin, "VALUE")


def shown_default(option: Option) -> str:
    """Return the default in brackets, unless the help text states it."""
    if option.is_required or option.default in (None, "", {}, ()) or "efault" in option.help:
        return ""
    value = option.default
    if isinstance(value, tuple):
        value = ",".join(map(str, value))
    return f"[default: {str(value).lower() if isinstance(value, bool) else value}]"


def first_sentence(text: str) -> str:
    """Return the first sentence of a help text, without details and full stop."""
    return re.split(r"(?<=[^.])[.;]\s", f"{text} ", maxsplit=1)[0].strip().rstrip(".")


def lines_of(options: Sequence[Option], width: int) -> Iterator[str]:
    """Yield a line for each option: its name and its first sentence, cut to the width."""
    heads = [one.name.upper() if one.is_required else f"--{one.name}" for one in options]
    edge = max(map(len, heads), default=0)
    for head, one in zip(heads, options, strict=True):
        text = " ".join([first_sentence(one.help), shown_default(one)]).strip()
        line = f"  {head:<{edge}}  {text}"
        yield line if len(line) <= width else line[: width - 3].rsplit(" ", 1)[0] + " ..."
