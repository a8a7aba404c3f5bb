"""Checks of arguments, whose messages name the argument, its value and what was expected."""

from __future__ import annotations

import difflib
import math
from collections.abc import Iterable
from numbers import Integral, Real
from typing import Any


class UndefinedScoreWarning(UserWarning):
    """A score is undefined on some or all of its samples.

    Examples
    --------
    >>> import warnings
    >>> from gazesim.saliency import UndefinedScoreWarning, mean_scores
    >>> with warnings.catch_warnings(action="ignore", category=UndefinedScoreWarning):
    ...     mean_scores({"IG": [1.0, float("-inf")]})
    {'IG': MeanScore(mean=1.0, images=1, left_out=1)}
    """


def describe(value: object) -> str:
    """Return a short text for a value in a message."""
    shape = getattr(value, "shape", None)
    if isinstance(shape, tuple):
        return f"{type(value).__name__} of shape {shape}"
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def number(
    argument: str, value: object, *, low: float, high: float = math.inf, open_low: bool = False
) -> float:
    """Return ``value`` as a float within [low, high], or above ``low`` if ``open_low``."""
    if isinstance(value, bool) or not isinstance(value, Real):
        raise TypeError(f"{argument} is {describe(value)}; expected a number")
    result = float(value)
    if not (low < result if open_low else low <= result) or not result <= high or math.isinf(result):
        bounds = f"above {low:g}" if open_low else f"of at least {low:g}"
        upper = "" if math.isinf(high) else f" and at most {high:g}"
        raise ValueError(f"{argument} is {value}; expected a finite number {bounds}{upper}")
    return result


def integer(argument: str, value: object, *, low: int, high: int) -> int:
    """Return ``value`` as an int within [low, high]."""
    if isinstance(value, bool) or not isinstance(value, Integral):
        raise TypeError(f"{argument} is {describe(value)}; expected a whole number")
    if not low <= int(value) <= high:
        raise ValueError(f"{argument} is {value}; expected a whole number from {low} to {high}")
    return int(value)


def numbers(argument: str, value: object, count: int) -> tuple[float, ...]:
    """Return ``value`` as a tuple of ``count`` finite numbers of at least 0."""
    if isinstance(value, (str, bytes)) or not isinstance(value, Iterable):
        raise TypeError(f"{argument} is {describe(value)}; expected {count} numbers")
    items = tuple(value)
    if len(items) != count:
        raise ValueError(f"{argument} is {describe(value)}; expected {count} numbers, not {len(items)}")
    return tuple(number(f"{argument}[{position}]", item, low=0.0) for position, item in enumerate(items))


def choice(argument: str, value: object, options: Iterable[str]) -> str:
    """Return ``value`` if it is one of ``options``; the message suggests the nearest."""
    known = list(options)
    if isinstance(value, str) and value in known:
        return value
    error = ValueError if isinstance(value, str) else TypeError
    raise error(f"{argument} is {describe(value)}; expected {one_of(known)}{did_you_mean(value, known)}")


def one_of(options: Iterable[str]) -> str:
    """Return the options as text, with "or" before the last."""
    quoted = [f'"{option}"' for option in options]
    return quoted[0] if len(quoted) == 1 else f"{', '.join(quoted[:-1])} or {quoted[-1]}"


def did_you_mean(value: object, options: Iterable[str]) -> str:
    """Return the hint that ends a message, with the option nearest to ``value``, or an empty text."""
    near = difflib.get_close_matches(str(value), list(options), n=1)
    return f' (did you mean "{near[0]}"?)' if near else ""


def screen(argument: str, value: Any) -> tuple[float, float] | None:
    """Return a (width, height) of positive numbers, or None."""
    if value is None:
        return None
    width, height = numbers(argument, value, 2)
    if width == 0 or height == 0:
        raise ValueError(f"{argument} is {describe(value)}; expected a positive width and height in pixels")
    return width, height


def switch(argument: str, value: object) -> bool:
    """Return ``value`` if it is True or False; else raise TypeError."""
    if not isinstance(value, bool):
        raise TypeError(f"{argument} is {describe(value)}; expected True or False")
    return value
