"""Convert written labels to class numbers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..._errors import integer
from ..._progress import tell

__all__ = ["UNLABELLED", "coded", "is_absent"]

#: Stands for "no label" in ``labels``.
UNLABELLED = -1


def coded(labels: Sequence[Any], class_names: Sequence[str] | None) -> tuple[list[int], tuple[str, ...]]:
    """Return labels as positions in the classes, -1 for none, and the classes in order.

    The number -1 is no label; a line on stderr says how often. The text "-1" is a class.

    Examples
    --------
    >>> from gazesim.train.data.classes import coded
    >>> coded(["10", "", "2"], None)
    ([1, -1, 0], ('2', '10'))
    """
    if class_names is not None:
        codes = [
            UNLABELLED
            if is_absent(label)
            else integer(f"labels[{i}]", label, low=UNLABELLED, high=len(class_names) - 1)
            for i, label in enumerate(labels)
        ]
        return codes, tuple(class_names)
    words = ["" if is_absent(label) or _is_code(label) else str(label) for label in labels]
    if count := sum(map(_is_code, labels)):
        tell(f"{count} of {len(labels)} labels are the number {UNLABELLED}: these images count as unlabelled")
    names = tuple(sorted({word for word in words if word}, key=_order))
    code = {"": UNLABELLED} | {name: i for i, name in enumerate(names)}
    return [code[word] for word in words], names


def is_absent(value: Any) -> bool:
    """Whether there is no value: None, or NaN as pandas writes it."""
    return value is None or (isinstance(value, (float, np.floating)) and math.isnan(value))


def _is_code(label: Any) -> bool:
    """Whether the label is the number that stands for none."""
    return isinstance(label, (int, float, np.number)) and bool(label == UNLABELLED)


def _order(name: str) -> tuple[float, str]:
    """Grades by value, before names; "nan" and "inf" are names."""
    try:
        value = float(name)
    except ValueError:
        value = math.inf
    return (value if math.isfinite(value) else math.inf), name
