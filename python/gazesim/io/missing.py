"""Codes for "no gaze": those of trackers, and those that ``missing=`` adds."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._errors import describe

__all__ = ["LostPoints"]

#: EyeLink's MISSING_DATA as a short integer, and as programs write it in text.
TRACKERS = frozenset({-32768.0, 1e8, -1e8})


@dataclass(frozen=True)
class LostPoints:
    """Codes for "no gaze": numbers that mean it in x or in y, and pairs (x, y) that mean it together."""

    values: frozenset[float] = frozenset()
    pairs: frozenset[tuple[float, float]] = frozenset()

    def has(self, x: float, y: float) -> bool:
        """Return whether the point (x, y) means "no gaze"."""
        return (
            x in self.values
            or y in self.values
            or (x, y) in self.pairs
            or not (math.isfinite(x) and math.isfinite(y))
        )

    def with_pair(self, x: float, y: float) -> LostPoints:
        """Return these codes with one more pair."""
        return LostPoints(self.values, self.pairs | {(x, y)})

    def cleared(self, places: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return places (n, 2), with NaN in both columns for "no gaze"."""
        lost: NDArray[np.bool_] = np.asarray(~np.isfinite(places).all(axis=1))
        if self.values:
            lost |= np.isin(places, list(self.values)).any(axis=1)
        for x, y in self.pairs:
            lost |= (places[:, 0] == x) & (places[:, 1] == y)
        return np.where(lost[:, None], np.nan, places)

    def of_trackers(self, *, origin: bool = False) -> LostPoints:
        """Return these codes with the codes that trackers use.

        ``origin`` is for trackers that write 0, 0 where they lost the eye.
        """
        pairs = self.pairs | {(0.0, 0.0)} if origin else self.pairs
        return LostPoints(self.values | TRACKERS, pairs)

    @classmethod
    def from_option(cls, missing: Any) -> LostPoints:
        """Return the codes of the option ``missing``.

        That is a number, a pair (x, y), or a list of numbers and pairs; in text, pairs have a comma
        and items are separated by spaces: ``"-1,-1 9999"``.
        """
        if missing is None:
            return cls()
        values: set[float] = set()
        pairs: set[tuple[float, float]] = set()
        if isinstance(missing, str):
            items: Iterable[Any] = [item.split(",") if "," in item else item for item in missing.split()]
        elif isinstance(missing, tuple) and len(missing) == 2:
            items = [missing]
        else:
            items = missing if isinstance(missing, Iterable) else [missing]
        for item in items:
            try:
                if isinstance(item, (list, tuple)):
                    x, y = map(float, item)
                    pairs.add((x, y))
                else:
                    values.add(float(item))
            except (TypeError, ValueError):
                raise ValueError(
                    f"missing is {describe(missing)}; expected a number, a pair x,y or several of them"
                ) from None
        return cls(frozenset(values), frozenset(pairs))
